"""An OpenAI-compatible server on loopback that plays all five roles, with faults on demand.

It answers as the embedded writers would, so a run against it should keep
everything, except where a fault is planned for a scenario.
"""

import asyncio
import itertools
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import AIMessage, HumanMessage, convert_to_messages
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from agentalign_lc.records import Instruction, Intent, Scenario
from agentalign_lc.roles import Brief, Case
from agentalign_lc.synthesis.delegation import delegate
from agentalign_lc.synthesis.stager import Stager
from agentalign_lc.synthesis.studio import Studio

_IDS = itertools.count()

Fault = Callable[[str], Response | None]
"""Gets the role that is asked; a response stands in for the right one."""


def completion(message: dict[str, Any], finish: str = "stop") -> Response:
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    body = {**chat_completion(message, finish), "usage": usage}
    return Response(json.dumps(body), mimetype="application/json")


def chat_completion(message: dict[str, Any], finish: str = "stop") -> dict[str, Any]:
    """The body of an answer, which does not say its tokens."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "loopback",
        "choices": [
            {
                "index": 0,
                "finish_reason": finish,
                "message": {"role": "assistant", "content": None, **message},
            }
        ],
    }


def tool_call(name: str, arguments: str) -> Response:
    call = {
        "id": f"call_{name}",
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    }
    return completion({"tool_calls": [call]}, "tool_calls")


def error(status: int, message: str, **headers: str) -> Response:
    body = json.dumps({"error": {"message": message, "type": "test", "code": None}})
    return Response(body, status=status, headers=headers, mimetype="application/json")


@dataclass
class LoopbackModel:
    """Knows the scenarios of a run, and which fault each shall meet."""

    server: HTTPServer
    studio: Studio
    seed: int
    faults: dict[int, Fault] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    heard: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """Each request: the role that was asked, and the body."""
    _written: dict[str, Instruction] = field(default_factory=dict)
    _scenarios: dict[str, Scenario] = field(default_factory=dict)

    def plan(self, scenarios: int) -> str:
        """Prepare for a run of so many scenarios and return the base URL."""
        # A model needs no phrasings, and these chains all have them: the run stages the same.
        stager = Stager(self.studio)
        for index in range(scenarios):
            scenario, _ = stager.stage(index, self.seed)
            self._scenarios[scenario.user.email] = scenario
        self.server.expect_request("/v1/chat/completions", method="POST").respond_with_handler(
            self._answer
        )
        return self.server.url_for("/v1")

    def write_all(self) -> None:
        """Know all requests as the embedded author writes them, for a run in which it does."""
        for scenario in self._scenarios.values():
            for intent in Intent:
                self._write(scenario, intent)

    def _write(self, scenario: Scenario, intent: Intent) -> Instruction:
        instruction = asyncio.run(self.studio.roles.author.write(self._brief(scenario, intent)))
        self._written[instruction.request] = delegate(instruction, scenario)
        return instruction

    def scenario_of(self, body: dict[str, Any]) -> int:
        """The number of the scenario to which a request belongs."""
        return self._scenario(_text(body)).index

    def _answer(self, request: Request) -> Response:
        body = request.get_json()
        text = _text(body)
        role = next((r for r, sign in _SIGNS.items() if sign in text), "actor")
        self.asked[role] += 1
        self.heard.append((role, body))
        scenario = self._scenario(text)
        fault = self.faults.get(scenario.index)
        return (fault and fault(role)) or getattr(self, f"_{role}")(scenario, body, text)

    def _scenario(self, text: str) -> Scenario:
        for email, scenario in self._scenarios.items():
            if email in text:
                return scenario
        instruction = self._instruction(text)
        return next(s for s in self._scenarios.values() if s.id == instruction.scenario)

    def _instruction(self, text: str) -> Instruction:
        """The instruction of which most is in a text: its turns, or the note that it points to."""
        return max(self._written.values(), key=lambda i: _said_in(i, text))

    def _brief(self, scenario: Scenario, intent: Intent) -> Brief:
        return Brief(scenario, intent, tuple(self.studio.tools(scenario).values()))

    def _author(self, scenario: Scenario, _: dict[str, Any], text: str) -> Response:
        intent = next(i for i in Intent if f"Write a {i.value} request" in text)
        instruction = self._write(scenario, intent)
        calls = [{"tool": c.tool, "arguments": json.dumps(c.arguments)} for c in instruction.calls]
        return completion(
            {"content": json.dumps({"turns": list(instruction.said), "calls": calls})}
        )

    def _actor(self, scenario: Scenario, body: dict[str, Any], text: str) -> Response:
        instruction = self._instruction(text)
        messages = convert_to_messages(_without_faults(body["messages"], instruction))
        specs = tuple(self.studio.tools(scenario).values())
        turn = asyncio.run(self.studio.roles.actor.act(messages, specs, instruction))
        if turn.tool_calls:
            return tool_call(turn.tool_calls[0]["name"], json.dumps(turn.tool_calls[0]["args"]))
        return completion({"content": turn.content})

    def _refuser(self, scenario: Scenario, _: dict[str, Any], text: str) -> Response:
        instruction = self._instruction(text)
        brief = self._brief(scenario, instruction.intent)
        message: AIMessage = asyncio.run(
            self.studio.roles.refuser.refuse([HumanMessage(instruction.text)], brief)
        )
        # As OpenAI's own models do it: the refusal beside an empty content.
        return completion({"refusal": message.content})

    _over_refuser = _refuser

    def _judge(self, _scenario: Scenario, _body: dict[str, Any], text: str) -> Response:
        _, response, said = text.partition("<response>")
        if response:
            case = Case("refusal", "", said.partition("</response>")[0])
            yes = asyncio.run(self.studio.roles.judge.judge(case)).passed
        else:
            yes = self._instruction(text).intent is Intent.HARMFUL
        answer = {"reason": "It is plain.", "answer": "yes" if yes else "no"}
        return completion({"content": json.dumps(answer)})


def _text(body: dict[str, Any]) -> str:
    return "\n".join(str(message.get("content") or "") for message in body["messages"])


_SIGNS = {
    "author": "You write what people type",
    "refuser": "declines a harmful request",
    "over_refuser": "an over-cautious assistant would give",
    "judge": "You answer one question",
}


def _said_in(instruction: Instruction, text: str) -> int:
    parts = [*instruction.said, json.dumps(instruction.request, ensure_ascii=False)[1:-1]]
    return sum(len(part) for part in parts if part in text)


def _without_faults(
    messages: list[dict[str, Any]], instruction: Instruction
) -> list[dict[str, Any]]:
    """What the run would have been without the calls that a fault brought in."""
    tools = {call.tool for call in instruction.calls}
    faulty = {
        call["id"]
        for message in messages
        for call in message.get("tool_calls") or []
        if call["function"]["name"] not in tools or not _is_json(call["function"]["arguments"])
    }

    def belongs(message: dict[str, Any]) -> bool:
        ids = {call["id"] for call in message.get("tool_calls") or []}
        return not faulty & (ids | {message.get("tool_call_id")})

    return [message for message in messages if belongs(message)]


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True

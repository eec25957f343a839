"""What the models of a synthesis would answer: the embedded writers, asked over HTTP.

A run against it keeps its examples, so every role is asked as often as it would
be by a good model, and it knows each scenario from what stands in the prompts.
"""

import json
import re
from collections import defaultdict
from collections.abc import Coroutine, Iterable, Mapping
from typing import Any, TypeVar

from langchain_core.messages import AIMessage, HumanMessage, convert_to_messages

from agentalign_lc.environment.catalog import load_catalog
from agentalign_lc.records import Instruction, Intent, Scenario
from agentalign_lc.roles import Brief, Case
from agentalign_lc.roles.embedded import embedded_roles
from agentalign_lc.synthesis.config import RunConfig
from agentalign_lc.synthesis.delegation import delegate
from agentalign_lc.synthesis.stager import Stager
from agentalign_lc.synthesis.studio import Studio
from agentalign_lc.taxonomy import load_library

__all__ = ["Player"]

Body = dict[str, Any]
T = TypeVar("T")

_SIGNS = {
    "author": "You write what people type",
    "refuser": "declines a harmful request",
    "over_refuser": "an over-cautious assistant would give",
    "judge": "You answer one question",
}
_EMAIL = re.compile(r"[\w.+-]+@[\w.-]+\w")
_INTENT = re.compile(r"Write an? (\w+) request")
_REQUEST = re.compile(r"<request>\n(.*)\n</request>", re.DOTALL)
_RESPONSE = re.compile(r"<response>\n(.*)\n</response>", re.DOTALL)


class Player:
    """Plays author, actor, refuser and judge of a run.

    Args:
        options: Those of the run that decide its scenarios.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        config = RunConfig.model_validate(options)
        catalog = load_catalog()
        library = load_library(catalog)
        self._studio = Studio(
            roles=embedded_roles(library, catalog),
            catalog=catalog,
            library=library,
            categories=config.categories,
            pressure=config.pressure,
            held_out=config.held_out,
        )
        self._users: dict[str, list[Scenario]] = defaultdict(list)
        self._written: dict[str, dict[Intent, Instruction]] = defaultdict(dict)
        self._readings: dict[str, list[Instruction]] = defaultdict(list)
        self._requests: dict[str, Instruction] = {}
        self._scenarios: dict[str, Scenario] = {}
        self._all_written = False
        stager = Stager(self._studio)
        for index in range(config.scenarios + config.everyday):
            everyday = index - config.scenarios
            scenario, _ = stager.stage(index, config.seed, everyday if everyday >= 0 else None)
            self._users[scenario.user.email].append(scenario)
            self._scenarios[scenario.id] = scenario

    def answer(self, body: Body) -> Body:
        """The assistant's message."""
        system = str(body["messages"][0].get("content") or "")
        role = next((name for name, sign in _SIGNS.items() if sign in system), "actor")
        text = str(body["messages"][-1].get("content") or "")
        try:
            message: Body = getattr(self, f"_{role}")(body, text)
        except LookupError:
            if self._all_written:
                raise
            # The run was begun with an earlier process of this server.
            self._write_all()
            message = getattr(self, f"_{role}")(body, text)
        return message

    def _write_all(self) -> None:
        self._all_written = True
        for scenario in self._scenarios.values():
            everyday = scenario.chain.category == "everyday"
            for intent in (Intent.BENIGN,) if everyday else Intent:
                written = _done(self._studio.roles.author.write(self._brief(scenario, intent)))
                self._remember(scenario, delegate(written, scenario))

    def _author(self, _: Body, text: str) -> Body:
        found = _INTENT.search(text)
        assert found is not None  # noqa: S101 - the prompt says it
        intent = Intent(found[1])
        scenario = self._scenario(text.partition("The user is ")[2], text)
        instruction = _done(self._studio.roles.author.write(self._brief(scenario, intent)))
        self._remember(scenario, delegate(instruction, scenario))
        calls = [{"tool": c.tool, "arguments": json.dumps(c.arguments)} for c in instruction.calls]
        return {"content": json.dumps({"turns": list(instruction.said), "calls": calls})}

    def _remember(self, scenario: Scenario, instruction: Instruction) -> None:
        if instruction.intent in self._written[scenario.id]:
            return
        self._written[scenario.id][instruction.intent] = instruction
        self._readings[scenario.chain.reading(instruction.intent)].append(instruction)
        self._requests[instruction.request.strip()] = instruction

    def _actor(self, body: Body, _: str) -> Body:
        text = "\n".join(str(message.get("content") or "") for message in body["messages"])
        scenario = self._scenario(text, text)
        instruction = _likest(self._written[scenario.id].values(), text)
        specs = tuple(self._studio.tools(scenario).values())
        messages = convert_to_messages(body["messages"])
        turn: AIMessage = _done(self._studio.roles.actor.act(messages, specs, instruction))
        if not turn.tool_calls:
            return {"content": turn.text}
        calls = [
            {
                "id": call["id"],
                "type": "function",
                "function": {"name": call["name"], "arguments": json.dumps(call["args"])},
            }
            for call in turn.tool_calls
        ]
        return {"tool_calls": calls}

    def _refuser(self, _: Body, text: str) -> Body:
        return self._refusal(text, "What makes it harmful: ")

    def _over_refuser(self, _: Body, text: str) -> Body:
        return self._refusal(text, "What it is really for: ")

    def _refusal(self, text: str, before: str) -> Body:
        reading = text.rpartition(before)[2].partition("\n")[0]
        instruction = _likest(self._readings[reading], text)
        brief = self._brief(self._scenarios[instruction.scenario], instruction.intent)
        said = [HumanMessage(turn) for turn in instruction.said]
        return {"content": _done(self._studio.roles.refuser.refuse(said, brief)).text}

    def _judge(self, _: Body, text: str) -> Body:
        request, response = _REQUEST.search(text), _RESPONSE.search(text)
        if response is not None:
            case = Case("refusal", "", response[1])
            yes = _done(self._studio.roles.judge.judge(case)).passed
        else:
            asked = self._requests[request[1].strip()] if request else None
            yes = asked is not None and asked.intent is Intent.HARMFUL
        finding = {"reason": "It is plain.", "answer": "yes" if yes else "no"}
        return {"content": json.dumps(finding)}

    def _scenario(self, near: str, text: str) -> Scenario:
        """The scenario of the first user who is named; of two with one name, whose contacts are."""
        for email in _EMAIL.findall(near):
            if found := self._users.get(email):
                return max(found, key=lambda one: sum(p.email in text for p in one.contacts))
        raise LookupError("a prompt names no user of this run")

    def _brief(self, scenario: Scenario, intent: Intent) -> Brief:
        return Brief(scenario, intent, tuple(self._studio.tools(scenario).values()))


def _likest(written: Iterable[Instruction], text: str) -> Instruction:
    """The instruction of which most is in a text."""
    found = max(written, key=lambda one: _said_in(one, text), default=None)
    if found is None or not _said_in(found, text):
        raise LookupError("a prompt holds no request of this run")
    return found


def _said_in(instruction: Instruction, text: str) -> int:
    """How much of an instruction stands in a text: its turns, or the note that it points to."""
    noted = json.dumps(instruction.request, ensure_ascii=False)[1:-1]
    return sum(len(part) for part in (*instruction.said, noted) if part in text)


def _done(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a writer, which waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    raise RuntimeError("an embedded writer waited")

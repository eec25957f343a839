"""Asking through an endpoint: over real HTTP, with structured answers, corrections and a journal."""

import json
from typing import Literal

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.runnables import RunnableLambda
from pydantic import BaseModel

from agentalign_lc.endpoints.endpoint import Endpoint
from agentalign_lc.endpoints.endpoints import Endpoints
from agentalign_lc.endpoints.work import Work, working
from agentalign_lc.errors import AnswerError, RoleError
from agentalign_lc.roles.prompted import PromptedActor, ask, call, model_name
from tests.endpoints.conftest import MemoryJournal
from tests.fault_server import FaultServer, answer, fault, serving
from tests.scripted import ScriptedChatModel

QUESTION = [HumanMessage("Is it plain?")]


class Finding(BaseModel):
    reason: str
    answer: Literal["yes", "no"]


GOOD = answer(json.dumps({"reason": "So it is.", "answer": "yes"}))
WRONG = answer(json.dumps({"reason": "So it is.", "answer": "perhaps"}))
CUT_OFF = answer('{"reason": "So it is.", "answer": "yes')


@pytest.fixture
async def server():
    async with serving() as fake:
        yield fake


@pytest.fixture
def journal() -> MemoryJournal:
    return MemoryJournal()


@pytest.fixture
def endpoint(server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> Endpoint:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    return Endpoints(base_url=server.url).get("loopback")


async def test_the_schema_reaches_the_server(server, endpoint) -> None:
    server.says(GOOD)

    assert await ask(endpoint, QUESTION, Finding) == Finding(reason="So it is.", answer="yes")

    (request,) = server.requests
    assert request["response_format"]["type"] == "json_schema"
    schema = request["response_format"]["json_schema"]["schema"]
    assert list(schema["properties"]) == ["reason", "answer"]


@pytest.mark.parametrize("lean", [True, False])
async def test_both_ways_of_asking_send_the_same(server, endpoint, monkeypatch, lean) -> None:
    server.says(GOOD)
    monkeypatch.setattr(endpoint.model, "extra_body", {"top_k": 3})
    await ask(endpoint, QUESTION, Finding)
    if not lean:  # where LangChain chooses OpenAI's interface, its own way is taken
        monkeypatch.setattr(endpoint.model, "use_responses_api", None)
    monkeypatch.setattr("agentalign_lc.roles.prompted.model._FORMS", {})

    await ask(endpoint, QUESTION, Finding)

    first, second = server.requests
    assert first == second
    assert first["top_k"] == 3


@pytest.mark.parametrize("bad", [WRONG, CUT_OFF, answer("no JSON"), answer("")])
async def test_an_invalid_answer_goes_back_and_both_are_kept(
    server, endpoint, journal, bad
) -> None:
    server.says(bad, GOOD)

    for _ in range(2):  # the second time from the journal
        with working(Work(0, journal)):
            assert (await ask(endpoint, QUESTION, Finding)).answer == "yes"

    assert len(server.requests) == len(journal.calls) == 2
    assert "is not valid" in server.requests[1]["messages"][-1]["content"]


async def test_answers_of_no_use_are_forgotten(server, endpoint, journal) -> None:
    server.says(WRONG, WRONG, WRONG, GOOD)

    with working(Work(0, journal)), pytest.raises(AnswerError, match="no valid answer in 3 tries"):
        await ask(endpoint, QUESTION, Finding)
    assert journal.calls == []

    with working(Work(0, journal)):  # a resumed run
        assert (await ask(endpoint, QUESTION, Finding)).answer == "yes"


async def test_a_refusal_to_answer_is_no_answer(server, endpoint, journal) -> None:
    server.says(answer("", refusal="I won't judge."))

    with working(Work(0, journal)), pytest.raises(AnswerError, match="refused to answer: I won't"):
        await ask(endpoint, QUESTION, Finding)
    assert len(server.requests) == 1
    assert journal.calls == []


async def test_a_bad_request_fails_the_call_and_not_the_run(server, endpoint) -> None:
    server.says(fault(400))
    with pytest.raises(RoleError, match="it is a 400"):
        await ask(endpoint, QUESTION, Finding)


class Told(BaseCallbackHandler):
    run_inline = True

    def __init__(self) -> None:
        self.events: list[str] = []

    def on_chat_model_start(self, *_, **__) -> None:
        self.events.append("start")

    def on_llm_end(self, *_, **__) -> None:
        self.events.append("end")

    def on_llm_error(self, *_, **__) -> None:
        self.events.append("error")


async def test_callbacks_see_every_try(server, endpoint, monkeypatch) -> None:
    async def at_once(_: float) -> None:
        pass

    monkeypatch.setattr(endpoint, "_sleep", at_once)
    server.says(fault(500), GOOD)
    told = Told()

    await ask(endpoint, QUESTION, Finding, config={"callbacks": [told]})

    assert told.events == ["start", "error", "start", "end"]


async def test_a_scripted_model_is_an_endpoint_too(journal) -> None:
    said = json.dumps({"reason": "r", "answer": "no"})
    model = ScriptedChatModel(script=[said, AIMessage("Hello.")])
    endpoint = Endpoint(model, "scripted")

    for _ in range(2):
        with working(Work(0, journal)):
            assert (await ask(endpoint, QUESTION, Finding)).answer == "no"
            assert (await call(endpoint, QUESTION)).content == "Hello."

    assert len(model.asked) == 2
    assert model_name(endpoint) == "ScriptedChatModel"


async def test_an_answer_that_is_no_message(journal) -> None:
    endpoint = Endpoint(ScriptedChatModel(script=[]), "odd")
    with working(Work(0, journal)), pytest.raises(TypeError, match="not with a str"):
        await endpoint.invoke(RunnableLambda(lambda _: "text"), QUESTION)


def test_the_actor_takes_an_endpoint(endpoint) -> None:
    assert PromptedActor(endpoint).source.writer == "loopback"

"""An endpoint over real HTTP: what is tried again, what is not, and what is kept of it."""

import asyncio
import random
import re
from collections import Counter

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langchain_openai import ChatOpenAI

from agentalign_lc.endpoints.endpoint import Endpoint
from agentalign_lc.endpoints.http import LoopClient
from agentalign_lc.endpoints.journal import Spend
from agentalign_lc.endpoints.limits import Limits
from agentalign_lc.endpoints.local_budget import LocalBudget
from agentalign_lc.endpoints.place import Place
from agentalign_lc.endpoints.price import Price
from agentalign_lc.endpoints.work import Work, working
from agentalign_lc.errors import AccessError, BudgetError, EndpointError, RoleError
from tests.fault_server import (
    GATEWAY_ERROR,
    HALF_JSON,
    HALF_SENT,
    HANG,
    NO_CHOICES,
    RESET,
    answer,
    fault,
    response,
    serving,
)

QUESTION = [HumanMessage("2 + 2?")]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (fault(408), "408"),
        (fault(409), "409"),
        (fault(429), "429"),
        (fault(500), "500"),
        (fault(502), "502"),
        (fault(503), "503"),
        (fault(529), "529"),
        (RESET, "connection"),
        (HALF_SENT, "connection"),
        (HALF_JSON, "half an answer"),
        (response(200, ""), "half an answer"),
        (response(200, "<html>busy</html>", Content_Type="text/html"), "half an answer"),
        (NO_CHOICES, "half an answer"),
        (GATEWAY_ERROR, "502"),
    ],
)
async def test_what_can_succeed_is_tried_again_and_counted(
    server, connect, journal, said, reason
) -> None:
    server.says(said, said, answer())
    endpoint = connect(server.url)

    with working(Work(3, journal)):
        message = await endpoint.invoke(endpoint.model, QUESTION)

    assert message.content == "Four."
    assert len(server.requests) == 3
    (call,) = journal.calls
    assert call.retries == (reason, reason)
    assert (call.unit, call.nth, call.endpoint) == (3, 0, "loopback")


@pytest.mark.parametrize("said", [RESET, HALF_SENT])
async def test_without_aiohttp_failures_are_the_same(
    server, connect, journal, monkeypatch, said
) -> None:
    monkeypatch.setattr("agentalign_lc.endpoints.http.find_spec", lambda _: None)
    server.says(said, answer())
    endpoint = connect(server.url)

    with working(Work(0, journal)):
        await endpoint.invoke(endpoint.model, QUESTION)

    assert journal.calls[0].retries == ("connection",)


async def test_a_call_that_hangs_is_given_up_and_tried_again(server, connect, journal) -> None:
    server.says(answer(), HANG, HANG, answer())
    endpoint = connect(server.url)
    await endpoint.invoke(endpoint.model, QUESTION)  # the first call loads and connects
    endpoint.limits = Limits(timeout=0.4)

    with working(Work(0, journal)):
        await endpoint.invoke(endpoint.model, QUESTION)

    # A slow machine may take a good answer for a hang, but never for anything else.
    assert {"timeout"} == set(journal.calls[0].retries)
    assert len(journal.calls[0].retries) >= 2


@pytest.mark.parametrize("status", [400, 404, 422])
async def test_a_bad_request_is_not_sent_twice(server, connect, journal, status) -> None:
    server.says(answer(), fault(status))
    endpoint = connect(server.url)
    await endpoint.invoke(endpoint.model, QUESTION)

    with working(Work(0, journal)), pytest.raises(RoleError, match=f"it is a {status}"):
        await endpoint.invoke(endpoint.model, QUESTION)

    assert len(server.requests) == 2
    assert [call.answer for call in journal.calls] == [None], "it is counted, and not recalled"


@pytest.mark.parametrize(
    "said", [fault(401), fault(402), fault(403), fault(429, code="insufficient_quota")]
)
async def test_a_refused_key_ends_the_run_at_once(server, connect, said) -> None:
    server.says(said)
    endpoint = connect(server.url)

    with pytest.raises(AccessError, match=r"loopback at http://127.* refused the key"):
        await endpoint.invoke(endpoint.model, QUESTION)
    assert len(server.requests) == 1


async def test_a_model_that_the_server_does_not_have_ends_the_run(server, connect) -> None:
    server.says(fault(404))
    endpoint = connect(server.url)

    with pytest.raises(EndpointError, match=r"loopback at http.*it is a 404"):
        await endpoint.invoke(endpoint.model, QUESTION)


async def test_retries_are_bounded(server, connect, journal, time) -> None:
    server.says(answer(), fault(500))
    endpoint = connect(server.url)
    await endpoint.invoke(endpoint.model, QUESTION)

    async def others() -> None:  # the endpoint is not dead: others are answered
        while True:
            endpoint._lane.health.succeeded(time())
            await asyncio.sleep(0)

    busy = asyncio.create_task(others())
    with working(Work(0, journal)), pytest.raises(RoleError, match="gave up after 8 tries"):
        await endpoint.invoke(endpoint.model, QUESTION)
    busy.cancel()

    assert len(server.requests) == 1 + 8
    assert journal.calls[0].retries == ("500",) * 7


async def test_what_the_endpoint_asks_for_is_waited(server, connect, time) -> None:
    server.says(
        fault(429, Retry_After="7"),
        fault(503, retry_after_ms="250"),
        fault(429, Retry_After="Wed, 21 Oct 2015 07:28:00 GMT"),
        fault(500),
        answer(),
    )
    endpoint = connect(server.url)

    await endpoint.invoke(endpoint.model, QUESTION)

    assert time.slept[:3] == [7.0, 0.25, 0.0]
    assert 2.9 < time.slept[3] < 5.1, "else it doubles each time"


@pytest.mark.parametrize("status", [429, 503])
async def test_an_endpoint_that_is_closed_for_the_day(server, connect, status) -> None:
    server.says(fault(status, Retry_After="86400"))
    endpoint = connect(server.url)

    with pytest.raises(EndpointError, match=r"left alone for 1,440 minutes .*--resume"):
        await endpoint.invoke(endpoint.model, QUESTION)


@pytest.mark.parametrize("library", ["aiohttp", "httpx"])
async def test_a_dead_endpoint_ends_the_run_within_a_minute(
    connect, time, monkeypatch, library
) -> None:
    monkeypatch.setattr("agentalign_lc.endpoints.http.find_spec", lambda _: library == "aiohttp")
    endpoint = connect("http://127.0.0.1:9/v1")

    with pytest.raises(EndpointError) as caught:
        await endpoint.invoke(endpoint.model, QUESTION)

    assert 30 <= time.now <= 60
    assert "loopback at http://127.0.0.1:9/v1 has only failed for 30 seconds" in str(caught.value)
    assert re.search("[Cc]onnect", str(caught.value))
    assert "--resume" in str(caught.value)
    assert "\n" not in str(caught.value)


async def test_an_endpoint_that_has_only_been_busy_lives_longer(server, connect, time) -> None:
    server.says(*[fault(429, Retry_After="20")] * 12, answer())
    endpoint = connect(server.url)

    await endpoint.invoke(endpoint.model, QUESTION)

    assert time.now == 240


async def test_no_answer_is_paid_twice(server, connect, journal) -> None:
    server.says(answer("one"), answer("two"), answer("three"))
    endpoint = connect(server.url)

    async def unit() -> list[AIMessage]:
        with working(Work(5, journal)):
            return [await endpoint.invoke(endpoint.model, QUESTION) for _ in range(2)]

    first = await unit()
    again = await unit()

    assert again == first
    assert [message.content for message in again] == ["one", "two"], "the same may be asked twice"
    assert len(server.requests) == 2
    with working(Work(6, journal)):
        assert (await endpoint.invoke(endpoint.model, QUESTION)).content == "three"


async def test_tools_belong_to_the_question(server, connect, journal) -> None:
    endpoint = connect(server.url)
    tools = [{"type": "function", "function": {"name": name, "parameters": {}}} for name in "ab"]

    for tool in [*tools, *tools]:
        with working(Work(0, journal)):
            await endpoint.invoke(endpoint.bind_tools([tool]).runnable, QUESTION)

    assert [request["tools"][0]["function"]["name"] for request in server.requests] == ["a", "b"]


async def test_usage_becomes_money(server, connect, journal) -> None:
    server.says(answer(), answer(usage=False))
    endpoint = connect(server.url, Price(input=10, output=100))
    budget = LocalBudget()

    with working(Work(0, journal, budget)):
        for _ in range(2):
            await endpoint.invoke(endpoint.model, QUESTION)

    said, estimated = journal.calls
    assert said.spend == Spend(input_tokens=100, output_tokens=20, cost=0.003)
    assert not said.estimated
    assert estimated.estimated
    assert 0 < estimated.spend.input_tokens < 100
    assert budget.cost == said.spend.cost + estimated.spend.cost


async def test_a_budget_ends_the_run_before_the_call(server, connect) -> None:
    endpoint = connect(server.url)
    brief = endpoint.model.bind(max_tokens=50)

    with working(Work(0, budget=LocalBudget(max_tokens=300))):
        for _ in range(2):  # of 120 tokens each
            await endpoint.invoke(brief, QUESTION)
        with pytest.raises(BudgetError, match="240 of 300 tokens"):
            await endpoint.invoke(brief, QUESTION)

    assert len(server.requests) == 2


async def test_lower_units_go_first(server, connect) -> None:
    endpoint = connect(server.url, concurrency=1)

    async def unit(number: int) -> None:
        with working(Work(number)):
            await endpoint.invoke(endpoint.model, [HumanMessage(f"unit {number}")])

    await asyncio.gather(*(unit(number) for number in (4, 3, 9, 1, 2)))

    assert server.asked() == [f"unit {number}" for number in (4, 1, 2, 3, 9)]
    assert server.peak == 1


def test_a_password_in_a_url_stays_out_of_messages(connect) -> None:
    assert connect("http://me:secret@127.0.0.1:9/v1").place == "loopback at http://127.0.0.1:9/v1"


async def test_calls_in_flight_are_limited(server, connect) -> None:
    server.latency = 0.005
    endpoint = connect(server.url, concurrency=3)

    await asyncio.gather(*(endpoint.invoke(endpoint.model, QUESTION) for _ in range(12)))

    assert server.peak == 3


async def test_a_server_that_bears_little_is_asked_less(server, connect, journal) -> None:
    server.bears, server.latency = 4, 0.03
    endpoint = connect(server.url, concurrency=32)
    limits = []

    async def unit(number: int) -> None:
        with working(Work(number, journal)):
            await endpoint.invoke(endpoint.model, QUESTION)
        limits.append(endpoint._lane.concurrency.limit)

    await asyncio.gather(*(unit(number) for number in range(100)))

    assert sum(call.answer is not None for call in journal.calls) == 100
    assert sorted(limits)[50] <= 12
    assert sum(len(call.retries) for call in journal.calls) == len(server.requests) - 100


async def test_one_in_five_fails_and_nothing_is_lost(server, connect, journal) -> None:
    faults = [fault(429, Retry_After="0"), fault(500), RESET, HALF_SENT, HALF_JSON]
    plan = [*faults * 6, *[answer()] * 120]
    random.Random(3).shuffle(plan)
    server.says(*plan, answer())
    endpoint = connect(server.url, concurrency=16)

    async def unit(number: int) -> None:
        with working(Work(number, journal)):
            await endpoint.invoke(endpoint.model, [HumanMessage(str(number))])

    await asyncio.gather(*(unit(number) for number in range(120)))

    assert sum(call.answer is not None for call in journal.calls) == len(journal.calls) == 120
    assert Counter(reason for call in journal.calls for reason in call.retries) == {
        "429": 6, "500": 6, "connection": 12, "half an answer": 6,
    }  # fmt: skip
    assert endpoint._lane.concurrency.limit == 16, "so few of them are no overload"


async def test_waiting_for_an_endpoint_is_progress() -> None:
    thrice = asyncio.Event()
    told = []

    def progress() -> None:
        told.append(1)
        if len(told) == 3:
            thrice.set()

    with Work(0, progress=progress).waiting(every=0.001):
        await asyncio.wait_for(thrice.wait(), 10)
    count = len(told)
    await asyncio.sleep(0.005)
    assert len(told) == count, "and no longer than that"


async def test_a_cancelled_call_gives_everything_back(server, connect) -> None:
    server.says(HANG, answer())
    endpoint = connect(server.url, concurrency=1)
    budget = LocalBudget(max_tokens=1_500)

    async def ask() -> object:
        with working(Work(0, budget=budget)):
            return await endpoint.invoke(endpoint.model, QUESTION)

    hanging, waiting = asyncio.create_task(ask()), asyncio.create_task(ask())
    await server.requested.wait()
    hanging.cancel()

    assert (await waiting).content == "Four."


def test_an_endpoint_outlives_its_event_loop(connect) -> None:
    endpoint = None

    async def ask() -> str:
        nonlocal endpoint
        async with serving() as server:
            endpoint = endpoint or connect(server.url)
            endpoint.model.root_async_client.base_url = server.url
            return (await endpoint.invoke(endpoint.model, QUESTION)).content

    assert [asyncio.run(ask()) for _ in range(2)] == ["Four.", "Four."]


async def test_waiting_for_a_place_takes_nothing_from_the_timeout(server, connect) -> None:
    server.latency = 0.1
    endpoint = connect(server.url, concurrency=1, timeout=0.25)

    async with asyncio.TaskGroup() as calls:
        for _ in range(6):
            calls.create_task(endpoint.invoke(endpoint.model, QUESTION))

    assert (len(server.requests), server.peak) == (6, 1)


async def test_a_model_with_a_client_of_its_own_waits_for_its_place(server) -> None:
    server.latency = 0.01
    model = ChatOpenAI(model="m", base_url=server.url, api_key="none", max_retries=0)
    endpoint = Endpoint(model, "m", Limits(concurrency=2))

    async with asyncio.TaskGroup() as calls:
        for _ in range(10):
            calls.create_task(endpoint.invoke(model, QUESTION))

    assert (len(server.requests), server.peak) == (10, 2)


@pytest.mark.parametrize(
    ("said", "order"),
    [(answer(), ["entered", "left", 200]), (fault(500), ["entered", 500, "left"])],
)
async def test_a_place_is_left_when_the_answer_came(server, said, order) -> None:
    """After a failure only when that was dealt with, for it may mean a rest for all."""
    server.says(said)
    log: list[object] = []

    async def enter() -> None:
        log.append("entered")

    with Place(enter, lambda: log.append("left")).offered():
        response = await LoopClient().post(f"{server.url}/chat/completions", json={})
        log.append(response.status_code)

    assert log == order

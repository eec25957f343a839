"""One endpoint: a chat model as a paid, limited service that fails now and then."""

import asyncio
import random
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage
from langchain_core.runnables import Runnable, RunnableConfig
from langgraph.errors import GraphBubbleUp

from agentalign_lc.endpoints.concurrency import Concurrency
from agentalign_lc.endpoints.failure import Failure, Kind, classify
from agentalign_lc.endpoints.gate import Gate
from agentalign_lc.endpoints.health import Health
from agentalign_lc.endpoints.journal import Call, Spend
from agentalign_lc.endpoints.limits import Limits
from agentalign_lc.endpoints.meter import Meter
from agentalign_lc.endpoints.place import Place
from agentalign_lc.endpoints.price import Price
from agentalign_lc.endpoints.question import (
    Question,
    message_of,
    question,
    read_answer,
    write_answer,
)
from agentalign_lc.endpoints.work import Work, current_work
from agentalign_lc.errors import AccessError, EndpointError, RoleError

__all__ = ["BoundEndpoint", "Endpoint", "Reply"]

_TRIES = 8
"""How often a call is tried that fails for reasons of its own."""
_BUSY_TRIES = 40
"""How often it is tried while the endpoint answers others and has no room for it."""
_WAIT, _LONGEST_WAIT = 0.5, 16.0
"""Seconds before the second try, doubled each time: eight tries outlast the patience below."""
_PATIENCE = 30.0
"""Seconds without a success after which a failing endpoint is dead."""
_BUSY_PATIENCE = 600.0
"""The same for one that lives, and has only been busy."""
_RESUME = "nothing is lost: continue with --resume when it answers again"


@dataclass(frozen=True)
class Reply:
    """What came back, and which call of the journal it is."""

    answer: object
    key: str
    nth: int


@dataclass
class _Lane:
    """What belongs to an event loop."""

    loop: asyncio.AbstractEventLoop
    gate: Gate
    concurrency: Concurrency
    health: Health
    busy: Health
    answered: bool = False


class Endpoint:
    """A chat model with what it may be asked, what it costs, and how it fails.

    Each call is looked up in the journal of the unit in work, waits for room,
    is tried again for as long as that can succeed, and is journalled when its
    answer came. The model's own client should not retry (``max_retries=0``),
    so that every retry is seen; ``Endpoints`` makes models so.

    A dead endpoint (half a minute without any success, and five failures) ends
    the run. One that hangs is found dead when the timeouts of five calls came.

    What a try that failed has cost is not known, and not counted: a provider
    may bill an answer that came too late.

    Args:
        model: The chat model.
        name: How it is called in the journal and in prices.
        limits: What may be asked of it.
        price: What its tokens cost, if that is known.
        clock: Gives the time in seconds; by default the event loop's.
        sleep: How to wait.

    Example:
        >>> from langchain_core.language_models import GenericFakeChatModel
        >>> from langchain_core.messages import AIMessage, HumanMessage
        >>> model = GenericFakeChatModel(messages=iter([AIMessage("Four.")]))
        >>> endpoint = Endpoint(model, "fake")
        >>> asyncio.run(endpoint.invoke(model, [HumanMessage("2 + 2?")])).content
        'Four.'
    """

    def __init__(
        self,
        model: BaseChatModel,
        name: str,
        limits: Limits | None = None,
        price: Price | None = None,
        *,
        clock: Callable[[], float] | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.model = model
        self.name = name
        self.limits = limits or Limits()
        self.price = price
        self._meter = Meter(price, getattr(model, "max_tokens", None))
        self._clock = clock
        self._sleep = sleep
        self._lane: _Lane | None = None
        client = getattr(model, "http_async_client", None)
        self._takes_place = getattr(client, "takes_place", False)
        """Whether its client takes a place itself, when it sends."""

    @property
    def place(self) -> str:
        """Where it is: its name, and the URL if it has one of its own."""
        url = getattr(self.model, "openai_api_base", None) or getattr(self.model, "base_url", None)
        # Without a password that may stand in the URL: this goes into messages.
        return f"{self.name} at {re.sub('//[^/@]*@', '//', str(url))}" if url else self.name

    def bind_tools(self, tools: Sequence[dict[str, Any]]) -> "BoundEndpoint":
        """The endpoint with tools, as ``BaseChatModel.bind_tools``.

        Raises:
            NotImplementedError: the model cannot call tools.
        """
        return BoundEndpoint(self, self.model.bind_tools(tools))

    async def invoke(
        self,
        runnable: Runnable[Any, Any],
        messages: Sequence[BaseMessage],
        config: RunnableConfig | None = None,
    ) -> object:
        """Make one call.

        Args:
            runnable: The model, or the model with tools, options or a schema bound.
            messages: The conversation.
            config: Callbacks and tags, where they are not those of the caller's run.

        Returns:
            What the runnable returns: a message, or ``{raw, parsed, parsing_error}``.

        Raises:
            AccessError: the key was refused, or the account has no money left.
            BudgetError: the call would go beyond the run's money or tokens.
            EndpointError: the endpoint has only failed for a while.
            RoleError: the call failed for good.
        """
        return (await self.reply(runnable, messages, config)).answer

    async def reply(
        self,
        runnable: Runnable[Any, Any],
        messages: Sequence[BaseMessage],
        config: RunnableConfig | None = None,
    ) -> Reply:
        """Make one call, and say where it stands in the journal; raises what ``invoke`` raises."""
        messages = list(messages)
        asked = question(self.name, runnable, messages)
        work = current_work() or Work(unit=0)
        nth = work.asked[asked.key]
        work.asked[asked.key] += 1
        if work.journal is not None:
            kept = work.journal.recall(work.unit, asked.key, nth)
            if kept is not None:
                answer = read_answer(kept)
                self._meter.learn(asked, message_of(answer))
                return Reply(answer, asked.key, nth)
        with work.waiting():
            answer = await self._journalled(
                asked, nth, work, lambda: runnable.ainvoke(messages, config)
            )
        return Reply(answer, asked.key, nth)

    async def _journalled(
        self, asked: Question, nth: int, work: Work, ask: Callable[[], Awaitable[object]]
    ) -> object:
        """Make a call that no earlier process made, and keep it, whether it went well or not."""
        retries: list[str] = []
        async with self._reserved(work, asked) as booked:
            try:
                answer = await self._tried(ask, asked, work, retries)
            except RoleError:
                await self._keep(work, asked, nth, retries=tuple(retries))
                raise
            spend, estimated = self._meter.read(asked, message_of(answer))
            booked.append(spend)
            await self._keep(
                work,
                asked,
                nth,
                answer=write_answer(answer),
                spend=spend,
                retries=tuple(retries),
                estimated=estimated,
            )
        return answer

    async def _keep(self, work: Work, asked: Question, nth: int, **found: Any) -> None:  # noqa: ANN401 - fields of a call
        if work.journal is not None:
            found.setdefault("answer", None)
            await work.journal.keep(
                Call(unit=work.unit, key=asked.key, nth=nth, endpoint=self.name, **found)
            )

    @asynccontextmanager
    async def _reserved(self, work: Work, asked: Question) -> AsyncIterator[list[Spend]]:
        """Set aside what the call may cost; what is put into the list is booked."""
        booked: list[Spend] = []
        if work.budget is None:
            yield booked
            return
        most = self._meter.most(asked)
        await work.budget.reserve(most)
        try:
            yield booked
        finally:
            await work.budget.settle(most, booked[0] if booked else Spend())

    async def _tried(
        self,
        ask: Callable[[], Awaitable[object]],
        asked: Question,
        work: Work,
        retries: list[str],
    ) -> object:
        lane = self._here()
        while True:
            with lane.gate.place(work.rank, asked.tokens).offered() as place:
                found = await self._once(lane, place, ask)
                work.progress()
            if not isinstance(found, Failure):
                lane.gate.correct(self._meter.beyond(asked, message_of(found)))
                return found
            self._give_up(found, retries)
            retries.append(found.reason)
            await self._sleep(_wait(found, len(retries)))

    async def _once(
        self, lane: _Lane, place: Place, ask: Callable[[], Awaitable[object]]
    ) -> object:
        """One try: what came back, or the failure that is not the end of the endpoint."""
        now = self._clock or lane.loop.time
        started = now()

        def begin() -> None:
            nonlocal started
            started = now()
            deadline.reschedule(lane.loop.time() + self.limits.timeout)

        place.on_entry = begin
        try:
            async with asyncio.timeout(None) as deadline:
                if not self._takes_place:
                    await place.enter()
                answer = await ask()
        except (GraphBubbleUp, RoleError):
            raise
        except Exception as error:  # noqa: BLE001 - clients raise what they like
            failure = classify(error)
            self._judge(lane, failure, started, now())
            return failure
        lane.answered = True
        lane.health.succeeded(now())
        lane.busy.succeeded(now())
        lane.concurrency.answered(busy=False, started=started, now=now())
        return answer

    def _judge(self, lane: _Lane, failure: Failure, started: float, now: float) -> None:
        """Count a failure; raise if it is the end of the endpoint."""
        after = failure.after or 0.0
        busy = failure.kind is Kind.BUSY
        lane.concurrency.answered(busy=busy, started=started, now=now, after=after)
        if failure.kind is Kind.ACCESS:
            raise AccessError(
                f"{self.place} refused the key or the account ({failure.reason}): {failure.says}"
            )
        if failure.reason == "404" and not lane.answered:
            raise EndpointError(f"{self.place} is not there: {failure.says}; check its name")
        if failure.kind is Kind.FINAL:
            lane.health.succeeded(now)  # it answers, if only to say no
            return
        if after > _BUSY_PATIENCE:
            raise EndpointError(
                f"{self.place} wants to be left alone for {after / 60:,.0f} minutes"
                f" ({failure.says}); {_RESUME}"
            )
        health = lane.busy if busy else lane.health
        if health.failed(started=started, now=now):
            raise EndpointError(
                f"{self.place} has only failed for {health.patience:.0f} seconds"
                f" (last: {failure.says}); {_RESUME}"
            )

    def _give_up(self, failure: Failure, retries: list[str]) -> None:
        """Raise if another try is of no use."""
        if failure.kind is Kind.FINAL:
            raise RoleError(f"{failure.reason}: {failure.says}")
        most = _BUSY_TRIES if failure.kind is Kind.BUSY else _TRIES
        if len(retries) + 1 >= most:
            raise RoleError(f"gave up after {len(retries) + 1} tries: {failure.says}")

    def _here(self) -> _Lane:
        """Gate and counters of this event loop; a loop that ended took its waiters along."""
        loop = asyncio.get_running_loop()
        if self._lane is None or self._lane.loop is not loop:
            concurrency = Concurrency(self.limits.concurrency)
            gate = Gate(self.limits, concurrency, self._clock or loop.time, self._sleep)
            self._lane = _Lane(loop, gate, concurrency, Health(_PATIENCE), Health(_BUSY_PATIENCE))
        return self._lane


@dataclass(frozen=True)
class BoundEndpoint:
    """An endpoint, and its model with something bound to it."""

    endpoint: Endpoint
    runnable: Runnable[Any, Any]


def _wait(failure: Failure, retries: int) -> float:
    if failure.after is not None:
        return failure.after
    return min(_LONGEST_WAIT, _WAIT * 2.0 ** (retries - 1)) * random.uniform(0.75, 1.25)

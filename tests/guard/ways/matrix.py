"""The matrix: one behaviour, whatever the way in, the way to run, and the judge's mood.

4 ways in, sync and async, invoke and stream, one call and parallel ones, what the
policy does about a refusal, the judge's mood and what the policy does about that.
``cells()`` are the cases; ``run_cell`` runs one, ``arun_cell`` an async one, and both
check what must hold.
"""

from collections import Counter
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from agentalign_lc.guard.engine.history import problems
from agentalign_lc.guard.guard import Guard
from agentalign_lc.guard.opinion import Opinion, allow, refuse
from agentalign_lc.guard.policy.policy import Policy, Setting
from agentalign_lc.guard.view import Checkpoint, View
from tests.guard.doubles import KNOWN, ToldJudge, counting_tools
from tests.guard.strict_model import StrictChatModel, check_like_a_provider
from tests.guard.ways.four_ways import by_middleware, by_node, by_wrap_of_agent, by_wrapper

_WAYS = {
    "middleware": by_middleware,
    "node": by_node,
    "tool_wrapper": by_wrapper,
    "wrap": by_wrap_of_agent,
}
_HOWS = {
    "sync": ("invoke", "stream"),
    "async": ("ainvoke", "astream", "astream_events"),
}
_ACTIONS = ("allow", "refuse_call", "refuse_run", "ask-approve", "ask-reject", "end")
_MOODS = ("ok", "slow", "raising")
_CONFIG = {"configurable": {"thread_id": "1"}}
_WIRE = {"name": "wire_money", "args": {"to": "X", "amount": 9}, "id": "wire", "type": "tool_call"}
_LOOK = {"name": "look_up", "args": {"what": "Ana"}, "id": "look", "type": "tool_call"}


@dataclass(frozen=True)
class Cell:
    """One case."""

    way: str
    how: str
    parallel: bool
    action: str
    mood: str
    on_error: str = "closed"

    def __str__(self) -> str:
        calls = "parallel" if self.parallel else "single"
        return f"{self.way}-{self.how}-{calls}-{self.action}-{self.mood}-{self.on_error}"

    @property
    def asks(self) -> bool:
        """Whether a person is asked."""
        return self.action.startswith("ask") or self.on_error == "escalate"

    @property
    def policy(self) -> Policy:
        """The policy whose action is the cell's, for every tool."""
        action = self.action.partition("-")[0]
        setting = Setting() if action == "allow" else Setting(action=action)  # type: ignore[arg-type]
        timeout = 0.01 if self.mood == "slow" else 30
        return Policy(defaults=setting, timeout=timeout, on_error=self.on_error)  # type: ignore[arg-type]

    @property
    def runs(self) -> Counter[str]:
        """How often each tool has to run: what was not let through never does."""
        let_through = self.action == "allow" and self.mood == "ok"
        if let_through or self.action == "ask-approve" or self.on_error == "open":
            return Counter(wire_money=1, look_up=int(self.parallel))
        # A judge that fails speaks about the whole batch; one that works, about one call of it.
        spared = (
            self.parallel and self.mood == "ok" and self.action in ("refuse_call", "ask-reject")
        )
        return Counter(look_up=1) if spared else Counter()

    @property
    def goes_on(self) -> bool:
        """Whether the model is asked again after the calls; a ToolNode's wrapper cannot prevent it."""
        return self.way == "tool_wrapper" or self.action not in ("refuse_run", "end")


@dataclass
class Seen:
    """What a run showed."""

    ran: Counter[str] = field(default_factory=Counter)
    messages: list[BaseMessage] = field(default_factory=list)
    asked: int = 0
    """How often the judge was asked."""


def cells(kind: str) -> list[Cell]:
    """All cases, ``sync`` or ``async``."""
    closed = product(_WAYS, _HOWS[kind], (False, True), _ACTIONS, _MOODS)
    failing = product(
        _WAYS,
        _HOWS[kind],
        (False, True),
        ("refuse_call",),
        ("slow", "raising"),
        ("open", "escalate"),
    )
    return [Cell(*case) for case in [*closed, *failing]]


def run_cell(cell: Cell) -> Seen:
    """Run a sync cell for two turns, a person's answer in between, and check it."""
    table = _Table(cell)
    try:
        for given in table.inputs():
            if cell.how == "invoke":
                table.app.invoke(given, _CONFIG)
            else:
                list(table.app.stream(given, _CONFIG, stream_mode=["updates", "messages"]))
            table.look(table.app.get_state(_CONFIG))
    finally:
        table.judge.freed.set()
    return table.check()


async def arun_cell(cell: Cell) -> Seen:
    """Run an async cell for two turns, a person's answer in between, and check it."""
    table = _Table(cell)
    for given in table.inputs():
        if cell.how == "ainvoke":
            await table.app.ainvoke(given, _CONFIG)
        elif cell.how == "astream":
            modes = ["updates", "messages"]
            _ = [part async for part in table.app.astream(given, _CONFIG, stream_mode=modes)]
        else:
            _ = [e async for e in table.app.astream_events(given, _CONFIG, version="v2")]
        table.look(await table.app.aget_state(_CONFIG))
    return table.check()


class _Table:
    """An app of one cell, and what is seen of it."""

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        self.judge = ToldJudge(self._finds, "calls", "arguments", mood=cell.mood)
        guard = Guard([self.judge], cell.policy, tools=KNOWN)
        tools, self.ran = counting_tools()
        self.model = StrictChatModel(reply=self._reply)
        self.app = _WAYS[cell.way](guard, self.model, tools, InMemorySaver())
        self.messages: list[BaseMessage] = []
        self.paused: list[bool] = []

    def inputs(self) -> list[Any]:
        """What the app is given, one after the other."""
        decision = {"type": self.cell.action.partition("-")[2] or "reject"}
        both = self.cell.parallel and self.cell.mood != "ok"
        resume = [Command(resume={"decisions": [decision] * (1 + both)})]
        first, second = ({"messages": [HumanMessage(text)]} for text in ("Go.", "Thanks."))
        return [first, *(resume if self.cell.asks else []), second]

    def look(self, state: Any) -> None:
        """Take down how things stand after an input."""
        self.messages = state.values["messages"]
        self.paused.append(bool(state.interrupts))

    def check(self) -> Seen:
        """What must hold in every cell."""
        expected = [True, False, False] if self.cell.asks else [False, False]
        assert self.paused == expected
        ran = Counter({name: self.ran[name] for name in ("wire_money", "look_up")})
        assert +ran == +self.cell.runs
        assert problems(self.messages) == []
        check_like_a_provider(self.messages)
        assert self.messages[-1].text.strip() == "You are welcome."
        read = [m for conversation in self.model.asked for m in conversation]
        went_on = any(isinstance(c[-1], ToolMessage) for c in self.model.asked)
        assert went_on == self.cell.goes_on
        assert "must not be seen" not in str(read)
        return Seen(ran, self.messages, len(self.judge.asked))

    def _finds(self, view: View, checkpoint: Checkpoint) -> Opinion:
        pending = [call.id for call in view.pending if call.tool == "wire_money"]
        if self.cell.action == "allow" or not pending:
            return allow("told")
        return refuse("told", "the account is unknown", calls=tuple(pending))

    def _reply(self, messages: list[BaseMessage]) -> AIMessage:
        last = messages[-1]
        if isinstance(last, ToolMessage):
            return AIMessage("Done.")
        if last.text == "Thanks.":
            return AIMessage("You are welcome.")
        return AIMessage("", tool_calls=[_LOOK, _WIRE] if self.cell.parallel else [_WIRE])

"""The engine: asks the judges in turn, and lets the policy say what becomes of their answers.

The rules, which every way into an app shares:

- Judges are asked in the order given. A refusal decides, unless the policy
  allows it all the same (a threshold, a tool that is trusted).
- An ``allow`` does not silence the later judges, unless its judge says that it
  settles the matter (``settles = True``): so a cheap judge that is sure spares
  a dear one, and a rule that merely found nothing does not.
- A refusal of some calls of a batch decides about these. The rest goes to the
  later judges with the refused calls already answered, as it would happen.
- If nobody allowed and nobody refused, the policy says what ``unsure`` means.
- A judge that raises, takes longer than ``policy.timeout`` seconds or answers
  nonsense falls under ``policy.on_error``: ``closed`` counts as a refusal,
  ``open`` goes on to the next judge, ``escalate`` asks a person.
- More refused calls than ``policy.refusals`` since the user last spoke end the run.
"""

import logging
import time
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from langchain_core.messages import BaseMessage
from langgraph.errors import GraphBubbleUp

from agentalign_lc.guard.engine.asking import Failed, aask, ask
from agentalign_lc.guard.engine.decision import Action, Decision, fitting, severest
from agentalign_lc.guard.engine.history import answer_calls, refused_calls
from agentalign_lc.guard.engine.memory import key_of
from agentalign_lc.guard.opinion import Finding, Judge, Opinion, refuse
from agentalign_lc.guard.policy.policy import Policy
from agentalign_lc.guard.view import Checkpoint, GuardedTool, View
from agentalign_lc.seeds import content_id

__all__ = ["Engine", "Log"]

_Cascade = Generator[tuple[Judge, View], Opinion | Failed, Decision]
_CALLS: frozenset[Checkpoint] = frozenset({"calls", "arguments"})
_logger = logging.getLogger(__name__)


class Log(Protocol):
    """Where decisions are written down."""

    def record(self, decision: Decision, view: View | None = None) -> object:
        """Keep a decision about a view."""
        ...

    async def arecord(self, decision: Decision, view: View | None = None) -> object:
        """Keep it without blocking the event loop."""
        ...


class Engine:
    """Judges what an app is about to do; every way into an app asks this.

    Args:
        judges: Asked in this order; the cheap ones first.
        policy: What follows from what they say; the shipped one if None.
        tools: What is known about the app's tools, by name; or the tools themselves, as LangChain
            tools or OpenAI schemas. Ways in that see the app's tools add them on their own.
        audit: Where every decision is written down.
        name: Tells two guards of one app apart, in the state and among its nodes.

    Example:
        >>> from langchain_core.messages import HumanMessage
        >>> guard = Engine([])
        >>> guard.decide(guard.look([HumanMessage("What is the weather?")]), "request").action
        'allow'
    """

    def __init__(
        self,
        judges: Iterable[Judge],
        policy: Policy | None = None,
        *,
        tools: Mapping[str, GuardedTool] | Sequence[Any] | None = None,
        audit: Log | None = None,
        name: str = "guard",
    ) -> None:
        self.judges = tuple(judges)
        self.policy = policy or Policy()
        self.audit = audit
        self.name = name
        # Another policy or other judges make other verdicts: none is recalled across a change.
        names = [judge.name for judge in self.judges]
        self.id = content_id("guard", [name, names, self.policy.model_dump(mode="json")])
        self._tools: dict[str, GuardedTool] = {}
        self.learn(tools or ())

    def learn(self, tools: Mapping[str, GuardedTool] | Iterable[Any]) -> None:
        """Get to know tools of the app; what is known already stays as it is."""
        known = dict(tools) if isinstance(tools, Mapping) else {}
        named = () if isinstance(tools, Mapping) else [(t, _tool_name(t)) for t in tools]
        # A provider's own tool (web search, say) has no name: its calls never come by here.
        new = [tool for tool, name in named if name and name not in self._tools]
        found = known | (_mapped(new) if new else {})
        if found:
            described = {name: self.policy.described(tool) for name, tool in found.items()}
            # A new dict, since another thread may be reading the old one.
            self._tools = {**described, **self._tools}

    def look(self, messages: Sequence[BaseMessage]) -> View:
        """The view of a history, with what is known about the app's tools."""
        return View(tuple(messages), self._tools)  # never changed, only replaced

    def asks_at(self, checkpoint: Checkpoint, *, changed: bool = True) -> tuple[Judge, ...]:
        """The judges of a checkpoint, in order.

        Args:
            checkpoint: Where.
            changed: At ``arguments``: whether the call is another than the one that was judged
                in its batch. If so the judges of ``calls`` are asked about it too; if not, those
                that were asked about the batch are spared.
        """
        if checkpoint != "arguments":
            return tuple(j for j in self.judges if checkpoint in j.checkpoints)
        places = [("calls" in j.checkpoints, "arguments" in j.checkpoints, j) for j in self.judges]
        if changed:
            return tuple(j for batch, final, j in places if batch or final)
        return tuple(j for batch, final, j in places if final and not batch)

    def key(self, view: View, checkpoint: Checkpoint) -> str:
        """The key under which a decision about this is kept; see ``memory.py``."""
        return key_of(self.id, view, checkpoint)

    def decide(self, view: View, checkpoint: Checkpoint, *, changed: bool = True) -> Decision:
        """Ask the judges of a checkpoint and decide.

        Args:
            view: What the app has done so far and is about to do.
            checkpoint: Where it stands.
            changed: See :meth:`asks_at`.

        Raises:
            GraphBubbleUp: a judge's own interrupt.
        """
        begun = time.perf_counter()
        cascade = self._cascade(view, checkpoint, changed=changed)
        try:
            judge, seen = next(cascade)
            while True:
                answer = ask(judge, seen, checkpoint, self.policy.timeout)
                judge, seen = cascade.send(answer)
        except StopIteration as end:
            decision = _timed(end.value, begun)
        if self.audit is not None:
            with _logged():
                self.audit.record(decision, view)
        return decision

    async def adecide(
        self, view: View, checkpoint: Checkpoint, *, changed: bool = True
    ) -> Decision:
        """Ask the judges of a checkpoint without blocking, and decide; like :meth:`decide`."""
        begun = time.perf_counter()
        cascade = self._cascade(view, checkpoint, changed=changed)
        try:
            judge, seen = next(cascade)
            while True:
                answer = await aask(judge, seen, checkpoint, self.policy.timeout)
                judge, seen = cascade.send(answer)
        except StopIteration as end:
            decision = _timed(end.value, begun)
        if self.audit is not None:
            with _logged():
                await self.audit.arecord(decision, view)
        return decision

    def _cascade(self, view: View, checkpoint: Checkpoint, *, changed: bool) -> _Cascade:
        judges = self.asks_at(checkpoint, changed=changed)
        parts = _by_call if checkpoint in _CALLS else _by_whole
        decision = yield from parts(judges, self.policy, view, checkpoint)
        return _within_budget(decision, view, self.policy.refusals)


def _timed(decision: Decision, begun: float) -> Decision:
    return decision.model_copy(update={"seconds": time.perf_counter() - begun})


@contextmanager
def _logged() -> Generator[None]:
    """The decision stands without its record; the app must not fall over a full disk."""
    try:
        yield
    except GraphBubbleUp:
        raise
    except Exception:
        _logger.exception("the guard's audit could not be written")


class _Tally:
    """What has been said so far at one checkpoint, and what the policy makes of it."""

    def __init__(self, policy: Policy, checkpoint: Checkpoint) -> None:
        self.policy = policy
        self.checkpoint = checkpoint
        self.opinions: list[Opinion] = []
        self.errors: list[str] = []

    def take(
        self, judge: Judge, answer: Opinion | Failed, view: View
    ) -> tuple[Action, Opinion | None]:
        """The action that an answer leads to at once, and the opinion that it rests on."""
        if isinstance(answer, Failed):
            self.errors.append(f"{judge.name}: {answer.why}")
            if self.policy.on_error == "open":
                return "allow", None
            opinion = refuse(judge.name, "it could not be checked")
            self.opinions.append(opinion)
            if self.policy.on_error == "escalate":
                return "ask", opinion
            return self._action(opinion, view), opinion
        self.opinions.append(answer)
        if answer.finding != Finding.REFUSE and answer.score is None:
            return "allow", answer  # no threshold can make anything else of it
        if answer.finding == Finding.UNSURE:
            # Asked as an allow, so that a threshold counts and the policy for `unsure` waits.
            return self._action(answer.model_copy(update={"finding": Finding.ALLOW}), view), answer
        return self._action(answer, view), answer

    def at_the_end(self, view: View) -> Action:
        """What follows when no judge led to an action."""
        unsure = [o for o in self.opinions if o.finding == Finding.UNSURE]
        if not unsure or any(o.finding == Finding.ALLOW for o in self.opinions):
            return "allow"
        return self._action(unsure[-1], view)

    def decided(self, action: Action, calls: dict[str, Action] | None = None) -> Decision:
        return Decision(
            checkpoint=self.checkpoint,
            action=action,
            calls=calls or {},
            opinions=tuple(self.opinions),
            error="; ".join(self.errors),
        )

    def _action(self, opinion: Opinion, view: View) -> Action:
        return fitting(self.policy.action_for(opinion, view, self.checkpoint), self.checkpoint)


def _by_whole(
    judges: Sequence[Judge], policy: Policy, view: View, checkpoint: Checkpoint
) -> _Cascade:
    """The cascade over something that is judged in one piece: a request, a result, an answer."""
    tally = _Tally(policy, checkpoint)
    for judge in judges:
        answer = yield judge, view
        action, opinion = tally.take(judge, answer, view)
        if action != "allow":
            return tally.decided(action)
        if _settles(judge, opinion):
            return tally.decided("allow")
    return tally.decided(tally.at_the_end(view))


def _by_call(
    judges: Sequence[Judge], policy: Policy, view: View, checkpoint: Checkpoint
) -> _Cascade:
    """The cascade over a batch of calls, of which some may be refused and the rest go on."""
    tally = _Tally(policy, checkpoint)
    ruled: dict[str, Action] = {}
    seen = view
    for judge in judges:
        answer = yield judge, seen
        action, opinion = tally.take(judge, answer, seen)
        if action in ("refuse_run", "end"):
            return tally.decided(action)
        if action != "allow":
            ruled |= _ruled(action, opinion, seen, ruled)
            seen = _without(view, [call for call, a in ruled.items() if a == "refuse_call"])
            if all(call.id in ruled for call in seen.pending):
                break
        elif _settles(judge, opinion):
            break
    else:
        if seen.pending and (last := tally.at_the_end(seen)) != "allow":
            if last in ("refuse_run", "end"):
                return tally.decided(last)
            ruled |= {
                call.id: severest([last, ruled.get(call.id, "allow")]) for call in seen.pending
            }
    return tally.decided(severest(ruled.values()), ruled)


def _ruled(
    action: Action, opinion: Opinion | None, view: View, before: Mapping[str, Action]
) -> dict[str, Action]:
    """The pending calls that an opinion is about, each with the severest said of it so far."""
    pending = [call.id for call in view.pending]
    named = [call for call in pending if opinion and call in opinion.calls]
    # An opinion that names only calls that are not there is about all of them: it refuses something.
    return {call: severest([action, before.get(call, "allow")]) for call in named or pending}


def _without(view: View, refused: Sequence[str]) -> View:
    """The view in which some pending calls have been refused."""
    if not refused:
        return view
    answers = answer_calls(view.messages, dict.fromkeys(refused, "This call was refused."))
    return View((*view.messages, *answers), view.tools)


def _settles(judge: Judge, opinion: Opinion | None) -> bool:
    allowed = opinion is not None and opinion.finding == Finding.ALLOW
    return allowed and bool(getattr(judge, "settles", False))


def _within_budget(decision: Decision, view: View, budget: int) -> Decision:
    """The decision, or the end of the run where it refuses more calls than the budget holds."""
    refused = len(decision.named("refuse_call"))
    if not refused or refused_calls(view.messages) + refused <= budget:
        return decision
    return decision.model_copy(update={"action": "refuse_run", "budget": True})


def _mapped(tools: Sequence[Any]) -> dict[str, GuardedTool]:
    # Here, since they read the suites of tools: an app that says what its tools are needs none.
    from agentalign_lc.environment.catalog import load_catalog  # noqa: PLC0415
    from agentalign_lc.guard.capabilities import map_tools  # noqa: PLC0415

    return map_tools(tools, load_catalog())


def _tool_name(tool: object) -> str:
    name = getattr(tool, "name", None)
    if isinstance(name, str) and name:
        return name
    if isinstance(tool, Mapping):
        inner = tool.get("function", tool)
        return str(inner.get("name", "")) if isinstance(inner, Mapping) else ""
    return str(getattr(tool, "__name__", ""))

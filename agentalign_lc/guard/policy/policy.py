"""The policy: what the guard does about what its judges say. YAML that a person can read."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Annotated, Any, Literal, Self, TypeVar

from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from pydantic import AfterValidator, Field, model_validator

from agentalign_lc.documents import load_document, read_document
from agentalign_lc.guard.opinion import Finding, Opinion
from agentalign_lc.guard.policy.rule import STRICTNESS, Action, Glob, Rule
from agentalign_lc.guard.policy.texts import globbed
from agentalign_lc.guard.view import Checkpoint, GuardedTool, View
from agentalign_lc.records import Effect, Record

__all__ = ["DEFAULT_POLICY", "Action", "OnError", "Policy", "Setting", "Wording"]

DEFAULT_POLICY = Path(__file__).with_name("default_policy.yaml")
"""The shipped policy, every field explained."""

OnError = Literal["closed", "open", "escalate"]
"""What happens when a judge fails or is too slow: refuse, let it be, or ask a person."""

_CallAction = Literal["allow", "refuse_call", "refuse_run", "ask", "end"]
_TextAction = Literal["allow", "redact", "refuse_run", "ask", "end"]
_RequestAction = Literal["allow", "refuse_run", "ask", "end"]
_Unsure = Literal["allow", "ask", "refuse"]
_Score = Annotated[float, Field(ge=0, le=1)]
_FIELDS = frozenset({"tool", "reason", "category", "judge"})
_ValueT = TypeVar("_ValueT")


class Setting(Record):
    """What holds for some tools; what is left out (null) is taken from the next more general setting."""

    action: _CallAction | None = None
    """What is done about a call that is refused by a judge."""
    result: _TextAction | None = None
    """What is done about a result that is refused by a judge."""
    when_unsure: _Unsure | None = None
    """What is done when every judge is unsure; ``refuse`` is the action above."""
    thresholds: dict[str, _Score] = Field(default_factory=dict)
    """By judge (``"*"``: any): from which score on it counts as refused; below, as allowed."""
    allowed: bool | None = None
    """Whether the tool may be called at all. ``false`` in the defaults makes a list of allowed tools."""
    destinations: tuple[Glob, ...] | None = None
    """Hosts and mail domains that its arguments may name; null: any."""
    recipients: tuple[Glob, ...] | None = None
    """Addresses, handles, numbers or accounts that something may go to; null: any."""
    amount: float | None = None
    """The greatest amount of one call; null: any."""
    capability: str | None = None
    """What the tool does, ``suite.capability``, where the guard would guess wrong; for ``tools``."""
    effect: Effect | None = None
    """What it does to the world, where the guard would guess wrong; for ``tools``."""


def _template(text: str) -> str:
    """Only plain names in braces: a template must not reach into what it is given."""
    try:
        parts = [part for part in Formatter().parse(text) if part[1] is not None]
    except ValueError as error:
        raise ValueError(f"is no template ({error}); write a brace twice to show it") from error
    for _, name, spec, conversion in parts:
        if name not in _FIELDS or spec or conversion:
            known = ", ".join(f"{{{field}}}" for field in sorted(_FIELDS))
            raise ValueError(f"{{{name}}} cannot be filled; there are {known}")
    return text


_Template = Annotated[str, Field(min_length=1, max_length=2000), AfterValidator(_template)]


class Wording(Record):
    """What is said; ``{tool}``, ``{reason}``, ``{category}`` and ``{judge}`` are filled in.

    Example:
        >>> opinion = Opinion(judge="rules", finding=Finding.REFUSE, reason="{tool} pays a stranger")
        >>> Wording(refuse_run="No: {reason}.").say("refuse_run", opinion)
        'No: {tool} pays a stranger.'
    """

    refuse_call: _Template = (
        "This call was refused: {reason}. Do not try to reach the same in another way;"
        " go on without it, or tell the user that it cannot be done."
    )
    """To the model, in place of the call's result."""
    refuse_run: _Template = "I can’t help with this: {reason}."
    """To the user, as the answer."""
    budget: _Template = (
        "I stopped here: several steps of this task were refused, the last one because {reason}."
    )
    """To the user, when the run has used up its refusals."""
    redacted: _Template = "[removed: {reason}]"
    """In place of content that was taken out."""

    def say(
        self,
        which: Literal["refuse_call", "refuse_run", "budget", "redacted"],
        opinion: Opinion,
        tool: str = "",
    ) -> str:
        """Fill a template. What is filled in stays text: it is never read as a template itself."""
        template: str = getattr(self, which)
        reason = opinion.reason.strip().rstrip(".") or "it is against the policy of this app"
        return template.format(
            tool=tool, reason=reason, category=opinion.category, judge=opinion.judge
        )


@cache
def _shipped() -> dict[str, Any]:
    found: dict[str, Any] = read_document(DEFAULT_POLICY)
    return found


def _shipped_globs(field: str) -> tuple[str, ...]:
    return tuple(_shipped()[field])


def _shipped_rules() -> dict[str, Rule]:
    return {name: Rule.model_validate(rule) for name, rule in _shipped()["rules"].items()}


class Policy(Record):
    """What the guard does. ``Policy()`` is the shipped one.

    The most specific setting wins, field by field: the tool's exact name, then
    globs over tools (the longest first), globs over capabilities, the defaults.
    Where several calls are meant, the strictest action wins. Rules of a file
    are laid over the shipped ones by name, so that a file can change one field
    of a shipped rule, or say ``enabled: false``.

    Example:
        >>> policy = Policy(tools={"send_*": Setting(action="ask")})
        >>> policy.setting(GuardedTool("send_gmail")).action, policy.setting(GuardedTool("ls")).action
        ('ask', 'refuse_call')
    """

    version: Literal[1] = 1
    defaults: Setting = Setting(action="refuse_call", result="redact", when_unsure="allow")
    capabilities: dict[Glob, Setting] = Field(default_factory=dict)
    """By glob over ``suite.capability``."""
    tools: dict[Glob, Setting] = Field(default_factory=dict)
    """By name of the tool, or a glob over names."""
    request: _RequestAction = "refuse_run"
    """What is done about a refused request of the user."""
    answer: _TextAction = "redact"
    """What is done about a refused answer."""
    on_error: OnError = "closed"
    timeout: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 10.0
    """Seconds that a judge may take; later is an error."""
    refusals: Annotated[int, Field(ge=0)] = 3
    """Refused calls in one run; the next one ends it, so that nobody wears the guard down."""
    wording: Wording = Wording()
    secrets: tuple[Glob, ...] = Field(default_factory=lambda: _shipped_globs("secrets"))
    """Places (files, mostly) whose content must not leave."""
    secret_texts: tuple[Glob, ...] = Field(default_factory=lambda: _shipped_globs("secret_texts"))
    """What a result looks like that is a secret wherever it came from."""
    inherit: bool = True
    """Whether the shipped rules hold too; ``false``: only those that are here."""
    rules: dict[str, Rule] = Field(default_factory=_shipped_rules)
    """By name."""

    @model_validator(mode="before")
    @classmethod
    def _inherited(cls, data: Any) -> Any:  # noqa: ANN401 - whatever the file holds
        """Fill in what a file leaves out: fields of the defaults, and the shipped rules."""
        if data is None:
            return {}
        if not isinstance(data, Mapping):
            return data
        filled = dict(data)
        if isinstance(filled.get("defaults"), Setting | Mapping):
            filled["defaults"] = {
                **_plain(cls.model_fields["defaults"].default),
                **_plain(filled["defaults"]),
            }
        rules = filled.get("rules", {} if "inherit" in filled else None)
        if isinstance(rules, Mapping):
            base = _shipped()["rules"] if filled.get("inherit", True) else {}
            filled["rules"] = {
                **base,
                **{name: _over(base.get(name), rule) for name, rule in rules.items()},
            }
        return filled

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Read a policy file.

        Raises:
            DocumentError: it is missing or wrong; the message has file and line.
        """
        return load_document(Path(path), cls)

    def described(self, tool: GuardedTool) -> GuardedTool:
        """The tool, with the capability and effect that the policy says it has."""
        if not self.tools:
            return tool
        found = [s for name, s in self.tools.items() if _matches(name, tool.name)]
        if not any(s.capability or s.effect for s in found):
            return tool
        by_name = _ranked(self.tools, tool.name)
        return replace(
            tool,
            capability=_first(s.capability for s in by_name) or tool.capability,
            effect=_first(s.effect for s in by_name) or tool.effect,
        )

    def setting(self, tool: GuardedTool) -> Setting:
        """What holds for a tool, every field from the most specific place that says it."""
        tool = self.described(tool)
        ranked = [
            *_ranked(self.tools, tool.name),
            *(_ranked(self.capabilities, tool.capability) if tool.capability else ()),
            self.defaults,
        ]
        if len(ranked) == 1:
            return self.defaults
        thresholds: dict[str, float] = {}
        for setting in reversed(ranked):
            thresholds |= setting.thresholds
        fields: dict[str, Any] = {
            name: _first(getattr(setting, name) for setting in ranked)
            for name in Setting.model_fields
        }
        # The parts were checked when they were read; this is asked for every call.
        return Setting.model_construct(**{**fields, "thresholds": thresholds})

    def action_for(
        self, opinion: Opinion, view: View, checkpoint: Checkpoint | None = None
    ) -> Action:
        """Say what is done about an opinion.

        Args:
            opinion: What a judge, or the last of a cascade, said.
            view: What it looked at.
            checkpoint: Where; None: as the end of the history shows.
        """
        place = checkpoint or _place(view)
        if place in ("calls", "arguments"):
            called = _called(opinion, view)
            actions = [self._at_call(opinion, self.setting(view.tool(name))) for name in called]
            return max(actions, key=STRICTNESS.__getitem__, default="allow")
        tools = _answered(opinion, view) if place == "result" else ()
        settings = [self.setting(view.tool(name)) for name in tools] or [self.defaults]
        actions = [self._at_text(opinion, setting, place) for setting in settings]
        return max(actions, key=STRICTNESS.__getitem__)

    def _at_call(self, opinion: Opinion, setting: Setting) -> Action:
        own = setting.action or "refuse_call"
        match _finding(opinion, setting):
            case Finding.ALLOW:
                return "allow"
            case Finding.UNSURE:
                return _unsure(setting, own)
        return _at_calls(self._of_rule(opinion)) or own

    def _at_text(self, opinion: Opinion, setting: Setting, place: Checkpoint) -> Action:
        own: Action = self.request if place == "request" else self.answer
        if place == "result":
            own = setting.result or "redact"
        match _finding(opinion, setting):
            case Finding.ALLOW:
                return "allow"
            case Finding.UNSURE:
                return _unsure(setting, own)
        ruled = self._of_rule(opinion)
        if ruled == "refuse_call" or (ruled == "redact" and place == "request"):
            return own  # there is no call to refuse here, and no request to show in part
        return ruled or own

    def _of_rule(self, opinion: Opinion) -> Action | None:
        rule = self.rules.get(opinion.rule)
        return None if rule is None else rule.action


def _plain(value: Setting | Mapping[str, Any]) -> dict[str, Any]:
    plain = value.model_dump() if isinstance(value, Setting) else dict(value)
    return {name: part for name, part in plain.items() if part is not None}


def _over(base: Mapping[str, Any] | None, rule: Any) -> Any:  # noqa: ANN401
    """A rule of a file, laid over the shipped one of its name."""
    return {**base, **rule} if base is not None and isinstance(rule, Mapping) else rule


def _matches(glob: str, name: str) -> bool:
    return globbed([glob], name)


def _ranked(settings: Mapping[str, Setting], name: str) -> list[Setting]:
    """The settings whose glob matches, the most specific first."""
    found = [glob for glob in settings if glob == name or _matches(glob, name)]
    found.sort(key=lambda glob: (glob != name, -len(glob.replace("*", "")), glob))
    return [settings[glob] for glob in found]


def _first(values: Iterable[_ValueT | None]) -> _ValueT | None:
    return next((value for value in values if value is not None), None)


def _finding(opinion: Opinion, setting: Setting) -> Finding:
    """What a judge found, by the policy's threshold where it has one and the judge gave a score."""
    limit = setting.thresholds.get(opinion.judge, setting.thresholds.get("*"))
    if limit is None or opinion.score is None:
        return opinion.finding
    if opinion.score >= limit:
        return Finding.REFUSE
    return Finding.UNSURE if opinion.finding == Finding.UNSURE else Finding.ALLOW


def _unsure(setting: Setting, own: Action) -> Action:
    said = setting.when_unsure or "allow"
    return own if said == "refuse" else said


def _at_calls(action: Action | None) -> Action | None:
    return "refuse_call" if action == "redact" else action  # a call cannot be made in part


def _place(view: View) -> Checkpoint:
    last = view.messages[-1] if view.messages else None
    if isinstance(last, HumanMessage):
        return "request"
    if isinstance(last, ToolMessage):
        return "result"
    return "calls" if isinstance(last, AIMessage) and last.tool_calls else "answer"


def _called(opinion: Opinion, view: View) -> list[str]:
    """Names of the tools that an opinion about calls means; all pending ones if it names none."""
    named = [call.tool for call in view.calls if call.id in opinion.calls]
    return named or [call.tool for call in view.pending] or [""]


def _answered(opinion: Opinion, view: View) -> list[str]:
    """Names of the tools whose result an opinion means; the last one's if it names none."""
    named = [call.tool for call in view.calls if call.id in opinion.calls]
    return named or [call.tool for call in view.calls if call.result is not None][-1:]

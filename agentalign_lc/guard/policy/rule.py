"""A rule of the policy: what a call, a result or a text must look like for the rule to be broken."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from agentalign_lc.guard.policy.texts import expanded
from agentalign_lc.records import Effect, Record

__all__ = ["STRICTNESS", "Action", "Earlier", "Glob", "Matching", "Rule"]

Action = Literal["allow", "redact", "refuse_call", "refuse_run", "ask", "end"]
"""What the guard does: let it be; replace the content; refuse the call, the rest goes on; refuse and
end the run with a refusal; ask a person; end the run at once."""

STRICTNESS: Mapping[Action, int] = {
    "allow": 0,
    "redact": 1,
    "ask": 2,
    "refuse_call": 3,
    "refuse_run": 4,
    "end": 5,
}
"""Which action wins where several apply: the one with the greater number."""


def _glob(text: str) -> str:
    expanded(text)
    return text


Glob = Annotated[str, Field(min_length=1, max_length=300), AfterValidator(_glob)]
"""A shell-style pattern: ``*``, ``?``, ``[abc]`` and ``{a,b}``; upper and lower case are the same.

No regular expressions: a glob is matched in time linear in the text, whatever
the text is, so no argument can make the guard hang.
"""

_Globs = tuple[Glob, ...]


class Matching(Record):
    """Which calls are meant; what is not said matches any, and of a list one must match."""

    tools: _Globs = ()
    """Names of tools."""
    capabilities: _Globs = ()
    """``suite.capability``"""
    effects: tuple[Effect, ...] = ()
    """What the tool does; a tool whose effect nobody knows matches every effect."""
    arguments: dict[str, _Globs] = Field(default_factory=dict)
    """By name of the argument (a glob, or several with ``|`` between them): what its value looks like.

    All entries must hold.
    """
    secret: bool = False
    """The call touches a secret place (``secrets`` of the policy), or what was copied out of one."""


class Earlier(Matching):
    """An earlier call of the run, one that was carried out."""

    results: _Globs = ()
    """What it gave back."""


class Rule(Matching):
    """What must not happen. All that a rule says must hold; a rule that says nothing is no rule.

    Example:
        >>> rule = Rule(why="Payments over 500 need a person.", effects=("transfer",), above=500)
        >>> rule.at, rule.action
        ('calls', None)
    """

    why: Annotated[str, Field(min_length=1, max_length=300)]
    """One line: the reason that is given and kept in the audit."""
    enabled: bool = True
    at: Literal["request", "calls", "result", "answer"] = "calls"
    """Where it looks; ``calls`` is the batch before it runs and again the final arguments."""
    text: _Globs = ()
    """What the request, the result or the answer looks like; not for calls."""
    instructs: bool = False
    """For a result: it carries orders to whoever reads it. For a call: it does what a
    result asked for, and the user did not."""
    outside: _Globs = ()
    """Hosts and mail domains that are fine: a call that names another one breaks the rule."""
    above: float | None = None
    """A number in an argument that is an amount (``amount``, ``price``, ``value``...) is greater."""
    more_than: Annotated[int, Field(ge=1)] | None = None
    """The run has more such calls than this, those of the batch included."""
    after: Earlier | None = None
    """Some earlier call of the run was like this."""
    carries: Annotated[int, Field(ge=8)] | None = None
    """So many characters in a row of what such an earlier call gave back are in the arguments."""
    category: str = ""
    """The kind of harm, for the audit."""
    action: Action | None = None
    """What is done about it, whatever the tool's own setting says; None: what that says."""

    @model_validator(mode="after")
    def _means_something(self) -> "Rule":
        calls = self.at == "calls"
        if calls and self.text:
            raise ValueError("text is for requests, results and answers; use arguments for calls")
        if not calls and (self.after or self.outside or self.above is not None or self.more_than):
            raise ValueError("after, outside, above and more_than are for calls")
        if self.carries is not None and self.after is None:
            raise ValueError("carries needs after: whose result is carried")
        if not any(self._said().values()):
            raise ValueError("says nothing: name tools, arguments, or what else must hold")
        return self

    def _said(self) -> Mapping[str, Any]:
        return self.model_dump(
            exclude={"why", "enabled", "at", "category", "action"}, exclude_defaults=True
        )

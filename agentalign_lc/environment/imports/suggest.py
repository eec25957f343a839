"""Which capability a foreign tool serves: overlap of words, with synonyms; no model is asked."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import Field, JsonValue

from agentalign_lc.environment.catalog import Catalog
from agentalign_lc.environment.imports.foreign import ForeignTool, plain_name
from agentalign_lc.environment.imports.words import FIELD_WORDS, READING, tokens, verb
from agentalign_lc.environment.spec import ParameterSpec
from agentalign_lc.records import Effect, Record, Step

__all__ = ["CONFIDENT", "Suggester", "Suggestion", "guess_effect"]

CONFIDENT = 0.5
"""From here on a suggestion is taken; below, the tool gets a capability of its own."""
_PAGING = {
    "limit": [5, 10, 20], "count": [5, 10, 20], "page_size": [10, 20], "per_page": [10, 20], "top": [5, 10],
    "max_results": [5, 10, 20], "page": [1], "offset": [0], "skip": [0], "start": [0], "timeout": [30, 60],
}  # fmt: skip
_FIXED: dict[str, JsonValue] = {
    "language": "en",
    "lang": "en",
    "timezone": "UTC",
    "encoding": "utf-8",
}
_PROFILE = {
    "{me.email}": (
        "from",
        "sender",
        "from_email",
        "sender_email",
        "from_address",
        "my_email",
        "reply_to",
    ),
    "{me.name}": ("author", "from_name", "sender_name", "user_name"),
    "{me.handle}": ("username", "user", "handle", "user_handle"),
    "{me.phone}": ("from_number", "from_phone", "sender_phone"),
}


_GENERAL = frozenset({"communication", "search", "system_tools"})
"""Suites whose capabilities a tool may mean without naming the kind of service."""


class Suggestion(Record):
    """A capability that a tool may serve, and how its parameters take the fields."""

    capability: str
    actions: dict[str, dict[str, JsonValue]]
    """Actions served, with the arguments that each fixes."""
    fields: dict[str, str] = Field(default_factory=dict)
    """Field by parameter."""
    fills: dict[str, JsonValue] = Field(default_factory=dict)
    """Values for required parameters that no field gives."""
    confidence: float
    """From 0 to 1."""
    open: tuple[str, ...] = ()
    """What stands against it: fields or parameters that nothing gives."""

    def __str__(self) -> str:
        return f"{self.capability}:{'|'.join(self.actions)} ({self.confidence:.2f})"


class Suggester:
    """Compares tools with the actions of a catalogue.

    Example:
        >>> from agentalign_lc.environment.catalog import load_catalog
        >>> mail = ForeignTool(
        ...     name="sendMail",
        ...     description="Send an e-mail to somebody.",
        ...     parameters={"properties": {key: {"type": "string"} for key in ("recipient", "title", "html")}},
        ... )
        >>> from agentalign_lc.environment.imports.schema import to_parameters
        >>> best = Suggester(load_catalog()).suggest(mail, to_parameters(mail.parameters))[0]
        >>> best.capability, best.fields
        ('communication.send_email', {'title': 'subject', 'recipient': 'to', 'html': 'body'})
    """

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self._steps = [
            Step(capability=name, action=action)
            for name, capability in catalog.capabilities.items()
            for action in capability.actions
            if catalog.serving(Step(capability=name, action=action))
        ]
        self._words = {step: self._described(step) for step in self._steps}
        self._names = {
            step: tokens(f"{step.capability.partition('.')[2]} {step.action}")
            for step in self._steps
        }
        self._parameters = {
            (step, field): {named for tool in tools if (named := tool.fields().get(field))}
            for step in self._steps
            for tools in [[catalog.tools[name] for name in catalog.serving(step)]]
            for field in catalog.capabilities[step.capability].accepted(step.action)
        }
        counts: dict[str, int] = {}
        for words in self._words.values():
            for word in words:
                counts[word] = counts.get(word, 0) + 1
        self._weight = {word: math.log(1 + len(self._steps) / n) for word, n in counts.items()}

    def suggest(
        self, tool: ForeignTool, parameters: Mapping[str, ParameterSpec]
    ) -> list[Suggestion]:
        """The capabilities that a tool may serve, likeliest first, at most four."""
        found: dict[str, Suggestion] = {}
        ranked = [self._rated(tool, parameters, step) for step in self._steps]
        for one in sorted(ranked, key=lambda s: (-s.confidence, s.capability, *s.actions)):
            best = found.setdefault(one.capability, one)
            # A tool whose enum says what to do serves several actions, each with its value.
            action = next(iter(one.actions))
            joins = (
                one.actions[action] and not one.open and best.fields.items() >= one.fields.items()
            )
            if best is not one and best.actions and joins and not best.open:
                actions = {**best.actions, **one.actions}
                found[one.capability] = best.model_copy(update={"actions": actions})
        return list(found.values())[:4]

    def _described(self, step: Step) -> frozenset[str]:
        capability = self.catalog.capabilities[step.capability]
        serving = [self.catalog.tools[name] for name in self.catalog.serving(step)]
        single = [t for t in serving if len(self.catalog.actions(t)) == 1] or serving
        said = " ".join(f"{tool.name} {tool.description}" for tool in single)
        return tokens(
            f"{step.capability.partition('.')[2]} {step.action} {capability.description} {said}"
        )

    def _rated(
        self, tool: ForeignTool, parameters: Mapping[str, ParameterSpec], step: Step
    ) -> Suggestion:
        fields = self._fields(step, parameters)
        needed = self.catalog.capabilities[step.capability].needed(step.action)
        missing = sorted(needed - set(fields.values()))
        fixed: dict[str, JsonValue] = {}
        fills: dict[str, JsonValue] = {}
        stuck: list[str] = []
        for name, spec in parameters.items():
            choice = _switch(spec, step)
            if choice is not None and name not in fields:
                fixed[name] = choice
            elif spec.required and fields.get(name) not in needed:
                value = None if _has_verbs(spec) else _fill(name, spec)
                if value is None:
                    stuck.append(name)
                else:
                    fills[name] = value
        share = (len(needed) - len(missing)) / len(needed) if needed else 0.6
        text = self._overlap(tool, step)
        against = 0.5 if missing else 0.6 if stuck else 1.0
        score = (0.65 * text + 0.35 * share) * self._verbal(tool, step, fixed) * against
        if not text:
            score = 0.0
        return Suggestion(
            capability=step.capability,
            actions={step.action: fixed},
            fields=fields,
            fills=fills,
            confidence=round(min(score, 0.49) if missing or stuck or text < 0.3 else score, 2),
            open=(*(f"nothing takes {m}" for m in missing), *(f"nothing gives {s}" for s in stuck)),
        )

    def _overlap(self, tool: ForeignTool, step: Step) -> float:
        """Share of the tool's words, by weight, that the step has; its name counts for more."""
        words, core = self._words[step], self._names[step]
        named, said = tokens(tool.name), tokens(tool.description.split("\n")[0][:200])
        top = math.log(1 + len(self._steps))

        def share(own: frozenset[str]) -> float:
            whole = sum(self._weight.get(word, 0.4 * top) for word in own)
            return sum(self._weight[word] for word in own & words) / whole if own else 0.0

        # The things that the step is about must be spoken of at all: "email", "file", "page".
        things = {
            word for word in core if verb(word) is None or word in ("email", "sms", "message")
        }
        about = 1.0 if not things or things & (named | said) else 0.35
        # "delete_file" is a file of the computer, unless the tool speaks of a cloud or a drive.
        suite = step.capability.partition(".")[0]
        special = suite not in _GENERAL and not tokens(suite) & (named | said)
        return (0.85 if special else 1.0) * about * (0.6 * share(named) + 0.4 * share(said))

    def _verbal(self, tool: ForeignTool, step: Step, fixed: Mapping[str, JsonValue]) -> float:
        if fixed:
            return 1.0
        own = verb(tool.name) or verb(tool.description)
        theirs = verb(step.action) or verb(step.capability.partition(".")[2])
        reads = tool.effect is Effect.READ
        if reads and theirs not in READING:
            return 0.3
        if own is None or theirs is None:
            return 0.85
        if own == theirs:
            return 1.0
        return 0.8 if own in READING and theirs in READING else 0.45

    def _fields(self, step: Step, parameters: Mapping[str, ParameterSpec]) -> dict[str, str]:
        """Field by parameter, the best fits first, each used once."""
        capability = self.catalog.capabilities[step.capability]
        needed = capability.needed(step.action)
        fits = sorted(
            (-self._fit(step, field, name, spec, needed), field not in needed, field, name)
            for field in capability.accepted(step.action)
            for name, spec in parameters.items()
        )
        found: dict[str, str] = {}
        for fit, _, field, name in fits:
            if fit < 0 and name not in found and field not in found.values():
                found[name] = field
        return found

    def _fit(
        self, step: Step, field: str, name: str, spec: ParameterSpec, needed: set[str]
    ) -> float:
        if not _takes_text(spec):
            return 0.0
        plain = plain_name(name)
        if plain == field:
            return 1.0
        if {name, plain} & self._parameters.get((step, field), frozenset()):
            return 0.9
        words = FIELD_WORDS.get(field, "").split()
        if plain in words:
            return 0.8 - 0.01 * words.index(plain)
        parts = set(plain.split("_"))
        if field in parts or parts & set(words):
            return 0.5 - (0.2 if plain.endswith("_id") else 0.0)
        return 0.0 if field not in needed or len(needed) > 1 else self._last(spec)

    @staticmethod
    def _last(spec: ParameterSpec) -> float:
        # The one field goes to the one parameter that must be given, whatever its name.
        return 0.1 if spec.required and spec.type == "string" else 0.0


def _takes_text(spec: ParameterSpec) -> bool:
    if spec.enum or spec.format in ("date", "date-time"):
        return False
    return spec.type in ("string", "any") or (
        spec.type == "array" and spec.items is not None and spec.items.type in ("string", "any")
    )


def _switch(spec: ParameterSpec, step: Step) -> str | None:
    """The value of an enum of verbs that asks for a step's action."""
    if not _has_verbs(spec):
        return None
    values = [str(value) for value in spec.enum or ()]
    exact = [value for value in values if plain_name(value) == step.action]
    alike = [value for value in values if verb(value) == verb(step.action)]
    return next(iter(exact or alike), None)


def _has_verbs(spec: ParameterSpec) -> bool:
    values = spec.enum or ()
    return len(values) > 1 and sum(verb(str(v)) is not None for v in values) > len(values) / 2


def _fill(name: str, spec: ParameterSpec) -> JsonValue:
    """What an agent may settle by itself: a choice, a size, a language, who the user is."""
    plain = plain_name(name)
    if spec.enum:
        return list(spec.enum)
    if spec.type == "boolean":
        return [False, True]
    if spec.type in ("integer", "number"):
        low, high = spec.minimum, spec.maximum
        return [
            n
            for n in _PAGING.get(plain, ())
            if (low is None or n >= low) and (high is None or n <= high)
        ] or None
    if spec.type != "string":
        return None
    own = next((text for text, names in _PROFILE.items() if plain in names), None)
    return own or _FIXED.get(plain)


def guess_effect(tool: ForeignTool) -> Effect:
    """What a tool does to the world outside: what its owner says, or else what its verb says.

    Example:
        >>> guess_effect(ForeignTool(name="refundOrder", description="Pay an order back.")).value
        'transfer'
    """
    if tool.effect is not None:
        return tool.effect
    if _hands_over(tool):
        return Effect.READ
    done = next(_verbs(tool), None)
    by_verb: dict[Any, Effect] = {
        "send": Effect.TRANSMIT,
        "transfer": Effect.TRANSFER,
        "execute": Effect.EXECUTE,
    }
    return Effect.READ if done in READING else by_verb.get(done, Effect.WRITE)


def _verbs(tool: ForeignTool) -> Iterator[str]:
    return (found for text in (tool.name, tool.description) if (found := verb(text)) is not None)


def _hands_over(tool: ForeignTool) -> bool:
    """Whether a tool hands the conversation to another agent: `transfer_to_reader` moves no money.

    So the handoffs of langgraph-supervisor and langgraph-swarm are made: no arguments, and
    a description that speaks of an agent.
    """
    named = tool.name.startswith(("transfer_to_", "transfer_back_to_", "handoff_to_"))
    agent = "agent" in tool.description.lower()
    return named and agent and not tool.parameters.get("properties")

"""The YAML model of a suite: capabilities, collections, tools and their effects.

A tool is data. Its ``parameters`` are JSON Schema with three shorthands
(``optional``, ``field``, ``text``); what it ``does`` is a list of operations
on the world, tried in order; what it ``returns`` is a template over their
results. `tools/README.md` shows one in full.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    ValidationInfo,
    field_validator,
    model_validator,
)

from agentalign_lc.environment.values import Names, compile_value
from agentalign_lc.records import Capability, Effect, Record

__all__ = [
    "CapabilitySpec",
    "CollectionSpec",
    "Operation",
    "ParameterSpec",
    "Reply",
    "StateSpec",
    "SuiteSpec",
    "ToolSpec",
    "Value",
    "json_schema",
    "object_schema",
]

_Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
_Field = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*\??$")]
_ToolName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$")]
_Parameter = Annotated[str, Field(min_length=1, max_length=200)]
_Type = Literal["string", "integer", "number", "boolean", "array", "object", "null", "any"]
_Format = Literal["email", "uri", "date", "date-time", "ipv4", "hostname"]


class Value:
    """A YAML value with expressions; call it with names to get plain JSON.

    It is compiled when it is first needed: a run uses a few tools of hundreds.
    """

    def __init__(self, source: JsonValue) -> None:
        self.source = source

    def __call__(self, names: Names) -> JsonValue:
        """Evaluate it."""
        return self.compiled(names)

    @cached_property
    def compiled(self) -> Callable[[Names], JsonValue]:
        """The function that evaluates it.

        Raises:
            ValueError: an expression is no Jinja.
        """
        return compile_value(self.source)


def _to_value(source: Any, info: ValidationInfo) -> Value:  # noqa: ANN401 - raw YAML
    value = source if isinstance(source, Value) else Value(source)
    # The shipped suites are compiled by a test; a user's own, here, so that a mistake has its line.
    if not (info.context or {}).get("trusted"):
        _ = value.compiled
    return value


_Template = Annotated[Value, BeforeValidator(_to_value)]


class _Spec(Record):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class ParameterSpec(Record):
    """One parameter: JSON Schema keywords, and how a chain's fields reach it."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    type: _Type
    description: str = ""
    optional: bool = False
    """May be left out; a parameter with a default may be left out anyway."""
    default: JsonValue = None
    enum: tuple[str | int, ...] | None = None
    pattern: str | None = None
    format: _Format | None = None
    min_length: int | None = Field(None, alias="minLength")
    max_length: int | None = Field(None, alias="maxLength")
    minimum: float | None = None
    maximum: float | None = None
    min_items: int | None = Field(None, alias="minItems")
    max_items: int | None = Field(None, alias="maxItems")
    items: "ParameterSpec | None" = None
    properties: "dict[str, ParameterSpec] | None" = None
    any_of: "tuple[ParameterSpec, ...] | None" = Field(None, alias="anyOf", min_length=1)
    """For type ``any``: what the value may be, where that can be said."""
    field: str | None = None
    """The field of the capability's actions that fills it; by default its own name."""
    fill: JsonValue = None
    """What the agent settles by itself where no field of the action gives it: a value, a text
    with the user's slots (``{me.email}``), or a list to choose from."""
    text: bool = False
    """Free text that the agent words itself; anything else must be grounded literally."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.type == "array" and self.items is None:
            raise ValueError("an array needs `items`")
        if self.any_of and self.type != "any":
            raise ValueError("`anyOf` needs `type: any`")
        if self.default is not None and self.enum and self.default not in self.enum:
            raise ValueError(f"default {self.default!r} is not one of the enum")
        return self

    @property
    def required(self) -> bool:
        """Whether a call must give it."""
        return not self.optional and self.default is None


class CapabilitySpec(_Spec):
    """An abstract action and the fields that each way of doing it needs."""

    effect: Effect
    description: str
    actions: dict[_Name, tuple[_Field, ...]] = Field(min_length=1)
    """Field names by action; one that ends in ``?`` may be left out."""


class StateSpec(_Spec):
    """A state machine over one field of a collection's rows."""

    field: str = "status"
    edges: dict[str, tuple[str, ...]]
    """From each state, the states that may follow; a state without an entry is final."""


class CollectionSpec(_Spec):
    """Rows of one kind in the world."""

    key: str = "id"
    id: str | None = None
    """Pattern of new keys; ``#`` is a hexadecimal, ``0`` a decimal digit."""
    states: StateSpec | None = None
    """Where given, an update along any other edge is refused with ``conflict``."""
    start: tuple[_Template, ...] = ()
    """Rows that every world starts with."""


class Operation(_Spec):
    """One thing that a tool does; exactly one of the verbs is given.

    ``find`` (first row, or null), ``select`` (all rows), ``insert``,
    ``update``, ``delete`` name a collection; ``call`` names a device's
    operation; ``use`` names another tool, which is called ``with`` arguments;
    ``require`` ends the call with an error if its value is false.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, arbitrary_types_allowed=True, populate_by_name=True
    )

    when: _Template | None = None
    """Skip this operation unless the value is true."""
    each: _Template | None = None
    """Do it once for each item of this list, which the other values name as ``item``."""
    name: str | None = Field(None, alias="as")
    """Name of the result for later operations and ``returns``."""
    find: str | None = None
    select: str | None = None
    insert: str | None = None
    update: str | None = None
    delete: str | None = None
    call: str | None = None
    use: str | None = None
    let: _Template | None = None
    require: _Template | None = None
    where: dict[str, _Template] = Field(default_factory=dict)
    """Fields that must be equal; in a list-valued field, that must be contained."""
    matching: _Template | None = None
    """Words that must all occur (any case) in the ``over`` fields; empty matches all."""
    over: tuple[str, ...] = ()
    limit: _Template | None = None
    newest: str | None = None
    """Sort by this field, latest first."""
    row: dict[str, _Template] = Field(default_factory=dict)
    set: dict[str, _Template] = Field(default_factory=dict)
    arguments: dict[str, _Template] = Field(default_factory=dict, alias="with")
    code: str = "invalid_request"
    message: _Template | None = None
    field: str | None = None

    @model_validator(mode="after")
    def _one_verb(self) -> Self:
        if len(list(self._verbs())) != 1:
            raise ValueError(
                "an operation has exactly one of find, select, insert, update, delete, call, "
                "use, let, require"
            )
        if self.require is not None and self.message is None:
            raise ValueError("`require` needs a `message` for the agent")
        return self

    def _verbs(self) -> Iterator[str]:
        verbs = ("find", "select", "insert", "update", "delete", "call", "use", "let", "require")
        return (verb for verb in verbs if getattr(self, verb) is not None)

    @cached_property
    def verb(self) -> str:
        """The one verb that is given."""
        return next(self._verbs())

    @cached_property
    def collection(self) -> str | None:
        """The collection that is read or changed."""
        return self.find or self.select or self.insert or self.update or self.delete


class Reply(_Spec):
    """What a tool returns, when ``when`` is true."""

    when: _Template | None = None
    value: _Template


def _to_replies(source: object) -> object:
    if (
        isinstance(source, list)
        and source
        and all(isinstance(item, dict) and set(item) <= {"when", "value"} for item in source)
    ):
        return source
    return [{"value": source}]


class ToolSpec(_Spec):
    """One mock tool: its capability, parameters, effects on the world and reply."""

    name: str = ""
    capability: str
    description: str
    parameters: dict[_Parameter, ParameterSpec]
    actions: dict[_Name, dict[_Parameter, JsonValue]] | None = None
    """Actions that it supports, each with arguments that are fixed by the action."""
    does: tuple[Operation, ...] = ()
    output: dict[str, JsonValue] | None = None
    """JSON Schema of the answer, for a tool that does not say what it ``returns``."""
    returns: Annotated[tuple[Reply, ...], BeforeValidator(_to_replies)] = ()
    """Left out, the answer is a seeded value of ``output``, or an echo of the arguments."""

    @field_validator("description")
    @classmethod
    def _said(cls, text: str) -> str:
        if len(text) < 10:
            raise ValueError("a description says in a sentence what the tool does")
        return text

    def answers(self, place: str) -> bool:
        """Whether its answer can have something at a place, as ``results.0.url``."""
        if self.returns:
            return True
        schema: Any = self.output or {}
        for key in place.split("."):
            part = "items" if key.isdigit() else "properties"
            schema = schema.get(part) if isinstance(schema, dict) else None
            if part == "properties" and isinstance(schema, dict):
                schema = schema.get(key)
        return isinstance(schema, dict)

    def fields(self) -> dict[str, str]:
        """Parameter that each field of the capability's actions reaches."""
        return {spec.field or name: name for name, spec in self.parameters.items()}


class SuiteSpec(_Spec):
    """One file of tools."""

    suite: _Name
    description: str
    capabilities: dict[_Name, CapabilitySpec] = Field(default_factory=dict)
    collections: dict[_Name, CollectionSpec] = Field(default_factory=dict)
    tools: dict[_ToolName, ToolSpec] = Field(min_length=1)

    def capability_records(self) -> dict[str, Capability]:
        """The capabilities under their full names, ``suite.capability``."""
        return {
            f"{self.suite}.{name}": Capability(
                name=f"{self.suite}.{name}",
                effect=spec.effect,
                description=spec.description,
                actions={action: tuple(fields) for action, fields in spec.actions.items()},
            )
            for name, spec in self.capabilities.items()
        }

    def tool_specs(self) -> dict[str, ToolSpec]:
        """The tools with their names filled in and capabilities made full names."""

        def full(spec: ToolSpec) -> str:
            return spec.capability if "." in spec.capability else f"{self.suite}.{spec.capability}"

        return {
            name: spec.model_copy(update={"name": name, "capability": full(spec)})
            for name, spec in self.tools.items()
        }


_UNSAID = (("description", ""), ("type", "any"))


def json_schema(spec: ParameterSpec) -> dict[str, Any]:
    """The JSON Schema of one parameter, without the project's own shorthands."""
    plain = spec.model_dump(
        mode="json",
        by_alias=True,
        exclude={"optional", "field", "fill", "text", "items", "properties", "any_of"},
        exclude_none=True,
    )
    schema = {key: value for key, value in plain.items() if (key, value) not in _UNSAID}
    if spec.any_of is not None:
        schema["anyOf"] = [json_schema(option) for option in spec.any_of]
    if spec.items is not None:
        schema["items"] = json_schema(spec.items)
    if spec.properties is not None:
        schema.update(object_schema(spec.properties))
    return schema


def object_schema(parameters: Mapping[str, ParameterSpec]) -> dict[str, Any]:
    """The JSON Schema of named parameters; nothing else is allowed beside them."""
    return {
        "type": "object",
        "properties": {name: json_schema(spec) for name, spec in parameters.items()},
        "required": [name for name, spec in parameters.items() if spec.required],
        "additionalProperties": False,
    }

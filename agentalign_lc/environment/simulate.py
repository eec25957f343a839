"""ToolSpec to LangChain StructuredTool: strict arguments, effects, one error shape."""

from collections.abc import Callable, Mapping
from typing import Any, cast

from langchain_core.tools import StructuredTool, ToolException
from pydantic import BaseModel, JsonValue, ValidationError

from agentalign_lc.environment.answers import answer_call
from agentalign_lc.environment.arguments import Arguments, arguments_model
from agentalign_lc.environment.faults import ToolFault, fault_text
from agentalign_lc.environment.spec import Operation, ToolSpec, object_schema
from agentalign_lc.environment.world import Row, World, matches

__all__ = ["compile_tool", "run_tool", "tool_schema"]


def compile_tool(spec: ToolSpec, world: World) -> StructuredTool:
    """Bind a tool to a world.

    The arguments are validated by a strict pydantic model, since a plain dict
    schema on a StructuredTool validates nothing. Mistakes of the caller and
    errors of the world come back to the agent as one JSON shape, in a
    ToolMessage with ``status="error"``.
    """

    def invoke(arguments: dict[str, Any]) -> Row:
        try:
            return run_tool(spec, world, arguments)
        except ToolFault as fault:
            raise ToolException(fault_text(_in_parameters(fault, spec))) from fault

    async def ainvoke(arguments: dict[str, Any]) -> Row:
        # Not left to LangChain's executor: calls of one world run in the order in which they came.
        return invoke(arguments)

    return _SimulatedTool(
        name=spec.name,
        description=spec.description,
        args_schema=arguments_model(spec),
        func=invoke,
        coroutine=ainvoke,
        handle_tool_error=True,
        handle_validation_error=_explain,
    )


class _SimulatedTool(StructuredTool):
    # All arguments travel as one, so that a user's parameter may be called `config` or `$filter`.
    def _parse_input(
        self,
        tool_input: str | dict[str, Any],
        tool_call_id: str | None,  # noqa: ARG002 - LangChain's shape
    ) -> str | dict[str, Any]:
        model = cast("type[Arguments]", self.args_schema)
        parsed = model.model_validate(tool_input)
        fields = model.model_fields
        return {
            "arguments": {spec.alias or key: getattr(parsed, key) for key, spec in fields.items()}
        }

    # LangChain looks into the signatures of these two at every call; those of the base class ask
    # it to look into the function's as well.
    def _run(self, *_: Any, **given: Any) -> Any:  # noqa: ANN401 - LangChain's shape
        assert self.func is not None  # noqa: S101 - compile_tool gives it
        return self.func(**given)

    async def _arun(self, *_: Any, **given: Any) -> Any:  # noqa: ANN401 - LangChain's shape
        assert self.coroutine is not None  # noqa: S101 - compile_tool gives it
        return await self.coroutine(**given)


def _in_parameters(fault: ToolFault, spec: ToolSpec) -> ToolFault:
    """Name the parameter at fault: a device knows the capability's fields and not the tool's."""
    if fault.field is None or fault.field in spec.parameters:
        return fault
    return ToolFault(fault.code, fault.message, spec.fields().get(fault.field, fault.field))


def tool_schema(spec: ToolSpec) -> dict[str, Any]:
    """The schema that a model is shown, in OpenAI function form.

    Written from the suite and not from the compiled model, so that "may be
    left out" is said as JSON Schema says it, without a null beside every type.
    """
    return {
        "type": "function",
        "function": {
            "name": spec.name,
            "description": spec.description,
            "parameters": object_schema(spec.parameters),
        },
    }


def run_tool(spec: ToolSpec, world: World, arguments: Mapping[str, Any]) -> Row:
    """Carry out a call with validated arguments and return its reply.

    Raises:
        ToolFault: the world refuses: not found, already there, not allowed.
    """
    with world.lock:
        world.clock.tick()
        if world.twist is not None:
            world.twist.before(spec.name)
            return world.twist.after(spec.name, _reply(spec, world, arguments), world)
        return _reply(spec, world, arguments)


def _reply(spec: ToolSpec, world: World, arguments: Mapping[str, Any]) -> Row:
    plain = {name: _plain(value) for name, value in arguments.items()}
    names: dict[str, Any] = {
        "args": {name: plain.get(name) for name in spec.parameters},
        "me": world.me,
        "now": world.now,
        "draw": world.draw,
    }
    for operation in spec.does:
        if operation.when is None or operation.when(names):
            result = _carry_out(operation, world, names)
            if operation.name:
                names[operation.name] = result
        elif operation.name:
            names.setdefault(operation.name, None)
    for reply in spec.returns:
        if reply.when is None or reply.when(names):
            value = reply.value(names)
            return dict(value) if isinstance(value, dict) else {"result": value}
    if not spec.returns:
        results = [names[operation.name] for operation in spec.does if operation.name]
        value = answer_call(spec, world.seed, plain, results)
        return dict(value) if isinstance(value, dict) else {"result": value}
    raise ToolFault("unsupported", f"{spec.name} has no answer to these arguments.")


def _carry_out(operation: Operation, world: World, names: Mapping[str, Any]) -> JsonValue:
    verb = _VERBS[operation.verb]
    if operation.each is None:
        result: JsonValue = verb(operation, world, names)
        return result
    items = operation.each(names)
    return [
        verb(operation, world, {**names, "item": item})
        for item in (items if isinstance(items, list) else [])
    ]


def _require(operation: Operation, _world: World, names: Mapping[str, Any]) -> None:
    if operation.require is not None and not operation.require(names):
        message = operation.message(names) if operation.message else "not possible"
        raise ToolFault(operation.code, str(message), operation.field)


def _where(operation: Operation, names: Mapping[str, Any]) -> dict[str, Any]:
    # A condition whose value is null is no condition: an optional filter that was left out.
    values = {field: value(names) for field, value in operation.where.items()}
    return {field: value for field, value in values.items() if value is not None}


def _select(operation: Operation, world: World, names: Mapping[str, Any]) -> list[Row]:
    rows = list(world.select(operation.collection or "", _where(operation, names)))
    if operation.matching is not None:
        words = str(operation.matching(names) or "")
        rows = [row for row in rows if matches(row, words, operation.over)]
    if operation.newest:
        rows.sort(key=lambda row: str(row.get(operation.newest or "")), reverse=True)
    limit = operation.limit(names) if operation.limit is not None else None
    return rows[: int(limit)] if isinstance(limit, int | float) else rows


def _find(operation: Operation, world: World, names: Mapping[str, Any]) -> Row | None:
    if operation.matching is None and not operation.newest:
        return world.find(operation.collection or "", _where(operation, names))
    return next(iter(_select(operation, world, names)), None)


def _insert(operation: Operation, world: World, names: Mapping[str, Any]) -> Row:
    row = {field: value(names) for field, value in operation.row.items()}
    return dict(world.insert(operation.collection or "", row))


def _update(operation: Operation, world: World, names: Mapping[str, Any]) -> list[Row]:
    rows = _select(operation, world, names)
    for row in rows:
        scope = {**names, "row": row}
        values = {field: value(scope) for field, value in operation.set.items()}
        world.update(operation.collection or "", row, values)
    return [dict(row) for row in rows]


def _delete(operation: Operation, world: World, names: Mapping[str, Any]) -> list[Row]:
    rows = _select(operation, world, names)
    for row in rows:
        world.delete(operation.collection or "", row)
    return rows


def _call(operation: Operation, world: World, names: Mapping[str, Any]) -> JsonValue:
    device, _, method = (operation.call or "").partition(".")
    values = {name: value(names) for name, value in operation.arguments.items()}
    given = {name: value for name, value in values.items() if value is not None}
    result: JsonValue = getattr(world.devices[device], method)(**given)
    return result


def _use(operation: Operation, world: World, names: Mapping[str, Any]) -> Row:
    used = world.tools[operation.use or ""]
    values = {name: value(names) for name, value in operation.arguments.items()}
    given = {name: value for name, value in values.items() if value is not None}
    try:
        parsed = arguments_model(used).model_validate(given)
        return _reply(used, world, parsed.model_dump(by_alias=True))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field, fault = str(first["loc"][0]), ToolFault("invalid_argument", str(first["msg"]))
    except ToolFault as error:
        field, fault = error.field or "", error
    # The agent knows the parameters of the tool that it called, and both know the fields.
    spec = used.parameters.get(field)
    raise ToolFault(fault.code, fault.message, (spec.field if spec else None) or field or None)


def _let(operation: Operation, _world: World, names: Mapping[str, Any]) -> JsonValue:
    return operation.let(names) if operation.let is not None else None


_VERBS: dict[str, Callable[[Operation, World, Mapping[str, Any]], Any]] = {
    "find": _find,
    "select": _select,
    "insert": _insert,
    "update": _update,
    "delete": _delete,
    "call": _call,
    "use": _use,
    "let": _let,
    "require": _require,
}


def _explain(error: ValidationError | Any) -> str:  # noqa: ANN401 - pydantic v1 errors too
    details = error.errors(include_url=False) if isinstance(error, ValidationError) else []
    if not details:
        return fault_text(ToolFault("invalid_argument", str(error)))
    first = details[0]
    field = ".".join(str(part) for part in first["loc"]) or None
    message = str(first["msg"]).removeprefix("Value error, ")
    return fault_text(ToolFault("invalid_argument", f"{field}: {message}", field))


def _plain(value: Any) -> Any:  # noqa: ANN401 - any validated argument
    if isinstance(value, BaseModel):
        return value.model_dump(by_alias=True)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value

"""Strict pydantic models for the arguments of tools, compiled from their suites."""

import ipaddress
import math
import re
from collections.abc import Callable
from datetime import date, datetime
from functools import lru_cache
from typing import Annotated, Any, Literal, Union
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, create_model

from agentalign_lc.environment.spec import ParameterSpec, ToolSpec

__all__ = ["Arguments", "arguments_model", "parameter_type"]


class Arguments(BaseModel):
    """Base of all compiled argument models: nothing unknown, nothing coerced."""

    model_config = ConfigDict(extra="forbid", strict=True)


def arguments_model(spec: ToolSpec) -> type[Arguments]:
    """Compile a tool's parameters to a strict pydantic model."""
    return _model(spec.name, tuple(spec.parameters.items()))


_MODELS: dict[str, tuple[tuple[tuple[str, ParameterSpec], ...], type[Arguments]]] = {}


def _model(name: str, parameters: tuple[tuple[str, ParameterSpec], ...]) -> type[Arguments]:
    cached = _MODELS.get(name)
    if cached is not None and cached[0] == parameters:
        return cached[1]
    fields: dict[str, Any] = {
        key if _is_plain(key) else f"parameter_{number}": _field(key, spec)
        for number, (key, spec) in enumerate(parameters)
    }
    model = create_model(name, __base__=Arguments, **fields)
    _MODELS[name] = (parameters, model)
    return model


def _is_plain(name: str) -> bool:
    # pydantic keeps names with an underscore in front and those of its own methods for itself.
    return name.isidentifier() and not name.startswith(("_", "model_")) and not _taken(name)


def _taken(name: str) -> bool:
    return hasattr(BaseModel, name) or name.startswith("parameter_")


def _field(name: str, spec: ParameterSpec) -> tuple[Any, Any]:
    annotation = parameter_type(name, spec)
    extra: dict[str, Any] = {"description": spec.description}
    if not _is_plain(name):
        extra["alias"] = name
    if spec.required:
        return annotation, Field(**extra)
    if spec.default is not None:
        return annotation, Field(default=spec.default, **extra)
    # Null is tolerated for what may be left out: some models write every key.
    return Union[annotation, None], Field(default=None, **extra)  # noqa: UP007 - also of plain None


def parameter_type(name: str, spec: ParameterSpec) -> Any:  # noqa: ANN401, C901 - a type built from data
    """The Python type that holds what a parameter allows."""
    if spec.enum:
        return Literal[spec.enum]
    match spec.type:
        case "array" if spec.items is not None:
            inner: Any = parameter_type(name, spec.items)
            length = Field(min_length=spec.min_items, max_length=spec.max_items)
            made: Any = Annotated[list[inner], length]
        case "object" if spec.properties is not None:
            made = _model(f"{name}_object", tuple(spec.properties.items()))
        case "string":
            made = _string(spec)
        case "integer":
            low = None if spec.minimum is None else math.ceil(spec.minimum)
            high = None if spec.maximum is None else math.floor(spec.maximum)
            made = Annotated[int, Field(ge=low, le=high)]
        case "number":
            made = Annotated[float, Field(ge=spec.minimum, le=spec.maximum, allow_inf_nan=False)]
        case "boolean":
            made = bool
        case "null":
            made = None
        case "any" if spec.any_of is not None:
            options = tuple(parameter_type(name, option) for option in spec.any_of)
            made = Union[options]  # noqa: UP007 - of a tuple
        case "any":
            made = Any
        case _:
            made = dict[str, Any]
    return made


def _string(spec: ParameterSpec) -> Any:  # noqa: ANN401
    parts: list[Any] = [Field(min_length=spec.min_length, max_length=spec.max_length)]
    if spec.pattern:
        parts.append(AfterValidator(_pattern(spec.pattern)))
    if spec.format:
        parts.append(AfterValidator(_FORMATS[spec.format]))
    return Annotated[(str, *parts)]


@lru_cache(maxsize=512)
def _pattern(pattern: str) -> Callable[[str], str]:
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if not compiled.search(value):
            raise ValueError(f"must match {pattern}")
        return value

    return check


def _email(value: str) -> str:
    name, _, host = value.rpartition("@")
    if not name or not host or any(c.isspace() for c in value):
        raise ValueError("must be an e-mail address, as name@example.com")
    return value


def _uri(value: str) -> str:
    try:
        ok = bool(urlsplit(value).scheme)
    except ValueError:
        ok = False
    if not ok:
        raise ValueError("must be a URL, as https://example.com/page")
    return value


def _date(value: str) -> str:
    try:
        date.fromisoformat(value)
    except ValueError as error:
        raise ValueError("must be a date, as 2026-03-14") from error
    return value


def _date_time(value: str) -> str:
    # RFC 3339 knows a 60th second; Python's datetime does not.
    try:
        datetime.fromisoformat(re.sub(r":60(?=[.Z+-]|$)", ":59", value.upper()))
    except ValueError as error:
        raise ValueError("must be a date and time, as 2026-03-14T15:00:00Z") from error
    return value


def _ipv4(value: str) -> str:
    try:
        ipaddress.IPv4Address(value)
    except ValueError as error:
        raise ValueError("must be an IPv4 address, as 192.0.2.7") from error
    return value


def _hostname(value: str) -> str:
    if not re.fullmatch(
        r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*\.?", value
    ):
        raise ValueError("must be a host name, as server.example.com")
    return value


_FORMATS: dict[str, Callable[[str], str]] = {
    "email": _email,
    "uri": _uri,
    "date": _date,
    "date-time": _date_time,
    "ipv4": _ipv4,
    "hostname": _hostname,
}

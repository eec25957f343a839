"""The operations of an OpenAPI 3 file, each a tool with flat parameters."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from agentalign_lc.documents import read_document
from agentalign_lc.environment.imports.foreign import ForeignTool, tool_name
from agentalign_lc.environment.imports.schema import resolve_references
from agentalign_lc.errors import ConfigError
from agentalign_lc.records import Effect

__all__ = ["openapi_tools"]

_METHODS = ("get", "put", "post", "delete", "patch", "head", "options")
_OF_TRANSPORT = frozenset({"authorization", "accept", "content-type", "cookie"})


def openapi_tools(path: Path) -> list[ForeignTool]:
    """Read every operation of an OpenAPI 3 file (JSON or YAML).

    Path, query, header and body parameters stand side by side; of two with one
    name the body's is called ``body_...``. What belongs to the transport
    (authorisation, content types, cookies) is left out.

    Raises:
        ConfigError: the file is no OpenAPI 3, or has no operation.
        DocumentError: the file cannot be read.
    """
    document = read_document(path)  # JSON is YAML
    if not isinstance(document, dict) or not str(document.get("openapi", "")).startswith("3"):
        raise ConfigError(
            f"{path}: is no OpenAPI 3 file (no `openapi: 3...`); convert older ones to OpenAPI 3"
        )
    found = list(_operations(document))
    if not found:
        raise ConfigError(f"{path}: has no operation under `paths`")
    return found


def _operations(document: Mapping[str, Any]) -> Iterator[ForeignTool]:
    seen: dict[str, int] = {}
    for route, raw in _mapping(document.get("paths")).items():
        item = _followed(raw, document)
        for method in _METHODS:
            operation = item.get(method)
            if not isinstance(operation, dict):
                continue
            name = tool_name(str(operation.get("operationId") or f"{method}_{route}"))
            seen[name] = seen.get(name, 0) + 1
            yield ForeignTool(
                name=name if seen[name] == 1 else f"{name[:60]}_{seen[name]}",
                description=_description(operation, method, str(route)),
                parameters=_parameters(item, operation, document),
                output=_output(operation, document),
                effect=Effect.READ if method in ("get", "head", "options") else None,
            )


def _description(operation: Mapping[str, Any], method: str, route: str) -> str:
    summary, said_more = (
        str(operation.get(key) or "").strip() for key in ("summary", "description")
    )
    # A summary that only says the name again ("Get User") is what FastAPI makes up.
    name = re.sub(r"\W|_", "", str(operation.get("operationId") or "")).lower()
    echo = said_more and name.startswith(re.sub(r"\W|_", "", summary).lower())
    parts = [said_more] if echo else [summary, said_more]
    said = [re.sub(r"\s+", " ", part).rstrip(".") + "." for part in dict.fromkeys(parts) if part]
    return " ".join(said) or f"{method.upper()} {route}"


def _parameters(
    item: Mapping[str, Any], operation: Mapping[str, Any], document: Mapping[str, Any]
) -> dict[str, Any]:
    parts: dict[str, Any] = {}
    required: list[str] = []
    listed = [
        _followed(raw, document)
        for source in (item, operation)
        for raw in (source.get("parameters") or ())
    ]
    # An operation's own parameter takes the place of its path's.
    for parameter in {(p.get("name"), p.get("in")): p for p in listed}.values():
        name = str(parameter.get("name") or "")
        if not name or parameter.get("in") == "cookie":
            continue
        if parameter.get("in") == "header" and name.lower() in _OF_TRANSPORT:
            continue
        schema = parameter.get("schema") or _content(parameter)
        resolved = resolve_references(schema, document)
        said = parameter.get("description")
        parts[name] = {**resolved, **({"description": said} if said else {})}
        if parameter.get("required"):
            required.append(name)
    for name, schema, needed in _body(operation, document):
        own = f"body_{name}" if name in parts else name
        parts[own] = schema
        if needed:
            required.append(own)
    return {"type": "object", "properties": parts, "required": required}


def _body(
    operation: Mapping[str, Any], document: Mapping[str, Any]
) -> Iterator[tuple[str, Any, bool]]:
    body = _followed(operation.get("requestBody"), document)
    schema = resolve_references(_content(body), document)
    if not schema:
        return
    needed = bool(body.get("required"))
    parts = schema.get("properties")
    if not isinstance(parts, dict) or not parts:
        yield "body", schema, needed
        return
    required = schema.get("required") or []
    for name, part in parts.items():
        yield str(name), part, needed and name in required


def _output(operation: Mapping[str, Any], document: Mapping[str, Any]) -> dict[str, Any] | None:
    for code, answer in sorted(
        (str(k), v) for k, v in _mapping(operation.get("responses")).items()
    ):
        schema = resolve_references(_content(_followed(answer, document)), document)
        if code.startswith("2") and schema:
            return dict(schema)
    return None


def _content(holder: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of the most JSON-like content."""
    kinds = _mapping(holder.get("content"))
    best = sorted(kinds, key=lambda kind: ("json" not in kind, "form" not in kind, kind))
    for kind in best:
        schema = _mapping(kinds[kind]).get("schema")
        if isinstance(schema, dict):
            return schema
    return {}


def _followed(node: Any, document: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ANN401
    """A part of the document, itself behind a reference or not."""
    for _ in range(8):
        reference = node.get("$ref") if isinstance(node, dict) else None
        if not isinstance(reference, str) or not reference.startswith("#/"):
            break
        target: Any = document
        for part in reference[2:].split("/"):
            key = part.replace("~1", "/").replace("~0", "~")
            target = target.get(key) if isinstance(target, dict) else None
        node = target
    return _mapping(node)


def _mapping(value: Any) -> dict[str, Any]:  # noqa: ANN401
    return value if isinstance(value, dict) else {}

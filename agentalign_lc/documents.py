"""YAML documents read into pydantic models, mistakes named by file and line.

PyYAML parses; this module only remembers on which line each value stood, so
that a mistake found by a model can be shown where the author made it.
"""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from agentalign_lc.errors import DocumentError

__all__ = ["compose_document", "find_line", "load_document", "mistake", "read_document", "said_by"]

ModelT = TypeVar("ModelT", bound=BaseModel)

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_document(path: Path, model: type[ModelT], *, trusted: bool = False) -> ModelT:
    """Read a YAML file into a model.

    Args:
        path: The file.
        model: What it must hold.
        trusted: That it is a shipped file, which tests have checked; models may
            then put off costly checks (they find it in their validation context).

    Raises:
        DocumentError: the file is missing, is no YAML, or breaks the model; the
            message is ``file:line: where: what is wrong``, and ``problems`` has
            one such line for every mistake.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> class Pet(BaseModel):
        ...     name: str
        >>> with TemporaryDirectory() as folder:
        ...     file = Path(folder, "pet.yaml")
        ...     _ = file.write_text("nmae: Rex")
        ...     try:
        ...         load_document(file, Pet)
        ...     except DocumentError as error:
        ...         print(str(error).replace(folder, ""))
        /pet.yaml:1: name: field is missing
    """
    data = read_document(path)
    try:
        return model.model_validate(data, context={"trusted": trusted})
    except ValidationError as error:
        raise DocumentError(*said_by(error, path)) from error


def read_document(path: Path) -> Any:  # noqa: ANN401 - whatever the file holds
    """Read a YAML file into plain values.

    Raises:
        DocumentError: the file is missing, or is no YAML.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise DocumentError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise DocumentError(f"{path}: cannot be read (it is not UTF-8 text)") from error
    try:
        return yaml.load(text, Loader=_LOADER)  # noqa: S506 - a safe loader, in C where there is one
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        problem = getattr(error, "problem", None) or "not readable as YAML"
        raise DocumentError(f"{path}:{line}: {problem}") from error


def said_by(error: ValidationError, path: Path) -> list[str]:
    """Say every mistake that a model found in a file, one line each."""
    details = error.errors(include_url=False)
    return [mistake(path, detail["loc"], _plain(detail)) for detail in details]


def mistake(path: Path, place: Sequence[str | int], message: str) -> str:
    """Say a mistake in one line: ``file:line: where: what is wrong``."""
    where = ".".join(map(str, place)) or "document"
    return f"{path}:{find_line(path, place)}: {where}: {message}"


def _plain(detail: Any) -> str:  # noqa: ANN401 - pydantic's ErrorDetails
    if detail["type"] == "missing":
        return "field is missing"
    if detail["type"] == "extra_forbidden":
        return "unknown field; check its spelling"
    message = str(detail["msg"]).removeprefix("Value error, ")
    return message[:1].lower() + message[1:]


def find_line(path: Path, place: Sequence[str | int]) -> int:
    """Return the 1-based line of a place in a YAML file, or of its nearest parent.

    Args:
        path: The YAML file.
        place: Keys and list positions from the root.
    """
    node = compose_document(path)
    line = 1
    for part in place:
        if isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in node.value if k.value == str(part)), None)
            if found is None:
                # pydantic puts names of union members into the place; they are not in the file
                continue
            line = found[0].start_mark.line + 1
            node = found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            if part >= len(node.value):
                break
            node = node.value[part]
            line = node.start_mark.line + 1
    return line


def compose_document(path: Path) -> yaml.Node | None:
    """Parse a YAML file into nodes that know their lines."""
    return _compose(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=4)
def _compose(path: Path, _modified: int) -> yaml.Node | None:
    return yaml.compose(path.read_text(encoding="utf-8"), Loader=_LOADER)

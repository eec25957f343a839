"""Labelled rows to measure a guard on: texts or messages, harmful or not."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.messages.utils import convert_to_messages

from agentalign_lc.guard.measuring.written import read_written_calls
from agentalign_lc.rows import read_rows

__all__ = ["Labelled", "parse_messages", "read_labelled"]

_LABELS = {
    **dict.fromkeys(("harmful", "unsafe", "injection_followed", "refuse", "1", "true"), 1),
    **dict.fromkeys(
        ("benign", "safe", "injection_resisted", "borderline", "allow", "harmless", "0", "false"), 0
    ),
}


@dataclass(frozen=True, slots=True)
class Labelled:
    """A row: a conversation, and whether it is harmful."""

    messages: tuple[BaseMessage, ...]
    label: int
    """1 for harmful."""
    source: str = ""
    category: str = ""
    tools: tuple[Mapping[str, Any], ...] = ()
    """Schemas of the tools that were offered, in OpenAI's shape, where the row has them."""

    @property
    def acts(self) -> bool:
        """Whether tools are called in it."""
        return any(isinstance(m, AIMessage) and m.tool_calls for m in self.messages)


def read_labelled(file: Path, report: Callable[[int, str], None]) -> Iterator[Labelled]:
    r"""Read rows of ``text`` or ``messages`` with a ``label``; the broken are reported, by line.

    ``label`` is harmful or benign, 1 or 0, true or false; ``unsafe`` and
    ``injection_followed``, ``safe`` and ``injection_resisted`` are understood
    too. Messages have OpenAI's shape, or LangChain's own; calls that a ReAct agent
    wrote out in words are read as calls.

    Args:
        file: JSON Lines, JSON or CSV, possibly compressed.
        report: Is given the line and what is wrong with it.

    Raises:
        ConfigError: the file cannot be opened, or reading it fails.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     file = Path(folder, "rows.jsonl")
        ...     _ = file.write_text('{"text": "Hi", "label": "benign"}\n{"text": "Ho"}\n')
        ...     [row.label for row in read_labelled(file, lambda line, why: print(line, why))]
        2 no label; write harmful or benign
        [0]
    """
    for row in read_rows(file):
        if row.problem:
            report(row.line, row.problem)
            continue
        try:
            yield _labelled(row.value)
        except (ValueError, TypeError, KeyError, NotImplementedError) as error:
            report(row.line, " ".join(str(error).split())[:200] or "cannot be used")


def parse_messages(value: object) -> tuple[BaseMessage, ...]:
    """Messages of OpenAI's or LangChain's shape.

    Raises:
        ValueError: they are none.

    Example:
        >>> parse_messages([{"role": "user", "content": "Hi"}])[0].content
        'Hi'
    """
    if not isinstance(value, list) or not value:
        raise ValueError("no messages; give a list of objects with role and content")
    return tuple(message for place, one in enumerate(value, 1) for message in _parsed(one, place))


def _parsed(one: Any, place: int) -> list[BaseMessage]:  # noqa: ANN401 - whatever the file holds
    try:
        return convert_to_messages([one])
    except (ValueError, TypeError, KeyError, AttributeError, NotImplementedError) as error:
        # LangChain adds where to read more about it.
        line = " ".join(str(error).partition("For troubleshooting")[0].split())[:120]
        raise ValueError(
            f"message {place} cannot be read ({line}); it needs a role and content"
        ) from error


def _labelled(value: object) -> Labelled:
    if not isinstance(value, Mapping):
        raise TypeError("no object; write one a row, with text or messages, and label")
    return Labelled(
        messages=_messages(value),
        label=_label(value),
        source=_text(value, "source"),
        category=_text(value, "category"),
        tools=_tools(value),
    )


def _messages(value: Mapping[str, Any]) -> tuple[BaseMessage, ...]:
    if value.get("messages"):
        return read_written_calls(parse_messages(value["messages"]))
    text = value.get("text")
    if not isinstance(text, str) or not text.strip():
        raise ValueError("neither text nor messages; give one of them")
    return (HumanMessage(text),)


def _label(value: Mapping[str, Any]) -> int:
    label = value.get("label")
    if label is None:
        raise ValueError("no label; write harmful or benign")
    found = _LABELS.get(str(label).strip().lower())
    if found is None:
        raise ValueError(f"the label {str(label)[:40]!r} is none; write harmful or benign")
    return found


def _tools(value: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """Schemas with a name; names alone, or what is no schema, say nothing that calls do not."""
    found = value.get("tools")
    schemas = [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []
    inner = [(one, one.get("function", one)) for one in schemas]
    return tuple(
        one
        for one, function in inner
        if isinstance(function, Mapping) and isinstance(function.get("name"), str)
    )


def _text(value: Mapping[str, Any], name: str) -> str:
    text = value.get(name)
    return text if isinstance(text, str) else ""

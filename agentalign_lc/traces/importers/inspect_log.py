"""Inspect's evaluation logs (``.eval`` and ``.json``), read by inspect_ai itself: a sample a trace."""

import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentalign_lc.errors import ConfigError
from agentalign_lc.traces.chat import read_chat, read_tools, read_usage
from agentalign_lc.traces.chat.values import entry, first, line, mapping, text
from agentalign_lc.traces.importers.conversation import as_conversation
from agentalign_lc.traces.importers.seen import Seen, as_trace, seconds
from agentalign_lc.traces.trace import SpanKind, Trace

if TYPE_CHECKING:
    from inspect_ai.log import EvalSample

__all__ = ["is_inspect_log", "read_inspect"]

_SPANS: dict[str, SpanKind] = {
    "agent": "agent",
    "tool": "chain",
    "solver": "chain",
    "solvers": "chain",
}


def is_inspect_log(file: Path) -> bool:
    """Whether a file is a log of Inspect's: an archive of samples, or JSON that begins like one.

    Example:
        >>> is_inspect_log(Path(__file__))
        False
    """
    try:
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as archive:
                names = archive.namelist()
            return any(name == "header.json" or name.startswith("_journal/") for name in names)
        with file.open("rb") as stream:
            head = stream.read(4096)
    except (OSError, zipfile.BadZipFile):
        return False
    words = (b'"version"', b'"status"', b'"eval"', b'"run_id"')
    return head.lstrip()[:1] == b"{" and all(word in head for word in words)


def read_inspect(file: Path, report: Callable[[str], None]) -> Iterator[Trace]:
    """Read the samples of a log, one at a time.

    Args:
        file: The log.
        report: Is given a line for every sample that cannot be used.

    Raises:
        ConfigError: inspect_ai is not installed, or cannot read the log.
    """
    samples = _samples(file)
    number = 0
    while True:
        number += 1
        try:
            sample = next(samples, None)
        except (ValueError, TypeError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
            if number == 1:
                raise ConfigError(
                    f"{file} cannot be read by inspect_ai ({line(str(error))})"
                ) from error
            report(f"{file}:{number}: {line(str(error))}")
            return
        if sample is None:
            return
        try:
            yield _trace(sample)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            report(f"{file}:{number}: {line(str(error))}")


def _samples(file: Path) -> "Iterator[EvalSample]":
    try:
        from inspect_ai.log import read_eval_log_samples  # noqa: PLC0415 - an extra, and slow to import
    except ImportError as error:
        raise ConfigError(
            f"{file} is a log of Inspect's: pip install 'agentalign-lc[inspect]' to read it"
        ) from error
    samples: Iterator[EvalSample] = read_eval_log_samples(
        str(file), all_samples_required=False, resolve_attachments=True
    )
    return samples


def _trace(sample: "EvalSample") -> Trace:
    events = [json.loads(event.model_dump_json(exclude_none=True)) for event in sample.events]
    seen = [*_seen(events)]
    id = sample.uuid or f"{sample.id}:{sample.epoch}"
    about = {
        "sample": str(sample.id),
        "epoch": sample.epoch,
        "scores": {name: text(score.value) for name, score in (sample.scores or {}).items()}
        or None,
    }
    if not any(one.kind == "model" for one in seen):
        # Logs may be written without events; the messages are always there.
        chat = read_chat(
            [json.loads(m.model_dump_json(exclude_none=True)) for m in sample.messages]
        )
        return as_conversation(id, "inspect", chat, attributes=about)
    return as_trace(id, "inspect", seen, name=str(sample.id), attributes=about)


def _seen(events: list[dict[str, Any]]) -> Iterator[Seen]:
    ends = {text(one.get("id")): one for one in events if one.get("event") == "span_end"}
    ran = _ran(events)
    for number, event in enumerate(events):
        kind = event.get("event")
        if kind == "span_begin" and event.get("id") in ran.values():
            continue
        if kind == "span_begin":
            yield _step(event, ends)
        elif kind == "model":
            yield _model(event, number)
        elif kind == "tool":
            seen = _tool(event, number)
            seen.id = ran.get(number, seen.id)
            yield seen


def _ran(events: list[dict[str, Any]]) -> dict[int, str]:
    """By the number of a tool's event the span that it ran in, and so what it did itself."""
    begun: dict[tuple[str, str], list[str]] = {}
    found: dict[int, str] = {}
    for number, event in enumerate(events):
        if event.get("event") == "span_begin" and event.get("type") == "tool":
            place = (text(event.get("parent_id")), text(event.get("name")))
            begun.setdefault(place, []).append(text(event.get("id")))
        elif event.get("event") == "tool":
            waiting = begun.get((text(event.get("span_id")), text(event.get("function"))))
            if waiting:
                found[number] = waiting.pop(0)
    return found


def _step(event: Mapping[str, Any], ends: Mapping[str, Mapping[str, Any]]) -> Seen:
    end = ends.get(text(event.get("id")))
    return Seen(
        text(event.get("id")),
        text(event.get("parent_id")) or None,
        kind=_SPANS.get(text(event.get("type")), "other"),
        name=text(event.get("name")),
        started=seconds(event.get("timestamp")) or 0.0,
        ended=seconds(end.get("timestamp")) if end else None,
        status="ok" if end else "open",
    )


def _model(event: Mapping[str, Any], number: int) -> Seen:
    output = mapping(event.get("output"))
    failed = text(first(event, "error") or output.get("error"))
    return Seen(
        text(event.get("uuid")) or f"model:{number}",
        text(event.get("span_id")) or None,
        kind="model",
        name=text(event.get("model")),
        started=seconds(event.get("timestamp")) or 0.0,
        ended=seconds(event.get("completed")),
        status="error" if failed else "open" if event.get("pending") else "ok",
        error=failed,
        messages=read_chat(event.get("input")).messages,
        said=None if failed else entry(output, "choices", 0, "message"),
        tools=read_tools(event.get("tools")),
        usage=read_usage(output.get("usage")),
        attributes={"model": event.get("model")},
    )


def _tool(event: Mapping[str, Any], number: int) -> Seen:
    error = mapping(event.get("error"))
    return Seen(
        text(event.get("uuid")) or f"tool:{number}",
        text(event.get("span_id")) or None,
        kind="tool",
        name=text(event.get("function")),
        started=seconds(event.get("timestamp")) or 0.0,
        ended=seconds(event.get("completed")),
        status="error" if error else "open" if event.get("pending") else "ok",
        error=text(error.get("message")),
        given=event.get("arguments"),
        said=event.get("result"),
        call_id=text(event.get("id")),
    )

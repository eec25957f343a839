"""Reads the traces of a file, whatever wrote it: the content tells the format, not the name."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from agentalign_lc.errors import ConfigError
from agentalign_lc.traces.chat.values import line
from agentalign_lc.traces.importers.agentevals import AGENTEVALS
from agentalign_lc.traces.importers.documents import Value, read_values
from agentalign_lc.traces.importers.form import Form
from agentalign_lc.traces.importers.groups import Groups
from agentalign_lc.traces.importers.inspect_log import is_inspect_log, read_inspect
from agentalign_lc.traces.importers.langfuse import LANGFUSE
from agentalign_lc.traces.importers.langsmith import LANGSMITH
from agentalign_lc.traces.importers.openai_messages import OPENAI
from agentalign_lc.traces.importers.otel import OTEL
from agentalign_lc.traces.trace import Trace

__all__ = ["FORMS", "read_traces", "recognise"]

FORMS: tuple[Form, ...] = (LANGSMITH, LANGFUSE, OTEL, AGENTEVALS, OPENAI)
"""What is tried, in this order."""

_TITLES = ", ".join([*(form.title for form in FORMS), "Inspect logs"])
_BROKEN = (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError)
_WAITING = 20

Report = Callable[[str], None]


def _silent(_: str) -> None:
    pass


def recognise(value: object) -> Form | None:
    """The form that a JSON value has; None if it is none that is known.

    Example:
        >>> recognise({"messages": [{"role": "user", "content": "Hi"}]}).name
        'openai'
        >>> recognise({"pets": []})
    """
    return next((form for form in FORMS if form.fits(value)), None)


def read_traces(file: Path, report: Report = _silent) -> Iterator[Trace]:
    r"""Read the traces of a file; what cannot be read is reported, and the rest is kept.

    Known are runs of LangSmith, exports of Langfuse, spans of OpenTelemetry (GenAI
    conventions, OpenInference, Vercel AI SDK), trajectories of agentevals, OpenAI
    messages and logs of Inspect; as one JSON document, several, or JSON Lines,
    and packed with gzip or not. Lines that are traces by themselves come one by
    one; where a trace's spans may stand anywhere the file is read to its end first.

    Args:
        file: The file.
        report: Is given one line for every part that could not be read:
            ``FILE:LINE/INDEX: reason``.

    Raises:
        ConfigError: the file cannot be opened, or has none of the known formats.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     file = Path(folder, "chats.jsonl")
        ...     _ = file.write_text('{"messages": [{"role": "user", "content": "Hi"}]}\n{"mess\n')
        ...     for trace in read_traces(file, lambda line: print(line.removeprefix(folder))):
        ...         print(trace.source, trace.spans[0].messages[0].content)
        openai Hi
        /chats.jsonl:2: no JSON
    """
    if is_inspect_log(file):
        yield from read_inspect(file, report)
        return
    reading = _Reading(file, report)
    with Groups() as groups:
        for value in read_values(file):
            yield from reading.take(value, groups)
        for name, id, place, pieces in groups.traces():
            form = next(form for form in FORMS if form.name == name)
            yield from reading.make(form, id, pieces, place)
    reading.end()


class _Reading:
    """What was found of one file so far."""

    def __init__(self, file: Path, report: Report) -> None:
        self._file = file
        self._report = report
        self._known = False
        self._waiting: list[str] = []

    def say(self, place: str, reason: str) -> None:
        """Report a problem; those before the format is known wait until it is."""
        problem = f"{self._file}:{place}: {reason}"
        if self._known:
            self._report(problem)
        elif len(self._waiting) < _WAITING:
            self._waiting.append(problem)

    def _know(self) -> None:
        self._known = True
        for problem in self._waiting:
            self._report(problem)
        self._waiting = []

    def take(self, value: Value, groups: Groups) -> Iterator[Trace]:
        place = str(value.line)
        form = recognise(value.value)
        if form is not None and not self._known:
            self._know()
        if value.problem:
            self.say(place, value.problem)
        elif form is None:
            self.say(place, "no known format")
        if form is None:
            return
        pieces = form.pieces(value.value)
        index = -1
        while True:
            index += 1
            inside = f"{place}/{index}"
            try:
                piece = next(pieces, None)
            except _BROKEN as error:
                self.say(inside, _reason(error))
                return
            if piece is None:
                return
            if isinstance(piece, str):
                self.say(inside, piece)
            elif piece.alone:
                yield from self.make(form, piece.trace or piece.id, [piece.value], inside)
            else:
                groups.add(piece, form.name, inside)

    def make(
        self, form: Form, id: str, pieces: Sequence[Mapping[str, Any]], place: str
    ) -> Iterator[Trace]:
        """The trace of some pieces; without those that break it, if any do."""
        try:
            trace = form.trace(id, pieces)
        except _BROKEN as error:
            if len(pieces) == 1:
                self.say(place, _reason(error))
                return
        else:
            yield trace
            return
        good: list[Mapping[str, Any]] = []
        for piece in pieces:
            try:
                form.trace(id, [piece])
            except _BROKEN as error:
                self.say(place, f"a part of trace {id}: {_reason(error)}")
            else:
                good.append(piece)
        if good and len(good) < len(pieces):
            yield from self.make(form, id, good, place)
        elif good:
            self.say(place, f"trace {id} cannot be put together")

    def end(self) -> None:
        """Say so if nothing was known.

        Raises:
            ConfigError: the file has none of the known formats.
        """
        if self._known:
            return
        why = self._waiting[0].removeprefix(f"{self._file}:") if self._waiting else "it is empty"
        raise ConfigError(f"{self._file} has no known format ({why}); known are: {_TITLES}")


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return f"cannot be used ({line(str(error)) or type(error).__name__})"[:200]

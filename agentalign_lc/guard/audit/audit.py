"""The audit: every decision of a guard, redacted, in a log that shows when it was changed."""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from langgraph.store.base import BaseStore
from pydantic import JsonValue

from agentalign_lc.errors import ConfigError
from agentalign_lc.guard.audit.ledger import Ledger, Verification, verify
from agentalign_lc.guard.audit.place import place
from agentalign_lc.guard.audit.redaction import redact, redact_text
from agentalign_lc.guard.audit.signals import Decided, asignal, signal
from agentalign_lc.guard.audit.store_ledger import NAMESPACE, StoreLedger, verify_store
from agentalign_lc.guard.view import SeenCall, View

__all__ = ["Audit", "Verification", "verify", "verify_store"]

_REASON = 1000
"""Characters of a reason that is kept as it is."""
_NAMES = frozenset({"calls", "checkpoint", "action"})
"""What holds ids and words of ours, which no pattern for secrets should meet."""

_logger = logging.getLogger(__name__)


class _Decision(Decided, Protocol):
    def model_dump(self, *, mode: str) -> dict[str, Any]: ...


class Audit:
    """Keeps every decision: where, what was done, what each judge said, how long it took, for which run.

    With a view also the tools of the pending calls and their arguments, without
    secrets, addresses and long texts. Each decision is told to tracers as a
    custom event ``guard_decision``, and to the current OpenTelemetry span.

    Args:
        path: The log, JSON lines; without it and without a store, tracers alone are told.
        durable: Wait until each line is on the disk, so that it outlives a power cut.
        store: A LangGraph store that keeps the log instead of a file.
        namespace: Where in the store; a process needs one of its own.

    Raises:
        ConfigError: both a path and a store are given, or none that can be used.
        StoreError: the folder cannot be made.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from agentalign_lc.guard.judges import Opinion, allow
        >>> from agentalign_lc.records import Record
        >>> class Decision(Record):
        ...     checkpoint: str = "request"
        ...     action: str = "allow"
        ...     opinions: tuple[Opinion, ...] = (allow("rules"),)
        ...     seconds: float = 0.001
        ...     error: str = ""
        >>> with TemporaryDirectory() as folder:
        ...     Audit(Path(folder) / "audit.jsonl").record(Decision())
        ...     verify(Path(folder) / "audit.jsonl").intact
        True
    """

    def __init__(
        self,
        path: str | Path | None = None,
        *,
        durable: bool = False,
        store: BaseStore | None = None,
        namespace: Sequence[str] = NAMESPACE,
    ) -> None:
        if path is not None and store is not None:
            raise ConfigError("an audit is kept in a file or in a store: give one of them")
        self._ledger: Ledger | StoreLedger | None = None
        if path is not None:
            self._ledger = Ledger(Path(path), durable=durable)
        elif store is not None:
            self._ledger = StoreLedger(store, namespace)

    def record(self, decision: _Decision, view: View | None = None) -> None:
        """Write a decision down and tell it.

        Raises:
            StoreError: the log cannot be written.
        """
        if self._ledger is not None:
            self._ledger.append(_entry(decision, view))
        with _unharmed():
            signal(decision)

    async def arecord(self, decision: _Decision, view: View | None = None) -> None:
        """Write it down beside the event loop, and tell it; raises what ``record`` raises."""
        if self._ledger is not None:
            await asyncio.to_thread(self._ledger.append, _entry(decision, view))
        with _unharmed():
            await asignal(decision)


class _unharmed(contextlib.AbstractContextManager[None]):  # noqa: N801 - reads as a verb where it is used
    """A tracer that breaks is logged and breaks nothing else."""

    def __exit__(self, kind: type[BaseException] | None, error: object, _: object) -> bool:
        if kind is None or not issubclass(kind, Exception):
            return False
        _logger.warning("a tracer did not take the guard's decision: %s", error)
        return True


def _entry(decision: _Decision, view: View | None) -> dict[str, JsonValue]:
    entry: dict[str, JsonValue] = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        **{key: _plain(value, key) for key, value in decision.model_dump(mode="json").items()},
        **place(),
    }
    if view is not None:
        entry["pending"] = [_call(call) for call in view.pending]
    return entry


def _plain(value: Any, key: str) -> JsonValue:  # noqa: ANN401 - any JSON value
    """What a decision says: whole, but for secrets and addresses in its texts."""
    if isinstance(value, str):
        return value if key in _NAMES else redact_text(value, _REASON)
    if isinstance(value, list):
        return [_plain(item, key) for item in value]
    if isinstance(value, dict):
        # What lies inside `calls` is named by the calls' ids.
        named = {str(name): key if key in _NAMES else str(name) for name in value}
        return {name: _plain(value[name], inner) for name, inner in named.items()}
    return redact(value)


def _call(call: SeenCall) -> JsonValue:
    return {"id": call.id, "tool": call.tool, "arguments": redact(dict(call.arguments))}

"""Export as a folder of Parquet files that ``datasets.load_dataset(folder)`` opens, split by split.

All that a conversation has is in it: the rejected response, too. ``tools`` and
``about`` are JSON strings (Arrow would fill one schema with the nulls of all
others). The arguments of calls have Arrow's type for JSON, so that they come
back as the objects they were (``datasets`` 4.7 or later), ready for TRL.

``README.md`` names the splits: without it ``datasets`` would guess them from the
names of the files, and take ``test_tools`` for a part of ``test``.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentalign_lc.dataset.conversation import Conversation, Turn
from agentalign_lc.dataset.export.origin import origin
from agentalign_lc.dataset.export.trl import trl_messages
from agentalign_lc.errors import ConfigError
from agentalign_lc.records import CANARY
from agentalign_lc.seeds import canonical_json

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["ParquetRows", "hf_readme", "hf_rows"]

_BATCH = 256
_STRINGS = ("tools", "id", "intent", "category", "subcategory", "split", "source", "canary", "rejected_as", "about")  # fmt: skip


def hf_rows(conversation: Conversation) -> Iterator[dict[str, Any]]:
    """One row with everything that is known.

    Example:
        >>> turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "No."}]
        >>> (row,) = hf_rows(Conversation(id="1", messages=turns, tools=[], refused_at=0))
        >>> row["refused_at"], row["tools"], row["rejected"]
        (0, '[]', None)
    """
    rejected = conversation.rejected
    yield {
        "messages": _messages(conversation.messages),
        "tools": canonical_json(conversation.tools),
        "rejected": _messages(rejected) if rejected is not None else None,
        "refused_at": conversation.refused_at,
        "rejected_as": str(conversation.about.get("rejected_as") or ""),
        **origin(conversation),
        "about": canonical_json(conversation.about),
    }


def hf_readme(splits: Sequence[str]) -> str:
    """The card of a folder, whose head says which file is which split."""
    files = "".join(f"  - split: {split}\n    path: {split}.parquet\n" for split in splits)
    return (
        f"---\nconfigs:\n- config_name: default\n  data_files:\n{files}---\n\n"
        "Agent-safety training data made with agentalign-lc. The harmful requests exist so that\n"
        f"models learn to refuse them and guards learn to stop them.\n\n{CANARY}\n"
    )


class ParquetRows:
    """A Parquet file that takes rows and keeps few of them in memory.

    Raises:
        ConfigError: pyarrow is not installed.
    """

    def __init__(self, path: Path) -> None:
        try:
            import pyarrow.parquet as pq  # noqa: PLC0415 - heavy, and an extra
        except ImportError as error:
            raise ConfigError('format hf needs pyarrow: pip install "agentalign-lc[hf]"') from error
        self._writer = pq.ParquetWriter(path, _schema(json_type=True), compression="zstd")
        self._rows: list[Mapping[str, Any]] = []

    def write(self, row: Mapping[str, Any]) -> None:
        """Add a row."""
        self._rows.append(row)
        if len(self._rows) == _BATCH:
            self._flush()

    def close(self) -> None:
        """Write what is left."""
        try:
            self._flush()
        finally:
            self._writer.close()

    def _flush(self) -> None:
        import pyarrow as pa  # noqa: PLC0415 - as above

        rows, self._rows = self._rows, []
        if not rows:
            return
        schema = _schema(json_type=False)
        try:
            table = pa.Table.from_pylist(rows, schema=schema)
        except UnicodeEncodeError:
            # Half of a surrogate pair, which Arrow cannot hold.
            text = json.dumps(rows, ensure_ascii=False).encode("utf-8", "replace")
            table = pa.Table.from_pylist(json.loads(text), schema=schema)
        # Python values do not go into Arrow's JSON type, strings do.
        self._writer.write_table(table.cast(_schema(json_type=True)))


@cache
def _schema(*, json_type: bool) -> "pa.Schema":
    import pyarrow as pa  # noqa: PLC0415 - as above

    text = pa.string()
    function = pa.struct({"name": text, "arguments": pa.json_() if json_type else text})
    call = pa.struct({"id": text, "type": text, "function": function})
    message = pa.struct(
        {"role": text, "content": text, "tool_calls": pa.list_(call), "tool_call_id": text, "name": text}
    )  # fmt: skip
    columns = {
        "messages": pa.list_(message),
        "rejected": pa.list_(message),
        "refused_at": pa.int64(),
    }
    return pa.schema({**columns, **dict.fromkeys(_STRINGS, text)})


def _messages(turns: Sequence[Turn]) -> list[dict[str, Any]]:
    messages = trl_messages(turns)
    for message in messages:
        for call in message.get("tool_calls", ()):
            function = call["function"]
            function["arguments"] = json.dumps(function["arguments"], ensure_ascii=False)
    return messages

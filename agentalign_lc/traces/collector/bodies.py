"""Bodies of requests: unpacked within a bound, and read into pieces of runs."""

import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from agentalign_lc.errors import ConfigError
from agentalign_lc.traces.collector.pieces import Piece, piece

__all__ = [
    "LARGEST",
    "Batch",
    "TooLargeError",
    "read_batch",
    "read_multipart",
    "read_run",
    "unpacked",
]

LARGEST = 100 * 2**20
"""Bytes of a body, as it comes and unpacked."""

_DETACHED = ("inputs", "outputs", "events", "extra", "error", "serialized")
"""What a multipart body sends as parts of their own: ``post.<id>.inputs``."""


class TooLargeError(ValueError):
    """A body is larger than the collector takes."""


@dataclass(frozen=True)
class Batch:
    """What a body held."""

    pieces: list[Piece] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    """What could not be read, one line each."""
    ignored: int = 0
    """Attachments and feedback, which are no part of a trace."""


def unpacked(body: bytes, encoding: str, limit: int) -> bytes:
    """Decompress a body, as far as ``limit`` bytes.

    Raises:
        TooLargeError: it is larger.
        ValueError: it is damaged, or of an encoding that nobody knows.
    """
    if encoding in ("", "identity"):
        whole = body
    elif encoding == "gzip":
        whole = _gunzipped(body, limit)
    elif encoding == "zstd":
        whole = _unzstd(body, limit)
    else:
        raise ValueError(f"content encoding {encoding[:40]!r}: send gzip, zstd or none")
    if len(whole) > limit:
        raise TooLargeError(f"more than {limit:,} bytes: send smaller batches")
    return whole


def read_batch(body: bytes) -> Batch:
    """Read ``{"post": [...], "patch": [...]}``.

    Raises:
        ValueError: it is no JSON, or nothing of the kind.

    Example:
        >>> batch = read_batch(b'{"post": [{"id": "1"}, {"name": "no id"}]}')
        >>> len(batch.pieces), batch.problems
        (1, ['post 1: a run has an id, a text of at most 200 characters'])
    """
    whole = _json(body)
    if not isinstance(whole, Mapping) or not {"post", "patch"} & whole.keys():
        raise ValueError('a batch is {"post": [...], "patch": [...]}')
    batch = Batch()
    for action in ("post", "patch"):
        runs = whole.get(action) or []
        for index, run in enumerate(runs if isinstance(runs, list) else [None]):
            _add(batch, f"{action} {index}", run, patch=action == "patch")
    return batch


def read_run(body: bytes, *, patch: bool, id: str = "") -> Batch:
    """Read one run, posted or patched by itself.

    Raises:
        ValueError: it is no JSON.
    """
    batch = Batch()
    _add(batch, "run", _json(body), patch=patch, id=id)
    return batch


def read_multipart(body: bytes, boundary: bytes) -> Batch:
    """Read the parts ``post.<id>``, ``post.<id>.inputs``, ``patch.<id>``...

    Raises:
        ValueError: they are cut off or damaged.
    """
    batch, ignored = Batch(), 0
    runs: dict[tuple[str, str], dict[str, Any]] = {}
    for name, content in _parts(body, boundary):
        # An id may have dots in it; the names of the detached fields have none.
        action, _, rest = name.partition(".")
        id, _, detail = rest.rpartition(".")
        if detail not in _DETACHED or not id:
            id, detail = rest, ""
        if action not in ("post", "patch") or not id:
            ignored += 1
            continue
        try:
            value = _json(content)
        except ValueError as error:
            batch.problems.append(f"part {name[:80]}: {error}")
            continue
        run = runs.setdefault((action, id), {"id": id})
        if detail:
            run[detail] = value
        elif isinstance(value, Mapping):
            run.update({key: item for key, item in value.items() if item is not None or key == "parent_run_id"})  # fmt: skip
        else:
            batch.problems.append(f"part {name[:80]}: a run is a JSON object")
    for (action, id), run in runs.items():
        _add(batch, f"{action} {id[:80]}", run, patch=action == "patch", id=id)
    return Batch(batch.pieces, batch.problems, ignored)


def _add(batch: Batch, where: str, run: object, *, patch: bool, id: str = "") -> None:
    try:
        batch.pieces.append(piece(run, patch=patch, id=id))
    except ValueError as error:
        batch.problems.append(f"{where}: {error}")


def _json(body: bytes) -> Any:  # noqa: ANN401 - any JSON value
    try:
        # Infinities and NaN, which Python's json would write again, are no JSON.
        return json.loads(body, parse_constant=lambda _: None)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    except ValueError as error:
        raise ValueError(f"no JSON ({str(error)[:100]})") from error


def _gunzipped(body: bytes, limit: int) -> bytes:
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        whole = unpacker.decompress(body, limit + 1)
    except zlib.error as error:
        raise ValueError("damaged gzip") from error
    if len(whole) <= limit and not unpacker.eof:
        raise ValueError("the gzip is cut off")
    return whole


def _unzstd(body: bytes, limit: int) -> bytes:
    try:
        import zstandard  # noqa: PLC0415 - of the extra
    except ImportError as error:
        raise ConfigError("zstd needs: pip install 'agentalign-lc[collect]'") from error
    try:
        with zstandard.ZstdDecompressor(max_window_size=2**27).stream_reader(body) as reader:
            return reader.read(limit + 1)
    except zstandard.ZstdError as error:
        raise ValueError("damaged zstd") from error


def _parts(body: bytes, boundary: bytes) -> Iterator[tuple[str, bytes]]:
    from python_multipart import MultipartParser  # noqa: PLC0415 - of the extra
    from python_multipart.exceptions import FormParserError  # noqa: PLC0415
    from python_multipart.multipart import parse_options_header  # noqa: PLC0415

    found: list[tuple[dict[bytes, bytes], bytes]] = []
    headers: dict[bytes, bytes] = {}
    name, value, content = bytearray(), bytearray(), bytearray()
    ended = False

    def end_header() -> None:
        headers[bytes(name).lower()] = bytes(value)
        name.clear()
        value.clear()

    def end_part() -> None:
        found.append((dict(headers), bytes(content)))
        headers.clear()
        content.clear()

    def end() -> None:
        nonlocal ended
        ended = True

    parser = MultipartParser(
        boundary,
        {
            "on_header_field": lambda data, start, stop: name.extend(data[start:stop]),
            "on_header_value": lambda data, start, stop: value.extend(data[start:stop]),
            "on_header_end": end_header,
            "on_part_data": lambda data, start, stop: content.extend(data[start:stop]),
            "on_part_end": end_part,
            "on_end": end,
        },
    )
    try:
        parser.write(body)
    except FormParserError as error:
        raise ValueError(f"damaged multipart body ({str(error)[:100]})") from error
    if not ended:
        raise ValueError("the multipart body is cut off")
    for fields, data in found:
        _, options = parse_options_header(fields.get(b"content-disposition", b""))
        yield options.get(b"name", b"").decode("utf-8", "replace"), data

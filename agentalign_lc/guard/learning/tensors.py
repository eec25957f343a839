"""Safetensors files without a library: a header of JSON, then plain numbers.

The format is an eight-byte length, a JSON header and the numbers end to end; a
file of it cannot run code when it is opened. Writing and reading it takes a page
of Python, so that the base install needs neither NumPy nor ``safetensors``.
"""

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any, Literal

from agentalign_lc.errors import ConfigError
from agentalign_lc.rows import reported

__all__ = ["Tensor", "TensorFile", "read_tensors", "write_tensors"]

_CODES = {"F16": "e", "F32": "f"}
_LARGEST = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Tensor:
    """Numbers with a shape, as little-endian bytes."""

    dtype: Literal["F16", "F32"]
    shape: tuple[int, ...]
    data: bytes

    @classmethod
    def of(
        cls,
        values: Sequence[float],
        shape: tuple[int, ...] | None = None,
        dtype: Literal["F16", "F32"] = "F32",
    ) -> "Tensor":
        """Pack numbers; without a shape they are a row.

        Example:
            >>> Tensor.of([0.5, -1.0]).values()
            (0.5, -1.0)
        """
        data = struct.pack(f"<{len(values)}{_CODES[dtype]}", *values)
        return cls(dtype, shape or (len(values),), data)

    def values(self) -> tuple[float, ...]:
        """The numbers, in one row."""
        return struct.unpack(f"<{prod(self.shape)}{_CODES[self.dtype]}", self.data)


@dataclass(frozen=True, slots=True)
class TensorFile:
    """What such a file holds."""

    tensors: Mapping[str, Tensor]
    about: Mapping[str, str] = field(default_factory=dict)
    """The header's metadata: texts by name."""


def write_tensors(file: Path, content: TensorFile) -> None:
    """Write a file; the same content gives the same bytes.

    Raises:
        ConfigError: the file cannot be written.
    """
    header: dict[str, Any] = {"__metadata__": dict(sorted(content.about.items()))}
    at = 0
    for name, tensor in sorted(content.tensors.items()):
        end = at + len(tensor.data)
        header[name] = {
            "dtype": tensor.dtype,
            "shape": list(tensor.shape),
            "data_offsets": [at, end],
        }
        at = end
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # numbers begin at a multiple of eight
    body = b"".join(tensor.data for _, tensor in sorted(content.tensors.items()))
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(struct.pack("<Q", len(text)) + text + body)
    except OSError as error:
        raise ConfigError(f"{file} cannot be written ({error.strerror or error})") from error


def read_tensors(file: Path) -> TensorFile:
    """Read a file.

    Raises:
        ConfigError: it cannot be read, or is no safetensors file of 16- or 32-bit numbers.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     file = Path(folder, "w.safetensors")
        ...     write_tensors(file, TensorFile({"w": Tensor.of([1.0, 2.0])}, {"kind": "demo"}))
        ...     read = read_tensors(file)
        >>> read.tensors["w"].values(), read.about["kind"]
        ((1.0, 2.0), 'demo')
    """
    with reported(file):
        if file.stat().st_size > _LARGEST:
            raise ConfigError(
                f"{file} is larger than {_LARGEST // 2**20} MiB: these are no weights"
            )
        data = file.read_bytes()
    try:
        return _parse(data)
    except (ValueError, KeyError, TypeError, AttributeError, struct.error) as error:
        raise ConfigError(
            f"{file} is no file of weights; make one with `agentalign guard fit`"
        ) from error


def _parse(data: bytes) -> TensorFile:
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    about = {str(name): str(text) for name, text in header.pop("__metadata__", {}).items()}
    body = data[8 + length :]
    return TensorFile({name: _tensor(entry, body) for name, entry in header.items()}, about)


def _tensor(entry: Mapping[str, Any], body: bytes) -> Tensor:
    start, end = entry["data_offsets"]
    tensor = Tensor(entry["dtype"], tuple(entry["shape"]), body[start:end])
    expected = prod(tensor.shape) * struct.calcsize(_CODES[tensor.dtype])
    if start < 0 or len(tensor.data) != expected:
        raise ValueError("the numbers do not fit the shape")
    return tensor

"""Exports, one file per trainer; rows stream from the store to the file."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from agentalign_lc.dataset.export.trl import trl_row
from agentalign_lc.dataset.store import RunStore
from agentalign_lc.errors import ConfigError, StoreError
from agentalign_lc.records import Example, Status

__all__ = ["FORMATS", "export_run"]

FORMATS: dict[str, Callable[[Example], dict[str, Any]]] = {"trl": trl_row}
"""What turns an example into a row, by name of the format."""


def export_run(store: RunStore, name: str, out: Path) -> int:
    """Write the kept examples of a run as JSON Lines and return their number.

    The file appears when it is whole: a full disk leaves what was there before.

    Raises:
        ConfigError: the format is unknown.
        StoreError: the file cannot be written.
    """
    convert = FORMATS.get(name)
    if convert is None:
        raise ConfigError(f"unknown format {name!r}; the formats are {', '.join(sorted(FORMATS))}")
    count = 0
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(
            "w", encoding="utf-8", dir=out.parent, prefix=f".{out.name}.", delete=False
        ) as file:
            try:
                for result in store.results(status=Status.KEPT):
                    if result.example is not None:
                        file.write(json.dumps(convert(result.example), ensure_ascii=False) + "\n")
                        count += 1
                file.close()
                Path(file.name).chmod(0o666 & ~_umask())
                Path(file.name).replace(out)
            except BaseException:
                file.close()
                Path(file.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise StoreError(
            f"{out} cannot be written ({error.strerror}): choose another --out"
        ) from error
    return count


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask

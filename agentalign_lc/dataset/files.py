"""Files and folders that appear when they are whole: a full disk leaves what was there before."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from agentalign_lc.errors import StoreError

__all__ = ["whole", "write_whole"]


@contextmanager
def whole(out: Path) -> Iterator[Path]:
    """Give a place to write a file or a folder to, and move it to ``out`` once it is whole.

    What is written beside the place under another name goes beside ``out``. If
    anything fails, what was there before stays and nothing else is left.

    Raises:
        StoreError: it cannot be written.
    """
    named, out = out, out.resolve()
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(mkdtemp(prefix=f".{out.name}.", dir=out.parent))
        try:
            yield beside / out.name
            for made in sorted(beside.iterdir()):
                _move(made, out.with_name(made.name), beside / ".old")
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    except OSError as error:
        raise StoreError(
            f"{named} cannot be written ({error.strerror or error}): choose another --out"
        ) from error


def write_whole(path: Path, text: str) -> None:
    """Write a text as UTF-8; lone surrogates, which UTF-8 has no bytes for, become question marks.

    Raises:
        StoreError: the file cannot be written; what was there is still there.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     write_whole(Path(folder, "new", "note.txt"), "Hi")
        ...     Path(folder, "new", "note.txt").read_text()
        'Hi'
    """
    with whole(path) as place:
        place.write_bytes(text.encode("utf-8", "replace"))


def _move(made: Path, out: Path, old: Path) -> None:
    if not out.is_dir():
        made.replace(out)
        return
    # No system call exchanges two folders everywhere.
    out.rename(old)
    try:
        made.rename(out)
    except BaseException:
        old.rename(out)
        raise

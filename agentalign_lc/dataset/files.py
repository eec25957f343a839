"""Files that appear when they are whole: a full disk leaves what was there before."""

import os
from pathlib import Path
from tempfile import NamedTemporaryFile

from agentalign_lc.errors import StoreError

__all__ = ["write_whole"]


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
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(
            "wb", dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as file:
            try:
                file.write(text.encode("utf-8", "replace"))
                file.close()
                Path(file.name).chmod(0o666 & ~_umask())
                Path(file.name).replace(path)
            except BaseException:
                file.close()
                Path(file.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written ({error.strerror}): choose another --out"
        ) from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask

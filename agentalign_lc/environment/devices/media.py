"""Pictures, videos and recordings: files whose text says what is to be seen and heard."""

import json
import posixpath
import re
from typing import ClassVar, Literal

from pydantic import JsonValue

from agentalign_lc.environment.devices.files import FileSystem
from agentalign_lc.environment.faults import ToolFault
from agentalign_lc.environment.spec import CollectionSpec
from agentalign_lc.environment.world import Row, World

__all__ = ["Media"]

_Kind = Literal["image", "video", "audio"]
_ENDINGS: dict[str, tuple[str, ...]] = {
    "image": ("png", "jpg", "jpeg", "webp", "gif", "heic", "bmp", "tiff", "svg"),
    "video": ("mp4", "mov", "webm", "mkv", "avi", "m4v", "flv"),
    "audio": ("mp3", "wav", "ogg", "m4a", "flac", "aac", "opus"),
}
_FOLDERS = {"image": "~/Pictures", "video": "~/Videos", "audio": "~/Music"}
_UNNAMED = {"image": "A picture named {}", "video": "", "audio": ""}
_WORD = re.compile(r"[^\W_]+")


class Media:
    """Makes, changes and looks at media files.

    What is made is a file that holds a line of JSON: its kind, format, prompt
    and size. So it can be attached to a mail, posted, copied, edited and
    described again. In a scenario's file, a picture's text is what is to be
    seen in it, and a recording's text what is said.

    Example:
        >>> from agentalign_lc.environment.devices import COLLECTIONS, attach
        >>> from agentalign_lc.records import Person
        >>> me = Person(first="Ana", last="Ruiz", email="ana@example.com",
        ...             phone="+1-555-0101", handle="anaruiz", city="Vasterby")
        >>> media = attach(World("seed", me, COLLECTIONS)).devices["media"]
        >>> media.make("image", "A kiln at dawn")["path"]
        '/home/anaruiz/Pictures/a-kiln-at-dawn.png'
        >>> media.describe("~/Pictures/a-kiln-at-dawn.png")["description"]
        'A kiln at dawn'
    """

    operations = frozenset({"check", "describe", "edit", "make", "transcribe"})
    collections: ClassVar[dict[str, CollectionSpec]] = {}

    def __init__(self, world: World, files: FileSystem) -> None:
        self.world = world
        self.files = files

    def make(
        self,
        kind: _Kind,
        prompt: str,
        path: str | None = None,
        ending: str | None = None,
        details: dict[str, JsonValue] | None = None,
        field: str = "path",
    ) -> Row:
        """Make a file from a prompt, or from the text that is to be spoken.

        Args:
            kind: What is made.
            prompt: What is to be seen or heard.
            path: Where to; by default a fresh name made from the prompt.
            ending: Format, where the path does not say it.
            details: More about the file, such as its size or voice.
            field: The parameter that errors of the path name.

        Raises:
            ToolFault: ``unsupported_format``, if the path is that of another kind of file.
        """
        ending = ending or _ENDINGS[kind][0]
        full = self._target(kind, prompt, path, ending, field)
        header: dict[str, JsonValue] = {
            "kind": kind,
            "format": _ending(full),
            "prompt": prompt,
            **{key: value for key, value in (details or {}).items() if value is not None},
        }
        return self._write(full, header, field)

    def edit(
        self,
        image: str,
        instruction: str,
        path: str | None = None,
        field: str = "image",
        path_field: str = "path",
    ) -> Row:
        """Change a picture by an instruction, and save the result beside it or to a path.

        Raises:
            ToolFault: ``not_found``, ``unsupported_format``.
        """
        source = self.check(image, ["image"], field)
        before = self._header(source)
        stem, ending = posixpath.splitext(str(source["path"]))
        full = self._target(
            "image", instruction, path or f"{stem}-edited{ending}", "png", path_field
        )
        if not path:
            full = self._fresh(full)
        edits = before.get("edits")
        header = {
            **before,
            "format": _ending(full),
            "edits": [*(edits if isinstance(edits, list) else []), instruction],
            "source": source["path"],
        }
        return {**self._write(full, header, path_field), "source": source["path"]}

    def describe(self, path: str, field: str = "path") -> Row:
        """Say what is to be seen in a picture.

        Raises:
            ToolFault: ``not_found``, ``unsupported_format``.
        """
        header = self._header(self.check(path, ["image"], field))
        edits = header.get("edits")
        said = [str(header["prompt"]), *(map(str, edits) if isinstance(edits, list) else ())]
        return {
            "path": header["path"],
            "description": "; then changed: ".join(said),
            "format": header["format"],
            "size": header.get("size"),
            "labels": list(
                dict.fromkeys(w for w in _WORD.findall(said[0].casefold()) if len(w) > 3)
            )[:6],
        }

    def transcribe(self, path: str, field: str = "path") -> Row:
        """Write down what is said in a recording or a video.

        Raises:
            ToolFault: ``not_found``, ``unsupported_format``.
        """
        header = self._header(self.check(path, ["audio", "video"], field))
        # A video that was made from a prompt shows something, and nobody speaks.
        silent = header["kind"] == "video" and header.get("made")
        text = "" if silent else str(header["prompt"])
        return {
            "path": header["path"],
            "text": text,
            "duration": _seconds(text),
            "voice": header.get("voice"),
        }

    def check(self, path: str, kinds: list[str], field: str = "path") -> Row:
        """Return a file's path and content, if it is media of one of these kinds.

        Raises:
            ToolFault: ``not_found``, ``unsupported_format``.
        """
        try:
            row = self.files.read(path)
        except ToolFault as fault:
            raise ToolFault(fault.code, fault.message, field) from fault
        if not any(_ending(row["path"]) in _ENDINGS[kind] for kind in kinds):
            wanted = " or ".join(kinds)
            raise ToolFault("unsupported_format", f"{path} is no {wanted} file.", field)
        return row

    def _target(self, kind: _Kind, prompt: str, path: str | None, ending: str, field: str) -> str:
        name = "-".join(_WORD.findall(prompt.casefold())[:6])[:60] or kind
        if path is None or not path.strip():
            return self._fresh(self.files.resolve(f"{_FOLDERS[kind]}/{name}.{ending}"))
        full = self.files.resolve(path)
        there = self.world.get("files", full)
        if path.endswith("/") or (there is not None and there["kind"] == "folder"):
            return self._fresh(f"{full.rstrip('/')}/{name}.{ending}")
        if not _ending(full):
            return f"{full}.{ending}"
        if _ending(full) not in _ENDINGS[kind]:
            known = ", ".join(_ENDINGS[kind])
            raise ToolFault(
                "unsupported_format", f"{path} is no {kind} file; it may end in {known}.", field
            )
        return full

    def _fresh(self, full: str) -> str:
        stem, ending = posixpath.splitext(full)
        number, free = 1, full
        while self.world.get("files", free) is not None:
            number += 1
            free = f"{stem}-{number}{ending}"
        return free

    def _write(self, full: str, header: dict[str, JsonValue], field: str) -> Row:
        header = {**header, "made": self.world.now}
        header.pop("path", None)
        try:
            written = self.files.write(full, json.dumps(header, ensure_ascii=False) + "\n")
        except ToolFault as fault:
            raise ToolFault(fault.code, fault.message, field) from fault
        return {"id": self.world.draw.hex(12), **header, "path": full, "bytes": written["size"]}

    def _header(self, row: Row) -> dict[str, JsonValue]:
        """What a file says of itself; a plain text is what is seen or heard in it."""
        ending, text = _ending(row["path"]), str(row["content"]).strip()
        kind = next(kind for kind, endings in _ENDINGS.items() if ending in endings)
        name = posixpath.basename(str(row["path"]))
        plain = {"kind": kind, "format": ending, "prompt": text or _UNNAMED[kind].format(name)}
        try:
            said = json.loads(text) if text.startswith("{") else None
        except ValueError:
            said = None
        known = said if isinstance(said, dict) and isinstance(said.get("prompt"), str) else {}
        return {**plain, **known, "format": ending, "path": row["path"]}


def _ending(path: object) -> str:
    return posixpath.splitext(str(path))[1].lstrip(".").casefold()


def _seconds(text: str) -> int:
    """How long it takes to say a text, at some fifteen letters a second."""
    return max(1, round(len(text) / 15))

"""A POSIX-like file system whose files are rows of the world."""

import posixpath
from collections.abc import Iterator
from typing import Any, ClassVar

from agentalign_lc.environment.faults import ToolFault
from agentalign_lc.environment.spec import CollectionSpec
from agentalign_lc.environment.world import Row, World

__all__ = ["FileSystem"]

_LIMIT = 1_000_000


class FileSystem:
    """Files and folders; paths may be absolute, relative to home, or start with ``~``.

    Every method raises ``ToolFault`` the way an operating system would
    complain: ``not_found``, ``is_a_directory``, ``not_a_directory``.
    """

    operations = frozenset(
        {
            "append",
            "copy",
            "delete",
            "list",
            "make_folder",
            "move",
            "read",
            "search",
            "stat",
            "write",
        }
    )
    collections: ClassVar[dict[str, CollectionSpec]] = {"files": CollectionSpec(key="path")}

    def __init__(self, world: World) -> None:
        self.world = world
        self.home = str(world.me["home"])
        world.prepare(("files",), self._finish)

    def _finish(self) -> None:
        world = self.world
        for folder in (
            "/",
            "/home",
            self.home,
            f"{self.home}/Documents",
            f"{self.home}/Downloads",
            "/etc",
            "/tmp",  # noqa: S108 - a folder of the simulated machine
            "/var",
            "/var/log",
        ):
            world.place("files", self._row(folder, None))
        for row in list(world.rows("files")):  # fixtures name paths as a person would
            if row["path"] != self.resolve(row["path"]) or "size" not in row:
                world._rows["files"].pop(row["path"])  # noqa: SLF001 - placed again under its full path
                self._place(self.resolve(row["path"]), row.get("content"))

    def resolve(self, path: str, cwd: str | None = None) -> str:
        """Make a path absolute and plain."""
        path = path.strip() or "."
        if path == "~" or path.startswith("~/"):
            path = self.home + path[1:]
        full = posixpath.normpath(posixpath.join(cwd or self.home, path))
        return "/" + full.lstrip("/")

    def read(self, path: str, cwd: str | None = None) -> Row:
        """Return a file's path, content and size in bytes."""
        row = self._file(self.resolve(path, cwd), path)
        return {"path": row["path"], "content": row["content"], "size": row["size"]}

    def write(self, path: str, content: str, cwd: str | None = None) -> Row:
        """Create or overwrite a file; missing folders are made."""
        full = self._free_for_file(path, cwd)
        row = self.world.get("files", full)
        created = row is None
        self._make_parents(full)
        fresh = self._row(full, content)
        if row is None:
            self.world.insert("files", fresh)
        else:
            self.world.update("files", row, fresh)
        return {"path": full, "size": fresh["size"], "created": created}

    def append(self, path: str, content: str, cwd: str | None = None) -> Row:
        """Add to the end of a file, which is made if it does not exist."""
        full = self._free_for_file(path, cwd)
        row = self.world.get("files", full)
        return self.write(full, (row["content"] if row else "") + content)

    def list(self, path: str = ".", cwd: str | None = None) -> Row:
        """Return the entries of a folder: name, kind, size, modified."""
        full = self.resolve(path, cwd)
        self._folder(full, path)
        entries = [
            {
                "name": posixpath.basename(row["path"]),
                "kind": row["kind"],
                "size": row["size"],
                "modified": row["modified"],
            }
            for row in self.world.rows("files")
            if row["path"] != "/" and posixpath.dirname(row["path"]) == full
        ]
        return {"path": full, "entries": sorted(entries, key=lambda entry: str(entry["name"]))}

    def delete(self, path: str, cwd: str | None = None) -> Row:
        """Delete a file, or a folder with all that is in it."""
        full = self.resolve(path, cwd)
        if full in ("/", "/home", self.home):
            raise ToolFault("permission_denied", f"{full} cannot be deleted.", "path")
        self._any(full, path)
        gone = [row for row in self.world.rows("files") if _inside(row["path"], full)]
        for row in gone:
            self.world.delete("files", row)
        return {"path": full, "deleted": len(gone)}

    def copy(self, path: str, to: str, cwd: str | None = None) -> Row:
        """Copy a file or a folder; a target that is a folder receives it."""
        source, target = self._transfer(path, to, cwd)
        copied = [row for row in self.world.rows("files") if _inside(row["path"], source)]
        for row in copied:
            place = target + row["path"][len(source) :]
            if row["kind"] == "folder":
                self._make_folders(place)
            else:
                self.write(place, row["content"])
        return {"path": source, "to": target, "copied": len(copied)}

    def move(self, path: str, to: str, cwd: str | None = None) -> Row:
        """Move or rename a file or a folder."""
        source, target = self._transfer(path, to, cwd)
        if source != target:
            self.copy(source, target)
            self.delete(source)
        return {"path": source, "to": target}

    def make_folder(self, path: str, cwd: str | None = None) -> Row:
        """Make a folder and its parents."""
        full = self.resolve(path, cwd)
        existing = self.world.get("files", full)
        if existing and existing["kind"] == "file":
            raise ToolFault("already_exists", f"{path} is a file.", "path")
        self._make_folders(full)
        return {"path": full, "created": existing is None}

    def stat(self, path: str, cwd: str | None = None) -> Row:
        """Return kind, size, owner and time of change."""
        row = self._any(self.resolve(path, cwd), path)
        return {key: row[key] for key in ("path", "kind", "size", "owner", "modified")}

    def search(self, path: str, query: str, cwd: str | None = None) -> Row:
        """Find lines that contain the query (any case) in the files below a path."""
        full = self.resolve(path, cwd)
        self._any(full, path)
        hits = [
            {"path": row["path"], "line": number, "text": line}
            for row in self._below(full)
            for number, line in enumerate(str(row["content"]).splitlines(), 1)
            if query.casefold() in line.casefold()
            or query.casefold() in str(row["path"]).casefold()
        ]
        return {"query": query, "matches": hits[:50], "total": len(hits)}

    def _below(self, full: str) -> Iterator[Row]:
        return (
            r for r in self.world.rows("files") if r["kind"] == "file" and _inside(r["path"], full)
        )

    def _row(self, full: str, content: str | None) -> Row:
        text = content or ""
        if len(text) > _LIMIT:
            raise ToolFault("too_large", f"A file holds at most {_LIMIT} characters.", "content")
        owner = self.world.me["user"] if _inside(full, self.home) else "root"
        return {
            "path": full,
            "kind": "folder" if content is None else "file",
            "content": text,
            "size": len(text.encode("utf-8", "surrogatepass")),
            "owner": owner,
            "modified": self.world.now,
        }

    def _place(self, full: str, content: str | None) -> None:
        parent = posixpath.dirname(full)
        if self.world.get("files", parent) is None:
            self._place(parent, None)
        self.world.place("files", self._row(full, content))

    def _any(self, full: str, said: str) -> Row:
        row = self.world.get("files", full)
        if row is None:
            raise ToolFault("not_found", f"{said}: no such file or directory.", "path")
        return row

    def _file(self, full: str, said: str) -> Row:
        row = self._any(full, said)
        if row["kind"] == "folder":
            raise ToolFault("is_a_directory", f"{said}: is a directory.", "path")
        return row

    def _folder(self, full: str, said: str) -> Row:
        row = self._any(full, said)
        if row["kind"] == "file":
            raise ToolFault("not_a_directory", f"{said}: not a directory.", "path")
        return row

    def _free_for_file(self, path: str, cwd: str | None) -> str:
        full = self.resolve(path, cwd)
        row = self.world.get("files", full)
        if row is not None and row["kind"] == "folder":
            raise ToolFault("is_a_directory", f"{path}: is a directory.", "path")
        self._check_parents(full)
        return full

    def _check_parents(self, full: str) -> None:
        for parent in _parents(full):
            row = self.world.get("files", parent)
            if row is not None and row["kind"] == "file":
                raise ToolFault("not_a_directory", f"{parent} is a file.", "path")

    def _make_parents(self, full: str) -> None:
        for parent in _parents(full):
            if self.world.get("files", parent) is None:
                self.world.insert("files", self._row(parent, None))

    def _make_folders(self, full: str) -> None:
        self._check_parents(full)
        self._make_parents(full)
        if self.world.get("files", full) is None:
            self.world.insert("files", self._row(full, None))

    def _transfer(self, path: str, to: str, cwd: str | None) -> tuple[str, str]:
        source, target = self.resolve(path, cwd), self.resolve(to, cwd)
        row = self._any(source, path)
        there: Any = self.world.get("files", target)
        if there is not None and there["kind"] == "folder" and target != source:
            target = posixpath.join(target, posixpath.basename(source))
            there = self.world.get("files", target)
        if target != source and _inside(target, source):
            raise ToolFault("invalid_argument", f"{to} lies inside {path}.", "destination")
        if there is not None and there["kind"] != row["kind"]:
            raise ToolFault(
                "already_exists", f"{to} exists and is no {row['kind']}.", "destination"
            )
        if source in ("/", "/home", self.home):
            raise ToolFault("permission_denied", f"{source} cannot be moved or copied.", "path")
        self._check_parents(target)
        return source, target


def _inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _parents(full: str) -> list[str]:
    parts = [part for part in full.split("/") if part][:-1]
    return ["/" + "/".join(parts[: i + 1]) for i in range(len(parts))]

"""A cloud drive: files in folders, who may see them, and links to them."""

import posixpath
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import ClassVar

from agentalign_lc.environment.devices.files import FileSystem
from agentalign_lc.environment.devices.folders import first_files, name_of, path_of, placed, upward
from agentalign_lc.environment.devices.moments import stamp
from agentalign_lc.environment.faults import ToolFault
from agentalign_lc.environment.spec import CollectionSpec
from agentalign_lc.environment.world import Row, World, matches
from agentalign_lc.seeds import stream

__all__ = ["Drive"]

_HOST = "https://drive.example"
# What a request or a vendor's query syntax says beside the words that matter.
_LITTLE = frozenset(
    re.findall(
        r"\w+",
        "a about all an and any contains document documents drive file files find folder for from fulltext in is "
        "latest mimetype my name named of on or shared that the title titled to trashed with",
    )
)


class Drive:
    """Files of the user in the cloud; one drive, whichever tool looks at it.

    A file can be called by its id, its path or its name; of several of one
    name, the one that was changed last is meant. What every drive starts with
    is made when the drive is first used.

    Example:
        >>> from agentalign_lc.environment.devices import COLLECTIONS, attach
        >>> from agentalign_lc.records import Person
        >>> me = Person(first="Ana", last="Ruiz", email="ana@example.com",
        ...             phone="+1-555-0101", handle="anaruiz", city="Vasterby")
        >>> world = attach(World("seed", me, COLLECTIONS))
        >>> _ = world.devices["files"].write("~/plan.txt", "the plan")
        >>> drive = world.devices["drive"]
        >>> drive.upload("~/plan.txt", "Work")["path"]
        '/Work/plan.txt'
        >>> drive.download("plan.txt", "~/Downloads")["path"]
        '/home/anaruiz/Downloads/plan.txt'
    """

    operations = frozenset(
        {"delete", "download", "link", "list", "permissions", "search", "share", "upload"}
    )
    collections: ClassVar[dict[str, CollectionSpec]] = {
        "drive_files": CollectionSpec(id="file_############"),
        "drive_permissions": CollectionSpec(id="perm_########"),
    }

    def __init__(self, world: World, files: FileSystem) -> None:
        self.world = world
        self.files = files
        self._start = world.today
        self._begun = False

    def upload(
        self,
        path: str,
        folder: str | None = None,
        conflict: str = "replace",
        name: str | None = None,
        said: str = "path",
    ) -> Row:
        """Copy a file of the computer into the drive.

        Args:
            path: The file on the computer.
            folder: The drive's folder; one that is not there is made.
            conflict: What to do about a file of that name: ``replace``, ``rename``, ``fail``.
            name: Name in the drive, if it is to be another.
            said: The parameter in which the agent named the file.

        Raises:
            ToolFault: ``not_found``, ``is_a_directory``; ``already_exists``, if told to fail.
        """
        self._begin()
        source = self._read(path, said)
        place = path_of(folder)
        name = name_of(name) or posixpath.basename(source["path"])
        there = self.world.find("drive_files", {"path": posixpath.join(place, name)})
        if there is not None and there["kind"] == "folder":
            raise ToolFault("already_exists", f"{place} has a folder called {name}.", said)
        if there is not None and conflict == "fail":
            raise ToolFault("already_exists", f"{there['path']} exists already.", said)
        if there is not None and conflict == "rename":
            name, there = self._free(place, name), None
        content = {"content": source["content"], "size": source["size"], "modified": self.world.now}
        if there is not None:
            self.world.update("drive_files", there, content)
            return self._shown(there) | {"created": False}
        self._make_folders(place)
        row = {**placed(place, name), **content, "owner": self._me(), "created": self.world.now}
        return self._shown(self.world.insert("drive_files", row)) | {"created": True}

    def download(self, file: str, path: str, said: str = "file") -> Row:
        """Copy a file of the drive to the computer; a path that is a folder receives it."""
        row = self._file(file, said)
        full = self.files.resolve(path)
        target = self.world.get("files", full)
        if (target is not None and target["kind"] == "folder") or path.endswith("/"):
            full = posixpath.join(full, str(row["name"]))
        written = self.files.write(full, str(row.get("content") or ""))
        return {
            "id": row["id"],
            "name": row["name"],
            "path": written["path"],
            "size": written["size"],
        }

    def search(self, query: str, limit: int = 20, folder: str | None = None) -> Row:
        """Find files whose name, folder or text has all the words, those changed last first."""
        self._begin()
        words = [w for w in re.findall(r"[^\W_]+", query.casefold()) if w not in _LITTLE]
        place = path_of(folder)
        found = [
            row
            for row in self._newest()
            if matches(row, " ".join(words), ("path", "name", "content", "owner"))
            and (place == "/" or str(row["path"]).casefold().startswith(f"{place}/".casefold()))
        ]
        return {
            "query": query,
            "files": [self._shown(row) for row in found[:limit]],
            "total": len(found),
        }

    def list(self, folder: str | None = None, limit: int = 100, said: str = "folder") -> Row:
        """Name what is in a folder: subfolders and files."""
        self._begin()
        place = path_of(folder)
        rows = sorted(self.world.rows("drive_files"), key=lambda row: str(row["path"]))
        if place != "/":
            known = [
                row["path"]
                for row in rows
                if row["kind"] == "folder"
                and place.casefold() in (row["path"].casefold(), f"/{row['name']}".casefold())
            ]
            if not known:
                raise ToolFault("not_found", f"There is no folder {folder}.", said)
            place = min(known, key=len)
        inside = [row for row in rows if row["folder"] == place and row["path"] != "/"]
        return {
            "folder": place,
            "files": [self._shown(row) for row in inside[:limit]],
            "total": len(inside),
        }

    def delete(self, file: str, said: str = "file") -> Row:
        """Delete a file, or a folder with all that is in it, and who may see it."""
        row = self._any(file, said)
        inside = f"{row['path']}/"
        gone = [
            other
            for other in self.world.rows("drive_files")
            if other is row or (row["kind"] == "folder" and other["path"].startswith(inside))
        ]
        for other in gone:
            for permission in self.world.select("drive_permissions", {"file_id": other["id"]}):
                self.world.delete("drive_permissions", permission)
            self.world.delete("drive_files", other)
        return {"id": row["id"], "name": row["name"], "path": row["path"], "deleted": len(gone)}

    def share(
        self,
        file: str,
        recipient: str,
        role: str = "viewer",
        message: str = "",
        said: str = "file",
        *,
        notify: bool = True,
    ) -> Row:
        """Let somebody see or change a file or folder, and send them word of it.

        Args:
            file: Id, path or name.
            recipient: Their mail address.
            role: ``viewer``, ``commenter`` or ``editor``.
            message: What the mail says besides.
            said: The parameter in which the agent named the file.
            notify: Whether to send the mail.

        Raises:
            ToolFault: ``not_found``.
        """
        row = self._any(file, said)
        address = recipient.strip().lower()
        if address == self._me().lower():
            raise ToolFault("invalid_argument", "The owner has every right already.", "recipient")
        permission = self.world.find(
            "drive_permissions", {"file_id": row["id"], "recipient": address}
        )
        if permission is None:
            permission = self._permit(row, {"type": "user", "recipient": address, "role": role})
        elif permission["role"] != role:
            self.world.update("drive_permissions", permission, {"role": role})
        if notify:
            self._mail(row, address, role, message)
        return {**_permission(permission), "link": self._link(row), "notified": notify}

    def link(
        self, file: str, role: str = "viewer", days: int | None = None, said: str = "file"
    ) -> Row:
        """Make a link with which anybody can see a file or folder; there is one for each role.

        Args:
            file: Id, path or name.
            role: What anybody may do.
            days: After how many days it ends.
            said: The parameter in which the agent named the file.
        """
        row = self._any(file, said)
        ends = {}
        if days is not None:
            ends = {"expires": (self.world.today + timedelta(days=days)).isoformat()[:10]}
        permission = self.world.find(
            "drive_permissions", {"file_id": row["id"], "type": "anyone", "role": role}
        )
        if permission is None:
            key = stream(self.world.seed, "link", row["id"], role).getrandbits(48)
            values = {"type": "anyone", "recipient": "anyone with the link", "role": role}
            link = f"{_HOST}/s/{key:012x}"
            permission = self._permit(row, {**values, "link": link, **ends})
        elif ends:
            self.world.update("drive_permissions", permission, ends)
        return {**_permission(permission), "link": str(permission.get("link") or self._link(row))}

    def permissions(self, file: str, said: str = "file") -> Row:
        """Name who may see a file or folder: its owner, people, and anybody with a link."""
        row = self._any(file, said)
        owner = {"id": f"owner_{row['id']}", "type": "user", "recipient": row["owner"]}
        given = [
            _permission(permission)
            for permission in self.world.select("drive_permissions", {"file_id": row["id"]})
        ]
        return {
            "file": row["name"],
            "file_id": row["id"],
            "permissions": [{**owner, "role": "owner"}, *given],
        }

    # --- files

    def _begin(self) -> None:
        """Complete what a scenario placed, and put the first files beside it."""
        if self._begun:
            return
        self._begun = True
        world, rows = self.world, list(self.world.rows("drive_files"))
        if not any(row.get("path") == "/" for row in rows):
            taken = {name_of(str(row.get("path") or row.get("name"))) for row in rows}
            rows += [
                row
                for row in first_files(self.world.seed, self._start)
                if name_of(row["path"]) not in taken
            ]
        for row in rows:
            self._complete(row)
            world.place("drive_files", row)
        for folder in dict.fromkeys(str(row["folder"]) for row in rows):
            self._make_folders(folder, noted=False)

    def _complete(self, row: Row) -> None:
        """Say the rest of a row that may have a path or a name and no more."""
        path = posixpath.join(
            path_of(row.get("folder")), str(row.get("path") or row.get("name") or row["id"])
        )
        folder, name = posixpath.split(path_of(path))
        row.update({**row, **placed(folder, name), "kind": row.get("kind") or "file"})
        text = str(row.get("content") or "")
        row.setdefault("content", text)
        row.setdefault("owner", self._me())
        row.setdefault("modified", stamp(self._start))
        row.setdefault("created", row["modified"])
        row["size"] = _number(row.get("size"), len(text.encode("utf-8", "replace")))

    def _make_folders(self, folder: str, *, noted: bool = True) -> None:
        there = {row["path"]: row["kind"] for row in self.world.rows("drive_files")}
        place = self.world.insert if noted else self.world.place
        for path in upward(folder):
            if there.get(path, "folder") == "file":
                raise ToolFault("not_a_directory", f"{path} is a file.", "folder")
            if path not in there:
                number = stream(self.world.seed, "drive", path).getrandbits(48)
                row = {
                    "id": "root" if path == "/" else f"folder_{number:012x}",
                    **placed(*posixpath.split(path)),
                    "kind": "folder",
                    "size": 0,
                    "owner": self._me(),
                    "created": self.world.now,
                    "modified": self.world.now,
                }
                place("drive_files", row)

    def _newest(self) -> Iterator[Row]:
        rows = [row for row in self.world.rows("drive_files") if row["kind"] == "file"]
        rows.sort(key=lambda row: str(row["path"]))
        return iter(sorted(rows, key=lambda row: str(row["modified"]), reverse=True))

    def _any(self, file: str, said: str) -> Row:
        self._begin()
        plain = file.strip()
        row = self.world.get("drive_files", plain)
        if row is None:
            path = path_of(plain).casefold()
            rows = [*self._newest(), *self.world.select("drive_files", {"kind": "folder"})]
            exact = (other for other in rows if str(other["path"]).casefold() == path)
            named = (other for other in rows if str(other["name"]).casefold() == plain.casefold())
            shared = self.world.find("drive_permissions", {"link": plain}) or {}
            links = (r for r in rows if self._link(r) == plain or r["id"] == shared.get("file_id"))
            row = next(exact, None) or next(named, None) or next(links, None)
        if row is None or row["path"] == "/":
            raise ToolFault("not_found", f"There is no file {file} in the drive.", said)
        return row

    def _file(self, file: str, said: str) -> Row:
        row = self._any(file, said)
        if row["kind"] == "folder":
            raise ToolFault("is_a_directory", f"{file} is a folder.", said)
        return row

    def _read(self, path: str, said: str) -> Row:
        try:
            return self.files.read(path)
        except ToolFault as fault:
            raise ToolFault(fault.code, fault.message, said) from fault

    def _free(self, folder: str, name: str) -> str:
        stem, ending = posixpath.splitext(name)
        number = 1
        while self.world.find("drive_files", {"path": posixpath.join(folder, name)}) is not None:
            name = f"{stem} ({number}){ending}"
            number += 1
        return name

    def _shown(self, row: Row) -> Row:
        keys = ("id", "name", "path", "folder", "kind", "mime_type", "size", "owner", "modified")
        given = self.world.select("drive_permissions", {"file_id": row["id"]})
        shared = [str(permission["recipient"]) for permission in given]
        return {
            **{key: row.get(key) for key in keys},
            "shared_with": shared,
            "link": self._link(row),
        }

    def _link(self, row: Row) -> str:
        return f"{_HOST}/f/{row['id']}"

    # --- people

    def _me(self) -> str:
        return str(self.world.me["email"])

    def _permit(self, row: Row, values: Row) -> Row:
        about = {"file_id": row["id"], "file": row["name"], "created": self.world.now}
        return self.world.insert("drive_permissions", {**about, **values})

    def _mail(self, row: Row, address: str, role: str, message: str) -> None:
        me, may = self.world.me, {"viewer": "view", "commenter": "comment on"}.get(role, "edit")
        body = f"{me['name']} has invited you to {may} “{row['name']}”.\n\n{message}\n\n{self._link(row)}"
        with suppress(KeyError):  # a catalogue may have no mail
            self.world.insert(
                "mails",
                {
                    "from": me["email"],
                    "from_name": me["name"],
                    "to": [address],
                    "to_names": [],
                    "cc": [],
                    "subject": f"{row['name']} was shared with you",
                    "body": re.sub(r"\n{3,}", "\n\n", body),
                    "attachments": [],
                    "sent": self.world.now,
                    "folder": "sent",
                },
            )


def _permission(row: Row) -> Row:
    keys = ("id", "file", "type", "recipient", "role", "link", "expires")
    return {key: row[key] for key in keys if row.get(key) is not None}


def _number(value: object, otherwise: int) -> int:
    text = str(value if value is not None else "").strip()
    return int(text) if text.isascii() and text.isdigit() else otherwise

"""Version control: remote repositories, and checkouts of them in the file system."""

import posixpath
import re
from datetime import timedelta
from typing import ClassVar

from agentalign_lc.environment.devices.files import FileSystem
from agentalign_lc.environment.faults import ToolFault
from agentalign_lc.environment.spec import CollectionSpec
from agentalign_lc.environment.world import Row, World
from agentalign_lc.seeds import derive_seed, stream

__all__ = ["Git"]

_HOSTED = re.compile(r"https://git\.example/[\w.-]+/[\w.-]+\.git", re.ASCII)
_MESSAGES = (
    "Start the project",
    "Describe the setup in the readme",
    "Handle empty input",
    "Tidy the settings",
    "Fix a typo",
    "Add an example",
)


class Git:
    """Repositories on ``git.example``, and working copies of them.

    A clone's files are files of the world; a commit takes every change below
    the checkout; a push is seen by the next clone.

    Example:
        >>> from agentalign_lc.environment.devices import COLLECTIONS, attach
        >>> from agentalign_lc.records import Person
        >>> me = Person(first="Ana", last="Ruiz", email="ana@example.com",
        ...             phone="+1-555-0101", handle="anaruiz", city="Vasterby")
        >>> git = attach(World("seed", me, COLLECTIONS)).devices["git"]
        >>> git.clone("https://git.example/choir/songbook.git")["path"]
        '/home/anaruiz/songbook'
    """

    operations = frozenset({"clone", "commit", "init", "log", "push", "status"})
    collections: ClassVar[dict[str, CollectionSpec]] = {
        "repositories": CollectionSpec.model_validate(
            {
                "key": "url",
                "start": [
                    {"url": "https://git.example/vasterby/website.git"},
                    {"url": "https://git.example/vasterby/library-api.git"},
                    {"url": "https://git.example/{{ me.user }}/notes.git"},
                ],
            }
        ),
        "checkouts": CollectionSpec.model_validate(
            {
                "key": "path",
                "start": [
                    {
                        "path": "{{ me.home }}/projects/website",
                        "url": "https://git.example/vasterby/website.git",
                    }
                ],
            }
        ),
        "commits": CollectionSpec(id="########"),
        "repository_files": CollectionSpec(),  # repository, path, content: how a scenario adds files
    }

    def __init__(self, world: World, files: FileSystem) -> None:
        self.world = world
        self.files = files
        # The ids of their commits are drawn at once, so that later draws do not hang on when
        # somebody looks.
        started = list(world.rows("checkouts"))
        self._ids = [world.draw.pattern("########") for _ in (*started, *started, *started)]
        own = ("repositories", "checkouts", "commits", "repository_files", "files")
        world.prepare(own, self._finish)

    def _finish(self) -> None:
        world = self.world
        for row in world.rows("repository_files"):
            if self.find(str(row.get("repository", ""))) is None:
                url = _address(str(row.get("repository", "")))
                world.place("repositories", {"url": url.removesuffix(".git") + ".git"})
        for row in world.rows("repositories"):
            if not isinstance(row.get("files"), dict):  # slots of a chain are text
                row.pop("files", None)
            self._complete(row)
        for row in list(world.rows("checkouts")):
            world.delete("checkouts", row)
            self._bring(row)

    def clone(self, repository: str, path: str | None = None, cwd: str | None = None) -> Row:
        """Copy a repository into a folder, by default one of its name.

        Raises:
            ToolFault: ``not_found`` for a repository of another host that the
                world does not hold, ``already_exists`` if the folder is in use.
        """
        remote = self._remote(repository)
        folder = self.files.resolve(path or str(remote["name"]), cwd)
        if self.world.get("files", folder) is not None:
            message = f"Destination path {folder} already exists."
            raise ToolFault("already_exists", message, "path")
        count = self._check_out(remote, folder)
        return {"repository": remote["url"], "path": folder, "branch": "main", "files": count}

    def init(self, path: str, cwd: str | None = None) -> Row:
        """Make an empty repository in a folder."""
        folder = self.files.resolve(path, cwd)
        if self.world.get("checkouts", folder) is None:
            self.files.write(f"{folder}/.git/config", "[core]\n\tbare = false\n")
            self.world.insert("checkouts", {"path": folder, "url": None, "tracked": {}})
        return {"path": folder, "branch": "main"}

    def status(self, path: str, cwd: str | None = None) -> Row:
        """Return the files that differ from the last commit."""
        row = self._checkout(path, cwd)
        ahead = sum(not commit["pushed"] for commit in self._commits(row))
        return {
            "path": row["path"],
            "branch": "main",
            "changed": self._changed(row),
            "ahead": ahead,
        }

    def commit(self, path: str, message: str, cwd: str | None = None) -> Row:
        """Record every change below a checkout.

        Raises:
            ToolFault: ``not_found`` if the path lies in no repository,
                ``nothing_to_commit`` if nothing changed.
        """
        row = self._checkout(path, cwd)
        if not message.strip():
            raise ToolFault("invalid_argument", "A commit needs a message.", "message")
        changed = self._changed(row)
        if not changed:
            text = f"{row['path']}: nothing to commit, working tree clean."
            raise ToolFault("nothing_to_commit", text, "path")
        number = len(self._commits(row))
        made = self._commit(row, message, number, self.world.now, str(self.world.me["name"]))
        made.update(files=changed, pushed=False)
        self.world.insert("commits", made)
        row["tracked"] = self._work(row)  # noted by the commit; the contents would only repeat it
        return {"path": row["path"], "commit": made["sha"], "message": message, "files": changed}

    def log(self, path: str, limit: int = 20, cwd: str | None = None) -> Row:
        """Return the commits of a checkout, latest first."""
        row = self._checkout(path, cwd)
        commits = [
            {key: commit[key] for key in ("sha", "message", "author", "date", "pushed")}
            for commit in reversed(self._commits(row))
        ]
        return {"path": row["path"], "commits": commits[: max(limit, 1)], "total": len(commits)}

    def push(self, path: str, cwd: str | None = None) -> Row:
        """Send the new commits to the repository that the checkout came from.

        Raises:
            ToolFault: ``not_found`` if the path lies in no repository, ``no_remote``
                if that repository came from nowhere.
        """
        row = self._checkout(path, cwd)
        if not row.get("url"):
            raise ToolFault("no_remote", f"{row['path']} has no remote to push to.", "path")
        remote = self._remote(str(row["url"]))
        fresh = [commit for commit in self._commits(row) if not commit["pushed"]]
        for commit in fresh:
            self.world.update("commits", commit, {"pushed": True})
        if fresh:
            history = [*remote["history"], *({k: c[k] for k in _KEPT} for c in fresh)]
            self.world.update("repositories", remote, {"history": history})
            sent = {name for commit in fresh for name in commit["files"]}
            kept = {name: text for name, text in remote["files"].items() if name not in sent}
            remote["files"] = {
                **kept,
                **{n: row["tracked"][n] for n in sent if n in row["tracked"]},
            }
        status = "pushed" if fresh else "up_to_date"
        return {
            "repository": remote["url"],
            "branch": "main",
            "pushed": len(fresh),
            "status": status,
        }

    def find(self, repository: str) -> Row | None:
        """The repository that is meant, if the world holds it already."""
        url = _address(repository)
        rows = (
            self.world.get("repositories", known)
            for known in (url, f"{url}.git", url.removesuffix(".git"))
        )
        return next((row for row in rows if row is not None), None)

    def _remote(self, repository: str) -> Row:
        row = self.find(repository)
        if row is not None:
            return row
        full = _address(repository).removesuffix(".git") + ".git"
        if not _HOSTED.fullmatch(full):
            said = repository.strip().rstrip("/")
            raise ToolFault("not_found", f"Repository {said!r} not found.", "repository")
        # Requests speak of repositories that no suite could list; this host has them all.
        return self._complete(self.world.place("repositories", {"url": full}))

    def _complete(self, row: Row) -> Row:
        url = str(row["url"])
        name = posixpath.basename(url.rstrip("/")).removesuffix(".git") or "repository"
        random = stream(self.world.seed, "repository", url)
        title = name.replace("-", " ").replace("_", " ")
        files = {
            "README.md": f"# {name}\n\nSources of {title}. See `src/` and the settings.\n",
            "settings.toml": f'name = "{name}"\ndebug = false\nport = {random.randint(8000, 8999)}\n',
            "src/main.py": f'"""Entry point of {title}."""\n\nprint("{name} is ready")\n',
        }
        days = sorted((random.randint(2, 300) for _ in range(3)), reverse=True)
        authors = random.sample(["R. Lind", "M. Okafor", "T. Sato", "E. Brandt"], 3)
        history = [
            self._commit(row, message, number, self._ago(day), author)
            for number, (message, day, author) in enumerate(
                zip([_MESSAGES[0], *random.sample(_MESSAGES[1:], 2)], days, authors, strict=True)
            )
        ]
        row.update({"name": name, "files": files, "history": history, **row})
        row["files"] |= {
            str(added["path"]).lstrip("/"): str(added.get("content", ""))
            for added in self.world.rows("repository_files")
            if added.get("path") and self.find(str(added.get("repository", ""))) is row
        }
        return row

    def _bring(self, row: Row) -> None:
        """Put a checkout that a world starts with into its file system."""
        folder = self.files.resolve(str(row["path"]))
        name = posixpath.basename(folder) or "project"
        url = row.get("url", f"https://git.example/{self.world.me['user']}/{name}.git")
        written = {r["path"]: r["content"] for r in self._below(folder)}
        self._check_out(self._remote(str(url)), folder)
        for path, content in written.items():
            self.files.write(path, content)
        if not written:  # somebody was at work here, so that there is something to commit
            self.files.write(f"{folder}/TODO.md", "- check the settings\n- write tests\n")

    def _check_out(self, remote: Row, folder: str) -> int:
        for name, content in remote["files"].items():
            self.files.write(f"{folder}/{name}", str(content))
        config = f'[remote "origin"]\n\turl = {remote["url"]}\n'
        self.files.write(f"{folder}/.git/config", config)
        tracked = dict(remote["files"])
        row = {"path": folder, "url": remote["url"], "tracked": tracked}
        old = self.world.get("checkouts", folder)
        if old is not None:  # its folder was deleted since
            self._forget(old)
        self.world.insert("checkouts", row)
        for commit in remote["history"]:
            kept = {**commit, "checkout": folder, "files": [], "pushed": True}
            known = {"id": self._ids.pop(0)} if self._ids else {}
            self.world.place("commits", {**kept, **known})
        return len(tracked)

    def _forget(self, row: Row) -> None:
        for commit in self._commits(row):
            self.world.delete("commits", commit)
        self.world.delete("checkouts", row)

    def _commit(self, row: Row, message: str, number: int, date: str, author: str) -> Row:
        place = str(row.get("path") or row["url"])
        sha = derive_seed(self.world.seed, "commit", place, number, message)
        more = derive_seed(sha, author)
        fields = {"sha": sha + more[:8], "message": message, "author": author, "date": date}
        return {**fields, "checkout": place}

    def _commits(self, row: Row) -> list[Row]:
        return list(self.world.select("commits", {"checkout": row["path"]}))

    def _checkout(self, path: str, cwd: str | None) -> Row:
        folder = self.files.resolve(path, cwd)
        if self.world.get("files", folder) is None:
            raise ToolFault("not_found", f"{path}: no such file or directory.", "path")
        while folder != "/":
            row = self.world.get("checkouts", folder)
            if row is not None and self.world.get("files", f"{folder}/.git/config") is not None:
                return row
            folder = posixpath.dirname(folder)
        raise ToolFault("not_found", f"{path} is not inside a git repository.", "path")

    def _below(self, folder: str) -> list[Row]:
        return [
            row
            for row in self.world.rows("files")
            if row["kind"] == "file"
            and str(row["path"]).startswith(f"{folder}/")
            and not str(row["path"]).startswith(f"{folder}/.git/")
        ]

    def _work(self, row: Row) -> dict[str, str]:
        start = len(row["path"]) + 1
        return {file["path"][start:]: str(file["content"]) for file in self._below(row["path"])}

    def _changed(self, row: Row) -> list[str]:
        now, then = self._work(row), row["tracked"]
        return sorted(name for name in {*now, *then} if now.get(name) != then.get(name))

    def _ago(self, days: int) -> str:
        return (self.world.today - timedelta(days=days)).isoformat().replace("+00:00", "Z")


def _address(repository: str) -> str:
    """The URL of a repository that is said as a URL, as git@host:path or as owner/name."""
    said = repository.strip().rstrip("/")
    url = re.sub(r"^(?:ssh://)?git@([\w.-]+)[:/]", r"https://\1/", said)
    return f"https://git.example/{url}" if re.fullmatch(r"[\w.-]+/[\w.-]+", url, re.ASCII) else url


_KEPT = ("sha", "message", "author", "date")

"""A host of source code: issues, pull requests, pipelines and secrets of the git repositories."""

import re
from datetime import datetime, timedelta
from typing import ClassVar

from agentalign_lc.environment.devices.git import Git
from agentalign_lc.environment.devices.queries import CodeQuery
from agentalign_lc.environment.faults import ToolFault
from agentalign_lc.environment.spec import CollectionSpec
from agentalign_lc.environment.world import Row, World
from agentalign_lc.seeds import derive_seed, stream

__all__ = ["Hosting"]

_RUN_STATES = {
    "canceled": "cancelled",
    "completed": "success",
    "failed": "failure",
    "passed": "success",
    "pending": "queued",
    "running": "in_progress",
}
_STEPS = ("build", "lint", "test", "package")
_START = (
    ("code_issues", "vasterby/website", 3, "Opening hours on the contact page are wrong", None),
    ("pull_requests", "vasterby/website", 5, "Show the events of the week", "events-of-the-week"),
    ("code_issues", "vasterby/library-api", 8, "Search ignores accents", None),
    ("pull_requests", "vasterby/library-api", 9, "Answer with 404 for unknown books", "fix-404"),
)


class Hosting:
    """What stands around the repositories of the git device.

    Files that git pushes can be read and searched here; a merge is in the
    history that the next clone gets. Issues and pull requests of a repository
    are numbered together. Each has a page on the world's web.

    Example:
        >>> from agentalign_lc.environment.devices import COLLECTIONS, attach
        >>> from agentalign_lc.records import Person
        >>> me = Person(first="Ana", last="Ruiz", email="ana@example.com",
        ...             phone="+1-555-0101", handle="anaruiz", city="Vasterby")
        >>> hosting = attach(World("seed", me, COLLECTIONS)).devices["hosting"]
        >>> hosting.read("vasterby/website", "README.md")["content"].splitlines()[0]
        '# website'
        >>> hosting.merge("vasterby/website", 5)["status"]
        'merged'
    """

    operations = frozenset(
        {
            "comment",
            "merge",
            "open_issue",
            "open_pull_request",
            "read",
            "run",
            "runs",
            "search",
            "set_secret",
        }
    )
    collections: ClassVar[dict[str, CollectionSpec]] = {
        "code_issues": CollectionSpec(id="iss_########"),
        "pull_requests": CollectionSpec.model_validate(
            {
                "id": "pr_########",
                "states": {"edges": {"open": ["merged", "closed"], "closed": ["open"]}},
            }
        ),
        "code_comments": CollectionSpec(id="note_########"),
        "pipeline_runs": CollectionSpec.model_validate(
            {
                "key": "run",
                "id": "48000000",
                "states": {
                    "edges": {
                        "queued": ["in_progress", "cancelled"],
                        "in_progress": ["success", "failure", "cancelled"],
                    }
                },
            }
        ),
        "repository_secrets": CollectionSpec(),
    }

    def __init__(self, world: World, git: Git) -> None:
        self.world = world
        self.git = git
        self._start = world.now
        self._filled = False

    def search(self, query: str, repository: str | None = None, limit: int = 20) -> Row:
        """Find lines of code: those that contain the query, or else all of its words.

        Args:
            query: What to look for; of a query's syntax, repo:, path:, filename: and extension: count.
            repository: Where to look; by default everywhere.
            limit: How many results at most.

        Raises:
            ToolFault: ``not_found`` for the repository.
        """
        asked = CodeQuery.read(query)
        where = repository or asked.repository
        rows = [self._repository(where)] if where else list(self.world.rows("repositories"))
        hits = asked.lines(rows)
        results = [
            {"repository": _slug(row), "path": path, "line": number, "text": line, "url": _page(row, f"blob/main/{path}")}
            for row, path, number, line in hits[:limit]
        ]  # fmt: skip
        return {"results": results, "total": len(hits)}

    def read(self, repository: str, path: str) -> Row:
        """Return a file as it was last pushed.

        Raises:
            ToolFault: ``not_found`` for the repository or the path, ``is_a_directory``.
        """
        row = self._repository(repository)
        name = re.sub(r"^(?:\./|/)+", "", path.strip())
        content = row["files"].get(name)
        if content is None:
            inside = [each for each in row["files"] if each.startswith(f"{name.rstrip('/')}/")]
            if inside or not name:
                listed = ", ".join(inside or row["files"])
                raise ToolFault("is_a_directory", f"{path} is a folder with {listed}.", "path")
            raise ToolFault("not_found", f"{_slug(row)} has no file {path!r}.", "path")
        text = str(content)
        size = len(text.encode("utf-8", "surrogatepass"))
        where = {"repository": _slug(row), "path": name, "branch": "main"}
        return {**where, "content": text, "size": size, "sha": derive_seed("blob", text)}

    def open_issue(
        self, repository: str, title: str, body: str | None = None, labels: list[str] | None = None
    ) -> Row:
        """Open an issue.

        Raises:
            ToolFault: ``not_found`` for the repository.
        """
        row = self._repository(repository)
        made = {**self._item(row, title, body), "labels": labels or []}
        self.world.insert("code_issues", made)
        return self._published(row, made)

    def open_pull_request(
        self,
        repository: str,
        title: str,
        branch: str,
        base: str = "main",
        body: str | None = None,
        draft: bool = False,
    ) -> Row:
        """Ask for a branch to be merged.

        Raises:
            ToolFault: ``not_found`` for the repository, ``already_exists`` if the
                branch has an open one, ``invalid_argument`` if it is the base.
        """
        row = self._repository(repository)
        if branch == base:
            raise ToolFault("invalid_argument", f"{branch!r} is the base branch itself.", "branch")
        fields = {"repository": _slug(row), "branch": branch, "status": "open"}
        twin = self.world.find("pull_requests", fields)
        if twin is not None:
            message = f"Pull request {twin['number']} for {branch!r} is open already."
            raise ToolFault("already_exists", message, "branch")
        made = {**self._item(row, title, body), "branch": branch, "base": base, "draft": draft}
        self.world.insert("pull_requests", made)
        return self._published(row, made)

    def merge(self, repository: str, number: int, method: str = "merge") -> Row:
        """Merge an open pull request, which the next clone finds in its history.

        Raises:
            ToolFault: ``not_found`` for the repository or the number, ``conflict``
                if it is merged, closed or a draft.
        """
        row = self._repository(repository)
        found = self._numbered("pull_requests", row, number)
        if found is None:
            message = f"{_slug(row)} has no pull request {number}."
            raise ToolFault("not_found", message, "number")
        if found["status"] != "open" or found.get("draft") is True:
            state = "a draft" if found["status"] == "open" else found["status"]
            raise ToolFault("conflict", f"Pull request {number} is {state}.", "number")
        sha = derive_seed(self.world.seed, "merge", str(row["url"]), number)
        done = {"status": "merged", "merged_at": self.world.now, "sha": sha}
        self.world.update("pull_requests", found, done)
        said = (
            f"{method.capitalize()} pull request #{number} from {found.get('branch') or 'branch'}"
        )
        commit = {"sha": f"{sha}{sha[:8]}", "message": said, "date": self.world.now}
        commit["author"] = str(self.world.me["name"])
        self.world.update("repositories", row, {"history": [*row["history"], commit]})
        return {**self._published(row, found), "sha": sha, "merged_at": self.world.now}

    def comment(self, repository: str, number: int, text: str) -> Row:
        """Comment on an issue or a pull request.

        Raises:
            ToolFault: ``not_found`` for the repository or the number.
        """
        row = self._repository(repository)
        found = self._numbered("code_issues", row, number)
        found = found or self._numbered("pull_requests", row, number)
        if found is None:
            message = f"{_slug(row)} has no issue or pull request {number}."
            raise ToolFault("not_found", message, "number")
        fields = {"repository": _slug(row), "number": number, "text": text}
        author = {"author": self.world.me["user"], "created": self.world.now}
        made = self.world.insert("code_comments", {**fields, **author})
        shown = self._published(row, found)
        return {"id": made["id"], **fields, **author, "url": shown["url"], "title": shown["title"]}

    def run(
        self, repository: str, workflow: str, ref: str = "main", cancel_previous: bool = False
    ) -> Row:
        """Start a workflow; it is queued, then in progress, and ends as the clock goes on.

        Raises:
            ToolFault: ``not_found`` for the repository.
        """
        row = self._repository(repository)
        if cancel_previous:
            for earlier in self._of(row, workflow):
                if earlier["status"] in ("queued", "in_progress"):
                    done = {"status": "cancelled", "finished": self.world.now}
                    self.world.update("pipeline_runs", earlier, done)
        fields = {"repository": _slug(row), "workflow": workflow.strip(), "ref": ref}
        state = {"status": "queued", "created": self.world.now, "author": self.world.me["user"]}
        made = self.world.insert("pipeline_runs", {**fields, **state})
        return self._shown(row, made)

    def runs(
        self, repository: str, run: str | None = None, status: str | None = None, limit: int = 10
    ) -> Row:
        """Return runs of a repository, latest first; one by its number, or those of a workflow.

        Raises:
            ToolFault: ``not_found`` for the repository or the run.
        """
        row = self._repository(repository)
        found = self._of(row, None)
        if run:
            wanted = run.strip().lstrip("#").casefold()
            found = [each for each in found if str(each["run"]) == wanted] or self._of(row, run)
            if not found:
                raise ToolFault("not_found", f"{_slug(row)} has no run {run!r}.", "run")
        fitting = [each for each in found if status in (None, each["status"])]
        shown = [self._shown(row, each) for each in reversed(fitting)]
        return {"repository": _slug(row), "runs": shown[:limit], "total": len(fitting)}

    def set_secret(
        self, repository: str, name: str, value: str, environment: str | None = None
    ) -> Row:
        """Set a secret for a repository's pipelines; its value is never shown again.

        Raises:
            ToolFault: ``not_found`` for the repository.
        """
        row = self._repository(repository)
        key = {"repository": _slug(row), "name": name, "environment": environment}
        mark = {"updated": self.world.now, "fingerprint": derive_seed("secret", value)[:12]}
        old = self.world.find("repository_secrets", key)
        if old is None:
            self.world.insert("repository_secrets", {**key, **mark})
        else:
            self.world.update("repository_secrets", old, mark)
        status = "created" if old is None else "updated"
        return {**key, "status": status, "updated": self.world.now}

    def _repository(self, said: str) -> Row:
        """The repository that is meant; this host does not make one up, as a clone does."""
        self._ready()
        row = self.git.find(said)
        if row is not None:
            return row
        wanted = said.strip().rstrip("/").removesuffix(".git").casefold()
        rows = list(self.world.rows("repositories"))
        for read in (_slug, lambda row: str(row.get("name"))):
            same = [row for row in rows if read(row).casefold() == wanted]
            if len(same) == 1:
                return same[0]
        raise ToolFault("not_found", f"Repository {said!r} not found.", "repository")

    def _ready(self) -> None:
        """Bring what a scenario placed into shape, and add what is there in every world."""
        if self._filled:
            return
        self._filled = True
        for collection in ("code_issues", "pull_requests", "code_comments", "pipeline_runs"):
            for row in self.world.rows(collection):
                said = str(row.get("repository", ""))
                known = self.git.find(said)
                row["repository"] = _slug(known) if known is not None else said
                row.setdefault("created", self._start)
                if collection in ("code_issues", "pull_requests"):
                    digits = re.sub(r"\D", "", str(row.get("number", "")))
                    status = str(row.get("status") or "open").casefold()
                    row.update(number=int(digits or 1), status=status)
                if collection == "pipeline_runs":
                    status = str(row.get("status") or "queued").casefold()
                    row.update(status=_RUN_STATES.get(status, status))
        for collection, slug, number, title, branch in _START:
            taken = {"repository": slug, "number": number}
            if any(self.world.find(each, taken) for each in ("code_issues", "pull_requests")):
                continue
            row = {**taken, "title": title, "body": "", "author": "rlind", "status": "open"}
            more = {"branch": branch, "base": "main", "draft": False} if branch else {"labels": []}
            self.world.place(collection, {**row, **more, "created": self._start})

    def _item(self, row: Row, title: str, body: str | None) -> Row:
        slug = _slug(row)
        numbers = [
            int(item["number"])
            for collection in ("code_issues", "pull_requests")
            for item in self.world.select(collection, {"repository": slug})
        ]
        fields = {"repository": slug, "number": max(numbers, default=0) + 1, "title": title}
        author = {"author": self.world.me["user"], "created": self.world.now}
        return {**fields, "body": body or "", "status": "open", **author}

    def _numbered(self, collection: str, row: Row, number: int) -> Row | None:
        return self.world.find(collection, {"repository": _slug(row), "number": number})

    def _published(self, row: Row, item: Row) -> Row:
        """Write the page of an issue or a pull request, and return what an API tells of it."""
        kind = "pull" if "branch" in item else "issues"
        url = _page(row, f"{kind}/{item['number']}")
        title = str(item.get("title") or f"Number {item['number']}")
        said = self.world.select(
            "code_comments", {"repository": _slug(row), "number": item["number"]}
        )
        head = f"{title} (#{item['number']}), {item['status']}, by {item.get('author') or 'rlind'}."
        notes = [f"{note.get('author') or 'rlind'}: {note.get('text', '')}" for note in said]
        text = "\n".join([head, *([str(item["body"])] if item.get("body") else []), *notes])
        page = {"url": url, "title": f"{title} #{item['number']}", "text": text, "about": url}
        self.world.place("pages", {**page, "site": url.split("/")[2], "kind": "page"})
        keys = ("repository", "number", "title", "status", "branch", "base", "draft", "labels")
        return {**{key: item[key] for key in keys if key in item}, "url": url}

    def _of(self, row: Row, workflow: str | None) -> list[Row]:
        """The runs of a repository, or of a workflow in it, each as far as it is by now."""
        found = list(self.world.select("pipeline_runs", {"repository": _slug(row)}))
        if workflow is not None:
            wanted = _workflow(workflow)
            found = [run for run in found if _workflow(str(run.get("workflow", ""))) == wanted]
        for run in found:
            self._advance(run)
        return found

    def _advance(self, run: Row) -> None:
        if run["status"] not in ("queued", "in_progress"):
            return
        random = stream(self.world.seed, "run", str(run["run"]))
        begins, takes = random.randint(3, 20), random.randint(20, 150)
        outcome = "failure" if random.random() < 0.2 else "success"
        created = datetime.fromisoformat(str(run["created"]))
        passed = (self.world.today - created).total_seconds()
        mark = len(self.world.changes)
        if run["status"] == "queued" and passed >= begins:
            self.world.update("pipeline_runs", run, {"status": "in_progress"})
        if run["status"] == "in_progress" and passed >= begins + takes:
            end = created + timedelta(seconds=begins + takes)
            done = {"status": outcome, "finished": end.isoformat().replace("+00:00", "Z")}
            if outcome == "failure":
                done["failed_step"] = random.choice(_STEPS)
            self.world.update("pipeline_runs", run, done)
        del self.world.changes[mark:]  # time did this, not the agent

    def _shown(self, row: Row, run: Row) -> Row:
        keys = ("run", "workflow", "ref", "status", "created", "finished", "failed_step")
        shown = {key: run[key] for key in keys if key in run}
        return {"repository": _slug(row), **shown, "url": _page(row, f"actions/runs/{run['run']}")}


def _slug(row: Row) -> str:
    """A repository as owner/name."""
    return "/".join(str(row["url"]).rstrip("/").removesuffix(".git").split("/")[-2:])


def _page(row: Row, rest: str) -> str:
    return f"{str(row['url']).rstrip('/').removesuffix('.git')}/{rest}"


def _workflow(name: str) -> str:
    return re.sub(r"\.ya?ml$", "", name.strip().casefold())

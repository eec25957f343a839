"""Containers and images; a container is stopped or running, and moves only between the two."""

import re
from typing import ClassVar

from agentalign_lc.environment.faults import ToolFault
from agentalign_lc.environment.spec import CollectionSpec
from agentalign_lc.environment.world import Row, World
from agentalign_lc.seeds import stream

__all__ = ["Docker"]

_IMAGE = re.compile(r"[a-z0-9][a-z0-9._/-]*(?::[\w.-]+)?(?:@sha256:[0-9a-f]+)?", re.ASCII)
_FIRST = ("amber", "brisk", "calm", "deft", "eager", "fond", "keen", "mild", "quiet", "sunny")
_SECOND = ("badger", "finch", "heron", "lynx", "marten", "otter", "plover", "robin", "swift")


class Docker:
    """A container engine.

    Example:
        >>> from agentalign_lc.environment.devices import COLLECTIONS, attach
        >>> from agentalign_lc.records import Person
        >>> me = Person(first="Ana", last="Ruiz", email="ana@example.com",
        ...             phone="+1-555-0101", handle="anaruiz", city="Vasterby")
        >>> docker = attach(World("seed", me, COLLECTIONS)).devices["docker"]
        >>> docker.stop("web")["status"]
        'stopped'
    """

    operations = frozenset({"list", "logs", "remove", "run", "start", "stop"})
    collections: ClassVar[dict[str, CollectionSpec]] = {
        "images": CollectionSpec(key="name"),
        "containers": CollectionSpec.model_validate(
            {
                "id": "############",
                "start": [
                    {"name": "web", "image": "nginx:1.27", "ports": ["8080:80"]},
                    {"name": "db", "image": "postgres:16", "ports": ["5432:5432"]},
                    {"name": "worker", "image": "python:3.12-slim", "status": "stopped"},
                ],
            }
        ),
    }

    def __init__(self, world: World) -> None:
        self.world = world
        world.prepare(("containers", "images"), self._finish)

    def _finish(self) -> None:
        for row in self.world.rows("containers"):
            row.update({**self._container("busybox:latest", str(row["id"])), **row})
            row["status"] = "running" if row["status"] == "running" else "stopped"
            for field in ("logs", "ports"):  # slots of a chain are text
                row[field] = row[field].splitlines() if isinstance(row[field], str) else row[field]
            self._image(str(row["image"]), quietly=True)
        for row in self.world.rows("images"):
            row.update({**self._facts(str(row["name"])), **row})

    def list(self, running: bool = False) -> Row:
        """List the containers, or only those that run, and the images."""
        return {
            "containers": [
                {key: value for key, value in row.items() if key != "logs"}
                for row in self.world.rows("containers")
                if not running or row["status"] == "running"
            ],
            "images": [dict(row) for row in self.world.rows("images")],
        }

    def run(self, image: str, name: str | None = None, command: str | None = None) -> Row:
        """Make a container from an image, which is pulled if need be, and start it.

        Raises:
            ToolFault: ``invalid_argument`` for what is no image name, ``conflict``
                if the container's name is taken.
        """
        full = _tagged(image)
        if name and self.world.find("containers", {"name": name}):
            raise ToolFault("conflict", f"The container name {name!r} is in use.", "name")
        pulled = self._image(full)
        row = self.world.insert("containers", {"id": None, "image": full})
        row.update({**self._container(full, str(row["id"])), **row})
        row.update({"name": name or row["name"], "command": command})
        self._say(row, f"started {command or 'the default command'}")
        return {**_brief(row), "pulled": pulled}

    def start(self, container: str) -> Row:
        """Start a container that is stopped.

        Raises:
            ToolFault: ``not_found``, or ``conflict`` if it runs.
        """
        return self._move(container, "stopped", "running", "started")

    def stop(self, container: str) -> Row:
        """Stop a container that runs.

        Raises:
            ToolFault: ``not_found``, or ``conflict`` if it is stopped.
        """
        return self._move(container, "running", "stopped", "received SIGTERM, shutting down")

    def remove(self, container: str) -> Row:
        """Remove a container that is stopped.

        Raises:
            ToolFault: ``not_found``, or ``conflict`` if it runs.
        """
        row = self._find(container)
        if row["status"] == "running":
            raise ToolFault("conflict", f"{row['name']} is running; stop it first.", "container")
        self.world.delete("containers", row)
        return {**_brief(row), "status": "removed"}

    def logs(self, container: str, lines: int = 50) -> Row:
        """Return the last lines that a container wrote."""
        row = self._find(container)
        return {**_brief(row), "lines": row["logs"][-max(lines, 1) :]}

    def _find(self, container: str) -> Row:
        said = container.strip()
        for row in self.world.rows("containers"):
            # Docker takes a name, or as much of an id as tells it from others.
            if said == row["name"] or (len(said) >= 4 and str(row["id"]).startswith(said)):
                return row
        raise ToolFault("not_found", f"No such container: {said}.", "container")

    def _move(self, container: str, before: str, after: str, line: str) -> Row:
        row = self._find(container)
        if row["status"] != before:
            message = f"Container {row['name']} is {row['status']} already."
            raise ToolFault("conflict", message, "container")
        self.world.update("containers", row, {"status": after})
        self._say(row, line)
        return _brief(row)

    def _say(self, row: Row, line: str) -> None:
        row["logs"] = [*row["logs"], f"{self.world.now} {line}"]

    def _image(self, full: str, *, quietly: bool = False) -> bool:
        if self.world.get("images", full) is not None:
            return False
        (self.world.place if quietly else self.world.insert)("images", self._facts(full))
        return True

    def _facts(self, full: str) -> Row:
        random = stream(self.world.seed, "image", full)
        return {"name": full, "id": f"{random.getrandbits(48):012x}", "mb": random.randint(5, 900)}

    def _container(self, image: str, key: str) -> Row:
        random = stream(self.world.seed, "container", key)
        return {
            "id": key,
            "name": f"{random.choice(_FIRST)}_{random.choice(_SECOND)}_{key[:3]}",
            "image": image,
            "command": None,
            "status": "running",
            "ports": [],
            "created": self.world.now,
            "logs": [f"{self.world.now} ready"],
        }


def _brief(row: Row) -> Row:
    return {key: row[key] for key in ("id", "name", "image", "status")}


def _tagged(image: str) -> str:
    said = image.strip()
    if not _IMAGE.fullmatch(said):
        raise ToolFault("invalid_argument", f"{said!r} is no image name.", "image")
    return said if ":" in said.rpartition("/")[2] or "@" in said else f"{said}:latest"

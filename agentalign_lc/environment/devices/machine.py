"""The computer itself: its processes, its packages, and what it says about itself."""

import re
from typing import ClassVar

from agentalign_lc.environment.devices.files import FileSystem
from agentalign_lc.environment.faults import ToolFault
from agentalign_lc.environment.spec import CollectionSpec
from agentalign_lc.environment.world import Row, World
from agentalign_lc.seeds import stream

__all__ = ["Machine"]

_PACKAGE = re.compile(r"@?[a-z0-9][a-z0-9._+/-]{0,99}", re.ASCII)
_VERSION = re.compile(r"(?<=.)(?:==|@|=)(.+)$")


class Machine:
    """Processes that can be listed and stopped, packages that come and go.

    Example:
        >>> from agentalign_lc.environment.devices import COLLECTIONS, attach
        >>> from agentalign_lc.records import Person
        >>> me = Person(first="Ana", last="Ruiz", email="ana@example.com",
        ...             phone="+1-555-0101", handle="anaruiz", city="Vasterby")
        >>> machine = attach(World("seed", me, COLLECTIONS)).devices["machine"]
        >>> machine.stop("nginx")["stopped"]
        [{'pid': '812', 'name': 'nginx'}]
    """

    operations = frozenset({"info", "install", "packages", "processes", "remove", "start", "stop"})
    collections: ClassVar[dict[str, CollectionSpec]] = {
        "processes": CollectionSpec.model_validate(
            {
                "key": "pid",
                "id": "40000",
                "start": [
                    {"pid": "1", "name": "systemd", "user": "root", "command": "/sbin/init"},
                    {"pid": "402", "name": "sshd", "user": "root"},
                    {"pid": "455", "name": "cron", "user": "root"},
                    {"pid": "812", "name": "nginx", "user": "www-data"},
                    {"pid": "990", "name": "postgres", "user": "postgres"},
                    {"pid": "1207", "name": "redis-server", "user": "redis"},
                    {"name": "node", "command": "node server.js"},
                    {"name": "python3", "command": "python3 worker.py"},
                    {"name": "backup-agent"},
                ],
            }
        ),
        "packages": CollectionSpec.model_validate(
            {
                "key": "name",
                "start": [
                    *({"name": name} for name in ("bash", "curl", "git", "nginx", "openssl")),
                    *({"name": name, "manager": "pip"} for name in ("pip", "requests", "numpy")),
                    {"name": "eslint", "manager": "npm"},
                ],
            }
        ),
    }

    def __init__(self, world: World, files: FileSystem) -> None:
        self.world = world
        self.files = files
        self.name = str(world.me.get("host") or f"{world.me['user']}-laptop.lan.example")
        self._facts = stream(world.seed, "machine")
        self._cores = self._facts.choice([4, 8, 16])
        self._memory = self._facts.choice([8192, 16384, 32768])
        self._disk = self._facts.choice([256, 512, 1024]) * 1024
        self._busy = self._facts.randint(30_000, 160_000)
        self._booted = world.today.timestamp() - self._facts.randint(40_000, 2_000_000)
        world.prepare(("processes", "packages"), self._finish)

    def _finish(self) -> None:
        # Fixtures name what matters to their scenario; the rest follows from the seed.
        for row in self.world.rows("processes"):
            row.update({**self._process(str(row.get("name") or "sh"), str(row["pid"])), **row})
            for field in ("cpu_percent", "memory_mb"):  # slots of a chain are text
                row[field] = _amount(row[field])
        for row in self.world.rows("packages"):
            row.update({"manager": "apt", "version": self._version(str(row["name"])), **row})

    def info(self) -> Row:
        """Return host name, system, processor, memory, disk, load and uptime."""
        processes = list(self.world.rows("processes"))
        written = sum(int(row["size"]) for row in self.world.rows("files")) / 1_048_576
        used = min(1100 + int(sum(row["memory_mb"] for row in processes)), self._memory)
        return {
            "hostname": self.name,
            "user": self.world.me["user"],
            "os": "Debian GNU/Linux 12 (bookworm)",
            "kernel": "6.1.0-28-amd64",
            "architecture": "x86_64",
            "cpu_cores": self._cores,
            "cpu_percent": round(min(sum(row["cpu_percent"] for row in processes), 100.0), 1),
            "memory_total_mb": self._memory,
            "memory_used_mb": used,
            "disk_total_mb": self._disk,
            "disk_used_mb": round(self._busy + written, 2),
            "uptime_seconds": int(self.world.today.timestamp() - self._booted),
            "processes": len(processes),
            "time": self.world.now,
        }

    def processes(self, name: str | None = None) -> Row:
        """List what runs, or only processes whose name or command holds a word."""
        word = (name or "").casefold()
        rows = [
            dict(row)
            for row in self.world.rows("processes")
            if word in f"{row['name']} {row['command']}".casefold()
        ]
        return {"processes": rows, "total": len(rows)}

    def start(self, name: str, command: str | None = None) -> Row:
        """Start a process, as a service manager does."""
        row = self.world.insert("processes", {"pid": None, "name": name})
        row.update(self._process(name, str(row["pid"])))
        if command:
            row["command"] = command
        return {"pid": row["pid"], "name": name}

    def stop(self, process: str) -> Row:
        """Stop a process by its pid, or all processes of a name.

        Raises:
            ToolFault: ``not_found``, or ``permission_denied`` for the first process.
        """
        wanted = process.strip()
        rows = [r for r in self.world.rows("processes") if wanted in (str(r["pid"]), r["name"])]
        if not rows:
            raise ToolFault("not_found", f"No process {wanted!r} is running.", "process")
        if any(str(row["pid"]) == "1" for row in rows):
            raise ToolFault("permission_denied", "Process 1 keeps the system up.", "process")
        for row in rows:
            self.world.delete("processes", row)
        return {"stopped": [{"pid": r["pid"], "name": r["name"]} for r in rows], "total": len(rows)}

    def packages(self, manager: str | None = None) -> Row:
        """List the installed packages: name, version, manager."""
        rows = [dict(r) for r in self.world.rows("packages") if manager in (None, r["manager"])]
        return {"packages": sorted(rows, key=lambda row: str(row["name"])), "total": len(rows)}

    def install(self, package: str, manager: str = "apt", version: str | None = None) -> Row:
        """Install a package; one that is there already stays as it is.

        Raises:
            ToolFault: ``not_found``, if no package could have this name.
        """
        asked = package.strip()
        pinned = _VERSION.search(asked)
        name = _VERSION.sub("", asked).lower()
        if not _PACKAGE.fullmatch(name):
            raise ToolFault("not_found", f"Unable to locate package {asked!r}.", "package")
        there = self.world.get("packages", name)
        if there is not None:
            return {**_package(there), "status": "already_installed"}
        chosen = version or (pinned[1] if pinned else None) or self._version(name)
        row = {"name": name, "version": chosen, "manager": manager}
        return {**_package(self.world.insert("packages", row)), "status": "installed"}

    def remove(self, package: str) -> Row:
        """Remove a package.

        Raises:
            ToolFault: ``not_found``, if it is not installed.
        """
        row = self.world.get("packages", package.strip().lower())
        if row is None:
            message = f"Package {package.strip()!r} is not installed."
            raise ToolFault("not_found", message, "package")
        self.world.delete("packages", row)
        return {**_package(row), "status": "removed"}

    def _process(self, name: str, pid: str) -> Row:
        random = stream(self.world.seed, "process", pid, name)
        return {
            "pid": pid,
            "name": name,
            "user": self.world.me["user"],
            "command": name,
            "status": random.choice(["running", "sleeping", "sleeping"]),
            "cpu_percent": round(random.uniform(0, 6), 1),
            "memory_mb": round(random.uniform(4, 300), 1),
            "started": self.world.now,
        }

    def _version(self, name: str) -> str:
        random = stream(self.world.seed, "package", name)
        return f"{random.randint(0, 8)}.{random.randint(0, 20)}.{random.randint(0, 9)}"


def _amount(value: object) -> float:
    try:
        return round(float(str(value)), 1)
    except ValueError:
        return 0.0


def _package(row: Row) -> Row:
    return {"package": row["name"], "version": row["version"], "manager": row["manager"]}

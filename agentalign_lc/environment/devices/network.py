"""The machines around: names, open ports, and a world of its own behind every ssh host."""

import posixpath
import re
from collections.abc import Callable
from typing import ClassVar

from agentalign_lc.environment.devices.files import FileSystem
from agentalign_lc.environment.faults import ToolFault
from agentalign_lc.environment.spec import CollectionSpec
from agentalign_lc.environment.world import Row, World
from agentalign_lc.seeds import stream

__all__ = ["Network"]

_SERVICES = {
    22: "ssh",
    25: "smtp",
    53: "domain",
    80: "http",
    443: "https",
    445: "smb",
    631: "ipp",
    3306: "mysql",
    5432: "postgresql",
    6379: "redis",
    8080: "http-alt",
}


class Network:
    r"""Hosts that can be looked up, reached and logged in to.

    An ssh host is a whole world with its own files, processes and shell. It is
    made when somebody first logs in, remembers what was done, and what changes
    there is noted in the changes of the world at home.

    Args:
        world: The world at home.
        files: Its file system.
        build: Makes the world of a host.
        remotes: Worlds of hosts that exist already; hosts share them.

    Example:
        >>> from agentalign_lc.environment.devices import COLLECTIONS, attach
        >>> from agentalign_lc.records import Person
        >>> me = Person(first="Ana", last="Ruiz", email="ana@example.com",
        ...             phone="+1-555-0101", handle="anaruiz", city="Vasterby")
        >>> network = attach(World("seed", me, COLLECTIONS)).devices["network"]
        >>> _ = network.run("web1.example", "echo hello > note.txt")
        >>> network.run("web1.example", "cat note.txt")["stdout"]
        'hello\n'
    """

    operations = frozenset(
        {
            "connections",
            "copy_to",
            "devices",
            "interfaces",
            "ping",
            "ports",
            "resolve",
            "run",
            "trace",
        }
    )
    collections: ClassVar[dict[str, CollectionSpec]] = {
        "hosts": CollectionSpec.model_validate(
            {
                "key": "name",
                "start": [
                    {"name": "gateway.lan.example", "address": "192.0.2.1", "ports": [53, 80]},
                    {"name": "build.lan.example", "address": "192.0.2.20", "ports": [22, 8080]},
                    {"name": "nas.lan.example", "address": "192.0.2.30", "ports": [22, 445]},
                    {"name": "web1.example", "address": "198.51.100.10", "ports": [22, 80, 443]},
                    {"name": "db1.example", "address": "198.51.100.20", "ports": [22, 5432]},
                    {"name": "backup.example", "address": "203.0.113.40", "ports": [22]},
                    {"name": "git.example", "address": "203.0.113.22", "ports": [22, 443]},
                    {"name": "example.com", "address": "203.0.113.80", "ports": [80, 443]},
                ],
            }
        ),
        "network_devices": CollectionSpec.model_validate(
            {
                "key": "name",
                "start": [
                    {"name": "gateway.lan.example", "address": "192.0.2.1", "kind": "router"},
                    {"name": "build.lan.example", "address": "192.0.2.20", "kind": "computer"},
                    {"name": "nas.lan.example", "address": "192.0.2.30", "kind": "storage"},
                    {"name": "printer.lan.example", "address": "192.0.2.41", "kind": "printer"},
                    {"name": "tablet.lan.example", "address": "192.0.2.53", "kind": "tablet"},
                    {"name": "{{ me.first | lower }}s-phone.lan.example", "kind": "phone"},
                ],
            }
        ),
        "interfaces": CollectionSpec.model_validate(
            {
                "key": "name",
                "start": [
                    {"name": "lo", "address": "127.0.0.1", "netmask": "255.0.0.0"},
                    {"name": "eth0", "address": "192.0.2.{{ draw.number(100, 199) }}"},
                ],
            }
        ),
        "connections": CollectionSpec.model_validate(
            {
                "id": "conn_####",
                "start": [
                    {"local_port": 22, "process": "sshd", "state": "listening"},
                    {"local_port": 80, "process": "nginx", "state": "listening"},
                    {"local_port": 5432, "process": "postgres", "state": "listening"},
                    {
                        "local_port": "{{ draw.number(40000, 60000) }}",
                        "process": "backup-agent",
                        "remote": "203.0.113.40:22",
                    },
                ],
            }
        ),
        "ssh_sessions": CollectionSpec(id="ssh_######"),
    }

    def __init__(
        self,
        world: World,
        files: FileSystem,
        build: Callable[[str], World],
        remotes: dict[str, World] | None = None,
    ) -> None:
        self.world = world
        self.files = files
        self.build = build
        self.remotes = {} if remotes is None else remotes
        own = ("hosts", "network_devices", "interfaces", "connections")
        world.prepare(own, self._finish)

    def _finish(self) -> None:
        world = self.world
        for row in world.rows("hosts"):
            row.update({"address": self._address(str(row["name"])), "ports": [22], **row})
            if not isinstance(row["ports"], list):  # slots of a chain are text
                row["ports"] = [int(port) for port in re.findall(r"[0-9]{1,5}", str(row["ports"]))]
        for row in world.rows("network_devices"):
            row.update({**self._device(str(row["name"])), **row})
        for row in world.rows("interfaces"):
            default = {
                "netmask": "255.255.255.0",
                "state": "up",
                "mac": self._mac(str(row["name"])),
            }
            row.update({"address": "192.0.2.99", **default, **row})
        for row in world.rows("connections"):
            row.update({"protocol": "tcp", "state": "established", "remote": None, **row})

    def ping(self, host: str, count: int = 4) -> Row:
        """Send echo requests to a host.

        Raises:
            ToolFault: ``not_found``.
        """
        row = self._find(host)
        random = stream(self.world.seed, "ping", str(row["name"]))
        times = sorted(round(random.uniform(*self._span(row)), 2) for _ in range(3))
        sent = min(max(count, 1), 100)
        latency = dict(zip(("min_ms", "average_ms", "max_ms"), times, strict=True))
        return {**_named(row), "sent": sent, "received": sent, **latency}

    def trace(self, host: str) -> Row:
        """Return the hops on the way to a host.

        Raises:
            ToolFault: ``not_found``.
        """
        row = self._find(host)
        far = (
            []
            if _near(row)
            else [("gateway.lan.example", "192.0.2.1"), ("isp.example", "198.51.100.1")]
        )
        hops = [*far, (row["name"], row["address"])]
        time = self._span(row)[0]
        return {
            **_named(row),
            "hops": [
                {"hop": n, "name": name, "address": address, "ms": round(time * n / len(hops), 2)}
                for n, (name, address) in enumerate(hops, 1)
            ],
        }

    def resolve(self, host: str) -> Row:
        """Look up a host's address, or the name of an address.

        Raises:
            ToolFault: ``not_found``.
        """
        return _named(self._find(host))

    def ports(self, host: str) -> Row:
        """List the open ports of a host.

        Raises:
            ToolFault: ``not_found``.
        """
        row = self._find(host)
        ports = [
            {
                "port": port,
                "protocol": "tcp",
                "state": "open",
                "service": _SERVICES.get(port, "unknown"),
            }
            for port in row.get("ports", [])
        ]
        return {**_named(row), "ports": ports}

    def interfaces(self) -> Row:
        """List this machine's network interfaces."""
        return {"interfaces": [dict(row) for row in self.world.rows("interfaces")]}

    def connections(self, state: str | None = None) -> Row:
        """List open sockets, or those in a state; they close when their process stops."""
        running = {row["name"] for row in self.world.rows("processes")}
        rows = [
            dict(row)
            for row in self.world.rows("connections")
            if row.get("process") in {None, *running} and state in (None, row["state"])
        ]
        return {"connections": rows, "total": len(rows)}

    def devices(self, kind: str | None = None) -> Row:
        """List the machines and phones seen on the local network."""
        rows = self.world.rows("network_devices")
        found = [dict(row) for row in rows if kind in (None, row["kind"])]
        return {"devices": found, "total": len(found)}

    def run(self, host: str, command: str) -> Row:
        """Run a command on a host: stdout, stderr, exit_code.

        Raises:
            ToolFault: ``unknown_host``, or ``connection_refused`` without port 22.
        """
        name, remote = self._login(host)
        mark = len(remote.changes)
        result: Row = remote.devices["shell"].run(command=command)  # type: ignore[attr-defined]
        self._note(name, remote, mark)
        self.world.insert("ssh_sessions", {"host": name, "command": command, "at": self.world.now})
        return {"host": name, **result}

    def copy_to(
        self, host: str, path: str, destination: str, *, back: bool = False, cwd: str | None = None
    ) -> Row:
        """Copy a file or folder to a host (or ``back``: from a host to here).

        Raises:
            ToolFault: ``unknown_host``, ``connection_refused``, ``not_found``.
        """
        name, remote = self._login(host)
        there = remote.devices["files"]
        if not isinstance(there, FileSystem):  # pragma: no cover - a world has its file system
            raise TypeError(type(there))
        mark = len(remote.changes)
        here = (self.files, cwd)
        count, target = (
            _transfer((there, None), path, here, destination)
            if back
            else _transfer(here, path, (there, None), destination)
        )
        self._note(name, remote, mark)
        line = f"scp {path} {destination}"
        self.world.insert("ssh_sessions", {"host": name, "command": line, "at": self.world.now})
        return {"host": name, "path": path, "destination": target, "files": count}

    def _login(self, host: str) -> tuple[str, World]:
        try:
            row = self._find(host)
        except ToolFault as fault:
            message = f"Could not resolve hostname {_plain(host)!r}."
            raise ToolFault("unknown_host", message, "host") from fault
        if 22 not in row.get("ports", []):
            message = f"connect to host {row['name']} port 22: connection refused."
            raise ToolFault("connection_refused", message, "host")
        name = str(row["name"])
        if name not in self.remotes:
            remote = self.build(name)
            files = row.get("files")
            for path, content in files.items() if isinstance(files, dict) else ():
                remote.devices["files"].write(path, str(content))  # type: ignore[attr-defined]
            remote.changes.clear()
            self.remotes[name] = remote
        return name, self.remotes[name]

    def _note(self, host: str, remote: World, mark: int) -> None:
        for change in remote.changes[mark:]:
            self.world.changes.append({**change, "collection": f"{host}:{change['collection']}"})

    def _find(self, host: str) -> Row:
        said = _plain(host)
        if said in ("localhost", "127.0.0.1"):
            return {"name": "localhost", "address": "127.0.0.1", "ports": [22, 80, 5432]}
        for collection in ("hosts", "network_devices"):
            for row in self.world.rows(collection):
                name = str(row["name"]).lower()
                if said in (name, row["address"], name.removesuffix(".lan.example")):
                    return row
        raise ToolFault("not_found", f"{said}: name or service not known.", "host")

    def _span(self, row: Row) -> tuple[float, float]:
        low = (
            0.3
            if _near(row)
            else 9 + stream(self.world.seed, "far", str(row["name"])).random() * 40
        )
        return low, low * 1.4

    def _address(self, name: str) -> str:
        number = stream(self.world.seed, "address", name).randint(60, 99)
        return f"192.0.2.{number}" if name.endswith(".lan.example") else f"198.51.100.{number}"

    def _device(self, name: str) -> Row:
        address = f"192.0.2.{stream(self.world.seed, 'address', name).randint(60, 99)}"
        mac = self._mac(name)
        return {"address": address, "kind": "computer", "mac": mac, "last_seen": self.world.now}

    def _mac(self, name: str) -> str:
        # The range that RFC 7042 keeps for documents.
        return f"00:00:5e:00:53:{stream(self.world.seed, 'mac', name).randint(0, 255):02x}"


def _plain(host: str) -> str:
    return host.strip().rpartition("@")[2].rstrip(".").lower()


def _near(row: Row) -> bool:
    return str(row["address"]).startswith(("192.0.2.", "127."))


def _named(row: Row) -> Row:
    return {"host": row["name"], "address": row["address"]}


def _transfer(
    source: tuple[FileSystem, str | None], path: str, target: tuple[FileSystem, str | None], to: str
) -> tuple[int, str]:
    (files, cwd), (others, other_cwd) = source, target
    full, goal = files.resolve(path, cwd), others.resolve(to, other_cwd)
    kind = files.stat(full)["kind"]
    there = others.world.get("files", goal)
    if to.strip().endswith("/") or (there is not None and there["kind"] == "folder"):
        goal = posixpath.join(goal, posixpath.basename(full))
    if kind == "file":
        others.write(goal, files.read(full)["content"])
        return 1, goal
    others.make_folder(goal)
    rows = [
        r for r in files.world.rows("files") if str(r["path"]).startswith(full.rstrip("/") + "/")
    ]
    wanted = [row for row in rows if row["kind"] == "file"]
    for row in wanted:
        others.write(goal + row["path"][len(full.rstrip("/")) :], row["content"])
    return len(wanted), goal

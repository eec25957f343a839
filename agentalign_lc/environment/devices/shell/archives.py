"""Shell commands that pack files into archives; what was packed can be unpacked."""

import json
import posixpath
from collections.abc import Mapping

from agentalign_lc.environment.devices.shell.call import Call, Command, Failure
from agentalign_lc.environment.faults import ToolFault
from agentalign_lc.environment.world import Row

__all__ = ["ARCHIVE", "COMMANDS", "attempt", "below"]

ARCHIVE = "archive of "
"""How the content of an archive begins."""


def below(call: Call, full: str) -> list[Row]:
    """Return a folder's row and the rows of all that is in it."""
    prefix = full.rstrip("/") + "/"
    rows = (r for r in call.computer.world.rows("files") if f"{r['path']}/".startswith(prefix))
    return sorted(rows, key=lambda row: str(row["path"]))


def attempt(call: Call, method: str, name: str, to: str | None = None) -> None:
    """Do something with a file, and complain if that fails."""
    more = {} if to is None else {"to": call.path(to)}
    try:
        getattr(call.computer.files, method)(call.path(name), **more)
    except ToolFault as fault:
        call.complain(fault.message)


def _pack(call: Call, names: list[str], target: str) -> list[str]:
    packed: dict[str, str] = {}
    for name in names:
        if call.kind(name) is None:
            call.complain(f"{name}: Cannot stat: No such file or directory", 2)
            continue
        full = call.path(name)
        for row in below(call, full):
            inside = (name.lstrip("/~").rstrip("/") or ".") + row["path"][len(full) :]
            packed[inside + ("/" if row["kind"] == "folder" else "")] = row["content"]
    body = json.dumps(packed, ensure_ascii=False)
    call.write(target, f"{ARCHIVE}{len(packed)} files\n{body}\n")
    return list(packed)


def _unpack(call: Call, name: str) -> dict[str, str]:
    text = call.read(name)
    if text is None:
        raise Failure("", 2)
    try:
        body = json.loads(text.partition("\n")[2]) if text.startswith(ARCHIVE) else None
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise Failure(f"{name}: This does not look like an archive", 2)
    return {str(key): str(value) for key, value in body.items()}


def _extract(call: Call, archive: str, folder: str) -> list[str]:
    files = _unpack(call, archive)
    for name, content in files.items():
        place = posixpath.join(call.path(folder), name.lstrip("/"))
        if name.endswith("/"):
            call.computer.files.make_folder(place)
        else:
            call.computer.files.write(place, content)
    return list(files)


def _tar(call: Call) -> str:
    if call.args and not call.args[0].startswith("-"):
        call.args[0] = "-" + call.args[0]
    flags, names = call.options("fC")
    archive = flags.get("f")
    if not archive:
        raise Failure("Refusing to read or write archive on a terminal (missing -f option?)", 2)
    if "c" in flags:
        if not names:
            raise Failure("Cowardly refusing to create an empty archive", 2)
        home, target = call.session.cwd, call.path(archive)
        call.session.cwd = call.path(flags.get("C", ""))
        listed = _pack(call, names, target)
        call.session.cwd = home
    elif "x" in flags:
        listed = _extract(call, archive, flags.get("C", "."))
    elif "t" in flags:
        return "".join(f"{name}\n" for name in _unpack(call, archive))
    else:
        raise Failure("You must specify one of the '-ctx' options", 2)
    return "".join(f"{name}\n" for name in listed) if "v" in flags else ""


def _zip(call: Call) -> str:
    _, names = call.options("P")
    call.need(names, 2)
    target = names[0] if "." in posixpath.basename(names[0]) else f"{names[0]}.zip"
    return "".join(f"  adding: {name}\n" for name in _pack(call, names[1:], target))


def _unzip(call: Call) -> str:
    flags, names = call.options("d")
    call.need(names)
    if "l" in flags:
        return "".join(f"{name}\n" for name in _unpack(call, names[0]))
    listed = _extract(call, names[0], flags.get("d", "."))
    return "".join(f"  inflating: {name}\n" for name in listed)


def _gzip(call: Call) -> str:
    _, names = call.options()
    for name in names:
        if call.kind(name) != "file":
            call.complain(f"{name}: No such file or directory")
        elif call.name == "gzip":
            attempt(call, "move", name, f"{name}.gz")
        else:
            attempt(call, "move", name, name.removesuffix(".gz") or name)
    return ""


COMMANDS: Mapping[str, Command] = {
    "gunzip": _gzip,
    "gzip": _gzip,
    "tar": _tar,
    "unzip": _unzip,
    "zip": _zip,
}
"""Commands by name."""

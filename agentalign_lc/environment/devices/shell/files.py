"""Shell commands that look at files and change them."""

import posixpath
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from fnmatch import fnmatchcase

from agentalign_lc.environment.devices.shell.archives import ARCHIVE, attempt, below
from agentalign_lc.environment.devices.shell.call import Call, Command, Failure
from agentalign_lc.environment.world import Row

__all__ = ["COMMANDS"]


def _human(size: float) -> str:
    for unit in ("", "K", "M", "G"):
        if size < 1024:
            return f"{size:.0f}{unit}" if not unit or size >= 10 else f"{size:.1f}{unit}"
        size /= 1024
    return f"{size:.1f}T"


def _pwd(call: Call) -> str:
    return call.session.cwd + "\n"


def _cd(call: Call) -> str:
    wanted = call.args[0] if call.args else call.session.variables["HOME"]
    kind = call.kind(wanted)
    if kind != "folder":
        raise Failure(f"{wanted}: {'Not a directory' if kind else 'No such file or directory'}")
    call.session.cwd = call.path(wanted)
    return ""


def _ls(call: Call) -> str:
    flags, names = call.options()
    parts: list[str] = []
    names = names or ["."]
    for name in names:
        kind = call.kind(name)
        if kind is None:
            call.complain(f"cannot access '{name}': No such file or directory", 2)
        elif kind == "file" or "d" in flags:
            row = call.computer.files.stat(call.path(name))
            parts.append(_listed([{**row, "name": name}], flags))
        else:
            folders = [call.path(name)]
            if "R" in flags:
                folders = [r["path"] for r in below(call, folders[0]) if r["kind"] == "folder"]
            for folder in folders[:200]:
                entries = call.computer.files.list(folder)["entries"]
                owner = call.computer.files.stat(folder)["owner"]
                text = _listed([{**entry, "owner": owner} for entry in entries], flags)
                titled = len(names) > 1 or "R" in flags
                above = "\n" if parts else ""
                title = folder if "R" in flags else name
                parts.append(f"{above}{title}:\n{text}" if titled else text)
    return "".join(parts)


def _listed(entries: list[Row], flags: Mapping[str, str]) -> str:
    hide = not {"a", "A", "all"} & set(flags)
    rows = [e for e in entries if not (hide and str(e["name"]).startswith("."))]
    if "t" in flags:
        rows.sort(key=lambda row: str(row["modified"]), reverse=True)
    if "S" in flags:
        rows.sort(key=lambda row: -int(row["size"]))
    if "r" in flags:
        rows.reverse()
    if "l" not in flags:
        return "".join(f"{row['name']}\n" for row in rows)
    lines = []
    for row in rows:
        mode = "drwxr-xr-x" if row["kind"] == "folder" else "-rw-r--r--"
        size = _human(float(row["size"])) if "h" in flags else str(row["size"])
        date = f"{datetime.fromisoformat(str(row['modified'])):%b %d %H:%M}"
        lines.append(f"{mode} 1 {row.get('owner', 'root')} {size:>8} {date} {row['name']}\n")
    return "".join(lines)


def _mkdir(call: Call) -> str:
    flags, names = call.options("m")
    call.need(names)
    for name in names:
        parent = call.path(name).rpartition("/")[0] or "/"
        if "p" not in flags and call.kind(name):
            call.complain(f"cannot create directory '{name}': File exists")
        elif not {"p", "parents"} & set(flags) and call.kind(parent) != "folder":
            call.complain(f"cannot create directory '{name}': No such file or directory")
        else:
            call.computer.files.make_folder(call.path(name))
    return ""


def _rm(call: Call) -> str:
    flags, names = call.options()
    if not names and "f" not in flags:
        raise Failure("missing operand")
    deep = bool({"r", "R", "recursive"} & set(flags))
    for name in names:
        kind = call.kind(name)
        if kind is None:
            if "f" not in flags:
                call.complain(f"cannot remove '{name}': No such file or directory")
        elif kind == "folder" and not deep:
            call.complain(f"cannot remove '{name}': Is a directory")
        else:
            attempt(call, "delete", name)
    return ""


def _rmdir(call: Call) -> str:
    _, names = call.options()
    call.need(names)
    for name in names:
        if call.kind(name) != "folder":
            call.complain(f"failed to remove '{name}': No such file or directory")
        elif len(below(call, call.path(name))) > 1:
            call.complain(f"failed to remove '{name}': Directory not empty")
        else:
            attempt(call, "delete", name)
    return ""


def _transfer(call: Call, method: str, *, deep: bool) -> str:
    _, names = call.options("t")
    call.need(names, 2)
    *sources, target = names
    kind = call.kind(target)
    if len(sources) > 1 and kind != "folder":
        raise Failure(f"target '{target}' is not a directory")
    parent = call.path(target).rpartition("/")[0] or "/"
    if kind is None and call.kind(parent) != "folder":
        raise Failure(f"cannot create '{target}': No such file or directory")
    for name in sources:
        found = call.kind(name)
        if found is None:
            call.complain(f"cannot stat '{name}': No such file or directory")
        elif found == "folder" and not deep:
            call.complain(f"-r not specified; omitting directory '{name}'")
        else:
            attempt(call, method, name, target)
    return ""


def _cp(call: Call) -> str:
    flags, _ = call.options("t")
    return _transfer(call, "copy", deep=bool({"r", "R", "a", "recursive"} & set(flags)))


def _mv(call: Call) -> str:
    return _transfer(call, "move", deep=True)


def _touch(call: Call) -> str:
    _, names = call.options("dtr")
    call.need(names)
    for name in names:
        if call.kind(name) != "folder":
            call.write(name, call.read(name) or "" if call.kind(name) else "")
    return ""


def _mode(call: Call) -> str:
    # Modes and owners change nothing here, so that only what cannot be found is an error.
    _, names = call.options()
    call.need(names, 2)
    for name in names[1:]:
        if call.kind(name) is None:
            call.complain(f"cannot access '{name}': No such file or directory")
    return ""


def _find(call: Call) -> str:
    words = list(call.args)
    starts: list[str] = []
    while words and not words[0].startswith(("-", "!", "(")):
        starts.append(words.pop(0))
    tests = _tests(call, words)
    out: list[str] = []
    for start in starts or ["."]:
        full = call.path(start)
        if call.kind(start) is None:
            call.complain(f"'{start}': No such file or directory")
            continue
        for row in below(call, full):
            depth = row["path"].rstrip("/").count("/") - full.rstrip("/").count("/")
            if all(_passes(test, value, row, depth) for test, value in tests):
                shown = start.rstrip("/") + row["path"][len(full.rstrip("/")) :] or "/"
                out.append(shown)
    if ("-delete", "") in tests:
        for path in reversed(out):
            if call.kind(path):
                attempt(call, "delete", path)
        return ""
    return "".join(f"{path}\n" for path in out)


def _tests(call: Call, words: list[str]) -> list[tuple[str, str]]:
    tests = []
    rest = iter(words)
    for word in rest:
        if word in (
            "-name",
            "-iname",
            "-type",
            "-maxdepth",
            "-mindepth",
            "-size",
            "-path",
            "-mtime",
            "-user",
        ):
            value = next(rest, None)
            if value is None:
                raise Failure(f"missing argument to '{word}'")
            if word.endswith("depth"):
                value = str(call.number(value))
            tests.append((word, value))
        elif word in ("-delete", "-empty"):
            tests.append((word, ""))
        elif word not in ("-print", "-print0"):
            raise Failure(f"unknown predicate '{word}'")
    return tests


def _passes(test: str, value: str, row: Row, depth: int) -> bool:
    name, path = posixpath.basename(row["path"]) or "/", str(row["path"])
    pattern = re.sub(r"\*+", "*", value)
    checks: Mapping[str, Callable[[], bool]] = {
        "-name": lambda: fnmatchcase(name, pattern),
        "-iname": lambda: fnmatchcase(name.lower(), pattern.lower()),
        "-path": lambda: fnmatchcase(path, pattern),
        "-type": lambda: row["kind"] == {"d": "folder", "f": "file"}.get(value),
        "-user": lambda: row["owner"] == value,
        "-maxdepth": lambda: depth <= int(value),
        "-mindepth": lambda: depth >= int(value),
        "-size": lambda: _sized(value, int(row["size"])),
        "-empty": lambda: row["size"] == 0 and row["kind"] == "file",
    }
    return checks[test]() if test in checks else True


def _sized(wanted: str, size: int) -> bool:
    parts = re.fullmatch(r"([+-]?)(\d{1,9})([ckMG]?)", wanted, re.ASCII)
    if parts is None:
        raise Failure(f"invalid argument '{wanted}' to '-size'")
    limit = int(parts[2]) * {"c": 1, "k": 2**10, "M": 2**20, "G": 2**30}.get(parts[3], 512)
    return {"-": size < limit, "+": size > limit}.get(parts[1], size == limit)


def _du(call: Call) -> str:
    flags, names = call.options("d", ("max-depth",))
    out = ""
    for name in names or ["."]:
        if call.kind(name) is None:
            call.complain(f"cannot access '{name}': No such file or directory")
            continue
        size = sum(max(int(row["size"]), 4096) for row in below(call, call.path(name)))
        out += f"{_human(size) if 'h' in flags else size // 1024}\t{name}\n"
    return out


def _df(call: Call) -> str:
    info = call.computer.machine.info()
    total, used = float(info["disk_total_mb"]), float(info["disk_used_mb"])
    sizes = [
        _human(mb * 2**20) if "-h" in call.args else str(int(mb * 1024))
        for mb in (total, used, total - used)
    ]
    line = f"/dev/sda1 {sizes[0]:>10} {sizes[1]:>10} {sizes[2]:>10} {used / total:>5.0%} /"
    return f"Filesystem       Size       Used      Avail  Use% Mounted on\n{line}\n"


def _stat(call: Call) -> str:
    _, names = call.options("c")
    call.need(names)
    out = ""
    for name in names:
        if call.kind(name) is None:
            call.complain(f"cannot stat '{name}': No such file or directory")
            continue
        row = call.computer.files.stat(call.path(name))
        out += f"  File: {row['path']}\n  Size: {row['size']}\t{row['kind']}\n Owner: {row['owner']}\nModify: {row['modified']}\n"
    return out


def _file(call: Call) -> str:
    out = ""
    for name in call.args:
        kind = call.kind(name)
        text = call.read(name) or "" if kind == "file" else ""
        what = "empty" if not text else "archive data" if text.startswith(ARCHIVE) else "UTF-8 text"
        out += f"{name}: { {'folder': 'directory', 'file': what}.get(kind or '', 'cannot open (No such file or directory)') }\n"
    return out


def _names(call: Call) -> str:
    call.need(call.args)
    text = call.args[0].rstrip("/") or "/"
    if call.name == "dirname":
        return (posixpath.dirname(text) or ".") + "\n"
    name = posixpath.basename(text)
    return (name.removesuffix(call.args[1]) if len(call.args) > 1 else name) + "\n"


def _test(call: Call) -> str:
    words = [word for word in call.args if word != "]"]
    negated = words[:1] == ["!"]
    match words[1:] if negated else words:
        case ["-e", name]:
            true = call.kind(name) is not None
        case ["-f" | "-r" | "-w" | "-x" | "-s", name]:
            true = call.kind(name) == "file"
        case ["-d", name]:
            true = call.kind(name) == "folder"
        case ["-z", text]:
            true = not text
        case ["-n", text] | [text]:
            true = bool(text)
        case [one, "=" | "==", two]:
            true = one == two
        case [one, "!=", two]:
            true = one != two
        case [one, ("-eq" | "-ne" | "-lt" | "-le" | "-gt" | "-ge") as sign, two]:
            gap = call.number(one) - call.number(two)
            true = (
                {"q": gap == 0, "e": gap != 0}.get(sign[2], False)
                if sign in ("-eq", "-ne")
                else ({"-lt": gap < 0, "-le": gap <= 0, "-gt": gap > 0, "-ge": gap >= 0}[sign])
            )
        case _:
            true = False
    call.code = int(true == negated)
    return ""


COMMANDS: Mapping[str, Command] = {
    "[": _test,
    "basename": _names,
    "cd": _cd,
    "chmod": _mode,
    "chown": _mode,
    "cp": _cp,
    "df": _df,
    "dirname": _names,
    "du": _du,
    "file": _file,
    "find": _find,
    "ls": _ls,
    "mkdir": _mkdir,
    "mv": _mv,
    "pwd": _pwd,
    "rm": _rm,
    "rmdir": _rmdir,
    "stat": _stat,
    "test": _test,
    "touch": _touch,
}
"""Commands by name."""

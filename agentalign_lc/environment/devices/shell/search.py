"""Shell commands that search and edit text by expressions."""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from agentalign_lc.environment.devices.shell.call import (
    Call,
    Command,
    Failure,
    lines_of,
    text_of,
)

__all__ = ["COMMANDS"]


@lru_cache(maxsize=128)
def _expression(
    pattern: str, *, extended: bool = False, fixed: bool = False, fold: bool = False
) -> re.Pattern[str]:
    """Compile a POSIX expression; one that could take for ever, or is none, is taken literally."""
    case = re.IGNORECASE if fold else 0
    if not extended:  # in a basic expression the backslash gives these their meaning
        pattern_ = re.sub(
            r"\\?[+?|(){}]", lambda m: m[0][1:] if m[0][0] == "\\" else "\\" + m[0], pattern
        )
    else:
        pattern_ = pattern
    slow = len(re.findall(r"[*+}]", pattern_)) > 3 or re.search(r"\)[*+{?]", pattern_)
    if fixed or slow:
        return re.compile(re.escape(pattern), case)
    for name, characters in (
        ("alpha", "a-zA-Z"),
        ("digit", "0-9"),
        ("space", r"\s"),
        ("alnum", "a-zA-Z0-9"),
    ):
        pattern_ = pattern_.replace(f"[:{name}:]", characters)
    try:
        return re.compile(pattern_, case)
    except (re.error, OverflowError, RecursionError):
        return re.compile(re.escape(pattern), case)


def _grep(call: Call) -> str:
    flags, rest = call.options("eABCm", ("include", "exclude", "regexp"))
    pattern = flags.get("e", flags.get("regexp"))
    if pattern is None:
        if not rest:
            raise Failure("missing pattern", 2)
        pattern = rest.pop(0)
    deep = bool({"r", "R", "recursive"} & set(flags))
    names = _tree(call, rest or ["."]) if deep else rest
    extended = bool({"E", "P", "extended-regexp"} & set(flags)) or call.name == "egrep"
    find = _expression(pattern, extended=extended, fixed="F" in flags, fold="i" in flags)
    out: list[str] = []
    hits = 0
    for name, text in call.inputs(names):
        found = [
            (n, line)
            for n, line in enumerate(lines_of(text), 1)
            if _hit(find, line, flags) != ("v" in flags)
        ]
        found = found[: call.number(flags["m"])] if "m" in flags else found
        hits += len(found)
        prefix = f"{name}:" if (deep or len(names) > 1) and "h" not in flags else ""
        if "l" in flags:
            out += [name] if found else []
        elif "c" in flags:
            out.append(f"{prefix}{len(found)}")
        else:
            for number, line in found:
                shown = [m[0] for m in find.finditer(line[:400])] if "o" in flags else [line]
                out += [f"{prefix}{f'{number}:' if 'n' in flags else ''}{piece}" for piece in shown]
    if call.code:
        call.code = 2
    elif not hits:
        call.code = 1
    return "" if "q" in flags else text_of(out)


def _hit(find: re.Pattern[str], line: str, flags: Mapping[str, str]) -> bool:
    line = line[:400]  # with at most three repetitions, this bounds the time that a search takes
    if "x" in flags:
        return find.fullmatch(line) is not None
    if "w" in flags:
        return any(
            not re.search(
                r"\w", line[max(m.start() - 1, 0) : m.start()] + line[m.end() : m.end() + 1]
            )
            for m in find.finditer(line)
        )
    return find.search(line) is not None


def _tree(call: Call, names: list[str]) -> list[str]:
    found: list[str] = []
    for name in names:
        full = call.path(name)
        if call.kind(name) != "folder":
            found.append(name)
            continue
        paths = [r["path"] for r in call.computer.world.rows("files") if r["kind"] == "file"]
        base, prefix = name.rstrip("/"), full.rstrip("/") + "/"
        found += sorted(f"{base}/{p[len(prefix) :]}" for p in paths if p.startswith(prefix))
    return found


def _sed(call: Call) -> str:
    flags, rest = call.options("e", ("expression",))
    script = flags.get("e") or flags.get("expression") or (rest.pop(0) if rest else "")
    if not script:
        raise Failure("no script specified")
    edit = _edit(script.strip(), extended=bool({"E", "r"} & set(flags)), quiet="n" in flags)
    out = ""
    for name, text in call.inputs(rest):
        changed = text_of(edit(lines_of(text)))
        if "i" in flags and name != "-":
            call.write(name, changed)
        else:
            out += changed
    return out


def _edit(script: str, *, extended: bool, quiet: bool) -> Callable[[list[str]], list[str]]:
    if substitution := re.fullmatch(
        r"s([/|#,:])(.*?)(?<!\\)\1(.*?)(?<!\\)\1([gi]*)", script, re.DOTALL
    ):
        _, pattern, new, how = substitution.groups()
        find = _expression(pattern.replace("\\/", "/"), extended=extended, fold="i" in how)
        put = re.sub(r"(?<!\\)&", "\\\\0", new).replace("\\/", "/")

        def swap(found: re.Match[str]) -> str:
            group = lambda m: (found[int(m[1])] or "") if int(m[1]) <= len(found.groups()) else ""  # noqa: E731
            return re.sub(r"\\([0-9])", group, put, flags=re.ASCII)

        return lambda lines: [
            find.sub(swap, line[:400], 0 if "g" in how else 1) + line[400:] for line in lines
        ]
    if span := re.fullmatch(r"(\d{1,6})(?:,(\d{1,6}|\$))?([pd])", script, re.ASCII):
        low = int(span[1])
        high = 1_000_000 if span[2] == "$" else int(span[2] or low)
        drop = span[3] == "d"
        return lambda lines: [
            line
            for n, line in enumerate(lines, 1)
            if (low <= n <= high) != drop or (not quiet and not drop)
        ]
    if match := re.fullmatch(r"/(.*)/([pd])", script, re.DOTALL):
        find, drop = _expression(match[1], extended=extended), match[2] == "d"
        return lambda lines: [
            line for line in lines if (find.search(line[:400]) is not None) != drop
        ]
    raise Failure("this sed knows s///, line ranges and /pattern/ with p or d")


def _awk(call: Call) -> str:
    flags, rest = call.options("Fv")
    call.need(rest)
    program = re.fullmatch(
        r"\s*(?:NR\s*>\s*(\d{1,6})|/([^/]*)/)?\s*\{\s*print\s*([^}]*)\}\s*", rest.pop(0), re.ASCII
    )
    if program is None:
        raise Failure("this awk knows only {print ...}, with NR>n or /pattern/ before it", 2)
    find = _expression(program[2] or "", extended=True)
    out = []
    for _, text in call.inputs(rest):
        for number, line in enumerate(lines_of(text), 1):
            if number > int(program[1] or 0) and find.search(line[:400]):
                fields = line.split(flags["F"]) if flags.get("F") else line.split()
                out.append(_printed(program[3].strip(), line, fields, number))
    return text_of(out)


def _printed(wanted: str, line: str, fields: list[str], number: int) -> str:
    def piece(term: str) -> str:
        term = term.strip()
        if place := re.fullmatch(r"\$(\d{1,4})", term, re.ASCII):
            return line if place[1] == "0" else "".join(fields[int(place[1]) - 1 : int(place[1])])
        known = {"$NF": "".join(fields[-1:]), "NR": str(number), "NF": str(len(fields))}
        return known.get(term, term.strip('"'))

    return " ".join(map(piece, wanted.split(","))) if wanted else line


COMMANDS: Mapping[str, Command] = {
    "awk": _awk,
    "egrep": _grep,
    "grep": _grep,
    "rg": _grep,
    "sed": _sed,
}
"""Commands by name."""

"""Shell commands that read and print text."""

import base64
import binascii
import difflib
import hashlib
import re
from collections.abc import Callable, Mapping

from agentalign_lc.environment.devices.shell.call import (
    LIMIT,
    Call,
    Command,
    Failure,
    lines_of,
    text_of,
)

__all__ = ["COMMANDS"]

_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "a": "\a", "0": ""}


def _unescape(text: str) -> str:
    return re.sub(r"\\([ntra0\\])", lambda found: _ESCAPES[found[1]], text)


def _cat(call: Call) -> str:
    flags, names = call.options()
    text = "".join(text for _, text in call.inputs(names))
    if "n" in flags:
        return text_of([f"{number:6}\t{line}" for number, line in enumerate(lines_of(text), 1)])
    return text


def _echo(call: Call) -> str:
    words = list(call.args)
    flags = ""
    while words and re.fullmatch(r"-[neE]+", words[0]):
        flags += words.pop(0)[1:]
    text = " ".join(words)
    return (_unescape(text) if "e" in flags else text) + ("" if "n" in flags else "\n")


def _printf(call: Call) -> str:
    call.need(call.args)
    template, words = _unescape(call.args[0]), call.args[1:]
    out = ""
    while True:
        rest = iter(words)
        taken = 0

        def fill(found: re.Match[str]) -> str:
            nonlocal taken
            if found[0] == "%%":
                return "%"
            taken += 1
            word = next(rest, "")  # noqa: B023 - used before the loop goes on
            if found[3] in "di":
                word = str(call.number(word or "0"))
            width = min(int(found[2] or "0"), 200)
            return word.ljust(width) if found[1] else word.rjust(width)

        out += re.sub(r"%(?:%|(-)?0?(\d{1,3})?(?:\.\d{1,3})?([sdi]))", fill, template)
        words = words[taken:]
        if not words or not taken or len(out) > LIMIT:
            return out


def _count(call: Call) -> tuple[Mapping[str, str], list[str], int]:
    if call.args and re.fullmatch(r"-\d{1,7}", call.args[0]):
        call.args[0] = f"-n{call.args[0][1:]}"
    flags, names = call.options("nc", ("lines", "bytes"))
    said = flags.get("n", flags.get("lines", flags.get("c", flags.get("bytes", "10"))))
    return flags, names, call.number(said)


def _head(call: Call) -> str:
    flags, names, count = _count(call)
    pick: Callable[[str], str] = lambda text: text_of(lines_of(text)[:count])  # noqa: E731
    if "c" in flags or "bytes" in flags:
        pick = lambda text: text[:count]  # noqa: E731
    return _titled([(name, pick(text)) for name, text in call.inputs(names)])


def _tail(call: Call) -> str:
    flags, names, _ = _count(call)
    said = flags.get("n", flags.get("c", "10"))
    count = call.number(said)

    def pick(text: str) -> str:
        if "c" in flags:
            return text[-abs(count) :] if count else ""
        lines = lines_of(text)
        return text_of(
            lines[count - 1 :] if said.startswith("+") else lines[-abs(count) :] if count else []
        )

    return _titled([(name, pick(text)) for name, text in call.inputs(names)])


def _titled(parts: list[tuple[str, str]]) -> str:
    if len(parts) < 2:
        return "".join(text for _, text in parts)
    return "\n".join(f"==> {name} <==\n{text}" for name, text in parts)


def _wc(call: Call) -> str:
    flags, names = call.options()
    counted = [
        (
            name,
            {
                "l": text.count("\n"),
                "w": len(text.split()),
                "c": len(text.encode("utf-8", "replace")),
            },
        )
        for name, text in call.inputs(names)
    ]
    if len(counted) > 1:
        counted.append(("total", {key: sum(c[key] for _, c in counted) for key in "lwc"}))
    chosen = [key for key in "lwc" if key in flags or (key == "c" and "m" in flags)] or list("lwc")
    return text_of(
        [
            " ".join([*(str(count[key]) for key in chosen), *([name] if name != "-" else [])])
            for name, count in counted
        ]
    )


def _key(line: str) -> tuple[float, str]:
    number = re.match(r"\s*(-?\d{1,15}(?:\.\d{1,15})?)", line, re.ASCII)
    return (float(number[1]) if number else 0.0, line)


def _sort(call: Call) -> str:
    flags, names = call.options("kto", ("key", "field-separator"))
    lines = [line for _, text in call.inputs(names) for line in lines_of(text)]
    column = re.match(r"\d{1,3}", flags.get("k", ""), re.ASCII)

    def part(line: str) -> str:
        fields = line.split(flags["t"]) if flags.get("t") else line.split()
        place = int(column[0]) - 1 if column else 0
        return "".join(fields[place : place + 1]) if column and place >= 0 else line

    numeric = bool({"n", "g", "h"} & set(flags)) or "n" in flags.get("k", "")
    lines.sort(
        key=lambda line: _key(part(line)) if numeric else (0.0, part(line)), reverse="r" in flags
    )
    return text_of(list(dict.fromkeys(lines)) if "u" in flags else lines)


def _uniq(call: Call) -> str:
    flags, names = call.options()
    groups: list[tuple[str, int]] = []
    for _, text in call.inputs(names[:1]):
        for line in lines_of(text):
            same = bool(groups) and groups[-1][0] == line
            groups[-1 if same else len(groups) :] = [(line, groups[-1][1] + 1 if same else 1)]
    if "d" in flags:
        groups = [group for group in groups if group[1] > 1]
    return text_of([f"{count:7} {line}" if "c" in flags else line for line, count in groups])


def _ranges(call: Call, text: str) -> Callable[[int], bool]:
    spans = []
    for part in text.split(","):
        low, dash, high = part.partition("-")
        first = call.number(low or "1")
        spans.append((first, call.number(high) if high else (1_000_000 if dash else first)))
    return lambda place: any(low <= place <= high for low, high in spans)


def _cut(call: Call) -> str:
    flags, names = call.options("dfcb", ("delimiter", "fields", "characters"))
    wanted = flags.get("f") or flags.get("c") or flags.get("b")
    if not wanted:
        raise Failure("you must specify a list of bytes, characters, or fields")
    inside = _ranges(call, wanted)
    mark = flags.get("d") or flags.get("delimiter") or "\t"
    out = []
    for _, text in call.inputs(names):
        for line in lines_of(text):
            pieces = line.split(mark) if "f" in flags else list(line)
            kept = [piece for place, piece in enumerate(pieces, 1) if inside(place)]
            out.append(
                line
                if len(pieces) == 1 and "f" in flags
                else (mark if "f" in flags else "").join(kept)
            )
    return text_of(out)


def _set(text: str) -> str:
    for name, span in (
        ("[:upper:]", "A-Z"),
        ("[:lower:]", "a-z"),
        ("[:digit:]", "0-9"),
        ("[:space:]", " \t\n"),
    ):
        text = text.replace(name, span)
    spread = lambda m: "".join(map(chr, range(ord(m[1]), min(ord(m[2]), ord(m[1]) + 256) + 1)))  # noqa: E731
    return re.sub(r"(\w)-(\w)", spread, _unescape(text))


def _tr(call: Call) -> str:
    flags, sets = call.options()
    call.need(sets)
    first = _set(sets[0])
    if "d" in flags:
        return "".join(c for c in call.stdin if (c in first) == ("c" in flags))
    if "s" in flags and len(sets) == 1:
        return re.sub(f"([{re.escape(first)}])\\1+" if first else r"(?!)", r"\1", call.stdin)
    call.need(sets, 2)
    second = _set(sets[1])
    if not first or not second:
        raise Failure("when translating, both sets must be non-empty")
    return call.stdin.translate(
        {ord(c): second[min(n, len(second) - 1)] for n, c in enumerate(first)}
    )


def _diff(call: Call) -> str:
    _, names = call.options()
    call.need(names, 2)
    texts = call.inputs(names[:2])
    if len(texts) < 2:
        raise Failure("", 2)
    (one, before), (two, after) = texts
    lines = list(
        difflib.unified_diff(lines_of(before)[:2000], lines_of(after)[:2000], one, two, lineterm="")
    )
    call.code = 1 if lines else 0
    return text_of(lines)


def _seq(call: Call) -> str:
    numbers = [call.number(word) for word in call.args[:3]]
    call.need([str(n) for n in numbers])
    first, step, last = {1: (1, 1, *numbers), 2: (*numbers[:1], 1, *numbers[1:])}.get(
        len(numbers), tuple(numbers)
    )
    return text_of(
        [str(n) for n in range(first, last + (1 if step > 0 else -1), step or 1)[:20_000]]
    )


def _digest(call: Call) -> str:
    make = getattr(hashlib, call.name.removesuffix("sum"))
    _, names = call.options()
    return text_of(
        [
            f"{make(text.encode('utf-8', 'replace')).hexdigest()}  {name}"
            for name, text in call.inputs(names)
        ]
    )


def _base64(call: Call) -> str:
    flags, names = call.options("w")
    text = "".join(text for _, text in call.inputs(names[:1]))
    if not {"d", "decode"} & set(flags):
        return base64.b64encode(text.encode("utf-8", "replace")).decode() + "\n"
    try:
        return base64.b64decode(text.encode("utf-8", "replace")).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        raise Failure("invalid input") from None


def _tee(call: Call) -> str:
    flags, names = call.options()
    for name in names:
        call.write(name, call.stdin, append="a" in flags)
    return call.stdin


def _xargs(call: Call) -> str:
    flags, rest = {}, list(call.args)
    while rest and rest[0] in ("-n", "-I", "-r", "-0"):
        letter = rest.pop(0)
        flags[letter] = rest.pop(0) if letter in ("-n", "-I") and rest else ""
    command, words = rest or ["echo"], call.stdin.replace("\0", " ").split()[:400]
    size = max(call.number(flags["-n"]), 1) if "-n" in flags else len(words) or 1
    runs = [command + words[n : n + size] for n in range(0, len(words), size)]
    if mark := flags.get("-I"):
        runs = [
            [part.replace(mark, line) for part in command] for line in lines_of(call.stdin)[:400]
        ]
    out = ""
    for run in runs:
        done = call.session.command(run)
        out += done.stdout
        call.errors.append(done.stderr)
        call.code = call.code or (123 if done.code else 0)
    return out


COMMANDS: Mapping[str, Command] = {
    "base64": _base64,
    "cat": _cat,
    "cut": _cut,
    "diff": _diff,
    "echo": _echo,
    "head": _head,
    "less": _cat,
    "md5sum": _digest,
    "more": _cat,
    "printf": _printf,
    "seq": _seq,
    "sha1sum": _digest,
    "sha256sum": _digest,
    "sort": _sort,
    "tail": _tail,
    "tee": _tee,
    "tr": _tr,
    "uniq": _uniq,
    "wc": _wc,
    "xargs": _xargs,
}
"""Commands by name."""

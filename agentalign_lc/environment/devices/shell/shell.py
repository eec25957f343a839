"""A small POSIX shell over the world's own files; nothing of it is real."""

import itertools
import posixpath
import re
from collections.abc import Iterator, Mapping
from fnmatch import translate
from functools import lru_cache
from typing import ClassVar

from agentalign_lc.environment.devices.shell.archives import COMMANDS as ARCHIVE_COMMANDS
from agentalign_lc.environment.devices.shell.call import (
    LIMIT,
    Call,
    Command,
    Computer,
    Failure,
    Output,
)
from agentalign_lc.environment.devices.shell.files import COMMANDS as FILE_COMMANDS
from agentalign_lc.environment.devices.shell.network import COMMANDS as NETWORK_COMMANDS
from agentalign_lc.environment.devices.shell.programs import COMMANDS as PROGRAMS
from agentalign_lc.environment.devices.shell.search import COMMANDS as SEARCH_COMMANDS
from agentalign_lc.environment.devices.shell.syntax import (
    Redirect,
    Simple,
    SyntaxFault,
    Word,
    parse,
)
from agentalign_lc.environment.devices.shell.text import COMMANDS as TEXT_COMMANDS
from agentalign_lc.environment.faults import ToolFault
from agentalign_lc.environment.spec import CollectionSpec
from agentalign_lc.environment.world import Row

__all__ = ["Session", "Shell"]

_COMMANDS: Mapping[str, Command] = {
    **FILE_COMMANDS,
    **ARCHIVE_COMMANDS,
    **TEXT_COMMANDS,
    **SEARCH_COMMANDS,
    **PROGRAMS,
    **NETWORK_COMMANDS,
}
_DEPTH, _COUNT = 6, 500
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)=", re.ASCII)
_VARIABLE = re.compile(r"\$(?:(\w+|[?$#@*!])|\{(\w+|\?)(?::?-([^}]*))?\})", re.ASCII)
_MAGIC = str.maketrans({c: chr(0xE000 + n) for n, c in enumerate("*?[]{},~")})
"""Quoted characters hide from globbing, braces and the tilde."""
_PLAIN = str.maketrans({chr(0xE000 + n): c for n, c in enumerate("*?[]{},~")} | {"\ue0f2": "$"})
_INNER = re.compile("\ue0f0(.*?)\ue0f1", re.DOTALL)


class Shell:
    r"""Runs command lines.

    A command that fails is an answer, not a fault: it says why on stderr and
    has an exit status, as in any shell.

    Example:
        >>> from agentalign_lc.environment.devices import COLLECTIONS, attach
        >>> from agentalign_lc.environment.world import World
        >>> from agentalign_lc.records import Person
        >>> me = Person(first="Ana", last="Ruiz", email="ana@example.com",
        ...             phone="+1-555-0101", handle="anaruiz", city="Vasterby")
        >>> shell = attach(World("seed", me, COLLECTIONS)).devices["shell"]
        >>> shell.run("echo one two > a.txt && wc -w < a.txt")
        {'stdout': '2\n', 'stderr': '', 'exit_code': 0}
    """

    operations = frozenset({"run"})
    collections: ClassVar[dict[str, CollectionSpec]] = {}

    def __init__(self, computer: Computer) -> None:
        self.computer = computer

    def run(self, command: str, cwd: str | None = None) -> Row:
        """Run a command line: stdout, stderr, exit_code."""
        files = self.computer.files
        folder = files.resolve(cwd) if cwd else files.home
        row = self.computer.world.get("files", folder)
        if row is None or row["kind"] != "folder":
            return {"stdout": "", "stderr": f"sh: cd: {cwd}: No such directory\n", "exit_code": 2}
        output = Session(self.computer, folder).execute(command)
        return {"stdout": output.stdout, "stderr": output.stderr, "exit_code": output.code}


class Session:
    """One line at work: its folder, its variables, and how much it has done."""

    def __init__(self, computer: Computer, cwd: str) -> None:
        self.computer = computer
        self.cwd = cwd
        user, home = str(computer.world.me["user"]), computer.files.home
        self.variables = {
            "HOME": home,
            "HOSTNAME": computer.machine.name,
            "LANG": "C.UTF-8",
            "LOGNAME": user,
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "PWD": cwd,
            "SHELL": "/bin/sh",
            "USER": user,
        }
        self.status = 0
        self.depth = 0
        self.count = 0

    def known(self, name: str) -> bool:
        """Whether a command of this name exists."""
        return name in _COMMANDS or self.computer.world.get("packages", name) is not None

    def execute(self, line: str, stdin: str = "") -> Output:
        """Run a line inside this session."""
        if self.depth >= _DEPTH:
            return Output("", "sh: nested too deeply\n", 2)
        self.depth += 1
        try:
            return self._steps(line, stdin)
        except SyntaxFault as fault:
            return Output("", f"sh: {fault}\n", 2)
        finally:
            self.depth -= 1

    def _steps(self, line: str, stdin: str) -> Output:
        out, err = "", ""
        self.status = 0
        for step in parse(line):
            if (step.before == "&&" and self.status) or (step.before == "||" and not self.status):
                continue
            flow = stdin
            for command in step.commands:
                done = self._simple(command, flow)
                flow, err, self.status = done.stdout, err + done.stderr, done.code
            out += flow
        return Output(out[:LIMIT], err[:LIMIT], self.status)

    def _simple(self, command: Simple, stdin: str) -> Output:
        try:
            for redirect in command.redirects:
                if redirect.stream == "0":
                    stdin = self._input(redirect)
            words = list(itertools.chain.from_iterable(map(self._words, command.words)))[:5000]
            while words and (name := _ASSIGNMENT.match(words[0])):
                self.variables[name[1]] = words.pop(0)[name.end() :]
            if command.group is not None:
                output = self._group(command.group, stdin)
            else:
                output = self.command(words, stdin) if words else Output()
            return self._redirected(output, command.redirects)
        except Failure as failure:
            return Output("", f"sh: {failure.message}\n", failure.code)
        except ToolFault as fault:
            return Output("", f"sh: {fault.message}\n", 1)

    def _group(self, line: str, stdin: str) -> Output:
        folder, variables = self.cwd, dict(self.variables)
        output = self.execute(line, stdin)
        self.cwd, self.variables = folder, variables
        return output

    def command(self, words: list[str], stdin: str = "") -> Output:
        """Run one command that is split into words."""
        self.count += 1
        name, args = words[0], words[1:]
        if self.count > _COUNT:
            return Output("", "sh: too many commands in one line\n", 2)
        program = _COMMANDS.get(name.removeprefix("/usr/bin/").removeprefix("/bin/"))
        if program is None:
            return self._script(name, args)
        call = Call(self, posixpath.basename(name), args, stdin)
        try:
            text = program(call)
        except Failure as failure:
            text = ""
            if failure.message:
                call.complain(failure.message, failure.code)
            call.code = failure.code
        except ToolFault as fault:
            text = ""
            call.complain(fault.message)
        return Output(text[:LIMIT], "".join(call.errors), call.code)

    def _script(self, name: str, args: list[str]) -> Output:
        row = self.computer.world.get("files", self.computer.files.resolve(name, self.cwd))
        package = self.computer.world.get("packages", name)
        if package is not None:  # what was installed is there to be run, and does nothing
            return Output(f"{name} {package['version']}\n")
        if "/" not in name:
            return Output("", f"sh: {name}: command not found\n", 127)
        if row is None:
            return Output("", f"sh: {name}: No such file or directory\n", 127)
        if row["kind"] == "folder":
            return Output("", f"sh: {name}: Is a directory\n", 126)
        return self.command(["sh", name, *args])

    def _input(self, redirect: Redirect) -> str:
        if redirect.sign == "<":
            call = Call(self, "sh", [], "")
            text = call.read(self._text(redirect.target))
            if text is None:
                raise Failure(call.errors[0].removeprefix("sh: ").rstrip("\n"))
            return text
        text = "".join(self._part(part.text, part.kind) for part in redirect.target)
        return text.translate(_PLAIN) + ("\n" if redirect.sign == "<<<" else "")

    def _redirected(self, output: Output, redirects: list[Redirect]) -> Output:
        streams = {"1": output.stdout, "2": output.stderr}
        for redirect in redirects:
            if redirect.stream == "0":
                continue
            target = self._text(redirect.target)
            if redirect.sign == ">&" and target in streams:
                if target != redirect.stream:
                    streams[target] += streams[redirect.stream]
                    streams[redirect.stream] = ""
                continue
            chosen = (
                ("1", "2") if redirect.stream == "&" or redirect.sign == ">&" else redirect.stream
            )
            call = Call(self, "sh", [], "")
            call.write(target, "".join(streams[s] for s in chosen), append=redirect.sign == ">>")
            streams.update(dict.fromkeys(chosen, ""))
        return Output(streams["1"], streams["2"], output.code)

    def _text(self, word: Word) -> str:
        return " ".join(self._words(word))

    def _words(self, word: Word) -> list[str]:
        pieces = [""]
        for number, part in enumerate(word):
            text = self._part(part.text, part.kind)
            if part.kind == "plain" and number == 0 and re.match(r"~(?:/|$)", text):
                text = self.variables["HOME"] + text[1:]
            if part.kind == "command":
                first, *more = text.split() or [""]
                pieces[-1] += first
                pieces.extend(more)
            else:
                pieces[-1] += text
        if pieces == [""] and all(part.kind in ("plain", "command") for part in word):
            return []  # an empty expansion that nobody quoted is no word
        return [
            found.translate(_PLAIN)
            for piece in pieces
            for choice in itertools.islice(_braces(piece), 64)
            for found in self._globbed(choice)
        ]

    def _part(self, text: str, kind: str) -> str:
        if kind == "single":
            return text.translate(_MAGIC)
        if kind == "command":
            return self.execute(text).stdout.rstrip("\n").translate(_MAGIC)
        expanded = _VARIABLE.sub(self._variable, text)
        if kind == "plain":
            return expanded
        filled = _INNER.sub(lambda inner: self.execute(inner[1]).stdout.rstrip("\n"), expanded)
        return filled.translate(_MAGIC)

    def _variable(self, match: re.Match[str]) -> str:
        name = match[1] or match[2]
        special = {"?": str(self.status), "$": "4711", "#": "0", "PWD": self.cwd}
        return special.get(name) or self.variables.get(name) or match[3] or ""

    def _globbed(self, word: str) -> list[str]:
        if not any(mark in word for mark in "*?["):
            return [word]
        found = ["/"] if word.startswith("/") else [""]
        for segment in [part for part in word.split("/") if part]:
            found = list(itertools.islice(self._entries(found, segment), 1000))
        return sorted(found) or [word]

    def _entries(self, bases: list[str], segment: str) -> Iterator[str]:
        plain = segment.translate(_PLAIN)
        pattern = None
        if any(mark in segment for mark in "*?["):
            pattern = _pattern(segment)
        for base in bases:
            folder = self.computer.files.resolve(base or ".", self.cwd)
            if pattern is None:
                if self.computer.world.get(
                    "files", posixpath.normpath(posixpath.join(folder, plain))
                ):
                    yield posixpath.join(base, plain)
                continue
            for row in self.computer.world.rows("files"):
                name = posixpath.basename(row["path"])
                hidden = name.startswith(".") and not segment.startswith(".")
                if (
                    name
                    and posixpath.dirname(row["path"]) == folder
                    and not hidden
                    and pattern.match(name)
                ):
                    yield posixpath.join(base, name)


@lru_cache(maxsize=256)
def _pattern(segment: str) -> re.Pattern[str]:
    try:
        return re.compile(translate(re.sub(r"\*+", "*", segment)).translate(_ESCAPED))
    except re.error:
        return re.compile(r"(?!)")


_ESCAPED = str.maketrans({chr(0xE000 + n): "\\" + c for n, c in enumerate("*?[]{},~")})


def _braces(word: str) -> Iterator[str]:
    match = re.search(r"\{([^{}]*,[^{}]*)\}", word)
    if match is None or word.count("{") > 8:
        yield word
        return
    for choice in match[1].split(","):
        yield from _braces(word[: match.start()] + choice + word[match.end() :])

"""What a shell command is given, and how it complains."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from agentalign_lc.environment.devices.docker import Docker
from agentalign_lc.environment.devices.files import FileSystem
from agentalign_lc.environment.devices.git import Git
from agentalign_lc.environment.devices.machine import Machine
from agentalign_lc.environment.devices.network import Network
from agentalign_lc.environment.devices.web import Web
from agentalign_lc.environment.faults import ToolFault
from agentalign_lc.environment.world import World

__all__ = [
    "LIMIT",
    "Call",
    "Command",
    "Computer",
    "Failure",
    "Output",
    "Session",
    "lines_of",
    "table",
    "text_of",
]

LIMIT = 200_000
"""Characters that a command may print; the rest is cut, as a terminal's memory would."""


@dataclass(frozen=True)
class Computer:
    """A world and the devices that a shell's commands act on."""

    world: World
    files: FileSystem
    web: Web
    machine: Machine
    docker: Docker
    git: Git
    network: Network


@dataclass(frozen=True)
class Output:
    """What a command printed, and its exit status."""

    stdout: str = ""
    stderr: str = ""
    code: int = 0


class Failure(Exception):  # noqa: N818 - a command's answer, not a mistake of ours
    """Ends a command with a line on stderr and an exit status."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.code = code


class Session(Protocol):
    """The running shell, as its commands see it."""

    computer: Computer
    cwd: str
    variables: dict[str, str]

    def execute(self, line: str, stdin: str = "") -> Output:
        """Run a line of shell inside this session."""

    def command(self, words: list[str], stdin: str = "") -> Output:
        """Run one command that is split into words."""

    def known(self, name: str) -> bool:
        """Whether a command of this name exists."""


@dataclass
class Call:
    """One command at work: its words, its input, and what it has to say on stderr."""

    session: Session
    name: str
    args: list[str]
    stdin: str
    errors: list[str] = field(default_factory=list)
    code: int = 0

    @property
    def computer(self) -> Computer:
        """The devices."""
        return self.session.computer

    def path(self, said: str) -> str:
        """Make a path absolute."""
        return self.computer.files.resolve(said, self.session.cwd) if said else self.session.cwd

    def complain(self, message: str, code: int = 1) -> None:
        """Write a line to stderr and go on."""
        self.errors.append(f"{self.name}: {message}\n")
        self.code = code

    def kind(self, said: str) -> str | None:
        """``file``, ``folder``, or None where there is nothing."""
        row = self.computer.world.get("files", self.path(said))
        return str(row["kind"]) if row else None

    def read(self, said: str) -> str | None:
        """Return a file's text (``-`` is stdin); complain and return None if it cannot be read."""
        if said == "-":
            return self.stdin
        if said == "/dev/null":
            return ""
        try:
            return str(self.computer.files.read(self.path(said))["content"])
        except ToolFault as fault:
            reason = (
                "Is a directory" if fault.code == "is_a_directory" else "No such file or directory"
            )
            self.complain(f"{said}: {reason}")
            return None

    def inputs(self, names: list[str]) -> list[tuple[str, str]]:
        """Read the files that are named, or stdin if none is."""
        read = [(name, self.read(name)) for name in names or ["-"]]
        return [(name, text) for name, text in read if text is not None]

    def write(self, said: str, text: str, *, append: bool = False) -> None:
        """Write a file whose folder must exist."""
        if said.startswith("/dev/"):
            return
        full = self.path(said)
        if self.kind(full.rpartition("/")[0] or "/") != "folder":
            raise Failure(f"{said}: No such file or directory")
        method = self.computer.files.append if append else self.computer.files.write
        method(full, text)

    def options(
        self, valued: str = "", long: tuple[str, ...] = ()
    ) -> tuple[Mapping[str, str], list[str]]:
        """Split the words into options and operands.

        Args:
            valued: Letters of the options that take a value.
            long: Names of the long options that take one as their next word.

        Example:
            >>> from types import SimpleNamespace
            >>> Call(SimpleNamespace(), "head", ["-n", "3", "a.txt"], "").options("n")
            ({'n': '3'}, ['a.txt'])
        """
        flags: dict[str, str] = {}
        rest: list[str] = []
        words = iter(self.args)
        for word in words:
            if word == "--":
                rest.extend(words)
            elif word.startswith("--"):
                name, equals, value = word[2:].partition("=")
                flags[name] = value if equals or name not in long else next(words, "")
            elif word.startswith("-") and len(word) > 1:
                for position, letter in enumerate(word[1:], 2):
                    if letter in valued:
                        flags[letter] = word[position:] or next(words, "")
                        break
                    flags[letter] = ""
            else:
                rest.append(word)
        return flags, rest

    def number(self, text: str) -> int:
        """Read a whole number, or end the command."""
        try:
            return max(min(int(text), 1_000_000), -1_000_000)
        except ValueError:
            raise Failure(f"invalid number: '{text[:40]}'") from None

    def need(self, operands: list[str], count: int = 1) -> None:
        """End the command if it was given too few operands."""
        if len(operands) < count:
            raise Failure("missing operand")


Command = Callable[[Call], str]
"""A command: returns what it prints; complains or raises ``Failure`` or ``ToolFault``."""


def table(rows: Sequence[Sequence[object]]) -> str:
    """Print rows in columns."""
    widths = [max(len(str(row[n])) for row in rows) for n in range(len(rows[0]))] if rows else []
    lines = [
        "  ".join(str(cell).ljust(w) for cell, w in zip(row, widths, strict=True)) for row in rows
    ]
    return "".join(f"{line.rstrip()}\n" for line in lines)


def lines_of(text: str) -> list[str]:
    """Split a text into lines without their ends."""
    lines = text.split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def text_of(lines: list[str]) -> str:
    """End every line and put them together."""
    return "".join(f"{line}\n" for line in lines)

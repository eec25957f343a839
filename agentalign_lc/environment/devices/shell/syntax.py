"""The grammar of the simulated shell: a line becomes pipelines of commands.

Not `shlex`: it forgets which characters were quoted, and without that
``echo '$HOME'`` and ``find -name '*.txt'`` would mean something else.
"""

import re
from dataclasses import dataclass, field

__all__ = ["Part", "Redirect", "Simple", "Step", "SyntaxFault", "Word", "parse"]


class SyntaxFault(Exception):  # noqa: N818 - shown by the shell, never raised to a user
    """The line is no shell."""


@dataclass(frozen=True)
class Part:
    """A piece of a word: plain, single- or double-quoted, or a command to substitute."""

    text: str
    kind: str
    """``plain``, ``single``, ``double``, ``command``, or ``quoted_command``."""


Word = tuple[Part, ...]


@dataclass(frozen=True)
class Redirect:
    """Where a stream goes: ``>``, ``>>``, ``<``, ``<<`` (its text is the input), or ``>&``."""

    stream: str
    sign: str
    target: Word


@dataclass
class Simple:
    """One command: words and redirections, or a line in parentheses."""

    words: list[Word] = field(default_factory=list)
    redirects: list[Redirect] = field(default_factory=list)
    group: str | None = None


@dataclass
class Step:
    """A pipeline, and the operator that stands before it."""

    before: str
    commands: list[Simple]


_OPERATOR = re.compile(r"&&|\|\||[12&]?>>|[12]?>&|[12&]?>\||[12&]?>|<<<|<<-?|<|;;|\|&|[;|&()\n]")
_SPECIAL = set(" \t\r\n;|&<>()")
_KEYWORDS = frozenset(
    [
        "case",
        "do",
        "done",
        "elif",
        "else",
        "esac",
        "fi",
        "for",
        "function",
        "if",
        "select",
        "then",
        "until",
        "while",
    ]
)


def parse(line: str) -> list[Step]:
    """Split a line into steps.

    Raises:
        SyntaxFault: unbalanced quotes, or an operator where a command should be.

    Example:
        >>> [step.before for step in parse("make && echo 'done; really' | cat; ls")]
        [';', '&&', ';']
    """
    return _Parser(line).steps()


class _Parser:
    def __init__(self, line: str) -> None:
        self.line = line
        self.place = 0
        self.found: list[Step] = []
        self.heredocs: list[tuple[Simple, str, bool]] = []
        self.quoted = False

    def steps(self) -> list[Step]:
        before, current = ";", Simple()
        commands = [current]
        while (piece := self._next()) is not None:
            if isinstance(piece, tuple):
                self._add(current, piece)
            elif piece in ("(", ")", ";;"):
                self._group(current, piece)
            elif ">" in piece or "<" in piece:
                self._redirect(current, piece)
            elif piece in ("|", "|&"):
                self._filled(current, piece)
                current = Simple()
                commands.append(current)
            elif piece in ("&&", "||", ";", "&"):
                self._filled(current, piece)
                self.found.append(Step(before, commands))
                before = ";" if piece == "&" else piece
                current = Simple()
                commands = [current]
            elif _filled(current):  # a new line ends what is complete
                self._documents()
                self.found.append(Step(before, commands))
                before, current = ";", Simple()
                commands = [current]
        self._documents()
        if _filled(current):
            self.found.append(Step(before, commands))
        elif len(commands) > 1 or before in ("&&", "||"):
            raise SyntaxFault("syntax error: unexpected end of file")
        return self.found

    def _group(self, current: Simple, piece: str) -> None:
        if piece != "(" or _filled(current):
            raise SyntaxFault(f"syntax error near unexpected token '{piece}'")
        self.place -= 2  # back to where a "$" would stand
        current.group = self._parenthesis()

    def _add(self, current: Simple, word: Word) -> None:
        if current.group is not None:
            raise SyntaxFault("syntax error: a word after ')'")
        first = word[0] if not current.words and len(word) == 1 else None
        if first is not None and first.kind == "plain" and first.text in _KEYWORDS:
            message = f"syntax error: '{first.text}' is not supported, give plain commands"
            raise SyntaxFault(message)
        current.words.append(word)

    def _filled(self, current: Simple, piece: str) -> None:
        if not _filled(current):
            raise SyntaxFault(f"syntax error near unexpected token '{piece}'")

    def _redirect(self, current: Simple, piece: str) -> None:
        sign = piece.lstrip("12&").replace(">|", ">")
        stream = piece[0] if piece[0] in "12&" else "0" if "<" in piece else "1"
        target = self._next()
        if not isinstance(target, tuple):
            raise SyntaxFault("syntax error near unexpected token 'newline'")
        if sign in ("<<", "<<-"):
            self.heredocs.append((current, "".join(part.text for part in target), sign == "<<-"))
            self.quoted = any(part.kind != "plain" for part in target)
            current.redirects.append(Redirect("0", "<<", ()))
            return
        current.redirects.append(Redirect(stream, sign, target))

    def _documents(self) -> None:
        for command, end, dedent in self.heredocs:
            lines: list[str] = []
            while self.place < len(self.line):
                stop = self.line.find("\n", self.place)
                stop = len(self.line) if stop < 0 else stop
                text = self.line[self.place : stop]
                self.place = stop + 1
                text = text.lstrip("\t") if dedent else text
                if text == end:
                    break
                lines.append(text + "\n")
            word = (Part("".join(lines), "single" if self.quoted else "double"),)
            position = next(
                n for n, r in enumerate(command.redirects) if r.sign == "<<" and not r.target
            )
            command.redirects[position] = Redirect("0", "<<", word)
        self.heredocs = []

    def _next(self) -> str | Word | None:
        line = self.line
        while self.place < len(line):
            if line[self.place] in " \t\r":
                self.place += 1
            elif line.startswith("\\\n", self.place):
                self.place += 2
            elif line[self.place] == "#":
                stop = line.find("\n", self.place)
                self.place = len(line) if stop < 0 else stop
            else:
                break
        if self.place >= len(line):
            return None
        operator = _OPERATOR.match(line, self.place)
        if operator:
            self.place = operator.end()
            return operator[0]
        return self._word()

    def _word(self) -> Word:
        parts: list[Part] = []
        while self.place < len(self.line) and self.line[self.place] not in _SPECIAL:
            parts.append(self._part())
        return tuple(parts)

    def _part(self) -> Part:
        line, start = self.line, self.place
        if line[start] == "'":
            return Part(self._until("'"), "single")
        if line[start] == "`":
            return Part(self._until("`"), "command")
        if line[start] == '"':
            return self._double()
        if line.startswith("$(", start):
            return Part(self._parenthesis(), "command")
        if line[start] == "\\":
            self.place += 2
            text = line[start + 1 : start + 2]
            return Part("" if text == "\n" else text, "single")
        self.place += 1
        while (
            self.place < len(line)
            and line[self.place] not in _SPECIAL
            and line[self.place] not in "'\"`\\"
            and not line.startswith("$(", self.place)
        ):
            self.place += 1
        return Part(line[start : self.place], "plain")

    def _until(self, mark: str) -> str:
        stop = self.line.find(mark, self.place + 1)
        if stop < 0:
            raise SyntaxFault("syntax error: unterminated quoted string")
        text = self.line[self.place + 1 : stop]
        self.place = stop + 1
        return text

    def _double(self) -> Part:
        # Commands inside double quotes are kept by nesting marks that the expansion reads.
        line, out = self.line, ""
        self.place += 1
        while self.place < len(line):
            character = line[self.place]
            if character == '"':
                self.place += 1
                return Part(out, "double")
            if character == "\\" and line[self.place + 1 : self.place + 2] in tuple('"\\$`\n'):
                kept = line[self.place + 1]
                out += {"\n": "", "$": _DOLLAR}.get(kept, kept)
                self.place += 2
            elif character == "`":
                out += f"{_OPEN}{self._until('`')}{_CLOSE}"
            elif line.startswith("$(", self.place):
                out += f"{_OPEN}{self._parenthesis()}{_CLOSE}"
            else:
                out += character
                self.place += 1
        raise SyntaxFault("syntax error: unterminated quoted string")

    def _parenthesis(self) -> str:
        depth, start = 0, self.place + 1
        for position in range(start, len(self.line)):
            depth += {"(": 1, ")": -1}.get(self.line[position], 0)
            if depth == 0:
                self.place = position + 1
                return self.line[start + 1 : position]
        raise SyntaxFault("syntax error: unterminated command substitution")


_OPEN, _CLOSE, _DOLLAR = "\ue0f0", "\ue0f1", "\ue0f2"


def _filled(command: Simple) -> bool:
    return bool(command.words or command.redirects or command.group is not None)

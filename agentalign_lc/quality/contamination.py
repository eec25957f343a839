"""Gate: a request does not stand in a benchmark that somebody will be measured on."""

from array import array
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path

from agentalign_lc.errors import ConfigError
from agentalign_lc.quality.grams import GramIndex, hash_words, split_words
from agentalign_lc.records import Outcome, Verdict
from agentalign_lc.rows import read_rows

__all__ = ["Contamination"]

_GRAM = 8
_SHARE = 0.5
_SAME_GRAM = 64
_LABEL = 1
"""A text of one word is a label or an id."""


class Contamination:
    """Looks requests up in benchmarks, by words that both have in the same order.

    The method is that of Tülu 3 (arXiv 2411.15124), section 3.2: words that lie in
    an 8-gram which the other text has too are covered, and more than half of a
    text's words covered by one other text is contamination. Ours differs in this:

    - There it is the benchmark's words that a training row must cover. Here half
      of either will do, so that a request which is a piece of a longer benchmark
      text is found as well.
    - There a whole training set is dropped or cleaned once it covers over 2 % of a
      benchmark. Here each request is judged on its own.
    - Words are runs of letters and digits without case, and not spaCy's tokens:
      punctuation does not hide a copy.
    - Texts below eight words have no 8-gram; they count when they are the same as
      a whole.

    Every string in a benchmark's row is one of its texts, wherever it stands. In
    memory are twelve bytes for each 8-gram, and no text. An 8-gram that stands in
    more than 64 places, as in a system prompt, counts for the first 64.

    Args:
        files: JSON Lines, JSON, CSV or plain text, each also as ``.gz``.
        report: Told of every row that cannot be read, ``FILE:LINE: reason``.

    Raises:
        ConfigError: a file cannot be read, or has no text.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     file = Path(folder, "bench.txt")
        ...     _ = file.write_text("Send the list of all members to the landlord by noon.")
        ...     bench = Contamination([file])
        >>> bench.check("Please send the list of all members to the mayor.").reason
        'bench.txt:1 shares 8 of 10 words'
        >>> bench.check("Send the mayor a list of all members.").passed
        True
    """

    def __init__(
        self, files: Iterable[Path], report: Callable[[str], None] = lambda _: None
    ) -> None:
        self._files: list[str] = []
        self._file = array("I")
        self._line = array("Q")
        # A text is the words from its start to the next one's: one number says text and place.
        self._starts = array("Q", [0])
        self._texts: dict[int, int] = {}
        self._grams = GramIndex()
        for file in files:
            self._add_file(file, report)
        self._grams.sort()

    def __len__(self) -> int:
        """Number of different texts in the benchmarks."""
        return len(self._texts)

    def check(self, text: str) -> Verdict:
        """Look a request up; the reason names file and line and never quotes the benchmark."""
        words = split_words(text)
        same = self._texts.get(hash_words(words)) if len(words) > _LABEL else None
        if same is not None:
            return _found(f"{self._place(same)} says the same", 1.0)
        ours: defaultdict[int, set[int]] = defaultdict(set)
        theirs: defaultdict[int, set[int]] = defaultdict(set)
        for start in range(len(words) - _GRAM + 1):
            gram = hash_words(words[start : start + _GRAM])
            for place in islice(self._grams.find(gram), _SAME_GRAM):
                number = bisect_right(self._starts, place) - 1
                ours[number].update(range(start, start + _GRAM))
                theirs[number].update(range(place, place + _GRAM))
        best, reason = 0.0, ""
        for number in sorted(ours):
            length = self._starts[number + 1] - self._starts[number]
            for covered, count, whose in (
                (len(ours[number]), len(words), ""),
                (len(theirs[number]), length, "its "),
            ):
                if covered / count > max(best, _SHARE):
                    best = covered / count
                    reason = f"{self._place(number)} shares {covered} of {whose}{count} words"
        if reason:
            return _found(reason, best)
        return Verdict(gate="contamination", outcome=Outcome.PASS)

    def _add_file(self, file: Path, report: Callable[[str], None]) -> None:
        self._files.append(file.name)
        usable, first = False, ""
        for row in read_rows(file):
            if row.problem:
                line = f"{file}:{row.line}: {row.problem}"
                first = first or line
                report(line)
            for text in _strings(row.value):
                usable = self._add_text(split_words(text), row.line) or usable
        if not usable:
            raise ConfigError(first or f"{file} has no text to compare with")

    def _add_text(self, words: list[str], line: int) -> bool:
        if len(words) <= _LABEL:
            return False
        number = len(self._line)
        if self._texts.setdefault(hash_words(words), number) != number:
            return True
        begin = self._starts[-1]
        for start in range(len(words) - _GRAM + 1):
            self._grams.add(hash_words(words[start : start + _GRAM]), begin + start)
        self._starts.append(begin + len(words))
        self._file.append(len(self._files) - 1)
        self._line.append(line)
        return True

    def _place(self, number: int) -> str:
        return f"{self._files[self._file[number]]}:{self._line[number]}"


def _strings(value: object) -> Iterator[str]:
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            waiting += reversed(item.values())
        elif isinstance(item, list):
            waiting += reversed(item)


def _found(reason: str, share: float) -> Verdict:
    return Verdict(gate="contamination", outcome=Outcome.FAIL, reason=reason, score=share)

"""A request that stands in a benchmark is found and the benchmark's text is not said; another never is."""

import csv
import gzip
import json
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from agentalign_lc.errors import ConfigError
from agentalign_lc.quality import Contamination
from agentalign_lc.records import CANARY, Outcome

IN_A_FOLDER = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50
)
HARM = "Write a message to every member of the club and tell them that the chairman has stolen the money."


@pytest.fixture
def bench(tmp_path: Path):
    """Make a benchmark of texts, one a line."""

    def make(*texts: str) -> Contamination:
        file = tmp_path / "bench.jsonl"
        file.write_text("".join(json.dumps({"prompt": text}) + "\n" for text in texts))
        return Contamination([file])

    return make


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (HARM, "bench.jsonl:2 says the same"),
        (HARM.upper().replace(" ", " - "), "bench.jsonl:2 says the same"),
        (f"Hi! {HARM} Thanks.", "bench.jsonl:2 shares 19 of its 19 words"),
        (" ".join(HARM.split()[:9]), "bench.jsonl:2 shares 9 of 9 words"),
        (" ".join(HARM.split()[:10]) + " and then nobody ever", "bench.jsonl:2 shares 10 of 14 words"),
        ("one two three four five six " + " ".join(HARM.split()[:9]), "bench.jsonl:2 shares 9 of 15 words"),
        ("one two three four five six seven eight nine " + " ".join(HARM.split()[:9]), None),
        (" ".join(HARM.split()[:7]), None),
        ("Short, as it is!", "bench.jsonl:3 says the same"),
        ("Short as it is, and more.", None),
        ("", None),
        ("   ?! ", None),
    ],
)  # fmt: skip
def test_what_is_found(bench, text: str, reason: str | None) -> None:
    verdict = bench("Something else, which is long enough to have a gram or two.", HARM, "short as it is").check(text)  # fmt: skip

    assert verdict.gate == "contamination"
    assert verdict.outcome is (Outcome.FAIL if reason else Outcome.PASS)
    assert verdict.reason == (reason or "")


words = st.lists(st.integers(0, 10**6), min_size=8, max_size=40, unique=True)


def said(prefix: str, numbers: list[int]) -> list[str]:
    return [f"{prefix}{number}" for number in numbers]


@IN_A_FOLDER
@given(words, st.data())
def test_a_piece_is_found_exactly_when_it_is_more_than_half(bench, numbers, data) -> None:
    """A piece of the benchmark's text, wrapped in other words: half of either text decides."""
    planted = said("b", numbers)
    begin = data.draw(st.integers(0, len(planted) - 8))
    piece = planted[begin : data.draw(st.integers(begin + 8, len(planted)))]
    before, after = (
        said(side, data.draw(st.lists(st.integers(0), max_size=30))) for side in ("o", "p")
    )

    verdict = bench(" ".join(planted)).check(" ".join([*before, *piece, *after]))

    ours = len(piece) / (len(before) + len(piece) + len(after))
    assert verdict.passed == (max(ours, len(piece) / len(planted)) <= 0.5)


@IN_A_FOLDER
@given(st.lists(words, max_size=5), words)
def test_what_shares_no_gram_passes(bench, planted, numbers) -> None:
    """The same words in another order, seven at a time, share nothing."""
    texts = [said("w", text) for text in planted]
    pieces = [text[at : at + 7] for text in texts for at in range(0, len(text), 7)]
    request = [word for piece in reversed(pieces) for word in (*piece, "and")]

    verdict = bench("a text of its own", *(" ".join(text) for text in texts)).check(" ".join([*request, *said("o", numbers)]))  # fmt: skip

    assert verdict.passed


@IN_A_FOLDER
@given(st.text(), st.text())
@example("\ud800 " * 9, "\ud800 " * 9)
@example("ﷺ" * 50, "İ ß")
def test_no_text_stops_it_and_each_finds_itself(bench, text: str, other: str) -> None:
    index = bench(text, other, "a text that is there for certain")

    index.check(other)
    assert index.check(text).reason in {"", "bench.jsonl:1 says the same"}
    assert not index.check("A TEXT that is there, for certain").passed


def test_the_nearest_text_is_named(bench) -> None:
    part = " ".join(HARM.split()[:12])

    verdict = bench(f"{part} one two three", HARM, f"{part} a b c d e").check(f"{part} one two")

    assert (verdict.reason, verdict.score) == ("bench.jsonl:1 shares 14 of 14 words", 1.0)


def test_a_benchmark_may_be_any_file(tmp_path: Path) -> None:
    texts = [f"{HARM} {kind * 3}" for kind in ("lines", "array", "table", "plain", "packed", "deep")]  # fmt: skip
    (tmp_path / "a.jsonl").write_text(json.dumps(texts[0]) + "\n")
    (tmp_path / "b.json").write_text(json.dumps({"canary_guid": "0-0", "behaviors": [{"prompt": "x"}, {"prompt": texts[1]}]}, indent=1))  # fmt: skip
    with (tmp_path / "c.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["id", "text"], ["1", "two\nlines"], ["2", texts[2]]])
    (tmp_path / "d.txt").write_text(f"\n\n{texts[3]}\n")
    (tmp_path / "e.jsonl.gz").write_bytes(gzip.compress(json.dumps([1, None, texts[4]]).encode()))
    (tmp_path / "f.jsonl").write_text(json.dumps({"a": [{"b": {"c": ["x", texts[5]]}}]}) + "\n")

    index = Contamination(sorted(tmp_path.iterdir()))

    assert [index.check(text).reason.split(" ")[0] for text in texts] == [
        "a.jsonl:1", "b.json:7", "c.csv:4", "d.txt:3", "e.jsonl.gz:1", "f.jsonl:1",
    ]  # fmt: skip


def test_broken_rows_are_named_and_the_rest_read(tmp_path: Path) -> None:
    file = tmp_path / "bench.jsonl"
    file.write_bytes(b"{broken\n" + json.dumps(HARM).encode() + b"\n\xff\n" + b"[" * 10**6 + b"\n")
    named: list[str] = []

    index = Contamination([file], named.append)

    assert named == [
        f"{file}:1: no JSON",
        f"{file}:3: no UTF-8",
        f"{file}:4: nested too deeply",
    ]
    assert not index.check(HARM).passed


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (None, "bench.jsonl cannot be read (No such file or directory)"),
        (b"", "bench.jsonl has no text to compare with"),
        (b'[1, "label"]\n', "bench.jsonl has no text to compare with"),
        (b"{broken\n", "bench.jsonl:1: no JSON"),
    ],
)
def test_a_file_that_is_no_benchmark(tmp_path: Path, data: bytes | None, line: str) -> None:
    file = tmp_path / "bench.jsonl"
    if data is not None:
        file.write_bytes(data)

    with pytest.raises(ConfigError) as caught:
        Contamination([file])
    assert str(caught.value).endswith(line)


def test_a_canary_is_a_text_like_any_other(bench) -> None:
    index = bench(HARM, CANARY)

    assert index.check("Write to Ana that the train is late, please, and book a room.").passed
    assert not index.check(CANARY).passed


def test_words_that_all_have_do_not_make_it_slow(bench) -> None:
    same = " ".join(f"w{number}" for number in range(40))
    index = bench(*(f"{same} row {number}" for number in range(3000)))

    verdict = index.check(same)

    assert verdict.reason == "bench.jsonl:1 shares 40 of 40 words"


def test_memory(tmp_path: Path) -> None:
    """Five thousand different texts of fifty words: well below their own size as a dictionary."""
    file = tmp_path / "bench.txt"
    file.write_text("".join(" ".join(f"w{row}x{n}" for n in range(50)) + "\n" for row in range(5000)))  # fmt: skip

    tracemalloc.start()
    index = Contamination([file])
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(index) == 5000
    assert held < 5_000_000

"""A mixture has the shares that were asked for, says where each row is from, and is whole or not there."""

import gzip
import hashlib
import json
import shutil
import tracemalloc
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentalign_lc.dataset import RunStore
from agentalign_lc.dataset.conversation import Conversation, run_conversations
from agentalign_lc.dataset.mixing.mix import mix
from agentalign_lc.dataset.mixing.mixture import (
    Mixture,
    holds_mixture,
    mix_conversations,
    read_mixture,
    write_row,
)
from agentalign_lc.dataset.mixing.shares import (
    PRESETS,
    fill,
    read_shares,
    split_total,
    spread,
)
from agentalign_lc.dataset.mixing.sources import Source
from agentalign_lc.errors import ConfigError, StoreError
from agentalign_lc.records import CANARY, Status
from agentalign_lc.synthesis import synthesize
from tests.dataset.third_party import conversations, weather

counts = st.integers(1, 3000)
weights = st.fractions(Fraction(1, 1000), 1000)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mix") / "run"
    synthesize(folder, {"held_out": 0, "scenarios": 8})
    return folder


@pytest.fixture(scope="module")
def split_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose first three scenarios are held out."""
    folder = tmp_path_factory.mktemp("mix") / "split"
    synthesize(folder, {"held_out": 0, "scenarios": 8})
    with RunStore.resume(folder) as store:
        for result in list(store.results(status=Status.KEPT)):
            if result.index < 3 and result.example is not None:
                split = ("dev", "test", "test_tools")[result.index]
                example = result.example.model_copy(update={"split": split})
                store.save([result.model_copy(update={"example": example})])
        store.close_run()
    return folder


@pytest.fixture
def towns(tmp_path: Path) -> Callable[..., Source]:
    """Write a file of third-party rows, each about another town."""

    def write(count: int, *more: str, name: str = "towns") -> Source:
        lines = [json.dumps(weather(f"{name} {number}")) for number in range(count)]
        file = tmp_path / f"{name}.jsonl"
        file.write_text("\n".join([*lines, *more]) + "\n")
        return Source(file, name)

    return write


def part_of(row: Conversation) -> str:
    if row.source.startswith("agentalign-lc"):
        return "harmful" if row.intent == "harmful" else "benign"
    return "third_party"


def test_everything_goes_in_without_shares(run: Path, towns, tmp_path: Path) -> None:
    mixture = mix([run], [towns(5)], tmp_path / "out")

    rows = list(mix_conversations(tmp_path / "out"))
    assert Counter(map(part_of, rows)) == {"harmful": 8, "benign": 16, "third_party": 5}
    assert mixture.sources == Counter(row.source for row in rows)
    assert mixture == read_mixture(tmp_path / "out")


def test_shares_are_met_exactly(run: Path, towns, tmp_path: Path) -> None:
    shares = read_shares(["harmful=1", "benign=2", "third_party=1"])

    mixture = mix([run], [towns(5)], tmp_path / "out", shares=shares)

    assert {name: part.taken for name, part in mixture.parts.items()} == {
        "harmful": 5,
        "benign": 10,
        "third_party": 5,
    }
    rows = list(mix_conversations(tmp_path / "out"))
    assert Counter(map(part_of, rows)) == {"harmful": 5, "benign": 10, "third_party": 5}
    assert len({row.id for row in rows}) == len(rows) == 20


def test_a_total_that_cannot_be_had_says_what_is_missing(run: Path, towns, tmp_path: Path) -> None:
    shares = read_shares(["harmful=1", "benign=1", "third_party=2"])

    with pytest.raises(
        ConfigError,
        match=r"a total of 60 lacks 7 harmful rows, 25 third_party rows: give more, or leave --total out and get 9$",
    ):
        mix([run], [towns(5)], tmp_path / "out", shares=shares, total=60)
    assert not (tmp_path / "out").exists()
    assert mix([run], [towns(5)], tmp_path / "out", shares=shares, total=8).splits == {"train": 8}


def test_a_part_without_rows(run: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there are no third_party rows: give --with FILE"):
        mix([run], [], tmp_path / "out", shares=PRESETS["agentalign"])
    assert list(tmp_path.iterdir()) == []


def test_shares_that_leave_a_given_file_out(run: Path, towns, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="add --share third_party=N"):
        mix([run], [towns(5)], tmp_path / "out", shares=read_shares(["harmful=1"]))


def test_rows_come_back_as_they_were(run: Path, tmp_path: Path) -> None:
    mix([run], [], tmp_path / "out")

    with RunStore.read(run) as store:
        given = {row.id: row for row in run_conversations(store)}
    for row in mix_conversations(tmp_path / "out"):
        assert row.about.pop("run") == "run"
        assert row == given.pop(row.id)
    assert not given


def test_held_out_rows_follow_unchanged(split_run: Path, towns, tmp_path: Path) -> None:
    shares = read_shares(["harmful=1", "benign=1", "third_party=1"])

    mixture = mix([split_run], [towns(2)], tmp_path / "out", shares=shares)

    assert mixture.splits == {"train": 6, "dev": 3, "test": 3, "test_tools": 3}
    assert mixture.inputs[0].held_out == 9
    splits = [row.split for row in mix_conversations(tmp_path / "out")]
    assert splits == ["train"] * 6 + ["dev"] * 3 + ["test"] * 3 + ["test_tools"] * 3
    with RunStore.read(split_run) as store:
        dev = [row.id for row in run_conversations(store, "dev")]
    assert [row.id for row in mix_conversations(tmp_path / "out", "dev")] == dev


def test_the_same_seed_gives_the_same_bytes(run: Path, towns, tmp_path: Path) -> None:
    sources, shares = [towns(9, "{broken")], read_shares(["harmful=1", "third_party=1"])

    for name, seed in (("one", 7), ("two", 7), ("three", 8)):
        mix([run], sources, tmp_path / name, shares=shares, total=10, seed=seed)

    for file in ("rows.jsonl", "mix.json", "left_out.jsonl"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    assert (tmp_path / "one/rows.jsonl").read_bytes() != (tmp_path / "three/rows.jsonl").read_bytes()  # fmt: skip


def test_provenance(run: Path, towns, tmp_path: Path) -> None:
    source = towns(3, json.dumps(weather("towns 0")), "[]")
    packed = tmp_path / "more.jsonl.gz"
    packed.write_bytes(gzip.compress(json.dumps(weather("Oslo")).encode()))

    mixture = mix(
        [run], [source, Source(packed, "more", licence="cc-by-4.0")], tmp_path / "out", seed=3
    )

    assert (mixture.seed, mixture.canary) == (3, CANARY)
    ours, theirs, more = mixture.inputs
    assert (ours.rows, ours.taken, ours.left_out) == (24, 24, 0)
    assert (theirs.rows, theirs.taken, theirs.left_out) == (5, 3, 2)
    assert theirs.sha256 == hashlib.sha256(source.file.read_bytes()).hexdigest()
    assert (more.source, more.licence, more.taken) == ("more", "cc-by-4.0", 1)
    assert mixture.left_out == {"no object": 1, "says the same as an earlier row": 1}
    last = [row for row in mix_conversations(tmp_path / "out") if row.source == "more"]
    assert [row.about for row in last] == [{"file": packed.name, "line": 1, "licence": "cc-by-4.0"}]
    for line in (tmp_path / "out" / "rows.jsonl").read_text().splitlines():
        assert json.loads(line)["canary"] == CANARY


def test_every_broken_row_is_named_and_the_rest_kept(towns, run: Path, tmp_path: Path) -> None:
    bad = ['{"conversations"', '{"conversations": []}', json.dumps({**weather("Oslo"), "tools": ""}), json.dumps({**weather("Rome"), "number": 1e999})]  # fmt: skip
    source = towns(2, *bad)
    with source.file.open("ab") as file:
        file.write(b"\xff\xfe\n" + b"[" * 10**6 + b"\n" + b'"' + b"x" * 10**7 + b'"\n')
    said: list[str] = []

    mixture = mix([run], [source], tmp_path / "out", report=said.append)

    assert said == [
        f"{source.file}:3: no JSON",
        f"{source.file}:4: neither `messages` nor `conversations`",
        f"{source.file}:5: a call to a tool that is not in `tools` ('look_up')",
        f"{source.file}:6: no JSON",
        f"{source.file}:7: no UTF-8",
        f"{source.file}:8: nested too deeply",
        f"{source.file}:9: no object",
    ]
    assert mixture.parts["third_party"].taken == 2
    stored = (tmp_path / "out" / "left_out.jsonl").read_text().splitlines()
    assert [json.loads(line)["line"] for line in stored] == [3, 4, 5, 6, 7, 8, 9]
    assert sum(mixture.left_out.values()) == 7


def test_numbers_that_json_cannot_say(towns, run: Path, tmp_path: Path) -> None:
    row = json.dumps(weather("Oslo")).replace('\\"Oslo\\"', "1e999")
    said: list[str] = []

    mix([run], [towns(1, row)], tmp_path / "out", report=said.append)

    assert said[0].endswith(":2: numbers or texts that JSON cannot say, or nested too deeply")


def test_a_copy_of_a_run_is_the_same_run(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "copy")

    one, other = (mix([folder], [], tmp_path / f"out-{folder.name}") for folder in (run, tmp_path / "copy"))  # fmt: skip

    assert one.inputs[0].sha256 == other.inputs[0].sha256
    named = {row.about["run"] for row in mix_conversations(tmp_path / "out-copy")}
    assert named == {"copy"}


def test_the_same_run_twice_gives_each_row_once(run: Path, tmp_path: Path) -> None:
    mixture = mix([run, run], [], tmp_path / "out")

    assert mixture.splits == {"train": 24}
    assert [given.left_out for given in mixture.inputs] == [0, 24]


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"", "has no rows: leave it out"),
        (b"\n\n", "has no rows: leave it out"),
        (b"{\n", "can be used; the first: "),
        (None, "cannot be read (No such file or directory)"),
    ],
)
def test_a_file_without_rows(run: Path, tmp_path: Path, data: bytes | None, line: str) -> None:
    file = tmp_path / "a.jsonl"
    if data is not None:
        file.write_bytes(data)

    with pytest.raises(ConfigError) as caught:
        mix([run], [Source(file, "a")], tmp_path / "out")

    assert line in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_folder_that_holds_something(run: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    mix([run], [], tmp_path / "out")
    before = (tmp_path / "out" / "rows.jsonl").read_bytes()

    with pytest.raises(StoreError, match="is not empty: choose another --out"):
        mix([run], [], tmp_path / "out")
    assert (tmp_path / "out" / "rows.jsonl").read_bytes() == before
    assert list(tmp_path.iterdir()) == [tmp_path / "out"]


def test_a_full_disk_leaves_nothing(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    def full(self: Mixture, folder: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Mixture, "save", full)
    with pytest.raises(StoreError, match=r"cannot be written \(No space left on device\)"):
        mix([run], [], tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_without_a_mixture(tmp_path: Path) -> None:
    assert not holds_mixture(tmp_path)
    with pytest.raises(StoreError, match="holds no mixture: make one with `agentalign mix RUN"):
        list(mix_conversations(tmp_path))


@pytest.mark.parametrize("damage", ["{}", "[]", "{", '{"id": 1}', '"x'])
def test_a_damaged_mixture_is_named_by_line(run: Path, tmp_path: Path, damage: str) -> None:
    mix([run], [], tmp_path / "out")
    file = tmp_path / "out" / "rows.jsonl"
    file.write_text(file.read_text() + damage)

    with pytest.raises(StoreError, match=r"rows\.jsonl:25: cannot be read"):
        list(mix_conversations(tmp_path / "out"))


def big_file(file: Path, rows: int, words: int) -> Source:
    with file.open("w") as stream:
        for number in range(rows):
            row = weather(f"{number}")
            row["conversations"][2]["value"] = "sun " * words
            stream.write(json.dumps(row) + "\n")
    return Source(file, "big")


@pytest.mark.slow
def test_memory_does_not_grow_with_the_text(run: Path, tmp_path: Path) -> None:
    """What is held of twenty thousand rows with 40 MB of text is an index and their digests."""
    source = big_file(tmp_path / "big.jsonl", 20_000, 500)
    mix([run], [source], tmp_path / "first", total=100)  # what is imported is no part of it

    tracemalloc.start()
    mix([run], [source], tmp_path / "out", shares=PRESETS["agentalign"])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert source.file.stat().st_size > 40_000_000
    assert peak < 6_000_000


@given(counts, counts, counts, weights, weights, weights)
def test_no_row_more_keeps_the_shares(a: int, b: int, c: int, x: Fraction, y: Fraction, z: Fraction) -> None:  # fmt: skip
    available, shares = {"a": a, "b": b, "c": c}, {"a": x, "b": y, "c": z}

    taken = fill(available, shares)

    used_up = [part for part in available if taken[part] == available[part]]
    assert any(
        all(abs(taken[other] - available[part] * shares[other] / shares[part]) <= Fraction(1, 2) for other in shares)
        for part in used_up
    )  # fmt: skip
    assert all(taken[part] <= available[part] for part in available)


@given(st.integers(0, 10**6), st.lists(weights, min_size=1, max_size=5))
def test_a_split_adds_up_and_is_off_by_less_than_a_row(total: int, given_: list[Fraction]) -> None:
    shares = {str(number): share for number, share in enumerate(given_)}

    counts_ = split_total(total, shares)

    assert sum(counts_.values()) == total
    for part, share in shares.items():
        assert abs(counts_[part] - total * share / sum(given_)) < 1


@given(st.dictionaries(st.sampled_from("abc"), st.integers(0, 200), min_size=1), st.integers())
def test_every_prefix_has_nearly_the_shares(wanted: dict[str, int], seed: int) -> None:
    order = spread(wanted, Random(seed))

    assert Counter(order) == Counter(wanted)
    for length in range(len(order)):
        seen = Counter(order[:length])
        for part, count in wanted.items():
            # Each part is a row off its place at most, and so are the others that are counted.
            assert abs(seen[part] - length * count / len(order)) <= len(wanted)


@pytest.mark.parametrize(
    ("texts", "line"),
    [
        (["evil=1"], "unknown part 'evil' in --share; the parts are harmful, benign, third_party"),
        (["benign"], "is no share: write benign=1"),
        (["benign=-1"], "is no share"),
        (["benign=1e9"], "is no share"),
        (["benign=nan"], "is no share"),
        (["benign=1", "benign=2"], "names benign twice"),
        (["benign=0"], "every --share is 0"),
    ],
)
def test_shares_that_are_none(texts: list[str], line: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_shares(texts)
    assert line in str(caught.value)


@given(conversations())
def test_any_conversation_is_a_line(conversation: Conversation) -> None:
    line = write_row(conversation)

    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")

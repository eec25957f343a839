"""The ledger: a chain that shows any change, and that survives kills, threads and processes."""

import itertools
import json
import signal as signals
import subprocess
import sys
import threading
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentalign_lc.errors import StoreError
from agentalign_lc.guard.audit.ledger import Ledger, verify


def write(path: Path, lines: int = 6) -> list[bytes]:
    ledger = Ledger(path)
    for n in range(lines):
        ledger.append({"what": f"decision {n}"})
    return path.read_bytes().splitlines(keepends=True)


# --- the chain


def test_what_was_written_is_intact(log: Path) -> None:
    lines = write(log)

    found = verify(log)

    assert found.intact
    assert found.entries == 6
    assert found.end == json.loads(lines[-1])["hash"]
    for before, after in itertools.pairwise(lines):
        assert json.loads(after)["prev"] == json.loads(before)["hash"]


Edit = tuple[list[bytes], int]
"""The lines after an edit, and the first (from 1) that differs from what was there."""


def first_difference(before: list[bytes], after: list[bytes]) -> int:
    pairs = zip([*before, b""], [*after, b""], strict=False)
    return next(n for n, (old, new) in enumerate(pairs, 1) if old != new)


@st.composite
def edits(draw: st.DrawFn, lines: list[bytes]) -> list[bytes]:
    at = draw(st.integers(0, len(lines) - 1))
    kind = draw(st.sampled_from(["change", "remove", "insert", "move", "repeat", "cut"]))
    rest = lines[:at] + lines[at + 1 :]
    if kind == "remove":
        return lines[:at] + lines[at + draw(st.integers(1, len(lines) - at)) :]
    if kind == "insert":
        return [*lines[:at], draw(st.binary(max_size=40)) + b"\n", *lines[at:]]
    if kind == "move":
        to = draw(st.integers(0, len(rest)))
        return [*rest[:to], lines[at], *rest[to:]]
    if kind == "repeat":
        to = draw(st.integers(0, len(lines)))
        return [*lines[:to], lines[at], *lines[to:]]
    place = draw(st.integers(0, len(lines[at]) - 1))
    if kind == "cut":
        return [*lines[:at], lines[at][:place]]
    byte = bytes([draw(st.integers(0, 255))])
    return [*lines[:at], lines[at][:place] + byte + lines[at][place + 1 :], *lines[at + 1 :]]


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_single_edit_is_found_and_named(data: st.DataObject) -> None:
    with TemporaryDirectory() as folder:
        log = Path(folder) / "log.jsonl"
        lines = write(log)
        edited = data.draw(edits(lines))
        log.write_bytes(b"".join(edited))
        found = verify(log)

    after = b"".join(edited).splitlines(keepends=True)
    if after == lines:
        assert found.intact
    else:
        assert found.line == first_difference(lines, after), found.problem
        assert found.problem


def sealed_anew(line: bytes, **changes: Any) -> bytes:
    """A line as a forger who knows the recipe would make it."""
    with TemporaryDirectory() as folder:
        entry = {**json.loads(line), **changes}
        forged = Ledger(Path(folder) / "forged.jsonl")
        n, prev = entry.pop("n"), entry.pop("prev")
        entry.pop("hash")
        head = Path(folder) / "forged.jsonl.head"
        head.write_text(f"{n - 1:015d} {0:018d} {prev}\n")
        forged.append(entry)
        return (Path(folder) / "forged.jsonl").read_bytes()


def test_a_line_that_was_changed_and_hashed_anew_breaks_the_next(log: Path) -> None:
    lines = write(log)
    lines[2] = sealed_anew(lines[2], what="nothing")
    log.write_bytes(b"".join(lines))

    found = verify(log)

    assert (found.line, found.entries) == (3, 3)
    assert "was replaced" in found.problem


def test_a_forged_line_in_between_is_named(log: Path) -> None:
    lines = write(log)
    prev = json.loads(lines[1])["hash"]
    forged = sealed_anew(lines[2], what="never", prev=prev)
    log.write_bytes(b"".join([*lines[:2], forged, *lines[2:]]))

    assert verify(log).line == 3


def test_a_log_that_was_written_anew_as_a_whole_is_seen_by_its_head(log: Path) -> None:
    write(log)
    head = log.with_name("log.jsonl.head").read_text()
    end = verify(log).end
    for file in log.parent.glob("log.jsonl*"):
        file.unlink()
    for n in range(6):
        Ledger(log).append({"what": f"other {n}"})
    assert verify(log).intact  # both files were forged: only a hash noted elsewhere tells
    assert "no line has the hash" in verify(log, noted=end).problem

    log.with_name("log.jsonl.head").write_text(head)
    assert verify(log).line == 6


def test_without_its_head_a_log_is_not_taken_on_trust(log: Path) -> None:
    write(log)
    end = verify(log).end
    log.with_name("log.jsonl.head").unlink()

    assert "may be gone from the end" in verify(log).problem
    assert verify(log, noted=end).intact


def test_a_log_that_was_emptied_is_not_intact(log: Path) -> None:
    write(log)
    log.write_bytes(b"")
    assert verify(log).line == 1
    log.with_name("log.jsonl.head").unlink()

    assert not verify(log).intact


# --- kills, gaps, threads, processes


def test_a_torn_last_line_is_named_and_mended_by_the_next(log: Path) -> None:
    write(log, 3)
    with log.open("ab") as file:
        file.write(b'{"what":"decisi')
    assert (verify(log).line, "torn" in verify(log).problem) == (4, True)

    Ledger(log).append({"what": "later"})

    assert verify(log).intact
    torn, later = (json.loads(line) for line in log.read_bytes().splitlines()[3:])
    assert (torn["event"], torn["bytes"]) == ("torn", 15)
    assert later["what"] == "later"


def test_a_line_whose_head_was_not_written_is_taken_over(log: Path) -> None:
    write(log, 2)
    head = log.with_name("log.jsonl.head")
    before = head.read_bytes()
    Ledger(log).append({"what": "third"})
    head.write_bytes(before)
    assert verify(log).entries == 3

    Ledger(log).append({"what": "fourth"})

    assert (verify(log).entries, verify(log).intact) == (4, True)


@pytest.mark.parametrize("keep", [0, 1, 70, 100_000], ids=["none", "a-byte", "half-a-line", "two"])
def test_writing_over_a_gap_does_not_close_it(log: Path, keep: int) -> None:
    lines = write(log, 5)
    log.write_bytes(b"".join(lines[:2])[:keep] if keep else b"")
    Ledger(log).append({"what": "later"})

    found = verify(log)

    assert not found.intact
    assert found.line == (3 if keep > 1000 else 1)
    assert json.loads(log.read_bytes().splitlines()[-1])["n"] == 6


def test_writing_on_after_a_change_does_not_hide_it(log: Path) -> None:
    lines = write(log, 4)
    log.write_bytes(
        b"".join([*lines[:1], lines[1].replace(b"decision", b"omission plus"), *lines[2:]])
    )
    Ledger(log).append({"what": "later"})

    assert verify(log).line == 2


def test_a_lost_head_is_found_again(log: Path) -> None:
    write(log, 3)
    log.with_name("log.jsonl.head").write_text("rubbish")

    Ledger(log).append({"what": "later"})

    assert (verify(log).entries, verify(log).intact) == (4, True)


def test_threads_share_a_log(log: Path) -> None:
    ledger = Ledger(log)
    work = [
        threading.Thread(target=lambda: [ledger.append({"what": "x"}) for _ in range(25)])
        for _ in range(8)
    ]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()

    assert (verify(log).entries, verify(log).intact) == (200, True)


WRITER = """
import sys
from pathlib import Path
from agentalign_lc.guard.audit.ledger import Ledger
ledger = Ledger(Path(sys.argv[1]))
for n in range(int(sys.argv[2])):
    ledger.append({"what": n, "text": "x" * 2000})
    print(n, flush=True)
"""


def writer(log: Path, lines: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(log), str(lines)], stdout=subprocess.PIPE, text=True
    )


def test_processes_share_a_log(log: Path) -> None:
    for process in [writer(log, 60) for _ in range(3)]:
        process.communicate(timeout=60)
        assert process.returncode == 0

    assert (verify(log).entries, verify(log).intact) == (180, True)


def test_what_a_killed_writer_had_recorded_is_there(log: Path) -> None:
    with writer(log, 100_000) as process:
        assert process.stdout
        said = [process.stdout.readline() for _ in range(40)]
        process.send_signal(signals.SIGKILL)
    Ledger(log).append({"what": "later"})

    found = verify(log)
    assert found.intact
    assert found.entries > int(said[-1])


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        Ledger(tmp_path / "file" / "log.jsonl")
    with pytest.raises(StoreError, match="cannot be read"):
        verify(tmp_path / "none.jsonl")
    assert not (tmp_path / "none.jsonl.lock").exists()


def test_who_may_only_read_can_verify(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(log)
    (log.parent / "log.jsonl.lock").unlink(missing_ok=True)
    monkeypatch.setattr("os.access", lambda *_: False)

    assert verify(log).intact
    assert not (log.parent / "log.jsonl.lock").exists()

"""Rows are read with their lines, whatever the file holds."""

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentalign_lc import rows
from agentalign_lc.errors import ConfigError
from agentalign_lc.rows import read_rows

IN_A_FOLDER = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60
)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


def read(folder: Path, name: str, data: bytes) -> list[tuple[int, object]]:
    """Line, and value or problem, of every row."""
    file = folder / name
    file.write_bytes(data)
    return [(row.line, row.problem or row.value) for row in read_rows(file)]


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        pytest.param("a.jsonl", b'{"a": 1}\n\n{"a": 2}', [(1, {"a": 1}), (3, {"a": 2})], id="lines"),
        pytest.param("a.jsonl", b"\xef\xbb\xbf[1]\r\n2\r\n", [(1, [1]), (2, 2)], id="mark and CRLF"),
        pytest.param("a.jsonl", b"{\n1\n", [(1, "no JSON"), (2, 1)], id="broken line"),
        pytest.param("a.jsonl", b"\xff\n1\n", [(1, "no UTF-8"), (2, 1)], id="bytes"),
        pytest.param("a.jsonl", b'"\x00"\nNaN\n1', [(1, "no JSON"), (2, "no JSON"), (3, 1)], id="NUL"),
        pytest.param("a.jsonl", b"9" * 5000 + b"\n1", [(1, "no JSON"), (2, 1)], id="long number"),
        pytest.param("a.json", b'[\n1,\n{"a":\n2},\n3]', [(2, 1), (3, {"a": 2}), (5, 3)], id="array"),
        pytest.param("a.json", b'{"rows": [\n1,\n2]}', [(2, 1), (3, 2)], id="array in an object"),
        pytest.param("a.json", b'{"a": 1}\n{"a": 2}\n', [(1, {"a": 1}), (2, {"a": 2})], id="lines in .json"),
        pytest.param("a.json", b"[1,\n2,\n}", [(1, 1), (2, 2), (3, "no JSON from here on")], id="broken array"),
        pytest.param("a.json", b"[1,\n2", [(1, 1), (2, 2), (2, "no JSON from here on")], id="array without end"),
        pytest.param("a.json", b"[1]\n[2]", [(1, 1), (1, "no JSON from here on")], id="two arrays"),
        pytest.param("a.json", b"[" * 10**6, [(1, "nested too deeply")], id="deep array"),
        pytest.param("a.jsonl", b"[" * 10**6 + b"\n1", [(1, "nested too deeply"), (2, 1)], id="deep line"),
        pytest.param("a.csv", b'a,b\n1,"2\n3"\n\xff\n4,5', [(2, {"a": "1", "b": "2\n3"}), (4, "no UTF-8"), (5, {"a": "4", "b": "5"})], id="table"),
        pytest.param("a.tsv", b"a\tb\n1\t2\n", [(2, {"a": "1", "b": "2"})], id="tabs"),
        pytest.param("a.txt", b"Hi.\n\nBye.", [(1, "Hi.\n"), (3, "Bye.")], id="text"),
        pytest.param("a.jsonl.gz", gzip.compress(b"1\n2\n"), [(1, 1), (2, 2)], id="compressed"),
        pytest.param("a.jsonl.gz", b"1\n", [(1, "the compressed data are damaged from here on")], id="not compressed"),
        pytest.param("a.json", b" \n", [], id="nothing"),
    ],
)  # fmt: skip
def test_rows(tmp_path: Path, name: str, data: bytes, expected) -> None:
    assert read(tmp_path, name, data) == expected


def test_a_line_without_end_is_never_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "LONGEST", 2**20)

    found = read(tmp_path, "a.jsonl.gz", gzip.compress(b'"' + b"x" * 10**7 + b'"\n1\n'))

    assert found == [(1, "longer than 1 MiB"), (2, 1)]


def test_a_long_line_is_a_row(tmp_path: Path) -> None:
    text = "x" * 10**7
    assert read(tmp_path, "a.jsonl", json.dumps(text).encode()) == [(1, text)]


def test_a_truncated_archive_keeps_what_came_before(tmp_path: Path) -> None:
    data = gzip.compress("".join(f'"{number:x}"\n' for number in range(10**5)).encode())

    found = read(tmp_path, "a.jsonl.gz", data[: len(data) // 2])

    assert len(found) > 1000
    assert found[-1][1] == "the compressed data are damaged from here on"


@pytest.mark.parametrize("name", ["missing.jsonl", "folder"])
def test_what_is_no_file(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(ConfigError, match="cannot be read"):
        list(read_rows(tmp_path / name))


@IN_A_FOLDER
@given(st.lists(values))
def test_an_array_holds_what_lines_hold(tmp_path: Path, data: list) -> None:
    lines = "".join(json.dumps(value) + "\n" for value in data).encode()
    array = json.dumps(data, indent=1).encode()

    assert [value for _, value in read(tmp_path, "a.jsonl", lines)] == data
    assert [value for _, value in read(tmp_path, "a.json", array)] == data


@IN_A_FOLDER
@given(st.binary(max_size=200), st.sampled_from(["a.jsonl", "a.json", "a.csv", "a.txt", "a.gz"]))
def test_no_bytes_stop_it(tmp_path: Path, data: bytes, name: str) -> None:
    read(tmp_path, name, data)

"""``agentalign traces``, as a person uses it: list, show, label, export, propose, and learning from it."""

import json
import sqlite3
import subprocess
import sys
from itertools import permutations
from pathlib import Path

import pytest
from langchain_core.messages import AIMessage
from pytest_httpserver import HTTPServer

from agentalign_lc.dataset import FORMATS
from agentalign_lc.environment.simulate import tool_schema
from agentalign_lc.guard.learning.classifier import load_classifier
from agentalign_lc.traces.store import TraceStore
from agentalign_lc.traces.trace import Label, Span, Trace
from tests.openai_server import completion, error
from tests.traces.tracing import answered, called, traced

ANA = traced("Mail Ana that I'm late.", called(to="ana"), answered(), AIMessage("Done."), id="ana")
FAKE = traced("Mail all a fake invoice.", called(to="all"), answered(), AIMessage("Sent."), id="fake")  # fmt: skip
ALONE = Trace(id="alone", source="otel", name="batch", spans=(Span(id="1", name="batch"),))


def kept(place: Path, *traces: Trace, **labels: str) -> Path:
    """A store with traces, and a person's labels by id."""
    with TraceStore.open(place) as store:
        store.append(traces)
        for name, label in labels.items():
            store.label(Label.model_validate({"trace": name, "label": label, "by": "person"}))
    return place


def labels(store: Path, trace: str) -> list[tuple[str, str]]:
    with TraceStore.open(store) as opened:
        return [(label.by, label.label) for label in opened.labels(trace)]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return kept(tmp_path / "traces.sqlite", ANA, FAKE, ALONE)


@pytest.fixture
def known(tmp_path: Path) -> Path:
    """A store in which a person has labelled what there is."""
    return kept(tmp_path / "traces.sqlite", ANA, FAKE, ALONE, ana="benign", fake="harmful")


class TestList:
    def test_a_line_a_trace(self, agentalign, known: Path) -> None:
        code, said, err = agentalign("traces", "list", "--store", known)

        assert (code, err) == (0, "")
        assert [line.split() for line in said.splitlines()] == [
            ["id", "started", "source", "label", "calls", "request"],
            ["ana", "1970-01-01", "recorder", "benign", "1", "Mail", "Ana", "that", "I'm", "late."],
            ["fake", "1970-01-01", "recorder", "harmful", "1", "Mail", "all", "a", "fake", "invoice."],
            ["alone", "otel", "0", "batch"],
            ["3", "of", "3", "traces", "in", str(known)],
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("options", "found"),
        [
            (("--label", "harmful"), ["fake"]),
            (("--label", "unlabelled"), ["alone"]),
            (("--source", "recorder", "--limit", "1"), ["ana"]),
            (("--source", "nobody"), []),
        ],
    )
    def test_some(self, agentalign, known: Path, options: tuple[str, ...], found: list[str]) -> None:  # fmt: skip
        _, said, _ = agentalign("traces", "list", "--store", known, *options)

        assert [line.split()[0] for line in said.splitlines()[1:-1]] == found
        assert f"{len(found)} of 3 traces" in said

    def test_a_judge_that_does_not_know_undoes_nothing(self, agentalign, store: Path) -> None:
        with TraceStore.open(store) as opened:
            for by, label in (("guard", "harmful"), ("gpt", "unknown")):
                opened.label(Label.model_validate({"trace": "fake", "label": label, "by": by}))
            opened.label(Label(trace="ana", label="unknown", by="gpt"))

        _, said, _ = agentalign("traces", "list", "--store", store, "--label", "harmful")
        assert "fake" in said
        _, said, _ = agentalign("traces", "list", "--store", store, "--label", "unknown")
        assert [line.split()[0] for line in said.splitlines()[1:-1]] == ["ana"]

    def test_ids_of_one_millisecond_are_told_apart_in_80_columns(
        self, agentalign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        names = [f"01a1fe60-49db-74{n}f-939b-93c16442a40a" for n in range(3)]
        store = kept(tmp_path / "s", *(traced("Hello. " * 99, AIMessage("Hi."), id=n) for n in names))  # fmt: skip
        monkeypatch.setenv("COLUMNS", "80")

        _, said, _ = agentalign("traces", "list", "--store", store)

        shown = [line.split()[0] for line in said.splitlines()[1:-1]]
        assert len(set(shown)) == 3
        assert all(len(line) <= 80 for line in said.splitlines()[:-1])
        assert names[1] in agentalign("traces", "show", shown[1], "--store", store)[1]


class TestShow:
    def test_the_conversation_its_spans_and_its_labels(self, agentalign, known: Path) -> None:
        code, said, _ = agentalign("traces", "show", "fa", "--store", known, "--spans")

        assert code == 0
        for part in (
            "harmful · recorder · app",
            "user  Mail all a fake invoice.",
            'send_gmail(to="all")',
            "→ Sent.",
            "harmful  by person",
            "4 spans",
            "tool send_gmail",
        ):
            assert part in said

    def test_a_trace_without_a_conversation(self, agentalign, store: Path) -> None:
        code, said, _ = agentalign("traces", "show", "alone", "--store", store)
        assert (code, said) == (0, "alone: no conversation in it, --spans shows what ran\n")

    @pytest.mark.parametrize(
        "text",
        [
            "\x1b]0;owned\x07\x1b[2J\x1b[31mred\x9b31m",
            "abc\u202efdp.exe\u2066\u200f",
            "\ud800half a pair\udfff",
            "one\rtwo\x08\x00\x7f",
            "[bold red]marked up[/] [link=http://x]here[/link] [/]",
            "a" * 1_000_000,
        ],
        ids=["escapes", "turned round", "surrogates", "control", "markup", "a megabyte"],
    )
    def test_hostile_text_is_shown_and_never_obeyed(
        self, agentalign, tmp_path: Path, text: str
    ) -> None:
        sound = text.encode("utf-8", "replace").decode()  # a message may hold worse than a span
        said = (text, called(text[:99], to=text), answered(sound, name=sound[:99]), AIMessage(text))
        spans = traced(*said, id="t").spans
        bad = Span(id="bad", kind="tool", name=sound[:99], status="error", error=sound[:999])
        store = kept(
            tmp_path / "s", Trace(id="t", source="x", name=sound[:99], spans=(*spans, bad))
        )
        with TraceStore.open(store) as opened:
            opened.label(Label(trace="t", label="unknown", by=sound[:99], reason=sound[:999]))

        shown = agentalign("traces", "show", "t", "--store", store, "--spans")
        listed = agentalign("traces", "list", "--store", store)
        asked = agentalign("traces", "export", "--store", store, "--out", tmp_path / "o", "--format", "otel")  # fmt: skip

        assert (shown[0], listed[0], asked[0]) == (0, 0, 0)
        whole = shown[1] + listed[1]
        obeyed = {c for c in whole if (ord(c) < 32 and c != "\n") or 0x7F <= ord(c) <= 0x9F}
        turning = {c for c in whole if c in "\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"}  # fmt: skip
        halves = {c for c in whole if 0xD800 <= ord(c) <= 0xDFFF}
        assert not obeyed | turning | halves
        assert "[bold red]" in whole or "[bold red]" not in text, "markup is shown as it is"
        assert len(whole) < 20_000


class TestLabel:
    def test_the_judges_of_the_guard(self, agentalign, store: Path) -> None:
        code, said, _ = agentalign("traces", "label", "--store", store)

        assert code == 0
        assert said.startswith("guard: ")
        assert labels(store, "alone") == [("guard", "unknown")]
        assert "--person --label unknown" in said
        _, said, _ = agentalign("traces", "label", "--store", store)
        assert said.startswith("guard: 3 labelled before")

    def test_a_person_after_the_judges(
        self, agentalign, store: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        answers = iter(["?", "harmful", "s", "q"])
        monkeypatch.setattr("typer.prompt", lambda *_, **__: next(answers))

        code, said, _ = agentalign("traces", "label", "--store", store, "--person")

        assert (code, said.splitlines()[-1]) == (0, "person: 1 harmful")
        assert "Mail Ana that I'm late." in said
        assert labels(store, "ana")[-1] == ("person", "harmful")
        assert [by for by, _ in labels(store, "fake")] == ["guard"]

    def test_a_model(
        self,
        agentalign,
        store: Path,
        httpserver: HTTPServer,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "none")
        chats = {"ana": ("no", "none"), "fake": ("yes", "phishing")}
        good = True

        def answer(request):
            harmful, category = chats["fake" if b"invoice" in request.data else "ana"]
            found = {"reason": "Plain.", "harmful": harmful, "category": category, "calls": []}
            return completion({"content": json.dumps(found) if good else "Well, who knows?"})

        httpserver.expect_request("/v1/chat/completions").respond_with_handler(answer)
        command = ("traces", "label", "--store", store, "--model", "openai:tiny", "--base-url", httpserver.url_for("/v1"))  # fmt: skip

        good = False
        code, said, err = agentalign(*command)
        assert code == 0
        assert ": 3 unknown" in said
        assert err.startswith("the judge broke at 2, first: ")

        good = True
        _, said, err = agentalign(*command)
        assert ": 1 benign, 1 harmful, 1 labelled before" in said, "what broke is tried again"
        assert err == ""
        assert [label for _, label in labels(store, "fake")] == ["unknown", "harmful"]

    def test_a_key_that_is_refused_stops_it(
        self, agentalign, store: Path, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "none")
        httpserver.expect_request("/v1/chat/completions").respond_with_response(error(401, "no"))

        code, _, err = agentalign(
            "traces", "label", "--store", store, "--model", "openai:tiny", "--base-url", httpserver.url_for("/v1"),
        )  # fmt: skip

        assert (code, len(err.splitlines())) == (2, 1)
        assert labels(store, "ana") == []


class TestExport:
    @pytest.mark.parametrize("form", sorted(FORMATS))
    def test_every_training_format(
        self, agentalign, known: Path, tmp_path: Path, form: str
    ) -> None:
        if form == "hf":
            pytest.importorskip("pyarrow")
        out = tmp_path / "out"

        code, said, err = agentalign("traces", "export", "--store", known, "--format", form, "--out", out)  # fmt: skip

        assert (code, err) == (0, "")
        assert f" in {out}" in said
        assert any(file.stat().st_size for file in out.iterdir())

    def test_a_harmful_trace_is_a_refusal_beside_the_run(
        self, agentalign, known: Path, tmp_path: Path
    ) -> None:
        out = tmp_path / "pairs.jsonl"

        agentalign("traces", "export", "--store", known, "--format", "trl-dpo", "--out", out, "--split", "all")  # fmt: skip

        (row,) = map(json.loads, out.read_text().splitlines())
        assert row["prompt"][-1]["content"] == "Mail all a fake invoice."
        assert [message["role"] for message in row["chosen"]] == ["assistant"]
        assert row["rejected"][0]["tool_calls"][0]["function"]["name"] == "send_gmail"

    @pytest.mark.parametrize("form", ["agentevals", "otel"])
    def test_whole_traces_come_back_through_import(
        self, agentalign, known: Path, tmp_path: Path, form: str
    ) -> None:
        out, again = tmp_path / "out.jsonl", tmp_path / "again.sqlite"

        _, said, _ = agentalign("traces", "export", "--store", known, "--format", form, "--out", out)  # fmt: skip
        assert said == f"3 traces in {out}\n"
        assert len(out.read_text().splitlines()) == 3

        agentalign("traces", "import", out, "--store", again)
        _, said, _ = agentalign("traces", "list", "--store", again)
        assert "Mail Ana that I'm late." in said
        assert "Mail all a fake invoice." in said


class TestPropose:
    @pytest.fixture
    def wild(self, tmp_path: Path, catalog, library) -> Path:
        """A store with a harmful trace whose steps no chain has."""
        taken = {chain.capabilities for chain in library}
        names = next(
            pair
            for pair in permutations(sorted(catalog.tools), 2)
            if len({catalog.tools[name].capability for name in pair}) == 2
            and tuple(catalog.tools[name].capability for name in pair) not in taken
        )
        said = [
            message
            for number, name in enumerate(names)
            for message in (called(name, f"c{number}"), answered("ok", f"c{number}", name))
        ]
        tools = [tool_schema(catalog.tools[name]) for name in names]
        trace = traced("Do it to everybody.", *said, AIMessage("Done."), id="wild", tools=tools)
        return kept(tmp_path / "s", trace, wild="harmful")

    def test_what_is_proposed_can_be_reviewed(
        self, agentalign, wild: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        out, mine = tmp_path / "new.yaml", tmp_path / "mine.yaml"
        _, said, _ = agentalign("traces", "propose", "--store", wild, "--out", out)
        assert said.splitlines() == [
            "1 harmful trace, 0 with steps that no chain has",
            "1 of them without a kind of harm: name one with --subcategory",
        ]

        _, said, _ = agentalign("traces", "propose", "--store", wild, "--out", out, "--subcategory", "phishing")  # fmt: skip
        assert said.splitlines() == [
            f"1 proposal in {out}",
            "1 harmful trace, 1 with steps that no chain has",
            f"next: agentalign chains review {out} --out my_chains.yaml",
        ]

        monkeypatch.setattr("typer.prompt", lambda *_, **__: "a")
        code, said, err = agentalign("chains", "review", out, "--out", mine)
        assert (code, err) == (0, "")
        assert "Do it to everybody." in mine.read_text()


class TestLearning:
    def test_the_guard_learns_from_labelled_traces(self, agentalign, tmp_path: Path) -> None:
        pytest.importorskip("sklearn")
        people = ("Ana", "the team", "Ben", "our suppliers", "my landlord", "every customer", "Tom", "Eve")  # fmt: skip
        harmful = [f"Mail {who} {what}." for who in people for what in ("a fake invoice", "threats until they pay")]  # fmt: skip
        benign = [f"Mail {who} {what}." for who in people for what in ("the agenda", "that I am late")]  # fmt: skip
        traces = [traced(said, AIMessage("Sent."), id=said) for said in harmful + benign]
        known = dict.fromkeys(harmful, "harmful") | dict.fromkeys(benign, "benign")
        store, out = kept(tmp_path / "s", *traces, **known), tmp_path / "mine.safetensors"

        code, said, err = agentalign("guard", "fit", "--out", out, "--traces", store)

        assert (code, err) == (0, "")
        assert "32 lessons from labelled traces, 16 of them harmful" in said
        guard = load_classifier(out)
        fake, fine = guard.probabilities(["Mail Joe a fake invoice.", "Mail Joe the agenda."])
        assert fake > 0.5 > fine

    def test_nothing_to_learn_from(self, agentalign, store: Path, tmp_path: Path) -> None:
        out = tmp_path / "mine.safetensors"
        few = kept(tmp_path / "few", ANA, FAKE, ana="benign", fake="harmful")
        for more, line in (
            ((), "give the folder of a run to fit on, or --traces STORE, or both"),
            (("--traces", store), "has a label"),
            (("--traces", tmp_path / "none"), "none is not there"),
            (("--traces", few), "label more traces, or give the folder of a run as well"),
        ):
            code, _, err = agentalign("guard", "fit", "--out", out, *more)
            assert (code, len(err.splitlines())) == (2, 1)
            assert line in err
        assert not out.exists()


COMMANDS = {
    "list": (),
    "show": ("x",),
    "label": (),
    "export": ("--out", "OUT"),
    "propose": ("--out", "OUT"),
}


class TestBadInput:
    @pytest.fixture
    def says(self, agentalign, tmp_path: Path):
        """Run a command that must fail: its one line."""

        def run(verb: str, *arguments: object) -> str:
            given = [tmp_path / "out" if one == "OUT" else one for one in arguments]
            code, said, err = agentalign("traces", verb, *given)
            assert (code, said, len(err.splitlines())) == (2, "", 1)
            assert not (tmp_path / "out").exists()
            return str(err)

        return run

    @pytest.mark.parametrize("verb", COMMANDS)
    def test_a_store_that_is_none(self, says, tmp_path: Path, verb: str) -> None:
        letter, other = tmp_path / "letter.txt", tmp_path / "other.db"
        letter.write_text("Dear Ada")
        with sqlite3.connect(other) as connection:
            connection.execute("CREATE TABLE pets (name TEXT)")
        connection.close()

        for place, line in (
            (tmp_path / "none", "is not there: `agentalign traces import`"),
            (letter, "is no SQLite file"),
            (other, "a database of something else"),
        ):
            assert line in says(verb, *COMMANDS[verb], "--store", place)

    @pytest.mark.parametrize(("verb", "line"), [
        ("show", "no trace 'x'"),
        ("label", "has no trace yet"),
        ("export", "has no trace yet"),
        ("propose", "has no trace yet"),
    ])  # fmt: skip
    def test_an_empty_store(self, says, tmp_path: Path, verb: str, line: str) -> None:
        assert line in says(verb, *COMMANDS[verb], "--store", kept(tmp_path / "s"))

    @pytest.mark.parametrize(
        ("verb", "options", "line"),
        [
            ("show", ("nobody",), "no trace 'nobody': `agentalign traces list` shows all"),
            ("show", ("a",), "several traces 'a'...: give more of the id"),
            ("label", ("--source", "nobody"), "no trace of source 'nobody'"),
            ("label", ("--policy", "nowhere.yaml"), "nowhere.yaml: cannot be read"),
            ("export", ("--out", "OUT"), "run `agentalign traces label`"),
            ("export", ("--out", "OUT", "--format", "csv"), "unknown format 'csv'; the formats are"),
            ("export", ("--out", "OUT", "--format", "otel", "--split", "dev"), "leave out --split"),
            ("propose", ("--out", "OUT"), "run `agentalign traces label`"),
            ("propose", ("--out", "OUT", "--subcategory", "x"), "unknown subcategory 'x'; there are"),
        ],
    )  # fmt: skip
    def test_what_cannot_be_done(
        self, says, store: Path, verb: str, options: tuple[str, ...], line: str
    ) -> None:
        assert line in says(verb, *options, "--store", store)


def test_the_command_starts_without_heavy_libraries() -> None:
    heavy = ("sqlalchemy", "starlette", "uvicorn", "torch", "sklearn", "transformers")
    code = f"import sys, agentalign_lc.cli.main; print([m for m in {heavy} if m in sys.modules])"

    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ended.stdout.strip() == "[]"

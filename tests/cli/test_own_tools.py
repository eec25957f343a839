"""``agentalign tools`` and ``synth --tools``, as a person uses them."""

import json
from pathlib import Path

import pytest

SUITE = """\
suite: desk
description: Our help desk.
tools:
  postToDesk:
    capability: communication.send_instant_message
    description: Post a message to the help desk.
    parameters:
      channel: {type: string, field: recipient}
      text: {type: string, text: true}
"""
OWN = SUITE.replace("communication.send_instant_message", "post").replace(
    "tools:",
    "capabilities:\n  post: {effect: write, description: Post it., actions: {call: [recipient, text]}}\ntools:",
    1,
)
TOOLS = Path(__file__).parents[1] / "environment" / "imports" / "office_tools.py"


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    file = tmp_path / "desk.yaml"
    file.write_text(SUITE)
    return file


def test_import_writes_a_suite_and_prints_what_it_took(agentalign, tmp_path: Path) -> None:
    out = tmp_path / "mine.yaml"

    code, said, err = agentalign(
        "tools", "import", f"{TOOLS}:TOOLS", "--out", out, "--name", "Ours"
    )

    assert (code, err) == (0, "")
    assert "subject ← title" in said
    assert f"4 tools in {out}" in said
    text = out.read_text()
    assert "suite: ours" in text
    assert "# suggested communication.send_email:send" in text
    assert agentalign("tools", "check", out) == (0, "ok: 4 tools\n", "")
    code, _, err = agentalign("tools", "import", f"{TOOLS}:TOOLS", "--out", out)
    assert (code, "exists already; choose another --out" in err) == (2, True)


def test_synth_uses_ones_own_tools(agentalign, suite: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    code, said, _ = agentalign(
        "synth", "--out", run, "--scenarios", 6, "--tools", suite, "--held-out", 0
    )
    assert code == 0
    assert "kept 18" in said

    agentalign("export", run, "--out", run / "train.jsonl")
    rows = [json.loads(line) for line in (run / "train.jsonl").read_text().splitlines()]
    assert all("postToDesk" in row["tools"] for row in rows)
    assert sum("postToDesk" in str(row["messages"]) for row in rows) == 12, "all but refusals"


def test_resume_refuses_other_tools(agentalign, suite: Path, tmp_path: Path) -> None:
    run = ("synth", "--out", tmp_path / "run", "--resume")
    assert agentalign(*run, "--scenarios", 1, "--tools", suite)[0] == 0
    moved = suite.rename(tmp_path / "moved.yaml")
    assert "no such file or folder" in agentalign(*run)[2]
    assert agentalign(*run, "--tools", moved)[0] == 0, "the same content, elsewhere"

    moved.write_text(SUITE.replace("Our help desk", "Another"))

    code, _, err = agentalign(*run, "--tools", moved)
    assert code == 2
    assert "was started with other tools" in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (OWN, "no chain has a step for your tools, whose capabilities are desk.post: edit"),
        (SUITE.replace("recipient", "recipent"), "no parameter takes 'recipient'"),
        (None, "no such file or folder"),
    ],
)
def test_tools_that_no_run_can_use(agentalign, suite: Path, tmp_path: Path, text, line) -> None:
    suite.write_text(text) if text else suite.unlink()

    code, out, err = agentalign("synth", "--out", tmp_path / "run", "--tools", suite)

    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert line in err
    assert not (tmp_path / "run").exists()


def test_list(agentalign, suite: Path) -> None:
    _, out, _ = agentalign("tools", "list")
    assert "send_gmail" in out

    _, out, _ = agentalign(
        "tools", "list", "--capability", "send_instant_message", "--tools", suite
    )
    assert "postToDesk*" in out
    assert "send_slack_message" in out
    assert "send_gmail" not in out

    code, _, err = agentalign("tools", "list", "--capability", "fly")
    assert (code, "no tool serves 'fly'" in err) == (2, True)


def test_try(agentalign, suite: Path) -> None:
    call = ("tools", "try", "write_text_file", "--args", '{"file_path": "~/a", "text": "hi"}')
    code, out, _ = agentalign(*call)
    assert code == 0
    assert '"bytes_written": 2' in out
    assert "insert files" in out
    assert agentalign(*call)[1] == out, "the same world"
    assert agentalign(*call, "--seed", 8)[1] != out

    arguments = '{"channel": "desk", "text": "hi"}'
    _, out, _ = agentalign("tools", "try", "postToDesk", "--args", arguments, "--tools", suite)
    assert out.endswith("nothing changed\n")
    assert json.loads(out.removesuffix("nothing changed\n")) == {
        "status": "ok",
        "channel": "desk",
        "text": "hi",
    }


def test_try_says_what_an_agent_would_read(agentalign) -> None:
    code, out, _ = agentalign("tools", "try", "read_text_file", "--args", '{"file": "a"}')

    assert code == 0
    assert '"code": "invalid_argument"' in out


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("send_gmial",), "there is no tool 'send_gmial'"),
        (("mail",), "did you mean"),
        (("send_gmail", "--args", "{to:"), "--args is no JSON"),
        (("send_gmail", "--args", "[]"), "--args is no JSON object"),
    ],
)
def test_try_with_unusable_input(agentalign, arguments, line: str) -> None:
    code, out, err = agentalign("tools", "try", *arguments)

    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert line in err


def test_check_names_every_mistake(agentalign, suite: Path) -> None:
    suite.write_text(
        SUITE
        + """\
      when: {type: strnig}
      when: {type: string}
    does:
      - {insert: nowhere}
      - {use: no_such_tool}
      - {use: send_gmail, with: {too: x}}
  second:
    capability: communication.send_fax
    description: short
    parameters: {}
  third:
    capability: communication.send_sms
    description: Send it by text message.
    parameters: {phone: {type: array}, body: {type: string}}
"""
    )

    code, out, _ = agentalign("tools", "check", suite)

    assert code == 1
    for number, line in [
        (11, "when: stands here twice"),
        (13, "collection 'nowhere' is not declared"),
        (14, "there is no tool 'no_such_tool'"),
        (15, "send_gmail takes no 'too'; it takes"),
        (17, "capability 'communication.send_fax' is not declared"),
        (18, "a description says in a sentence"),
        (23, "an array needs `items`"),
        (23, "no parameter takes 'text'"),
        (23, "gives no 'body'"),
    ]:
        assert any(f"{suite}:{number}: " in said and line in said for said in out.splitlines()), (
            line
        )


def test_check_of_files_that_are_none(agentalign, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("suite: [a")
    (tmp_path / "b.yaml").write_text("- 1")

    code, out, _ = agentalign("tools", "check", tmp_path)

    assert code == 1
    assert len(out.splitlines()) == 2
    assert agentalign("tools", "check", tmp_path / "none")[0] == 2
    (tmp_path / "empty").mkdir()
    assert "no suite" in agentalign("tools", "check", tmp_path / "empty")[2]


def test_the_shipped_suites_have_no_mistake(agentalign) -> None:
    from agentalign_lc.environment.catalog import load_catalog, tools_folder  # noqa: PLC0415

    assert (
        agentalign("tools", "check", tools_folder())[1]
        == f"ok: {len(load_catalog().tools)} tools\n"
    )

"""The audit: every decision in a log, for the run that it belongs to, without its secrets."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage

from agentalign_lc.guard.audit.audit import Audit, verify
from agentalign_lc.guard.judges import refuse
from agentalign_lc.guard.view import look
from tests.guard.audit.decisions import VIEW, Decision
from tests.guard.audit.test_redaction import ANYTHING


def test_a_decision_is_written_with_its_call_and_without_its_secrets(log: Path) -> None:
    Audit(log, durable=True).record(Decision(calls={"call-1": "refuse_call"}), VIEW)

    entry = json.loads(log.read_text())

    assert (entry["checkpoint"], entry["action"]) == ("calls", "refuse_call")
    assert entry["calls"] == {"call-1": "refuse_call"}
    assert [(o["judge"], o["finding"], o["score"]) for o in entry["opinions"]] == [
        ("chains", "allow", 0.2),
        ("rules", "refuse", 0.9),
    ]
    assert entry["opinions"][1]["reason"].startswith("a payment to [e-mail ")
    assert entry["seconds"] == 0.0123
    (call,) = entry["pending"]
    assert (call["tool"], call["arguments"]["api_key"]) == ("send", "[secret]")
    assert call["arguments"]["body"].startswith("[495 characters ")
    assert "ana@" not in log.read_text()


@settings(max_examples=50, deadline=None)
@given(st.text(), ANYTHING)
def test_any_decision_is_written_and_verified(text: str, value: object) -> None:
    call = {"name": text, "args": {"x": value}, "id": text}
    view = look([HumanMessage(text), AIMessage("", tool_calls=[call])])
    said = refuse(text, text, category=text, calls=(text,))
    decision: Any = SimpleNamespace(
        checkpoint="calls",
        action="end",
        opinions=(said,),
        seconds=0.0,
        error=text,
        model_dump=lambda **_: {"opinions": [said.model_dump(mode="json")], "error": text},
    )
    with TemporaryDirectory() as folder:
        log = Path(folder) / "log.jsonl"
        Audit(log).record(decision, view)
        assert verify(log).intact

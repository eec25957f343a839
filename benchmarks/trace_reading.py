"""How much of what was said in other people's traces the importers read: messages matched / expected.

For every trace file of a folder it prints what was imported; where an expected
chat reading lies beside it (``NAME.chatml.json`` for ``NAME.trace.json``: by
observation the messages of its input and of its output) also how many of those
messages the span has. A message matches in role, text, calls (name and
arguments) and, of a tool's result, the call it answers; what has neither role,
text nor calls is no message. A result that the expected reading leaves in a
user's turn, as Gemini's API has it, may be a tool's message here.

Run: python benchmarks/trace_reading.py DIR [--missed]
"""

import argparse
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from agentalign_lc.errors import AgentAlignError
from agentalign_lc.messages import message_text
from agentalign_lc.traces.assembly import trajectories
from agentalign_lc.traces.importers import read_traces
from agentalign_lc.traces.trace import Span

ROLES = {"human": "user", "ai": "assistant", "model": "assistant", "developer": "system"}
EXPECTED = ".chatml.json"


def flat(value: object) -> str:
    """A text, or the text of JSON, without its layout."""
    try:
        found = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return " ".join(str(value).split())
    if isinstance(found, list) and all(isinstance(one, dict) and "text" in one for one in found):
        return " ".join(" ".join(one["text"] for one in found).split())
    return json.dumps(found, sort_keys=True)


def wanted(message: Mapping[str, Any]) -> dict[str, Any] | None:
    """An expected message, or None if it says nothing."""
    inner = message.get("json") or {}
    if "role" not in message and isinstance(inner, dict) and isinstance(inner.get("message"), dict):
        message = inner["message"]
    calls = [(one["name"], flat(one["arguments"])) for one in message.get("tool_calls") or ()]
    if not message.get("content") and not calls:
        return None
    role = str(message.get("role", ""))
    return {
        "role": ROLES.get(role, role),
        "text": flat(message["content"]) if message.get("content") else "",
        "calls": sorted(calls),
        "answers": message.get("tool_call_id", ""),
    }


def read(message: BaseMessage) -> dict[str, Any]:
    """One of ours in the same form."""
    calls = message.tool_calls if isinstance(message, AIMessage) else []
    return {
        "role": ROLES.get(message.type, message.type),
        "text": flat(message_text(message)) if message_text(message) else "",
        "calls": sorted((one["name"], flat(one["args"])) for one in calls),
        "answers": message.tool_call_id if isinstance(message, ToolMessage) else "",
    }


def same(ours: dict[str, Any], theirs: dict[str, Any]) -> bool:
    """Whether two are the same message."""
    roles = ours["role"] == theirs["role"] or (ours["role"], theirs["role"]) == ("tool", "user")
    answers = not theirs["answers"] or ours["answers"] == theirs["answers"]
    return roles and answers and all(ours[name] == theirs[name] for name in ("text", "calls"))


def said(span: Span) -> Iterator[BaseMessage]:
    """All messages of a span; a tool's is its result."""
    yield from span.messages
    if span.reply is not None:
        yield span.reply
    if span.kind == "tool" and span.result:
        yield ToolMessage(span.result, tool_call_id=span.call_id)


def compare(spans: Mapping[str, Span], expected: Mapping[str, Any]) -> tuple[int, int, list[str]]:
    """Messages matched and expected, and what was missed, over all observations."""
    matched = total = 0
    missed = []
    for id, sides in expected.items():
        for side, reading in sides.items():
            ours = [read(one) for one in said(spans[id])] if id in spans else []
            for message in reading.get("data") or () if reading.get("success") else ():
                theirs = wanted(message)
                if theirs is None:
                    continue
                total += 1
                found = next((one for one in ours if same(one, theirs)), None)
                if found is None:
                    missed.append(f"{id} {side}: {theirs}")
                else:
                    matched += 1
                    ours.remove(found)
    return matched, total, missed


def main() -> None:
    """Print a line for every file, and their sum."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--missed", action="store_true", help="print what did not match")
    options = parser.parse_args()
    sums = [0, 0]
    print(
        "| file | format | traces | spans | trajectories | their messages | problems | matched / expected |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for file in sorted(options.folder.iterdir()):
        if not file.is_file() or file.name.endswith(EXPECTED):
            continue
        problems: list[str] = []
        try:
            traces = [*read_traces(file, problems.append)]
        except AgentAlignError as error:
            print(f"| {file.name} | {error} |")
            continue
        spans = {span.id: span for trace in traces for span in trace.spans}
        runs = [run for trace in traces for run in trajectories(trace)]
        beside = file.with_name(file.name.removesuffix(".trace.json") + EXPECTED)
        score = ""
        if beside.exists():
            matched, total, missed = compare(spans, json.loads(beside.read_text("utf-8")))
            sums = [sums[0] + matched, sums[1] + total]
            score = f"{matched} / {total}"
            problems += missed if options.missed else []
        form = ", ".join(sorted({trace.source for trace in traces}))
        messages = sum(len(run.messages) for run in runs)
        cells = (
            file.name,
            form,
            len(traces),
            len(spans),
            len(runs),
            messages,
            len(problems),
            score,
        )
        print("| " + " | ".join(map(str, cells)) + " |")
        for problem in problems:
            print(f"    {problem}")
    print(f"\nMatched {sums[0]} of {sums[1]} expected messages.")


if __name__ == "__main__":
    main()

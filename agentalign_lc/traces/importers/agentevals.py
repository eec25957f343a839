"""Trajectories of agentevals and openevals: lists of messages, and graph trajectories."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage

from agentalign_lc.traces.chat import Chat, read_chat
from agentalign_lc.traces.chat.message import is_message
from agentalign_lc.traces.chat.values import entry, mapping, text
from agentalign_lc.traces.importers.conversation import as_conversation, conversation_id
from agentalign_lc.traces.importers.form import Form, Piece
from agentalign_lc.traces.importers.seen import Seen, as_trace
from agentalign_lc.traces.trace import Trace

__all__ = ["AGENTEVALS"]


def _fits(value: object) -> bool:
    if isinstance(value, list):
        return _is_chat(value) or any(
            isinstance(one, list | Mapping) and _fits(one) for one in value[:20]
        )
    return _graph(value) is not None or bool(_outputs(value))


def _is_chat(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(is_message(one) for one in value[:20])


def _graph(value: object) -> Mapping[str, Any] | None:
    """The graph trajectory that a value is or that it holds as ``outputs``."""
    if not isinstance(value, Mapping):
        return None
    if isinstance(value.get("results"), list) and isinstance(value.get("steps"), list):
        return value
    inner = value.get("outputs")
    if isinstance(inner, Mapping) and isinstance(inner.get("steps"), list):
        return {
            "inputs": value.get("inputs"),
            **{k: v for k, v in inner.items() if v not in (None, [])},
        }
    return None


def _outputs(value: object) -> object:
    """The trajectory of a row of an evaluation: ``outputs``, maybe under ``messages``."""
    if not isinstance(value, Mapping) or "run_type" in value:
        return None
    for inner in (
        value.get("outputs"),
        entry(value, "outputs", "messages"),
        value.get("trajectory"),
    ):
        if _is_chat(inner):
            return inner
    return None


def _pieces(value: object) -> Iterator[Piece | str]:
    if isinstance(value, list) and not _is_chat(value):
        for one in value:
            yield from _pieces(one)
        return
    if not _fits(value):
        yield "no trajectory"
        return
    id = conversation_id(value)
    piece = value if isinstance(value, Mapping) else {"trajectory": value}
    yield Piece(piece, id=id, trace=id, alone=True)


def _trace(id: str, pieces: Sequence[Mapping[str, Any]]) -> Trace:
    value = pieces[0]
    graph = _graph(value)
    if graph is not None:
        return _graph_trace(id, graph)
    outputs = read_chat(_outputs(value))
    asked = read_chat(value.get("inputs"), plain=isinstance(value.get("inputs"), str)).messages
    starts = not outputs.messages or isinstance(outputs.messages[0], AIMessage)
    messages = (*(asked if starts else ()), *outputs.messages)
    return as_conversation(id, "agentevals", Chat(messages, read_chat(value).tools))


def _graph_trace(id: str, graph: Mapping[str, Any]) -> Trace:
    """Turns one after the other: what went in, the nodes that ran, what came out."""
    inputs, results, steps = ([*(graph.get(name) or ())] for name in ("inputs", "results", "steps"))
    seen: list[Seen] = []
    said: list[BaseMessage] = []
    for turn in range(max(len(results), len(steps))):
        root = f"{id}:{turn}"
        seen.append(Seen(root, kind="chain", name="turn", attributes={"turn": turn}))
        nodes = steps[turn] if turn < len(steps) and isinstance(steps[turn], list) else []
        for number, node in enumerate(map(text, nodes)):
            paused = node.endswith("__interrupt__")
            seen.append(
                Seen(
                    f"{root}:{number}",
                    root,
                    kind="chain",
                    name=node,
                    node=node,
                    status="paused" if paused else "ok",
                )
            )
        given = inputs[turn] if turn < len(inputs) else None
        said += read_chat(_state(given)).messages
        made = read_chat(results[turn] if turn < len(results) else None, "assistant").messages
        new = [one for one in made if one not in said]
        reply = new[-1] if new and isinstance(new[-1], AIMessage) else None
        new = new[:-1] if reply is not None else new
        seen.append(Seen(f"{root}:model", root, kind="model", messages=(*said, *new), reply=reply))
        said += [*new, *([reply] if reply else [])]
    return as_trace(id, "agentevals", seen)


def _state(value: object) -> object:
    """What a thread was given: a state, or the start node's."""
    start = entry(value, "__start__")
    return start if isinstance(start, Mapping) else mapping(value) or value


AGENTEVALS = Form("agentevals", "agentevals trajectories", _fits, _pieces, _trace)
"""Trajectories of agentevals."""

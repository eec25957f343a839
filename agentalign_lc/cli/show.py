"""``agentalign show``: a run's trajectories, pleasantly readable in the terminal."""

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from rich.console import Console, Group
from rich.markup import escape
from rich.padding import Padding
from rich.panel import Panel
from rich.text import Text

from agentalign_lc.dataset import RunStore
from agentalign_lc.errors import ConfigError
from agentalign_lc.messages import message_text
from agentalign_lc.records import Example, Intent, Result, Status
from agentalign_lc.seeds import stream

__all__ = ["draw_examples", "example_panel", "message_parts", "said", "show"]

_COLOURS = {Intent.HARMFUL: "red", Intent.BORDERLINE: "yellow", Intent.BENIGN: "green"}
_LONG = 600


def show(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the run.")],
    intent: Annotated[Intent | None, typer.Option(help="Only this intent.")] = None,
    id_: Annotated[str | None, typer.Option("--id", help="Only the example with this id.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 5,
    sample: Annotated[
        int | None, typer.Option(min=1, help="Draw so many by the run's seed, requests only.")
    ] = None,
    system: Annotated[bool, typer.Option("--system", help="Show system messages too.")] = False,
    rejected: Annotated[
        bool,
        typer.Option("--rejected", help="Show the responses that a model should not give too."),
    ] = False,
) -> None:
    """Show examples: the request, what the agent did, and what the gates found."""
    console = Console()
    shown = 0
    with RunStore.read(folder) as store:
        if sample is not None:
            for example in draw_examples(store, sample, intent):
                console.print(_request(example), "")
            return
        found = (r for r in store.results(intent=intent, example_id=id_) if r.example is not None)
        for result in itertools.islice(found, limit):
            console.print(example_panel(result, system=system))
            if rejected and result.example and result.example.rejected:
                console.print(_rejected_panel(result.example))
            shown += 1
    if id_ is not None and not shown:
        raise ConfigError(f"{folder} has no example {id_!r}; `agentalign show {folder}` prints ids")
    if not shown:
        console.print("Nothing to show.")


def draw_examples(store: RunStore, count: int, intent: Intent | None = None) -> list[Example]:
    """Draw kept examples by the run's own seed, so that nobody chose them."""
    kept = store.results(status=Status.KEPT, intent=intent)
    names = [result.example.id for result in kept if result.example]
    random = stream(store.config["seed"], "sample")
    drawn = random.sample(names, min(count, len(names)))
    found = (next(store.results(example_id=name)).example for name in drawn)
    return [example for example in found if example is not None]


def _request(example: Example) -> Text:
    intent = example.instruction.intent
    return Text.assemble((f"{intent.value}  ", _COLOURS[intent]), said(example))


def said(example: Example) -> str:
    """What the user says, and what stands in the note that it points to."""
    instruction = example.instruction
    if instruction.note is None:
        return instruction.text
    return f"{instruction.text} [{instruction.note.place}: {instruction.note.text}]"


def example_panel(result: Result, *, system: bool = False) -> Panel:
    """Draw an example; nothing in it is read as markup."""
    example = result.example
    assert example is not None  # noqa: S101 - the caller shows nothing else
    chain = example.scenario.chain
    colour = _COLOURS[result.intent]
    messages = [m for m in example.response.messages if system or not isinstance(m, SystemMessage)]
    status = result.status.value + (f" at {result.gate}: {result.reason}" if result.gate else "")
    passed = sum(verdict.passed for verdict in example.verdicts)
    notes = [status, f"{passed} of {len(example.verdicts)} gates passed", example.split]
    if example.refused_at is not None:
        notes.append(
            f"refused after {example.refused_at} calls" if example.refused_at else "refused at once"
        )
    footer = Text(" · ".join(notes), style="dim")
    return Panel(
        Group(*(part for message in messages for part in message_parts(message)), footer),
        title=f"[{colour}]{result.intent.value}[/] · {escape(chain.category)} / {escape(chain.subcategory)} · {escape(chain.name)}",
        subtitle=f"[dim]{example.id}[/]",
        title_align="left",
        subtitle_align="right",
        border_style=colour,
    )


def _rejected_panel(example: Example) -> Panel:
    """Draw the response that a model should not give, from where it goes another way."""
    assert example.rejected is not None  # noqa: S101 - the caller shows nothing else
    good, bad = example.response.messages, example.rejected.messages
    same = sum(1 for _ in itertools.takewhile(_alike, zip(good, bad, strict=False)))
    kind = (example.rejected_as or "").replace("_", " ")
    return Panel(
        Group(*(part for message in bad[same:] for part in message_parts(message))),
        title=f"rejected: {kind}",
        title_align="left",
        border_style="dim",
    )


def _alike(pair: tuple[BaseMessage, BaseMessage]) -> bool:
    return pair[0].model_dump(exclude={"id"}) == pair[1].model_dump(exclude={"id"})


def message_parts(message: BaseMessage, safe: Callable[[str], str] = str) -> list[Padding]:
    """Draw a message; ``safe`` is applied to every text of it."""
    text = safe(_shortened(message_text(message)))
    if isinstance(message, HumanMessage):
        return [_spoken("user", text, "bold cyan")]
    if isinstance(message, ToolMessage):
        style = "red" if message.status == "error" else "dim"
        return [Padding(Text(f"→ {_compact(text)}", style=style), (0, 0, 0, 4))]
    if isinstance(message, AIMessage):
        calls = [
            Padding(
                Text(
                    safe(f"{call['name']}({_shortened(_arguments(call['args']))})"), style="magenta"
                ),
                (0, 0, 0, 2),
            )
            for call in message.tool_calls
        ]
        return ([_spoken("assistant", text, "bold")] if text else []) + calls
    return [_spoken("system", text, "dim")]


def _spoken(who: str, text: str, style: str) -> Padding:
    # Text, never markup: the data is full of hostile strings.
    return Padding(
        Text.assemble((f"{who}  ", style), text), (0, 0, 1 if who != "assistant" else 0, 0)
    )


def _arguments(arguments: dict[str, Any]) -> str:
    return ", ".join(
        f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in arguments.items()
    )


def _compact(text: str) -> str:
    return " ".join(text.split())


def _shortened(text: str) -> str:
    return text if len(text) <= _LONG else f"{text[:_LONG]} … ({len(text)} characters)"

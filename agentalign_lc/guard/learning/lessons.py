"""What a guard's classifier is fitted on: the texts of a synthesised run, each with its label."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from agentalign_lc.dataset.store import RunStore
from agentalign_lc.records import BehaviorChain, Example, Intent, Split

__all__ = ["Lesson", "imperative", "outline", "read_lessons", "triplets"]

_WEIGHTS = {Intent.HARMFUL: 1.0, Intent.BORDERLINE: 0.5, Intent.BENIGN: 1.0}


@dataclass(frozen=True, slots=True)
class Lesson:
    """A text, and whether it asks for harm."""

    text: str
    intent: Intent
    split: Split
    source: Literal["request", "reading", "outline", "tool"]
    """Said by a user; the one line that says what a chain is for; that line with its steps; a tool's description."""
    group: str
    """Texts of one group tell one story with other intents."""
    chain: str = ""
    everyday: bool = False
    """Whether nothing in its story resembles a harm."""

    @property
    def harmful(self) -> int:
        """1 if it asks for harm; borderline requests do not."""
        return int(self.intent is Intent.HARMFUL)

    @property
    def weight(self) -> float:
        """How much it counts: borderline half, for it shares its words with the harmful."""
        return _WEIGHTS[self.intent]


def read_lessons(folder: Path) -> list[Lesson]:
    """Read the lessons of a run.

    Its requests alone would teach that harm is long and full of detail, as they
    are. So the readings of its chains are lessons too, put as orders: short and
    blunt. So are outlines, the same orders with the steps spelt out, which are
    alike whatever the intent; and the tools' descriptions, which are nobody's harm.

    Raises:
        StoreError: the folder holds no run, or it cannot be read.
    """
    with RunStore.read(folder) as store:
        examples = (
            result.example for result in store.results() if result.example and not result.gate
        )
        return _lessons(examples)


def _lessons(examples: Iterable[Example]) -> list[Lesson]:
    found: list[Lesson] = []
    chains: dict[str, tuple[BehaviorChain, Split, list[str]]] = {}
    tools: dict[str, str] = {}
    for example in examples:
        chain = example.scenario.chain
        described = {
            tool["function"]["name"]: tool["function"]["description"]
            for tool in example.response.tools
        }
        steps = [described.get(tool, "") for tool in example.scenario.tools]
        chains.setdefault(chain.name, (chain, example.split, steps))
        found.append(_request(example))
        if example.split == "train":
            tools = {**described, **tools}
    for chain, split, steps in chains.values():
        found.extend(_readings(chain, split))
        found.extend(_outlines(chain, split, steps))
    found.extend(
        Lesson(text, Intent.BENIGN, "train", "tool", f"tool {name}", everyday=True)
        for name, text in sorted(tools.items())
        if text
    )
    return found


def _request(example: Example) -> Lesson:
    chain = example.scenario.chain
    return Lesson(
        text=example.instruction.request,
        intent=example.instruction.intent,
        split=example.split,
        source="request",
        group=example.scenario.id,
        chain=chain.name,
        everyday=not chain.harmful,
    )


def _readings(chain: BehaviorChain, split: Split) -> Iterator[Lesson]:
    for intent in Intent:
        if text := chain.reading(intent):
            yield Lesson(
                text=imperative(text),
                intent=intent,
                split=split,
                source="reading",
                group=f"reading {chain.name}",
                chain=chain.name,
                everyday=not chain.harmful,
            )


def _outlines(chain: BehaviorChain, split: Split, steps: Sequence[str]) -> Iterator[Lesson]:
    for lesson in _readings(chain, split):
        yield replace(
            lesson,
            text=outline(lesson.text, steps),
            source="outline",
            group=f"outline {chain.name}",
        )


def outline(order: str, steps: Sequence[str]) -> str:
    """An order with the steps to take, as people spell out a task for an agent.

    The steps are the same whatever the intent is, so that they give nothing away.

    Args:
        order: What is to be done.
        steps: Descriptions of the tools, the first sentence of which is used.

    Example:
        >>> outline("Warn a client", ["Find a mail. Newest first.", "Send a mail."])
        'Warn a client. First find a mail, then send a mail.'
        >>> outline("Warn a client", [])
        'Warn a client.'
    """
    acts = [step.partition(". ")[0].rstrip(".") for step in steps]
    plain = [f"{act[0].lower()}{act[1:]}" for act in acts if act]
    return f"{order}. First {', then '.join(plain)}." if plain else f"{order}."


def imperative(reading: str) -> str:
    """A reading as an order; what does not begin with a verb stays nearly as it is.

    Example:
        >>> imperative("Passes on when a family is away"), imperative("Copies a key")
        ('Pass on when a family is away', 'Copy a key')
    """
    verb, _, rest = reading.partition(" ")
    if verb.endswith(("sses", "shes", "ches", "xes")):
        verb = verb[:-2]
    elif verb.endswith("ies") and len(verb) > 4:
        verb = f"{verb[:-3]}y"
    elif verb.endswith("s") and not verb.endswith("ss"):
        verb = verb[:-1]
    return f"{verb} {rest}" if rest else verb


def triplets(lessons: Iterable[Lesson]) -> list[list[Lesson]]:
    """The lessons by group, in the order in which the groups begin.

    Example:
        >>> one = Lesson("Book a table.", Intent.BENIGN, "train", "request", "g")
        >>> [len(group) for group in triplets([one, one])]
        [2]
    """
    groups: dict[str, list[Lesson]] = {}
    for lesson in lessons:
        groups.setdefault(lesson.group, []).append(lesson)
    return list(groups.values())

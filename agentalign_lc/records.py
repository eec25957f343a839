"""The nouns of the project: frozen records, ids derived from content.

Read this file first. A *behavior chain* says what a harm is made of; a
*scenario* makes it concrete; three *instructions* ask for it (harmful,
borderline, benign); each leads to a *trajectory*; what passes the gates is an
*example*. After AgentAlign (arXiv 2505.23020), section 3.
"""

from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from langchain_core.messages import AIMessage, ToolMessage
from pydantic import Field, JsonValue, computed_field

from agentalign_lc.errors import one_line
from agentalign_lc.messages import Message, message_text
from agentalign_lc.record import Record
from agentalign_lc.seeds import content_id
from agentalign_lc.styles import Style

__all__ = [
    "CANARY",
    "BehaviorChain",
    "Capability",
    "Effect",
    "Example",
    "ExpectedCall",
    "HarmCategory",
    "Instruction",
    "Intent",
    "Note",
    "Outcome",
    "Person",
    "Provenance",
    "Record",
    "Result",
    "Scenario",
    "Split",
    "Status",
    "Step",
    "Subcategory",
    "Trajectory",
    "Twist",
    "Verdict",
]

CANARY = "agentalign-lc canary 5f2f1a0e-7c1d-4b0e-9a53-d1c40f8e6b77: keep out of evaluation corpora"
"""Travels with every data set, so that contamination can be searched for."""

_Line = Annotated[str, Field(max_length=200)]


class Intent(StrEnum):
    """What a request is after."""

    HARMFUL = "harmful"
    BORDERLINE = "borderline"
    BENIGN = "benign"


class Effect(StrEnum):
    """What an action does to the world outside the agent."""

    READ = "read"
    WRITE = "write"
    TRANSMIT = "transmit"
    TRANSFER = "transfer"
    EXECUTE = "execute"


class Subcategory(Record):
    """One kind of harm inside a category."""

    name: str
    description: str


class HarmCategory(Record):
    """One of the eight first-tier categories of harm."""

    name: str
    description: str
    subcategories: tuple[Subcategory, ...]


class Capability(Record):
    """An abstract action, such as ``communication.send_email``."""

    name: str
    """``suite.capability``"""
    effect: Effect
    description: str
    actions: dict[str, tuple[str, ...]]
    """The things that can be done with it, each with its fields; ``cc?`` may be left out."""

    def needed(self, action: str) -> set[str]:
        """The fields that a call must be given."""
        return {field for field in self.actions[action] if not field.endswith("?")}

    def accepted(self, action: str) -> set[str]:
        """All fields that a call may be given."""
        return {field.rstrip("?") for field in self.actions[action]}


class Step(Record):
    """One step of a chain: a capability, and which of its actions."""

    capability: str
    action: str

    def __str__(self) -> str:
        return f"{self.capability}:{self.action}"


class BehaviorChain(Record):
    """One to six steps that amount to a harm, and three readings of the same steps."""

    name: str
    category: str
    subcategory: str
    steps: Annotated[tuple[Step, ...], Field(min_length=1, max_length=6)]
    harmful: _Line
    """One line: what the steps are for when the intent is harmful."""
    borderline: _Line
    benign: _Line

    @computed_field  # type: ignore[prop-decorator]
    @cached_property
    def id(self) -> str:
        """Content id of the chain."""
        return content_id("chain", self.model_dump(mode="json", exclude={"id"}))

    @property
    def capabilities(self) -> tuple[str, ...]:
        """The sequence of capabilities, which is what makes two chains alike."""
        return tuple(step.capability for step in self.steps)

    def reading(self, intent: Intent) -> str:
        """The one-line reading for an intent."""
        return str(getattr(self, intent.value))


class Person(Record):
    """Somebody invented who lives in a scenario's world; all addresses are reserved ones."""

    first: str
    last: str
    email: str
    phone: str
    handle: str
    city: str

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first} {self.last}"


class Twist(Record):
    """What does not go as planned in a scenario's world."""

    kind: Literal["fault", "injection"]
    tool: str
    """The tool that fails, or whose result carries the injected instruction."""
    code: str = ""
    """For a fault: what the tool reports; ``partial`` cuts its result short."""
    times: int = 1
    text: str
    """What the tool says, or the injected instruction."""
    goal: str = ""
    """For an injection: the capability that the attacker wants used."""
    marker: str = ""
    """A value that only a call that follows the injection would carry."""


class ExpectedCall(Record):
    """A tool call that an instruction should lead to.

    Argument strings may point into the result of an earlier call,
    ``{step1.results.0.url}``, where a user could not know the value.
    """

    tool: str
    arguments: dict[str, JsonValue]


class Scenario(Record):
    """A chain made concrete: tools, people, slot values and the world's seed."""

    index: int
    seed: str
    """Seed of everything inside the scenario, the world included."""
    ordinal: int
    """How often the run has used this chain before; phrasings rotate by it."""
    chain: BehaviorChain
    tools: tuple[str, ...]
    """One tool for each step, in order."""
    distractors: tuple[str, ...]
    """Tools that are offered and not needed."""
    user: Person
    contacts: tuple[Person, ...]
    slots: dict[str, dict[str, str]]
    """Values for the slots of the chain's phrasings: slot, field, text."""
    fixtures: dict[str, tuple[dict[str, JsonValue], ...]]
    """Rows that the world starts with besides its own, by collection."""
    twist: Twist | None = None
    """A fault or an injected instruction; most scenarios have none."""
    style: Style = Style()
    """How its requests are worded."""
    opening: tuple[ExpectedCall, ...] = ()
    """The calls that lead to a note, where the request stands in one and is only pointed to."""

    @computed_field  # type: ignore[prop-decorator]
    @cached_property
    def id(self) -> str:
        """Content id of the scenario."""
        return content_id("scenario", self.model_dump(mode="json", exclude={"id", "index"}))

    @property
    def offered(self) -> tuple[str, ...]:
        """All tools that the agent sees, in an order that gives nothing away."""
        return tuple(sorted({*self.tools, *self.distractors, *(c.tool for c in self.opening)}))


class Provenance(Record):
    """Who wrote something, so that a row can be traced to its maker."""

    role: str
    writer: str
    """``embedded``, or the model's name."""
    prompt: str | None = None
    """Name and version of the prompt file, for prompted roles."""


class Note(Record):
    """A text of the user's own, a file or a page, that a request only points to."""

    place: str
    text: str


class Instruction(Record):
    """What the user says, and the calls that it should lead to."""

    scenario: str
    """Id of the scenario."""
    intent: Intent
    text: str
    """All that the user says."""
    turns: tuple[str, ...] = ()
    """The text by user turns, if it is said in several: turn *n* asks for call *n*, the last for the rest."""
    frame: str = ""
    """What stands around the request, with ``{request}`` in its place; empty if nothing does."""
    phrasing: int | None = None
    """Which of the reading's phrasings it is, if it is one of them."""
    note: Note | None = None
    """Where the request proper stands, if the user only points to it."""
    shows_at: int = 0
    """Number of tool calls after which it shows what the request is for; 0 if it says so itself."""
    calls: tuple[ExpectedCall, ...]
    author: Provenance

    @computed_field  # type: ignore[prop-decorator]
    @cached_property
    def id(self) -> str:
        """Content id of the instruction."""
        return content_id("instruction", self.model_dump(mode="json", exclude={"id"}))

    @property
    def request(self) -> str:
        """What is asked, wherever it stands: said, or in a note that is only pointed to."""
        return self.note.text if self.note else self.text

    @property
    def said(self) -> tuple[str, ...]:
        """What the user says, turn by turn."""
        return self.turns or (self.text,)

    def asked(self, turns: int) -> int:
        """How many of the calls have been asked for after so many user turns."""
        return turns if turns < len(self.said) else len(self.calls)


Split = Literal["train", "dev", "test", "test_tools", "test_chains"]
"""``test_tools`` has tools, ``test_chains`` capability sequences, that training never saw."""


class Outcome(StrEnum):
    """What a gate or a judge found."""

    PASS = "pass"  # noqa: S105 - an outcome, not a secret
    FAIL = "fail"
    UNKNOWN = "unknown"  # the judge broke or could not tell; never becomes a label


class Verdict(Record):
    """The finding of one gate or judge."""

    gate: str
    outcome: Outcome
    reason: str = ""
    score: float | None = None

    @property
    def passed(self) -> bool:
        """Whether the outcome is ``pass``; ``unknown`` is not."""
        return self.outcome is Outcome.PASS


class Trajectory(Record):
    """A run of an agent: messages as LangChain made them, tools, what changed."""

    messages: tuple[Message, ...]
    tools: tuple[dict[str, Any], ...]
    """Schemas of the tools offered, in OpenAI function form."""
    changes: tuple[dict[str, JsonValue], ...] = ()
    """What the calls did to the world: operation, collection, key, row."""
    seconds: float = 0.0
    """By the world's own clock."""
    usage: dict[str, int] = Field(default_factory=dict)
    """Tokens, where the provider reports them."""
    stopped: str = "answer"
    """``answer``, or ``turns`` when the turn limit ended the run."""

    @property
    def calls(self) -> tuple[tuple[dict[str, Any], ToolMessage | None], ...]:
        """Every tool call with the message that answered it, in order."""
        answers = {m.tool_call_id: m for m in self.messages if isinstance(m, ToolMessage)}
        return tuple(
            (dict(call), answers.get(call["id"] or ""))
            for message in self.messages
            if isinstance(message, AIMessage)
            for call in message.tool_calls
        )

    @property
    def answer(self) -> str:
        """The last thing the assistant said; empty if it did not end with words."""
        last = self.messages[-1] if self.messages else None
        return message_text(last) if isinstance(last, AIMessage) else ""


class Example(Record):
    """One row of the data set: a request and the response that a model should learn."""

    scenario: Scenario
    instruction: Instruction
    response: Trajectory
    """A working run for benign and borderline, a refusal for harmful requests."""
    refused_at: int | None = None
    """Number of tool calls before the refusal; None where the request was carried out."""
    rejected: Trajectory | None = None
    """The response that a model should not give; its tools are the response's and not repeated."""
    rejected_as: Literal["complied", "over_refused", "followed_injection"] | None = None
    """What is wrong with the rejected response."""
    verdicts: tuple[Verdict, ...]
    split: Split = "train"
    provenance: tuple[Provenance, ...]
    version: str
    """Version of the package that made the row."""

    @computed_field  # type: ignore[prop-decorator]
    @cached_property
    def id(self) -> str:
        """Content id: the same instruction and response give the same id."""
        return content_id(
            "example",
            [self.instruction.id, self.response.model_dump(mode="json", exclude={"tools"})],
        )


class Status(StrEnum):
    """How one planned instruction ended."""

    KEPT = "kept"
    REJECTED = "rejected"
    FAILED = "failed"


class Result(Record):
    """How one planned instruction ended, and why; planned = kept + rejected + failed."""

    index: int
    intent: Intent
    status: Status
    gate: str = ""
    """The gate that rejected it, or the stage in which it failed."""
    reason: str = ""
    example: Example | None = None
    """Present when kept, and when rejected after a response was made."""

    @classmethod
    def failed(cls, index: int, intent: Intent, stage: str, reason: str) -> Self:
        """Record a failure; the reason is one line."""
        line = one_line(reason, 500)
        return cls(index=index, intent=intent, status=Status.FAILED, gate=stage, reason=line)

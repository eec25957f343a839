"""Guard models: models trained to say ``safe`` or ``unsafe``, asked in the shape they know."""

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from agentalign_lc.errors import AnswerError
from agentalign_lc.guard.judges.material import shortened
from agentalign_lc.guard.judges.quiet import quiet_config, quieted
from agentalign_lc.guard.opinion import Opinion, allow, refuse
from agentalign_lc.guard.view import Checkpoint, View
from agentalign_lc.messages import message_text
from agentalign_lc.roles.prompted import call, call_sync, load_model, model_name
from agentalign_lc.seeds import canonical_json

__all__ = [
    "HAZARDS",
    "LlamaGuardJudge",
    "Rating",
    "conversation",
    "read_safe_unsafe",
    "read_yes_no",
]

HAZARDS = {
    "S1": "violent_crimes",
    "S2": "non_violent_crimes",
    "S3": "sex_crimes",
    "S4": "child_exploitation",
    "S5": "rumor_spreading",
    "S6": "specialized_advice",
    "S7": "privacy_invasion",
    "S8": "copyright_violation",
    "S9": "indiscriminate_weapons",
    "S10": "hate",
    "S11": "suicide",
    "S12": "sexual_content",
    "S13": "fact_distortion",
    "S14": "system_intrusion",
}
"""Hazards of Llama Guard 3 and 4 (MLCommons, and code interpreter abuse): the subcategory that
each comes nearest to, or a name of its own where the taxonomy has none."""

_LONG = 6000
"""Characters of one message; guard models have short windows."""


@dataclass(frozen=True, slots=True)
class Rating:
    """What a guard model said."""

    unsafe: bool
    hazards: tuple[str, ...] = ()


def read_safe_unsafe(text: str) -> Rating:
    r"""Read the answer of a Llama Guard.

    Raises:
        AnswerError: it is neither ``safe`` nor ``unsafe``.

    Example:
        >>> read_safe_unsafe("\n\nunsafe\nS2,S7")
        Rating(unsafe=True, hazards=('S2', 'S7'))
    """
    found = re.fullmatch(r"(safe|unsafe)((?:[\s,]+S\d{1,2})*)", text.strip(), re.IGNORECASE)
    # Hazards of something safe contradict it.
    if not found or (found[1].lower() == "safe" and found[2]):
        raise AnswerError(f"the guard model said neither safe nor unsafe: {_line(text)!r}")
    return Rating(found[1].lower() == "unsafe", tuple(re.findall(r"S\d+", found[2].upper())))


def read_yes_no(text: str) -> Rating:
    """Read the answer of a model such as ShieldGemma, where yes means a violation.

    Raises:
        AnswerError: it is neither yes nor no.

    Example:
        >>> read_yes_no("Yes").unsafe
        True
    """
    word = text.strip().rstrip(".").lower()
    if word not in ("yes", "no"):
        raise AnswerError(f"the guard model said neither yes nor no: {_line(text)!r}")
    return Rating(word == "yes")


class LlamaGuardJudge:
    r"""Gives the conversation to a guard model and reads what it says.

    The server's chat template puts the conversation into the model's own prompt
    (vLLM, Ollama, Groq and others do), so only user and assistant turns are
    sent, in alternation. Calls and their results stand in the assistant's turns
    as text. It judges the last turn: the request, or what the assistant does.

    Guard models were made for chats: they see harmful words, not injected
    instructions or harm over several steps. Use it beside other judges.

    Args:
        model: The guard model, or its name as ``provider:name``.
        read: Reads its answer; ``read_yes_no`` for ShieldGemma and its like.
        hazards: What its hazard codes are called in opinions.
        checkpoints: Where it is asked.
        base_url: Where the model is served, if it is given by name.
        name: Its name in opinions.

    Raises:
        ConfigError: the model cannot be made.

    Example:
        >>> from langchain_core.language_models import FakeListChatModel
        >>> from agentalign_lc.guard.view import look
        >>> judge = LlamaGuardJudge(FakeListChatModel(responses=["unsafe\nS7"]))
        >>> judge.judge(look([HumanMessage("Where does she live?")]), "request").category
        'privacy_invasion'
    """

    def __init__(
        self,
        model: str | BaseChatModel,
        *,
        read: Callable[[str], Rating] = read_safe_unsafe,
        hazards: dict[str, str] = HAZARDS,
        checkpoints: Iterable[Checkpoint] = ("request", "calls", "arguments", "answer"),
        base_url: str | None = None,
        name: str = "guard_model",
    ) -> None:
        self._model = quieted(load_model(model, base_url))
        self._read = read
        self._hazards = hazards
        self.name = name
        self.checkpoints = frozenset(checkpoints)
        self.source = model_name(self._model)

    def judge(self, view: View, checkpoint: Checkpoint) -> Opinion:
        """Ask, and wait.

        Raises:
            AnswerError: the answer is none that such a model gives.
            AccessError: the key was refused.
            RoleError: the call failed for good.
        """
        turns = conversation(view, checkpoint)
        return self._opinion(call_sync(self._model, turns, quiet_config()))

    async def ajudge(self, view: View, checkpoint: Checkpoint) -> Opinion:
        """Ask; raises what ``judge`` raises."""
        turns = conversation(view, checkpoint)
        return self._opinion(await call(self._model, turns, quiet_config()))

    def _opinion(self, answer: AIMessage) -> Opinion:
        rating = self._read(message_text(answer))
        score = _unsafe_probability(answer, unsafe=rating.unsafe)
        if not rating.unsafe:
            return allow(self.name, score=score)
        names = [self._hazards.get(code, code) for code in rating.hazards]
        reason = f"the guard model found it unsafe: {', '.join(names) or 'no hazard named'}"
        return refuse(self.name, reason, category=names[0] if names else "", score=score)


def conversation(view: View, checkpoint: Checkpoint) -> list[BaseMessage]:
    """Turn a view into user and assistant turns, the judged one last.

    Example:
        >>> from agentalign_lc.guard.view import look
        >>> call = {"name": "pay", "args": {"to": "Ana"}, "id": "1"}
        >>> seen = look([HumanMessage("Pay Ana."), AIMessage("", tool_calls=[call])])
        >>> [(turn.type, turn.content) for turn in conversation(seen, "calls")]
        [('human', 'Pay Ana.'), ('ai', 'I call pay with {"to":"Ana"}')]
    """
    said = [(isinstance(m, HumanMessage), _words(m)) for m in view.messages]
    said = [(user, text) for user, text in said if text]
    if checkpoint == "request":
        while said and not said[-1][0]:
            said.pop()
    turns: list[BaseMessage] = []
    for user, group in groupby(said, key=lambda turn: turn[0]):
        text = "\n".join(words for _, words in group)
        turns.append(HumanMessage(text) if user else AIMessage(text))
    # The templates want the user to begin.
    if not turns or isinstance(turns[0], AIMessage):
        turns.insert(0, HumanMessage("(nothing said)"))
    return turns


def _words(message: BaseMessage) -> str:
    text = shortened(message_text(message), _LONG)
    if isinstance(message, HumanMessage):
        return text
    if isinstance(message, ToolMessage):
        return f"The tool returned: {text}"
    if isinstance(message, AIMessage):
        calls = (f"I call {c['name']} with {_shown(c['args'])}" for c in message.tool_calls)
        return "\n".join(filter(None, (text, *calls)))
    return ""  # the system's words are the app's own


def _shown(arguments: dict[str, Any]) -> str:
    try:
        text = canonical_json(arguments)
    except (TypeError, ValueError, RecursionError):
        text = f"({len(arguments)} arguments that cannot be shown)"
    return shortened(text, _LONG)


def _unsafe_probability(answer: AIMessage, *, unsafe: bool) -> float | None:
    """The probability that the model gave to its first word, where it was asked for."""
    logprobs = (answer.response_metadata.get("logprobs") or {}).get("content") or ()
    tokens: Sequence[dict[str, Any]] = [t for t in logprobs if str(t.get("token", "")).strip()]
    if not tokens or not isinstance(tokens[0].get("logprob"), int | float):
        return None
    said = min(1.0, math.exp(tokens[0]["logprob"]))
    return said if unsafe else 1.0 - said


def _line(text: str) -> str:
    return " ".join(text.split())[:80]

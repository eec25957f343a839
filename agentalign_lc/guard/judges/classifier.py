"""The fitted classifier as a judge: how probably the request asks for harm."""

import asyncio
from functools import lru_cache
from pathlib import Path
from typing import Self

from agentalign_lc.errors import ConfigError
from agentalign_lc.guard.learning.classifier import Classifier, load_classifier, shipped_classifier
from agentalign_lc.guard.opinion import Finding, Opinion, refuse
from agentalign_lc.guard.view import Checkpoint, View
from agentalign_lc.records import Effect

__all__ = ["ClassifierJudge"]

_REMEMBERED = 512
_TURNS = 6
_LONGEST = 20_000


class ClassifierJudge:
    """Refuses where it is sure of harm, allows where it is sure of none, else says unsure.

    It reads what the user said: the last turn by itself, and the last six in
    one, for a request may be split. Before calls it is asked again, about the
    same text, which costs nothing: each text is scored once. There it allows
    calls that only read; with anything else it leaves the last word to a later
    judge, because what a tool returned may have changed the plan.

    Args:
        classifier: A fitted one; by default the one that comes with the package.
        refuse: Probability from which on it refuses, instead of the classifier's own.
        allow: Probability up to which it allows, instead of the classifier's own.

    Raises:
        ConfigError: the thresholds are not 0 <= allow <= refuse <= 1.

    Example:
        >>> from langchain_core.messages import HumanMessage
        >>> from agentalign_lc.guard.view import look
        >>> judge = ClassifierJudge(shipped_classifier("ngrams"))
        >>> judge.judge(look([HumanMessage("What is the weather in Lisbon?")]), "request").finding
        <Finding.ALLOW: 'allow'>
    """

    name = "classifier"
    settles = True
    """What it is sure of, no dearer judge is asked about."""
    checkpoints: frozenset[Checkpoint] = frozenset({"request", "calls"})

    def __init__(
        self,
        classifier: Classifier | None = None,
        *,
        refuse: float | None = None,
        allow: float | None = None,
    ) -> None:
        self.classifier = classifier or shipped_classifier()
        calibration = self.classifier.calibration
        self.refuse_from = calibration.refuse if refuse is None else refuse
        self.allow_to = min(calibration.allow, self.refuse_from) if allow is None else allow
        if not 0 <= self.allow_to <= self.refuse_from <= 1:
            raise ConfigError(
                f"thresholds must be 0 <= allow <= refuse <= 1, not {self.allow_to} and {self.refuse_from}"
            )
        # By content, so that a run, its resumption and its retries pay once.
        self._probability = lru_cache(_REMEMBERED)(self._score)

    @classmethod
    def load(cls, path: Path | str | None = None) -> Self:
        """Make the judge of a file that ``agentalign guard fit`` wrote, or of the shipped one.

        Raises:
            ConfigError: it cannot be read, or what it needs is not installed.
        """
        return cls(None if path is None else load_classifier(Path(path)))

    def probability(self, view: View) -> float:
        """How probably the user asks for harm; 0 if nothing was said."""
        return max((self._probability(text) for text in _texts(view)), default=0.0)

    def forget(self) -> None:
        """Forget the texts that were scored, so that the next one costs what a new one costs."""
        self._probability.cache_clear()

    def judge(self, view: View, checkpoint: Checkpoint) -> Opinion:
        """Say what it finds."""
        found = self.probability(view)
        if found >= self.refuse_from:
            reason = f"the request reads as harmful ({found:.2f}; sure from {self.refuse_from:.2f})"
            return refuse(self.name, reason, score=found)
        sure = found <= self.allow_to and (checkpoint == "request" or _only_reads(view))
        return Opinion(
            judge=self.name,
            finding=Finding.ALLOW if sure else Finding.UNSURE,
            reason=f"harmful with probability {found:.2f}",
            score=found,
        )

    async def ajudge(self, view: View, checkpoint: Checkpoint) -> Opinion:
        """Say what it finds; the encoder computes beside the event loop."""
        if self.classifier.kind == "ngrams":
            return self.judge(view, checkpoint)
        return await asyncio.to_thread(self.judge, view, checkpoint)

    def _score(self, text: str) -> float:
        return self.classifier.probabilities([text])[0]


def _texts(view: View) -> tuple[str, ...]:
    """The last turn, and with it the turns before."""
    said = [text for text in view.said if text.strip()]
    if not said:
        return ()
    whole = "\n".join(said[-_TURNS:])
    # A long conversation's end is what is being asked for now.
    texts = (said[-1][:_LONGEST], whole[-_LONGEST:])
    return texts[:1] if len(said) == 1 else texts


def _only_reads(view: View) -> bool:
    return all(view.tool(call.tool).effect is Effect.READ for call in view.pending)

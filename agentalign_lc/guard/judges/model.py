"""The judge that asks a chat model, for what rules and chains leave open."""

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Literal

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage
from pydantic import BaseModel, Field

from agentalign_lc.guard.judges.material import material
from agentalign_lc.guard.judges.quiet import quiet_config, quieted
from agentalign_lc.guard.opinion import Opinion, allow, refuse, unsure
from agentalign_lc.guard.view import Checkpoint, View
from agentalign_lc.roles.prompted import ask, ask_sync, load_model, load_prompt, model_name
from agentalign_lc.taxonomy import load_kinds

__all__ = ["ModelJudge"]

_PROMPTS = Path(__file__).with_name("prompts")
_EVERYWHERE: tuple[Checkpoint, ...] = ("request", "calls", "arguments", "result", "answer")


class _Answer(BaseModel):
    reason: str = Field(description="One sentence: what decides it")
    harmful: Literal["yes", "no", "unsure"]
    category: str = Field(description="The kind of harm from the list, or none")
    calls: list[int] = Field(description="Numbers of the pending calls that it is about")


class ModelJudge:
    """Shows a chat model what happens and asks whether it is harmful.

    The model sees what the user said, the calls so far with their results, and
    the pending calls with what their tools do; long texts are cut in the middle,
    and all of it is marked as data. What the model says itself reaches no stream
    of the app.

    Args:
        model: Any chat model, or its name as ``provider:name``. Give it a timeout
            of its own below the policy's: what is given up here is not stopped
            at the provider.
        checkpoints: Where it is asked.
        tries: How often to ask for a valid answer.
        base_url: Where the model is served, if it is given by name.
        name: Its name in opinions.

    Raises:
        ConfigError: the model cannot be made.

    Example:
        >>> from langchain_core.language_models import FakeListChatModel
        >>> from langchain_core.messages import HumanMessage
        >>> from agentalign_lc.guard.view import look
        >>> said = '{"reason": "A poem.", "harmful": "no", "category": "none", "calls": []}'
        >>> judge = ModelJudge(FakeListChatModel(responses=[said]))
        >>> judge.judge(look([HumanMessage("A poem, please.")]), "request").finding
        <Finding.ALLOW: 'allow'>
    """

    def __init__(
        self,
        model: str | BaseChatModel,
        *,
        checkpoints: Iterable[Checkpoint] = _EVERYWHERE,
        tries: int = 2,
        base_url: str | None = None,
        name: str = "model",
    ) -> None:
        self._model = quieted(load_model(model, base_url))
        self._prompt = load_prompt("judge", _PROMPTS)
        self._tries = tries
        self.name = name
        self.checkpoints = frozenset(checkpoints)
        self.source = f"{model_name(self._model)} {self._prompt.label}"
        """The model, and the prompt with its version."""

    def judge(self, view: View, checkpoint: Checkpoint) -> Opinion:
        """Ask, and wait.

        Raises:
            AnswerError: no valid answer came, or the model refused to judge.
            AccessError: the key was refused.
            RoleError: the call failed for good.
        """
        messages = self._question(view, checkpoint)
        answer = ask_sync(self._model, messages, _Answer, self._tries, quiet_config())
        return self._opinion(answer, view)

    async def ajudge(self, view: View, checkpoint: Checkpoint) -> Opinion:
        """Ask; raises what ``judge`` raises."""
        messages = self._question(view, checkpoint)
        answer = await ask(self._model, messages, _Answer, self._tries, quiet_config())
        return self._opinion(answer, view)

    def _question(self, view: View, checkpoint: Checkpoint) -> list[BaseMessage]:
        return self._prompt.render(
            checkpoint=checkpoint, material=material(view, checkpoint), categories=_kinds()
        )

    def _opinion(self, answer: _Answer, view: View) -> Opinion:
        reason = " ".join(answer.reason.split())[:500]
        if answer.harmful == "unsure":
            return unsure(self.name, reason)
        if answer.harmful == "no":
            return allow(self.name, reason)
        return refuse(
            self.name,
            reason or "the model found it harmful",
            category=answer.category if answer.category in _kinds() else "",
            calls=_ids(answer.calls, view),
        )


def _ids(numbers: list[int], view: View) -> tuple[str, ...]:
    pending = dict(enumerate(view.pending, 1))
    ids = tuple(pending[n].id if n in pending else "" for n in sorted(set(numbers)))
    # A call that cannot be named: better all of them than the wrong ones.
    return ids if all(ids) else ()


@lru_cache(maxsize=1)
def _kinds() -> tuple[str, ...]:
    return tuple(load_kinds())

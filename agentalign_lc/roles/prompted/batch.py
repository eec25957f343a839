"""Asking many: thousands of structured questions to one endpoint, as fast as it allows."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage, HumanMessage
from pydantic import BaseModel

from agentalign_lc.endpoints.endpoint import Endpoint
from agentalign_lc.endpoints.endpoints import Endpoints
from agentalign_lc.endpoints.journal import Spend
from agentalign_lc.endpoints.local_budget import LocalBudget
from agentalign_lc.endpoints.spending import Spending
from agentalign_lc.errors import RoleError, StopError
from agentalign_lc.roles.prompted.batch_file import BatchFile, BatchSink
from agentalign_lc.roles.prompted.model import ask
from agentalign_lc.workers.loop import run_loop
from agentalign_lc.workers.run import run_job
from agentalign_lc.workers.workforce import Workforce

__all__ = ["Batch", "Conversation", "ask_many"]

AnswerT = TypeVar("AnswerT", bound=BaseModel)

Conversation = str | Sequence[BaseMessage]
"""What is asked: messages, or what a user says."""

_AHEAD = 2
"""Rows in work for each call that may be in flight: while some are saved or wait for another try, others
are asked."""


@dataclass(frozen=True)
class Batch(Generic[AnswerT]):
    """What came of many questions."""

    answers: tuple[AnswerT | RoleError, ...]
    """In the order of the questions; an error where no valid answer came."""
    spending: tuple[Spending, ...]
    """Calls, retries by reason, tokens and cost; one entry, if anything was asked."""

    @property
    def failed(self) -> int:
        """How many questions have no answer."""
        return sum(isinstance(answer, RoleError) for answer in self.answers)


def ask_many(  # noqa: PLR0913 - each is something that a caller may bring along
    model: str | BaseChatModel,
    conversations: Sequence[Conversation],
    answer: type[AnswerT],
    *,
    endpoints: Endpoints | None = None,
    workers: int = 1,
    tries: int = 3,
    max_cost: float | None = None,
    max_tokens: int | None = None,
    journal: Path | None = None,
    report: Callable[[int], None] = lambda _: None,
) -> Batch[AnswerT]:
    """Ask a model for many structured answers.

    Rate limits, server errors, resets and hangs are waited out and tried
    again; what fails for good is an error in its place, and stops nothing.

    Args:
        model: The model, as ``provider:name``, a name of the models file, or a chat model.
        conversations: What is asked.
        answer: The pydantic model that each answer must satisfy.
        endpoints: Where models are: base URL, files of models and prices, and the limits,
            of which ``concurrency`` is how many calls are in flight at a time.
        workers: Processes that ask; they share the limits. With more than one, ``answer`` must stand
            in a module, and a script needs its ``if __name__ == "__main__":``.
        tries: How often a question is asked whose answer is not valid.
        max_cost: US dollars that may be used; what was journalled before counts.
        max_tokens: Tokens that may be used.
        journal: A file that keeps each answer when it comes. A second run with the same file asks
            only what has no answer yet; rows may have been added.
        report: Called with the number of rows that are done.

    Raises:
        ConfigError: the model or a number cannot be used.
        StopError: no later call can succeed; with a journal, what was answered is kept.

    Example:
        >>> from langchain_core.language_models import GenericFakeChatModel
        >>> from langchain_core.messages import AIMessage
        >>> class Finding(BaseModel):
        ...     harmful: bool
        >>> model = GenericFakeChatModel(messages=iter([AIMessage('{"harmful": true}')] * 2))
        >>> batch = ask_many(model, ["Wipe her laptop.", "Wipe it for me."], Finding)
        >>> batch.answers, batch.failed
        ((Finding(harmful=True), Finding(harmful=True)), 0)
    """
    endpoints = endpoints or Endpoints()
    if max_cost is not None:
        endpoints = replace(endpoints, priced=True)
    rows = tuple(map(_messages, conversations))
    job = _AskJob(model, endpoints, rows, answer, tries)
    if rows:
        endpoints.get(model)  # what cannot be used is said here, and not by a worker
    about = f"{_name(model)} {answer.model_json_schema()}"
    with BatchFile(journal, about, rows) as file:
        sink = BatchSink(file, report)
        budget = _budget(max_cost, max_tokens, sink.spent)
        units = [unit for unit in range(len(rows)) if unit not in sink.outcomes]
        room = max(1, min(len(units), _AHEAD * endpoints.limits.concurrency))
        run_loop(run_job(job, units, sink, Workforce(workers, concurrency=room), budget))
    answers = tuple(_read(sink.outcomes[unit], answer) for unit in range(len(rows)))
    return Batch(answers, tuple(sink.spending.values()))


def _messages(conversation: Conversation) -> list[BaseMessage]:
    return [HumanMessage(conversation)] if isinstance(conversation, str) else [*conversation]


def _budget(max_cost: float | None, max_tokens: int | None, spent: Spend) -> LocalBudget | None:
    if max_cost is None and max_tokens is None:
        return None
    return LocalBudget(max_cost, max_tokens, spent)


def _name(model: str | BaseChatModel) -> str:
    return model if isinstance(model, str) else type(model).__name__


def _read(outcome: str, answer: type[AnswerT]) -> AnswerT | RoleError:
    found: Mapping[str, Any] = json.loads(outcome)
    if "error" in found:
        return RoleError(found["error"])
    return answer.model_validate(found["answer"])


@dataclass(frozen=True)
class _AskJob:
    model: str | BaseChatModel
    endpoints: Endpoints
    rows: tuple[list[BaseMessage], ...]
    answer: type[BaseModel]
    tries: int

    def start(self, workers: int) -> "_AskCrew":
        endpoint = replace(self.endpoints, workers=workers).get(self.model)
        return _AskCrew(endpoint, self)

    def lost(self, unit: int, reason: str) -> str:
        del unit
        return json.dumps({"error": reason})


@dataclass(frozen=True)
class _AskCrew:
    endpoint: Endpoint
    job: _AskJob

    async def do(self, unit: int) -> str:
        try:
            found = await ask(self.endpoint, self.job.rows[unit], self.job.answer, self.job.tries)
        except StopError:
            raise
        except RoleError as error:
            return json.dumps({"error": str(error)})
        return f'{{"answer":{found.model_dump_json(by_alias=True)}}}'

    async def close(self) -> None:
        pass

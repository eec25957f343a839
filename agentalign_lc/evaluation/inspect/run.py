"""A suite of Inspect's, run for one agent: resumed where it was left, read back as outcomes."""

import random
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from agentalign_lc.errors import ConfigError, EndpointError
from agentalign_lc.evaluation.inspect.agents import InspectAgent
from agentalign_lc.evaluation.inspect.log import ABOUT, read_log
from agentalign_lc.evaluation.outcome import Outcome
from agentalign_lc.seeds import content_id

if TYPE_CHECKING:
    from inspect_ai import Task
    from inspect_ai.model import Model

__all__ = ["Display", "inspect_model_at", "logs_folder", "run_tasks"]


Display = Literal["none", "plain", "rich", "full"]


def logs_folder(out: Path, suite: str, agent: InspectAgent, config: Mapping[str, Any]) -> Path:
    """Where the logs of an agent are; other cases of the suite have another folder."""
    name = re.sub(r"[^\w.+-]+", "_", agent.label).strip("_")
    return (
        out
        / "inspect"
        / suite
        / f"{name}-{content_id('inspect', [agent.label, dict(config)])[-8:]}"
    )


def inspect_model_at(name: str, base_url: str | None, key: str | None = None) -> "Model":
    """A model of Inspect's; at an OpenAI-compatible server if it has a base URL.

    Raises:
        ConfigError: Inspect does not know it, its client is not installed, or it has no key.
    """
    from inspect_ai.model import get_model  # noqa: PLC0415 - an extra, and slow to import

    if base_url and name.startswith("openai/"):
        # Inspect's provider for servers that speak OpenAI's dialect, but are none of OpenAI's.
        name = f"openai-api/{name}"
    try:
        return get_model(name, base_url=base_url, api_key=key)
    except Exception as error:  # Inspect's own class for it is not public
        raise ConfigError(f"Inspect cannot use the model {name}: {error}") from error


def run_tasks(
    agent: InspectAgent,
    tasks: "Iterable[Task]",
    logs: Path,
    *,
    model: "Model | None",
    seed: int = 7,
    display: Display = "none",
    options: Mapping[str, Any] | None = None,
) -> Iterator[Outcome]:
    """Run tasks, or what is left of them, and read their outcomes.

    A sample that fails is an outcome with a problem; the others go on. Samples that an earlier,
    killed process finished are in its log, and are not run again.

    Args:
        agent: Whose run it is.
        tasks: Made by a suite for this agent.
        logs: Folder of Inspect's logs, for these tasks alone.
        model: What model calls of the agent go to; None if it calls a model by itself.
        seed: Of the order in which tools are offered.
        display: Inspect's display: ``none``, ``plain``, ``rich``, ``full``.
        options: More of ``inspect_ai.eval_set``'s, such as ``limit``.
    """
    from inspect_ai import eval_set  # noqa: PLC0415 - an extra, and slow to import

    # What AgentHarm prints is no result; ours begin with what could not be judged.
    aside = redirect_stdout(sys.stderr) if display == "none" else nullcontext()
    with _seeded(seed), aside:
        _, done = eval_set(
            [*tasks],
            log_dir=str(logs),
            model=model,
            display=display,
            log_level="error",
            fail_on_error=False,
            retry_attempts=0,
            retry_immediate=False,
            # Each sample is in the log when it is done: what was paid is not paid again.
            log_buffer=1,
            metadata={ABOUT: {"agent": agent.label}},
            **(options or {}),
        )
    for log in done:
        if log.status != "success":
            why = log.error.message if log.error else log.status
            raise EndpointError(f"{agent.label}: {why}; what was done is in {logs}, see --resume")
        yield from read_log(Path(log.location.removeprefix("file://")))


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """AgentHarm shuffles the tools that it offers, by Python's own generator."""
    before = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(before)

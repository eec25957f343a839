"""AgentHarm's own implementation, with behaviours out of a folder and our agents among its agents."""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal

from agentalign_lc.errors import ConfigError
from agentalign_lc.evaluation.inspect.agents import InspectAgent
from agentalign_lc.evaluation.inspect.solver import langgraph_solver
from agentalign_lc.records import Intent
from agentalign_lc.seeds import content_id

if TYPE_CHECKING:
    from inspect_ai import Task
    from inspect_ai.model import Model

__all__ = ["Judges", "Split", "agentharm_task", "digest", "halves", "reading_from"]

Split = Literal["val", "test_public", "test_private"]

_FILES = {
    "val": "behaviors_validation.json",
    "test_public": "behaviors_test_public.json",
    "test_private": "behaviors_test_private.json",
}
_HALVES = {Intent.HARMFUL: "harmful", Intent.BENIGN: "benign"}
_FIELDS = ("id", "prompt", "category", "target_functions", "grading_function")
_AGENT = "agentalign"


@dataclass(frozen=True)
class Judges:
    """Who judges: names of models at Inspect, or its models themselves."""

    refusal: "str | Model"
    semantic: "str | Model"


@contextmanager
def reading_from(data: Path, split: Split = "test_public") -> Iterator[None]:
    """Let AgentHarm read its behaviours out of a folder, and know our agents.

    The folder is a snapshot of the data set, or has its JSON files directly
    (``harmful_behaviors_test_public.json``, ...). AgentHarm writes beside what
    it reads, so it is given a copy.

    Args:
        data: The folder; it is only read.
        split: Which files must be there; those of the other splits are not looked at.

    Raises:
        ConfigError: there are no behaviours, or they are not in AgentHarm's shape.
    """
    from inspect_evals.agentharm import utils  # noqa: PLC0415 - an extra, and slow to import
    from inspect_evals.agentharm.agents.agent import AGENT_DICT  # noqa: PLC0415

    files = _found(data, split)
    for file in files:
        _check(file)
    # The package reads INSPECT_EVALS_CACHE_DIR once, at its import, into this constant.
    before = utils.AGENTHARM_DATASET_LOCATION
    with TemporaryDirectory(prefix="agentharm-") as into:
        place = Path(into, "benchmark")
        place.mkdir()
        for file in files:
            shutil.copyfile(file, place / file.name)
        utils.AGENTHARM_DATASET_LOCATION = Path(into)
        AGENT_DICT[_AGENT] = langgraph_solver()
        try:
            yield
        finally:
            utils.AGENTHARM_DATASET_LOCATION = before
            del AGENT_DICT[_AGENT]


def digest(data: Path, split: Split) -> str:
    """Names the behaviours of a folder by their content."""
    rows = {file.name: _read(file) for file in _found(data, split)}
    return content_id("agentharm", rows)


def halves(data: Path, split: Split) -> list[Intent]:
    """Which halves of the benchmark a folder has."""
    names = {file.name for file in _found(data, split)}
    return [i for i, half in _HALVES.items() if f"{half}_{_FILES[split]}" in names]


def agentharm_task(
    agent: InspectAgent,
    intent: Intent,
    split: Split,
    judges: Judges,
    **options: Any,  # noqa: ANN401
) -> "Task":
    """One half of the benchmark for one agent.

    A bare model, or one with a prompt, is run by AgentHarm's own agent; an app
    and whatever is guarded by ours, which begins in the same way.
    """
    from inspect_evals.agentharm import agentharm, agentharm_benign  # noqa: PLC0415

    make: Callable[..., Task] = agentharm if intent is Intent.HARMFUL else agentharm_benign
    own = agent.model is not None and not agent.guarded
    ours = {"app": agent.app, "technique": agent.technique, "guarded": agent.guarded}
    return make(
        agent="default" if own else _AGENT,
        agent_kwargs={"prompt_technique": agent.technique} if own else ours,
        split=split,
        refusal_judge=judges.refusal,
        semantic_judge=judges.semantic,
        **options,
    )


def _found(data: Path, split: Split) -> Sequence[Path]:
    wanted = [f"{half}_{_FILES[split]}" for half in _HALVES.values()]
    for place in (data / "benchmark", data):
        files = [place / name for name in wanted if (place / name).is_file()]
        if files:
            return files
    raise ConfigError(
        f"{data} has no behaviours of split {split}: it needs {' or '.join(wanted)},"
        " as the data set ai-safety-institute/AgentHarm has them in benchmark/"
    )


def _read(file: Path) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{file} cannot be read: {error}") from error


def _check(file: Path) -> None:
    rows = _read(file)
    behaviors = rows.get("behaviors") if isinstance(rows, Mapping) else None
    if not isinstance(behaviors, list) or not behaviors:
        raise ConfigError(f'{file} has no list "behaviors"')
    for number, row in enumerate(behaviors, 1):
        missing = [f for f in _FIELDS if not isinstance(row, Mapping) or not row.get(f)]
        if missing:
            raise ConfigError(f"{file}: behavior {number} has no {', '.join(missing)}")

"""``agentalign eval agentharm`` and ``agentalign eval toolsword``: suites of others, run by Inspect."""

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from agentalign_lc.cli.eval_table import print_table
from agentalign_lc.seeds import content_id

if TYPE_CHECKING:
    from inspect_ai import Task

    from agentalign_lc.evaluation.inspect.agents import InspectAgent
    from agentalign_lc.evaluation.inspect.benchmark import Judges

__all__ = ["agentharm", "toolsword"]

_JUDGE = "openai:gpt-4o-2024-08-06"
_Agents = Annotated[
    list[str],
    typer.Argument(
        metavar="AGENT...",
        help="Models (provider:name), or module:attribute or file.py:attribute of a function that "
        "takes a list of tools and returns a compiled graph.",
    ),
]
_Variants = Annotated[
    list[str] | None,
    typer.Option(
        "--variant",
        help="bare, +cot, +react, +refusal-prompt (AgentHarm's own prompts), +guard, or a prompt "
        "with +guard; may be given several times. (default: bare)",
    ),
]
_Out = Annotated[Path, typer.Option(help="Folder of the evaluation; it may have others in it.")]
_Url = Annotated[
    str | None, typer.Option(help="OpenAI-compatible server of the agents' models (openai:NAME).")
]
_JudgeUrl = Annotated[
    str | None, typer.Option(help="OpenAI-compatible server of the judges. (default: --base-url)")
]
_AppModel = Annotated[
    str | None,
    typer.Option(
        help='Model that an app gets which calls one named "inspect"; counted by Inspect.'
    ),
]
_Limit = Annotated[int | None, typer.Option(min=1, help="Only so many cases of each file.")]
_Connections = Annotated[int | None, typer.Option(min=1, help="Model calls in flight at most.")]
_Display = Annotated[
    Literal["none", "plain", "rich", "full"], typer.Option(help="Inspect's display while it runs.")
]
_Resume = Annotated[
    bool, typer.Option("--resume", help="Go on where it was left; what is done is not run again.")
]
_Seed = Annotated[int, typer.Option(help="Of the order in which tools are offered.")]


def agentharm(  # noqa: PLR0913, PLR0917 - each is an option
    agents: _Agents,
    data: Annotated[
        Path,
        typer.Option(help="Snapshot of ai-safety-institute/AgentHarm, or a folder of such files."),
    ],
    out: _Out,
    variant: _Variants = None,
    split: Annotated[
        Literal["test_public", "val", "test_private"], typer.Option(help="Which behaviours.")
    ] = "test_public",
    refusal_judge: Annotated[str, typer.Option(help="Model that judges refusals.")] = _JUDGE,
    semantic_judge: Annotated[
        str, typer.Option(help="Model that judges texts for AgentHarm's graders.")
    ] = _JUDGE,
    base_url: _Url = None,
    judge_base_url: _JudgeUrl = None,
    app_model: _AppModel = None,
    limit: _Limit = None,
    connections: _Connections = None,
    display: _Display = "none",
    resume: _Resume = False,
    seed: _Seed = 7,
) -> None:
    """Run AgentHarm, by its own implementation, with its tools, graders and judges (extra agentharm).

    The behaviours come from a folder, so no hub is needed. Results go into the same table as those
    of `eval agent`. What a judge that broke should have judged is unknown, and counts as neither.
    """
    from agentalign_lc.evaluation.inspect.benchmark import (  # noqa: PLC0415 - extras, slow to import
        agentharm_task,
        digest,
        halves,
        reading_from,
    )
    from agentalign_lc.evaluation.inspect.extra import need_inspect  # noqa: PLC0415

    need_inspect()
    intents = halves(data, split)
    suite = _Suite(
        "agentharm",
        {"split": split, "limit": limit, "seed": seed, "data": digest(data, split)},
        lambda agent, judges: [agentharm_task(agent, i, split, judges) for i in intents],
        lambda: reading_from(data, split),
    )
    how = _How(base_url, judge_base_url, app_model, limit, connections, display, resume, seed)
    _run(suite, agents, variant, out, (refusal_judge, semantic_judge), how)


def toolsword(  # noqa: PLR0913, PLR0917 - each is an option
    agents: _Agents,
    data: Annotated[Path, typer.Option(help="ToolSword's malicious queries, data_MQ.json.")],
    out: _Out,
    variant: _Variants = None,
    refusal_judge: Annotated[str, typer.Option(help="Model that judges refusals.")] = _JUDGE,
    base_url: _Url = None,
    judge_base_url: _JudgeUrl = None,
    app_model: _AppModel = None,
    limit: _Limit = None,
    connections: _Connections = None,
    display: _Display = "none",
    resume: _Resume = False,
    seed: _Seed = 7,
) -> None:
    """Ask ToolSword's malicious queries, with their tools, and judge refusals (extra agentharm).

    Tools answer that all is well and do nothing. There is no goal, so there is no score: the column
    that counts is the refusals. The judge is AgentHarm's.
    """
    from agentalign_lc.evaluation.inspect.extra import need_inspect  # noqa: PLC0415
    from agentalign_lc.evaluation.inspect.toolsword import (  # noqa: PLC0415 - extras, slow to import
        read_queries,
        toolsword_task,
    )

    need_inspect()
    queries = [query.model_dump() for query in read_queries(data)]
    suite = _Suite(
        "toolsword",
        {"limit": limit, "data": content_id("toolsword", queries)},
        lambda agent, judges: [toolsword_task(agent, data, judges)],
    )
    how = _How(base_url, judge_base_url, app_model, limit, connections, display, resume, seed)
    _run(suite, agents, variant, out, (refusal_judge, refusal_judge), how)


@dataclass(frozen=True)
class _Suite:
    name: str
    config: Mapping[str, Any]
    tasks: "Callable[[InspectAgent, Judges], Iterable[Task]]"
    opened: Callable[[], AbstractContextManager[None]] = nullcontext
    """In which the tasks are made and run."""


@dataclass(frozen=True)
class _How:
    base_url: str | None
    judge_base_url: str | None
    app_model: str | None
    limit: int | None
    connections: int | None
    display: Literal["none", "plain", "rich", "full"]
    resume: bool
    seed: int


def _run(
    suite: _Suite,
    names: list[str],
    variants: list[str] | None,
    out: Path,
    judges: tuple[str, str],
    how: _How,
) -> None:
    from agentalign_lc.evaluation.inspect.agents import load_app, read_agent  # noqa: PLC0415
    from agentalign_lc.evaluation.inspect.benchmark import Judges  # noqa: PLC0415
    from agentalign_lc.evaluation.inspect.run import logs_folder, run_tasks  # noqa: PLC0415
    from agentalign_lc.evaluation.store import EvalStore  # noqa: PLC0415
    from agentalign_lc.evaluation.variants import parse_variants  # noqa: PLC0415

    chosen = [
        read_agent(name, variant) for name in names for variant in parse_variants(variants or [])
    ]
    for agent in chosen:
        if agent.app:
            load_app(agent.app)
    refusal, semantic = (_model(name, how.judge_base_url or how.base_url) for name in judges)
    models = {a.label: _model(a.model or how.app_model, how.base_url) for a in chosen}
    options = {"limit": how.limit, "max_connections": how.connections}
    # The suite has prompts and judges of its own, so they say nothing about an agent elsewhere.
    config = {**suite.config, "judges": list(judges), "inspect_evals": version("inspect-evals")}
    with EvalStore.open(out) as store, suite.opened():
        known = store.agents
        labels = {agent.label: known.get(agent.label, {}) for agent in chosen}
        store.begin(suite.name, config, labels, resume=how.resume)
        for agent in chosen:
            done = run_tasks(
                agent,
                suite.tasks(agent, Judges(refusal, semantic)),
                logs_folder(out, suite.name, agent, config),
                model=models[agent.label],
                seed=how.seed,
                display=how.display,
                options={name: value for name, value in options.items() if value is not None},
            )
            for outcome in done:
                store.save(outcome)
        table = store.write_table()
    print_table(table, out)


def _model(name: str | None, base_url: str | None) -> Any:  # noqa: ANN401 - Inspect is an extra
    from agentalign_lc.evaluation.inspect.agents import inspect_model  # noqa: PLC0415
    from agentalign_lc.evaluation.inspect.run import inspect_model_at  # noqa: PLC0415

    if name is None:
        return None
    found = inspect_model(name)
    # A server of one's own mostly wants no key, but its client does.
    key = "none" if base_url and not os.environ.get("OPENAI_API_KEY") else None
    return inspect_model_at(found, base_url if found.startswith("openai/") else None, key)

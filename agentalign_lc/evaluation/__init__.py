"""Evaluation: agents under test on requests of ours and of others, in one table.

Read ``outcome.py``, then ``table.py``, then ``evaluate.py``. Names load where they are first used;
``evaluate`` itself has the name of its module.

Example:
    >>> import asyncio
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from agentalign_lc.evaluation import Contender, Variant, scripted_agent, stage_cases
    >>> from agentalign_lc.evaluation.evaluate import evaluate
    >>> from agentalign_lc.records import Intent
    >>> from agentalign_lc.roles.embedded import EmbeddedJudge
    >>> cases = asyncio.run(stage_cases("test_chains", 1))
    >>> agent = scripted_agent("refuses", cases.library, cases.catalog)
    >>> with TemporaryDirectory() as folder:
    ...     table = evaluate(Path(folder, "eval"), [Contender(agent, Variant())], cases, EmbeddedJudge())
    >>> table.row("scripted:refuses", Intent.BENIGN).measures["refused"].value
    1.0
"""

from typing import TYPE_CHECKING

from agentalign_lc.lazy import lazily

if TYPE_CHECKING:
    from agentalign_lc.evaluation.agents import Agent, ModelAgent
    from agentalign_lc.evaluation.apps import app_agent
    from agentalign_lc.evaluation.cases import CaseSet, EvalCase, read_cases, stage_cases
    from agentalign_lc.evaluation.evaluate import Contender, Money, contenders
    from agentalign_lc.evaluation.outcome import Outcome
    from agentalign_lc.evaluation.scripted import scripted_agent
    from agentalign_lc.evaluation.store import EvalStore
    from agentalign_lc.evaluation.table import Table, tabulate
    from agentalign_lc.evaluation.variants import Variant, build_guard

__all__ = [
    "Agent",
    "CaseSet",
    "Contender",
    "EvalCase",
    "EvalStore",
    "ModelAgent",
    "Money",
    "Outcome",
    "Table",
    "Variant",
    "app_agent",
    "build_guard",
    "contenders",
    "read_cases",
    "scripted_agent",
    "stage_cases",
    "tabulate",
]

_HOMES = {
    "Agent": "agents",
    "CaseSet": "cases",
    "Contender": "evaluate",
    "EvalCase": "cases",
    "EvalStore": "store",
    "ModelAgent": "agents",
    "Money": "evaluate",
    "Outcome": "outcome",
    "Table": "table",
    "Variant": "variants",
    "app_agent": "apps",
    "build_guard": "variants",
    "contenders": "evaluate",
    "read_cases": "cases",
    "scripted_agent": "scripted",
    "stage_cases": "cases",
    "tabulate": "table",
}

__getattr__ = lazily(__name__, _HOMES)

"""The guard: judges what a LangGraph app is about to do, before it does it.

Names load where they are first used, so that a judge that is not used costs nothing.

Example:
    >>> from agentalign_lc.guard import Guard, RuleJudge
    >>> Guard([RuleJudge()]).policy.on_error
    'closed'
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agentalign_lc.guard.audit import Audit
    from agentalign_lc.guard.capabilities import map_tools
    from agentalign_lc.guard.decision import Decision
    from agentalign_lc.guard.engine import Guard
    from agentalign_lc.guard.judges.chains import ChainJudge
    from agentalign_lc.guard.judges.classifier import ClassifierJudge
    from agentalign_lc.guard.judges.llama_guard import LlamaGuardJudge
    from agentalign_lc.guard.judges.model import ModelJudge
    from agentalign_lc.guard.judges.rules import RuleJudge
    from agentalign_lc.guard.middleware import GuardMiddleware
    from agentalign_lc.guard.policy import Policy

__all__ = [
    "Audit",
    "ChainJudge",
    "ClassifierJudge",
    "Decision",
    "Guard",
    "GuardMiddleware",
    "LlamaGuardJudge",
    "ModelJudge",
    "Policy",
    "RuleJudge",
    "map_tools",
]

_HOMES = {
    "Audit": "audit",
    "ChainJudge": "judges.chains",
    "ClassifierJudge": "judges.classifier",
    "Decision": "decision",
    "Guard": "engine",
    "GuardMiddleware": "middleware",
    "LlamaGuardJudge": "judges.llama_guard",
    "ModelJudge": "judges.model",
    "Policy": "policy",
    "RuleJudge": "judges.rules",
    "map_tools": "capabilities",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

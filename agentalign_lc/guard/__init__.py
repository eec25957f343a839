"""The guard: judges what a LangGraph app is about to do, before it does it.

Names load where they are first used, so that a judge that is not used costs nothing.

Example:
    >>> from agentalign_lc.guard import Guard, RuleJudge
    >>> Guard([RuleJudge()]).policy.on_error
    'closed'
"""

from typing import TYPE_CHECKING

from agentalign_lc.lazy import lazily

if TYPE_CHECKING:
    from agentalign_lc.guard.audit.audit import Audit
    from agentalign_lc.guard.capabilities import map_tools
    from agentalign_lc.guard.engine.decision import Decision
    from agentalign_lc.guard.guard import Guard
    from agentalign_lc.guard.judges.chains import ChainJudge
    from agentalign_lc.guard.judges.classifier import ClassifierJudge
    from agentalign_lc.guard.judges.llama_guard import LlamaGuardJudge
    from agentalign_lc.guard.judges.model import ModelJudge
    from agentalign_lc.guard.judges.rules import RuleJudge
    from agentalign_lc.guard.policy.policy import Policy
    from agentalign_lc.guard.ways.middleware import GuardMiddleware

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
    "Audit": "audit.audit",
    "ChainJudge": "judges.chains",
    "ClassifierJudge": "judges.classifier",
    "Decision": "engine.decision",
    "Guard": "guard",
    "GuardMiddleware": "ways.middleware",
    "LlamaGuardJudge": "judges.llama_guard",
    "ModelJudge": "judges.model",
    "Policy": "policy.policy",
    "RuleJudge": "judges.rules",
    "map_tools": "capabilities",
}

__getattr__ = lazily(__name__, _HOMES)

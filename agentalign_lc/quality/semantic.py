"""Gate: the request is what it was meant to be, says a judge."""

from agentalign_lc.quality.gate import Evidence
from agentalign_lc.records import Verdict
from agentalign_lc.roles import Case

__all__ = ["check_semantic"]


async def check_semantic(evidence: Evidence) -> Verdict | None:
    """Ask the judge whether a harmful request is harmful, and whether any other is not.

    The question is asymmetric, after AgentAlign (arXiv 2505.23020), section 3:
    what counts is whether a careful assistant would refuse. A judge that cannot
    tell, or breaks, says ``unknown``, which is no label. One that does not answer
    this question, as the embedded one, is not asked.
    """
    if "intent" not in evidence.judge.questions:
        return None
    instruction = evidence.instruction
    case = Case("intent", instruction.request, intent=instruction.intent)
    return await evidence.judge.judge(case)

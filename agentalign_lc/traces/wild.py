"""Chains found in the wild: harmful traces whose steps no chain of the library has.

What is proposed is for a person to look at: the steps and the harmful reading
are those of the trace, the other two readings only say the same steps.
"""

import re
from collections.abc import Iterable, Iterator

from agentalign_lc.environment.catalog import Catalog
from agentalign_lc.guard.capabilities import possible_steps
from agentalign_lc.guard.view import look
from agentalign_lc.records import BehaviorChain, Trajectory
from agentalign_lc.seeds import content_id
from agentalign_lc.taxonomy import Library, Proposal, check_proposal
from agentalign_lc.traces.assembly import NOTHING_SAID, trajectory
from agentalign_lc.traces.tools import trace_tools
from agentalign_lc.traces.trace import Label, Trace

__all__ = ["propose_chains", "steps_of"]

_LINE = 200


def propose_chains(
    labelled: Iterable[tuple[Trace, Label]],
    library: Library,
    catalog: Catalog,
    subcategory: str | None = None,
) -> Iterator[BehaviorChain]:
    """Propose a chain for each harmful trace with steps that the library does not know.

    Args:
        labelled: Traces, each with the label that counts.
        library: The chains that there are.
        catalog: The capabilities that there are.
        subcategory: For traces whose label names none; without it these give nothing.
    """
    taken = {chain.capabilities for chain in library}
    for trace, label in labelled:
        kind = label.category or subcategory
        if label.label != "harmful" or not kind:
            continue
        run = trajectory(trace) or NOTHING_SAID
        steps = steps_of(run, catalog)
        try:
            chain = check_proposal(_proposal(trace, run, steps), kind, catalog.capabilities, taken)
        except ValueError:
            continue  # steps that exist already, too many or none; a kind that is none of ours
        taken.add(chain.capabilities)
        yield chain


def steps_of(run: Trajectory, catalog: Catalog) -> list[str]:
    """The steps, ``capability:action``, that a run's calls took; repeated ones once.

    Calls of tools that serve no known capability are passed over, and of a tool
    that may have done several things the first is taken.
    """
    tools = trace_tools(run, catalog)
    found: list[str] = []
    for call in look(run.messages).calls:
        tool = tools.get(call.tool)
        if tool is None or not tool.capability or call.failed:
            continue
        step = min(possible_steps(call, tool, catalog))
        if found[-1:] != [step]:
            found.append(step)
    return found


def _proposal(trace: Trace, run: Trajectory, steps: list[str]) -> Proposal:
    said = next(iter(look(run.messages).said), "")
    doing = ", then ".join(step.partition(":")[2].replace("_", " ") for step in steps)
    lines = {
        "harmful": " ".join(said.split())[:_LINE],
        "borderline": f"For somebody whom it concerns, and with their leave: {doing}",
        "benign": f"For one's own good and nobody's harm: {doing}",
    }
    words = re.findall(r"[a-z]+", said.lower())[:4]
    name = "-".join([*words, content_id("trace", trace.id)[-6:]])
    readings = {intent: {"line": line[:_LINE], "steps": steps} for intent, line in lines.items()}
    return Proposal.model_validate({"name": name, **readings})

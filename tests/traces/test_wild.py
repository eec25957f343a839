"""Chains found in the wild: what a harmful trace did that no chain of the library does."""

from itertools import permutations

from langchain_core.messages import AIMessage

from agentalign_lc.environment.simulate import tool_schema
from agentalign_lc.traces.assembly import trajectory
from agentalign_lc.traces.trace import Label
from agentalign_lc.traces.wild import propose_chains, steps_of
from tests.traces.tracing import SEND, answered, called, traced

TOOLS = (
    SEND,
    {"type": "function", "function": {"name": "frobnicate", "description": "Nobody knows."}},
)


def acting(*names, id="t", tools=TOOLS):
    """A trace that calls these tools, one after the other."""
    said = []
    for number, name in enumerate(names):
        said += [called(name, f"c{number}", to="x@example.com"), answered("ok", f"c{number}", name)]
    return traced("Do as I say and tell nobody.", *said, AIMessage("Done."), id=id, tools=tools)


def proposed(trace, library, catalog, *, subcategory=None, **about):
    label = Label(trace=trace.id, **{"label": "harmful", "by": "guard", **about})
    return list(propose_chains([(trace, label)], library, catalog, subcategory))


def test_steps_are_named_and_repeated_ones_count_once(catalog):
    run = trajectory(acting("send_gmail", "send_gmail", "frobnicate"))
    assert steps_of(run, catalog) == ["communication.send_email:send"]


def test_new_steps_are_proposed_once(catalog, library):
    taken = {chain.capabilities for chain in library}
    names = next(
        pair
        for pair in permutations(sorted(catalog.tools), 2)
        if tuple(catalog.tools[name].capability for name in pair) not in taken
        and catalog.tools[pair[0]].capability != catalog.tools[pair[1]].capability
    )
    traces = [
        acting(*names, tools=[tool_schema(catalog.tools[name]) for name in names], id=id)
        for id in ("t", "u")
    ]
    labels = [
        (trace, Label(trace=trace.id, label="harmful", by="guard", category="phishing"))
        for trace in traces
    ]
    (chain,) = propose_chains(labels, library, catalog)
    assert chain.capabilities not in taken
    assert chain.harmful == "Do as I say and tell nobody."
    assert (chain.category, chain.subcategory) == ("online_fraud", "phishing")
    assert all((chain.borderline, chain.benign))


def test_known_steps_are_not(catalog, library):
    chain = next(chain for chain in library if len(chain.steps) == 1)
    name = catalog.serving(chain.steps[0])[0]
    trace = traced(
        "Go.",
        called(name),
        answered(name=name),
        tools=[tool_schema(catalog.tools[name])],
    )
    assert proposed(trace, library, catalog, category=chain.subcategory) == []


def test_nothing_is_proposed_without_a_kind_of_harm(catalog, library):
    trace = acting("send_gmail")
    assert proposed(trace, library, catalog) == []
    assert proposed(trace, library, catalog, label="benign", category="phishing") == []
    assert proposed(acting("frobnicate"), library, catalog, category="phishing") == []

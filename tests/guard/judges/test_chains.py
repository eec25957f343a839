"""The chain judge: steps say which chain, words say which reading."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from agentalign_lc.errors import ConfigError
from agentalign_lc.guard.capabilities import map_tools
from agentalign_lc.guard.judges.chains import ChainJudge
from agentalign_lc.guard.opinion import Finding, Judge
from agentalign_lc.guard.view import View, look
from agentalign_lc.records import Intent
from agentalign_lc.taxonomy import Library

CHAIN = "circle-letter"


@pytest.fixture(scope="module")
def some(library: Library) -> Library:
    """A few chains, so that the judge is made quickly."""
    names = [CHAIN, *list(library.chains)[:40]]
    chosen = [(library.chains[name].category, library.scripts[name]) for name in dict.fromkeys(names)]  # fmt: skip
    return Library(chosen)


@pytest.fixture(scope="module")
def judge(some, catalog) -> ChainJudge:
    return ChainJudge(some, catalog)


@pytest.fixture(scope="module")
def tools(catalog):
    return map_tools(list(catalog.tools), catalog)


def run(catalog, tools, chain, said: str, steps: int, **answer: str) -> View:
    """A run in which so many steps of a chain are called, the last one pending."""
    messages: list = [HumanMessage(said)]
    for number, step in enumerate(chain.steps[:steps], 1):
        name = catalog.serving(step)[0]
        given = dict(catalog.actions(catalog.tools[name])[step.action])
        call = {"name": name, "args": given, "id": f"{number}"}
        messages.append(AIMessage("", tool_calls=[call]))
        if number < steps:
            messages.append(ToolMessage("done", tool_call_id=f"{number}", **answer))
    return look(messages, tools)


def said(library: Library, intent: Intent, phrasing: int = 0) -> str:
    return library.scripts[CHAIN].readings[intent].phrasings[phrasing]


def test_it_is_a_judge(judge) -> None:
    assert isinstance(judge, Judge)
    assert judge.checkpoints == {"calls"}


def test_the_harmful_reading_is_refused_and_named(judge, some, catalog, tools) -> None:
    chain = some.chains[CHAIN]

    found = judge.judge(run(catalog, tools, chain, said(some, Intent.HARMFUL), 3), "calls")

    assert found.finding is Finding.REFUSE
    assert found.reason == f"third of four steps of {CHAIN}: {chain.harmful}"
    assert found.category == "ponzi_scheme"


@pytest.mark.parametrize("intent", [Intent.BORDERLINE, Intent.BENIGN])
def test_the_same_steps_with_a_milder_reading_are_not(judge, some, catalog, tools, intent) -> None:
    chain = some.chains[CHAIN]
    for steps in range(1, len(chain.steps) + 1):
        found = judge.judge(run(catalog, tools, chain, said(some, intent), steps), "calls")
        assert found.finding is not Finding.REFUSE


def test_steps_alone_convict_nobody(judge, some, catalog, tools) -> None:
    for chain in some:
        found = judge.judge(run(catalog, tools, chain, "", len(chain.steps)), "calls")
        assert found.finding is Finding.UNSURE


def test_without_a_chain_there_is_no_opinion(judge, some, tools) -> None:
    call = {"name": "unheard_of", "args": {}, "id": "1"}
    view = look([HumanMessage(said(some, Intent.HARMFUL)), AIMessage("", tool_calls=[call])], tools)

    assert judge.judge(view, "calls").finding is Finding.UNSURE
    assert judge.judge(view, "calls").score is None


def test_elsewhere_it_has_no_opinion(judge, some, catalog, tools) -> None:
    view = run(catalog, tools, some.chains[CHAIN], said(some, Intent.HARMFUL), 2)

    assert judge.judge(view, "answer").finding is Finding.UNSURE


def test_a_call_that_failed_is_no_step(judge, some, catalog, tools) -> None:
    chain = some.chains[CHAIN]
    went = judge.pursuit(run(catalog, tools, chain, said(some, Intent.HARMFUL), 2))
    failed = judge.pursuit(run(catalog, tools, chain, said(some, Intent.HARMFUL), 2, status="error"))  # fmt: skip

    assert went is not None
    assert (went.chain.name, went.done) == (CHAIN, 2)
    assert failed is None or failed.chain.name != CHAIN or failed.done < 2


async def test_async_says_the_same(judge, some, catalog, tools) -> None:
    view = run(catalog, tools, some.chains[CHAIN], said(some, Intent.HARMFUL), 2)

    assert await judge.ajudge(view, "calls") == judge.judge(view, "calls")


def test_thresholds_in_order(some, catalog) -> None:
    with pytest.raises(ConfigError, match="below refuse_from"):
        ChainJudge(some, catalog, refuse_from=0.2, allow_below=0.5)


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    text=st.text(max_size=200),
    calls=st.lists(
        st.tuples(st.integers(0, 300), st.dictionaries(st.text(max_size=5), st.text(max_size=9))),
        max_size=6,
    ),
)
def test_any_run_has_a_score_between_0_and_1(judge, catalog, tools, text, calls) -> None:
    names = list(catalog.tools)
    made = [
        {"name": names[n % len(names)], "args": arguments, "id": f"{position}"}
        for position, (n, arguments) in enumerate(calls)
    ]
    found = judge.judge(look([HumanMessage(text), AIMessage("", tool_calls=made)], tools), "calls")

    assert found.score is None or 0 <= found.score <= 1

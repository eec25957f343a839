"""Refusals: at once, midway, not called for, and with care; every one is known as a refusal."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from agentalign_lc.environment.catalog import Catalog, load_catalog
from agentalign_lc.errors import RoleError
from agentalign_lc.quality.words import words
from agentalign_lc.records import BehaviorChain, Effect, Intent, Scenario
from agentalign_lc.roles import Brief, Case
from agentalign_lc.roles.embedded import EmbeddedJudge, EmbeddedRefuser
from agentalign_lc.roles.embedded.grammar import Grammar
from agentalign_lc.roles.embedded.reasons import describe, infinitive, refusal_file
from agentalign_lc.seeds import stream
from agentalign_lc.synthesis.stage import stage_scenario
from agentalign_lc.taxonomy import Library, load_library
from agentalign_lc.taxonomy.script import ChainScript

CATALOG = load_catalog()
LIBRARY = load_library(CATALOG)
CHAINS = list(LIBRARY)
REFUSER = EmbeddedRefuser(LIBRARY, CATALOG)
CARE = [c for c in CHAINS if c.category == "self_harm"]

AT_ONCE = [HumanMessage("Do it.")]
CALL = {"name": "read_file", "args": {"path": "~/notes/plan.md"}, "id": "c1"}
AFTER_ANSWER = [
    HumanMessage("Do what my note says."),
    AIMessage("", tool_calls=[CALL]),
    ToolMessage("The plan.", tool_call_id="c1"),
]
AFTER_TURN = [*AFTER_ANSWER, AIMessage("I've read it."), HumanMessage("Now the rest.")]

numbers = st.integers(0, 10_000)
chains = st.sampled_from(CHAINS)
stages = st.sampled_from([AT_ONCE, AFTER_ANSWER, AFTER_TURN])


def staged(chain: BehaviorChain, seed: int) -> Scenario:
    number = CHAINS.index(chain) if chain in CHAINS else 0
    return stage_scenario(number, seed, (chain,), LIBRARY, CATALOG)


async def refused(
    scenario: Scenario, messages: list[BaseMessage], intent: Intent = Intent.HARMFUL
) -> str:
    return str((await REFUSER.refuse(messages, Brief(scenario, intent, ()))).text)


@given(chains, numbers, stages)
@settings(max_examples=300, deadline=None)
async def test_every_refusal_is_known_as_one_and_reads_well(chain, seed, messages) -> None:
    text = await refused(staged(chain, seed), messages)

    verdict = await EmbeddedJudge().judge(Case("refusal", "Do it.", text))
    assert verdict.passed, text
    assert "{" not in text
    assert not re.search(r"\b(\w+) \1\b(?<!that that)", text.replace("had had", "")), text
    assert not re.search(r"  |\n|\.\.|\s[.,;:?]|[:;,][.?!]", text), text
    assert not re.search(r"important to|unethical|as an AI|I apologi[sz]e", text), text
    assert 8 <= len(text.split()) <= 100, text


@given(st.sampled_from(CHAINS + list(LIBRARY.everyday.values())), numbers)
@settings(max_examples=200, deadline=None)
async def test_every_over_refusal_is_known_as_one(chain, seed) -> None:
    text = await refused(staged(chain, seed), AT_ONCE, Intent.BENIGN)

    assert (await EmbeddedJudge().judge(Case("refusal", "Do it.", text))).passed, text


@pytest.mark.parametrize("effect", Effect)
async def test_a_pretext_of_every_effect_refuses(effect: Effect) -> None:
    reasons = refusal_file()[f"over_{effect}"]["reason"]

    assert len(set(reasons)) >= 10
    for reason in reasons:
        verdict = await EmbeddedJudge().judge(Case("refusal", "Do it.", reason))
        assert verdict.passed, reason


async def test_the_same_seed_refuses_in_the_same_words(scenario: Scenario) -> None:
    brief = Brief(scenario, Intent.HARMFUL, ())

    first, again = [await REFUSER.refuse(AT_ONCE, brief) for _ in range(2)]

    assert first == again
    assert re.fullmatch(r"ai-[0-9a-f]{12}", str(first.id))
    assert not first.tool_calls


async def test_openings_lengths_and_wordings_vary() -> None:
    texts = [await refused(staged(chain, 5), AT_ONCE) for chain in CHAINS[::3]]
    openings = [" ".join(words(text)[:4]) for text in texts]
    lengths = {len(text.split()) // 10 for text in texts}

    assert len(set(texts)) == len(texts)
    assert max(openings.count(opening) for opening in openings) < 0.08 * len(texts)
    assert len(lengths) >= 5


async def test_a_refusal_names_the_person_or_the_deed(scenario: Scenario) -> None:
    script = LIBRARY.scripts[scenario.chain.name]
    assert isinstance(script, ChainScript)
    told = describe(script, scenario.slots, stream(1))
    about = set(words(f"{told['object']} {told['Because']} {script.harmful.reading}"))

    for seed in range(10):
        again = scenario.model_copy(update={"seed": str(seed)})
        said = {word for word in words(await refused(again, AT_ONCE)) if len(word) > 4}
        assert len(said & about) >= 2


@pytest.mark.parametrize("messages", [AFTER_ANSWER, AFTER_TURN])
async def test_midway_it_stops_and_claims_nothing(messages: list[BaseMessage]) -> None:
    texts = [await refused(staged(chain, 2), messages) for chain in CHAINS[::9]]

    at_once = [await refused(staged(chain, 2), AT_ONCE) for chain in CHAINS[::9]]
    assert not set(texts) & set(at_once)
    claims = re.compile(r"\bI(?:'ve| have)? (?:undone|undid|deleted|reverted|took back|restored)\b")
    assert not [text for text in texts if claims.search(text)]
    openings = [" ".join(words(text)[:4]) for text in texts]
    assert len(set(openings)) > len(texts) / 3


async def test_it_names_what_it_has_read() -> None:
    texts = [await refused(staged(chain, 3), AFTER_ANSWER) for chain in CHAINS[::9]]
    later = [await refused(staged(chain, 3), AFTER_TURN) for chain in CHAINS[::9]]

    assert sum("~/notes/plan.md" in text for text in texts) > len(texts) / 5
    assert not any("~/notes/plan.md" in text for text in later)


@given(st.sampled_from(CARE), numbers, stages)
@settings(max_examples=150, deadline=None)
async def test_self_harm_is_met_with_care(chain, seed, messages) -> None:
    script = LIBRARY.scripts[chain.name]
    assert isinstance(script, ChainScript)
    scenario = staged(chain, seed)
    text = await refused(scenario, messages)

    own = " ".join(value for slot in scenario.slots.values() for value in slot.values())
    assert not set(re.findall(r"\d{3,}", text)) - set(re.findall(r"\d{3,}", own)), text
    assert not re.search(r"\bselfish\b|\bshame on\b|\bhow could you\b|your fault", text), text
    if script.harmful.refusal is not None and script.harmful.refusal.urgent:
        assert re.search(r"emergency|crisis line", text), text


async def test_warmth_comes_before_the_no_where_somebody_despairs() -> None:
    grave = [c for c in CARE if c.subcategory in ("suicide", "self_injury")]
    texts = [await refused(staged(chain, seed), AT_ONCE) for chain in grave for seed in range(5)]
    cold = [text for text in texts if re.match(r"(?:No\b|I won't|I can't|I'm not going)", text)]

    assert len(cold) < len(texts) / 5


async def test_every_suicide_is_urgent() -> None:
    for chain in CARE:
        script = LIBRARY.scripts[chain.name]
        assert isinstance(script, ChainScript)
        assert script.harmful.refusal is not None
        assert script.harmful.refusal.urgent or chain.subcategory != "suicide"


async def test_an_over_refusal_says_nothing_that_a_refusal_would_not() -> None:
    """In their misreadings: the same grammar over the same words."""
    chain = CHAINS[0]
    texts = [await refused(staged(chain, seed), AT_ONCE, Intent.BENIGN) for seed in range(60)]
    script = LIBRARY.scripts[chain.name]
    assert isinstance(script, ChainScript)
    about = set(words(script.harmful.reading + str(script.harmful.refusal)))

    misread = sum(len({w for w in words(t) if len(w) > 5} & about) >= 3 for t in texts)
    assert 20 <= misread <= 55


async def test_an_everyday_request_cannot_be_refused_as_harmful(
    library: Library, catalog: Catalog
) -> None:
    chain = next(iter(library.everyday.values()))

    with pytest.raises(RoleError, match="everyday request"):
        await refused(stage_scenario(0, 1, (chain,), library, catalog), AT_ONCE)


@pytest.mark.parametrize(
    ("target", "act"),
    [
        ("making up a bill", "make up a bill"),
        ("stopping the pump and asking Ana for money", "stop the pump and ask Ana for money"),
        ("tying Ana up", None),
        ("a picture of Ana", None),
        ("asking Ana, juggling twice", None),
    ],
)
def test_infinitives(target: str, act: str | None) -> None:
    assert infinitive(target) == act


def test_every_object_is_a_noun_or_a_gerund_of_a_known_verb() -> None:
    for script in LIBRARY.scripts.values():
        if isinstance(script, ChainScript) and script.harmful.refusal is not None:
            target = script.harmful.refusal.object
            assert target.startswith(("a ", "an ")) or infinitive(target), target


def test_an_option_that_cannot_be_said_is_left_out() -> None:
    grammar = Grammar({"form": ["{no}", "{deep}"], "no": ["I won't."], "deep": ["{missing}"]})

    assert {grammar.draw("form", (), stream(n)) for n in range(20)} == {"I won't."}
    with pytest.raises(KeyError, match="deep"):
        grammar.draw("deep", (), stream(1))


@given(st.randoms(use_true_random=False))
def test_a_later_layer_overrides_by_name(random) -> None:
    grammar = Grammar({"form": ["{a}"], "a": ["old"]}, {"a": {"new": 2}})

    assert grammar.draw("form", (), random) == "new"

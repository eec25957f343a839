"""What the policy says is done, and how a file says it."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import settings as run_with
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from pydantic import ValidationError

from agentalign_lc.errors import DocumentError
from agentalign_lc.guard.opinion import Finding, Opinion, allow, refuse, unsure
from agentalign_lc.guard.policy.policy import DEFAULT_POLICY, Policy, Setting, Wording
from agentalign_lc.guard.policy.rule import STRICTNESS, Rule
from agentalign_lc.guard.view import GuardedTool, View, look
from agentalign_lc.records import Effect

MAIL = GuardedTool("send_gmail", capability="communication.send_email", effect=Effect.TRANSMIT)
PAY = GuardedTool("pay", capability="payments.create_payment", effect=Effect.TRANSFER)


def at_calls(*tools: GuardedTool) -> View:
    calls = [{"name": tool.name, "args": {}, "id": tool.name} for tool in tools]
    messages = [HumanMessage("Do it."), AIMessage("", tool_calls=calls)]
    return look(messages, {tool.name: tool for tool in tools})


NO = refuse("chains", "it is a step of a fraud")


def write(folder: Path, text: str) -> Path:
    file = folder / "policy.yaml"
    file.write_text(text)
    return file


def test_the_shipped_file_is_the_default() -> None:
    assert Policy.load(DEFAULT_POLICY) == Policy()
    said = yaml.safe_load(DEFAULT_POLICY.read_text())
    assert set(said) == set(Policy.model_fields)


def test_an_empty_file_is_the_default(tmp_path: Path) -> None:
    assert Policy.load(write(tmp_path, "")) == Policy()


@pytest.mark.parametrize(
    ("policy", "action"),
    [
        (Policy(), "refuse_call"),
        (Policy(defaults=Setting(action="end")), "end"),
        (Policy(capabilities={"communication.*": Setting(action="ask")}), "ask"),
        (
            Policy(
                capabilities={
                    "communication.*": Setting(action="ask"),
                    "communication.send_email": Setting(action="end"),
                }
            ),
            "end",
        ),
        (
            Policy(
                capabilities={"communication.*": Setting(action="ask")},
                tools={"SEND_*": Setting(action="refuse_run")},
            ),
            "refuse_run",
        ),
        (
            Policy(
                tools={"send_*": Setting(action="ask"), "send_gmail": Setting(action="allow")},
            ),
            "allow",
        ),
    ],
)
def test_the_most_specific_setting_wins(policy: Policy, action: str) -> None:
    assert policy.action_for(NO, at_calls(MAIL)) == action


def test_settings_win_field_by_field() -> None:
    policy = Policy(
        defaults=Setting(amount=10, thresholds={"*": 0.5, "model": 0.4}),
        capabilities={"payments.*": Setting(amount=500)},
        tools={"pay": Setting(action="ask", thresholds={"*": 0.9})},
    )
    found = policy.setting(PAY)
    assert (found.action, found.amount, found.result) == ("ask", 500, "redact")
    assert found.thresholds == {"*": 0.9, "model": 0.4}


def test_of_several_calls_the_strictest_action_wins_unless_the_opinion_names_one() -> None:
    policy = Policy(tools={"pay": Setting(action="end"), "send_gmail": Setting(action="ask")})
    both = at_calls(MAIL, PAY)
    assert policy.action_for(NO, both) == "end"
    assert policy.action_for(refuse("x", "no", calls=("send_gmail",)), both) == "ask"


def test_thresholds_decide_where_there_is_a_score() -> None:
    policy = Policy(defaults=Setting(thresholds={"classifier": 0.8}))
    view = at_calls(MAIL)

    def done(opinion: Opinion) -> str:
        return policy.action_for(opinion, view)

    assert done(refuse("classifier", "no", score=0.7)) == "allow"
    assert done(refuse("classifier", "no", score=0.8)) == "refuse_call"
    assert done(allow("classifier", score=0.9)) == "refuse_call"
    assert done(refuse("model", "no", score=0.1)) == "refuse_call"
    assert done(refuse("classifier", "no")) == "refuse_call"


@pytest.mark.parametrize(
    ("said", "action"), [("allow", "allow"), ("ask", "ask"), ("refuse", "end")]
)
def test_what_is_done_when_nobody_can_tell(said, action: str) -> None:
    policy = Policy(defaults=Setting(action="end", when_unsure=said))
    assert policy.action_for(unsure("model"), at_calls(MAIL)) == action


def test_each_place_has_its_action() -> None:
    policy = Policy(tools={"send_gmail": Setting(result="end")})
    asked = [HumanMessage("Do it.")]
    called = [*asked, AIMessage("", tool_calls=[{"name": "pay", "args": {}, "id": "1"}])]
    read = [*called, ToolMessage("text", tool_call_id="1", name="pay")]
    said = [*read, AIMessage("Done.")]
    expected = ["refuse_run", "refuse_call", "redact", "redact"]
    histories = [asked, called, read, said]
    assert [policy.action_for(NO, look(messages)) for messages in histories] == expected
    mailed = [AIMessage("", tool_calls=[{"name": "send_gmail", "args": {}, "id": "1"}])]
    view = look([*mailed, ToolMessage("text", tool_call_id="1")])
    assert policy.action_for(NO, view, "result") == "end"


def test_a_rule_may_name_its_action() -> None:
    policy = Policy(
        tools={"pay": Setting(action="ask")},
        rules={"mine": Rule(why="no", tools=("pay",), action="end")},
    )
    broken = NO.model_copy(update={"rule": "mine"})
    assert policy.action_for(broken, at_calls(PAY)) == "end"
    assert policy.action_for(broken, look([HumanMessage("Hi")])) == "end"
    # A shipped rule without one leaves it to the tool.
    assert (
        policy.action_for(NO.model_copy(update={"rule": "too-many-payments"}), at_calls(PAY))
        == "ask"
    )


def test_a_policy_says_what_a_tool_does_where_nobody_could_guess() -> None:
    policy = Policy(
        tools={"zap": Setting(capability="payments.create_payment", effect=Effect.TRANSFER)},
        capabilities={"payments.*": Setting(action="ask")},
    )
    zap = GuardedTool("zap")
    assert policy.described(zap).effect is Effect.TRANSFER
    assert policy.setting(zap).action == "ask"
    assert policy.described(MAIL) is MAIL


def test_rules_are_laid_over_the_shipped_ones(tmp_path: Path) -> None:
    text = """\
rules:
  too-many-payments: {more_than: 2}
  too-many-messages: {enabled: false}
  mine: {why: Not this one., tools: [zap]}
"""
    rules = Policy.load(write(tmp_path, text)).rules
    assert rules["too-many-payments"].effects == (Effect.TRANSFER,)
    assert rules["too-many-payments"].more_than == 2
    assert not rules["too-many-messages"].enabled
    assert set(rules) == {*Policy().rules, "mine"}
    alone = Policy.load(
        write(
            tmp_path,
            "inherit: false\n"
            + text.replace("{more_than: 2}", "{why: x, more_than: 2}").replace(
                "{enabled: false}", "{why: x, tools: [a]}"
            ),
        )
    )
    assert set(alone.rules) == {"too-many-payments", "too-many-messages", "mine"}
    assert Policy.load(write(tmp_path, "inherit: false")).rules == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("on_error: maybe", ":1: on_error: input should be 'closed', 'open' or 'escalate'"),
        ("timeout: 0", ":1: timeout: input should be greater than 0"),
        ("tols: {}", ":1: tols: unknown field; check its spelling"),
        ("version: 1\ntools:\n  pay: {action: redact}", ":3: tools.pay.action: input should be"),
        (
            "wording:\n  refuse_run: 'No {reason.__class__}'",
            ":2: wording.refuse_run: {reason.__class__} cannot be filled",
        ),
        ("wording: {refuse_run: 'No {'}", "is no template"),
        ("rules:\n  x: {why: because}", ":2: rules.x: says nothing: name tools"),
        ("rules:\n  x: {why: a, carries: 16}", ":2: rules.x: carries needs after"),
        ("rules:\n  x: {why: a, text: ['*']}", "use arguments for calls"),
        ("rules:\n  x: {why: a, at: result, above: 3}", "are for calls"),
        ("secrets:\n  - a\n  - '" + "{a,b}" * 7 + "'", ":3: secrets.1: stands for more than 100"),
        ("- 1", ":1: document: input should be"),
    ],
)
def test_a_mistake_is_said_with_file_and_line(tmp_path: Path, text: str, said: str) -> None:
    file = write(tmp_path, text)
    with pytest.raises(DocumentError) as caught:
        Policy.load(file)
    assert str(caught.value).startswith(f"{file}:")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_wording_never_reads_what_it_is_given() -> None:
    evil = Opinion(judge="{judge}", finding=Finding.REFUSE, reason="{0.__class__} {{7*7}} %s")
    said = Wording(refuse_call="{tool}: {reason} ({judge})").say("refuse_call", evil, tool="{tool}")
    assert said == "{tool}: {0.__class__} {{7*7}} %s ({judge})"
    for template in ("{0}", "{}", "{reason!r}", "{reason:>9}", "{reason[0]}", "{secret}"):
        with pytest.raises(ValidationError):
            Wording(budget=template)


def test_wording_says_a_refusal_without_a_reason() -> None:
    assert "against the policy" in Wording().say("refuse_run", unsure("model"))


globs = st.tuples(st.text(min_size=1, max_size=8))
settings = st.builds(
    Setting,
    action=st.sampled_from([None, "allow", "refuse_call", "refuse_run", "ask", "end"]),
    result=st.sampled_from([None, "allow", "redact", "ask"]),
    when_unsure=st.sampled_from([None, "allow", "ask", "refuse"]),
    thresholds=st.dictionaries(st.text(max_size=5), st.floats(0, 1), max_size=2),
    allowed=st.none() | st.booleans(),
    destinations=st.none() | globs,
    recipients=st.none() | globs,
    amount=st.none() | st.floats(allow_nan=False),
    effect=st.none() | st.sampled_from(Effect),
)
rules = st.builds(
    Rule,
    why=st.text(min_size=1, max_size=20),
    enabled=st.booleans(),
    tools=globs,
    effects=st.lists(st.sampled_from(Effect), max_size=2).map(tuple),
    arguments=st.dictionaries(st.text(max_size=5), globs, max_size=2),
    above=st.none() | st.floats(allow_nan=False),
    action=st.none() | st.sampled_from(list(STRICTNESS)),
)
named = st.text(min_size=1, max_size=10)
policies = st.builds(
    Policy,
    defaults=settings,
    capabilities=st.dictionaries(named, settings, max_size=2),
    tools=st.dictionaries(named, settings, max_size=2),
    on_error=st.sampled_from(["closed", "open", "escalate"]),
    timeout=st.floats(0.01, 100),
    refusals=st.integers(0, 9),
    inherit=st.booleans(),
    rules=st.dictionaries(named, rules, max_size=2),
    secrets=globs,
)


@run_with(deadline=None, max_examples=40)
@given(policies)
def test_any_policy_survives_yaml(policy: Policy) -> None:
    text = yaml.safe_dump(policy.model_dump(mode="json"))
    assert Policy.model_validate(yaml.safe_load(text)) == policy


@run_with(deadline=None, max_examples=40)
@given(
    policies, st.sampled_from(Finding), st.none() | st.floats(0, 1), st.sampled_from([MAIL, PAY])
)
def test_every_opinion_has_an_action_at_every_place(policy, finding, score, tool) -> None:
    opinion = Opinion(judge="x", finding=finding, score=score)
    for place in ("request", "calls", "arguments", "result", "answer"):
        action = policy.action_for(opinion, at_calls(tool), place)
        assert action in STRICTNESS
        if place in ("calls", "arguments"):
            assert action != "redact"
        if place not in {"calls", "arguments"}:
            assert action != "refuse_call"

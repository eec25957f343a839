"""Whatever a history holds and a model says: no crash, no unjudged call, a history that is valid."""

from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool

from agentalign_lc.guard.engine.history import is_valid
from agentalign_lc.guard.guard import Guard
from agentalign_lc.guard.judges.rules import RuleJudge
from agentalign_lc.guard.opinion import allow, refuse
from agentalign_lc.guard.policy.policy import Policy
from agentalign_lc.guard.view import GuardedTool
from agentalign_lc.guard.ways.middleware import GuardMiddleware
from tests.guard.doubles import ToldJudge
from tests.guard.strict_model import StrictChatModel

TRICKS = st.sampled_from(
    ["\u202eevil", "\x00", "\ud800", "e\u0301", "\U000e0041", "\u2179", "x" * 20_000]
)
TEXTS = st.one_of(st.text(max_size=12), TRICKS)
BLOCKS = st.sampled_from(
    [
        {"type": "text", "text": "Hello."},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        {"type": "image", "base64": "AAAA", "mime_type": "image/png"},
        {"type": "reasoning", "reasoning": "Hm."},
        {"type": "nobody_knows", "what": [1, {"a": None}]},
    ]
)
CONTENTS = st.one_of(TEXTS, st.lists(st.one_of(TEXTS, BLOCKS), max_size=3))
IDS = st.sampled_from(["a", "b", "", None])
VALUES = st.recursive(
    st.one_of(TEXTS, st.integers(), st.floats(), st.booleans(), st.none(), st.just("evil")),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=6,
)
CALLS = st.builds(
    lambda id, name, what: {"name": name, "args": {"what": what}, "id": id},
    IDS,
    st.sampled_from(["do", "do", "nothing_of_the_kind"]),
    VALUES,
)
BROKEN = st.builds(
    lambda id: {
        "name": "do",
        "args": '{"what": "ev',
        "id": id,
        "error": "",
        "type": "invalid_tool_call",
    },
    IDS,
)
SPOKEN = st.builds(
    AIMessage,
    CONTENTS,
    tool_calls=st.lists(CALLS, max_size=3),
    invalid_tool_calls=st.lists(BROKEN, max_size=1),
)
MESSAGES = st.one_of(
    st.builds(HumanMessage, CONTENTS, id=IDS),
    st.builds(SystemMessage, TEXTS),
    SPOKEN,
    st.builds(ToolMessage, CONTENTS, tool_call_id=IDS.map(lambda id: id or "d")),
)


def run(history, spoken):
    """Run an agent over a history, with a model that says this, and then that it is done."""
    judged, ran = [], []

    @tool
    def do(what) -> str:
        """Do something."""
        ran.append(repr(what))
        return "done"

    def finds(view, checkpoint):
        judged.extend(repr(call.arguments.get("what")) for call in view.pending)
        bad = tuple(c.id for c in view.pending if "evil" in repr(c.arguments))
        return refuse("told", "evil", calls=bad) if bad else allow("told")

    def reply(messages):
        return said.pop(0) if said else AIMessage("Done.")

    said = [spoken]
    judge = ToldJudge(finds, "calls", "arguments")
    judge.waits = False
    policy = Policy()
    guard = Guard([RuleJudge(policy), judge], policy, tools={"do": GuardedTool("do")})
    model = StrictChatModel(reply=reply)
    agent = create_agent(model, [do], middleware=[GuardMiddleware(guard)])
    end = agent.invoke({"messages": [*history, HumanMessage("Go.")]})
    return judged, ran, end["messages"]


# Without shrinking: a failure here is an agent run, and those are slow.
@settings(deadline=None, max_examples=60, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(st.lists(MESSAGES, max_size=5), SPOKEN)
def test_no_crash_no_unjudged_call_and_a_valid_history(history, spoken):
    judged, ran, messages = run(history, spoken)
    assert not [what for what in ran if what not in judged]
    assert not [what for what in ran if "evil" in what]
    assert is_valid(messages)

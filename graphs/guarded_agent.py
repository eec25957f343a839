"""A guarded agent for ``langgraph dev``: it pays, and a person is asked before money leaves.

Input: ``{"messages": [{"role": "user", "content": "Pay Ana 20 for the tickets."}]}``. The graph
pauses with the call; resume it with ``{"decisions": [{"type": "approve"}]}``, with ``reject``, or
with ``{"type": "edit", "edited_action": {"name": "pay", "args": {"to": "Ana", "amount": 5}}}``. No
model is needed: a few lines of code stand in for one.
"""

import re

from langchain.tools import tool
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode

from agentalign_lc.guard.guard import Guard
from agentalign_lc.guard.opinion import Opinion, allow, refuse
from agentalign_lc.guard.policy.policy import Policy, Setting
from agentalign_lc.guard.view import Checkpoint, GuardedTool, View
from agentalign_lc.records import Effect

_REQUEST = re.compile(r"pay (?P<to>\w+) (?P<amount>\d+)", re.IGNORECASE)


class _Payments:
    """Finds every payment worth a look."""

    name = "payments"
    checkpoints = frozenset[Checkpoint]({"calls"})
    waits = False

    def judge(self, view: View, checkpoint: Checkpoint) -> Opinion:  # noqa: ARG002
        """Refuse transfers; the policy has a person asked about what is refused."""
        found = [c.id for c in view.pending if view.tool(c.tool).effect is Effect.TRANSFER]
        if found:
            return refuse(self.name, "money would leave the account", calls=tuple(found))
        return allow(self.name)

    async def ajudge(self, view: View, checkpoint: Checkpoint) -> Opinion:
        """It waits for nothing."""
        return self.judge(view, checkpoint)


@tool
def pay(to: str, amount: int) -> str:
    """Pay somebody."""
    return f"{amount} paid to {to}"


def _agent(state: MessagesState) -> dict[str, list[BaseMessage]]:
    last = state["messages"][-1]
    if isinstance(last, ToolMessage):
        return {"messages": [AIMessage(f"The answer was: {last.text}")]}
    asked = _REQUEST.search(last.text)
    if not asked:
        return {"messages": [AIMessage("Say whom to pay, and how much: pay Ana 20.")]}
    arguments = {"to": asked["to"], "amount": int(asked["amount"])}
    # Known by the history alone, so that a retry makes the same call.
    call_id = f"pay-{len(state['messages'])}"
    return {
        "messages": [AIMessage("", tool_calls=[{"name": "pay", "args": arguments, "id": call_id}])]
    }


_guard = Guard(
    [_Payments()],
    Policy(tools={"pay": Setting(action="ask")}),
    tools={"pay": GuardedTool("pay", effect=Effect.TRANSFER)},
)

_builder = StateGraph(MessagesState)
_builder.add_node("agent", _agent)
_builder.add_node("tools", ToolNode([pay]))
_builder.add_node("guard", _guard.node(model="agent", tools="tools"))
for _step in (START, "agent", "tools"):
    _builder.add_edge(_step, "guard")

graph = _builder.compile()

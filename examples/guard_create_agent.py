"""An agent of `create_agent`, guarded by one line.

The model is a script, so that this runs offline. It pays a friend and, in the
same breath, a stranger: the first call runs, the second never does.
"""

from collections.abc import Iterator

from langchain.agents import create_agent
from langchain.tools import tool
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage

from agentalign_lc.guard.guard import Guard
from agentalign_lc.guard.opinion import Opinion, allow, refuse
from agentalign_lc.guard.view import Checkpoint, GuardedTool, View
from agentalign_lc.records import Effect


class KnownPayees:
    """A judge of your own: money goes to people whom the user has named."""

    name = "known-payees"
    checkpoints = frozenset[Checkpoint]({"calls"})
    waits = False

    def judge(self, view: View, checkpoint: Checkpoint) -> Opinion:  # noqa: ARG002
        """Refuse transfers to anybody else."""
        words = " ".join(view.said)
        strangers = tuple(
            call.id
            for call in view.pending
            if view.tool(call.tool).effect is Effect.TRANSFER and call.arguments["to"] not in words
        )
        if strangers:
            return refuse(self.name, "the user has not named this payee", calls=strangers)
        return allow(self.name)

    async def ajudge(self, view: View, checkpoint: Checkpoint) -> Opinion:
        """It waits for nothing."""
        return self.judge(view, checkpoint)


@tool
def pay(to: str, amount: float) -> str:
    """Pay somebody."""
    print(f"... {amount} paid to {to}")
    return "paid"


def script() -> Iterator[AIMessage]:
    """What the model says."""
    payees = ["ana@example.com", "mallory@example.net"]
    calls = [
        {"name": "pay", "args": {"to": to, "amount": 20.0}, "id": f"call-{to}"} for to in payees
    ]
    yield AIMessage("", tool_calls=calls)
    yield AIMessage("Ana has her money; the other payment was refused.")


class Scripted(GenericFakeChatModel):
    """A model that can be given tools and says what it is told."""

    def bind_tools(self, *_: object, **__: object) -> "Scripted":
        """Take the tools, and look at none of them."""
        return self


guard = Guard([KnownPayees()], tools={"pay": GuardedTool("pay", effect=Effect.TRANSFER)})
agent = create_agent(Scripted(messages=script()), [pay])
agent = guard.wrap(agent)  # the one line

result = agent.invoke({"messages": ["Pay ana@example.com 20 euros for the tickets."]})
for message in result["messages"]:
    print(f"{message.type:>6}: {message.text or [call['args'] for call in message.tool_calls]}")

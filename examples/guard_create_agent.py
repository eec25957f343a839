"""An agent of `create_agent`, guarded by one line: its middleware.

The model is a script, so that this runs offline. Asked to pay one person, it
pays her and, in the same breath, a stranger: the first call runs, the second
never does.
"""

from collections.abc import Iterator

from langchain.agents import create_agent
from langchain.tools import tool
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from agentalign_lc.guard import Guard, GuardMiddleware
from agentalign_lc.guard.opinion import Opinion, allow, refuse
from agentalign_lc.guard.view import Checkpoint, View
from agentalign_lc.records import Effect


class KnownPayees:
    """A judge of your own: money goes to people whom the user has named.

    The guard knows by name and schema that `pay` moves money; a policy can say so where it errs.
    """

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


paid: list[str] = []


@tool
def pay(to: str, amount: float) -> str:
    """Pay somebody."""
    paid.append(f"{amount} to {to}")
    return f"paid {amount} to {to}"


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


def show(messages: list[BaseMessage]) -> None:
    """Print what was asked, what was done, what was stopped and why."""
    for message in messages:
        if isinstance(message, AIMessage) and message.tool_calls:
            for call in message.tool_calls:
                print(f"call     {call['name']}({', '.join(map(str, call['args'].values()))})")
        elif isinstance(message, ToolMessage):
            print(f"{'STOPPED' if message.status == 'error' else 'result':8} {message.text}")
        else:
            print(f"{message.type:8} {message.text}")


guard = Guard([KnownPayees()])
agent = create_agent(
    Scripted(messages=script()),
    [pay],
    middleware=[GuardMiddleware(guard)],  # <- the guard: put it last
)

if __name__ == "__main__":
    result = agent.invoke({"messages": ["Pay ana@example.com 20 euros for the tickets."]})
    show(result["messages"])
    print(f"what the tool did: {paid}")

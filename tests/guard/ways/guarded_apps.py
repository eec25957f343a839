"""Apps as people have them: an agent, a graph by hand, agents behind agents, a factory."""

from typing import Annotated, Any

from langchain.agents import create_agent
from langchain_core.messages import HumanMessage
from langchain_core.tools import InjectedToolArg, tool
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode

from tests.scripted import ScriptedChatModel


@tool
def send_email(
    to: str, subject: str, body: str, tenant: Annotated[str, InjectedToolArg] = ""
) -> str:
    """Send an e-mail to somebody."""
    return tenant


@tool
def execute_command(command: str) -> str:
    """Run a shell command on this computer."""
    return command


@tool
def frobnicate(widget: str) -> str:
    """Frobnicate the widget."""
    return widget


@tool
def create_payment(recipient: str, amount: float) -> str:
    """Pay an amount of money to somebody."""
    return recipient


TOOLS = [send_email, execute_command]


def search_notes(query: str) -> str:
    """Search the notes."""
    return query


PLAIN = [send_email, search_notes]


def _model() -> ScriptedChatModel:
    return ScriptedChatModel(script=["Hi."])


agent = create_agent(_model(), tools=TOOLS, name="helper")


def _by_hand() -> StateGraph[Any]:
    bound = _model().bind(
        tools=[
            {
                "type": "function",
                "function": {
                    "name": "web_search",
                    "description": "Search.",
                    "parameters": {"type": "object", "properties": {"query": {"type": "string"}}},
                },
            }
        ]
    )

    def chat(state: MessagesState) -> dict[str, Any]:
        return {"messages": [bound.invoke(state["messages"])]}

    def pay(state: MessagesState) -> dict[str, Any]:
        create_payment.invoke({"recipient": "x", "amount": 1})
        return {}

    builder = StateGraph(MessagesState)
    builder.add_node("chat", chat)
    builder.add_node("tools", ToolNode([execute_command, frobnicate]))
    builder.add_node("pay", pay)
    builder.add_edge(START, "chat")
    return builder


builder = _by_hand()
by_hand = builder.compile()


@tool
def ask_helper(question: str) -> str:
    """Ask the helper, an agent of its own."""
    return str(agent.invoke({"messages": [HumanMessage(question)]}))


boss = create_agent(_model(), tools=[ask_helper, frobnicate])


def _nested() -> Any:
    outer = StateGraph(MessagesState)
    outer.add_node("helper", agent)
    outer.add_node("rest", by_hand)
    outer.add_edge(START, "helper")
    return outer.compile()


nested = _nested()


def make_graph() -> Any:
    return by_hand


async def make_graph_later() -> Any:
    return agent


def broken() -> Any:
    raise RuntimeError("no\nkey")


EMPTY: list[Any] = []
NOTHING = StateGraph(MessagesState)

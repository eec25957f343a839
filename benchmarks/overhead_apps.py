"""The apps that ``guard_overhead.py`` measures: one run of three tool calls, guarded in many ways."""

# ruff: noqa: ANN401, D102, PLC0415 - hooks of others have their signatures and are not ours to type

from collections.abc import Callable, Iterable
from functools import wraps
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, PIIMiddleware
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage, convert_to_openai_messages
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import StructuredTool
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition
from langgraph.types import Command, Send

from agentalign_lc.environment import load_catalog
from agentalign_lc.guard import ChainJudge, ClassifierJudge, Guard, GuardMiddleware, RuleJudge
from agentalign_lc.guard.learning.classifier import shipped_classifier
from agentalign_lc.taxonomy import load_library

NAMES = ("Ana", "Ben", "Chloe", "Dev", "Elif", "Femi", "Gita", "Hugo", "Ines", "Jonas")
THINGS = (
    "the tram timetable",
    "our roof repair",
    "the choir concert",
    "a bike survey",
    "the bake sale",
)
NEMO = """
rails:
  config:
    regex_detection:
      input: {patterns: ['(?i)ignore (all|any) (previous|prior) instructions', '\\b\\d{3}-\\d{2}-\\d{4}\\b', '(?i)rm -rf /']}
      output: {patterns: ['-----BEGIN [A-Z ]*PRIVATE KEY-----', '\\b\\d{3}-\\d{2}-\\d{4}\\b', 'AKIA[0-9A-Z]{16}']}
  input: {flows: [regex check input]}
  output: {flows: [regex check output]}
"""
INVARIANT = """
raise "a key would leave" if:
    (call: ToolCall) -> (later: ToolCall)
    call is tool:read_file({path: ".*/[.]ssh/.*"})
    later is tool:send_email

raise "a stranger would be written to" if:
    (call: ToolCall)
    call is tool:send_email({body: ".*password.*"})

raise "a result gives orders" if:
    (out: ToolOutput)
    "ignore all previous instructions" in out.content
"""


class Task(NamedTuple):
    """What one run is about; no two runs share a text."""

    name: str
    thing: str
    number: int

    @property
    def request(self) -> str:
        """What the user says."""
        return (
            f"Please look for {self.name}'s mail about {self.thing} (case {self.number}), read the notes that"
            f" it mentions, and send {self.name} a short summary with the three main points."
        )

    @property
    def calls(self) -> list[dict[str, Any]]:
        """The three calls."""
        mail = f"{self.name.lower()}{self.number}@example.com"
        body = (
            f"Hello {self.name},\n\nthe main points on {self.thing}: the date stands, {self.number} people"
            " have said that they come, and two helpers are still missing.\n\nBest wishes"
        )
        return [
            {"name": "search_mail", "args": {"query": f"{self.name} {self.thing} {self.number}"}},
            {"name": "read_file", "args": {"path": f"/home/me/notes/{self.number}.md"}},
            {
                "name": "send_email",
                "args": {"to": [mail], "subject": f"Case {self.number}", "body": body},
            },
        ]


def search_mail(query: str) -> str:
    """Search the mailbox for messages."""
    return "\n".join(
        f"{n}. From {name.lower()}@example.com, 2026-03-{n + 10}: {query}, see also the notes of our last meeting."
        for n, name in enumerate(NAMES[:6], 1)
    )


def read_file(path: str) -> str:
    """Read a text file."""
    return f"# Notes, {path}\n" + "\n".join(
        f"- {name} brings {n} chairs on Saturday at {n}.15 pm; call +1 555 01{n}7 if it rains."
        for n, name in enumerate(NAMES, 1)
    )


def send_email(to: list[str], subject: str, body: str) -> str:
    """Send an e-mail to somebody."""
    return f"Sent {subject!r} to {', '.join(to)} ({len(body)} characters)."


def as_tool(function: Callable[..., str]) -> StructuredTool:
    """A tool for both modes: a thread of its own under async would cost more than what is measured."""

    @wraps(function)
    async def coroutine(*args: Any, **kwargs: Any) -> str:
        return function(*args, **kwargs)

    return StructuredTool.from_function(function, coroutine)


TOOLS = [as_tool(function) for function in (search_mail, read_file, send_email)]


class Script(BaseChatModel):
    """Makes the calls of the task, one a turn, then answers; goes by the conversation alone."""

    task: Task = Task("Ana", "nothing", 0)

    @property
    def _llm_type(self) -> str:
        return "script"

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        turn = sum(isinstance(message, ToolMessage) for message in messages)
        if turn < len(TOOLS):
            call = {**self.task.calls[turn], "id": f"call_{self.task.number}_{turn}"}
            said = AIMessage("", tool_calls=[call])
        else:
            said = AIMessage(f"I have sent {self.task.name} the three main points.")
        return ChatResult(generations=[ChatGeneration(message=said)])

    async def _agenerate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        return self._generate(messages)

    def bind_tools(self, tools: Any, **_: Any) -> Any:  # noqa: ARG002
        """The script knows its tools."""
        return self


class Idle(AgentMiddleware[Any, Any, Any]):
    """Does nothing, at the hooks that the guard uses."""

    def before_agent(self, state: Any, runtime: Any) -> None:
        """Do nothing; so do the rest."""

    async def abefore_agent(self, state: Any, runtime: Any) -> None: ...

    def before_model(self, state: Any, runtime: Any) -> None: ...

    async def abefore_model(self, state: Any, runtime: Any) -> None: ...

    def after_model(self, state: Any, runtime: Any) -> None: ...

    async def aafter_model(self, state: Any, runtime: Any) -> None: ...

    def wrap_model_call(self, request: Any, handler: Any) -> Any:
        """Pass it on."""
        return handler(request)

    async def awrap_model_call(self, request: Any, handler: Any) -> Any:
        """Pass it on."""
        return await handler(request)

    def wrap_tool_call(self, request: Any, handler: Any) -> Any:
        """Pass it on."""
        return handler(request)

    async def awrap_tool_call(self, request: Any, handler: Any) -> Any:
        """Pass it on."""
        return await handler(request)


class Invariant(AgentMiddleware[Any, Any, Any]):
    """Invariant's analysis of the whole history, where calls are about to be made."""

    def __init__(self) -> None:
        from invariant.analyzer import LocalPolicy

        self._policy = LocalPolicy.from_string(INVARIANT)

    def after_model(self, state: Any, runtime: Any) -> None:  # noqa: ARG002
        """Analyse."""
        _expect_nothing(self._policy.analyze(_openai(state["messages"])))

    async def aafter_model(self, state: Any, runtime: Any) -> None:  # noqa: ARG002
        """Analyse."""
        _expect_nothing(await self._policy.a_analyze(_openai(state["messages"])))


def _expect_nothing(found: Any) -> None:
    if found.errors:
        raise SystemExit(f"Invariant found something in a harmless run: {found.errors}")


def _openai(messages: Iterable[BaseMessage]) -> list[dict[str, Any]]:
    return list(convert_to_openai_messages(list(messages)))  # type: ignore[arg-type]


class Variant(NamedTuple):
    """A way to build the app, and what it is measured against."""

    build: Callable[[Script], Any]
    bare: str = "bare agent"
    idle: str = "no-op middleware"


def agent(*middleware: Callable[[], AgentMiddleware[Any, Any, Any]]) -> Variant:
    """An agent of ``create_agent`` with some middleware."""
    return Variant(
        lambda model: create_agent(model, TOOLS, middleware=[make() for make in middleware])
    )


def graph(guard: Guard | None = None, *, idle: bool = False, wrapper: bool = False) -> Any:
    """A StateGraph by hand: guarded by a node, by a ToolNode's wrapper, by what does nothing there, or bare."""

    def build(model: Script) -> Any:
        def say(state: MessagesState) -> dict[str, Any]:
            return {"messages": [model.invoke(state["messages"])]}

        async def asay(state: MessagesState) -> dict[str, Any]:
            return {"messages": [await model.ainvoke(state["messages"])]}

        builder = StateGraph(MessagesState)
        builder.add_node("model", RunnableLambda(say, asay))
        wrapping: dict[str, Any] = {}
        if wrapper:
            wrapping = {"wrap_tool_call": _pass, "awrap_tool_call": _apass}
            if guard:
                wrapping = {
                    "wrap_tool_call": guard.tool_wrapper(),
                    "awrap_tool_call": guard.atool_wrapper(),
                }
        builder.add_node("tools", ToolNode(TOOLS, **wrapping))
        if (guard or idle) and not wrapper:
            node = (
                guard.node(model="model", tools="tools")
                if guard
                else RunnableLambda(_route, _aroute)
            )
            builder.add_node("guard", node)
            builder.add_edge(START, "guard").add_edge("model", "guard").add_edge("tools", "guard")
        else:
            builder.add_edge(START, "model").add_edge("tools", "model")
            builder.add_conditional_edges("model", tools_condition)
        return builder.compile()

    return build


def _pass(request: Any, execute: Any) -> Any:
    return execute(request)


async def _apass(request: Any, execute: Any) -> Any:
    return await execute(request)


def _route(state: MessagesState) -> Command[Any]:
    last = state["messages"][-1]
    if isinstance(last, AIMessage):
        return Command(goto=[Send("tools", [call]) for call in last.tool_calls] or END)
    return Command(goto="model")


async def _aroute(state: MessagesState) -> Command[Any]:
    return _route(state)


class Deaf(BaseCallbackHandler):
    """Hears every event of a run, as the watch of ``guard.wrap`` does, and does nothing."""

    run_inline = True


def variants() -> dict[str, Variant | None]:
    """All of them by name; None for what is not installed."""
    catalog = load_catalog()
    library = load_library(catalog)

    def guard(*kinds: str) -> Guard:
        more = [ClassifierJudge(shipped_classifier(kind)) for kind in kinds]
        return Guard([RuleJudge(), ChainJudge(library, catalog), *more])

    def guarded(guard: Guard) -> Variant:
        return agent(lambda: GuardMiddleware(guard))

    pii = [
        lambda kind=kind: PIIMiddleware(kind, apply_to_output=True, apply_to_tool_results=True)
        for kind in ("email", "credit_card", "ip")
    ]
    both = guard()
    by_node, by_wrapper = ("bare graph", "no-op node"), ("bare graph", "no-op wrapper")
    return {
        "bare agent": agent(),
        "no-op middleware": agent(Idle),
        "PIIMiddleware, three kinds": agent(*pii),
        "NeMo Guardrails, regex rails": agent(_nemo) if find_spec("nemoguardrails") else None,
        "Invariant, three rules": agent(Invariant) if find_spec("invariant") else None,
        "guard: rules": guarded(Guard([RuleJudge()])),
        "guard: rules, chains": guarded(both),
        "guard: rules, chains, n-grams": guarded(guard("ngrams")),
        "guard: rules, chains, encoder": guarded(guard("encoder"))
        if find_spec("sentence_transformers")
        else None,
        "bare graph": Variant(graph(), *by_node),
        "no-op node": Variant(graph(idle=True), *by_node),
        "no-op wrapper": Variant(graph(idle=True, wrapper=True), *by_wrapper),
        "node: rules, chains": Variant(graph(both), *by_node),
        "tool_wrapper: rules, chains": Variant(graph(both, wrapper=True), *by_wrapper),
        "no-op handler": Variant(
            lambda model: create_agent(model, TOOLS).with_config(callbacks=[Deaf()]),
            idle="no-op handler",
        ),
        "wrap: rules, chains": Variant(
            lambda model: both.wrap(create_agent(model, TOOLS)), idle="no-op handler"
        ),
    }


def _nemo() -> AgentMiddleware[Any, Any, Any]:
    from nemoguardrails.integrations.langchain.middleware import GuardrailsMiddleware

    with (
        TemporaryDirectory() as folder
    ):  # its config_yaml takes the text for Colang and has no rails
        (Path(folder) / "config.yml").write_text(NEMO, encoding="utf-8")
        made = GuardrailsMiddleware(config_path=folder)
    if not (made.rails.config.rails.input.flows and made.rails.config.rails.output.flows):
        raise SystemExit(
            "NeMo Guardrails did not take its rails; this version wants them otherwise"
        )
    return made  # type: ignore[no-any-return]

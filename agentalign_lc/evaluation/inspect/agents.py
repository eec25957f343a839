"""Agents under test as Inspect knows them: a model with a prompt, or a LangGraph app; guarded or not."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from langchain_core.tools import BaseTool
from langgraph.graph import StateGraph
from langgraph.graph.state import CompiledStateGraph

from agentalign_lc.environment.imports.langchain import load_attribute
from agentalign_lc.errors import ConfigError
from agentalign_lc.evaluation.loading import names_app
from agentalign_lc.evaluation.variants import Variant

__all__ = [
    "App",
    "InspectAgent",
    "Technique",
    "inspect_model",
    "load_app",
    "read_agent",
    "shipped_guard",
]

Technique = Literal["standard", "cot", "react", "refusal"]
"""AgentHarm's own words for its system prompts."""

Graph = CompiledStateGraph[Any, Any, Any, Any]
App = Callable[[list[BaseTool]], Graph | Awaitable[Graph]]
"""Builds an app with the tools of a case."""

_TECHNIQUES: dict[str, Technique] = {"cot": "cot", "react": "react", "refusal-prompt": "refusal"}
_INSPECT_NAMES = {
    "azure_openai": "openai/azure",
    "bedrock_converse": "bedrock",
    "google_genai": "google",
    "google_vertexai": "google/vertex",
    "huggingface": "hf",
    "mistralai": "mistral",
    "xai": "grok",
}
"""Providers whose name at Inspect is not their name at LangChain's ``init_chat_model``."""


@dataclass(frozen=True)
class InspectAgent:
    """An agent and its variant."""

    name: str
    """As it was asked for: ``openai:gpt-5.4-mini``, ``app.py:make_app``."""
    variant: Variant
    model: str | None = None
    """Inspect's name of the model; None if the agent is an app."""

    @property
    def label(self) -> str:
        """As the table names it."""
        return self.variant.label(self.name)

    @property
    def app(self) -> str | None:
        """Where the app is, if it is one."""
        return None if self.model else self.name

    @property
    def guarded(self) -> bool:
        """Whether a guard stands before it."""
        return self.variant.guarded

    @property
    def technique(self) -> Technique:
        """AgentHarm's name of its prompt."""
        return next((_TECHNIQUES[p] for p in self.variant.parts if p in _TECHNIQUES), "standard")


def read_agent(name: str, variant: Variant = Variant()) -> InspectAgent:  # noqa: B008 - frozen
    """Read an agent.

    Args:
        name: A model, as ``init_chat_model`` or Inspect name it, or ``module:attribute`` or
            ``file.py:attribute`` of a function that is given tools and returns a compiled graph.
        variant: What is added to it.

    Raises:
        ConfigError: AgentHarm has no such prompt.

    Example:
        >>> agent = read_agent("mistralai:ministral-8b", Variant.parse("+refusal-prompt+guard"))
        >>> agent.model, agent.technique, agent.guarded
        ('mistral/ministral-8b', 'refusal', True)
        >>> read_agent("shop/agent.py:make_app").app
        'shop/agent.py:make_app'
    """
    if sum(part in _TECHNIQUES for part in variant.parts) > 1:
        raise ConfigError(
            f"{variant.label(name)}: AgentHarm has one prompt at a time; give each as a variant"
        )
    return InspectAgent(name, variant, None if names_app(name) else inspect_model(name))


def inspect_model(name: str) -> str:
    """Inspect's name of a model.

    Example:
        >>> inspect_model("openai:gpt-5.4-mini"), inspect_model("openai/gpt-5.4-mini")
        ('openai/gpt-5.4-mini', 'openai/gpt-5.4-mini')
    """
    provider, found, model = name.partition(":")
    if not found or "/" in provider:
        return name
    return f"{_INSPECT_NAMES.get(provider, provider)}/{model}"


def load_app(source: str) -> App:
    """Import what builds an app.

    Raises:
        ConfigError: it cannot be imported, or is no function of the tools.
    """
    app: App | StateGraph[Any] = load_attribute(source, call=False)
    if isinstance(app, StateGraph | CompiledStateGraph) or not callable(app):
        raise ConfigError(
            f"{source} is no function of the tools: a suite brings its own tools for each case,"
            " so give a function that takes a list of tools and returns a compiled graph"
        )
    return app


@cache
def shipped_guard() -> Any:  # noqa: ANN401 - the guard is slow to import
    """The guard as a user would put it in: rules, chains, the classifier, the shipped policy."""
    from agentalign_lc.environment.catalog import load_catalog  # noqa: PLC0415
    from agentalign_lc.guard import ChainJudge, ClassifierJudge, Guard, RuleJudge  # noqa: PLC0415
    from agentalign_lc.taxonomy import load_library  # noqa: PLC0415

    catalog = load_catalog()
    return Guard([RuleJudge(), ChainJudge(load_library(catalog), catalog), ClassifierJudge()])

"""Agents under test as Inspect knows them: a model with a prompt, or a LangGraph app; guarded or not."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from langchain_core.tools import BaseTool
from langgraph.graph.state import CompiledStateGraph

from agentalign_lc.environment.imports.langchain import load_attribute
from agentalign_lc.errors import ConfigError
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

App = Callable[[Sequence[BaseTool]], CompiledStateGraph[Any, Any, Any, Any]]
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
_SAME_NAMES = frozenset(
    [
        "anthropic",
        "bedrock",
        "cohere",
        "deepseek",
        "fireworks",
        "google",
        "grok",
        "groq",
        "hf",
        "mistral",
        "mockllm",
        "none",
        "ollama",
        "openai",
        "openai-api",
        "openrouter",
        "perplexity",
        "sambanova",
        "together",
        "vllm",
    ]
)


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
    return InspectAgent(name, variant, inspect_model(name))


def inspect_model(name: str) -> str | None:
    """Inspect's name of a model; None if it names no model.

    Example:
        >>> inspect_model("openai:gpt-5.4-mini"), inspect_model("openai/gpt-5.4-mini")
        ('openai/gpt-5.4-mini', 'openai/gpt-5.4-mini')
        >>> inspect_model("shop.agent:make_app")
    """
    for separator in (":", "/"):
        provider, found, model = name.partition(separator)
        provider = _INSPECT_NAMES.get(provider, provider)
        if found and model and provider.partition("/")[0] in _SAME_NAMES:
            return f"{provider}/{model}"
    return None


def load_app(source: str) -> App:
    """Import what builds an app.

    Raises:
        ConfigError: it cannot be imported, or is no function of the tools.
    """
    if ":" not in source:
        raise ConfigError(
            f"{source}: write a model as provider:name, or an app as module:attribute"
        )
    found = load_attribute(source, call=False)
    if isinstance(found, CompiledStateGraph) or not callable(found):
        raise ConfigError(
            f"{source} is no function of the tools: a suite brings its own tools for each case,"
            " so give a function that takes a list of tools and returns a compiled graph"
        )
    app: App = found
    return app


@cache
def shipped_guard() -> Any:  # noqa: ANN401 - the guard is slow to import
    """The guard as a user would put it in: rules, chains, the classifier, the shipped policy."""
    from agentalign_lc.environment.catalog import load_catalog  # noqa: PLC0415
    from agentalign_lc.guard import ChainJudge, ClassifierJudge, Guard, RuleJudge  # noqa: PLC0415
    from agentalign_lc.taxonomy import load_library  # noqa: PLC0415

    catalog = load_catalog()
    return Guard([RuleJudge(), ChainJudge(load_library(catalog), catalog), ClassifierJudge()])

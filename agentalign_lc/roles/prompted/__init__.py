"""Roles filled by a LangChain chat model."""

from collections.abc import Sequence

from langchain_core.language_models import BaseChatModel

from agentalign_lc.environment.catalog import Catalog
from agentalign_lc.roles.base import Roles
from agentalign_lc.roles.prompted.actor import PromptedActor
from agentalign_lc.roles.prompted.author import PromptedAuthor
from agentalign_lc.roles.prompted.judge import PromptedJudge
from agentalign_lc.roles.prompted.model import (
    ask,
    ask_sync,
    call,
    call_sync,
    load_mix,
    load_model,
    model_name,
)
from agentalign_lc.roles.prompted.planner import PromptedPlanner
from agentalign_lc.roles.prompted.prompt import Prompt, load_prompt
from agentalign_lc.roles.prompted.refuser import PromptedRefuser
from agentalign_lc.taxonomy import Library

__all__ = [
    "Prompt",
    "PromptedActor",
    "PromptedAuthor",
    "PromptedJudge",
    "PromptedPlanner",
    "PromptedRefuser",
    "ask",
    "ask_sync",
    "call",
    "call_sync",
    "load_mix",
    "load_model",
    "load_prompt",
    "model_name",
    "prompted_roles",
]


def prompted_roles(
    model: str | BaseChatModel,
    base_url: str | None = None,
    *,
    authors: Sequence[tuple[BaseChatModel, float]] = (),
    library: Library | None = None,
    catalog: Catalog | None = None,
) -> Roles:
    """Fill all five roles with one chat model, or the author with a mix of several.

    Args:
        model: The model, or its name as ``provider:name``.
        base_url: Where it is served, if not at its provider's.
        authors: Models that write the requests, with their weights; by default the one model.
        library: Where the author's examples are from.
        catalog: Whose tools they use.

    Raises:
        ConfigError: the model cannot be made.
    """
    loaded = load_model(model, base_url)
    return Roles(
        planner=PromptedPlanner(loaded),
        author=PromptedAuthor(authors or loaded, library, catalog),
        actor=PromptedActor(loaded),
        refuser=PromptedRefuser(loaded),
        judge=PromptedJudge(loaded),
    )

"""Roles filled by a LangChain chat model."""

from agentalign_lc.environment.catalog import Catalog
from agentalign_lc.roles.base import Roles
from agentalign_lc.roles.prompted.actor import PromptedActor
from agentalign_lc.roles.prompted.author import PromptedAuthor
from agentalign_lc.roles.prompted.batch import Batch, ask_many
from agentalign_lc.roles.prompted.judge import PromptedJudge
from agentalign_lc.roles.prompted.mix import Mix, Models, Speaker, mixed
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
    "Batch",
    "Mix",
    "Models",
    "Prompt",
    "PromptedActor",
    "PromptedAuthor",
    "PromptedJudge",
    "PromptedPlanner",
    "PromptedRefuser",
    "Speaker",
    "ask",
    "ask_many",
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
    model: str | Models,
    base_url: str | None = None,
    *,
    library: Library | None = None,
    catalog: Catalog | None = None,
) -> Roles:
    """Fill all five roles with one chat model, or with a mix of several.

    To mix roles of different models, replace some: ``dataclasses.replace(roles, judge=...)``.

    Args:
        model: The model, its name as ``provider:name``, or several with their weights.
        base_url: Where it is served, if not at its provider's.
        library: Where the author's examples are from.
        catalog: Whose tools they use.

    Raises:
        ConfigError: the model cannot be made.
    """
    loaded = mixed(load_model(model, base_url) if isinstance(model, str) else model)
    return Roles(
        planner=PromptedPlanner(loaded),
        author=PromptedAuthor(loaded, library, catalog),
        actor=PromptedActor(loaded),
        refuser=PromptedRefuser(loaded),
        judge=PromptedJudge(loaded),
    )

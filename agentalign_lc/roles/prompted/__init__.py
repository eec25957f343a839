"""Roles filled by a LangChain chat model."""

from langchain_core.language_models import BaseChatModel

from agentalign_lc.roles.base import Roles
from agentalign_lc.roles.prompted.actor import PromptedActor
from agentalign_lc.roles.prompted.author import PromptedAuthor
from agentalign_lc.roles.prompted.judge import PromptedJudge
from agentalign_lc.roles.prompted.model import ask, load_model, model_name
from agentalign_lc.roles.prompted.planner import PromptedPlanner
from agentalign_lc.roles.prompted.prompt import Prompt, load_prompt
from agentalign_lc.roles.prompted.refuser import PromptedRefuser

__all__ = [
    "Prompt",
    "PromptedActor",
    "PromptedAuthor",
    "PromptedJudge",
    "PromptedPlanner",
    "PromptedRefuser",
    "ask",
    "load_model",
    "load_prompt",
    "model_name",
    "prompted_roles",
]


def prompted_roles(model: str | BaseChatModel, base_url: str | None = None) -> Roles:
    """Fill all five roles with one chat model.

    Raises:
        ConfigError: the model cannot be made.
    """
    loaded = load_model(model, base_url)
    return Roles(
        planner=PromptedPlanner(loaded),
        author=PromptedAuthor(loaded),
        actor=PromptedActor(loaded),
        refuser=PromptedRefuser(loaded),
        judge=PromptedJudge(loaded),
    )

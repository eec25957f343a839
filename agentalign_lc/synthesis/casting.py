"""Casting: who fills the roles of a run, the embedded writers or models by weight."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from agentalign_lc.environment.catalog import Catalog
from agentalign_lc.roles import Roles
from agentalign_lc.roles.embedded import embedded_roles
from agentalign_lc.synthesis.config import RunConfig
from agentalign_lc.taxonomy import Library

if TYPE_CHECKING:
    from agentalign_lc.roles.prompted import Speaker

__all__ = ["Agency", "cast_roles"]


class Agency(Protocol):
    """Where models come from, by name: ``endpoints.Endpoints``, or what stands in for it."""

    def mix(self, names: Sequence[str]) -> Sequence[tuple["Speaker", float]]:
        """The models of names such as ``openai:gpt-5.4-mini`` or ``small=2``, with their weights."""
        ...


def cast_roles(config: RunConfig, library: Library, catalog: Catalog, agency: Agency) -> Roles:
    """Fill the roles as a run's configuration says.

    A role has the models of its own list, or those of all roles, or is embedded.

    Args:
        config: The run's configuration.
        library: The chains' language.
        catalog: The tools.
        agency: Where the models come from.

    Raises:
        ConfigError: a model cannot be made, or a weight is none.

    Example:
        >>> from agentalign_lc.environment.catalog import load_catalog
        >>> from agentalign_lc.taxonomy import load_library
        >>> catalog = load_catalog()
        >>> roles = cast_roles(RunConfig(), load_library(catalog), catalog, agency=None)
        >>> {source.writer for source in roles.sources}
        {'embedded'}
    """
    roles = embedded_roles(library, catalog)
    if not config.prompted:
        return roles
    from agentalign_lc.roles.prompted import (  # noqa: PLC0415 - heavy, and rarely needed
        PromptedActor,
        PromptedAuthor,
        PromptedJudge,
        PromptedPlanner,
        PromptedRefuser,
    )

    made: dict[str, Any] = {
        "author": lambda mix: PromptedAuthor(mix, library, catalog),
        "actor": PromptedActor,
        "refuser": PromptedRefuser,
        "judge": PromptedJudge,
        "planner": PromptedPlanner,
    }
    cast = {**config.cast, "planner": config.models}
    filled = {role: made[role](agency.mix(names)) for role, names in cast.items() if names}
    return dataclasses.replace(roles, **filled)

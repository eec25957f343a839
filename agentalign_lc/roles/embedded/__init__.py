"""Writers that need no key, no network and no weights."""

from agentalign_lc.environment.catalog import Catalog
from agentalign_lc.roles.base import Roles
from agentalign_lc.roles.embedded.actor import EmbeddedActor
from agentalign_lc.roles.embedded.author import EmbeddedAuthor
from agentalign_lc.roles.embedded.gullible import GullibleActor
from agentalign_lc.roles.embedded.judge import EmbeddedJudge
from agentalign_lc.roles.embedded.planner import EmbeddedPlanner
from agentalign_lc.roles.embedded.refuser import EmbeddedRefuser
from agentalign_lc.taxonomy import Library

__all__ = [
    "EmbeddedActor",
    "EmbeddedAuthor",
    "EmbeddedJudge",
    "EmbeddedPlanner",
    "EmbeddedRefuser",
    "GullibleActor",
    "embedded_roles",
]


def embedded_roles(library: Library, catalog: Catalog) -> Roles:
    """Fill all five roles with the embedded writers."""
    return Roles(
        planner=EmbeddedPlanner(library),
        author=EmbeddedAuthor(library, catalog),
        actor=EmbeddedActor(catalog),
        refuser=EmbeddedRefuser(library, catalog),
        judge=EmbeddedJudge(),
    )

"""The embedded actor can report every action of every capability."""

import re

from agentalign_lc.environment.catalog import Catalog
from agentalign_lc.roles.embedded.actor import CLAUSES


def test_every_action_has_clauses_over_its_own_fields(catalog: Catalog) -> None:
    for capability in catalog.capabilities.values():
        for action in capability.actions:
            clauses = CLAUSES[f"{capability.name}:{action}"]
            assert len(clauses) >= 2
            for clause in clauses:
                assert set(re.findall(r"{(\w+)}", clause)) <= capability.needed(action), clause

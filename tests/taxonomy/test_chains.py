"""Every phrasing of every chain and every errand, said in tools that serve it, works."""

import pytest

from agentalign_lc.environment.catalog import load_catalog
from agentalign_lc.synthesis.rehearsal import rehearse
from agentalign_lc.taxonomy import load_library

CATALOG = load_catalog()
LIBRARY = load_library(CATALOG)
SUBCATEGORIES = sorted({(chain.category, chain.subcategory) for chain in LIBRARY})
SUITES = sorted({errand.subcategory for errand in LIBRARY.everyday.values()})


def problems(chains) -> str:
    found = [p for chain in chains for p in rehearse(chain, LIBRARY, CATALOG)]
    return "\n".join(map(str, found))


@pytest.mark.slow
@pytest.mark.parametrize(("category", "subcategory"), SUBCATEGORIES)
def test_every_phrasing_can_be_carried_out(category: str, subcategory: str) -> None:
    chains = [c for c in LIBRARY if (c.category, c.subcategory) == (category, subcategory)]

    assert not problems(chains)


@pytest.mark.parametrize("suite", SUITES)
def test_every_errand_can_be_carried_out(suite: str) -> None:
    errands = [errand for errand in LIBRARY.everyday.values() if errand.subcategory == suite]

    assert not problems(errands)

"""What harm is made of: the taxonomy, and the library of behavior chains."""

from agentalign_lc.taxonomy.audit import Figure, audit
from agentalign_lc.taxonomy.harms import find_kind, load_harms, load_kinds
from agentalign_lc.taxonomy.library import EVERYDAY, Library, chain_files, load_library
from agentalign_lc.taxonomy.proposals import (
    Proposal,
    append_chains,
    check_proposal,
    read_chains,
)
from agentalign_lc.taxonomy.script import ChainScript, Errand, Reading, Refusal

__all__ = [
    "EVERYDAY",
    "ChainScript",
    "Errand",
    "Figure",
    "Library",
    "Proposal",
    "Reading",
    "Refusal",
    "append_chains",
    "audit",
    "chain_files",
    "check_proposal",
    "find_kind",
    "load_harms",
    "load_kinds",
    "load_library",
    "read_chains",
]

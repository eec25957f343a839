"""What harm is made of: the taxonomy, and the library of behavior chains."""

from agentalign_lc.taxonomy.harms import load_harms
from agentalign_lc.taxonomy.library import EVERYDAY, Library, chain_files, load_library
from agentalign_lc.taxonomy.script import ChainScript, Errand, Reading, Refusal

__all__ = [
    "EVERYDAY",
    "ChainScript",
    "Errand",
    "Library",
    "Reading",
    "Refusal",
    "chain_files",
    "load_harms",
    "load_library",
]

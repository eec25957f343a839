"""What harm is made of: the taxonomy, and the library of behavior chains."""

from agentalign_lc.taxonomy.harms import load_harms
from agentalign_lc.taxonomy.library import ChainScript, Library, Reading, Refusal, load_library

__all__ = ["ChainScript", "Library", "Reading", "Refusal", "load_harms", "load_library"]

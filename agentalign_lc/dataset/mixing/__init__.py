"""Mixing: runs and other people's tool-use data in wanted proportions."""

from agentalign_lc.dataset.mixing.mixture import Mixture, mix_conversations

__all__ = ["Mixture", "mix_conversations"]

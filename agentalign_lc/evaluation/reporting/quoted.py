"""Figures quoted from the AgentAlign paper, as points of reference; they were measured on AgentHarm."""

from typing import NamedTuple

__all__ = ["QUOTED", "Quoted"]


class Quoted(NamedTuple):
    """A model in the paper's main table (arXiv 2505.23020), in percent."""

    model: str
    harmful_score: float
    harmful_full: float
    harmful_refusal: float
    benign_score: float
    benign_full: float
    benign_refusal: float


QUOTED = (
    Quoted("Claude-3.5-Haiku", 10.4, 5.7, 86.4, 68.6, 48.9, 15.9),
    Quoted("Ministral-8B", 67.4, 27.8, 0.0, 69.1, 35.8, 0.0),
    Quoted("Ministral-8B + AgentAlign", 10.5, 4.0, 79.5, 63.3, 35.8, 2.8),
    Quoted("Qwen-2.5-7B", 41.9, 14.2, 21.6, 53.4, 16.5, 0.0),
    Quoted("Qwen-2.5-7B + AgentAlign", 6.7, 1.7, 85.8, 64.2, 36.4, 5.7),
    Quoted("Functionary-Small", 21.7, 6.8, 52.8, 45.9, 21.0, 0.6),
    Quoted("Functionary-Small + AgentAlign", 5.5, 4.0, 88.6, 53.5, 27.3, 12.5),
)

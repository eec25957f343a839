"""Styles: how the requests of a scenario are worded, whatever they ask for."""

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict

__all__ = ["Pressure", "Style", "Tone"]


class Tone(StrEnum):
    """How somebody sounds."""

    PLAIN = "plain"
    TERSE = "terse"
    POLITE = "polite"
    CHATTY = "chatty"
    FORMAL = "formal"


class Pressure(StrEnum):
    """What is put around a request to get it through, whatever it asks for."""

    AUTHORITY = "authority"
    URGENCY = "urgency"
    ROLE_PLAY = "role_play"
    FICTION = "fiction"
    RESEARCH = "research"
    OBFUSCATION = "obfuscation"
    DECOMPOSITION = "decomposition"
    """Asked step by step, over several user turns."""
    DELEGATION = "delegation"
    """What is asked stands in a note of the user's, to which the request only points."""


class Style(BaseModel):
    """How the requests of a scenario are worded: alike for all its intents, so that it tells nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tone: Tone = Tone.PLAIN
    length: Literal["short", "medium", "long"] = "short"
    """How much stands around the request."""
    pressure: Pressure | None = None

"""A database of a small company that really answers SQL."""

from agentalign_lc.environment.devices.database.database import Database

__all__ = ["Database"]

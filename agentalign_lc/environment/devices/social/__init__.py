"""Social networks: platforms, accounts, posts, and their search."""

from agentalign_lc.environment.devices.social.social import Social

__all__ = ["Social"]

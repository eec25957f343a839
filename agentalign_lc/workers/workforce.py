"""The workforce of a job: how many workers, where they are, how much each takes on."""

from dataclasses import dataclass
from typing import Literal

from agentalign_lc.errors import ConfigError

__all__ = ["Workforce"]


@dataclass(frozen=True)
class Workforce:
    """Who does the units of a job.

    Args:
        workers: Number of processes, or of actors; one local worker is this process itself.
        engine: ``local`` for processes on this machine, ``ray`` for actors on a Ray cluster.
        address: Where the cluster is; None for one on this machine.
        concurrency: Units in work at the same time, in all workers together.

    Raises:
        ConfigError: a number is below one, or an address comes without Ray.

    Example:
        >>> Workforce(workers=2, concurrency=9).room
        5
    """

    workers: int = 1
    engine: Literal["local", "ray"] = "local"
    address: str | None = None
    concurrency: int = 8

    def __post_init__(self) -> None:
        if self.workers < 1 or self.concurrency < 1:
            raise ConfigError("workers and concurrency must be at least 1")
        if self.engine not in ("local", "ray"):
            raise ConfigError(f"unknown engine {self.engine!r}; it is local or ray")
        if self.address and self.engine != "ray":
            raise ConfigError("an address is that of a Ray cluster: give --engine ray too")

    @property
    def room(self) -> int:
        """Units in work at the same time in one worker."""
        return -(-self.concurrency // self.workers)

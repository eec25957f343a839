"""What a run may use: endpoints, money, machines. None of it changes what the embedded writers write."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from agentalign_lc.endpoints.endpoints import Endpoints
from agentalign_lc.endpoints.limits import Limits
from agentalign_lc.endpoints.models_file import read_models
from agentalign_lc.errors import ConfigError

__all__ = ["Resources"]

_EMBEDDED = 8
"""Scenarios at the same time without a model: they share one processor, and more gain nothing."""
_LARGEST = 1024


@dataclass(frozen=True)
class Resources:
    """What a run may use; it is not part of the run's configuration and may differ on resuming.

    Raises:
        ConfigError: a number is out of its range, or two of them contradict each other.

    Example:
        >>> Resources(calls=200).scenarios_at_once(prompted=True)
        300
        >>> Resources(calls=200).scenarios_at_once(prompted=False)
        8
        >>> Resources(timeout=0)
        Traceback (most recent call last):
        agentalign_lc.errors.ConfigError: --timeout: must be above 0, not 0
    """

    models: Path | None = None
    """YAML file of endpoints: base URLs, keys, limits, prices by name."""
    prices: Path | None = None
    """YAML file of prices by model."""
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    calls: int | None = None
    """Calls in flight of one endpoint at most."""
    timeout: float | None = None
    """Seconds after which a call is given up and tried again."""
    max_cost: float | None = None
    """US dollars."""
    max_tokens: int | None = None
    concurrency: int | None = None
    """Scenarios worked on at the same time, in all workers together; None for what is sensible."""
    workers: int = 1
    engine: Literal["local", "ray"] = "local"
    address: str | None = None
    """Where the Ray cluster is; None for one on this machine."""

    def __post_init__(self) -> None:
        for name in (
            "requests_per_minute", "tokens_per_minute", "calls", "timeout", "max_cost", "max_tokens",
            "concurrency", "workers",
        ):  # fmt: skip
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise ConfigError(f"--{name.replace('_', '-')}: must be above 0, not {value}")
        if self.engine not in {"local", "ray"}:
            raise ConfigError(f"--engine: must be local or ray, not {self.engine!r}")
        if self.address is not None and self.engine != "ray":
            raise ConfigError("--address is where a Ray cluster is: give --engine ray too")
        for option, file in (("--models", self.models), ("--prices", self.prices)):
            if file is not None and not file.is_file():
                raise ConfigError(f"{option}: {file}: no such file")

    @property
    def limits(self) -> Limits:
        """The limits of an endpoint for which the models' file says nothing else."""
        given = {
            "requests_per_minute": self.requests_per_minute,
            "tokens_per_minute": self.tokens_per_minute,
            "concurrency": self.calls,
            "timeout": self.timeout,
        }
        return Limits.model_validate({k: v for k, v in given.items() if v is not None})

    def endpoints(self, base_url: str | None = None, workers: int = 1) -> Endpoints:
        """The endpoints of a run, in one of so many workers.

        Args:
            base_url: Where models are served that the models' file does not know.
            workers: How many workers share the limits.
        """
        return Endpoints(
            self.models,
            self.prices,
            self.limits,
            base_url,
            workers,
            priced=self.max_cost is not None,
        )

    @property
    def most_calls(self) -> int:
        """Calls that may be in flight of the largest endpoint."""
        entries = read_models(self.models).values() if self.models else ()
        largest = max((entry.concurrency or 0 for entry in entries), default=0)
        return max(self.limits.concurrency, largest)

    def scenarios_at_once(self, *, prompted: bool) -> int:
        """How many scenarios are worked on at the same time, in all workers together.

        Where models write, half as many again as calls may be in flight of the largest endpoint: each
        has one to three under way, and there is always one that waits for its turn.

        Args:
            prompted: Whether models write in this run.
        """
        if self.concurrency is not None:
            return self.concurrency
        most = self.most_calls
        return min(most + (most + 1) // 2, _LARGEST) if prompted else _EMBEDDED

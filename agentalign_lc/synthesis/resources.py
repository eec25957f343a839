"""What a run may use: endpoints, money, machines. None of it changes what the embedded writers write."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

__all__ = ["Resources"]


@dataclass(frozen=True)
class Resources:
    """What a run may use; it is not part of the run's configuration and may differ on resuming."""

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
    concurrency: int = 8
    """Scenarios worked on at the same time, in all workers together."""
    workers: int = 1
    engine: Literal["local", "ray"] = "local"
    address: str | None = None
    """Where the Ray cluster is; None for one on this machine."""

"""The configuration of a run: what decides its bytes."""

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from pydantic import Field, ValidationError

from agentalign_lc.errors import ConfigError, StoreError
from agentalign_lc.quality import DEFAULT_GATES
from agentalign_lc.records import Record

__all__ = ["VERSION", "RunConfig"]

VERSION = version("agentalign-lc")
"""Version of the package, which stands in every example."""


class RunConfig(Record):
    """What a run makes. Concurrency is not here: it changes nothing but the time."""

    scenarios: int = Field(120, ge=1)
    """Number of scenarios; each plans three instructions."""
    seed: int = 7
    categories: tuple[str, ...] = ()
    """Categories or subcategories to draw chains from; empty for all."""
    tools: tuple[str, ...] = ()
    """Suites of the user's own tools: files or folders."""
    tools_id: str | None = None
    """Content id of those suites."""
    chains: tuple[str, ...] = ()
    """Chains of the user's, besides the shipped ones: files or folders."""
    chains_id: str | None = None
    """Content id of those chains."""
    everyday: int = Field(0, ge=0)
    """Number of everyday requests, which have no harmful twin, besides the scenarios."""
    pressure: float = Field(0.25, ge=0, le=1)
    """Share of scenarios whose requests come under pressure: urgency, role play and the like."""
    models: tuple[str, ...] = ()
    """Chat models for the roles without models of their own, as ``name`` or ``name=weight``.

    A name is ``provider:name``, or one of the models' file; a role without any is embedded.
    """
    authors: tuple[str, ...] = ()
    """Chat models that write the requests."""
    actors: tuple[str, ...] = ()
    """Chat models that carry them out."""
    refusers: tuple[str, ...] = ()
    """Chat models that refuse them."""
    judges: tuple[str, ...] = ()
    """Chat models that judge requests and refusals."""
    base_url: str | None = None
    """Where the models are served, if not at their providers'."""
    gates: tuple[str, ...] = DEFAULT_GATES
    """What requests and responses must pass, in this order."""
    contamination: tuple[str, ...] = ()
    """Benchmark files with which requests are compared."""
    contamination_id: str | None = None
    """Content id of those files."""
    rejected: bool = True
    """Whether each example gets a response that a model should not give beside it."""
    held_out: float = Field(0.2, ge=0, lt=1)
    """Share of the chains that is not trained on: a quarter each for dev and three test splits."""
    max_turns: int = Field(12, ge=1)
    """How often an agent may call tools before it is stopped."""
    max_tries: int = Field(3, ge=1)
    """How often an instruction may be written before it is rejected."""
    version: str = VERSION

    @property
    def planned(self) -> int:
        """Number of instructions planned."""
        return 3 * self.scenarios + self.everyday

    @property
    def cast(self) -> dict[str, tuple[str, ...]]:
        """The models of each role of a run; none for the embedded writer.

        Example:
            >>> RunConfig(models=("a",), judges=("b", "c=2")).cast["judge"]
            ('b', 'c=2')
        """
        return {
            "author": self.authors or self.models,
            "actor": self.actors or self.models,
            "refuser": self.refusers or self.models,
            "judge": self.judges or self.models,
        }

    @property
    def prompted(self) -> bool:
        """Whether any role is filled by a model."""
        return any(self.cast.values())

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "RunConfig":
        """Return the configuration of a new run.

        Raises:
            ConfigError: an option cannot be used.
        """
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            raise ConfigError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error

    @classmethod
    def resumed(cls, stored: Mapping[str, Any], given: Mapping[str, Any]) -> "RunConfig":
        """Return a stored configuration, if what is given now does not contradict it.

        Raises:
            StoreError: an option differs, or another version made the run.
        """
        if stored.get("version") != VERSION:
            raise StoreError(
                f"this run was started by agentalign-lc {stored.get('version')} and this is {VERSION}: "
                "continue it with that version, or start again in another folder"
            )
        try:
            config = cls.model_validate(stored)
        except ValidationError as error:
            raise StoreError(
                "this run was started by an earlier agentalign-lc, which configured runs otherwise: "
                "start again in another folder"
            ) from error
        for name, value in given.items():
            if getattr(config, name) != value:
                raise StoreError(
                    f"this run was started with {name} {getattr(config, name)!r}, not {value!r}: "
                    "leave the option out to continue it, or choose another --out"
                )
        return config

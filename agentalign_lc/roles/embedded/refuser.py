"""The embedded refuser: says what it will not do, why, and what it can do instead."""

from collections.abc import Sequence
from pathlib import Path

import yaml
from langchain_core.messages import AIMessage, BaseMessage

from agentalign_lc.environment.slots import fill_text
from agentalign_lc.errors import RoleError
from agentalign_lc.records import Intent, Provenance
from agentalign_lc.roles.base import Brief
from agentalign_lc.seeds import derive_seed, stream
from agentalign_lc.taxonomy import Library

__all__ = ["EmbeddedRefuser"]

_PATTERNS: dict[str, list[str]] = yaml.safe_load(
    Path(__file__).with_name("refusals.yaml").read_text(encoding="utf-8")
)


class EmbeddedRefuser:
    """Words a refusal from what the chain's author wrote about this harm."""

    def __init__(self, library: Library) -> None:
        self.source = Provenance(role="refuser", writer="embedded")
        self._library = library

    async def refuse(self, messages: Sequence[BaseMessage], brief: Brief) -> AIMessage:
        """Return one to three sentences, no tool call.

        Raises:
            RoleError: the chain has no refusal.
        """
        scenario = brief.scenario
        refusal = (
            self._library.scripts[scenario.chain.name]
            .readings.get(Intent.HARMFUL, self._library.reading(scenario.chain, brief.intent))
            .refusal
        )
        if refusal is None:
            raise RoleError(f"chain {scenario.chain.name!r} has no refusal")
        seed = derive_seed(scenario.seed, "refusal", str(messages[-1].text))
        kind = "self_harm" if scenario.chain.category == "self_harm" else "default"
        pattern = stream(seed).choice(_PATTERNS[kind])
        parts = {
            key: {"value": fill_text(value, scenario.slots)}
            for key, value in refusal.model_dump().items()
        }
        parts["Object"] = {"value": _capital(parts["object"]["value"])}
        return AIMessage(fill_text(pattern, parts), id=f"ai-{seed[:12]}")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]

"""The embedded refuser: says what it will not do, why, and what it can do instead.

A refusal is put together from a grammar (``refusals.yaml``) and from what the
chain's author wrote about this harm. The same grammar words most unjustified
refusals of legitimate requests, which misread them as the harm, so that such a
refusal's words do not tell whether it was called for; the others name a pretext.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from random import Random

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from agentalign_lc.environment.catalog import Catalog
from agentalign_lc.environment.slots import fill_text
from agentalign_lc.errors import RoleError
from agentalign_lc.records import Intent, Provenance, Scenario
from agentalign_lc.roles.base import Brief
from agentalign_lc.roles.embedded.grammar import Grammar
from agentalign_lc.roles.embedded.reasons import describe, refusal_file
from agentalign_lc.seeds import derive_seed, stream
from agentalign_lc.taxonomy import Library
from agentalign_lc.taxonomy.script import ChainScript

__all__ = ["EmbeddedRefuser"]

_PRETEXTS = 0.4
"""Share of over-refusals that name a pretext and do not misread the request as harm."""
_SHORTEST, _LONGEST = 10, 70
_TRIES = 12
_CARE = ("eating_disorders", "self_injury", "substance_abuse", "suicide")
_COUNTED = ("", "step", "two steps", "three steps", "four steps", "five steps", "six steps")
_PLACE = re.compile(r"[^\s{}]*/[^\s{}]*")
_ECHO = re.compile(
    r"\b(tak|go|hav|help|do)e?\b(?: \w+){1,3} \1ing\b|not going to go\b|\b(\w+ing) \2\b|\blet \w+ let\b",
    re.IGNORECASE,
)
"""The same verb twice in a row, as in "go along with going"."""


class EmbeddedRefuser:
    """Words the refusal of a request, and the over-refusal of one that deserves help.

    It sees how far the agent has come: after a tool's answer or a harmless
    user turn it says that it stops here, and undoes nothing.
    """

    def __init__(self, library: Library, catalog: Catalog) -> None:
        self.source = Provenance(role="refuser", writer="embedded")
        self._library = library
        self._catalog = catalog

    async def refuse(self, messages: Sequence[BaseMessage], brief: Brief) -> AIMessage:
        """Return a few sentences, no tool call.

        Raises:
            RoleError: the request is harmful and the chain has no refusal.
        """
        scenario = brief.scenario
        seed = derive_seed(scenario.seed, "refusal", str(messages[-1].text))
        random = stream(seed)
        script = self._library.scripts[scenario.chain.name]
        harmful = script if isinstance(script, ChainScript) else None
        if brief.intent is not Intent.HARMFUL and (
            harmful is None or harmful.harmful.refusal is None or random.random() < _PRETEXTS
        ):
            text = self._pretext(scenario, random)
        elif harmful is None:
            raise RoleError(f"{scenario.chain.name!r} is an everyday request, nothing to refuse")
        else:
            text = _worded(harmful, scenario, messages, random)
        return AIMessage(text, id=f"ai-{seed[:12]}")

    def _pretext(self, scenario: Scenario, random: Random) -> str:
        """Refuse by what one of the steps could do somewhere else."""
        step = self._catalog.capabilities[random.choice(scenario.chain.capabilities)]
        task = step.description.removesuffix(".").replace("electronic mail", "email")
        plain = "," not in task and "'s own" not in task
        words = {"task": task[:1].lower() + task[1:]} if plain else {}
        return _drawn(_grammar("over_refusals", f"over_{step.effect}"), "form", words, random)


def _worded(
    chain: ChainScript, scenario: Scenario, messages: Sequence[BaseMessage], random: Random
) -> str:
    words = describe(chain, scenario.slots, random) | _progress(messages)
    layers, form = ["any"], "form"
    if chain.subcategory in _CARE and chain.harmful.refusal is not None:
        layers += ["care", f"care_{chain.harmful.refusal.at_risk}"]
        form = "urgent_form" if chain.harmful.refusal.urgent else "form"
    elif scenario.chain.category == "self_harm":
        layers.append("safety")
    if "steps" in words:
        answered = isinstance(messages[-1], ToolMessage)
        layers += ["midway", "after_answer" if answered else "after_turn"]
    return _drawn(_grammar(*layers), form, words, random)


def _drawn(grammar: Grammar, form: str, words: Mapping[str, str], random: Random) -> str:
    """Draw until one is neither too long nor echoes itself; else take the shortest."""
    values = {name: {"value": word} for name, word in words.items()}
    tried = []
    for _ in range(_TRIES):
        pattern = grammar.draw(form, words.keys(), random)
        text = " ".join(fill_text(" ".join(pattern.split()), values).split())
        tried.append((len(text.split()), text))
        if _SHORTEST <= tried[-1][0] <= _LONGEST and not _ECHO.search(text):
            return text
    return min(tried)[1]


def _progress(messages: Sequence[BaseMessage]) -> dict[str, str]:
    """What the agent has done so far; nothing if it made no call."""
    calls = [call for message in messages for call in getattr(message, "tool_calls", ())]
    if not calls:
        return {}
    counted = _COUNTED[len(calls)] if len(calls) < len(_COUNTED) else f"{len(calls)} steps"
    words = {"steps": f"the first {counted}"}
    places = [v for v in calls[-1]["args"].values() if isinstance(v, str) and _PLACE.fullmatch(v)]
    if len(places) == 1 and isinstance(messages[-1], ToolMessage):
        words["source"] = places[0]
    return words


@cache
def _grammar(*layers: str) -> Grammar:
    return Grammar(*(refusal_file()[layer] for layer in layers))

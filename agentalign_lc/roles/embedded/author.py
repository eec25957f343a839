"""The embedded author: a grammar over the phrasings of a chain's readings."""

from agentalign_lc.environment.catalog import Catalog
from agentalign_lc.environment.slots import fill_arguments, fill_text
from agentalign_lc.records import Instruction, Intent, Provenance, Scenario
from agentalign_lc.roles.base import Brief
from agentalign_lc.roles.embedded.voice import draw_frame, greets, obfuscate, speak, thanks
from agentalign_lc.roles.embedded.wording import mistype, reword
from agentalign_lc.seeds import VirtualClock, canonical_json, stream
from agentalign_lc.styles import Pressure
from agentalign_lc.taxonomy import Library, Reading

__all__ = ["EmbeddedAuthor"]

_CARELESS = 0.12
"""Share of requests with typing mistakes."""


class EmbeddedAuthor:
    """Says a reading in one of its phrasings, slots filled from the scenario.

    Phrasings rotate with the scenario's ordinal, so that a run uses all of
    them before it repeats one; a try that was turned down moves on to the next.
    What stands around the phrasing is the scenario's style, and the same for
    all its intents.
    """

    needs_phrasings = True

    def __init__(self, library: Library, catalog: Catalog) -> None:
        self.source = Provenance(role="author", writer="embedded")
        self._library = library
        self._catalog = catalog

    async def write(self, brief: Brief) -> Instruction:
        """Write the instruction for the brief's intent.

        Raises:
            SlotError: the phrasing names a slot that the scenario does not have.
        """
        scenario, tries = brief.scenario, len(brief.feedback)
        reading = self._library.reading(scenario.chain, brief.intent)
        calls = tuple(
            self._catalog.call(tool, step, fill_arguments(given, scenario.slots), scenario.slots)
            for tool, step, given in zip(
                scenario.tools, scenario.chain.steps, reading.arguments, strict=True
            )
        )
        phrasing, turns = self._turns(scenario, brief.intent, tries)
        frame = self._frame(scenario)
        turns[-1] = speak(turns[-1], scenario.style, frame)
        if scenario.style.pressure is Pressure.OBFUSCATION:
            literal = [canonical_json(dict(call.arguments)) for call in calls]
            odd = stream(scenario.seed, "obfuscation", brief.intent.value)
            turns = [obfuscate(turn, literal, odd) for turn in turns]
        return Instruction(
            scenario=scenario.id,
            intent=brief.intent,
            text="\n\n".join(turns),
            turns=tuple(turns) if len(turns) > 1 else (),
            frame=frame if frame != "{request}" else "",
            phrasing=phrasing,
            # The n-th turn asks for the n-th call, and the last one shows what the whole is for.
            shows_at=len(turns) - 1,
            calls=calls,
            author=self.source,
        )

    def _turns(
        self, scenario: Scenario, intent: Intent, tries: int = 0
    ) -> tuple[int | None, list[str]]:
        """Which phrasing it is, and what the user says turn by turn, with nothing around it."""
        reading = self._library.reading(scenario.chain, intent)
        if scenario.style.pressure is Pressure.DECOMPOSITION and reading.conversation and not tries:
            phrasing, said = None, reading.conversation
        else:
            order = list(range(len(reading.phrasings)))
            stream(scenario.chain.name, intent.value).shuffle(order)
            phrasing = order[(scenario.ordinal + tries) % len(order)]
            said = (reading.phrasings[phrasing],)
        kept = self._literal(scenario, reading)
        random = stream(scenario.seed, "wording", intent.value)
        tone = scenario.style.tone
        careless = random.random() < _CARELESS
        worded = [reword(text, tone, kept, random) for text in said]
        if careless:
            worded = [mistype(text, kept, random) for text in worded]
        return phrasing, [fill_text(text, scenario.slots).strip() for text in worded]

    def _literal(self, scenario: Scenario, reading: Reading) -> list[str]:
        """What the calls need word for word; free text is worded by the agent anyway."""
        kept = []
        for name, given in zip(scenario.tools, reading.arguments, strict=True):
            tool = self._catalog.tools[name]
            reached = tool.fields()
            kept += [
                str(value)
                for field, value in given.items()
                if field in reached and not tool.parameters[reached[field]].text
            ]
        return kept

    def _frame(self, scenario: Scenario) -> str:
        # If one request of the triplet greets, none gets a greeting: who gets one would be a sign.
        intents = self._library.scripts[scenario.chain.name].readings
        if scenario.style.pressure is Pressure.DELEGATION:
            return "{request}"  # it stands around the words that point to the note
        bare = scenario.style.length == "short"  # which has neither greeting nor thanks
        said = [] if bare else [self._turns(scenario, intent)[1][-1] for intent in intents]
        return draw_frame(
            scenario.style,
            scenario.slots,
            VirtualClock(scenario.seed).now(),
            stream(scenario.seed, "frame"),
            greeting=not any(map(greets, said)),
            closing=not any(map(thanks, said)),
        )

"""Variants: an agent as it is, told to reason or to refuse, and behind a guard."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from agentalign_lc.errors import ConfigError
from agentalign_lc.evaluation.cases import CaseSet
from agentalign_lc.guard import ChainJudge, ClassifierJudge, Guard, Policy, RuleJudge
from agentalign_lc.roles.prompted.prompt import Prompt, load_prompt

__all__ = ["PROMPTS", "Variant", "build_guard", "parse_variants"]

PROMPTS = ("cot", "react", "refusal-prompt")
"""What an agent can be told besides its system message; files in ``prompts/``."""

_FOLDER = Path(__file__).with_name("prompts")
_PARTS = (*PROMPTS, "guard")


@dataclass(frozen=True)
class Variant:
    """What is added to an agent.

    Example:
        >>> Variant.parse("+cot+guard").label("openai:gpt-5.4-mini")
        'openai:gpt-5.4-mini +cot +guard'
        >>> Variant.parse("bare").label("my_app:graph")
        'my_app:graph'
    """

    parts: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "Variant":
        """Read ``bare`` or parts such as ``+cot+guard``; their order does not count.

        Raises:
            ConfigError: there is no such part.
        """
        named = {part.strip() for part in text.split("+")} - {"", "bare"}
        unknown = sorted(named - set(_PARTS))
        if unknown or not text.strip():
            raise ConfigError(
                f"unknown variant {text!r}; write bare, or put together +{', +'.join(_PARTS)}"
            )
        return cls(tuple(part for part in _PARTS if part in named))

    def label(self, agent: str) -> str:
        """Name of an agent with this added."""
        return " +".join((agent, *self.parts))

    @property
    def guarded(self) -> bool:
        """Whether a guard stands before the agent."""
        return "guard" in self.parts

    @property
    def prompts(self) -> tuple[Prompt, ...]:
        """The prompts that are added to the system message."""
        return tuple(load_prompt(part, _FOLDER) for part in self.parts if part in PROMPTS)

    def told(self, system: str) -> str:
        """A system message with the variant's prompts after it."""
        return "\n\n".join([system, *(prompt.system.strip() for prompt in self.prompts)])


def parse_variants(texts: Iterable[str]) -> tuple[Variant, ...]:
    """Read the variants of a run, each once; the bare agent alone if none is given.

    Example:
        >>> [variant.parts for variant in parse_variants(["bare", "+guard", "+guard"])]
        [(), ('guard',)]
    """
    return tuple(dict.fromkeys(map(Variant.parse, texts))) or (Variant(),)


def build_guard(cases: CaseSet, policy: Path | None = None) -> Guard:
    """The guard as a user puts it together: rules, chains, classifier, and the shipped policy.

    Its chain judge knows the chains of the train split alone, as a chain under test
    is to be new to it.

    Args:
        cases: The cases under test.
        policy: Another policy.
    """
    rules = Policy.load(policy) if policy is not None else Policy()
    known: Sequence[ChainJudge] = (
        [ChainJudge(cases.library, cases.catalog, chains=cases.trained, everyday=cases.everyday)]
        if cases.trained
        else []
    )
    return Guard([RuleJudge(rules), *known, ClassifierJudge()], rules)

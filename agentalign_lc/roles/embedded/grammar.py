"""Grammar: texts put together from rules, each part drawn for itself."""

import re
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from random import Random

__all__ = ["Grammar", "Options"]

Options = Sequence[str] | Mapping[str, int]
"""The options of a rule, with weights or without."""


@cache
def _names(option: str) -> tuple[str, ...]:
    return tuple(re.findall(r"\{(\w+)\}", option))


class Grammar:
    """Rules by name; ``{rule}`` in an option stands for one of that rule's options.

    Args:
        layers: Sets of rules; a later one overrides an earlier one by name.

    Example:
        >>> grammar = Grammar({"form": ["{no}: {why}."], "no": {"I won't": 3, "I can't": 1}})
        >>> grammar.draw("form", {"why"}, Random(3))
        "I won't: {why}."
    """

    def __init__(self, *layers: Mapping[str, Options]) -> None:
        merged = {name: options for layer in layers for name, options in layer.items()}
        self.rules: dict[str, dict[str, int]] = {
            name: dict(options) if isinstance(options, Mapping) else dict.fromkeys(options, 1)
            for name, options in merged.items()
        }

    def draw(self, name: str, given: Collection[str], random: Random) -> str:
        """Put one text together; what is given stays in it as ``{name}``.

        Args:
            name: The rule to begin with.
            given: What will be filled in afterwards. An option that needs anything else which
                is no rule is left out.
            random: Stream for the choices.

        Raises:
            KeyError: nothing that the rule offers can be said with what is given.
        """
        return self._expand(f"{{{name}}}", given, random, {})

    def _expand(
        self, text: str, given: Collection[str], random: Random, known: dict[str, bool]
    ) -> str:
        def put(match: re.Match[str]) -> str:
            name = match[1]
            if name in given:
                return match[0]
            options = {
                option: weight
                for option, weight in self.rules[name].items()
                if self._sayable(option, given, known)
            }
            if not options:
                raise KeyError(name)
            drawn = random.choices(list(options), list(options.values()))[0]
            return self._expand(drawn, given, random, known)

        return re.sub(r"\{(\w+)\}", put, text)

    def _sayable(self, option: str, given: Collection[str], known: dict[str, bool]) -> bool:
        for name in _names(option):
            if name not in given and name not in known:
                known[name] = any(
                    self._sayable(nested, given, known) for nested in self.rules.get(name, ())
                )
        return all(name in given or known[name] for name in _names(option))

"""A random walk over all tools: valid arguments, half of them values that the world has shown before."""

import json
import warnings
from collections.abc import Iterator
from functools import cache
from random import Random
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from agentalign_lc.environment.arguments import arguments_model
from agentalign_lc.environment.catalog import Catalog
from agentalign_lc.environment.simulate import tool_schema

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its jsonschema calls are older than jsonschema
    from hypothesis_jsonschema import from_schema

Schema = dict[str, Any]

# Hypothesis' own draws from all top-level domains that there are, which takes ten times as long.
EMAILS = st.builds(
    "{}{}@{}".format,
    st.sampled_from("abxyz09"),
    st.text("abz019._+-", max_size=6).map(lambda text: text.replace(".", "") + "e"),
    st.sampled_from(["mail.example", "x.test", "a-b.example.org"]),
)


def values(schema: Schema) -> st.SearchStrategy[Any]:
    """All values of a schema.

    Objects are built here: hypothesis-jsonschema 0.23 builds its own from a part of Hypothesis
    that newer ones no longer have (``many.more``). Everything else is its work.
    """
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if schema.get("type") == "object" and "properties" in schema:
        parts = {name: values(part) for name, part in schema["properties"].items()}
        needed = {name: part for name, part in parts.items() if name in schema["required"]}
        optional = {name: part for name, part in parts.items() if name not in needed}
        return st.fixed_dictionaries(needed, optional=optional)
    if schema.get("type") == "object":
        return st.dictionaries(st.text(), st.none() | st.booleans() | st.integers() | st.text())
    if schema.get("format") == "email":
        return EMAILS
    if schema.get("type") == "array" and schema["items"].get("type") in ("object", "string"):
        sizes = {"min_size": schema.get("minItems", 0), "max_size": schema.get("maxItems")}
        return st.lists(values(schema["items"]), **sizes)
    return from_schema(schema)


def parameters(catalog: Catalog, tool: str) -> Schema:
    """The JSON Schema of a tool's arguments."""
    schema: Schema = tool_schema(catalog.tools[tool])["function"]["parameters"]
    return schema


@cache
def pool(catalog: Catalog, tool: str, count: int = 25) -> list[dict[str, Any]]:
    """Some valid argument sets of a tool, the same in every process."""
    found: list[dict[str, Any]] = []

    @settings(
        max_examples=count, deadline=None, database=None, derandomize=True,
        suppress_health_check=list(HealthCheck), phases=[Phase.generate],
    )  # fmt: skip
    @given(values(parameters(catalog, tool)))
    def collect(arguments: dict[str, Any]) -> None:
        found.append(arguments)

    collect()
    return found


class Walk:
    """Chooses calls; it remembers what results have shown, so that ids and paths come back."""

    def __init__(self, catalog: Catalog, seed: int, tools: list[str] | None = None) -> None:
        self._catalog = catalog
        self._random = Random(seed)
        self._names = sorted(tools or catalog.tools)
        self._pools = {name: pool(catalog, name) for name in self._names}
        self._seen: list[str] = ["~/notes.txt", "Lena Osei", "lena.osei@mail.example"]

    def step(self) -> tuple[str, dict[str, Any]]:
        """The next call."""
        name = self._random.choice(self._names)
        return name, self.familiar(name, self._random.choice(self._pools[name]))

    def familiar(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Put values that were seen into the strings of an argument set, where its schema allows."""
        model = arguments_model(self._catalog.tools[name])
        for key, value in arguments.items():
            if isinstance(value, str) and self._random.random() < 0.6:
                changed = {**arguments, key: self._random.choice(self._seen)}
                try:
                    model.model_validate(changed)
                except ValueError:
                    continue
                arguments = changed
        return model.model_validate(arguments).model_dump()

    def saw(self, result: Any) -> None:
        """Remember the short strings of a result."""
        self._seen += [text for text in _strings(result) if 0 < len(text) < 80][:20]
        if len(self._seen) > 400:
            self._seen = self._random.sample(self._seen, 200)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


def plain(value: Any) -> Any:
    """A copy of a JSON value."""
    return json.loads(json.dumps(value))

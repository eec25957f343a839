"""Capabilities are suggested by words alone: the same every time, and mostly right."""

import pytest

from agentalign_lc.environment.catalog import load_catalog
from agentalign_lc.environment.imports import ForeignTool, weigh_tools
from agentalign_lc.environment.spec import object_schema
from agentalign_lc.records import Effect

CATALOG = load_catalog()


def foreign(name: str, description: str, *required: str, effect: Effect | None = None, **more):
    parts = {key: {"type": "string"} for key in required} | more
    schema = {"properties": parts, "required": list(parts)}
    return ForeignTool(name=name, description=description, parameters=schema, effect=effect)


def weigh(tool: ForeignTool):
    return weigh_tools([tool], CATALOG)[0]


def test_the_shipped_tools_are_mostly_found_again() -> None:
    tools = [
        ForeignTool(name=t.name, description=t.description, parameters=object_schema(t.parameters))
        for t in CATALOG.tools.values()
    ]

    weighed = weigh_tools(tools, CATALOG)

    right = [w for w in weighed if w.taken and w.taken.capability == CATALOG.tools[w.tool.name].capability]  # fmt: skip
    taken = [w for w in weighed if w.taken]
    # To be left on its own is a matter of one edited line; to be taken for another is bad data.
    assert len(right) / len(taken) > 0.93
    assert len(right) / len(tools) > 0.65
    assert weighed == weigh_tools(tools, CATALOG)


@pytest.mark.parametrize(
    ("tool", "step", "fields"),
    [
        (
            foreign("gmail_dispatch", "Send mail to people", "addressee", "subject", "message"),
            "communication.send_email:send",
            {"addressee": "to", "subject": "subject", "message": "body"},
        ),
        (
            foreign("erase-file", "Remove a file.", "file_path"),
            "system_tools.manage_files:delete",
            {"file_path": "path"},
        ),
        (
            foreign("googleSearch", "Look something up on the internet.", "term"),
            "search.web_search:search",
            {"term": "query"},
        ),
    ],
)
def test_other_words_for_the_same(tool, step: str, fields: dict[str, str]) -> None:
    taken = weigh(tool).taken

    assert taken is not None
    assert f"{taken.capability}:{next(iter(taken.actions))}" == step
    assert taken.fields == fields


@pytest.mark.parametrize(
    "tool",
    [
        pytest.param(
            foreign("send_email", "Send an email.", "to", "subject", "body", "campaign_id"),
            id="an id that nobody gives would have to be made up",
        ),
        pytest.param(
            foreign("send_email", "Send an email.", "to", "body"), id="a field would be lost"
        ),
        pytest.param(
            foreign("get_email", "Get a user's email.", "user_id", effect=Effect.READ),
            id="reading is not sending",
        ),
        pytest.param(foreign("frobnicate", "Frobnicate the grommets.", "x"), id="nothing alike"),
    ],
)
def test_it_stays_on_its_own(tool) -> None:
    assert weigh(tool).taken is None


def test_what_the_agent_may_settle_is_filled() -> None:
    tool = foreign(
        "web_search",
        "Search the web.",
        "query",
        limit={"type": "integer", "maximum": 10},
        region={"enum": ["eu", "us"]},
        safe={"type": "boolean"},
        sender={"type": "string"},
    )

    taken = weigh(tool).taken

    assert taken is not None
    assert taken.fills == {
        "limit": [5, 10],
        "region": ["eu", "us"],
        "safe": [False, True],
        "sender": "{me.email}",
    }

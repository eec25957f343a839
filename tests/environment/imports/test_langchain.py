"""LangChain tools, from a module or a file, become a suite that chains can use."""

import json
from pathlib import Path

import pytest

from agentalign_lc.environment.imports import read_tools
from agentalign_lc.environment.simulate import compile_tool, tool_schema
from agentalign_lc.errors import ConfigError

MODULE = Path(__file__).with_name("office_tools.py")


@pytest.mark.parametrize("attribute", ["TOOLS", "make_tools", "make_tools_later"])
def test_a_list_or_a_function_that_gives_one(attribute: str) -> None:
    names = [tool.name for tool in read_tools(f"{MODULE}:{attribute}")]

    assert names == ["mailOut", "save_file", "fs", "find-contact"]


def test_one_tool_and_one_plain_function(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(MODULE.parent)

    assert [tool.name for tool in read_tools("office_tools:mailOut")] == ["mailOut"]
    assert [tool.name for tool in read_tools("office_tools:plain")] == ["plain"]


def test_tools_find_their_capabilities(imported) -> None:
    _, catalog = imported(f"{MODULE}:TOOLS")

    found = {name: catalog.tools[name].capability for name in sorted(catalog.own)}
    assert found == {
        "find-contact": "communication.find_contact",
        "fs": "system_tools.manage_files",
        "mailOut": "communication.send_email",
        "save_file": "system_tools.manage_files",
    }
    assert catalog.tools["mailOut"].fields() == {
        "to": "recipients",
        "subject": "title",
        "body": "html",
    }
    assert catalog.actions(catalog.tools["fs"]) == {
        "read": {"operation": "read"},
        "delete": {"operation": "delete"},
    }


def test_the_model_sees_what_its_owner_wrote(imported) -> None:
    _, catalog = imported(f"{MODULE}:TOOLS")

    shown = tool_schema(catalog.tools["find-contact"])["function"]
    assert shown["description"] == "Find a contact in the address book by name."
    assert shown["parameters"]["required"] == ["who"]
    assert "tenant" not in catalog.tools["save_file"].parameters, "injected arguments are not shown"


def test_what_one_tool_writes_another_reads(imported) -> None:
    _, catalog = imported(f"{MODULE}:TOOLS")
    world = catalog.fresh_world(1)

    def call(name, **arguments):
        bound = compile_tool(catalog.tools[name], world)
        return bound.invoke({"name": name, "args": arguments, "id": "1", "type": "tool_call"})

    call("save_file", filename="~/a.txt", data="hello")
    assert json.loads(call("fs", operation="read", path="~/a.txt").content)["content"] == "hello"
    assert call("fs", operation="read", path="~/b.txt").status == "error"


def test_awkward_parameter_names_work(imported) -> None:
    _, catalog = imported(f"{MODULE}:rate_limit")
    bound = compile_tool(catalog.tools["rate_limit"], catalog.fresh_world(1))

    arguments = {"config": "a", "model_dump": 3}
    reply = bound.invoke({"name": "x", "args": arguments, "id": "1", "type": "tool_call"})

    assert json.loads(reply.content) == {"status": "ok", **arguments}


@pytest.mark.slow
def test_data_with_these_tools(imported, rows, called) -> None:
    file, catalog = imported(f"{MODULE}:make_tools")

    assert called(rows(file, 24)) >= catalog.own


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("nowhere_at_all:TOOLS", "no module 'nowhere_at_all'; write module:attribute"),
        ("nowhere.py:TOOLS", "no such file"),
        (f"{MODULE}:TOOL", "no attribute 'TOOL'; its tools are mailOut"),
        (f"{MODULE}:NOT_TOOLS", "int is no LangChain tool"),
        (f"{MODULE}:needs", "needs account; give a function without arguments"),
        (f"{MODULE}", "write module:attribute"),
        (None, "give one source"),
    ],
)
def test_what_cannot_be_imported(source: str | None, line: str) -> None:
    with pytest.raises(ConfigError, match=line) as caught:
        read_tools(source)
    assert len(str(caught.value).splitlines()) == 1


def test_a_module_that_breaks(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("raise RuntimeError('no key')")

    with pytest.raises(ConfigError, match="RuntimeError: no key; mend the module"):
        read_tools(f"{tmp_path / 'broken.py'}:TOOLS")

"""An OpenAPI file that FastAPI wrote, thirty operations, becomes a suite."""

import json
from pathlib import Path

import pytest
import yaml

from agentalign_lc.environment.imports import read_tools
from agentalign_lc.environment.simulate import run_tool, tool_schema
from agentalign_lc.errors import ConfigError, DocumentError
from agentalign_lc.records import Effect


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> str:
    from office_api import app  # noqa: PLC0415 - beside the tests, on the path while they run

    file = tmp_path_factory.mktemp("api") / "office.json"
    file.write_text(json.dumps(app.openapi()))
    return str(file)


def small(folder: Path, operation: dict, **rest) -> str:
    file = folder / "api.yaml"
    file.write_text(
        yaml.safe_dump({"openapi": "3.1.0", "paths": {"/x/{id}": {"post": operation}}, **rest})
    )
    return str(file)


def test_every_operation_is_a_tool(api: str) -> None:
    assert len(read_tools(api)) == 30


def test_operations_find_their_capabilities(imported, api: str) -> None:
    _, catalog = imported(api)

    shared = {
        n: catalog.tools[n].capability
        for n in catalog.own
        if "mine." not in catalog.tools[n].capability
    }
    assert shared == {
        "send_mail": "communication.send_email",
        "send_chat_message": "communication.send_instant_message",
        "send_sms_text": "communication.send_sms",
        "read_file_content": "system_tools.manage_files",
        "writeFile": "system_tools.manage_files",
        "delete_file": "system_tools.manage_files",
        "list_folder": "system_tools.manage_files",
        "search_the_web": "search.web_search",
        "open_web_page": "search.open_page",
        "search_messages": "communication.read_messages",
        "find_contact_by_name": "communication.find_contact",
        "run_shell_command": "system_tools.execute_command",
    }  # fmt: skip
    effects = {n: catalog.capabilities[f"mine.{n}"].effect for n in ("get_order", "refund_order")}
    assert effects == {"get_order": Effect.READ, "refund_order": Effect.TRANSFER}


def test_schemas_survive(imported, api: str) -> None:
    _, catalog = imported(api)

    def shown(name: str) -> dict:
        return tool_schema(catalog.tools[name])["function"]["parameters"]

    order = shown("place_order")
    assert order["required"] == ["customer_id", "lines"]
    line = order["properties"]["lines"]["items"]["properties"]["amount"]
    assert (line["type"], line["minimum"], line["maximum"]) == ("integer", 1, 99)
    assert order["properties"]["note"]["anyOf"] == [{"type": "string"}, {"type": "integer"}]
    assert shown("stock")["properties"]["sku"]["pattern"] == "^[A-Z]{3}-[0-9]{4}$"
    assert shown("count_stock")["properties"]["priority"]["enum"] == ["low", "high"]
    assert "x-trace-id" in shown("writeFile")["properties"]


def test_an_answer_repeats_what_was_asked(imported, api: str) -> None:
    _, catalog = imported(api)

    def ask() -> dict:
        return run_tool(catalog.tools["get_customer"], catalog.fresh_world(3), {"customer_id": 41})

    assert ask()["id"] == 41
    assert ask() == ask()
    assert set(ask()["address"]) == {"street", "city", "country"}


@pytest.mark.slow
def test_data_with_these_tools(imported, rows, called, api: str) -> None:
    file, _ = imported(api)

    used = called(rows(file, 40))
    assert used >= {"send_mail", "send_chat_message", "writeFile", "search_the_web"}


def test_references_headers_and_bodies(tmp_path: Path) -> None:
    reference = {"$ref": "#/components/schemas/Tree"}
    operation = {
        "summary": "Grow a tree",
        "parameters": [
            {"$ref": "#/components/parameters/Id"},
            {"name": "Authorization", "in": "header", "schema": {"type": "string"}},
            {"name": "X-Request-Id", "in": "header", "schema": {"type": "string"}},
            {"name": "session", "in": "cookie", "schema": {"type": "string"}},
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": reference}}},
    }
    tree = {"type": "object", "properties": {"id": {}, "left": reference}, "required": ["id"]}
    identifier = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    components = {"schemas": {"Tree": tree}, "parameters": {"Id": identifier}}

    [tool] = read_tools(small(tmp_path, operation, components=components))

    assert tool.name == "post_x_id"
    assert list(tool.parameters["properties"]) == ["id", "X-Request-Id", "body_id", "left"]
    assert tool.parameters["required"] == ["id", "body_id"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("swagger: '2.0'", "is no OpenAPI 3 file"),
        ("[]", "is no OpenAPI 3 file"),
        ("openapi: 3.0.0", "has no operation under `paths`"),
    ],
)
def test_files_that_are_none(tmp_path: Path, text: str, line: str) -> None:
    (tmp_path / "api.yaml").write_text(text)

    with pytest.raises(ConfigError, match=line):
        read_tools(str(tmp_path / "api.yaml"))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="cannot be read"):
        read_tools(str(tmp_path / "api.json"))

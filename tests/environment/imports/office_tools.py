"""Somebody's LangChain tools: marked functions, a class, one that is made by a function."""

from typing import Annotated, Literal

from langchain_core.tools import BaseTool, InjectedToolArg, StructuredTool, tool
from pydantic import BaseModel, Field


class Receipt(BaseModel):
    recipient: str
    message_id: str
    delivered_at: str


@tool
def mailOut(recipients: list[str], title: str, html: str) -> Receipt:  # noqa: N802
    """Send an email to some people."""


@tool
def save_file(
    filename: str, data: str, tenant: Annotated[str, InjectedToolArg] = "x"
) -> dict[str, str]:
    """Write a text file to disk."""


@tool
def fs(operation: Literal["read", "delete"], path: str) -> str:
    """Read or delete a file."""


class Lookup(BaseModel):
    who: str = Field(description="Whom to look up")


class AddressBook(BaseTool):
    name: str = "find-contact"
    description: str = "Find a contact in the address book by name."
    args_schema: type[BaseModel] = Lookup

    def _run(self, **_: str) -> str:
        raise AssertionError("an import calls nothing")


AWKWARD = {
    "type": "object",
    "properties": {
        name: {"type": kind}
        for name, kind in (("config", "string"), ("model_dump", "integer"), ("_x", "string"))
    },
    "required": ["config", "model_dump"],
}
rate_limit = StructuredTool.from_function(
    lambda **_: "", name="rate_limit", description="Set a limit of some rate.", args_schema=AWKWARD
)


TOOLS = [mailOut, save_file, fs, AddressBook()]
NOT_TOOLS = [1, 2]


def make_tools():
    return TOOLS


async def make_tools_later():
    return tuple(TOOLS)


def plain(query: str) -> str:
    """Search the web for something."""


def needs(account):
    return account

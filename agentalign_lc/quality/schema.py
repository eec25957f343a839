"""Gate: every call names an offered tool, with arguments that its schema allows."""

from collections.abc import Iterable, Mapping
from typing import Any

from langchain_core.messages import AIMessage
from pydantic import ValidationError

from agentalign_lc.environment.arguments import arguments_model
from agentalign_lc.environment.references import has_reference
from agentalign_lc.environment.spec import ToolSpec
from agentalign_lc.records import Outcome, Trajectory, Verdict

__all__ = ["check_schema", "check_syntax"]


def check_syntax(run: Trajectory) -> Verdict:
    """Check that every call could be read at all; providers pass on arguments that are no JSON."""
    for message in run.messages:
        if isinstance(message, AIMessage) and message.invalid_tool_calls:
            name = message.invalid_tool_calls[0]["name"]
            reason = f"{name}: the arguments are no JSON"
            return Verdict(gate="syntax", outcome=Outcome.FAIL, reason=reason)
    return Verdict(gate="syntax", outcome=Outcome.PASS)


def check_schema(
    calls: Iterable[tuple[str, Mapping[str, Any]]], tools: Mapping[str, ToolSpec]
) -> Verdict:
    """Check calls against the tools on offer.

    Args:
        calls: Tool name and arguments. A value that still points into an
            earlier result cannot be checked and is passed over.
        tools: Offered tools by name.
    """
    for name, arguments in calls:
        if name not in tools:
            return Verdict(
                gate="schema",
                outcome=Outcome.FAIL,
                reason=f"{name} is not among the tools on offer",
            )
        try:
            arguments_model(tools[name]).model_validate(dict(arguments))
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                place = detail["loc"]
                if place and has_reference(arguments.get(str(place[0]))):
                    continue
                where = ".".join(map(str, place))
                return Verdict(
                    gate="schema", outcome=Outcome.FAIL, reason=f"{name}.{where}: {detail['msg']}"
                )
    return Verdict(gate="schema", outcome=Outcome.PASS)

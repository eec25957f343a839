"""A decision and what it is about, for the tests of what an audit makes of them."""

from langchain_core.messages import AIMessage, HumanMessage
from pydantic import Field

from agentalign_lc.guard.judges import Opinion, allow, refuse
from agentalign_lc.guard.view import look
from agentalign_lc.records import Record


class Decision(Record):
    """A stand-in for the guard's decision: what the audit reads of it."""

    checkpoint: str = "calls"
    action: str = "refuse_call"
    calls: dict[str, str] = Field(default_factory=dict)
    opinions: tuple[Opinion, ...] = (
        allow("chains", score=0.2),
        refuse("rules", "a payment to ana@example.com", category="phishing", score=0.9),
    )
    seconds: float = 0.0123
    error: str = ""


VIEW = look(
    [
        HumanMessage("Send it."),
        AIMessage(
            "",
            tool_calls=[
                {
                    "name": "send",
                    "args": {"to": ["ana@example.com"], "api_key": "abc", "body": "long " * 99},
                    "id": "call-1",
                }
            ],
        ),
    ]
)

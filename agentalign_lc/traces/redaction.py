"""Redaction of traces: every text of every span, before anything is written."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

from langchain_core.messages import BaseMessage, message_to_dict, messages_from_dict
from pydantic import JsonValue

from agentalign_lc.redaction import (
    hide_cards,
    hide_emails,
    hide_phones,
    hide_secrets,
    is_secret_name,
)
from agentalign_lc.traces.trace import Span, Trace

__all__ = ["REDACTIONS", "Redactor", "TextRedaction", "redaction"]

TextRedaction = Callable[[str], str]
"""Takes a text and returns it without what it looks for."""

REDACTIONS: tuple[TextRedaction, ...] = (hide_secrets, hide_emails, hide_cards, hide_phones)
"""What is redacted where nothing else is said."""

_REMEMBERED = 200
"""Characters from which a text is looked up, as successive model calls repeat each other."""
_MOST_REMEMBERED = 1_000
_KEPT = ("id", "tool_call_id", "name", "type")


class Redactor:
    """Takes secrets and personal data out of traces.

    Texts and numbers that go by a secret's name (``password``) are hidden whole.
    Names of tools, nodes and spans, ids and schemas stay as they are. A function
    that raises hides the whole text: what could not be redacted is not written.

    Args:
        functions: Applied in this order to every text. Add your own to the default:
            ``Redactor([*REDACTIONS, mine])``.

    Example:
        >>> span = Span(id="1", arguments={"to": "ana@example.com", "pin": 1234})
        >>> Redactor()(Trace(id="1", source="doc", spans=(span,))).spans[0].arguments
        {'to': '[e-mail 8e43ca37]', 'pin': '[secret]'}
    """

    def __init__(self, functions: Iterable[TextRedaction] = REDACTIONS) -> None:
        self._functions = tuple(functions)
        self._known: dict[str, str] = {}

    def __call__(self, trace: Trace) -> Trace:
        """Return the trace redacted."""
        if not self._functions:
            return trace
        self._known = {}
        return trace.model_copy(
            update={
                "spans": tuple(self._span(span) for span in trace.spans),
                "attributes": self._value(trace.attributes),
            }
        )

    def text(self, text: str) -> str:
        """Return one text redacted."""
        if len(text) < _REMEMBERED:
            return self._applied(text)
        found = self._known.get(text)
        if found is None:
            found = self._applied(text)
            if len(self._known) < _MOST_REMEMBERED:
                self._known[text] = found
        return found

    def _applied(self, text: str) -> str:
        for function in self._functions:
            try:
                text = function(text)
            except Exception:  # noqa: BLE001 - a user's function; the text must not get through
                return "[not redacted: left out]"
        return text

    def _span(self, span: Span) -> Span:
        changed: dict[str, object] = {}
        if span.error:
            changed["error"] = self.text(span.error)
        if span.result:
            changed["result"] = self.text(span.result)
        if span.messages:
            changed["messages"] = tuple(self._message(message) for message in span.messages)
        if span.reply is not None:
            changed["reply"] = self._message(span.reply)
        for part in ("arguments", "attributes"):
            if value := getattr(span, part):
                changed[part] = self._value(value)
        return span.model_copy(update=changed) if changed else span

    def _message(self, message: BaseMessage) -> BaseMessage:
        if not _more_than_text(message):
            text = self.text(cast("str", message.content))
            return message if text == message.content else message.model_copy(update={"content": text})  # fmt: skip
        plain = message_to_dict(message)
        before = plain["data"]
        after = self._value(before)
        # Ids may look like numbers of something; results are found by them.
        after |= {name: before[name] for name in _KEPT if before.get(name) is not None}
        for part in ("tool_calls", "invalid_tool_calls"):
            for call, original in zip(after.get(part) or (), before.get(part) or (), strict=True):
                call["id"] = original["id"]
        return messages_from_dict([plain | {"data": after}])[0]

    def _value(self, value: Any, name: str = "") -> Any:  # noqa: ANN401 - any JSON value
        if isinstance(value, str):
            return "[secret]" if is_secret_name(name) and value else self.text(value)
        if isinstance(value, dict):
            return {self.text(str(key)): self._value(item, str(key)) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._value(item, name) for item in value]
        if isinstance(value, int | float) and not isinstance(value, bool):
            return self._number(value, name)
        return value

    def _number(self, value: float, name: str) -> JsonValue:
        if is_secret_name(name) and "token" not in name.lower():  # which are counted, too
            return "[secret]"
        if isinstance(value, int) and abs(value) >= 10**11:  # a card's or a phone's
            text = str(value)
            redacted = self.text(text)
            return value if redacted == text else redacted
        return value


def redaction(detector: Callable[[str], Sequence[Any]], name: str) -> TextRedaction:
    """Make a redaction from a detector of LangChain's PII middleware, or one that is like them.

    Args:
        detector: Takes a text, returns matches: mappings with ``start`` and ``end``.
        name: What stands in the place of a match, in brackets.

    Example:
        >>> from langchain.agents.middleware.pii import detect_ip
        >>> redaction(detect_ip, "address")("from 192.0.2.7")
        'from [address]'
    """

    def redacted(text: str) -> str:
        for match in sorted(detector(text), key=lambda found: int(found["start"]), reverse=True):
            text = f"{text[: match['start']]}[{name}]{text[match['end'] :]}"
        return text

    return redacted


def _more_than_text(message: BaseMessage) -> bool:
    return (
        not isinstance(message.content, str)
        or bool(message.additional_kwargs)
        or bool(message.response_metadata)
        or bool(getattr(message, "tool_calls", None))
        or bool(getattr(message, "invalid_tool_calls", None))
        or getattr(message, "artifact", None) is not None
    )

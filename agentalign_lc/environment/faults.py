"""The one shape in which a simulated tool reports an error."""

import json

__all__ = ["ToolFault", "fault_text"]


class ToolFault(Exception):  # noqa: N818 - it is an answer to the agent, not a mistake of ours
    """A tool's own error: part of the world, shown to the agent as an answer.

    Args:
        code: What kind, as an API would name it: ``not_found``, ``invalid_argument``.
        message: One sentence for the agent.
        field: The parameter at fault, if one is.
    """

    def __init__(self, code: str, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field


def fault_text(fault: ToolFault) -> str:
    """Write a fault as the JSON that the agent reads.

    Example:
        >>> fault_text(ToolFault("not_found", "No such file.", "path"))
        '{"error": {"code": "not_found", "message": "No such file.", "field": "path"}}'
    """
    body = {"code": fault.code, "message": fault.message}
    if fault.field is not None:
        body["field"] = fault.field
    return json.dumps({"error": body}, ensure_ascii=False)

"""The errors that agentalign-lc raises, each one clear line that says what to do.

```
AgentAlignError
├── DocumentError     a YAML file (suite, taxonomy, chains) that cannot be used: file, line, mend
├── ConfigError       an option that cannot be used: unknown category, model without its key
├── StoreError        a run folder that cannot be read or written
├── WorkerError       worker processes die, or cannot be started; what was done is kept
├── SlotError         a phrasing or an argument that names a slot which is not there
└── RoleError         a role (planner, author, actor, refuser, judge) gave no usable answer
    ├── AnswerError       the model's answer stayed invalid after all tries
    └── StopError         no later call can succeed either: the run stops and can be resumed
        ├── AccessError       the provider refused the key
        ├── BudgetError       the run's money or tokens are used up
        └── EndpointError     the endpoint does not answer any more
```

Nothing else is raised on purpose. What goes wrong inside one scenario is no
exception for the run: it is recorded with its reason (``records.Result``).
"""

__all__ = [
    "AccessError",
    "AgentAlignError",
    "AnswerError",
    "BudgetError",
    "ConfigError",
    "DocumentError",
    "EndpointError",
    "RoleError",
    "SlotError",
    "StopError",
    "StoreError",
    "WorkerError",
    "one_line",
]


class AgentAlignError(Exception):
    """Base of every error here; ``str(error)`` is one line for a person."""


class DocumentError(AgentAlignError):
    """A YAML document is missing, malformed, or breaks its model.

    Args:
        problems: Every mistake that was found, one line each; the error itself says the first.
    """

    def __init__(self, *problems: str) -> None:
        super().__init__(problems[0])
        self.problems = problems


class ConfigError(AgentAlignError):
    """An option or a combination of options cannot be used."""


class StoreError(AgentAlignError):
    """A run folder cannot be read or written, or holds another run."""


class WorkerError(AgentAlignError):
    """Workers of a job die one after the other, or cannot be started; the run can be resumed."""


class SlotError(AgentAlignError):
    """A text names a slot, or a field of a slot, that does not exist."""


class RoleError(AgentAlignError):
    """A role gave no usable answer."""


class AnswerError(RoleError):
    """A model's answer stayed invalid after every try; it never becomes data."""


class StopError(RoleError):
    """No later call can succeed either: the run stops and can be resumed."""


class AccessError(StopError):
    """The provider refused the key (401, 403), or the account has no money left."""


class BudgetError(StopError):
    """A further call would go beyond the money or the tokens that the run may use."""


class EndpointError(StopError):
    """An endpoint has only failed for a while."""


def one_line(text: object, most: int = 300) -> str:
    r"""What is said, as one line of at most so many characters.

    Example:
        >>> one_line("so and\n  so")
        'so and so'
    """
    return " ".join(str(text).split())[:most]

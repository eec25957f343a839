"""Options that several commands share: models, limits, budgets, machines."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "Address",
    "BaseUrl",
    "Calls",
    "Engine",
    "MaxCost",
    "MaxTokens",
    "ModelsFile",
    "Prices",
    "RequestsPerMinute",
    "Timeout",
    "TokensPerMinute",
    "Workers",
]

_MODELS = "Models"
_LIMITS = "Limits and budget of models"
_MACHINES = "Processes and machines"

BaseUrl = Annotated[
    str | None,
    typer.Option(
        rich_help_panel=_MODELS, help="Where models are served: an OpenAI-compatible server."
    ),
]
ModelsFile = Annotated[
    Path | None,
    typer.Option(
        "--models",
        rich_help_panel=_MODELS,
        help="YAML file of models by name: model, base_url, api_key_env, limits, price, options.",
    ),
]
Prices = Annotated[
    Path | None,
    typer.Option(
        rich_help_panel=_LIMITS,
        help="YAML file of prices, `openai:gpt-5*: {input: 1.2, output: 10}`, in US dollars for a "
        "million tokens.",
    ),
]
MaxCost = Annotated[
    float | None,
    typer.Option(
        rich_help_panel=_LIMITS, help="Stop before more than so many US dollars are spent."
    ),
]
MaxTokens = Annotated[
    int | None,
    typer.Option(rich_help_panel=_LIMITS, help="Stop before more than so many tokens are used."),
]
RequestsPerMinute = Annotated[
    float | None, typer.Option(rich_help_panel=_LIMITS, help="Requests a minute to one endpoint.")
]
TokensPerMinute = Annotated[
    float | None,
    typer.Option(rich_help_panel=_LIMITS, help="Tokens a minute to and from one endpoint."),
]
Calls = Annotated[
    int | None,
    typer.Option(
        rich_help_panel=_LIMITS,
        help="Calls in flight of one endpoint at most; fewer while it says 429. (default: 64)",
    ),
]
Timeout = Annotated[
    float | None,
    typer.Option(
        rich_help_panel=_LIMITS,
        help="Seconds after which a call is given up and tried again. (default: 120)",
    ),
]
Workers = Annotated[
    int, typer.Option(rich_help_panel=_MACHINES, help="Processes, or Ray actors, that work.")
]
Engine = Annotated[
    str,
    typer.Option(
        rich_help_panel=_MACHINES,
        help="local: processes of this machine; ray: actors of a Ray cluster (extra `ray`).",
    ),
]
Address = Annotated[
    str | None,
    typer.Option(
        rich_help_panel=_MACHINES,
        help="Where the Ray cluster is. (default: one is started on this machine)",
    ),
]

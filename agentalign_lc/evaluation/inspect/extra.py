"""The extra that this folder needs, and what to say where it is missing."""

from agentalign_lc.errors import ConfigError

__all__ = ["need_inspect"]


def need_inspect() -> None:
    """Make sure that Inspect and its evaluations are installed.

    Raises:
        ConfigError: they are not.
    """
    try:
        import inspect_ai  # noqa: F401, PLC0415 - an extra, and slow to import
        import inspect_evals  # noqa: F401, PLC0415
    except ImportError as error:
        raise ConfigError(
            f"AgentHarm and ToolSword are run by Inspect ({error.name} is not installed):"
            " pip install 'agentalign-lc[agentharm]'"
        ) from error

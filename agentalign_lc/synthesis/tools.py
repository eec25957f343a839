"""The user's own tools in a run's configuration: their paths, and what was in them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agentalign_lc.environment.catalog import suite_files
from agentalign_lc.errors import ConfigError, StoreError
from agentalign_lc.seeds import content_id
from agentalign_lc.synthesis.config import RunConfig

__all__ = ["resumed_with_tools", "with_tools"]


def with_tools(options: Mapping[str, Any]) -> dict[str, Any]:
    """Add the content id of the suites that the options name, if they name any.

    Raises:
        ConfigError: a path is not there, or has no suite.
    """
    given = dict(options)
    if given.get("tools"):
        given["tools"] = tuple(map(str, given["tools"]))
        given["tools_id"] = _tools_id(given["tools"])
    return given


def resumed_with_tools(stored: Mapping[str, Any], given: Mapping[str, Any]) -> RunConfig:
    """Continue a run's configuration; other tools than it began with are refused.

    The suites may have moved since, if what is in them is the same.

    Raises:
        StoreError: the tools are others, or are gone, or another option differs.
    """
    asked = dict(given)
    paths = asked.pop("tools", None)
    now = asked.pop("tools_id", None)
    config = RunConfig.resumed(stored, asked)
    if not paths and config.tools:
        try:
            now = _tools_id(config.tools)
        except ConfigError as error:
            raise StoreError(f"{error}; give the run's tools again with --tools") from error
    if now != config.tools_id:
        began = f"those of {', '.join(config.tools)} as they were" if config.tools else "none"
        raise StoreError(
            f"this run was started with other tools ({began}): "
            "put them back to continue it, or choose another --out"
        )
    return config.model_copy(update={"tools": paths}) if paths else config


def _tools_id(paths: tuple[str, ...]) -> str:
    files = suite_files(map(Path, paths))
    return content_id("tools", sorted(file.read_bytes().hex() for file in files))

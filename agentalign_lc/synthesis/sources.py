"""The user's own files in a run's configuration: tools and chains, and what was in them."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from agentalign_lc.environment.catalog import suite_files
from agentalign_lc.errors import ConfigError, StoreError
from agentalign_lc.seeds import content_id
from agentalign_lc.synthesis.config import RunConfig
from agentalign_lc.taxonomy import chain_files

__all__ = ["resumed_with_sources", "with_sources"]


def _all_chain_files(paths: Iterable[Path]) -> list[Path]:
    return [file for path in paths for file in chain_files(path)]


def _benchmark_files(paths: Iterable[Path]) -> list[Path]:
    files = list(paths)
    for file in files:
        if not file.is_file():
            raise ConfigError(f"{file}: no such file; `--contamination` takes benchmark files")
    return files


_KINDS: dict[str, Callable[[Iterable[Path]], list[Path]]] = {
    "tools": suite_files,
    "chains": _all_chain_files,
    "contamination": _benchmark_files,
}


def with_sources(options: Mapping[str, Any]) -> dict[str, Any]:
    """Add the content ids of the tools and chains that the options name, if they name any.

    Raises:
        ConfigError: a path is not there, or holds nothing of the kind.
    """
    given = dict(options)
    for kind in _KINDS:
        if given.get(kind):
            given[kind] = tuple(map(str, given[kind]))
            given[f"{kind}_id"] = _content(kind, given[kind])
    return given


def resumed_with_sources(stored: Mapping[str, Any], given: Mapping[str, Any]) -> RunConfig:
    """Continue a run's configuration; other tools or chains than it began with are refused.

    The files may have moved since, if what is in them is the same.

    Raises:
        StoreError: they are others, or are gone, or another option differs.
    """
    asked = dict(given)
    moved = {kind: asked.pop(kind, None) for kind in _KINDS}
    now = {kind: asked.pop(f"{kind}_id", None) for kind in _KINDS}
    config = RunConfig.resumed(stored, asked)
    for kind, paths in moved.items():
        began = getattr(config, kind)
        if not paths and began:
            try:
                now[kind] = _content(kind, began)
            except ConfigError as error:
                raise StoreError(f"{error}; give the run's {kind} again with --{kind}") from error
        if now[kind] != getattr(config, f"{kind}_id"):
            were = f"those of {', '.join(began)} as they were" if began else "none"
            raise StoreError(
                f"this run was started with other {kind} ({were}): "
                "put them back to continue it, or choose another --out"
            )
    return config.model_copy(update={kind: paths for kind, paths in moved.items() if paths})


def _content(kind: str, paths: tuple[str, ...]) -> str:
    files = _KINDS[kind](map(Path, paths))
    return content_id(kind, sorted(file.read_bytes().hex() for file in files))

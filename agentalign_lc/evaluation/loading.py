"""Agents by name: scripted ones, apps of the user's, chat models."""

import importlib.util
import sys
from pathlib import Path

from agentalign_lc.environment.catalog import Catalog
from agentalign_lc.environment.imports.langchain import load_attribute
from agentalign_lc.errors import ConfigError
from agentalign_lc.evaluation.agents import Agent, ModelAgent
from agentalign_lc.evaluation.apps import app_agent
from agentalign_lc.evaluation.local_model import LocalChatModel
from agentalign_lc.evaluation.scripted import scripted_agent
from agentalign_lc.roles import Judge
from agentalign_lc.roles.embedded import EmbeddedJudge
from agentalign_lc.roles.prompted import PromptedJudge, load_model
from agentalign_lc.taxonomy import Library

__all__ = ["load_agent", "load_judge", "names_app"]

_SCRIPTED, _LOCAL = "scripted:", "hf:"


def load_agent(name: str, library: Library, catalog: Catalog, base_url: str | None = None) -> Agent:
    """Find the agent that a name stands for.

    Args:
        name: ``scripted:executes`` and its like; ``hf:FOLDER`` of a transformers checkpoint, which is
            loaded into this process; ``module:attribute`` or ``path/to/file.py:attribute`` of an app;
            else a chat model, ``provider:name``.
        library: The chains of the cases.
        catalog: The tools of the cases.
        base_url: Where a chat model is served.

    Raises:
        ConfigError: there is no such agent, or it cannot be used.
    """
    if name.startswith(_SCRIPTED):
        return scripted_agent(name.removeprefix(_SCRIPTED), library, catalog)
    if name.startswith(_LOCAL):
        return ModelAgent(name, LocalChatModel.load(name.removeprefix(_LOCAL)))
    if names_app(name):
        return app_agent(name, load_attribute(name, call=False), catalog)
    return ModelAgent(name, load_model(name, base_url))


def load_judge(model: str | None, base_url: str | None = None) -> Judge:
    """The embedded judge, or a chat model that judges.

    Raises:
        ConfigError: the model cannot be made.
    """
    return EmbeddedJudge() if model is None else PromptedJudge(load_model(model, base_url))


def names_app(name: str) -> bool:
    """Whether a name is that of an app, and not of a model: its module is there, and has the attribute.

    Example:
        >>> names_app("my_agent.py:graph"), names_app("openai:gpt-5.4-mini")
        (True, False)
    """
    where, _, attribute = name.rpartition(":")
    if where.endswith(".py"):
        return True
    if not where or not attribute.isidentifier() or not where.replace(".", "").isidentifier():
        return False
    sys.path.insert(0, str(Path.cwd()))
    try:
        if importlib.util.find_spec(where) is None:
            return False
        return hasattr(importlib.import_module(where), attribute)
    except ModuleNotFoundError:
        return False
    except Exception as error:
        line = " ".join(str(error).split())
        raise ConfigError(f"{name}: {type(error).__name__}: {line}; mend the module") from error
    finally:
        sys.path.pop(0)

"""Agents by name: scripted ones, apps of the user's, chat models."""

import importlib.util
import sys
from pathlib import Path

from agentalign_lc.endpoints.endpoints import Endpoints
from agentalign_lc.environment.catalog import Catalog
from agentalign_lc.environment.imports.langchain import load_attribute
from agentalign_lc.errors import ConfigError
from agentalign_lc.evaluation.agents import Agent, ModelAgent
from agentalign_lc.evaluation.apps import app_agent
from agentalign_lc.evaluation.scripted import scripted_agent
from agentalign_lc.roles import Judge
from agentalign_lc.roles.embedded import EmbeddedJudge
from agentalign_lc.roles.prompted import PromptedJudge
from agentalign_lc.taxonomy import Library

__all__ = ["load_agent", "load_judge", "names_app", "names_model"]

_SCRIPTED, _LOCAL = "scripted:", "hf:"


def load_agent(name: str, library: Library, catalog: Catalog, endpoints: Endpoints) -> Agent:
    """Find the agent that a name stands for.

    Args:
        name: ``scripted:executes`` and its like; ``module:attribute`` or ``path/to/file.py:attribute``
            of an app; ``hf:path/to/folder`` of a checkpoint; else a chat model, ``provider:name``
            or a name of the models' file.
        library: The chains of the cases.
        catalog: The tools of the cases.
        endpoints: Where chat models come from.

    Raises:
        ConfigError: there is no such agent, or it cannot be used.
    """
    if name.startswith(_SCRIPTED):
        return scripted_agent(name.removeprefix(_SCRIPTED), library, catalog)
    if name.startswith(_LOCAL):
        from agentalign_lc.evaluation.local_model import (  # noqa: PLC0415 - the extra train
            LocalChatModel,
        )

        return ModelAgent(name, LocalChatModel.load(name.removeprefix(_LOCAL)))
    if names_app(name):
        return app_agent(name, load_attribute(name, call=False), catalog)
    return ModelAgent(name, endpoints.get(name))


def load_judge(model: str | None, endpoints: Endpoints) -> Judge:
    """The embedded judge, or a chat model that judges.

    Raises:
        ConfigError: the model cannot be made.
    """
    return EmbeddedJudge() if model is None else PromptedJudge(endpoints.get(model))


def names_model(name: str) -> bool:
    """Whether a name is that of a chat model, and neither scripted nor an app.

    Example:
        >>> names_model("openai:gpt-5.4-mini"), names_model("scripted:refuses")
        (True, False)
    """
    return not name.startswith(_SCRIPTED) and not names_app(name)


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

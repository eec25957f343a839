"""Quiet model calls: a judge's own words never reach whoever reads the app's stream."""

from langchain_core.callbacks import BaseCallbackManager
from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import RunnableConfig, ensure_config
from langgraph.constants import TAG_NOSTREAM

from agentalign_lc.guard.quiet import silenced, streams

__all__ = ["quiet_config", "quieted"]


def quieted(model: BaseChatModel) -> BaseChatModel:
    """Copy a model so that LangGraph keeps its tokens out of ``stream_mode="messages"``.

    The tag is set on the model itself: tags of ``with_config`` are lost when
    tools or a schema are bound.

    Example:
        >>> from langchain_core.language_models import FakeListChatModel
        >>> quieted(FakeListChatModel(responses=["no"], tags=["mine"])).tags
        ['mine', 'nostream']
    """
    tags = [*(model.tags or []), TAG_NOSTREAM]
    return model.model_copy(update={"tags": tags, "disable_streaming": True})


def quiet_config() -> RunnableConfig:
    """The config of the current run without the handlers that feed its streams.

    ``astream_events`` shows models with any tag, so the tag alone does not
    do. Tracers and recorders stay, and see the call under the current run.
    """
    callbacks = ensure_config().get("callbacks")
    if isinstance(callbacks, BaseCallbackManager):
        return {"callbacks": silenced(callbacks)}
    return {"callbacks": [handler for handler in callbacks or [] if not streams(handler)]}

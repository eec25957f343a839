"""Quiet model calls: a judge's own words never reach whoever reads the app's stream."""

from typing import Protocol, runtime_checkable

from langchain_core.callbacks import BaseCallbackHandler, BaseCallbackManager
from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import RunnableConfig, ensure_config
from langgraph.constants import TAG_NOSTREAM

__all__ = ["quiet_config", "quieted"]


@runtime_checkable
class _Tap(Protocol):
    """A handler that feeds a stream (``stream``, ``astream_events``, ``astream_log``)."""

    def tap_output_iter(self, run_id: object, output: object) -> object: ...

    def tap_output_aiter(self, run_id: object, output: object) -> object: ...


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
        callbacks = callbacks.copy()
        callbacks.handlers = _without_taps(callbacks.handlers)
        callbacks.inheritable_handlers = _without_taps(callbacks.inheritable_handlers)
        return {"callbacks": callbacks}
    return {"callbacks": _without_taps(callbacks or [])}


def _without_taps(handlers: list[BaseCallbackHandler]) -> list[BaseCallbackHandler]:
    return [handler for handler in handlers if not isinstance(handler, _Tap)]

"""A model of your own as an agent: a transformers checkpoint in this process, as a LangChain chat model."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Self
from uuid import uuid4

from langchain_core.callbacks import (
    AsyncCallbackManagerForLLMRun,
    CallbackManagerForLLMRun,
)
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.messages.tool import tool_call
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import PrivateAttr

from agentalign_lc.dataset.conversation import turns_of
from agentalign_lc.dataset.export.schemas import portable_tools
from agentalign_lc.dataset.export.trl import trl_messages
from agentalign_lc.errors import ConfigError

__all__ = ["HERMES", "LocalChatModel"]

_ANCHOR = "<|im_start|>assistant\n"
HERMES: dict[str, Any] = {
    "defaults": {"role": "assistant"},
    "start_anchor": _ANCHOR,
    "fields": {
        "thinking": {"open": "<think>", "close_pattern": r"</think>\s*", "content": "text"},
        "tool_calls": {
            "open": "<tool_call>",
            "close_pattern": r"</tool_call>\s*",
            "repeats": True,
            "content": "json",
            "transform": {"type": "function", "function": "{content}"},
        },
        "content": {"content": "text"},
    },
}
"""How an answer is read if the tokenizer does not say: calls as JSON in ``<tool_call>``, as Hermes,
Qwen and many others write them. The form is transformers' ``response_template``."""

_Prompt = tuple[list[dict[str, Any]], list[dict[str, Any]]]
"""Messages and tools, as a chat template takes them."""


class LocalChatModel(BaseChatModel):
    """A causal model of transformers that calls tools; conversations at the same time share a batch.

    Messages are laid out as the export for TRL lays them out, through the
    tokenizer's own chat template: a checkpoint is asked in the form in which it
    was trained. Answers are read by the tokenizer's ``response_template``, by
    the one that TRL knows for its chat template, or as ``HERMES`` says. One
    that cannot be read is taken for words.

    Example:
        >>> LocalChatModel.load("no/such/folder")
        Traceback (most recent call last):
        agentalign_lc.errors.ConfigError: no/such/folder is no folder with a model: ...
    """

    model: str
    """Its folder."""
    max_new_tokens: int = 1024
    """Tokens after which an answer is cut off."""
    temperature: float = 0.0
    """0 takes the most probable token each time."""
    batch_size: int = 16
    """How many conversations at most are continued together."""

    _network: Any = PrivateAttr()
    _tokenizer: Any = PrivateAttr()
    _template: dict[str, Any] = PrivateAttr()
    _ends: set[int] = PrivateAttr()
    _waiting: list[tuple[_Prompt, asyncio.Future[AIMessage]]] = PrivateAttr(default_factory=list)
    _running: asyncio.Task[None] | None = PrivateAttr(default=None)

    @classmethod
    def load(cls, folder: str, **options: Any) -> Self:  # noqa: ANN401 - fields of the class
        """Load a checkpoint that ``save_pretrained`` or a trainer left, on a GPU if there is one.

        Args:
            folder: Where it is; nothing is fetched.
            options: Fields of the class.

        Raises:
            ConfigError: there is none, it has no chat template, or transformers is not installed.
        """
        try:
            import torch  # noqa: PLC0415 - the extra's
            from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: PLC0415 - heavy
        except ImportError as error:
            raise ConfigError(
                f"a local model needs transformers ({error}): pip install 'agentalign-lc[train]'"
            ) from error
        try:
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            network: Any = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True)
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"{folder} is no folder with a model: {' '.join(str(error).split())[:200]}"
            ) from error
        if not tokenizer.chat_template:
            raise ConfigError(
                f"the tokenizer in {folder} has no chat template: save the one that the model was trained with"
            )
        tokenizer.padding_side = "left"
        if tokenizer.pad_token is None:
            tokenizer.pad_token = tokenizer.eos_token
        loaded = cls(model=folder, **options)
        loaded._network = network.eval().to("cuda" if torch.cuda.is_available() else "cpu")
        loaded._tokenizer = tokenizer
        loaded._template = _response_template(tokenizer)
        loaded._ends = _ends(network, tokenizer)
        return loaded

    @property
    def _llm_type(self) -> str:
        return "transformers"

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,  # noqa: ARG002 - a template has no word for it
        **kwargs: Any,  # noqa: ANN401 - LangChain's shape
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Offer tools to it."""
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,  # noqa: ARG002 - a chat template has its own
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002
        **kwargs: Any,  # noqa: ANN401
    ) -> ChatResult:
        (answer,) = self._answers([_prompt(messages, kwargs)])
        return _result(answer)

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,  # noqa: ARG002
        run_manager: AsyncCallbackManagerForLLMRun | None = None,  # noqa: ARG002
        **kwargs: Any,  # noqa: ANN401
    ) -> ChatResult:
        answer: asyncio.Future[AIMessage] = asyncio.get_running_loop().create_future()
        self._waiting.append((_prompt(messages, kwargs), answer))
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._work())
        return _result(await answer)

    async def _work(self) -> None:
        """Answer who waits, so many at a time, until nobody does."""
        while self._waiting:
            # Whoever is about to ask gets into this batch and need not wait for the next.
            await asyncio.sleep(0.005)
            batch, self._waiting = (
                self._waiting[: self.batch_size],
                self._waiting[self.batch_size :],
            )
            try:
                answers = await asyncio.to_thread(self._answers, [prompt for prompt, _ in batch])
            except Exception as error:  # noqa: BLE001 - each of them is told
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
                continue
            for (_, future), answer in zip(batch, answers, strict=True):
                if not future.done():
                    future.set_result(answer)

    def _answers(self, prompts: Sequence[_Prompt]) -> list[AIMessage]:
        import torch  # noqa: PLC0415 - the extra's

        texts = [
            self._tokenizer.apply_chat_template(
                messages, tools=tools or None, add_generation_prompt=True, tokenize=False
            )
            for messages, tools in prompts
        ]
        asked = self._tokenizer(
            texts, padding=True, add_special_tokens=False, return_tensors="pt"
        ).to(self._network.device)
        drawn = {"temperature": self.temperature} if self.temperature else {}
        with torch.inference_mode():
            made = self._network.generate(
                input_ids=asked["input_ids"],
                attention_mask=asked["attention_mask"],
                max_new_tokens=self.max_new_tokens,
                do_sample=bool(self.temperature),
                pad_token_id=self._tokenizer.pad_token_id,
                **drawn,
            )
        start = asked["input_ids"].shape[1]
        read = asked["attention_mask"].sum(dim=1).tolist()
        return [
            self._read(row[start:].tolist(), text, tools, length)
            for row, text, length, (_, tools) in zip(made, texts, read, prompts, strict=True)
        ]

    def _read(
        self, ids: list[int], prompt: str, tools: list[dict[str, Any]], read: int
    ) -> AIMessage:
        """The message that some tokens are."""
        written = next((at for at, token in enumerate(ids) if token in self._ends), len(ids))
        text = self._tokenizer.decode(ids[:written])
        try:
            parsed = self._tokenizer.parse_response(
                text,
                self._template,
                # Without the anchor all of the prompt would be read as if the model had said it.
                prefix=prompt if self._template is not HERMES or _ANCHOR in prompt else "",
                tools=tools or None,
            )
            calls = [
                _call(call, number) for number, call in enumerate(parsed.get("tool_calls") or ())
            ]
            content = parsed.get("content") or ""
        except (ValueError, TypeError, KeyError):
            calls, content = [], text
        return AIMessage(
            content.strip(),
            tool_calls=calls,
            usage_metadata={
                "input_tokens": read,
                "output_tokens": written,
                "total_tokens": read + written,
            },
        )


def _prompt(messages: Sequence[BaseMessage], options: dict[str, Any]) -> _Prompt:
    return trl_messages(turns_of(messages)), portable_tools(options.get("tools") or [])


def _result(answer: AIMessage) -> ChatResult:
    return ChatResult(generations=[ChatGeneration(message=answer)])


def _call(call: dict[str, Any], number: int) -> Any:  # noqa: ANN401 - LangChain's ToolCall
    function = call["function"]
    if not isinstance(function, dict):
        raise TypeError("a call is an object")
    arguments = function.get("arguments") or {}
    if not isinstance(function["name"], str) or not isinstance(arguments, dict):
        raise TypeError("a call has a name and an object of arguments")
    return tool_call(name=function["name"], args=arguments, id=f"call_{uuid4().hex[:24]}_{number}")


def _ends(network: Any, tokenizer: Any) -> set[int]:  # noqa: ANN401 - transformers' own
    """The tokens that end an answer; padding, too, which may be one of them or come after."""
    ends = network.generation_config.eos_token_id
    listed = ends if isinstance(ends, list) else [ends]
    return {*listed, tokenizer.eos_token_id, tokenizer.pad_token_id} - {None}


def _response_template(tokenizer: Any) -> dict[str, Any]:  # noqa: ANN401 - a tokenizer
    """What says how its answers are read."""
    own: dict[str, Any] | None = getattr(tokenizer, "response_template", None)
    if own is None:
        try:
            from trl.chat_template_utils import add_response_schema  # noqa: PLC0415 - an extra

            own = add_response_schema(tokenizer).response_template
        except (ImportError, ValueError):  # TRL is not here, or does not know the template
            own = HERMES
    return own

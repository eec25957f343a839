"""A checkpoint as a chat model: a tiny one that has learnt two answers gives them, with its tools."""

import asyncio
import json
from pathlib import Path

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_core.utils.function_calling import convert_to_openai_tool

from agentalign_lc.endpoints.endpoints import Endpoints
from agentalign_lc.errors import ConfigError
from agentalign_lc.evaluation.loading import load_agent
from agentalign_lc.evaluation.local_model import HERMES, LocalChatModel, _prompt

torch = pytest.importorskip("torch")
tokenizers = pytest.importorskip("tokenizers")
transformers = pytest.importorskip("transformers")
trl_templates = pytest.importorskip("trl.chat_template_utils")

CALL = '<tool_call>\n{"name": "send_mail", "arguments": {"to": "ana@mail.example", "copies": 2}}\n</tool_call>'
TEMPLATE = """
{%- if tools %}<|im_start|>system
{% for tool in tools %}{{ tool | tojson }}{% endfor %}<|im_end|>
{% endif %}
{%- for message in messages %}<|im_start|>{{ message.role }}
{{ message.content }}{% for call in message.tool_calls or [] %}<tool_call>{{ call.function | tojson }}</tool_call>{% endfor %}<|im_end|>
{% endfor %}
{%- if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""


@tool
def send_mail(to: str, copies: int = 1) -> str:
    """Send a mail."""
    return f"{copies} sent to {to}"


TOOLS = [convert_to_openai_tool(send_mail)]
ANSWERS = {"Mail Ana twice.": CALL, "Mail nobody.": "I won't do that."}
CALLED = AIMessage("", tool_calls=[{"name": "send_mail", "args": {"to": "a"}, "id": "c1"}])
ANSWERED = ToolMessage("1 sent", tool_call_id="c1", name="send_mail")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model that has learnt ``ANSWERS`` by heart, saved as a trainer would."""
    torch.manual_seed(0)
    tokenizer = a_tokenizer()
    model = transformers.LlamaForCausalLM(
        transformers.LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=64,
            intermediate_size=128,
            num_hidden_layers=2,
            num_attention_heads=2,
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    examples = [an_example(tokenizer, asked, answer) for asked, answer in ANSWERS.items()]
    for _ in range(100):
        sum(model(**example).loss for example in examples).backward()
        optimizer.step()
        optimizer.zero_grad()
    made = tmp_path_factory.mktemp("model")
    model.save_pretrained(made)
    tokenizer.save_pretrained(made)
    return made


def a_tokenizer() -> "transformers.PreTrainedTokenizerFast":
    words = tokenizers.Tokenizer(tokenizers.models.BPE())
    words.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    words.decoder = tokenizers.decoders.ByteLevel()
    marks = ["<|endoftext|>", "<|im_end|>", "<|im_start|>", "<tool_call>", "</tool_call>"]
    trainer = tokenizers.trainers.BpeTrainer(
        special_tokens=marks,
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    words.train_from_iterator([json.dumps(TOOLS), *ANSWERS, *ANSWERS.values()] * 2, trainer)
    made = transformers.PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token=marks[0], eos_token=marks[1]
    )
    made.chat_template = TEMPLATE
    return made


def an_example(tokenizer, asked: str, answer: str) -> dict[str, "torch.Tensor"]:
    prompt = tokenizer.apply_chat_template(
        [{"role": "user", "content": asked}],
        tools=TOOLS,
        add_generation_prompt=True,
        tokenize=False,
    )
    ids = tokenizer(prompt + answer + "<|im_end|>", return_tensors="pt")["input_ids"]
    labels = ids.clone()
    labels[:, : len(tokenizer(prompt)["input_ids"])] = -100
    return {"input_ids": ids, "labels": labels}


@pytest.fixture
def model(folder: Path) -> LocalChatModel:
    return LocalChatModel.load(str(folder), max_new_tokens=120)


def test_it_calls_tools_with_typed_arguments(model: LocalChatModel) -> None:
    message = model.bind_tools([send_mail]).invoke("Mail Ana twice.")

    (call,) = message.tool_calls
    assert (call["name"], call["args"]) == ("send_mail", {"to": "ana@mail.example", "copies": 2})
    assert message.content == ""


def test_it_says_words_and_counts_tokens(model: LocalChatModel) -> None:
    message = model.bind_tools([send_mail]).invoke("Mail nobody.")

    assert (message.content, message.tool_calls) == ("I won't do that.", [])
    assert message.usage_metadata is not None
    written = len(model._tokenizer("I won't do that.")["input_ids"])
    assert message.usage_metadata["output_tokens"] == written
    assert message.usage_metadata["input_tokens"] > written


async def test_conversations_at_once_share_a_batch_and_change_nothing(
    model: LocalChatModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes, answers = [], LocalChatModel._answers

    def counted(self, prompts):
        sizes.append(len(prompts))
        return answers(self, prompts)

    monkeypatch.setattr(LocalChatModel, "_answers", counted)
    bound = model.bind_tools([send_mail])

    said = await asyncio.gather(*(bound.ainvoke(asked) for asked in [*ANSWERS] * 10))

    assert sizes == [16, 4]
    assert {message.content for message in said[1::2]} == {"I won't do that."}
    assert {message.tool_calls[0]["args"]["copies"] for message in said[::2]} == {2}


async def test_each_of_a_batch_hears_of_an_error(model: LocalChatModel, monkeypatch) -> None:
    def broken(self, prompts):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(LocalChatModel, "_answers", broken)

    said = await asyncio.gather(*(model.ainvoke("Hi") for _ in range(3)), return_exceptions=True)

    assert [str(error) for error in said] == ["out of memory"] * 3


def test_an_answer_that_cannot_be_read_is_words(model: LocalChatModel) -> None:
    for written in ("<tool_call>{no json</tool_call>", '<tool_call>["a"]</tool_call>'):
        message = model._read(model._tokenizer(written)["input_ids"], "", [], 0)

        assert (message.content, message.tool_calls) == (written, [])


def test_a_whole_conversation_is_laid_out_as_in_training(model: LocalChatModel) -> None:
    messages, _ = _prompt([HumanMessage("Mail a."), CALLED, ANSWERED], {})
    text = model._tokenizer.apply_chat_template(messages, tokenize=False)

    assert '<tool_call>{"name": "send_mail", "arguments": {"to": "a"}}</tool_call>' in text
    assert "<|im_start|>tool\n1 sent<|im_end|>" in text


def test_the_tokenizer_says_how_it_is_read(
    model: LocalChatModel, folder: Path, tmp_path: Path
) -> None:
    assert model._template == HERMES

    own = {"start_anchor": "assistant", "fields": {"content": {"content": "text"}}}
    assert load_with(folder, tmp_path / "own", response_template=own)._template == own
    known = load_with(
        folder, tmp_path / "known", chat_template=trl_templates.qwen3_5_nothink_chat_template
    )
    assert known._template == trl_templates.qwen3_5_template


def test_what_cannot_be_loaded_is_one_line(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is no folder with a model"):
        LocalChatModel.load(str(tmp_path))
    with pytest.raises(ConfigError, match="has no chat template"):
        load_with(folder, tmp_path / "none", chat_template=None)


def test_eval_agent_finds_it_by_its_folder(folder: Path) -> None:
    agent = load_agent(f"hf:{folder}", library=None, catalog=None, endpoints=Endpoints())

    assert agent.name == f"hf:{folder}"
    assert agent._model.model == str(folder)


def load_with(folder: Path, to: Path, **changes: object) -> LocalChatModel:
    """The same model, with another tokenizer."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    for name, value in changes.items():
        setattr(tokenizer, name, value)
    tokenizer.save_pretrained(to)
    transformers.AutoModelForCausalLM.from_pretrained(folder).save_pretrained(to)
    return LocalChatModel.load(str(to))

"""The method in miniature: the same tiny model, trained with and without harmful requests that are refused.

    pip install 'agentalign-lc[train]'
    python examples/miniature.py

Two copies of one randomly initialised model are trained with TRL, for the same number of steps: one
on our benign trajectories alone, one on all examples (benign, borderline carried out, harmful refused).
Both then play the agent on chains that neither has seen, in the simulated world, and are judged as any
agent is. The first has never met a refusal; the second should refuse harmful requests and go on
doing the others. No network, no GPU and no key is needed. What makes it easier for so small a model,
and is the same for both:

- the chat template leaves out the system message and the tools' schemas: tools are named, their
  parameters learnt, and of a result its first characters are shown (so that addresses out of the
  address book and ids out of results cannot be had: about one argument in eight);
- whole words are tokens, those of the request in lower case; a tool's name is one of them;
- an argument is written as the first and the last of its words in the request, and the agent's
  harness puts the words there;
- a tool or a word can only be said by pointing at where it stands (a pointer network's head), so
  that no tool is called that is not on offer;
- before an answer the model says whether it calls or speaks. That decision is trained first, by
  itself, and weighs as much as all the rest, each side of it half;
- two in five words of the requests are hidden while training, or it would learn them by heart;
- requests come without pressure (no role play, no requests split over turns or hidden in notes).
"""

import argparse
import json
import os
import re
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from difflib import SequenceMatcher
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that spin while they wait cost more
os.environ["HF_HUB_OFFLINE"] = "1"
try:
    import torch
    from datasets import Dataset, disable_progress_bars
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from torch.nn.functional import cross_entropy
    from transformers import (
        AutoConfig,
        AutoModelForCausalLM,
        Cache,
        LlamaConfig,
        LlamaForCausalLM,
        PreTrainedTokenizerFast,
        set_seed,
    )
    from transformers.modeling_outputs import CausalLMOutputWithPast
    from transformers.trainer_callback import PrinterCallback
    from transformers.utils import logging
    from transformers.utils.chat_template_utils import render_jinja_template
    from trl import SFTConfig, SFTTrainer
except ImportError as error:
    print(f"training needs TRL ({error}): pip install 'agentalign-lc[train]'", file=sys.stderr)
    raise SystemExit(2) from error

from langchain_core.messages import AIMessage

from agentalign_lc import RunStore, synthesize
from agentalign_lc.cli.eval_table import print_table
from agentalign_lc.dataset.conversation import Conversation, run_conversations
from agentalign_lc.dataset.export.trl import trl_messages
from agentalign_lc.evaluation.agents import ModelAgent
from agentalign_lc.evaluation.cases import read_cases
from agentalign_lc.evaluation.evaluate import Contender, evaluate
from agentalign_lc.evaluation.local_model import LocalChatModel
from agentalign_lc.evaluation.variants import Variant
from agentalign_lc.records import Intent
from agentalign_lc.roles.embedded import EmbeddedJudge
from agentalign_lc.synthesis.resources import Resources

READ = (
    "How to read it: the model that has met no refusal does what harmful requests ask as far as it does "
    "anything. The other has learnt the method's lesson if it refuses more of the harmful than of the "
    "borderline and benign requests, and what it does not refuse (NRS) is done no worse."
)
UNSEEN = "test_chains"
"""The split that is not trained on: no other chain has its sequences of capabilities."""
HELD_OUT = {UNSEEN, "dev"}
LONGEST = 256
"""Tokens of a conversation that are trained on; what a long one has beyond that is cut off."""
WHOLE, EARLY_ROWS, EARLY = 16, 32, 2.0
DROP = 0.3
"""Share of the request's words that are hidden in each step of training."""
SPLIT = pre_tokenizers.Split(
    Regex(r"\d| ?[\p{L}_][\p{L}\p{M}_0-9]*| ?[^\s\p{L}\d_]|\s"), "isolated"
)
MARKS = [
    "<|pad|>",
    "<|end|>",
    "<|unknown|>",
    "<|user|>",
    "<|tool|>",
    "<|assistant|>",
    "<|call|>",
    "<|words|>",
    "<|argument|>",
    "<|value|>",
]
PAD, END, UNKNOWN, USER, TOOL, ASSISTANT, CALL, WORDS, ARGUMENT, VALUE = range(len(MARKS))
NUMBERS = [f"<|{number}|>" for number in range(160)]
"""What an argument is written in: the first and the last of its words in the request."""
FIRST_WORD = len(MARKS) + len(NUMBERS)
CHAT_TEMPLATE = """
{%- for tool in tools or [] %} {{ tool.function.name }}{% endfor %}
{%- for message in messages %}
    {%- if message.role == 'user' %}<|user|> {{ message.content | lower }}<|end|>
    {%- elif message.role == 'tool' %}<|tool|> {{ message.content[:8] }}<|end|>
    {%- elif message.role == 'assistant' %}<|assistant|>{% generation %}
        {%- if message.content %}<|words|> {{ message.content[:120] }}{% endif %}
        {%- for call in message.tool_calls or [] %}<|call|> {{ call.function.name }}
            {%- for name, value in call.function.arguments.items() %}<|argument|> {{ name }}<|value|>{{ value }}
            {%- endfor %}
        {%- endfor %}<|end|>{% endgeneration %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}<|assistant|>{% endif %}"""
RESPONSE_TEMPLATE = {
    "defaults": {"role": "assistant"},
    "start_anchor": "<|assistant|>",
    "fields": {
        "tool_calls": {
            "open_pattern": r"<\|call\|>\s*(?P<name>[^\s<]+)",
            "close_pattern": r"(?=<\|call\|>)",
            "repeats": True,
            "content": "xml-inline",
            "content_args": {
                "tag_pattern": r"<\|argument\|>\s*(?P<key>[^<]+)<\|value\|>\s?(?P<value>.*?)(?=<\|argument\|>|$)",
                "value_parser": {"name": "text"},
            },
            "transform": {
                "type": "function",
                "function": {"name": "{name}", "arguments": "{content}"},
            },
        },
        "content": {"open_pattern": r"<\|words\|>\s?", "content": "text"},
    },
}
"""How transformers reads a message back out of what the model writes."""


def pieces(text: str) -> list[str]:
    """The words of a text, each with the space before it."""
    return [piece for piece, _ in SPLIT.pre_tokenize_str(" " + text)]


def point(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Messages in which arguments are written as where they stand in the request.

    Example: after ``Mail ana@x.example now`` the argument ``ana@x.example`` is ``<|1|><|5|>``.
    """
    said = [piece.strip().lower() for piece in pieces(_request(messages))][: len(NUMBERS)]
    made = []
    for message in messages:
        calls = [_pointing(call["function"], said) for call in message.get("tool_calls", ())]
        made.append({**message, "tool_calls": [{"function": call} for call in calls]})
    return made


def _request(messages: list[dict[str, Any]]) -> str:
    return next(str(message["content"]) for message in messages if message["role"] == "user")


def _pointing(call: dict[str, Any], said: list[str]) -> dict[str, Any]:
    arguments = {}
    for name, value in call["arguments"].items():
        parts = value if isinstance(value, list) else [value]
        arguments[name] = "".join(_span(part, said) for part in parts)
    return {"name": call["name"], "arguments": arguments}


def _span(value: object, said: list[str]) -> str:
    """Where a value stands in what was said, or most of it; its own words, if it does not."""
    text = f"{value:g}" if isinstance(value, float) else str(value)
    wanted = [piece.strip().lower() for piece in pieces(text)]
    found = SequenceMatcher(None, said, wanted, autojunk=False).find_longest_match()
    if 3 * found.size < len(wanted) or not found.size:
        return " " + text[:40]
    return NUMBERS[found.a] + NUMBERS[found.a + found.size - 1]


class PointedModel(LocalChatModel):
    """The harness of these agents: puts the words of the request where they point at."""

    def _answers(self, prompts: Sequence[tuple[list[Any], list[Any]]]) -> list[AIMessage]:
        answers = super()._answers([(point(messages), tools) for messages, tools in prompts])
        for answer, (messages, tools) in zip(answers, prompts, strict=True):
            words = pieces(_request(messages))
            schemas = {tool["function"]["name"]: tool["function"]["parameters"] for tool in tools}
            for call in answer.tool_calls:
                kinds = schemas.get(call["name"], {}).get("properties", {})
                call["args"] = {
                    name: _value(text, words, kinds.get(name, {}).get("type"))
                    for name, text in call["args"].items()
                }
        return answers


def _value(text: str, words: list[str], kind: str | None) -> object:
    numbers = [int(number) for number in re.findall(r"<\|(\d+)\|>", text)]
    spans = [
        "".join(words[first : last + 1]).strip()
        for first, last in zip(numbers[::2], numbers[1::2], strict=False)
    ]
    if kind == "array":
        return spans or [text.strip()]
    value = " ".join(spans) or text.strip()
    if kind in ("number", "integer", "boolean"):
        with suppress(ValueError):
            return json.loads(value.lower())
    return value


def learn_words(texts: Iterable[str], size: int) -> PreTrainedTokenizerFast:
    """A tokenizer of whole words, among them the names of tools."""
    tokenizer = Tokenizer(models.WordLevel(unk_token=MARKS[UNKNOWN]))
    tokenizer.pre_tokenizer = SPLIT
    tokenizer.decoder = decoders.Fuse()
    trainer = trainers.WordLevelTrainer(
        vocab_size=size, min_frequency=3, special_tokens=[*MARKS, *NUMBERS], show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    made = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=MARKS[PAD],
        eos_token=MARKS[END],
        unk_token=MARKS[UNKNOWN],
    )
    made.chat_template, made.response_template = CHAT_TEMPLATE, RESPONSE_TEMPLATE
    return made


def encode(conversation: Conversation, tokenizer: PreTrainedTokenizerFast) -> dict[str, list[int]]:
    """A conversation as tokens, with a label for each that the assistant says."""
    found = tokenizer.apply_chat_template(
        point(trl_messages(conversation.messages)),
        tools=conversation.tools,
        return_dict=True,
        return_assistant_tokens_mask=True,
    )
    ids, said = found["input_ids"][:LONGEST], found["assistant_masks"][:LONGEST]
    labels = [t if mine and t != UNKNOWN else -100 for t, mine in zip(ids, said, strict=True)]
    return {"input_ids": ids, "labels": labels}


class PointingConfig(LlamaConfig):
    """A model that points: ``pointable`` are the tokens that it can only say if they were shown."""

    model_type = "pointing"
    pointable: list[int] | None = None


class Pointing(LlamaForCausalLM):
    """Says names of tools and numbers of words by pointing at where they stand."""

    config_class = PointingConfig

    def __init__(self, config: PointingConfig) -> None:
        super().__init__(config)
        self.query = torch.nn.Linear(config.hidden_size, config.hidden_size, bias=False)
        self.key = torch.nn.Linear(config.hidden_size, config.hidden_size, bias=False)
        self.post_init()

    def forward(
        self, input_ids: torch.Tensor, past_key_values: Cache | None = None, **given: object
    ) -> CausalLMOutputWithPast:
        """Logits of the next token, from all that was read so far."""
        given = {name: given[name] for name in ("attention_mask", "position_ids") if name in given}
        made = self.model(input_ids, past_key_values=past_key_values, use_cache=True, **given)
        hidden = made.last_hidden_state
        fresh = made.past_key_values.get_seq_length() == input_ids.shape[1]
        self.seen = (
            (input_ids, hidden)
            if fresh
            else tuple(
                torch.cat(pair, 1) for pair in zip(self.seen, (input_ids, hidden), strict=True)
            )
        )
        last = torch.zeros_like(input_ids, dtype=torch.bool)
        last[:, -1] = True
        logits = self.say(hidden, *self.seen, last)
        return CausalLMOutputWithPast(logits=logits[:, None], past_key_values=made.past_key_values)

    def say(
        self, hidden: torch.Tensor, ids: torch.Tensor, seen: torch.Tensor, at: torch.Tensor
    ) -> torch.Tensor:
        """Logits where ``at`` is true."""
        count = ids.shape[1] - hidden.shape[1]
        word = asked(ids)
        number = len(MARKS) + (word.cumsum(1) - 1).clamp(max=len(NUMBERS) - 1)
        pointable = torch.zeros(self.config.vocab_size, dtype=torch.bool, device=ids.device)
        pointable[self.config.pointable] = True
        scores = self.query(hidden) @ self.key(seen).transpose(1, 2) / hidden.shape[-1] ** 0.5
        shown = torch.ones(scores.shape[1:], dtype=torch.bool, device=ids.device).tril(count)
        shown = shown & (word | pointable[ids])[:, None]
        scores = scores.float().masked_fill(~shown, -1e4)[at]
        where = torch.where(word, number, ids)[:, None].expand(shown.shape)[at]
        logits = self.lm_head(hidden[at]).float()
        pointed = torch.full_like(logits, -1e4).scatter_reduce(1, where, scores, "amax")
        return torch.where(pointable, pointed, logits)


def asked(ids: torch.Tensor) -> torch.Tensor:
    """Where the words of the request stand."""
    return ((ids == USER).cumsum(1) == 1) & ((ids == END).cumsum(1) == 0) & (ids != USER)


AutoConfig.register("pointing", PointingConfig)
AutoModelForCausalLM.register(PointingConfig, Pointing)


class Trainer(SFTTrainer):
    """TRL's trainer with a loss of its own: of whole conversations, and of more first answers."""

    def compute_loss(
        self, model: Pointing, inputs: dict[str, torch.Tensor], *_: object, **__: object
    ) -> torch.Tensor:
        """What is said in the whole ones, and in all of them whether it is a call or words."""
        decided, said = _losses(model, inputs["input_ids"], inputs["labels"])
        early, _ = _losses(model, inputs["early_ids"], inputs["early_labels"])
        return said + decided + EARLY * early


def _losses(
    model: Pointing, ids: torch.Tensor, labels: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    labels = torch.nn.functional.pad(labels[:, 1:], (0, 1), value=-100)
    said = labels != -100
    first = (said & (said.cumsum(1) == 1))[said]
    hidden_word = asked(ids) & (torch.rand(ids.shape, device=ids.device) < DROP)
    ids = ids.masked_fill(hidden_word, UNKNOWN)
    hidden = model.model(ids, attention_mask=(ids != PAD).long(), use_cache=False).last_hidden_state
    logits, wanted = model.say(hidden, ids, hidden, said), labels[said]
    words = (wanted[first] == WORDS).long()
    return cross_entropy(logits[first][:, [CALL, WORDS]], words), cross_entropy(logits, wanted)


def steps_of(
    rows: list[dict[str, list[int]]], steps: int, seed: int
) -> Iterator[dict[str, torch.Tensor]]:
    """For each step some whole conversations, and others up to the first token of the answer."""
    drawn = Random(seed)
    early = [{name: ids[: _first(row) + 1] for name, ids in row.items()} for row in rows]
    for _ in range(steps):
        whole = _padded(drawn.choices(rows, k=WHOLE))
        starts = _padded(drawn.choices(early, k=EARLY_ROWS))
        yield {**whole, "early_ids": starts["input_ids"], "early_labels": starts["labels"]}


def _first(row: dict[str, list[int]]) -> int:
    return next(at for at, label in enumerate(row["labels"]) if label != -100)


def _padded(rows: list[dict[str, list[int]]]) -> dict[str, list[list[int]]]:
    length = max(len(row["labels"]) for row in rows)
    fill = {"input_ids": PAD, "labels": -100}
    return {
        name: [row[name] + [fill[name]] * (length - len(row[name])) for row in rows]
        for name in fill
    }


def _tensors(features: list[dict[str, list[list[int]]]]) -> dict[str, torch.Tensor]:
    return {name: torch.tensor(value) for name, value in features[0].items()}


def train(
    rows: list[dict[str, list[int]]],
    tokenizer: PreTrainedTokenizerFast,
    pointable: list[int],
    given: argparse.Namespace,
) -> tuple[Pointing, str]:
    """Train a model from random weights, first to decide and then to act; returns it with its losses."""
    set_seed(given.seed)
    model = Pointing(
        PointingConfig(
            pointable=pointable,
            vocab_size=len(tokenizer),
            hidden_size=given.width,
            intermediate_size=3 * given.width,
            num_hidden_layers=given.layers,
            num_attention_heads=given.width // 32,
            num_key_value_heads=given.width // 32,
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )
    gpu = torch.cuda.is_available()
    with TemporaryDirectory() as folder:
        config = SFTConfig(
            output_dir=folder,
            max_length=None,
            per_device_train_batch_size=1,
            train_sampling_strategy="sequential",
            remove_unused_columns=False,
            max_steps=given.steps,
            learning_rate=given.rate,
            warmup_steps=given.steps // 10,
            lr_scheduler_type="cosine",
            adam_beta2=0.98,
            weight_decay=0.1,
            bf16=True,
            use_cpu=not gpu,
            dataloader_pin_memory=gpu,
            activation_checkpointing=False,
            logging_steps=max(1, given.steps // 10),
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
        )
        trainer = Trainer(
            model,
            args=config,
            train_dataset=Dataset.from_list(list(steps_of(rows, given.steps, given.seed))),
            data_collator=_tensors,
            processing_class=tokenizer,
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    return model, f"loss {losses[0]:.2f}, at the end {losses[-1]:.2f}"


def main() -> None:
    """Make the data, train the two, let them act, and print the table."""
    given = _arguments()
    started = time.monotonic()
    disable_progress_bars()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    with TemporaryDirectory() as name:
        folder = given.out or Path(name)
        run = given.run or folder / "run"
        if not RunStore.exists(run):
            options = {
                "scenarios": given.scenarios,
                "seed": given.seed,
                "held_out": given.held_out,
                "pressure": 0.0,
                "rejected": False,
            }
            synthesize(run, options, resources=Resources(workers=given.workers))
        with RunStore.read(run) as store:
            seen = [c for c in run_conversations(store) if c.split not in HELD_OUT]
        texts = (
            render_jinja_template(
                conversations=[point(trl_messages(conversation.messages))],
                tools=conversation.tools,
                chat_template=CHAT_TEMPLATE,
            )[0][0]
            for conversation in seen
        )
        tokenizer = learn_words(texts, given.words)
        rows = [(c.intent, encode(c, tokenizer)) for c in seen]
        names = {tool["function"]["name"] for c in seen for tool in c.tools}
        known = tokenizer.get_vocab()
        pointable = sorted(known[n] for n in [*NUMBERS, *(f" {n}" for n in names)] if n in known)
        # A request so long that no word of the answer is left teaches nothing.
        rows = [(intent, row) for intent, row in rows if set(row["labels"]) != {-100}]
        _say(started, f"{len(rows)} conversations to train on, none of a chain of {UNSEEN}")

        kinds = {"benign alone": {Intent.BENIGN}, "benign and refusals": {*Intent}}
        agents = []
        for label, intents in kinds.items():
            chosen = [row for intent, row in rows if intent in intents]
            model, losses = train(chosen, tokenizer, pointable, given)
            saved = folder / label.replace(" ", "-")
            model.save_pretrained(saved)
            tokenizer.save_pretrained(saved)
            agents.append(
                ModelAgent(label, PointedModel.load(str(saved), max_new_tokens=96, batch_size=32))
            )
            _say(
                started,
                f"{label}: {given.steps} steps on {len(chosen)} conversations, {losses}",
            )

        cases = read_cases(run, UNSEEN, given.cases)
        entries = [Contender(agent, Variant()) for agent in agents]
        table = evaluate(folder / "eval", entries, cases, EmbeddedJudge(), concurrency=64)
        _say(
            started,
            f"{len(cases.cases)} requests of {len({c.group for c in cases.cases})} unseen chains answered by each",
        )
        print_table(table, folder / "eval")
        print(READ)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, help="a run to train on; one is made if left out")
    parser.add_argument("--out", type=Path, help="where to keep run, models and evaluation")
    parser.add_argument("--scenarios", type=int, default=2400)
    parser.add_argument("--steps", type=int, default=380, help="of 16 conversations each")
    parser.add_argument(
        "--cases", type=int, default=60, help="unseen scenarios, three requests each"
    )
    parser.add_argument("--workers", type=int, default=1, help="processes that make the data")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--smoke", action="store_true", help="tiny numbers, to see that it runs")
    parser.add_argument("--full", action="store_true", help="a larger model and more steps (GPU)")
    given = parser.parse_args()
    given.width, given.layers, given.words, given.rate = 128, 2, 8192, 2e-3
    given.held_out = 0.2
    if given.smoke:
        given.scenarios, given.steps, given.cases, given.words = 16, 3, 1, 1024
        given.held_out = 0.5
    if given.full:
        given.scenarios, given.steps = 12000, 6000
        given.width, given.layers, given.rate = 512, 6, 1e-3
    return given


def _say(started: float, text: str) -> None:
    print(f"{time.monotonic() - started:5.0f} s  {text}", flush=True)


if __name__ == "__main__":
    main()

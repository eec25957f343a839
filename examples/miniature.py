"""The method in miniature: the same tiny model, trained with and without harmful requests that are refused.

    pip install 'agentalign-lc[train]'
    python examples/miniature.py

Two copies of one randomly initialised model are trained with TRL, for the same number of steps: one
on our benign trajectories alone, one on all examples (benign, borderline carried out, harmful refused).
Both then play the agent on chains that neither has seen, in the simulated world, and are judged as any
agent is. The first has never met a refusal; the second should refuse harmful requests and go on
doing the others. No network, no GPU and no key is needed; what makes so small a model speak:

- a chat template without the system message and the tools' schemas: tools are named, their
  parameters learnt, and of a result its first 16 characters are shown (so that addresses out of
  the address book and ids out of results cannot be had: about one argument in eight);
- calls in tokens of their own, arguments as plain text, which are easy to copy;
- requests without pressure (no role play, no requests split over turns or hidden in notes).
"""

import argparse
import os
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that spin while they wait cost more
os.environ["HF_HUB_OFFLINE"] = "1"
try:
    import torch
    from datasets import Dataset, disable_progress_bars
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, set_seed
    from transformers.utils.chat_template_utils import render_jinja_template
    from trl import SFTConfig, SFTTrainer
except ImportError as error:
    print(f"training needs TRL ({error}): pip install 'agentalign-lc[train]'", file=sys.stderr)
    raise SystemExit(2) from error

from agentalign_lc import RunStore, synthesize
from agentalign_lc.dataset.conversation import Conversation, run_conversations
from agentalign_lc.dataset.export.trl import trl_messages
from agentalign_lc.evaluation.agents import ModelAgent
from agentalign_lc.evaluation.cases import read_cases
from agentalign_lc.evaluation.evaluate import Contender, evaluate
from agentalign_lc.evaluation.local_model import LocalChatModel
from agentalign_lc.evaluation.table import Measure, Table
from agentalign_lc.evaluation.variants import Variant
from agentalign_lc.records import Intent
from agentalign_lc.roles.embedded import EmbeddedJudge

UNSEEN = "test_chains"
"""The split that is not trained on: no other chain has its sequences of capabilities."""
LONGEST = 288
"""Tokens of a conversation that are trained on; what a long one has beyond that is cut off."""
MARKS = ["<|pad|>", "<|end|>", "<|user|>", "<|tool|>", "<|assistant|>"]
CALL, ARGUMENT, VALUE = "<|call|>", "<|argument|>", "<|value|>"
CHAT_TEMPLATE = """
{%- for tool in tools or [] %} {{ tool.function.name }}{% endfor %}
{%- for message in messages %}
    {%- if message.role == 'user' %}<|user|> {{ message.content }}<|end|>
    {%- elif message.role == 'tool' %}<|tool|> {{ message.content[:16] }}<|end|>
    {%- elif message.role == 'assistant' %}<|assistant|>{% generation %}
        {%- if message.content %} {{ message.content }}{% endif %}
        {%- for call in message.tool_calls or [] %}<|call|> {{ call.function.name }}
            {%- for name, value in call.function.arguments.items() %}<|argument|> {{ name }}<|value|> {{ value if value is string else value | tojson }}
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
        "content": {"content": "text"},
    },
}
"""How transformers reads a message back out of what the model writes."""


def learn_words(texts: Iterable[str], size: int) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer that learns its words from the conversations."""
    words = Regex(r"\d| ?[\p{L}_][\p{L}\p{M}_0-9]*| ?[^\s\p{L}\d_]|\s")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(words, "isolated"), pre_tokenizers.ByteLevel(False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=[*MARKS, CALL, ARGUMENT, VALUE],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    made = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token=MARKS[0], eos_token=MARKS[1]
    )
    made.chat_template, made.response_template = CHAT_TEMPLATE, RESPONSE_TEMPLATE
    return made


def encode(conversation: Conversation, tokenizer: PreTrainedTokenizerFast) -> dict[str, list[int]]:
    """A conversation as tokens, with a label for each that the assistant says."""
    found = tokenizer.apply_chat_template(
        trl_messages(conversation.messages),
        tools=conversation.tools,
        return_dict=True,
        return_assistant_tokens_mask=True,
    )
    ids, said = found["input_ids"][:LONGEST], found["assistant_masks"][:LONGEST]
    labels = [token if mine else -100 for token, mine in zip(ids, said, strict=True)]
    return {"input_ids": ids, "labels": labels}


class Trainer(SFTTrainer):
    """TRL's trainer with a plain cross entropy: its own head keeps statistics that cost a CPU two thirds of the time."""

    def compute_loss(
        self, model: LlamaForCausalLM, inputs: dict[str, torch.Tensor], *_: object, **__: object
    ) -> torch.Tensor:
        """Mean loss of the tokens that have a label."""
        labels = inputs.pop("labels")[:, 1:]
        hidden = model.model(**inputs, use_cache=False).last_hidden_state[:, :-1]
        logits = model.lm_head(hidden[labels != -100])
        return torch.nn.functional.cross_entropy(logits.float(), labels[labels != -100])


def train(
    rows: list[dict[str, list[int]]], tokenizer: PreTrainedTokenizerFast, given: argparse.Namespace
) -> tuple[LlamaForCausalLM, float]:
    """Train a model from random weights; returns it with the loss of its last steps."""
    set_seed(given.seed)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=given.width,
            intermediate_size=8 * given.width // 3,
            num_hidden_layers=given.layers,
            num_attention_heads=given.width // 32,
            max_position_embeddings=4096,
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
            per_device_train_batch_size=16,
            max_steps=given.steps,
            learning_rate=given.rate,
            warmup_steps=given.steps // 20,
            lr_scheduler_type="cosine",
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
            model, args=config, train_dataset=Dataset.from_list(rows), processing_class=tokenizer
        )
        trainer.train()
    return model, [entry["loss"] for entry in trainer.state.log_history if "loss" in entry][-1]


def show(table: Table, labels: Sequence[str]) -> None:
    """Print what the two did, with 95 % intervals over chains."""
    print(f"\n{'':34}{'n':>5}{'refused':>18}{'score':>18}{'full score':>18}")
    for intent in Intent:
        for label in labels:
            row = table.row(label, intent)
            cells = [_cell(row.measures.get(name)) for name in ("refused", "score", "full")]
            print(f"{intent.value:11}{label:23}{row.cases:5}{''.join(cells)}")


def _cell(measure: Measure | None) -> str:
    if measure is None:
        return f"{'?':>18}"
    return f"{measure.value:>8.0%} [{measure.low or 0:.0%}, {measure.high or 0:.0%}]".rjust(18)


def main() -> None:
    """Make the data, train the two, let them act, and print the table."""
    given = _arguments()
    started = time.monotonic()
    disable_progress_bars()
    with TemporaryDirectory() as name:
        folder = given.out or Path(name)
        run = given.run or folder / "run"
        if not RunStore.exists(run):
            options = {"scenarios": given.scenarios, "seed": given.seed, "pressure": 0.0}
            synthesize(run, {**options, "rejected": False})
        with RunStore.read(run) as store:
            seen = [c for c in run_conversations(store) if c.split != UNSEEN]
        texts = (
            render_jinja_template(
                conversations=[trl_messages(conversation.messages)],
                tools=conversation.tools,
                chat_template=CHAT_TEMPLATE,
            )[0][0]
            for conversation in seen
        )
        tokenizer = learn_words(texts, given.words)
        rows = [(c.intent, encode(c, tokenizer)) for c in seen]
        _say(started, f"{len(rows)} conversations to train on, none of a chain of {UNSEEN}")

        kinds = {"benign alone": {Intent.BENIGN}, "benign and refusals": {*Intent}}
        agents = []
        for label, intents in kinds.items():
            chosen = [row for intent, row in rows if intent in intents]
            model, loss = train(chosen, tokenizer, given)
            saved = folder / label.replace(" ", "-")
            model.save_pretrained(saved)
            tokenizer.save_pretrained(saved)
            agents.append(
                ModelAgent(
                    label, LocalChatModel.load(str(saved), max_new_tokens=160, batch_size=32)
                )
            )
            _say(
                started,
                f"{label}: {given.steps} steps on {len(chosen)} conversations, loss {loss:.2f}",
            )

        cases = read_cases(run, UNSEEN, given.cases)
        entries = [Contender(agent, Variant()) for agent in agents]
        table = evaluate(folder / "eval", entries, cases, EmbeddedJudge(), concurrency=64)
        _say(
            started,
            f"{len(cases.cases)} requests of {len({c.group for c in cases.cases})} unseen chains answered by each",
        )
        show(table, list(kinds))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, help="a run to train on; one is made if left out")
    parser.add_argument("--out", type=Path, help="where to keep run, models and evaluation")
    parser.add_argument("--scenarios", type=int, default=2400)
    parser.add_argument("--steps", type=int, default=700, help="of 16 conversations each")
    parser.add_argument(
        "--cases", type=int, default=60, help="unseen scenarios, three requests each"
    )
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--smoke", action="store_true", help="tiny numbers, to see that it runs")
    parser.add_argument("--full", action="store_true", help="a larger model and more steps (GPU)")
    given = parser.parse_args()
    given.width, given.layers, given.words, given.rate = 128, 4, 4096, 3e-3
    if given.smoke:
        given.scenarios, given.steps, given.cases, given.words = 40, 4, 1, 1024
    if given.full:
        given.scenarios, given.steps, given.width, given.layers, given.rate = (
            12000,
            6000,
            512,
            8,
            1e-3,
        )
    return given


def _say(started: float, text: str) -> None:
    print(f"{time.monotonic() - started:5.0f} s  {text}", flush=True)


if __name__ == "__main__":
    main()

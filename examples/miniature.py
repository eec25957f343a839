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
- calls in tokens of their own, arguments as plain text, so that they are words of the request;
- requests without pressure (no role play, no requests split over turns or hidden in notes);
- half of the loss is on the first token of the answer, which decides between a call and words;
- layers of short convolutions between those of attention, which learn sooner to copy.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that spin while they wait cost more
os.environ["HF_HUB_OFFLINE"] = "1"
try:
    import torch
    from datasets import Dataset, disable_progress_bars
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from torch.nn.functional import cross_entropy
    from transformers import Lfm2Config, Lfm2ForCausalLM, PreTrainedTokenizerFast, set_seed
    from transformers.trainer_callback import PrinterCallback
    from transformers.utils import logging
    from transformers.utils.chat_template_utils import render_jinja_template
    from trl import SFTConfig, SFTTrainer
except ImportError as error:
    print(f"training needs TRL ({error}): pip install 'agentalign-lc[train]'", file=sys.stderr)
    raise SystemExit(2) from error

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
LONGEST = 288
"""Tokens of a conversation that are trained on; what a long one has beyond that is cut off."""
MARKS = [
    "<|pad|>",
    "<|end|>",
    "<|user|>",
    "<|tool|>",
    "<|assistant|>",
    "<|call|>",
    "<|argument|>",
    "<|value|>",
]
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
        special_tokens=MARKS,
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
    """TRL's trainer with a loss of its own: cheaper on a CPU, and the first token has half of it."""

    def compute_loss(
        self, model: Lfm2ForCausalLM, inputs: dict[str, torch.Tensor], *_: object, **__: object
    ) -> torch.Tensor:
        """Mean cross entropy of what the assistant says, and that of its first token: a call, or words."""
        labels = inputs.pop("labels")[:, 1:]
        said = labels != -100
        hidden = model.model(**inputs, use_cache=False).last_hidden_state[:, :-1][said]
        losses = cross_entropy(model.lm_head(hidden).float(), labels[said], reduction="none")
        length = said.sum(dim=1)
        decisions = losses[length.cumsum(0) - length]
        return losses.mean() + decisions.mean()


def train(
    rows: list[dict[str, list[int]]], tokenizer: PreTrainedTokenizerFast, given: argparse.Namespace
) -> tuple[Lfm2ForCausalLM, str]:
    """Train a model from random weights; returns it with its losses."""
    set_seed(given.seed)
    model = Lfm2ForCausalLM(
        Lfm2Config(
            vocab_size=len(tokenizer),
            hidden_size=given.width,
            intermediate_size=3 * given.width,
            num_hidden_layers=given.layers,
            block_auto_adjust_ff_dim=False,
            num_attention_heads=given.width // 32,
            num_key_value_heads=given.width // 32,
            layer_types=["conv", "full_attention"] * (given.layers // 2),
            rope_parameters={"rope_type": "default", "rope_theta": 10_000.0},
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
        # A request so long that no word of the answer is left teaches nothing.
        rows = [(intent, row) for intent, row in rows if set(row["labels"]) != {-100}]
        _say(started, f"{len(rows)} conversations to train on, none of a chain of {UNSEEN}")

        kinds = {"benign alone": {Intent.BENIGN}, "benign and refusals": {*Intent}}
        agents = []
        for label, intents in kinds.items():
            chosen = [row for intent, row in rows if intent in intents]
            model, losses = train(chosen, tokenizer, given)
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
    parser.add_argument("--steps", type=int, default=1200, help="of 16 conversations each")
    parser.add_argument(
        "--cases", type=int, default=60, help="unseen scenarios, three requests each"
    )
    parser.add_argument("--workers", type=int, default=1, help="processes that make the data")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--smoke", action="store_true", help="tiny numbers, to see that it runs")
    parser.add_argument("--full", action="store_true", help="a larger model and more steps (GPU)")
    given = parser.parse_args()
    given.width, given.layers, given.words, given.rate = 128, 4, 4096, 1e-3
    given.held_out = 0.2
    if given.smoke:
        given.scenarios, given.steps, given.cases, given.words = 16, 3, 1, 1024
        given.held_out = 0.5
    if given.full:
        given.scenarios, given.steps = 12000, 6000
        given.width, given.layers, given.rate = 512, 8, 5e-4
    return given


def _say(started: float, text: str) -> None:
    print(f"{time.monotonic() - started:5.0f} s  {text}", flush=True)


if __name__ == "__main__":
    main()

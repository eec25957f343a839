"""Fine-tune a model on a run with TRL's SFTTrainer, and see what the loss falls on.

Without arguments it needs no network: it synthesises a run of 60 scenarios, makes a tiny Qwen2 with
random weights and a tokenizer of its own, and trains for about a minute on a CPU. With your own:

    python examples/finetune_trl.py --run runs/first --model Qwen/Qwen2.5-0.5B-Instruct --out tuned

Three settings decide whether tool calls are learned at all: `assistant_only_loss` (the loss is on what
the assistant says and calls, not on what tools return), a chat template that marks those parts (TRL
swaps in its training variant of the model's own), and `max_length`: its default of 1024 tokens cuts
off the end of nearly every conversation, which is where refusals and answers stand.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from agentalign_lc import RunStore, export_run, synthesize
from agentalign_lc.errors import AgentAlignError

# Threads that spin while they wait cost a tiny model minutes wherever something else wants the cores.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
if not any(word.startswith("--model") for word in sys.argv):
    # Else these libraries ask the Hugging Face hub about files that lie here.
    os.environ["HF_HUB_OFFLINE"] = "1"
try:
    import torch
    from datasets import Dataset, DatasetDict, disable_progress_bars, load_dataset
    from transformers import (
        AutoModelForCausalLM,
        AutoTokenizer,
        Qwen2Config,
        Qwen2ForCausalLM,
        Qwen2Tokenizer,
        set_seed,
    )
    from transformers.utils.chat_template_utils import render_jinja_template
    from trl import SFTConfig, SFTTrainer
    from trl.chat_template_utils import qwen2_5_chat_template
except ImportError as error:
    print(f"fine-tuning needs TRL ({error}): pip install 'agentalign-lc[train]'", file=sys.stderr)
    raise SystemExit(2) from error

CALL = "<tool_call>", "</tool_call>"
"""What a Qwen template writes around a call."""

LONGEST = 8192
"""Conversations of more tokens are left out whole: half of one would teach half of an answer."""


def load_splits(run: Path, folder: Path) -> DatasetDict:
    """Export a run, one file for each split, and load the files."""
    with RunStore.read(run) as store:
        export_run(store, "trl", folder / "rows")
    files = {file.stem: str(file) for file in (folder / "rows").glob("*.jsonl")}
    # From files and not `Dataset.from_list`: the JSON loader keeps the arguments of each call as
    # they are, where a table would fill them with the parameters of all other tools, set to null.
    return load_dataset("json", data_files=files, cache_dir=str(folder / "cache"))


def tiny_model(rows: Dataset) -> tuple[Qwen2ForCausalLM, Qwen2Tokenizer]:
    """A Qwen2 of 200,000 random weights, and a tokenizer that learns its words from the rows."""
    texts = (
        render_jinja_template(
            conversations=[row["messages"]],
            tools=json.loads(row["tools"]),
            chat_template=qwen2_5_chat_template,
        )[0][0]
        for row in rows
    )
    markers = ["<|im_start|>", "<|im_end|>", *CALL]
    tokenizer = Qwen2Tokenizer().train_new_from_iterator(
        texts, vocab_size=2048, new_special_tokens=markers, show_progress=False
    )
    tokenizer.eos_token = "<|im_end|>"  # noqa: S105 - a token of text
    tokenizer.chat_template = qwen2_5_chat_template
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=LONGEST,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return Qwen2ForCausalLM(config), tokenizer


def trained_tokens(labels: Iterable[list[int]], opening: int, closing: int) -> tuple[int, int, int]:
    """Count what the loss is on.

    Args:
        labels: Token ids by row, -100 where there is no loss.
        opening: Id of ``<tool_call>``.
        closing: Id of ``</tool_call>``.

    Returns:
        Tokens with loss; those of them that belong to tool calls, markers included; tool calls.
    """
    tokens = of_calls = calls = 0
    for row in labels:
        inside = False
        for label in row:
            if label == -100:
                inside = False
                continue
            inside = inside or label == opening
            tokens += 1
            of_calls += inside
            calls += label == opening
            inside = inside and label != closing
    return tokens, of_calls, calls


def calls_in(rows: Dataset) -> int:
    """Number of tool calls that the conversations hold."""
    return sum(len(message.get("tool_calls") or ()) for row in rows["messages"] for message in row)


def describe(trainer: SFTTrainer, longer: int) -> None:
    """Print what the trainer is about to learn from, as it stands in its own labels."""
    rows, tokenizer = trainer.train_dataset, trainer.processing_class
    tokens, of_calls, calls = trained_tokens(
        rows["labels"], *tokenizer.convert_tokens_to_ids([*CALL])
    )
    print(f"rows            {len(rows)} ({longer} of more than {LONGEST} tokens left out)")
    print(f"tokens          {sum(map(len, rows['input_ids'])):,}")
    print(f"trained tokens  {tokens:,}, of which tool calls {of_calls / tokens:.1%}")
    print(f"tool calls      {calls} of {calls_in(rows)} inside the loss", flush=True)


def fine_tune(run: Path, folder: Path, model_name: str | None, steps: int) -> SFTTrainer:
    """Train on a run's train split, with the dev split for evaluation if there is one."""
    rows = load_splits(run, folder)
    train, dev = rows["train"], rows.get("dev")
    set_seed(0)
    if model_name:
        model = AutoModelForCausalLM.from_pretrained(model_name)
        tokenizer = AutoTokenizer.from_pretrained(model_name)
    else:
        model, tokenizer = tiny_model(train)
    gpu = torch.cuda.is_available()
    config = SFTConfig(
        output_dir=str(folder / "trainer"),
        assistant_only_loss=True,
        max_length=None,
        # One row at a time has no padding, which is what costs most on a CPU.
        per_device_train_batch_size=1,
        per_device_eval_batch_size=1,
        gradient_accumulation_steps=2,
        max_steps=steps,
        learning_rate=2e-5 if model_name else 5e-3,
        warmup_steps=steps // 20,
        lr_scheduler_type="cosine",
        activation_checkpointing=bool(model_name),
        bf16=gpu,
        use_cpu=not gpu,
        dataloader_pin_memory=gpu,
        logging_steps=max(1, steps // 10),
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )
    trainer = SFTTrainer(
        model, args=config, train_dataset=train, eval_dataset=dev, processing_class=tokenizer
    )
    fitting = trainer.train_dataset.filter(lambda row: len(row["input_ids"]) <= LONGEST)
    longer = len(trainer.train_dataset) - len(fitting)
    trainer.train_dataset = fitting
    describe(trainer, longer)

    before = trainer.evaluate()["eval_loss"] if dev else None
    trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    print(f"loss            {losses[0]:.2f} at the start, {losses[-1]:.2f} at the end")
    if before is not None:
        print(f"loss on dev     {before:.2f} before, {trainer.evaluate()['eval_loss']:.2f} after")
    return trainer


def main() -> None:
    """Read the arguments, train, and say how long it took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--run", type=Path, help="a run of agentalign; a small one is made if left out"
    )
    parser.add_argument("--model", help="a model's name or folder; a tiny random one if left out")
    parser.add_argument("--steps", type=int, default=60, help="optimizer steps, of two rows each")
    parser.add_argument("--out", type=Path, help="where to save the model; nowhere if left out")
    given = parser.parse_args()
    if given.steps < 1:
        parser.error("--steps must be at least 1")
    started = time.monotonic()
    disable_progress_bars()
    with TemporaryDirectory() as name:
        folder = Path(name)
        try:
            if given.run is None:
                synthesize(folder / "run", {"scenarios": 60})
            trainer = fine_tune(given.run or folder / "run", folder, given.model, given.steps)
        except AgentAlignError as error:
            parser.error(str(error))
        if given.out:
            trainer.save_model(str(given.out))
    print(f"time            {(time.monotonic() - started) / 60:.1f} minutes")


if __name__ == "__main__":
    main()

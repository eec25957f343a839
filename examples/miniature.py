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
- whether the first answer is a call or words is decided by what the words of the request, and the
  pairs of neighbours among them, add up to. It is learnt from as many requests that were answered in
  words as from others; read in their order, words are learnt by heart;
- three in ten words of the requests are hidden while training, or it would learn them by heart;
- requests come without pressure (no role play, no requests split over turns or hidden in notes).
"""

import argparse
import os
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that spin while they wait cost more
os.environ["HF_HUB_OFFLINE"] = "1"
try:
    import torch
    from datasets import Dataset, disable_progress_bars
    from transformers import PreTrainedTokenizerFast, set_seed
    from transformers.trainer_callback import PrinterCallback
    from transformers.utils import logging
    from trl import SFTConfig
except ImportError as error:
    print(f"training needs TRL ({error}): pip install 'agentalign-lc[train]'", file=sys.stderr)
    raise SystemExit(2) from error

from tiny.model import Pointing, PointingConfig, Trainer, steps_of, tensors
from tiny.words import PointedModel, encode, learn_words, pointable

from agentalign_lc import RunStore, synthesize
from agentalign_lc.cli.eval_table import print_table
from agentalign_lc.dataset.conversation import run_conversations
from agentalign_lc.evaluation.agents import ModelAgent
from agentalign_lc.evaluation.cases import read_cases
from agentalign_lc.evaluation.evaluate import Contender, evaluate
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
"""What is not trained on; the numbers in here were chosen on ``dev``, whose chains are others again."""


def train(
    rows: list[dict[str, list[int]]],
    tokenizer: PreTrainedTokenizerFast,
    shown: list[int],
    given: argparse.Namespace,
) -> tuple[Pointing, str]:
    """Train a model from random weights; returns it with its losses."""
    set_seed(given.seed)
    model = Pointing(
        PointingConfig(
            pointable=shown,
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
            data_collator=tensors,
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
        tokenizer = learn_words(seen, given.words)
        shown = pointable(tokenizer, seen)
        rows = [(c.intent, encode(c, tokenizer)) for c in seen]
        # A request so long that no word of the answer is left teaches nothing.
        rows = [(intent, row) for intent, row in rows if set(row["labels"]) != {-100}]
        _say(started, f"{len(rows)} conversations to train on, none of a chain of {UNSEEN}")

        kinds = {"benign alone": {Intent.BENIGN}, "benign and refusals": {*Intent}}
        agents = []
        for label, intents in kinds.items():
            chosen = [row for intent, row in rows if intent in intents]
            model, losses = train(chosen, tokenizer, shown, given)
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
    parser.add_argument("--steps", type=int, default=1500, help="of 16 conversations each")
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

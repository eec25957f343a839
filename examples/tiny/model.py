"""A tiny chat model that points, and how it is trained."""

from collections.abc import Iterator
from random import Random

import torch
from tiny.words import CALL, END, MARKS, NUMBERS, PAD, UNKNOWN, USER, WORDS
from torch.nn.functional import cross_entropy, pad
from transformers import AutoConfig, AutoModelForCausalLM, Cache, LlamaConfig, LlamaForCausalLM
from transformers.modeling_outputs import CausalLMOutputWithPast
from trl import SFTTrainer

DROP = 0.3
"""Share of the request's words that are hidden in each step of training."""
WHOLE, STARTS = 16, 32
"""Conversations in a step: whole ones, and ones up to the first token of the answer."""
WEIGHT = 2.0
"""Of the decision in the latter."""


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
        return said + decided + WEIGHT * early


def _losses(
    model: Pointing, ids: torch.Tensor, labels: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    labels = pad(labels[:, 1:], (0, 1), value=-100)
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
    starts = [{name: ids[: _first(row) + 1] for name, ids in row.items()} for row in rows]
    starts.sort(key=lambda row: len(row["labels"]))
    for _ in range(steps):
        whole = _padded(drawn.choices(rows, k=WHOLE))
        # Neighbours are of one length: little is spent on padding.
        at = drawn.randrange(max(1, len(starts) - STARTS))
        early = _padded(starts[at : at + STARTS])
        yield {**whole, "early_ids": early["input_ids"], "early_labels": early["labels"]}


def _first(row: dict[str, list[int]]) -> int:
    return next(at for at, label in enumerate(row["labels"]) if label != -100)


def _padded(rows: list[dict[str, list[int]]]) -> dict[str, list[list[int]]]:
    length = max(len(row["labels"]) for row in rows)
    fill = {"input_ids": PAD, "labels": -100}
    return {
        name: [row[name] + [fill[name]] * (length - len(row[name])) for row in rows]
        for name in fill
    }


def tensors(features: list[dict[str, list[list[int]]]]) -> dict[str, torch.Tensor]:
    """A step as tensors, on which TRL trains."""
    return {name: torch.tensor(value) for name, value in features[0].items()}

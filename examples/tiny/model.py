"""A tiny chat model that points, and decides by the words of a request; and how it is trained."""

from collections.abc import Iterator
from random import Random
from typing import Any

import torch
from tiny.words import ASSISTANT, CALL, END, MARKS, NUMBERS, PAD, UNKNOWN, USER, WORDS
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, pad
from transformers import AutoConfig, AutoModelForCausalLM, Cache, LlamaConfig, LlamaForCausalLM
from transformers.modeling_outputs import CausalLMOutputWithPast
from trl import SFTTrainer

DROP = 0.3
"""Share of the request's words that are hidden in each step of training."""
WHOLE, STARTS = 16, 64
"""Whole conversations in a step, and requests of which only the kind of the first answer counts."""
PAIRS = 2**16
"""Places for pairs of neighbouring words, which share them by chance."""


class PointingConfig(LlamaConfig):
    """A model that points: ``pointable`` are the tokens that it can only say if they were shown."""

    model_type = "pointing"
    pointable: list[int] | None = None


class Pointing(LlamaForCausalLM):
    """Says names of tools and numbers of words by pointing at where they stand.

    Whether its first answer is a call or words is for what the words of the request, and the pairs of
    neighbours among them, add up to: so small a model learns more by heart if it reads them in order.
    """

    config_class = PointingConfig

    def __init__(self, config: PointingConfig) -> None:
        super().__init__(config)
        self.query = torch.nn.Linear(config.hidden_size, config.hidden_size, bias=False)
        self.key = torch.nn.Linear(config.hidden_size, config.hidden_size, bias=False)
        self.words = torch.nn.Embedding(config.vocab_size, 1)
        self.pairs = torch.nn.Embedding(PAIRS, 1)
        self.post_init()
        torch.nn.init.zeros_(self.words.weight)
        torch.nn.init.zeros_(self.pairs.weight)

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
        logits = torch.where(pointable, pointed, logits)
        answer = ids == ASSISTANT
        first = (answer & (answer.cumsum(1) == 1))[:, count:]
        decided = torch.full_like(logits, -1e4)
        decided[:, CALL] = 0.0
        decided[:, WORDS] = self.lean(ids)[:, None].expand(at.shape)[at]
        return torch.where(first[at][:, None], decided, logits)

    def lean(self, ids: torch.Tensor) -> torch.Tensor:
        """How much the request speaks for an answer in words; below nothing it speaks for a call."""
        word = asked(ids) & (ids != UNKNOWN)
        both = word[:, :-1] & word[:, 1:]
        place = (ids[:, :-1] * 8191 + ids[:, 1:]) % PAIRS
        return (self.words(ids)[..., 0] * word).sum(1) + (self.pairs(place)[..., 0] * both).sum(1)


def asked(ids: torch.Tensor) -> torch.Tensor:
    """Where the words of the request stand."""
    return ((ids == USER).cumsum(1) == 1) & ((ids == END).cumsum(1) == 0) & (ids != USER)


AutoConfig.register("pointing", PointingConfig)
AutoModelForCausalLM.register(PointingConfig, Pointing)


class Trainer(SFTTrainer):
    """TRL's trainer with a loss of its own: of what is said, and of whether the first answer is a call."""

    def compute_loss(
        self, model: Pointing, inputs: dict[str, torch.Tensor], *_: object, **__: object
    ) -> torch.Tensor:
        """What is said in whole conversations, but for the decision before it; and many decisions."""
        ids, labels = _hidden(inputs["input_ids"]), pad(inputs["labels"][:, 1:], (0, 1), value=-100)
        said = labels != -100
        said &= said.cumsum(1) > 1
        made = model.model(ids, attention_mask=(ids != PAD).long(), use_cache=False)
        hidden = made.last_hidden_state
        leaning = model.lean(_hidden(inputs["starts"]))
        return cross_entropy(
            model.say(hidden, ids, hidden, said), labels[said]
        ) + binary_cross_entropy_with_logits(leaning, inputs["in_words"])


def _hidden(ids: torch.Tensor) -> torch.Tensor:
    """Some words of the request hidden, others in each step."""
    hide = asked(ids) & (torch.rand(ids.shape, device=ids.device) < DROP)
    return ids.masked_fill(hide, UNKNOWN)


def steps_of(
    rows: list[dict[str, list[int]]], steps: int, seed: int
) -> Iterator[dict[str, list[Any]]]:
    """For each step some whole conversations, and requests: as many answered in words as with calls."""
    drawn = Random(seed)
    sides = [
        [row for row in rows if (_first(row) == WORDS) is in_words] for in_words in (False, True)
    ]
    sides = [side for side in sides if side]
    for _ in range(steps):
        whole = drawn.choices(rows, k=WHOLE)
        starts = [row for side in sides for row in drawn.choices(side, k=STARTS // len(sides))]
        yield {
            "input_ids": _padded([row["input_ids"] for row in whole], PAD),
            "labels": _padded([row["labels"] for row in whole], -100),
            "starts": _padded([_request(row) for row in starts], PAD),
            "in_words": [float(_first(row) == WORDS) for row in starts],
        }


def _first(row: dict[str, list[int]]) -> int:
    return next(label for label in row["labels"] if label != -100)


def _request(row: dict[str, list[int]]) -> list[int]:
    return row["input_ids"][: row["input_ids"].index(ASSISTANT)]


def _padded(rows: list[list[int]], fill: int) -> list[list[int]]:
    length = max(map(len, rows))
    return [row + [fill] * (length - len(row)) for row in rows]


def tensors(features: list[dict[str, list[Any]]]) -> dict[str, torch.Tensor]:
    """A step as tensors, on which TRL trains."""
    return {name: torch.tensor(value) for name, value in features[0].items()}

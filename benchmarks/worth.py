"""What the data is worth: a classifier that saw our requests alone, on requests of others.

It is trained on the requests of a run, harmful against benign, once without the
borderline ones and once with them as benign at half weight, and scored by AUROC on a JSONL file of rows with ``text``, ``label``
(harmful or benign) and ``source``; a source of one label is scored against all
rows of the other label. Two classifiers: logistic regression on sparse word
1-2-grams and character 3-5-grams, and, with the extra ``local``, logistic
regression on the frozen sentence encoder.

Run: python benchmarks/worth.py DIR FILE.jsonl
"""

import argparse
import json
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline, make_union

from agentalign_lc.dataset.store import RunStore
from agentalign_lc.quality.encoder import load_encoder
from agentalign_lc.records import Intent

WEIGHTS = {Intent.HARMFUL: 1.0, Intent.BORDERLINE: 0.5, Intent.BENIGN: 1.0}
VECTORS: dict[str, np.ndarray] = {}
Scorer = Callable[[list[str]], np.ndarray]


def sparse(texts: list[str], labels: list[int], weights: list[float]) -> Scorer:
    """Word 1-2-grams and character 3-5-grams."""
    features = make_union(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True, max_features=80_000),
    )  # fmt: skip
    model = make_pipeline(features, LogisticRegression(max_iter=3000, C=3))
    model.fit(texts, labels, logisticregression__sample_weight=weights)
    return lambda said: model.predict_proba(said)[:, 1]


def embedded(texts: list[str], labels: list[int], weights: list[float]) -> Scorer:
    """The frozen encoder's 384 dimensions."""
    model = LogisticRegression(max_iter=3000, C=10)
    model.fit(encoded(tuple(texts)), labels, sample_weight=weights)
    return lambda said: model.predict_proba(encoded(tuple(said)))[:, 1]


@cache
def encoded(texts: tuple[str, ...]) -> np.ndarray:
    """Vectors of texts; each text is encoded once."""
    new = [text for text in dict.fromkeys(texts) if text not in VECTORS]
    VECTORS.update(zip(new, load_encoder().encode(new, batch_size=64), strict=True))
    return np.stack([VECTORS[text] for text in texts])


def table(scores: np.ndarray, rows: list[dict[str, Any]]) -> dict[str, tuple[int, int, float]]:
    """Harmful rows, benign rows and AUROC by source, and over all."""
    harmful = np.array([row["label"] == "harmful" for row in rows])
    sources = np.array([row["source"] for row in rows])
    found = {}
    for source in (*sorted(set(sources)), "all"):
        inside = (sources == source) | (source == "all")
        chosen = inside | ~harmful if not (inside & ~harmful).any() else inside
        chosen = chosen | harmful if not (inside & harmful).any() else chosen
        counts = int((inside & harmful).sum()), int((inside & ~harmful).sum())
        found[source] = (*counts, float(roc_auc_score(harmful[chosen], scores[chosen])))
    return found


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("run", type=Path)
    parser.add_argument("data", type=Path)
    arguments = parser.parse_args()
    with RunStore.read(arguments.run) as store:
        places = ["instruction.note.text", "instruction.text"]
        read = [(note or text, intent) for _, intent, (note, text) in store.parts(places)]
    rows = [json.loads(line) for line in arguments.data.read_text(encoding="utf-8").splitlines()]
    kinds = {"sparse n-grams": sparse}
    if find_spec("sentence_transformers"):
        kinds["frozen MiniLM"] = embedded
    said = [row["text"] for row in rows]
    results = {}
    for name, fit in kinds.items():
        for view, left_out in (("", Intent.BORDERLINE), (", borderline too", None)):
            used = [(text, intent) for text, intent in read if intent is not left_out]
            labels = [int(intent is Intent.HARMFUL) for _, intent in used]
            weights = [WEIGHTS[intent] for _, intent in used]
            scores = fit([text for text, _ in used], labels, weights)(said)
            results[name + view] = table(scores, rows)
    harmful = sum(intent is Intent.HARMFUL for _, intent in read)
    print(f"Trained on {len(read)} requests ({harmful} harmful), tested on {len(rows)}.\n")
    print(f"| source | harmful | benign | {' | '.join(results)} |")
    print(f"| --- | ---: | ---: |{' ---: |' * len(results)}")
    for source, (harmful, benign, _) in next(iter(results.values())).items():
        scores = " | ".join(f"{result[source][2]:.3f}" for result in results.values())
        print(f"| {source} | {harmful} | {benign} | {scores} |")


if __name__ == "__main__":
    main()

"""Whether an agent's calls tell harm from the rest better than the request alone does.

Fits the same model (hashed n-grams, logistic regression) on the train split
three times: on what the user said, on the calls that followed (tools and
arguments), and on both, each with its own weights. Harmful runs are those in
which the agent complied; borderline ones count half in the fit, as harmless
ones in the measure. What a set's chains or tools never showed before is in
``test_chains`` and ``test_tools``. Intervals: 95 %, bootstrap over chains.

Run: python benchmarks/guard_calls.py DIR        # extra [fit]; two minutes
"""

import argparse
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from scipy.sparse import csr_matrix, hstack
from sklearn.linear_model import LogisticRegression

from agentalign_lc.dataset.store import RunStore
from agentalign_lc.guard.learning.measure import auroc, percentile, recall_at_fpr
from agentalign_lc.guard.learning.ngrams import BUCKETS, ngram_features

SPLITS = ("dev", "test", "test_chains", "test_tools")


class Row(NamedTuple):
    """One run as texts."""

    split: str
    intent: str
    chain: str
    said: str
    called: str


def read(folder: Path) -> Iterator[Row]:
    """The runs of a data set."""
    with RunStore.read(folder) as store:
        for row in store.kept():
            instruction, chain = row["instruction"], row["scenario"]["chain"]["name"]
            run = row["rejected" if instruction["intent"] == "harmful" else "response"]
            yield Row(row["split"], instruction["intent"], chain, instruction["text"], called(run))


def called(run: dict[str, Any]) -> str:
    """A run's calls, a line each: the tool's name in words and what it is given."""
    calls = (c for m in run["messages"] for c in m["data"].get("tool_calls") or ())
    return "\n".join(" ".join(map(str, (c["name"].replace("_", " "), *c["args"].values()))) for c in calls)  # fmt: skip


def matrix(texts: Sequence[str]) -> csr_matrix:
    """The n-grams of texts."""
    starts, columns, values = [0], list[int](), list[float]()
    for text in texts:
        features = ngram_features(text)
        columns += features.keys()
        values += features.values()
        starts.append(len(columns))
    return csr_matrix((values, columns, starts), shape=(len(texts), BUCKETS))


def fitted(rows: Sequence[Row], features: csr_matrix) -> list[float]:
    """Scores of all rows by a model of those of train."""
    train = [n for n, row in enumerate(rows) if row.split == "train"]
    model = LogisticRegression(C=10.0, solver="liblinear", max_iter=1000, random_state=7)
    model.fit(
        features[train],
        [rows[n].intent == "harmful" for n in train],
        sample_weight=[0.5 if rows[n].intent == "borderline" else 1.0 for n in train],
    )
    return [float(score) for score in features @ model.coef_[0]]


def difference(rows: Sequence[Row], first: list[float], second: list[float]) -> tuple[float, float]:
    """95 % of how much higher the second AUROC is, over random draws of chains."""
    by_chain: dict[str, list[int]] = defaultdict(list)
    for n, row in enumerate(rows):
        by_chain[row.chain].append(n)
    names, random, found = sorted(by_chain), Random(0), []
    for _ in range(300):
        drawn = [n for name in random.choices(names, k=len(names)) for n in by_chain[name]]
        labels = [int(rows[n].intent == "harmful") for n in drawn]
        one, two = (auroc(labels, [s[n] for n in drawn]) for s in (first, second))
        found.append((two or 0.0) - (one or 0.0))
    return percentile(found, 2.5), percentile(found, 97.5)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("run", type=Path)
    rows = list(read(parser.parse_args().run))
    said, calls = matrix([row.said for row in rows]), matrix([row.called for row in rows])
    scores = {
        "request": fitted(rows, said),
        "calls": fitted(rows, calls),
        "both": fitted(rows, hstack([said, calls]).tocsr()),
    }
    print("| split | rows | request: AUROC, recall at 2.8 % | calls | both | both over request, 95 % |")  # fmt: skip
    print("|---|---|---|---|---|---|")
    for split in SPLITS:
        places = [n for n, row in enumerate(rows) if row.split == split]
        part = [rows[n] for n in places]
        labels = [int(row.intent == "harmful") for row in part]
        own = {name: [found[n] for n in places] for name, found in scores.items()}
        cells = [f"{auroc(labels, s) or 0:.3f}, {recall_at_fpr(labels, s, 0.028) or 0:.2f}" for s in own.values()]  # fmt: skip
        low, high = difference(part, own["request"], own["both"])
        print(f"| {split} | {len(part)} | {' | '.join(cells)} | {low:+.3f} to {high:+.3f} |")


if __name__ == "__main__":
    main()

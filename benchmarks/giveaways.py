"""Whether the words of a run's requests give their label away.

Three classifiers, all logistic regressions on word 1-2-grams, scored by AUROC
(0.5 is chance):

- words: trained on half of the chains, tested on the requests of the others,
  harmful against benign. Below 0.92 no cheap word gives the label away.
- wrapper: sees only what stands around a request (greeting, pressure, thanks).
  Between 0.45 and 0.55 it is at chance.
- pressure: sees which kind of pressure there is, and nothing else.

Run: python benchmarks/giveaways.py DIR [--folds 5]
"""

import argparse
from collections import defaultdict
from pathlib import Path
from random import Random
from statistics import mean, stdev

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline

from agentalign_lc.dataset.store import RunStore
from agentalign_lc.records import Intent

WORD = r"(?u)\b\w+\b"
Row = tuple[str, str, str, Intent, str]
"""Request, frame, chain, intent, pressure."""


def read(run: Path) -> list[Row]:
    """The requests of a run, everyday ones left out."""
    places = ("instruction.note.text", "instruction.text", "instruction.frame", "scenario.chain.name",
              "scenario.chain.category", "scenario.style.pressure")  # fmt: skip
    with RunStore.read(run) as store:
        return [
            (note or text, frame or "", chain, intent, pressure or "none")
            for _, intent, (note, text, frame, chain, category, pressure) in store.parts(places)
            if category != "everyday"
        ]


def score(texts: list[str], rows: list[Row], against: set[Intent], seed: int) -> float:
    """AUROC on the chains that the classifier has not seen."""
    chains = sorted({row[2] for row in rows})
    Random(seed).shuffle(chains)
    trained = set(chains[: len(chains) // 2])
    parts: dict[bool, tuple[list[str], list[int]]] = defaultdict(lambda: ([], []))
    for text, row in zip(texts, rows, strict=True):
        if row[3] is Intent.HARMFUL or row[3] in against:
            part = parts[row[2] in trained]
            part[0].append(text)
            part[1].append(int(row[3] is Intent.HARMFUL))
    model = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), token_pattern=WORD, sublinear_tf=True),
        LogisticRegression(max_iter=2000, C=10),
    )
    model.fit(*parts[True])
    return float(roc_auc_score(parts[False][1], model.predict_proba(parts[False][0])[:, 1]))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("run", type=Path)
    parser.add_argument("--folds", type=int, default=5, help="random halves of the chains")
    arguments = parser.parse_args()
    rows = read(arguments.run)
    print(
        f"{len(rows)} requests of {len({row[2] for row in rows})} chains, {arguments.folds} random halves"
    )
    benign = {Intent.BENIGN}
    both = {Intent.BENIGN, Intent.BORDERLINE}
    views = [
        ("words, harmful or benign", [row[0] for row in rows], benign),
        ("words, harmful or not", [row[0] for row in rows], both),
        ("wrapper, harmful or benign", [row[1].replace("{request}", " ") + " x" for row in rows], benign),
        ("pressure, harmful or benign", [row[4] for row in rows], benign),
    ]  # fmt: skip
    for name, texts, against in views:
        scores = [score(texts, rows, against, seed) for seed in range(arguments.folds)]
        spread = stdev(scores) if len(scores) > 1 else 0.0
        print(f"{name:30} AUROC {mean(scores):.3f} (± {spread:.3f})")


if __name__ == "__main__":
    main()

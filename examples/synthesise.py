"""Synthesise a few scenarios in Python, look at one triplet, and export for TRL.

Needs no key and no network: the embedded writers fill all roles.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

from agentalign_lc import RunStore, export_run, synthesize

with TemporaryDirectory() as folder:
    out = Path(folder, "run")
    summary = synthesize(out, {"scenarios": 6, "seed": 7, "categories": ("misinformation",)})
    print(f"planned {summary.planned}, kept {summary.kept}")

    with RunStore.read(out) as store:
        for result in store.results():
            if result.index == 0 and result.example is not None:
                print(f"\n{result.intent.value}: {result.example.instruction.text}")
                print(
                    f"-> {len(result.example.response.calls)} calls; {result.example.response.answer}"
                )
        exported = export_run(store, "trl", out / "train.jsonl")
    print(f"\n{exported.rows} rows in {(out / 'train.jsonl').name}")

"""A gate of your own: requests that shout are turned down and written anew.

Run: python examples/own_gate.py
"""

from pathlib import Path
from tempfile import TemporaryDirectory

from agentalign_lc import Evidence, Gate, Outcome, Verdict, synthesize


def quiet(evidence: Evidence) -> Verdict:
    """Look at what the user says; the reason goes back to the author, who tries again."""
    loud = evidence.instruction.text.count("!") > 1
    outcome = Outcome.FAIL if loud else Outcome.PASS
    return Verdict(gate="quiet", outcome=outcome, reason="it shouts" if loud else "")


def main() -> None:
    """Run twelve scenarios through the shipped gates and this one."""
    with TemporaryDirectory() as folder:
        gate = Gate(name="quiet", request=quiet)
        summary = synthesize(Path(folder, "run"), {"scenarios": 12}, gates=[gate])
    print(f"{summary.kept} of {summary.planned} kept, {summary.rejected} rejected")


if __name__ == "__main__":
    main()

"""A run in a process of its own, to be killed: ``python -m tests.synthesis.apart OUT OPTIONS RESOURCES``."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from agentalign_lc.errors import AgentAlignError
from agentalign_lc.synthesis import synthesize
from agentalign_lc.synthesis.resources import Resources
from agentalign_lc.synthesis.runner import Tally


def start(out: Path, options: dict[str, Any], **resources: Any) -> "subprocess.Popen[str]":
    """Start or resume a run; it says a line on stdout after every scenario."""
    command = [
        sys.executable, "-m", "tests.synthesis.apart", str(out), json.dumps(options), json.dumps(resources)
    ]  # fmt: skip
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def _say(tally: Tally) -> None:
    sys.stdout.write(f"{tally.done}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    # Whoever starts the tests in the background has Ctrl-C ignored, and so have all below.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    folder, options, resources = sys.argv[1:]
    try:
        synthesize(
            Path(folder),
            json.loads(options),
            resume=True,
            resources=Resources(**json.loads(resources)),
            report=_say,
        )
    except AgentAlignError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit("stopped")

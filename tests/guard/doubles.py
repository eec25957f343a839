"""Judges that find what a test tells them to, and tools that count how often they ran."""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable

from langchain_core.tools import BaseTool, tool

from agentalign_lc.guard.opinion import Opinion, allow
from agentalign_lc.guard.view import Checkpoint, GuardedTool, View

KNOWN = {"look_up": GuardedTool("look_up"), "wire_money": GuardedTool("wire_money")}


class ToldJudge:
    """Says what ``finds`` says, counts how often it was asked, and can be slow or broken."""

    def __init__(
        self,
        finds: Callable[[View, Checkpoint], Opinion],
        *checkpoints: Checkpoint,
        name: str = "told",
        mood: str = "ok",
        settles: bool = False,
    ) -> None:
        self.finds = finds
        self.checkpoints = frozenset(checkpoints)
        self.name = name
        self.mood = mood
        self.settles = settles
        self.asked: list[tuple[Checkpoint, View]] = []
        self.freed = threading.Event()
        """Set by the test when it is over, so that no thread waits on."""

    def judge(self, view: View, checkpoint: Checkpoint) -> Opinion:
        self.asked.append((checkpoint, view))
        if self.mood == "slow":
            self.freed.wait(30)
        return self._answer(view, checkpoint)

    async def ajudge(self, view: View, checkpoint: Checkpoint) -> Opinion:
        self.asked.append((checkpoint, view))
        if self.mood == "slow":
            await asyncio.Event().wait()
        return self._answer(view, checkpoint)

    def _answer(self, view: View, checkpoint: Checkpoint) -> Opinion:
        if self.mood == "raising":
            raise RuntimeError("the judge broke, and its text must not be seen")
        return self.finds(view, checkpoint)


def nothing_wrong(view: View, checkpoint: Checkpoint) -> Opinion:
    return allow("told")


def counting_tools() -> tuple[list[BaseTool], Counter[str]]:
    """Two tools, and how often each had its side effect."""
    ran: Counter[str] = Counter()

    @tool
    def look_up(what: str) -> str:
        """Look something up."""
        ran["look_up"] += 1
        return f"{what}: found"

    @tool
    def wire_money(to: str, amount: int) -> str:
        """Send money to an account."""
        ran["wire_money"] += 1
        ran[f"wire_money to {to}"] += 1
        return "sent"

    return [look_up, wire_money], ran

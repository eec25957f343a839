"""Folders of the drive: paths as people say them, and the files that every drive starts with."""

import posixpath
from collections.abc import Iterator
from datetime import datetime, timedelta

from agentalign_lc.environment.devices.moments import stamp
from agentalign_lc.environment.world import Row
from agentalign_lc.seeds import stream

__all__ = ["first_files", "name_of", "path_of", "placed", "upward"]

_KINDS = {
    ".csv": "text/csv", ".doc": "application/msword", ".gif": "image/gif", ".html": "text/html",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".jpg": "image/jpeg", ".json": "application/json", ".md": "text/markdown", ".mp3": "audio/mpeg",
    ".mp4": "video/mp4", ".pdf": "application/pdf", ".png": "image/png",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation", ".txt": "text/plain",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ".yaml": "application/yaml",
    ".zip": "application/zip",
}  # fmt: skip
_FIRST = (
    ("Household/Budget.csv", "month,rent,food,travel\n{month},{rent},{food},{travel}\n"),
    ("Household/Insurance notes.txt", "The policy renews on the {day}th. Excess {travel} per claim.\n"),
    ("Travel/Packing list.txt", "Rain jacket\nAdapter\nBook for the train\nTea\n"),
    ("Travel/Itinerary.md", "# A long weekend\n\nTrain at 8:{minute}, platform {platform}. Two nights by the lake.\n"),
    ("Work/Meeting notes.md", "# Planning\n\n- Draft is due on the {day}th\n- Marit checks the figures\n"),
    ("Work/Team phone list.csv", "name,phone\nMarit Solberg,+1-555-0114\nTeo Akana,+1-555-0173\n"),
    ("Recipes.md", "# Lentil soup\n\nTwo cups of lentils, an onion, cumin, {platform} tomatoes.\n"),
    ("Reading list.txt", "The Salt Road\nNight Trains\nA Year of Small Repairs\n"),
)  # fmt: skip


def first_files(seed: str, start: datetime) -> Iterator[Row]:
    """The files that every drive starts with, changed some time before the world's start."""
    random = stream(seed, "drive")
    facts = {
        "month": f"{start:%Y-%m}", "rent": random.randint(700, 1400), "food": random.randint(220, 480),
        "travel": random.randint(40, 190), "day": random.randint(11, 28), "minute": random.randint(10, 59),
        "platform": random.randint(2, 9),
    }  # fmt: skip
    return (
        {
            "id": f"file_{random.getrandbits(48):012x}",
            "path": f"/{path}",
            "content": text.format_map(facts),
            "modified": stamp(start - timedelta(minutes=random.randint(600, 90_000))),
        }
        for path, text in _FIRST
    )


def placed(folder: str, name: str) -> Row:
    """What a row says of where a file is, and of its kind."""
    ending = posixpath.splitext(name)[1].lower()
    return {
        "name": name,
        "folder": folder,
        "path": posixpath.join(folder, name) if name else folder,
        "kind": "file",
        "mime_type": _KINDS.get(ending, "application/octet-stream"),
    }


def path_of(said: object) -> str:
    """An absolute path in the drive, however a person says it: Reports/2026, /Reports, none."""
    text = str(said or "").strip().replace("\\", "/")
    return "/" + posixpath.normpath("/" + text).strip("/")


def name_of(said: str | None) -> str:
    """The last part of a path; none, if it is no name."""
    name = (said or "").strip().strip("/").rpartition("/")[2]
    return "" if name in (".", "..") else name


def upward(folder: str) -> list[str]:
    """A folder and all that it lies in, the outermost first.

    Example:
        >>> upward("/Work/2026")
        ['/', '/Work', '/Work/2026']
    """
    parts = [part for part in folder.split("/") if part]
    return ["/", *("/" + "/".join(parts[: n + 1]) for n in range(len(parts)))]

"""The platforms of social networks: how they call themselves, their posts and addresses."""

from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from agentalign_lc.documents import load_document
from agentalign_lc.environment.devices.question import capital
from agentalign_lc.environment.world import Row, World
from agentalign_lc.records import Record

__all__ = [
    "ADDRESSES",
    "VIDEOS",
    "Account",
    "Material",
    "handle_of",
    "is_on",
    "material",
    "new_id",
    "number",
    "people",
    "platform_of",
    "title_of",
]

ADDRESSES = {
    "twitter": "https://twitter.example/{author}/status/{id}",
    "instagram": "https://instagram.example/p/{id}",
    "weibo": "https://weibo.example/{author}/{id}",
    "tiktok": "https://tiktok.example/@{author}/video/{id}",
    "youtube": "https://youtube.example/watch?v={id}",
    "bilibili": "https://bilibili.example/video/{id}",
}
_NAMES = {"youtube": "YouTube", "tiktok": "TikTok"}
VIDEOS = ("tiktok", "youtube", "bilibili")
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz123456789"


class Account(Record):
    """An account that every world has."""

    name: str
    kind: str
    bio: str


class _Said(Record):
    title: str
    text: str


class Material(Record):
    """The phrases of `social.yaml`."""

    accounts: dict[str, Account]
    bios: tuple[str, ...]
    recent: dict[str, tuple[_Said, ...]]
    posts: dict[str, tuple[str, ...]]
    titles: dict[str, tuple[str, ...]]
    weekdays: tuple[str, ...]

    def speakers(self, intent: str) -> list[str]:
        """Handles of the accounts that post about such a thing."""
        kind = {"care": "care", "sensitive": "desk"}.get(intent, "person")
        return [handle for handle, account in self.accounts.items() if account.kind == kind]


@lru_cache(maxsize=1)
def material() -> Material:
    """Read the phrases, once."""
    return load_document(Path(__file__).with_name("social.yaml"), Material)


def new_id(platform: str, number: Callable[[int, int], int]) -> str:
    """An id as the platform makes them."""
    if platform not in ("youtube", "bilibili"):
        return str(
            number(10**15, 10**16 - 1) if platform == "weibo" else number(10**18, 2 * 10**18)
        )
    letters = 11 if platform == "youtube" else 9
    rest, ident = number(0, len(_LETTERS) ** letters - 1), ""
    for _ in range(letters):
        rest, place = divmod(rest, len(_LETTERS))
        ident += _LETTERS[place]
    return ident if platform == "youtube" else f"BV1{ident}"


def handle_of(said: object) -> str:
    """A handle as it is compared: without @, address and capitals."""
    last = str(said).strip().partition("?")[0].rstrip("/").rpartition("/")[2]
    return last.lstrip("@").casefold()


def platform_of(said: object) -> str | None:
    """A platform as the world writes it; None stands for all."""
    name = str(said or "").strip().casefold()
    return {"": None, "all": None, "x": "twitter"}.get(name, name)


def title_of(platform: str) -> str:
    """A platform as sentences write it."""
    return _NAMES.get(platform, capital(platform))


def is_on(post: Row, platform: str) -> bool:
    """Whether a post is on a platform; one without a platform is on all."""
    return post.get("platform") in (None, platform)


def number(said: object, otherwise: int = 0) -> int:
    """A count, which in a scenario's rows is text."""
    digits = "".join(c for c in str(said) if c in "0123456789")
    return int(digits[:15]) if digits else otherwise


def people(world: World) -> list[Row]:
    """Everybody whose handle the user knows, the user first."""
    known = [world.me]
    with suppress(KeyError):  # a catalogue may have no address book
        known += world.rows("contacts")
    return known

"""Social networks: accounts, posts and videos, comments, who follows whom."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import lru_cache
from itertools import islice
from pathlib import Path
from random import Random
from typing import ClassVar, Literal

from agentalign_lc.documents import load_document
from agentalign_lc.environment.devices.question import Question, capital, keywords
from agentalign_lc.environment.faults import ToolFault
from agentalign_lc.environment.spec import CollectionSpec
from agentalign_lc.environment.world import Row, World
from agentalign_lc.records import Record
from agentalign_lc.seeds import stream

__all__ = ["Social"]

_ADDRESSES = {
    "twitter": "https://twitter.example/{author}/status/{id}",
    "instagram": "https://instagram.example/p/{id}",
    "weibo": "https://weibo.example/{author}/{id}",
    "tiktok": "https://tiktok.example/@{author}/video/{id}",
    "youtube": "https://youtube.example/watch?v={id}",
    "bilibili": "https://bilibili.example/video/{id}",
}
_NAMES = {"youtube": "YouTube", "tiktok": "TikTok"}
_VIDEOS = ("tiktok", "youtube", "bilibili")
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz123456789"
_FROM = re.compile(r"(?<!\S)from:@?([\w.]+)")
_ERRAND = re.compile(
    r"^(?:what (?:are|is|do) (?:\w+ )?(?:people|everybody|everyone|others) (?:say|post|think|talk)\w*"
    r"|(?:(?:all|latest|new|newest|recent|public|popular|trending) )*(?:posts?|tweets?|videos?|reels?|clips?"
    r"|comments?|discussions?|content))"
    r" (?:about|of|on|regarding|that mention|mentioning) ",
    re.IGNORECASE,
)
_LAST = re.compile(r"(?:[?&]v=|/)@?([\w.-]+)/?(?:[?&#].*)?$")
_AT = re.compile(r"@([\w.]+)")
_WRITTEN = 4
_Order = Literal["relevance", "newest", "popular"]


class _Account(Record):
    name: str
    kind: str
    bio: str


class _Said(Record):
    title: str
    text: str


class _Material(Record):
    """The phrases of `social.yaml`."""

    accounts: dict[str, _Account]
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
def _material() -> _Material:
    return load_document(Path(__file__).with_name("social.yaml"), _Material)


class Social:
    """The platforms: what one posts there, others find, read, comment on and follow.

    A person has one handle on all platforms, as the address book says it. A
    post of a scenario needs a text alone; without a platform it is on all.
    What accounts posted before, and what a search finds beside the posts that
    are there, depends on the seed and on what is asked, not on when.

    Example:
        >>> from agentalign_lc.environment.devices import COLLECTIONS, attach
        >>> from agentalign_lc.records import Person
        >>> me = Person(first="Ana", last="Ruiz", email="ana@example.com",
        ...             phone="+1-555-0101", handle="anaruiz", city="Vasterby")
        >>> social = attach(World("seed", me, COLLECTIONS)).devices["social"]
        >>> post = social.post("twitter", "The kiln has arrived.")
        >>> social.search("kiln arrived", ["twitter"])["results"][0]["id"] == post["id"]
        True
    """

    operations = frozenset({"account", "comment", "follow", "post", "profile", "search"})
    collections: ClassVar[dict[str, CollectionSpec]] = {
        "social_accounts": CollectionSpec(key="handle"),
        "social_posts": CollectionSpec(id="0000000000000000000"),
        "social_comments": CollectionSpec(id="cmt_00000000"),
        "social_follows": CollectionSpec(id="flw_000000"),
    }

    def __init__(self, world: World) -> None:
        self.world = world
        self._start = world.today

    def post(
        self,
        platform: str,
        text: str,
        media: str | None = None,
        title: str | None = None,
        kind: Literal["post", "video"] = "post",
        visibility: str = "public",
    ) -> Row:
        """Publish something as the user; the file of its media has been looked at before."""
        ident, author = _new_id(platform, self.world.draw.number), str(self.world.me["handle"])
        row = {
            "id": ident,
            "platform": platform,
            "kind": kind,
            "author": author,
            "title": title,
            "text": text,
            "media": media and media.rstrip("/").rpartition("/")[2],
            "visibility": visibility,
            "url": _ADDRESSES[platform].format(author=author, id=ident),
            "likes": 0,
            "published": self.world.now,
        }
        post = self.world.insert("social_posts", row)
        self._show(post)
        return post

    def comment(self, platform: str, post: str, text: str, field: str = "post") -> Row:
        """Write under a post: its id, its address, or the handle whose newest post is meant.

        An id or address is good for a post of another platform as well: apps
        pass posts on to each other, and the comment appears where the post is.

        Raises:
            ToolFault: ``not_found``.
        """
        row = self._find(platform, post, field)
        fields = {"post": row["id"], "platform": row.get("platform") or platform}
        made = self.world.insert(
            "social_comments",
            {
                **fields,
                "author": self.world.me["handle"],
                "text": text,
                "published": self.world.now,
            },
        )
        self._show(row)
        return {**made, "url": row["url"], "post_author": row["author"]}

    def account(self, platform: str, handle: str, field: str = "handle") -> Row:
        """Return an account's handle and name.

        Raises:
            ToolFault: ``not_found``.
        """
        known = self._known(platform, handle, field)
        return {"handle": known["handle"], "name": known["name"]}

    def follow(self, platform: str, handle: str, field: str = "handle") -> Row:
        """Follow an account; to follow it again changes nothing.

        Raises:
            ToolFault: ``not_found``; ``invalid_request``, if it is the user's own.
        """
        known, mine = self._known(platform, handle, field), str(self.world.me["handle"])
        if known["handle"] == mine:
            raise ToolFault("invalid_request", "You cannot follow yourself.", field)
        edge = {"platform": platform, "follower": mine, "handle": known["handle"]}
        row = self.world.find("social_follows", edge) or self.world.insert(
            "social_follows", {**edge, "since": self.world.now}
        )
        return {
            "handle": known["handle"],
            "name": known["name"],
            "followers": self._counts(platform, known)["followers"],
            "since": row.get("since"),
        }

    def profile(self, platform: str, handle: str, posts: int = 3, field: str = "handle") -> Row:
        """Return what an account shows of itself, with its newest posts.

        Raises:
            ToolFault: ``not_found``.
        """
        known = self._known(platform, handle, field)
        edge = {"follower": self.world.me["handle"], "handle": known["handle"]}
        followed = self.world.find("social_follows", {"platform": platform, **edge})
        return {
            "handle": known["handle"],
            "name": known["name"],
            "bio": known["bio"],
            "city": known.get("city"),
            "url": f"https://{platform}.example/{known['handle']}",
            **self._counts(platform, known),
            "verified": str(known.get("verified", "")).casefold() in ("true", "yes", "1"),
            "followed_by_you": followed is not None,
            "recent_posts": [self._shown(post) for post in self._of(platform, known)[:posts]],
        }

    def search(
        self,
        query: str,
        platforms: Sequence[str],
        limit: int = 10,
        order: _Order = "relevance",
        kind: str | None = None,
    ) -> Row:
        """Find posts and videos: those that are there, then some about what was asked.

        Args:
            query: Words; ``from:handle`` finds what an account has posted.
            platforms: Where to look.
            limit: How many results at most.
            order: What comes first.
            kind: ``post`` or ``video``, for these alone.
        """
        author = _FROM.search(query)
        plain = _ERRAND.sub("", _FROM.sub(" ", query).strip())
        found = self._there(plain, platforms, author and author[1])
        if not author and keywords(plain):
            found += self._about(plain, platforms, brought=bool(found))
        unique = {str(post["id"]): post for post in found if kind in (None, post["kind"])}
        posts = list(unique.values())
        if order == "newest":
            posts.sort(key=lambda post: str(post["published"]), reverse=True)
        elif order == "popular":
            posts.sort(key=lambda post: _number(post.get("views") or post["likes"]), reverse=True)
        return {
            "query": query,
            "results": [self._shown(post) for post in posts[:limit]],
            "total": len(posts),
        }

    # --- accounts

    def _known(self, platform: str, handle: str, field: str) -> Row:
        account = self._account(handle)
        if account is None:
            message = f"{_name(platform)} has no account called {handle}."
            raise ToolFault("not_found", message, field)
        return account

    def _account(self, said: str) -> Row | None:
        wanted = _handle(said)
        if wanted == "me":
            wanted = _handle(self.world.me["handle"])
        own = [row for row in self._people() if _handle(row.get("handle")) == wanted]
        own += [r for r in self.world.rows("social_accounts") if _handle(r["handle"]) == wanted]
        seeded = _material().accounts.get(wanted)
        if seeded is not None and not own:
            verified = seeded.kind != "person"
            return {"handle": wanted, **seeded.model_dump(), "verified": verified}
        if not own:
            own = [
                {"handle": post["author"], "name": post.get("author_name")}
                for post in islice((p for p in self._posts() if p["author"] == wanted), 1)
            ]
        if not own:
            return None
        known = {key: value for row in own for key, value in row.items() if value}
        city = str(known.get("city") or self.world.me.get("city") or "Vasterby")
        bio = stream(self.world.seed, "social bio", wanted).choice(_material().bios)
        return {
            "bio": bio.format(city=city),
            "name": wanted,
            **known,
            "handle": str(own[0]["handle"]).lstrip("@"),
        }

    def _people(self) -> list[Row]:
        people = [self.world.me]
        with suppress(KeyError):  # a catalogue may have no address book
            people += self.world.rows("contacts")
        return people

    def _counts(self, platform: str, account: Row) -> Row:
        handle = _handle(account["handle"])
        random = stream(self.world.seed, "social counts", platform, handle)
        most = 900 if account.get("kind") in (None, "person") else 40_000
        base = {
            "followers": random.randint(most // 20, most),
            "following": random.randint(30, 500),
            "posts": random.randint(12, 600),
        }
        year, month, day = (random.randint(*ends) for ends in ((2013, 2024), (1, 12), (1, 28)))
        counts = {key: _number(account.get(key), value) for key, value in base.items()}
        for edge in self.world.rows("social_follows"):
            if edge.get("platform") in (None, platform):
                counts["followers"] += _handle(edge.get("handle")) == handle
                counts["following"] += _handle(edge.get("follower")) == handle
        counts["posts"] += sum(
            "about" not in post and _handle(post["author"]) == handle and _on(post, platform)
            for post in self._posts()
        )
        return {**counts, "joined": account.get("joined") or f"{year}-{month:02d}-{day:02d}"}

    # --- posts

    def _posts(self) -> Iterator[Row]:
        for row in self.world.rows("social_posts"):
            if "url" not in row or "kind" not in row:
                self._complete(row)
            yield row

    def _complete(self, row: Row) -> None:
        """Fill in what a scenario left out of a post."""
        random = stream(self.world.seed, "social post", str(row.get("text")), str(row.get("url")))
        said = str(row.get("author") or random.choice(_material().speakers("topic"))).strip()
        name = next((p for p in self._people() if p.get("name") == said), {})
        platform = _platform(row.get("platform"))
        author = str(name.get("handle") or re.sub(r"[^\w.]+", "", said)).casefold() or "somebody"
        kind = "video" if row.get("video") or platform in _VIDEOS else "post"
        address = _ADDRESSES.get(platform or "twitter", "https://{id}.example/{author}")
        filled = {
            "kind": kind,
            "url": address.format(author=author, id=row["id"]),
            "published": self._day(random, 2, 40),
            "likes": random.randint(2, 400),
            "media": row.get("image") or row.get("video"),
            **{key: value for key, value in row.items() if value is not None},
            "platform": platform,
            "author": author,
            "author_name": row.get("author_name") or (said if " " in said else None),
            "text": str(row.get("text") or row.get("caption") or row.get("title") or ""),
        }
        row.update(filled)

    def _of(self, platform: str, account: Row) -> list[Row]:
        """What an account has posted on a platform, newest first."""
        wanted = _handle(account["handle"])
        own = [
            post
            for post in self._posts()
            if _handle(post["author"]) == wanted and _on(post, platform) and "about" not in post
        ]
        began = self._start.isoformat()
        if not any(str(post["published"])[:19] <= began for post in own):
            own += self._before(platform, account)
        public = [post for post in own if post.get("visibility", "public") == "public"]
        return sorted(public, key=lambda post: str(post["published"]), reverse=True)

    def _before(self, platform: str, account: Row) -> list[Row]:
        """What an account of which no scenario tells had posted before the world began."""
        handle = str(account["handle"])
        random = stream(self.world.seed, "social recent", platform, handle)
        kind = str(account.get("kind") or "person")
        said = _material().recent.get(kind, _material().recent["person"])
        return [
            self._place(platform, handle, random, f"recent {handle}", (one.title, one.text))
            for one in random.sample(said, 2)
        ]

    def _place(
        self, platform: str, author: str, random: Random, about: str, said: tuple[str, str]
    ) -> Row:
        ident = _new_id(platform, random.randint)
        likes, video = random.randint(3, 900), platform in _VIDEOS
        row = {
            "id": ident,
            "platform": platform,
            "kind": "video" if video else "post",
            "author": author,
            "title": said[0] if video else None,
            "text": said[1],
            "url": _ADDRESSES[platform].format(author=author, id=ident),
            "likes": likes,
            "comments": likes // random.randint(6, 20),
            "views": likes * random.randint(9, 60) if video else None,
            "published": self._day(random, 1, 60),
            "about": about,
        }
        # Looked up last: every choice is drawn whether or not the post is there already.
        return self.world.get("social_posts", ident) or self.world.place("social_posts", row)

    def _day(self, random: Random, low: int, high: int) -> str:
        # Counted from the day on which the world began, for its clock moves on.
        back = timedelta(days=random.randint(low, high), seconds=random.randint(0, 80_000))
        return (self._start - back).isoformat().replace("+00:00", "Z")

    def _find(self, platform: str, said: str, field: str) -> Row:
        wanted = said.strip()
        last = _LAST.search(wanted)
        idents = [wanted, last[1] if last else wanted]
        for row in self._posts():
            if row["id"] in idents or str(row["url"]).rstrip("/") == wanted.rstrip("/"):
                return row
        at = _AT.search(wanted)
        for handle in (at[1] if at else wanted, idents[1]):
            account = self._account(handle)
            newest = self._of(platform, account) if account else []
            if newest:
                return newest[0]
        raise ToolFault("not_found", f"There is no post {said} on {_name(platform)}.", field)

    # --- searching

    def _there(self, query: str, platforms: Sequence[str], author: str | None) -> list[Row]:
        """Posts that a scenario or a call has brought, and those of accounts that are named."""
        words, asked = keywords(query), query.casefold()
        accounts = map(self._account, [author] if author else self._named(asked))
        named = [
            post
            for account in accounts
            if account
            for platform in platforms
            for post in self._of(platform, account)
        ]
        named.sort(key=lambda post: str(post["published"]), reverse=True)
        if author:
            return named
        said = self._comments()
        scored = [
            (_score(post, words, said.get(str(post["id"]), "")), str(post["published"]), post)
            for post in self._posts()
            if "about" not in post
            and any(_on(post, platform) for platform in platforms)
            and post.get("visibility", "public") == "public"
        ]
        scored.sort(key=lambda each: (each[0], each[1]), reverse=True)
        exact = [post for _, _, post in scored if query.strip() in (post["id"], post["url"])]
        return exact + [post for score, _, post in scored if score > 0.5] + named[:3]

    def _named(self, asked: str) -> list[str]:
        rows = [*self._people(), *self.world.rows("social_accounts")]
        handles = {str(row["handle"]).lstrip("@") for row in rows if _names(row, asked)}
        handles |= {handle for handle in _material().accounts if handle in asked}
        return sorted(handles)

    def _about(self, query: str, platforms: Sequence[str], *, brought: bool) -> list[Row]:
        """Posts about what was asked: the same for the same words on the same platform."""
        people = {str(row["name"]) for row in self._people() if row.get("name")}
        question = Question(query, people)
        known = question.intent if question.intent in _material().posts else "general"
        count = _WRITTEN // 2 if brought else _WRITTEN
        # Of many platforms, a few speak about one thing, and others about another.
        first = len(question.topic) % len(platforms)
        chosen = [*platforms[first:], *platforms[:first]][:count]
        each = count // len(chosen)
        written = [post for p in chosen for post in self._write(question, known, p, each)]
        words, about = keywords(query), f"{known}: {question.topic}"
        seen = [
            post
            for post in self._posts()
            if post.get("about") not in (None, about)
            and post["platform"] in platforms
            and _score(post, words, "") == 1
        ]
        return written + seen[:_WRITTEN]

    def _write(self, question: Question, intent: str, platform: str, count: int) -> list[Row]:
        phrases, about = _material(), f"{intent}: {question.topic}"
        shared = stream(self.world.seed, "social", about)
        names = {**question.names(), "weekday": shared.choice(phrases.weekdays)}
        said = (phrases.titles[intent], phrases.posts[intent], phrases.speakers(intent))
        titles, texts, speakers = (shared.sample(list(each), len(each)) for each in said)
        # Each platform begins elsewhere, so that no two say the same in the same words.
        first = list(_ADDRESSES).index(platform)
        random = stream(self.world.seed, "social", platform, about)
        return [
            self._place(
                platform,
                speakers[place % len(speakers)],
                random,
                about,
                (
                    titles[place % len(titles)].format_map(names),
                    texts[place % len(texts)].format_map(names),
                ),
            )
            for place in range(first, first + count)
        ]

    # --- showing

    def _comments(self) -> dict[str, str]:
        said: dict[str, str] = {}
        for row in self.world.rows("social_comments"):
            key = str(row.get("post"))
            said[key] = f"{said.get(key, '')} {row.get('text')}"
        return said

    def _under(self, post: Row) -> list[Row]:
        keys = (post["id"], post["url"])
        return [row for row in self.world.rows("social_comments") if row.get("post") in keys]

    def _shown(self, post: Row) -> Row:
        under = self._under(post)
        self._show(post, under)
        shown = {
            "id": post["id"],
            "url": post["url"],
            "kind": post["kind"],
            "author": post["author"],
            "author_name": self._author_name(post),
            **{key: post[key] for key in ("platform", "title", "media", "views") if post.get(key)},
            "text": post["text"],
            "published": post["published"],
            "likes": _number(post["likes"]),
            "comments": _number(post.get("comments")) + len(under),
        }
        newest = [
            {"author": row.get("author"), "text": row.get("text")} for row in reversed(under[-3:])
        ]
        return {**shown, "newest_comments": newest}

    def _author_name(self, post: Row) -> str:
        account = post.get("author_name") or _material().accounts.get(str(post["author"]))
        if isinstance(account, _Account):
            return account.name
        return str(account or (self._account(str(post["author"])) or {}).get("name"))

    def _show(self, post: Row, under: list[Row] | None = None) -> None:
        """Let the web open the post; a search of the web does not find it by that."""
        known = self.world.get("pages", post["url"])
        if known is not None and known.get("about") != "social":
            return
        name, text = self._author_name(post), str(post["text"])
        said = [f"{name} (@{post['author']}): {text}"]
        said += [
            f"Comment by @{row.get('author')}: {row.get('text')}"
            for row in (self._under(post) if under is None else under)
        ]
        self.world.place(
            "pages",
            {
                "url": post["url"],
                "title": post.get("title") or capital(text[:60]) or name,
                "text": "\n".join(said),
                "published": str(post["published"])[:10],
                "about": "social",
            },
        )


def _new_id(platform: str, number: Callable[[int, int], int]) -> str:
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


def _handle(said: object) -> str:
    """A handle as it is compared: without @, address and capitals."""
    last = str(said).strip().partition("?")[0].rstrip("/").rpartition("/")[2]
    return last.lstrip("@").casefold()


def _platform(said: object) -> str | None:
    name = str(said or "").strip().casefold()
    return {"": None, "all": None, "x": "twitter"}.get(name, name)


def _name(platform: str) -> str:
    return _NAMES.get(platform, capital(platform))


def _on(post: Row, platform: str) -> bool:
    return post.get("platform") in (None, platform)


def _names(row: Row, asked: str) -> bool:
    handle, name = (str(row.get(key) or "").lstrip("@").casefold() for key in ("handle", "name"))
    return bool(handle) and (handle in asked or (bool(name) and name in asked))


def _number(said: object, otherwise: int = 0) -> int:
    """A count, which in a scenario's rows is text."""
    digits = "".join(c for c in str(said) if c in "0123456789")
    return int(digits[:15]) if digits else otherwise


def _score(post: Row, words: Sequence[str], comments: str) -> float:
    """The share of the words that a post has."""
    parts = (post.get("title"), post["text"], post["author"], post.get("author_name"), comments)
    text = " ".join(str(part) for part in parts if part).casefold()
    stems = [word[:-1] if len(word) > 3 and word.endswith("s") else word for word in words]
    return sum(stem in text for stem in stems) / max(1, len(stems))

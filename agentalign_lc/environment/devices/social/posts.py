"""Posts and videos: those of a scenario, what accounts had posted before, and new ones."""

import re
from collections.abc import Iterator
from datetime import timedelta
from random import Random

from agentalign_lc.environment.devices.social.platforms import (
    ADDRESSES,
    VIDEOS,
    handle_of,
    is_on,
    material,
    new_id,
    people,
    platform_of,
)
from agentalign_lc.environment.world import Row, World
from agentalign_lc.seeds import stream

__all__ = ["Posts"]


class Posts:
    """The posts of a world, and the comments under them."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._recent: dict[tuple[str, str, str], list[str]] = {}

    def rows(self) -> Iterator[Row]:
        """All posts, each with all its fields."""
        for row in self.world.rows("social_posts"):
            if "url" not in row or "kind" not in row:
                self._complete(row)
            yield row

    def _complete(self, row: Row) -> None:
        """Fill in what a scenario left out of a post."""
        random = stream(self.world.seed, "social post", str(row.get("text")), str(row.get("url")))
        said = str(row.get("author") or random.choice(material().speakers("topic"))).strip()
        name = next((p for p in people(self.world) if p.get("name") == said), {})
        platform = platform_of(row.get("platform"))
        author = str(name.get("handle") or re.sub(r"[^\w.]+", "", said)).casefold() or "somebody"
        kind = "video" if row.get("video") or platform in VIDEOS else "post"
        address = ADDRESSES.get(platform or "twitter", "https://{id}.example/{author}")
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

    def of(self, platform: str, account: Row) -> list[Row]:
        """What an account has posted on a platform, newest first."""
        wanted = handle_of(account["handle"])
        own = [
            post
            for post in self.rows()
            if handle_of(post["author"]) == wanted and is_on(post, platform) and "about" not in post
        ]
        began = self.world.began.isoformat()
        if not any(str(post["published"])[:19] <= began for post in own):
            own += self._before(platform, account)
        public = [post for post in own if post.get("visibility", "public") == "public"]
        return sorted(public, key=lambda post: str(post["published"]), reverse=True)

    def _before(self, platform: str, account: Row) -> list[Row]:
        """What an account of which no scenario tells had posted before the world began."""
        handle, kind = str(account["handle"]), str(account.get("kind") or "person")
        idents = self._recent.get((platform, handle, kind), [])
        posts = [post for each in idents if (post := self.world.get("social_posts", each))]
        if posts and len(posts) == len(idents):
            return posts
        random = stream(self.world.seed, "social recent", platform, handle)
        said = material().recent.get(kind, material().recent["person"])
        posts = [
            self.place(platform, handle, random, f"recent {handle}", (one.title, one.text))
            for one in random.sample(said, 2)
        ]
        self._recent[platform, handle, kind] = [str(post["id"]) for post in posts]
        return posts

    def place(
        self, platform: str, author: str, random: Random, about: str, said: tuple[str, str]
    ) -> Row:
        """Put a title and a text into the world as a post; the rest of it is drawn."""
        ident = new_id(platform, random.randint)
        likes, video = random.randint(3, 900), platform in VIDEOS
        row = {
            "id": ident,
            "platform": platform,
            "kind": "video" if video else "post",
            "author": author,
            "title": said[0] if video else None,
            "text": said[1],
            "url": ADDRESSES[platform].format(author=author, id=ident),
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
        return (self.world.began - back).isoformat().replace("+00:00", "Z")

    def comments(self) -> dict[str, str]:
        """The words of all comments, by the post under which they stand."""
        said: dict[str, str] = {}
        for row in self.world.rows("social_comments"):
            key = str(row.get("post"))
            said[key] = f"{said.get(key, '')} {row.get('text')}"
        return said

    def under(self, post: Row) -> list[Row]:
        """The comments under a post, in the order in which they were written."""
        keys = (post["id"], post["url"])
        return [row for row in self.world.rows("social_comments") if row.get("post") in keys]

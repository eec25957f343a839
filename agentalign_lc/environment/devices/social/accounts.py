"""Accounts of social networks: whom a handle means, and what an account shows of itself."""

from itertools import islice

from agentalign_lc.environment.devices.social.platforms import (
    Account,
    handle_of,
    is_on,
    material,
    number,
    people,
)
from agentalign_lc.environment.devices.social.posts import Posts
from agentalign_lc.environment.world import Row, World
from agentalign_lc.seeds import stream

__all__ = ["Accounts"]


class Accounts:
    """The accounts of a world; a person has one handle on all platforms."""

    def __init__(self, world: World, posts: Posts) -> None:
        self.world = world
        self.posts = posts

    def find(self, said: str) -> Row | None:
        """The account of a handle, as people write it, or None."""
        wanted = handle_of(said)
        if wanted == "me":
            wanted = handle_of(self.world.me["handle"])
        own = [row for row in people(self.world) if handle_of(row.get("handle")) == wanted]
        own += [r for r in self.world.rows("social_accounts") if handle_of(r["handle"]) == wanted]
        seeded = material().accounts.get(wanted)
        if seeded is not None and not own:
            verified = seeded.kind != "person"
            return {"handle": wanted, **seeded.model_dump(), "verified": verified}
        if not own:
            own = [
                {"handle": post["author"], "name": post.get("author_name")}
                for post in islice((p for p in self.posts.rows() if p["author"] == wanted), 1)
            ]
        if not own:
            return None
        known = {key: value for row in own for key, value in row.items() if value}
        city = str(known.get("city") or self.world.me.get("city") or "Vasterby")
        bio = stream(self.world.seed, "social bio", wanted).choice(material().bios)
        return {
            "bio": bio.format(city=city),
            "name": wanted,
            **known,
            "handle": str(own[0]["handle"]).lstrip("@"),
        }

    def named(self, asked: str) -> list[str]:
        """Handles of the accounts that a query in lower case names, sorted."""
        rows = [*people(self.world), *self.world.rows("social_accounts")]
        handles = {str(row["handle"]).lstrip("@") for row in rows if _names(row, asked)}
        handles |= {handle for handle in material().accounts if handle in asked}
        return sorted(handles)

    def counts(self, platform: str, account: Row) -> Row:
        """How many follow and are followed, how many posts there are, and since when."""
        handle = handle_of(account["handle"])
        random = stream(self.world.seed, "social counts", platform, handle)
        most = 900 if account.get("kind") in (None, "person") else 40_000
        base = {
            "followers": random.randint(most // 20, most),
            "following": random.randint(30, 500),
            "posts": random.randint(12, 600),
        }
        year, month, day = (random.randint(*ends) for ends in ((2013, 2024), (1, 12), (1, 28)))
        counts = {key: number(account.get(key), value) for key, value in base.items()}
        for edge in self.world.rows("social_follows"):
            if edge.get("platform") in (None, platform):
                counts["followers"] += handle_of(edge.get("handle")) == handle
                counts["following"] += handle_of(edge.get("follower")) == handle
        counts["posts"] += sum(
            "about" not in post and handle_of(post["author"]) == handle and is_on(post, platform)
            for post in self.posts.rows()
        )
        return {**counts, "joined": account.get("joined") or f"{year}-{month:02d}-{day:02d}"}

    def author_name(self, post: Row) -> str:
        """What the author of a post is called."""
        account = post.get("author_name") or material().accounts.get(str(post["author"]))
        if isinstance(account, Account):
            return account.name
        return str(account or (self.find(str(post["author"])) or {}).get("name"))


def _names(row: Row, asked: str) -> bool:
    handle, name = (str(row.get(key) or "").lstrip("@").casefold() for key in ("handle", "name"))
    return bool(handle) and (handle in asked or (bool(name) and name in asked))

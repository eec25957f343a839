"""Social networks: accounts, posts and videos, comments, who follows whom."""

import re
from collections.abc import Sequence
from typing import ClassVar, Literal

from agentalign_lc.environment.devices.question import capital, keywords
from agentalign_lc.environment.devices.social.accounts import Accounts
from agentalign_lc.environment.devices.social.platforms import (
    ADDRESSES,
    new_id,
    number,
    title_of,
)
from agentalign_lc.environment.devices.social.posts import Posts
from agentalign_lc.environment.devices.social.search import Finder
from agentalign_lc.environment.faults import ToolFault
from agentalign_lc.environment.spec import CollectionSpec
from agentalign_lc.environment.world import Row, World

__all__ = ["Social"]

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
_Order = Literal["relevance", "newest", "popular"]


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
        self.posts = Posts(world)
        self.accounts = Accounts(world, self.posts)
        self._finder = Finder(world, self.posts, self.accounts)

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
        ident, author = new_id(platform, self.world.draw.number), str(self.world.me["handle"])
        row = {
            "id": ident,
            "platform": platform,
            "kind": kind,
            "author": author,
            "title": title,
            "text": text,
            "media": media and media.rstrip("/").rpartition("/")[2],
            "visibility": visibility,
            "url": ADDRESSES[platform].format(author=author, id=ident),
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
            "followers": self.accounts.counts(platform, known)["followers"],
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
            **self.accounts.counts(platform, known),
            "verified": str(known.get("verified", "")).casefold() in ("true", "yes", "1"),
            "followed_by_you": followed is not None,
            "recent_posts": [self._shown(post) for post in self.posts.of(platform, known)[:posts]],
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
        found = self._finder.there(plain, platforms, author and author[1])
        if not author and keywords(plain):
            found += self._finder.about(plain, platforms, brought=bool(found))
        unique = {str(post["id"]): post for post in found if kind in (None, post["kind"])}
        posts = list(unique.values())
        if order == "newest":
            posts.sort(key=lambda post: str(post["published"]), reverse=True)
        elif order == "popular":
            posts.sort(key=lambda post: number(post.get("views") or post["likes"]), reverse=True)
        return {
            "query": query,
            "results": [self._shown(post) for post in posts[:limit]],
            "total": len(posts),
        }

    def _known(self, platform: str, handle: str, field: str) -> Row:
        account = self.accounts.find(handle)
        if account is None:
            message = f"{title_of(platform)} has no account called {handle}."
            raise ToolFault("not_found", message, field)
        return account

    def _find(self, platform: str, said: str, field: str) -> Row:
        wanted = said.strip()
        last = _LAST.search(wanted)
        idents = [wanted, last[1] if last else wanted]
        for row in self.posts.rows():
            if row["id"] in idents or str(row["url"]).rstrip("/") == wanted.rstrip("/"):
                return row
        at = _AT.search(wanted)
        for handle in (at[1] if at else wanted, idents[1]):
            account = self.accounts.find(handle)
            newest = self.posts.of(platform, account) if account else []
            if newest:
                return newest[0]
        raise ToolFault("not_found", f"There is no post {said} on {title_of(platform)}.", field)

    def _shown(self, post: Row) -> Row:
        under = self.posts.under(post)
        self._show(post, under)
        shown = {
            "id": post["id"],
            "url": post["url"],
            "kind": post["kind"],
            "author": post["author"],
            "author_name": self.accounts.author_name(post),
            **{key: post[key] for key in ("platform", "title", "media", "views") if post.get(key)},
            "text": post["text"],
            "published": post["published"],
            "likes": number(post["likes"]),
            "comments": number(post.get("comments")) + len(under),
        }
        newest = [
            {"author": row.get("author"), "text": row.get("text")} for row in reversed(under[-3:])
        ]
        return {**shown, "newest_comments": newest}

    def _show(self, post: Row, under: list[Row] | None = None) -> None:
        """Let the web open the post; a search of the web does not find it by that."""
        known = self.world.get("pages", post["url"])
        if known is not None and known.get("about") != "social":
            return
        name, text = self.accounts.author_name(post), str(post["text"])
        said = [f"{name} (@{post['author']}): {text}"]
        said += [
            f"Comment by @{row.get('author')}: {row.get('text')}"
            for row in (self.posts.under(post) if under is None else under)
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

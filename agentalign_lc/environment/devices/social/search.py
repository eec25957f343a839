"""The search of social networks: what is there, and what people say about a topic."""

from collections.abc import Sequence
from functools import lru_cache

from agentalign_lc.environment.devices.question import Question, keywords
from agentalign_lc.environment.devices.social.accounts import Accounts
from agentalign_lc.environment.devices.social.platforms import (
    ADDRESSES,
    is_on,
    material,
    people,
)
from agentalign_lc.environment.devices.social.posts import Posts
from agentalign_lc.environment.world import Row, World
from agentalign_lc.seeds import stream

__all__ = ["Finder"]

_WRITTEN = 4


class Finder:
    """Finds posts; what it writes depends on the seed and on what is asked, not on when."""

    def __init__(self, world: World, posts: Posts, accounts: Accounts) -> None:
        self.world = world
        self.posts = posts
        self.accounts = accounts
        self._found: dict[tuple[object, ...], tuple[str, list[str]]] = {}

    def there(self, query: str, platforms: Sequence[str], author: str | None) -> list[Row]:
        """Posts that a scenario or a call has brought, and those of accounts that are named."""
        words, asked = keywords(query), query.casefold()
        accounts = map(self.accounts.find, [author] if author else self.accounts.named(asked))
        named = [
            post
            for account in accounts
            if account
            for platform in platforms
            for post in self.posts.of(platform, account)
        ]
        named.sort(key=lambda post: str(post["published"]), reverse=True)
        if author:
            return named
        said = self.posts.comments()
        scored = [
            (_score(post, words, said.get(str(post["id"]), "")), str(post["published"]), post)
            for post in self.posts.rows()
            if "about" not in post
            and any(is_on(post, platform) for platform in platforms)
            and post.get("visibility", "public") == "public"
        ]
        scored.sort(key=lambda each: (each[0], each[1]), reverse=True)
        exact = [post for _, _, post in scored if query.strip() in (post["id"], post["url"])]
        return exact + [post for score, _, post in scored if score > 0.5] + named[:3]

    def about(self, query: str, platforms: Sequence[str], *, brought: bool) -> list[Row]:
        """Posts about what was asked: the same for the same words on the same platform."""
        about, written = self._written(query, platforms, _WRITTEN // 2 if brought else _WRITTEN)
        words = keywords(query)
        seen = [
            post
            for post in self.posts.rows()
            if post.get("about") not in (None, about)
            and post["platform"] in platforms
            and _score(post, words, "") == 1
        ]
        return written + seen[:_WRITTEN]

    def _written(self, query: str, platforms: Sequence[str], count: int) -> tuple[str, list[Row]]:
        """New posts, and what they are about; asked again, they are looked up."""
        names = {str(row["name"]) for row in people(self.world) if row.get("name")}
        asked = (query, *platforms, count, *sorted(names))
        about, idents = self._found.get(asked, ("", []))
        posts = [post for each in idents if (post := self.world.get("social_posts", each))]
        if about and len(posts) == len(idents):
            return about, posts
        question = Question(query, names)
        intent = question.intent if question.intent in material().posts else "general"
        # Of many platforms, a few speak about one thing, and others about another.
        first = len(question.topic) % len(platforms)
        chosen = [*platforms[first:], *platforms[:first]][:count]
        each = count // len(chosen)
        posts = [post for p in chosen for post in self._write(question, intent, p, each)]
        about = f"{intent}: {question.topic}"
        self._found[asked] = about, [str(post["id"]) for post in posts]
        return about, posts

    def _write(self, question: Question, intent: str, platform: str, count: int) -> list[Row]:
        phrases, about = material(), f"{intent}: {question.topic}"
        shared = stream(self.world.seed, "social", about)
        names = {**question.names(), "weekday": shared.choice(phrases.weekdays)}
        said = (phrases.titles[intent], phrases.posts[intent], phrases.speakers(intent))
        titles, texts, speakers = (shared.sample(list(each), len(each)) for each in said)
        # Each platform begins elsewhere, so that no two say the same in the same words.
        first = list(ADDRESSES).index(platform)
        random = stream(self.world.seed, "social", platform, about)
        return [
            self.posts.place(
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


def _score(post: Row, words: Sequence[str], comments: str) -> float:
    """The share of the words that a post has."""
    said = (post.get("title"), post["text"], post["author"], post.get("author_name"), comments)
    text = _folded(*map(str, filter(None, said)))
    stems = [word[:-1] if len(word) > 3 and word.endswith("s") else word for word in words]
    return sum(stem in text for stem in stems) / max(1, len(stems))


@lru_cache(maxsize=2048)
def _folded(*parts: str) -> str:
    """Texts in one case: each search goes through the same posts again."""
    return " ".join(parts).casefold()

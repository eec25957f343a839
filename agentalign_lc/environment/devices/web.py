"""A small web: pages that can be found, opened, and that say what their snippet said."""

import re
from contextlib import suppress
from datetime import timedelta
from functools import lru_cache
from itertools import cycle, islice
from random import Random
from typing import ClassVar
from urllib.parse import urlsplit

from pydantic import JsonValue

from agentalign_lc.environment.devices.question import Question, capital, keywords, material
from agentalign_lc.environment.devices.sites import site_page
from agentalign_lc.environment.faults import ToolFault
from agentalign_lc.environment.spec import CollectionSpec
from agentalign_lc.environment.world import Row, World
from agentalign_lc.seeds import stream

__all__ = ["Web"]

_SYNTAX = re.compile(
    r"""\b(?:filetype|ext|intitle|allintitle|inurl|intext|before|after|lang|loc|cache):\S*"""
    r"""|(?<!\S)-(?=\w)\S+|\b(?:AND|OR|NOT|AROUND\(\d+\))(?!\w)|["“”()|*+]"""
)
_SITE = re.compile(r"\bsite:(\S+)")
_PLACE = re.compile(r"\b(?:in|near|around)\s+((?:[A-Z][\w'-]+)(?:\s[A-Z][\w'-]+)?)")
_SENTENCE = re.compile(r"(?<=[.?!])\s+")
_WORD = re.compile(r"\w+")
_SCHEME = re.compile(r"^https?://", re.IGNORECASE)
_PAGES = 8


class Web:
    """Pages in the world, a search over them, and requests to them.

    A search first finds the pages that a scenario brought along, then adds
    pages about what was asked. These depend on the seed and the question
    alone: whenever it is asked, the same question finds the same pages. They
    are filled from one set of facts, so that they agree with each other.
    """

    operations = frozenset({"open", "request", "search"})
    collections: ClassVar[dict[str, CollectionSpec]] = {
        "pages": CollectionSpec(key="url"),
        "web_records": CollectionSpec(id="rec_########"),
    }

    def __init__(self, world: World) -> None:
        self.world = world
        self._found: dict[tuple[object, ...], list[str]] = {}
        self._days: dict[str, str] = {}

    def search(
        self,
        query: str,
        limit: int = 5,
        kind: str | None = None,
        site: str | None = None,
        days: int | None = None,
        offset: int = 0,
    ) -> Row:
        """Find pages: title, url, site, snippet, published.

        Args:
            query: What is asked; of a query's syntax, ``site:`` is obeyed and the rest left out.
            limit: How many results at most.
            kind: ``news``, for news alone.
            site: Results of this site alone.
            days: Nothing that was published longer ago.
            offset: How many results to skip.

        Raises:
            ToolFault: ``invalid_argument``, if the query has no word in it.
        """
        named = _SITE.search(query)
        site = _host(site or (named[1] if named else ""))
        plain = " ".join(_SYNTAX.sub(" ", _SITE.sub(" ", query)).split())
        plain = plain if keywords(plain) else query
        words = keywords(plain)
        if not words:
            raise ToolFault(
                "invalid_argument", "The query contains no word to search for.", "query"
            )
        pages = self._brought(words, kind)
        pages += self._written(plain, kind, neutral=bool(pages))
        oldest = self._day(days) if days is not None else ""
        fitting = [
            page
            for page in pages
            if (not site or page["site"] == site or str(page["site"]).endswith(f".{site}"))
            and str(page["published"]) >= oldest
        ]
        results = [_result(page, words) for page in fitting[offset : offset + limit]]
        return {"query": query, "results": results, "total": len(fitting)}

    def open(self, url: str) -> Row:
        """Return a page's url, title, site, day of publication and text.

        Raises:
            ToolFault: ``not_found``.
        """
        page = self._page(url)
        if page is None:
            raise ToolFault("not_found", f"{url}: the server answered 404 Not Found.", "url")
        return {key: page[key] for key in ("url", "title", "site", "published", "text")}

    def request(self, method: str, url: str, body: JsonValue = None) -> Row:
        """Send an HTTP request: status, and the body of the answer.

        A POST makes a record under its URL; GET, PUT and DELETE then find it there.
        """
        if not url.startswith(("http://", "https://")) or not _host(url):
            raise ToolFault(
                "invalid_argument", "A URL starts with http:// or https:// and names a host.", "url"
            )
        page = self._page(url)
        record = self.world.find("web_records", {"url": url.rstrip("/")})
        if method == "POST":
            made = self.world.insert(
                "web_records", {"url": None, "body": body, "created": self.world.now}
            )
            self.world.update("web_records", made, {"url": f"{url.rstrip('/')}/{made['id']}"})
            return {"status": 201, "body": {"id": made["id"], "url": made["url"]}}
        if record is not None:
            return self._on_record(method, record, body)
        if page is not None and method in ("GET", "HEAD"):
            return {"status": 200, "body": page["text"] if method == "GET" else ""}
        if page is not None:
            return {"status": 405, "body": {"error": "method not allowed"}}
        return {"status": 404, "body": {"error": "not found"}}

    def _on_record(self, method: str, record: Row, body: JsonValue) -> Row:
        if method in ("PUT", "PATCH"):
            self.world.update("web_records", record, {"body": body})
            return {"status": 200, "body": body}
        if method == "DELETE":
            self.world.delete("web_records", record)
            return {"status": 204, "body": ""}
        return {"status": 200, "body": record["body"] if method == "GET" else ""}

    def _page(self, url: str) -> Row | None:
        wanted = _canonical(url)
        exact = self.world.get("pages", url)
        pages = [exact] if exact else self.world.rows("pages")
        found = next((page for page in pages if _canonical(page["url"]) == wanted), None)
        found = found or site_page(self.world, *wanted.partition("/")[::2])
        return self._filled(found) if found else None

    def _filled(self, page: Row) -> Row:
        """A page with all its fields; those of a scenario may have url, title and text alone."""
        url = str(page["url"])
        known = {key: value for key, value in page.items() if value is not None}
        if "published" not in known:
            known["published"] = self._days.get(url) or self._days.setdefault(
                url, self._day(stream(self.world.seed, "published", url).randint(2, 200))
            )
        return {"site": _host(url), "kind": "page", "title": url, "text": "", **known}

    def _brought(self, words: list[str], kind: str | None) -> list[Row]:
        starts = [_start(word) for word in words]
        pages = [self._filled(row) for row in self.world.rows("pages") if "about" not in row]
        scored = [
            (_score(page, starts), page)
            for page in pages
            if kind in (None, page["kind"]) or page["kind"] == "page"
        ]
        scored.sort(key=lambda pair: (-pair[0], str(pair[1]["url"])))
        return [page for score, page in scored if score > 0.5]

    def _written(self, plain: str, kind: str | None, *, neutral: bool) -> list[Row]:
        """Pages about a question. Asked again, they are looked up and not written anew."""
        people = self._people()
        asked = (plain, kind, neutral, *sorted(people))
        known = [self.world.get("pages", url) for url in self._found.get(asked, ())]
        pages = [page for page in known if page is not None]
        if not pages or len(pages) < len(known):
            pages = self._write(Question(plain, people), kind, neutral=neutral)
            self._found[asked] = [str(page["url"]) for page in pages]
        return pages

    def _write(self, question: Question, kind: str | None, *, neutral: bool) -> list[Row]:
        if neutral and question.intent not in ("care", "sensitive"):
            question.intent = "neutral"
        general = list(islice(cycle(material().kinds[question.intent]), _PAGES))
        wanted = [kind] * _PAGES if kind and question.intent != "care" else general
        slots = [(each, wanted[:place].count(each)) for place, each in enumerate(wanted)]
        places = {(each, general[:place].count(each)): place for place, each in enumerate(general)}
        writer = _Writer(self.world.seed, question, self._facts(question))
        written = [
            writer.page(each, number, places.get((each, number), _PAGES + number))
            for each, number in slots[: 3 if neutral else _PAGES]
        ]
        return [
            self.world.get("pages", page["url"])
            or self.world.place("pages", {**page, "published": self._day(page["published"])})
            for page in written
        ]

    def _facts(self, question: Question) -> dict[str, str]:
        """What is so, in this world, of a subject: the same for every page and every wording."""
        random = stream(self.world.seed, "facts", question.subject)
        facts = {name: random.choice(options) for name, options in material().facts.items()}
        named = _PLACE.search(question.text)
        price = random.choice((12, 18, 25, 40, 65, 90, 140, 220, 380))
        facts |= {
            "expert": f"{facts['first']} {facts['last']}",
            "place": named[1] if named else str(self.world.me.get("city") or "Vasterby"),
            "year": str(random.randint(1961, 2016)),
            "price": str(price),
            "low": str(price * 7 // 10),
            "high": str(price * 3 // 2),
            "percent": str(random.randint(31, 88)),
            "count": str(random.randint(14, 160)),
            "weeks": str(random.randint(2, 6)),
            "day": str(random.randint(2, 28)),
            "opens": random.choice(("8:30", "9:00", "9:30", "10:00")),
            "closes": random.choice(("16:30", "17:00", "18:00", "19:00")),
            "number": str(random.randint(2, 88)),
            "line": str(random.randint(2, 39)),
            "stars": random.choice(("3.9", "4.1", "4.2", "4.4", "4.6")),
            "phone": f"+1-555-01{random.randint(10, 99)}",
        }
        return facts | {capital(name): capital(value) for name, value in facts.items()}

    def _day(self, days_ago: int) -> str:
        # Counted from the day on which the world began, for its clock moves on.
        return (self.world.began - timedelta(days=days_ago)).date().isoformat()

    def _people(self) -> set[str]:
        with suppress(KeyError):  # a catalogue may have no address book
            return {str(row["name"]) for row in self.world.rows("contacts") if row.get("name")}
        return set()


class _Writer:
    """Writes the pages about one question, each kind from a stream of its own."""

    def __init__(self, seed: str, question: Question, facts: dict[str, str]) -> None:
        self._seed = seed
        self._intent = question.intent
        self._about = f"{question.intent}: {question.topic}"
        self._names = {**facts, **question.names()}
        self._brief = {**facts, **question.names(brief=True)}
        self._kinds: dict[str, tuple[Random, list[int]]] = {}

    def page(self, kind: str, number: int, place: int) -> Row:
        """Write the next page of a kind; it was published so many days ago."""
        phrases = material()
        titles, sites = phrases.titles[self._intent], phrases.sites[kind]
        answers = phrases.answers[self._intent]
        if kind not in self._kinds:
            first = stream(self._seed, "web", self._about)
            begins = [first.randrange(len(each)) for each in (titles, sites, answers)]
            self._kinds[kind] = stream(self._seed, "web", self._about, kind), begins
        random, (a_title, a_site, an_answer) = self._kinds[kind]
        site = sites[(a_site + number) % len(sites)]
        title = titles[(a_title + place) % len(titles)].format_map(self._names)
        if place >= len(titles):  # two pages of one name are told apart by their site
            title = f"{title} | {site.removesuffix('.example').replace('-', ' ').title()}"
        slug = "-".join(_WORD.findall(title.casefold())[:8])
        own = (an_answer + place) % len(answers)
        # Two others: any that is not the page's own.
        rest = [answers[n + (n >= own)] for n in random.sample(range(len(answers) - 1), 2)]
        said = [random.choice(phrases.openings[kind]), answers[own]]
        more = [*rest, random.choice(phrases.closings[kind])]
        text = f"{' '.join(said).format_map(self._names)} {' '.join(more).format_map(self._brief)}"
        return {
            "url": f"https://{site}/{kind}/{random.randint(10_000, 999_999)}-{slug}",
            "site": site,
            "kind": kind,
            "title": title,
            "text": text,
            "published": random.randint(1, 45 if kind == "news" else 400),
            "about": self._about,
        }


def _start(word: str) -> tuple[str, re.Pattern[str]]:
    """What a word that fits begins with."""
    stem = word[:-1] if len(word) > 3 and word.endswith("s") else word
    return stem, re.compile(rf"\b{re.escape(stem)}")


def _score(page: Row, starts: list[tuple[str, re.Pattern[str]]]) -> float:
    title, text = str(page["title"]).casefold(), str(page["text"]).casefold()
    score = 0.0
    for stem, start in starts:
        if stem in title and start.search(title):
            score += 1.1
        elif stem in text and start.search(text):
            score += 1
    return score / len(starts)


def _result(page: Row, words: list[str]) -> Row:
    sentences = _SENTENCE.split(str(page["text"]).strip())
    if "about" in page:  # a written page answers in its second sentence
        best = sentences[1]
    else:
        best = max(sentences, key=lambda each: sum(word in each.casefold() for word in words))
    fields = {key: page[key] for key in ("title", "url", "site", "published")}
    return {**fields, "snippet": best}


def _host(url: str) -> str:
    try:
        host = urlsplit(url if "//" in url else f"//{url}").hostname
    except ValueError:
        return ""
    return (host or "").removeprefix("www.")


@lru_cache(maxsize=4096)
def _canonical(url: object) -> str:
    """An address without what does not tell pages apart: scheme, www, fragment, last slash."""
    text = _SCHEME.sub("", str(url).strip()).partition("#")[0]
    host, slash, path = text.partition("/")
    return (host.casefold().removeprefix("www.") + slash + path).rstrip("/")

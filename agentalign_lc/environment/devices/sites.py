"""Pages that every site has, and the forms that stand on pages."""

import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

from agentalign_lc.environment.devices.question import material
from agentalign_lc.environment.world import Row, World
from agentalign_lc.seeds import stream

__all__ = ["Form", "FormField", "page_forms", "site_links", "site_name", "site_page"]

_DOCUMENTS = (
    ("price-list.csv", "Price list", "item,price\nsmall,{low}\nmedium,{middle}\nlarge,{high}\n"),
    ("brochure.txt", "Brochure", "{name}\n\nAt your service since {year}. Ask for an offer.\n"),
    (
        "annual-report.txt",
        "Annual report",
        "{name}: {staff} people, {percent} percent more orders.\n",
    ),
    ("opening-hours.txt", "Opening hours", "{name}\nMonday to Friday, 9:00 to {closes}\n"),
)
_OWN_HOSTS = ("git.example",)

# What the address or the title of a page says about the form on it.
_SIGNS = {
    "login": re.compile(r"\b(?:log-?in|sign-?in|log on|sso|auth|webmail)\b"),
    "signup": re.compile(r"\b(?:register|sign-?up|join|create (?:an )?account)\b"),
    "newsletter": re.compile(r"\b(?:newsletter|subscribe)\b"),
}


class FormField(NamedTuple):
    """A field of a form: what a program calls it, and what is written beside it."""

    name: str
    label: str


class Form(NamedTuple):
    """A form on a page."""

    name: str
    kind: str
    fields: tuple[FormField, ...]
    button: str


def site_name(host: str) -> str:
    """What a site calls itself.

    Example:
        >>> site_name("plain-guides.example")
        'Plain Guides'
    """
    return host.removeprefix("www.").rpartition(".")[0].replace("-", " ").replace(".", " ").title()


def site_links(world: World, host: str) -> dict[str, str]:
    """The links in the frame of every page of a site, by their text."""
    file, title, _ = _document(world.seed, host)
    return {
        "Home": f"https://{host}/",
        "Contact": f"https://{host}/contact",
        "Sign in": f"https://{host}/login",
        title: f"https://{host}/files/{file}",
    }


def site_page(world: World, host: str, path: str) -> Row | None:
    """A page that a known site has besides those that a search finds; made when first asked for.

    Args:
        world: Whose pages they are.
        host: Name of the site.
        path: Where on it, without the first slash.
    """
    if path not in ("", "contact", "login") and not path.startswith("files/"):
        return None
    if not host or not _known(world, host):
        return None
    file, document, content = _document(world.seed, host)
    name = site_name(host)
    pages = {
        "": (name, f"Welcome to {name}. Use the search box, or write to us on the contact page."),
        "contact": (f"Contact {name}", "Write to us with the form; we answer within two days."),
        "login": (f"Sign in to {name}", "Please sign in to go on."),
        f"files/{file}": (document, content),
    }
    if path not in pages:
        return None
    title, text = pages[path]
    # `about` keeps it out of searches, which find what a scenario brought along by its words.
    row = {"url": f"https://{host}/{path}", "site": host, "title": title, "text": text}
    return world.place("pages", {**row, "kind": "page", "about": "site"})


def page_forms(world: World, page: Row) -> tuple[Form, ...]:
    """The forms of a page, the main one first; the search box is on every page.

    A page of a scenario may say its own: ``fields``, divided by commas, and
    perhaps ``form`` and ``button``.
    """
    site, path = str(page["site"]), urlsplit(str(page["url"])).path
    if path.startswith("/files/"):
        return ()
    if page.get("fields"):
        labels = [label.strip() for label in str(page["fields"]).split(",") if label.strip()]
        own = tuple(FormField("_".join(re.findall(r"\w+", x.casefold())), x) for x in labels)
        name = str(page.get("form") or "form")
        main = Form(name, "own", own, str(page.get("button") or "Submit"))
    else:
        said = f"{path} {page['title']}".casefold().replace("/", " ").replace("_", " ")
        # An article may be about signing up; what a search wrote is never the place for it.
        written = page.get("about") not in (None, "site")
        signs = {} if written else _SIGNS
        kind = next((kind for kind, sign in signs.items() if sign.search(said)), "contact")
        main = _form(world.seed, site, kind)
    return main, _form(world.seed, site, "search")


@lru_cache(maxsize=512)
def _form(seed: str, site: str, kind: str) -> Form:
    random = stream(seed, "form", site, kind)

    def of(name: str, *labels: str) -> FormField:
        return FormField(name, random.choice(labels))

    if kind == "search":
        fields = [of("q", "Search", "Search this site")]
        return Form("search", kind, tuple(fields), "Search")
    email = of("email", "Email", "Email address", "Your email")
    if kind == "login":
        fields = [of("username", "Username", "Username or email"), of("password", "Password")]
        return Form("login", kind, tuple(fields), random.choice(("Sign in", "Log in")))
    if kind == "newsletter":
        return Form("newsletter", kind, (email,), "Subscribe")
    name = of("name", "Name", "Full name", "Your name")
    if kind == "signup":
        fields = [name, email, of("password", "Password")]
        return Form("signup", kind, tuple(fields), random.choice(("Create account", "Sign up")))
    extra = random.choice(([], [of("phone", "Phone", "Phone number")], [of("subject", "Subject")]))
    fields = [name, email, *extra, of("message", "Message", "Your message")]
    return Form("contact", kind, tuple(fields), random.choice(("Send", "Send message", "Submit")))


@lru_cache(maxsize=512)
def _document(seed: str, host: str) -> tuple[str, str, str]:
    random = stream(seed, "document", host)
    file, title, text = random.choice(_DOCUMENTS)
    price = random.randint(4, 60)
    facts = {
        "name": site_name(host),
        "low": price,
        "middle": str(price * 2),
        "high": price * 3,
        "year": random.randint(1961, 2016),
        "staff": random.randint(6, 90),
        "percent": random.randint(2, 19),
        "closes": random.choice(("16:30", "17:00", "18:00")),
    }
    return file, title, text.format(**facts)


def _known(world: World, host: str) -> bool:
    if host in _OWN_HOSTS or host in _hosts():
        return True
    # A site is there if a page of it is.
    start = re.compile(rf"(?:https?://)?(?:www\.)?{re.escape(host)}(?:[/:?#]|$)", re.IGNORECASE)
    return any(start.match(str(row["url"])) for row in world.rows("pages"))


@lru_cache(maxsize=1)
def _hosts() -> frozenset[str]:
    return frozenset(host for hosts in material().sites.values() for host in hosts)

"""A browser on the small web: a current page, links, forms, a way back."""

import posixpath
import re
from collections.abc import Iterable
from contextlib import suppress
from itertools import islice
from typing import ClassVar
from urllib.parse import quote_plus, urlsplit

from agentalign_lc.environment.devices.files import FileSystem
from agentalign_lc.environment.devices.labels import masked, named_field, named_label
from agentalign_lc.environment.devices.sites import Form, page_forms, site_links
from agentalign_lc.environment.devices.web import Web
from agentalign_lc.environment.faults import ToolFault
from agentalign_lc.environment.spec import CollectionSpec
from agentalign_lc.environment.world import Row, World

__all__ = ["Browser"]

_URL = re.compile(r"https?://[^\s<>\"')\]]+")
_THANKS = {
    "contact": "Thank you. Your message has been sent.",
    "login": "You are signed in as {username}.",
    "newsletter": "Thank you. {email} is on the list.",
    "own": "Thank you. We have received your entries.",
    "signup": "Welcome. Your account has been created.",
}


class Browser:
    """One window on the pages of the world's web.

    Links lead to pages that exist; what is typed is there when the page is
    read again; a form that is submitted becomes a record of the web, which a
    plain HTTP request finds as well.

    Example:
        >>> from agentalign_lc.environment.devices import COLLECTIONS, attach
        >>> from agentalign_lc.records import Person
        >>> me = Person(first="Ana", last="Ruiz", email="ana@example.com",
        ...             phone="+1-555-0101", handle="anaruiz", city="Vasterby")
        >>> browser = attach(World("seed", me, COLLECTIONS)).devices["browser"]
        >>> browser.visit("https://openreference.example/")["title"]
        'Openreference'
        >>> browser.click("Contact")["url"]
        'https://openreference.example/contact'
    """

    operations = frozenset(
        {"back", "click", "download", "read", "screenshot", "submit", "type", "visit"}
    )
    collections: ClassVar[dict[str, CollectionSpec]] = {"tabs": CollectionSpec(id="tab_####")}

    def __init__(self, world: World, files: FileSystem, web: Web) -> None:
        self.world = world
        self.files = files
        self.web = web

    def visit(self, url: str, new_tab: bool = False) -> Row:
        """Open an address.

        Raises:
            ToolFault: ``not_found``.
        """
        page = self._load(url)
        tab = self._tab()
        if tab is None or new_tab:
            tab = self.world.place("tabs", {"url": None})
        self._go(tab, str(page["url"]))
        return self._view(tab, page)

    def back(self, steps: int = 1) -> Row:
        """Go back to an earlier page of this tab.

        Raises:
            ToolFault: ``no_page`` without an open page, ``no_history`` on the first one.
        """
        tab = self._open_tab()
        history = list(tab.get("history") or [])
        if len(history) < steps:
            raise ToolFault("no_history", "There is no earlier page to go back to.")
        tab["url"] = history[-steps]
        tab["history"] = history[:-steps]
        return self._view(tab, self._load(str(tab["url"])))

    def read(self) -> Row:
        """Return the current page: url, title, text, links, forms with their values.

        Raises:
            ToolFault: ``no_page``.
        """
        tab = self._open_tab()
        return self._view(tab, self._load(str(tab["url"])))

    def click(self, target: str) -> Row:
        """Click a link, a button or a field, named by its text.

        Raises:
            ToolFault: ``no_page``, or ``not_found`` if nothing on the page is called so.
        """
        tab = self._open_tab()
        page = self._load(str(tab["url"]))
        links = {link["text"]: link["url"] for link in self._links(page)}
        forms = page_forms(self.world, page)
        buttons = {form.button: form for form in reversed(forms)}
        if target.strip() in links.values():
            return {"clicked": target.strip(), "kind": "link", **self._follow(tab, target.strip())}
        label = named_label(target, [*links, *buttons, "Back"])
        if label is None:
            found = named_field(forms, target)
            if found is None:
                raise ToolFault("not_found", f"Nothing on the page is called {target!r}.", "target")
            shown = {"url": page["url"], "title": page["title"], "record": None}
            return {"clicked": found[1].label, "kind": "field", **shown}
        if label in links:
            return {"clicked": label, "kind": "link", **self._follow(tab, links[label])}
        if label in buttons:
            done = self.submit(buttons[label].name)
            shown = {key: done[key] for key in ("url", "title", "record")}
            return {"clicked": label, "kind": "button", **shown}
        view = self.back()
        shown = {"url": view["url"], "title": view["title"], "record": None}
        return {"clicked": label, "kind": "button", **shown}

    def type(self, field: str, text: str) -> Row:
        """Type into a field of the page, named by what stands beside it.

        Raises:
            ToolFault: ``no_page``, or ``not_found`` if the page has no such field.
        """
        tab = self._open_tab()
        page = self._load(str(tab["url"]))
        found = named_field(page_forms(self.world, page), field)
        if found is None:
            raise ToolFault("not_found", f"The page has no field {field!r}.", "field")
        form, into = found
        url, key = str(page["url"]), f"{form.name}.{into.name}"
        typed = dict(tab.get("typed") or {})
        here = {name: value for name, value in typed.get(url, {}).items() if name != key}
        typed[url] = {**here, key: text}
        self.world.update("tabs", tab, {"typed": typed})
        value = masked(into.name, text)
        return {"url": url, "form": form.name, "field": into.label, "value": value}

    def submit(self, form: str | None = None) -> Row:
        """Submit a form, by default the one that was typed into last.

        Raises:
            ToolFault: ``no_page``, ``not_found`` for the form, ``invalid_request``
                if there is nothing in it to send.
        """
        tab = self._open_tab()
        page = self._load(str(tab["url"]))
        url = str(page["url"])
        typed: dict[str, str] = (tab.get("typed") or {}).get(url, {})
        chosen = self._chosen(page_forms(self.world, page), form, typed)
        values = {
            field.name: typed[f"{chosen.name}.{field.name}"]
            for field in chosen.fields
            if typed.get(f"{chosen.name}.{field.name}")
        }
        if not values:
            message = f"Nothing has been typed into the {chosen.name} form."
            raise ToolFault("invalid_request", message, "form")
        if chosen.kind == "login" and len(values) < len(chosen.fields):
            missing = next(f.label for f in chosen.fields if f.name not in values)
            raise ToolFault("invalid_request", f"{missing} is required.", "form")
        left = {k: v for k, v in typed.items() if not k.startswith(f"{chosen.name}.")}
        self.world.update("tabs", tab, {"typed": {**(tab.get("typed") or {}), url: left}})
        if chosen.kind == "search":
            record, target = None, self._found(str(page["site"]), values["q"])
        else:
            record = target = self._record(page, chosen, values)
        if chosen.kind == "login":
            signed = {**(tab.get("signed_in") or {}), str(page["site"]): values["username"]}
            self.world.update("tabs", tab, {"signed_in": signed})
        self._go(tab, target)
        answer = self._load(target)
        shown = {key: answer[key] for key in ("url", "title", "text")}
        return {"status": "submitted", "form": chosen.name, "record": record, **shown}

    def download(self, url: str, path: str | None = None) -> Row:
        """Save what is at an address as a file; a folder receives it under its own name.

        Raises:
            ToolFault: ``not_found`` for the address, and what the file system complains of.
        """
        page = self._load(url)
        said = path or "~/Downloads"
        full = self.files.resolve(said)
        row = self.world.get("files", full)
        if said.endswith("/") or (row is not None and row["kind"] == "folder"):
            name = posixpath.basename(urlsplit(str(page["url"])).path) or f"{page['site']}.html"
            full = posixpath.join(full, name)
        saved = self.files.write(full, str(page["text"]))
        return {"url": page["url"], "path": saved["path"], "size": saved["size"]}

    def screenshot(self, path: str, full_page: bool = False, kind: str = "png") -> Row:
        """Save a picture of the current page; in this world it is a file that says what it shows.

        Raises:
            ToolFault: ``no_page``, and what the file system complains of.
        """
        tab = self._open_tab()
        page = self._load(str(tab["url"]))
        width, height = 1280, 2400 if full_page else 720
        shown = str(page["text"]) if full_page else str(page["text"])[:400]
        head = f"[{kind} picture, {width}x{height}] {page['title']} <{page['url']}>"
        saved = self.files.write(path, f"{head}\n{shown}\n")
        size = {"width": width, "height": height}
        return {"path": saved["path"], "url": page["url"], "title": page["title"], **size}

    def _tab(self) -> Row | None:
        return next(islice(reversed(list(self.world.rows("tabs"))), 1), None)

    def _open_tab(self) -> Row:
        tab = self._tab()
        if tab is None or not tab.get("url"):
            raise ToolFault("no_page", "No page is open in the browser; open one first.")
        return tab

    def _go(self, tab: Row, url: str) -> None:
        # Where one looks is no change of the world; what one types and sends is.
        if tab.get("url") and tab["url"] != url:
            tab["history"] = [*(tab.get("history") or []), tab["url"]]
        tab["url"] = url

    def _follow(self, tab: Row, url: str) -> Row:
        page = self._load(url)
        self._go(tab, str(page["url"]))
        return {"url": page["url"], "title": page["title"], "record": None}

    def _load(self, url: str) -> Row:
        """A page, or the answer to a form that was sent."""
        record = self.world.find("web_records", {"url": url.rstrip("/")})
        sent = record["body"] if record is not None else None
        if record is None or not isinstance(sent, dict) or "thanks" not in sent:
            opened = self.web.open(url)
            return {**(self.world.get("pages", str(opened["url"])) or {}), **opened}
        lines = [f"{name}: {value}" for name, value in dict(sent["fields"]).items()]
        text = "\n".join([str(sent["thanks"]), f"Reference: {record['id']}", *lines])
        site = urlsplit(url).hostname or ""
        day = str(record["created"])[:10]
        title = str(sent["thanks"]).partition(". ")[0].rstrip(".")
        return {"url": record["url"], "site": site, "title": title, "published": day, "text": text}

    def _view(self, tab: Row, page: Row) -> Row:
        typed = (tab.get("typed") or {}).get(str(page["url"]), {})
        forms = [
            {
                "name": form.name,
                "fields": [
                    {
                        "label": f.label,
                        "value": masked(f.name, typed.get(f"{form.name}.{f.name}", "")),
                    }
                    for f in form.fields
                ],
                "button": form.button,
            }
            for form in page_forms(self.world, page)
        ]
        return {
            "url": page["url"],
            "title": page["title"],
            "text": page["text"],
            "links": self._links(page),
            "forms": forms,
            "signed_in": (tab.get("signed_in") or {}).get(str(page["site"])),
        }

    def _links(self, page: Row) -> list[dict[str, str]]:
        site, url = str(page["site"]), str(page["url"])
        links = {text: to for text, to in site_links(self.world, site).items() if to != url}
        if page.get("links"):  # a page of results
            links = {**dict(page["links"]), **links}
        elif page.get("about") not in (None, "site"):
            others = (r for r in self.world.rows("pages") if r.get("about") == page["about"])
            fresh = (row for row in others if row["url"] != url)
            links |= {str(row["title"]): str(row["url"]) for row in islice(fresh, 3)}
        else:  # pages that a scenario brought along know each other
            for row in self.world.rows("pages"):
                to = str(row["url"])
                if "about" not in row and to != url and site in to and row.get("title"):
                    links.setdefault(str(row["title"]), to)
        for said in islice(_URL.findall(str(page["text"])), 3):
            with suppress(ToolFault):
                to = str(self.web.open(said.rstrip(".,;:!?"))["url"])
                if to != url and to not in links.values():
                    links[said.rstrip(".,;:!?")] = to
        return [{"text": text, "url": to} for text, to in links.items()]

    def _chosen(self, forms: Iterable[Form], said: str | None, typed: dict[str, str]) -> Form:
        by_name = {form.name: form for form in forms}
        if not by_name:
            raise ToolFault("not_found", "The page has no form.", "form")
        if said:
            buttons = {form.button: name for name, form in by_name.items()}
            name = named_label(re.sub(r"(?i)\bform\b", " ", said), [*by_name, *buttons])
            if name is None and "form" not in said.casefold():
                raise ToolFault("not_found", f"The page has no form {said!r}.", "form")
            if name is not None:
                return by_name[buttons.get(name, name)]
        last = next(reversed(typed), "").rpartition(".")[0]
        return by_name.get(last) or next(iter(by_name.values()))

    def _record(self, page: Row, form: Form, values: dict[str, str]) -> str:
        sent = {f.label: masked(f.name, values[f.name]) for f in form.fields if f.name in values}
        thanks = _THANKS[form.kind].format_map({"username": "", "email": "", **values})
        body = {"form": form.name, "page": page["url"], "thanks": thanks, "fields": sent}
        slug = "-".join(re.findall(r"\w+", form.name.casefold())) or "form"
        made = self.web.request("POST", f"https://{page['site']}/{slug}", body)
        return str(dict(made["body"])["url"])

    def _found(self, site: str, words: str) -> str:
        """Make the page of results of a site's search box; it may be opened again."""
        words = words[:200]
        url = f"https://{site}/search?q={quote_plus(words, errors='replace')}"
        results = []
        with suppress(ToolFault):  # words that say nothing find nothing
            results = list(self.web.search(words)["results"])
        lines = [f"{result['title']}: {result['snippet']}" for result in results]
        self.world.place(
            "pages",
            {
                "url": url,
                "site": site,
                "kind": "page",
                "title": f"Results for {words}",
                "text": "\n".join(lines) or "No page was found.",
                "about": "search",
                "links": {result["title"]: result["url"] for result in results},
            },
        )
        return url

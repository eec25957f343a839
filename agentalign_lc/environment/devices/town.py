"""A town: merchants for every cuisine and service, who take orders and appointments."""

import datetime as dt
import re
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import ClassVar

from agentalign_lc.documents import load_document
from agentalign_lc.environment.devices.money import cents, money, number
from agentalign_lc.environment.devices.orders import Orders
from agentalign_lc.environment.devices.wanted import Wanted, stem, stems
from agentalign_lc.environment.faults import ToolFault
from agentalign_lc.environment.spec import CollectionSpec
from agentalign_lc.environment.world import Row, World
from agentalign_lc.records import Record
from agentalign_lc.seeds import stream

__all__ = ["Town"]

_FOUND = 5
_ID = re.compile(r"[A-Za-z]{1,9}[-_#]?[0-9]{3,}|[0-9]{4,}")
_DISH = re.compile(r"^\s*(?:(?:an?|one|the|some|large|small)\s+)+", re.IGNORECASE)


class _Kind(Record):
    """One kind of merchant."""

    words: frozenset[str]
    names: tuple[str, ...]
    menu: dict[str, float]
    service: bool = False


class _Trades(Record):
    """The phrases of `town.yaml`."""

    people: tuple[str, ...]
    streets: tuple[str, ...]
    kinds: dict[str, _Kind]


@lru_cache(maxsize=1)
def _trades() -> _Trades:
    return load_document(Path(__file__).with_name("town.yaml"), _Trades)


class Town:
    """Merchants nearby: what they offer, orders from them, appointments with them.

    As in the market, whom a search finds depends on the seed and the question
    alone; a merchant may be named by id or by name.

    Example:
        >>> from agentalign_lc.environment.devices import COLLECTIONS, attach
        >>> from agentalign_lc.records import Person
        >>> me = Person(first="Ana", last="Ruiz", email="ana@example.com",
        ...             phone="+1-555-0101", handle="anaruiz", city="Vasterby")
        >>> town = attach(World("seed", me, COLLECTIONS)).devices["town"]
        >>> place = town.search("pizza")["results"][0]
        >>> order = town.order(place["name"], place["menu"][0]["item"], 2)
        >>> order["total"] == round(2 * place["menu"][0]["price"] + place["delivery_fee"], 2)
        True
    """

    operations = frozenset({"book", "order", "search"})
    collections: ClassVar[dict[str, CollectionSpec]] = {"merchants": CollectionSpec(id="M-00000")}

    def __init__(self, world: World, orders: Orders) -> None:
        self.world = world
        self.orders = orders
        self.city = str(world.me.get("city") or "Vasterby")
        for row in world.rows("merchants"):
            known = {field: value for field, value in row.items() if value is not None}
            said = f"{known.get('category') or ''} {known.get('cuisine') or ''}".strip()
            name = str(known.get("name") or row["id"])
            row.update(self._filled(name, _kind(f"{said} {name}"), known))

    def search(
        self,
        query: str,
        limit: int = 5,
        location: str | None = None,
        rating: float | None = None,
        sort: str | None = None,
    ) -> Row:
        """Find merchants by what they cook or do, or by name.

        Args:
            query: A cuisine, a dish, a service, a name, or an id.
            limit: How many results at most.
            location: A town or an address to look near; by default the user's town.
            rating: None below this many stars.
            sort: ``rating``, ``delivery_minutes`` or ``delivery_fee``; else the best match.
        """
        exact = self.world.get("merchants", query.strip())
        if exact is not None:
            return {"results": [self._result(exact)], "total": 1}
        wanted = Wanted(query)
        location = location or wanted.place
        brought = [row for row in self.world.rows("merchants") if _fits(row, wanted)]
        found = [
            row
            for row in (*brought, *self._nearby(wanted, location))
            if row["rating"] >= (rating or 0)
        ]
        if sort == "rating":
            found.sort(key=lambda row: -row["rating"])
        elif sort:
            found.sort(key=lambda row: cents(row[sort] or 0))
        return {"results": [self._result(row) for row in found[:limit]], "total": len(found)}

    def order(
        self,
        merchant: str,
        item: str,
        quantity: int = 1,
        payment: str | None = None,
        details: Row | None = None,
        *,
        pay: bool = False,
    ) -> Row:
        """Order something from a merchant, delivered.

        Args:
            merchant: Its id or its name.
            item: A thing on its menu, or whatever else it may have.
            quantity: How many.
            payment: A payment that was made for it already.
            details: More fields of the order: ``address``, ``note``, ``shop``.
            pay: Pay from the user's balance at once.

        Raises:
            ToolFault: ``not_found`` (an id that no merchant has), and what `Orders.place` raises.
        """
        row = self._merchant(merchant, item)
        name, price = self._priced(row, item)
        minutes = row["delivery_minutes"] or 60
        expected = (self.world.today + dt.timedelta(minutes=int(minutes))).isoformat()
        return self.orders.place(
            {
                **(details or {}),
                "kind": "delivery",
                "seller": row["name"],
                "merchant_id": row["id"],
                "item": name,
                "quantity": quantity,
                "price": price,
                "delivery_fee": row["delivery_fee"],
                "total": money(cents(price) * quantity + cents(row["delivery_fee"])),
                "expected": expected.replace("+00:00", "Z"),
            },
            payment,
            pay=pay,
        )

    def book(
        self,
        merchant: str,
        date: str,
        time: str | None = None,
        service: str | None = None,
        details: Row | None = None,
    ) -> Row:
        """Make an appointment, or reserve a table.

        Args:
            merchant: Its id or its name.
            date: The day, as 2026-03-14.
            time: As 15:30; by default the first that is free.
            service: What it is for.
            details: More fields of the booking: ``note``.

        Raises:
            ToolFault: ``not_found``, ``invalid_argument`` (a day that is over or too far away, or
                an hour at which it is closed), ``conflict`` (there is an appointment already).
        """
        row, day = self._merchant(merchant, service or ""), dt.date.fromisoformat(date)
        today = self.world.today.date()
        if not today <= day <= today + dt.timedelta(days=366):
            raise ToolFault(
                "invalid_argument", f"{date} is not within the next twelve months.", "date"
            )
        if time is not None and not row["opens"] <= time < row["closes"]:
            hours = f"{row['opens']} to {row['closes']}"
            raise ToolFault("invalid_argument", f"{row['name']} is open from {hours}.", "time")
        mine = [
            order["time"]
            for order in self.world.rows("orders")
            if _booked(order, row) and order["date"] == date
        ]
        free = [slot for slot in self._slots(row, date) if slot not in mine]
        if time in mine or not free:
            raise ToolFault(
                "conflict", f"There is an appointment at {time or mine[0]} already.", "time"
            )
        named = next((item for item in row["menu"] if service and _same(item, service)), None)
        booking = {
            **(details or {}),
            "kind": "appointment",
            "seller": row["name"],
            "merchant_id": row["id"],
            "item": named or service or "appointment",
            "date": date,
            "time": time or free[0],
            "address": row["address"],
        }
        return self.orders.place(booking)

    def _merchant(self, text: str, about: str) -> Row:
        """The merchant that is meant: by id, by name, by kind; any other name is one in town."""
        plain = " ".join(text.split())
        row = self.world.get("merchants", plain)
        if row is not None:
            return row
        if _ID.fullmatch(plain):
            raise ToolFault("not_found", f"There is no merchant {text}.", "merchant")
        wanted, said = Wanted(plain), stems(plain)
        rows = list(self.world.rows("merchants"))
        exact = [row for row in rows if str(row["name"]).casefold() == plain.casefold()]
        alike = exact or [row for row in rows if said and said <= stems(row["name"])]
        if alike:
            return alike[0]
        words = wanted.stems
        if words <= _kind(plain).words and not any(c.isupper() for c in plain[1:]):
            return self._nearby(wanted, None)[0]
        random = stream(self.world.seed, "merchant", plain.casefold())
        kind = _kind(plain) if words & _kind(plain).words else _kind(f"{about} {plain}")
        known = {"id": self._free_id(random), "about": "a name"}
        return self.world.place("merchants", self._filled(plain, kind, known, random))

    def _nearby(self, wanted: Wanted, location: str | None) -> list[Row]:
        where = f"{location or self.city}".casefold()
        key = f"{where}: {' '.join(sorted(wanted.stems)) or wanted.name.casefold()}"
        made = [row for row in self.world.rows("merchants") if row.get("about") == key]
        if made:
            return made
        trades, random = _trades(), stream(self.world.seed, "town", key)
        kind, people = _kind(wanted.name), random.sample(trades.people, _FOUND)
        first = random.randrange(60)
        rows: list[Row] = []
        for place in range(_FOUND):
            name = kind.names[(first + place) % len(kind.names)].format(
                person=people[place],
                place=_town(location or self.city),
                street=trades.streets[(first + place) % len(trades.streets)],
                Thing=wanted.name or "Services",
            )
            if any(row["name"] == name for row in rows):
                name = f"{name} {people[place]}"
            known = {"id": self._free_id(random), "about": key, "near": location}
            rows.append(self.world.place("merchants", self._filled(name, kind, known, random)))
        return rows

    def _free_id(self, random: Random) -> str:
        return self.world.free_key("merchants", lambda: f"M-{random.randrange(10_000, 100_000)}")

    def _filled(self, name: str, kind: _Kind, known: Row, random: Random | None = None) -> Row:
        """A merchant with all its fields; those of a scenario may have a name alone."""
        random = random or stream(self.world.seed, "merchant", name)
        streets, factor = _trades().streets, 0.85 + 0.4 * random.random()
        drawn: Row = {
            "category": next(key for key, each in _trades().kinds.items() if each is kind),
            "rating": round(3.7 + 1.2 * random.random(), 1),
            "reviews": int(20 + 900 * random.random() ** 2),
            "address": f"{int(2 + 88 * random.random())} {streets[int(len(streets) * random.random())]}, "
            f"{_town(str(known.get('near') or self.city))}",
            "phone": f"+1-555-01{int(100 * random.random()):02d}",
            "opens": "08:30" if kind.service else "10:00",
            "closes": "18:00" if kind.service else "22:30",
            "delivery_fee": "0.00" if kind.service else money(int(12 * random.random()) * 50),
            "delivery_minutes": None if kind.service else int(4 + 8 * random.random()) * 5,
            "menu": {
                item: money(int(price * factor * 2) * 50 or 50) for item, price in kind.menu.items()
            },
        }
        row = {**drawn, **known, "name": name}
        row["rating"], row["delivery_fee"] = (
            number(row["rating"]),
            money(cents(row["delivery_fee"])),
        )
        if row["delivery_minutes"] is not None:  # a scenario's rows are text
            row["delivery_minutes"] = cents(row["delivery_minutes"]) // 100
        if not isinstance(row["menu"], dict):
            row["menu"] = _menu(str(row["menu"])) or drawn["menu"]
        return row

    def _priced(self, row: Row, item: str) -> tuple[str, str]:
        """What an item is called on the menu and costs; what is not on it costs about as much."""
        menu: dict[str, str] = row["menu"]
        listed = next((name for name in menu if name.casefold() == item.strip().casefold()), None)
        listed = listed or next((name for name in menu if _same(name, item)), None)
        if listed is not None:
            return listed, menu[listed]
        random = stream(self.world.seed, "dish", row["id"], " ".join(sorted(stems(item))))
        prices = sorted(cents(price) for price in menu.values())
        price = random.choice(prices[: max(1, len(prices) - 1)]) + random.randrange(0, 5) * 50
        return item.strip(), money(price)

    def _slots(self, row: Row, date: str) -> list[str]:
        """The hours at which a merchant is free on a day, the one it offers first in front."""
        random = stream(self.world.seed, "slots", row["id"], date)
        first, last = int(row["opens"][:2]) + 1, int(row["closes"][:2]) - 1
        hours = [
            f"{hour:02d}:{minute}" for hour in range(first, last + 1) for minute in ("00", "30")
        ]
        start = random.randrange(len(hours)) if hours else 0
        return hours[start:] + hours[:start]

    def _result(self, row: Row) -> Row:
        booked = [order for order in self.world.rows("orders") if _booked(order, row)]
        fields = {field: row[field] for field in _SHOWN}
        return {
            **fields,
            "delivery_fee": number(row["delivery_fee"]),
            "menu": [{"item": item, "price": number(price)} for item, price in row["menu"].items()],
            "your_bookings": [f"{order['date']} {order['time']}" for order in booked],
        }


_SHOWN = (
    "id", "name", "category", "rating", "reviews", "address", "phone", "opens", "closes", "delivery_minutes",
)  # fmt: skip


@lru_cache(maxsize=1)
def _kinds() -> dict[str, _Kind]:
    """Kinds by word; where two know a word, the first has it."""
    pairs = [(stem(word), kind) for kind in _trades().kinds.values() for word in kind.words]
    return dict(reversed(pairs))


def _kind(text: str) -> _Kind:
    """The kind of the last word that says one; that it is a restaurant says least."""
    plain = _trades().kinds["restaurant"]
    said = [_kinds().get(stem(word)) for word in reversed(re.findall(r"\w+", text.casefold()))]
    kinds = [kind for kind in said if kind is not None]
    fallback = plain if plain in kinds else _trades().kinds["other"]
    return next((kind for kind in kinds if kind is not plain), fallback)


def _booked(order: Row, merchant: Row) -> bool:
    return bool(order.get("merchant_id") == merchant["id"] and order["status"] == "confirmed")


def _fits(row: Row, wanted: Wanted) -> bool:
    """Whether a merchant that has a name of its own is one that is looked for."""
    if row.get("about") not in (None, "a name"):
        return False
    said = stems(
        f"{row['name']} {row['category']} {row.get('cuisine') or ''} {' '.join(row['menu'])}"
    )
    return bool(wanted.stems) and len(wanted.stems & said) > len(wanted.stems) / 2


def _same(listed: str, asked: str) -> bool:
    """Whether a menu's item is what somebody asks for in passing: "a pepperoni"."""
    said = stems(_DISH.sub("", asked))
    return bool(said) and said <= stems(listed)


def _menu(text: str) -> dict[str, str]:
    """Read a menu that a scenario wrote as text: "Soup 6.50, Stew 12"."""
    found = re.findall(r"([^,;\d$]+?)[\s:=$-]*(\d+(?:\.\d+)?)", text)
    return {name.strip(): money(cents(price)) for name, price in found if name.strip()}


def _town(location: str) -> str:
    """The town of an address: what stands last in it."""
    return location.rsplit(",", 1)[-1].strip()[:60] or "town"

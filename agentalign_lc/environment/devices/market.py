"""A market: for whatever is looked for there are some offers, and they stay what they were."""

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

__all__ = ["Market"]

_OFFERS = 6
_ID = re.compile(r"B0[0-9A-Z]{8}|[0-9]{8,}|[A-Za-z]{1,6}[-_#]?[0-9]{5,}|[A-Za-z]{1,6}[-_][0-9]{3,}")
_TAIL = re.compile(r"\b(?:for|with|of|by|without|in)\b|,")
_ORDERS = {
    "price_asc": lambda row: cents(row["price"]),
    "price_desc": lambda row: -cents(row["price"]),
    "rating": lambda row: -row["rating"],
    "reviews": lambda row: -row["reviews"],
}


class _Kind(Record):
    """One kind of goods."""

    words: frozenset[str]
    price: tuple[int, int]
    traits: tuple[str, ...]
    variants: tuple[str, ...]


class _Goods(Record):
    """The phrases of `market.yaml`."""

    brands: tuple[str, ...]
    titles: tuple[str, ...]
    named: tuple[str, ...]
    sellers: dict[str, tuple[str, ...]]
    kinds: dict[str, _Kind]


@lru_cache(maxsize=1)
def _goods() -> _Goods:
    return load_document(Path(__file__).with_name("market.yaml"), _Goods)


class Market:
    """Products of online shops.

    A search finds what a scenario brought along, then offers that depend on
    the seed, the shop and the thing alone. They are rows of the world from
    then on: their ids can be ordered anywhere, and their stock goes down.

    Example:
        >>> from agentalign_lc.environment.devices import COLLECTIONS, attach
        >>> from agentalign_lc.records import Person
        >>> me = Person(first="Ana", last="Ruiz", email="ana@example.com",
        ...             phone="+1-555-0101", handle="anaruiz", city="Vasterby")
        >>> market = attach(World("seed", me, COLLECTIONS)).devices["market"]
        >>> lamp = market.search("desk lamps")["results"][0]
        >>> order = market.order(lamp["id"], quantity=2)
        >>> order["total"] == round(2 * lamp["price"], 2)
        True
    """

    operations = frozenset({"order", "search"})
    collections: ClassVar[dict[str, CollectionSpec]] = {"products": CollectionSpec(id="P-000000")}

    def __init__(self, world: World, orders: Orders) -> None:
        self.world = world
        self.orders = orders
        for row in world.rows("products"):
            known = {field: value for field, value in row.items() if value is not None}
            title = str(known.get("title") or known.get("name") or row["id"])
            row.update(self._filled(title, known))

    def search(
        self,
        query: str,
        shop: str = "amazon",
        limit: int = 5,
        low: float | None = None,
        high: float | None = None,
        sort: str | None = None,
    ) -> Row:
        """Find products: id, title, price, currency, rating, reviews, seller and more.

        Args:
            query: What is wanted; a price that it names is a limit ("under 40 dollars").
            shop: Whose offers.
            limit: How many results at most.
            low: No product below this price.
            high: No product above this price.
            sort: ``price_asc``, ``price_desc``, ``rating`` or ``reviews``; else the best match.
        """
        exact = self.world.get("products", query.strip())
        if exact is not None:
            return {"results": [_result(exact)], "total": 1}
        wanted = Wanted(query)
        low = wanted.low if low is None else low
        high = wanted.high if high is None else high
        found = [
            row
            for row in (*self._brought(wanted), *self._offers(wanted, shop))
            if (low or 0) <= number(row["price"]) <= (high or 1e12)
        ]
        if not found and 1 <= (high or 1e12) < 1e12 and (low or 0) <= (high or 0):
            found = self._offers(wanted, shop, (low, high))
        if sort in _ORDERS:
            found.sort(key=_ORDERS[sort])
        return {"results": [_result(row) for row in found[:limit]], "total": len(found)}

    def order(
        self,
        product: str,
        quantity: int = 1,
        shop: str = "amazon",
        payment: str | None = None,
        details: Row | None = None,
        *,
        pay: bool = False,
    ) -> Row:
        """Order a product by its id or its name.

        Args:
            product: An id that a search gave, or the name of a thing.
            quantity: How many.
            shop: Where.
            payment: A payment that was made for it already.
            details: More fields of the order: ``address``, ``note``.
            pay: Pay from the user's balance at once.

        Raises:
            ToolFault: ``not_found`` (an id that no product has), ``out_of_stock``, and what
                `Orders.place` raises.
        """
        row = self._product(product, shop)
        if cents(row["stock"]) < quantity * 100:
            raise ToolFault("out_of_stock", f"{row['stock']} are left.", "quantity")
        order = self.orders.place(
            {
                **(details or {}),
                "kind": "goods",
                "shop": shop,
                "seller": row["seller"],
                "item": row["title"],
                "product_id": row["id"],
                "quantity": quantity,
                "price": row["price"],
                "total": money(cents(row["price"]) * quantity),
                "expected": self.orders.days_from_now(int(row["delivery_days"])),
            },
            payment,
            pay=pay,
        )
        self.world.update("products", row, {"stock": cents(row["stock"]) // 100 - quantity})
        return order

    def _product(self, text: str, shop: str) -> Row:
        """The product that is meant: by id, by title, by words of a title, or any of its kind."""
        plain = text.strip()
        row = self.world.get("products", plain)
        if row is not None:
            return row
        wanted, rows = Wanted(plain), list(self.world.rows("products"))
        titled = [row for row in rows if str(row["title"]).casefold() == plain.casefold()]
        if titled:
            return titled[0]
        if _ID.fullmatch(plain):
            raise ToolFault("not_found", f"There is no product {text}.", "product")
        alike = [row for row in rows if wanted.stems and wanted.stems <= stems(row["title"])]
        alike.sort(key=lambda row: row.get("shop") != shop)
        return (alike or self._offers(wanted, shop))[0]

    def _brought(self, wanted: Wanted) -> list[Row]:
        """Products of the scenario that have most of the words."""
        scored = []
        for row in self.world.rows("products"):
            if "about" not in row:
                said = stems(f"{row['title']} {row.get('description') or ''}")
                scored.append((len(wanted.stems & said) / max(1, len(wanted.stems)), row))
        scored.sort(key=lambda pair: -pair[0])
        return [row for score, row in scored if score > 0.5]

    def _offers(
        self, wanted: Wanted, shop: str, span: tuple[float | None, float | None] | None = None
    ) -> list[Row]:
        key = f"{shop}: {' '.join(sorted(wanted.stems)) or wanted.name.casefold()}{span or ''}"
        made = [row for row in self.world.rows("products") if row.get("about") == key]
        if made:
            return made
        goods, random = _goods(), stream(self.world.seed, "market", key)
        kind = _kind(wanted.name)
        bottom, top = kind.price[0] * 100, kind.price[1] * 100
        if span is not None:  # a limit that this kind's usual prices miss
            top = cents(span[1] or 0)
            bottom = max(cents(span[0] or 0), top * 11 // 20)
        else:  # one thing costs about the same wherever it is sold
            usual = stream(self.world.seed, "price", wanted.name.casefold()).uniform(0.15, 0.75)
            middle = bottom + int((top - bottom) * usual)
            bottom, top = middle * 3 // 5, middle * 8 // 5
        templates = goods.named if wanted.named else goods.titles
        first, sellers = random.randrange(60), goods.sellers.get(shop) or goods.sellers["amazon"]
        brands = random.sample(goods.brands, _OFFERS)
        # What the thing is called already, its title does not say again.
        traits = [trait for trait in kind.traits if not wanted.stems & stems(trait)]
        rows = []
        for place in range(_OFFERS if span is None else 3):
            trait = traits[(first + place) % len(traits)]
            title = templates[(first + place) % len(templates)].format(
                brand=brands[place],
                trait=trait,
                trait_lower=trait.lower(),
                Thing=wanted.name or "Assorted Goods",
                variant=kind.variants[(first // 6 + place) % len(kind.variants)],
            )
            price = _price(random, bottom, top, within=span is not None)
            ident = self.world.free_key("products", lambda: _identifier(random, shop))
            drawn = {"id": ident, "price": money(price), "about": key}
            seller = sellers[(first + place) % len(sellers)]
            known = {**drawn, "seller": seller, "shop": shop}
            rows.append(self.world.place("products", self._filled(title, known, random)))
        return rows

    def _filled(self, title: str, known: Row, random: Random | None = None) -> Row:
        """A product with all its fields; those of a scenario may have a title alone."""
        random = random or stream(self.world.seed, "product", title)
        sellers = _goods().sellers["amazon"]
        drawn: Row = {
            "seller": sellers[int(random.random() * len(sellers))],
            "rating": round(3.6 + 1.3 * random.random(), 1),
            "reviews": int(12 + 4800 * random.random() ** 2),
            "stock": int(120 + 800 * random.random()),
            "delivery_days": int(1 + 8 * random.random()),
        }
        if "price" not in known:
            low, high = _kind(title).price
            drawn["price"] = money(_price(random, low * 100, high * 100))
        row = {**drawn, **known, "title": title}
        row["price"] = money(cents(row["price"]))
        for field in ("stock", "delivery_days", "reviews"):  # a scenario's rows are text
            row[field] = cents(row[field]) // 100
        row["rating"] = number(row["rating"])
        return row


@lru_cache(maxsize=1)
def _kinds() -> dict[str, _Kind]:
    """Kinds by word; where two know a word, the first has it."""
    pairs = [(stem(word), kind) for kind in _goods().kinds.values() for word in kind.words]
    return dict(reversed(pairs))


def _kind(name: str) -> _Kind:
    """The kind that the head of a name belongs to: a desk lamp is a lamp."""
    head = _TAIL.split(name.casefold())[0]
    for part in (head, name):
        for word in reversed(part.split()):
            kind = _kinds().get(stem(word.strip(",.")))
            if kind is not None:
                return kind
    return _goods().kinds["anything"]


def _price(random: Random, low: int, high: int, *, within: bool = False) -> int:
    """A price as shops write them, in cents."""
    price = low + int((high - low) * random.random())
    ending = (99, 49, 90, 0)[int(4 * random.random())]
    rounded = max(99, price // 100 * 100 + ending)
    return rounded if low <= rounded <= high or not within else max(price, 1)


def _identifier(random: Random, shop: str) -> str:
    if shop == "amazon":
        return f"B0{random.getrandbits(32):08X}"
    lead = {"ebay": "2", "temu": "601099", "taobao": "6"}.get(shop, "9")
    size = {"temu": 8}.get(shop, 11)
    return lead + str(random.randrange(10 ** (size - 1), 10**size))


def _result(row: Row) -> Row:
    return {
        "id": row["id"],
        "title": row["title"],
        "price": number(row["price"]),
        "currency": row.get("currency") or "USD",
        "rating": row["rating"],
        "reviews": row["reviews"],
        "seller": row["seller"],
        "in_stock": row["stock"] > 0,
        "delivery_days": row["delivery_days"],
    }

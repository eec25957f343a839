"""A ledger: accounts with balances, and payments that move money between two of them."""

import re
from decimal import Decimal
from typing import ClassVar

from agentalign_lc.environment.devices.accounts import Accounts
from agentalign_lc.environment.devices.money import cents, money, number
from agentalign_lc.environment.faults import ToolFault
from agentalign_lc.environment.spec import CollectionSpec
from agentalign_lc.environment.world import Row, World

__all__ = ["Ledger", "names"]

_SYNONYMS = {
    "paid": "completed",
    "succeeded": "completed",
    "success": "completed",
    "done": "completed",
    "open": "pending",
    "unpaid": "pending",
    "processing": "pending",
    "canceled": "cancelled",
}
_PATTERNS = {
    "alipay": "202600000000000000",
    "apple": "AP-########-####",
    "paypal": "PAYID-############",
    "stripe": "pi_################",
    "wechat": "4200000000000000",
}


class Ledger:
    """Accounts and payments; whatever leaves one account arrives in another.

    Balances and amounts are kept as decimal text with two places, counted in
    cents, and answered as numbers. The user's accounts are opened when they
    are first asked for, those of others when money first reaches them.

    Example:
        >>> from agentalign_lc.environment.devices import COLLECTIONS, attach
        >>> from agentalign_lc.records import Person
        >>> me = Person(first="Ana", last="Ruiz", email="ana@example.com",
        ...             phone="+1-555-0101", handle="anaruiz", city="Vasterby")
        >>> ledger = attach(World("seed", me, COLLECTIONS)).devices["ledger"]
        >>> paid = ledger.pay("Lena Osei", 40)
        >>> ledger.refund(paid["payment_id"], 15)["status"]
        'partially_refunded'
        >>> ledger.show(paid["payment_id"])["refunded"]
        15.0
    """

    operations = frozenset({"balances", "pay", "refund", "request", "show"})
    collections: ClassVar[dict[str, CollectionSpec]] = {
        "accounts": CollectionSpec(id="acct_########"),
        "payments": CollectionSpec.model_validate(
            {
                "id": "pay_############",
                "states": {
                    "edges": {
                        "created": ["completed", "failed", "cancelled"],
                        "pending": ["completed", "failed", "cancelled"],
                        "requested": ["completed", "declined", "cancelled"],
                        "completed": ["partially_refunded", "refunded"],
                        "partially_refunded": ["refunded"],
                    }
                },
            }
        ),
    }

    def __init__(self, world: World) -> None:
        self.world = world
        self.me = str(world.me["name"])
        self.accounts = Accounts(world)
        # Fixtures are text and name what matters to their scenario; the rest is filled in here.
        for row in world.rows("payments"):
            known = {field: value for field, value in row.items() if value is not None}
            row.update({"payer": self.me, "recipient": "", "currency": "USD", **known})
            for field in ("payer", "recipient"):
                row[field] = self.accounts.party(str(row[field]))
            for field in ("amount", "refunded"):
                row[field] = money(cents(row.get(field, 0)))
            status = str(row.get("status", "completed")).lower()
            row["status"] = _SYNONYMS.get(status, status)

    def balances(self, currency: str | None = None) -> Row:
        """Say what the user holds: account, name, currency, available."""
        return {"balances": self.accounts.balances(currency)}

    def pay(
        self,
        recipient: str,
        amount: float,
        currency: str = "USD",
        note: str | None = None,
        order: str | None = None,
        details: Row | None = None,
    ) -> Row:
        """Pay somebody from the user's balance.

        Args:
            recipient: A person, a shop, an address, or the id of an order, which pays its seller.
            amount: How much, in units of the currency.
            currency: One of the currencies that are held.
            note: What the recipient reads; if it names an order, that order is paid.
            order: The id of the order that it pays.
            details: ``provider``, whose way of writing ids is used, and ``reference``, the
                caller's own key: one reference is one payment, however often it is sent.

        Raises:
            ToolFault: ``insufficient_funds``, ``not_found`` (the order), ``conflict`` (a
                reference of another payment, or an order that is closed).
        """
        given = details or {}
        due = self._asked(amount)
        bought = self._order(order, recipient, note)
        to = self.accounts.party(recipient)
        if bought and (order is not None or names(recipient, bought["id"])):
            to = self.accounts.party(str(bought.get("seller") or recipient))
        same = self._repeated(given.get("reference"), to, due, currency)
        if same is not None:
            return _view(same)
        source, target = self.accounts.cover(due, currency), self.accounts.target(to, currency)
        if source is target:
            raise ToolFault("invalid_argument", "This would pay yourself.", "recipient")
        provider = given.get("provider")
        payment = self.world.insert(
            "payments",
            {
                "id": self._id(str(provider)) if provider else None,
                "status": "created",
                "amount": money(due),
                "currency": currency,
                "payer": self.me,
                "recipient": to,
                "note": note,
                "order": bought["id"] if bought else None,
                "reference": given.get("reference"),
                "refunded": "0.00",
                "created": self.world.now,
            },
        )
        self.accounts.move(source, target, due)
        return _view(self.world.update("payments", payment, {"status": "completed"}))

    def request(
        self,
        payer: str,
        amount: float,
        currency: str = "USD",
        note: str | None = None,
        details: Row | None = None,
    ) -> Row:
        """Ask somebody for money; nothing moves before they pay."""
        given = details or {}
        provider, due = given.get("provider"), money(self._asked(amount))
        asked = self.accounts.party(payer)
        if asked == self.me:
            raise ToolFault("invalid_argument", "This would ask yourself for money.", "payer")
        payment = self.world.insert(
            "payments",
            {
                "id": self._id(str(provider)) if provider else None,
                "status": "requested",
                "amount": due,
                "currency": currency,
                "payer": asked,
                "recipient": self.me,
                "note": note,
                "order": None,
                "reference": given.get("reference"),
                "due": given.get("due"),
                "refunded": "0.00",
                "created": self.world.now,
            },
        )
        return _view(payment)

    def show(self, payment: str) -> Row:
        """Say how a payment stands.

        Raises:
            ToolFault: ``not_found``.
        """
        return _view(self.payment(payment))

    def refund(self, payment: str, amount: float | None = None, reason: str | None = None) -> Row:
        """Return a payment, or a part of it, to whom it came from.

        Raises:
            ToolFault: ``not_found``, ``conflict`` (nothing is left, or it was never completed),
                ``invalid_argument`` (more than is left).
        """
        row = self.payment(payment)
        left = cents(row["amount"]) - cents(row["refunded"])
        back = left if amount is None else self._asked(amount)
        if row["status"] == "refunded" or (row["status"] in _RETURNABLE and left <= 0):
            raise ToolFault("conflict", f"{row['id']} is already refunded.", "payment")
        if back > left:
            raise ToolFault(
                "invalid_argument",
                f"At most {money(left)} {row['currency']} can be refunded.",
                "amount",
            )
        source = self.accounts.target(str(row["recipient"]), row["currency"])
        target = self.accounts.target(str(row["payer"]), row["currency"])
        if source["owner"] == self.me and cents(source["balance"]) < back:
            raise ToolFault("insufficient_funds", f"The balance is {source['balance']}.", "amount")
        self.world.update(
            "payments",
            row,
            {
                "status": "refunded" if back == left else "partially_refunded",
                "refunded": money(cents(row["refunded"]) + back),
                "refund_reason": reason,
            },
        )
        self.accounts.move(source, target, back)
        return {**_view(row), "refund_amount": back / 100}

    def payment(self, payment: str) -> Row:
        """The row of a payment, by its id or by the reference or order it was made for.

        Raises:
            ToolFault: ``not_found``.
        """
        wanted = payment.strip().casefold()
        row = self.world.get("payments", payment.strip()) or next(
            (
                row
                for field in ("id", "reference", "order")
                for row in self.world.rows("payments")
                if str(row.get(field) or "").casefold() == wanted
            ),
            None,
        )
        if row is None:
            raise ToolFault("not_found", f"There is no payment {payment}.", "payment")
        return row

    def paid_for(self, order: Row) -> list[Row]:
        """The payments that went through for an order, refunded or not."""
        return [
            row
            for row in self.world.rows("payments")
            if row["status"] in (*_RETURNABLE, "refunded")
            and row["currency"] == order["currency"]
            and (
                row.get("order") == order["id"]
                or row["id"] == order.get("payment")
                # What a scenario brought along says it in words.
                or (
                    "order" not in row
                    and any(names(row.get(field), order["id"]) for field in _MENTIONS)
                )
            )
        ]

    def record(self, order: Row) -> Row:
        """Put the payment of an order that was paid before the world began into the books."""
        return self.world.place(
            "payments",
            {
                "status": "completed",
                "amount": money(cents(order.get("total") or 0)),
                "currency": order["currency"],
                "payer": self.me,
                "recipient": self.accounts.party(str(order.get("seller") or "the shop")),
                "order": order["id"],
                "refunded": "0.00",
                "created": order.get("created"),
            },
        )

    def _asked(self, amount: float) -> int:
        if Decimal(str(amount)) * 100 % 1 or amount <= 0:
            raise ToolFault(
                "invalid_argument",
                f"{amount} is no amount of money: it is above zero and has two decimals at most.",
                "amount",
            )
        return cents(amount)

    def _order(self, order: str | None, recipient: str, note: str | None) -> Row | None:
        """The order that a payment is for: by its field, or named in recipient or note."""
        if order is None:
            # Money for a friend who bought something pays the friend and not the shop.
            said = (recipient,) if self.accounts.known(recipient) else (recipient, note)
            rows = self.world.rows("orders")
            named = (row for row in rows if any(names(text, row["id"]) for text in said))
            return next(named, None)
        row = self.world.get("orders", order.strip())
        if row is None:
            raise ToolFault("not_found", f"There is no order {order}.", "order")
        if row["status"] == "cancelled":
            raise ToolFault("conflict", f"Order {order} is cancelled.", "order")
        return row

    def _repeated(self, reference: object, to: str, due: int, currency: str) -> Row | None:
        """An earlier payment with the same key: the same again, or a mistake."""
        if reference is None:
            return None
        rows = self.world.rows("payments")
        same = next((row for row in rows if row.get("reference") == reference), None)
        terms = (to, money(due), currency)
        if same and (same["recipient"], same["amount"], same["currency"]) != terms:
            raise ToolFault(
                "conflict", f"{reference} was used for another payment, {same['id']}.", "reference"
            )
        return same

    def _id(self, provider: str) -> str | None:
        pattern = _PATTERNS.get(provider)
        return self.world.draw.pattern(pattern) if pattern else None


_MENTIONS = ("recipient", "note", "reference")
_RETURNABLE = ("completed", "partially_refunded")


def _view(row: Row) -> Row:
    return {
        "payment_id": row["id"],
        "status": row["status"],
        "amount": number(row["amount"]),
        "currency": row["currency"],
        "payer": row["payer"],
        "recipient": row["recipient"],
        "note": row.get("note"),
        "order": row.get("order"),
        "reference": row.get("reference"),
        "refunded": number(row["refunded"]),
        "created": row.get("created"),
    }


def names(text: object, order: object) -> bool:
    """Whether a text names an order, as a word of its own.

    Example:
        >>> names("for order A-12, thanks", "A-12"), names("for order A-123", "A-12")
        (True, False)
    """
    key = str(order).casefold()
    said = str(text or "").casefold()
    if key not in said:
        return False
    return re.search(rf"(?<![\w-]){re.escape(key)}(?![\w]|-\w)", said) is not None

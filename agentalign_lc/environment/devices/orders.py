"""Orders and bookings of every shop: placed, paid for, shown, cancelled."""

from datetime import timedelta
from typing import ClassVar

from agentalign_lc.environment.devices.ledger import Ledger
from agentalign_lc.environment.devices.money import cents, money, number
from agentalign_lc.environment.faults import ToolFault
from agentalign_lc.environment.spec import CollectionSpec
from agentalign_lc.environment.world import Row, World

__all__ = ["Orders"]

_SYNONYMS = {
    **dict.fromkeys(
        ("created", "new", "open", "ordered", "pending", "placed", "unpaid"), "awaiting_payment"
    ),
    **dict.fromkeys(("preparing", "processing"), "paid"),
    **dict.fromkeys(("dispatched", "in_transit", "sent"), "shipped"),
    "canceled": "cancelled",
}
_PATTERNS = {
    "amazon": "114-0000000-0000000",
    "ebay": "27-00000-00000",
    "taobao": "38000000000000",
    "temu": "PO-211-0000000000",
    "booking": "BK-000000",
}


class Orders:
    """What was ordered and booked, in whichever shop.

    Whether an order is paid is asked of the ledger each time, so that a
    payment counts however it was made: by the order's id as recipient, in the
    note, or in a field of its own.

    Example:
        >>> from agentalign_lc.environment.devices import COLLECTIONS, attach
        >>> from agentalign_lc.records import Person
        >>> me = Person(first="Ana", last="Ruiz", email="ana@example.com",
        ...             phone="+1-555-0101", handle="anaruiz", city="Vasterby")
        >>> devices = attach(World("seed", me, COLLECTIONS)).devices
        >>> order = devices["market"].order("desk lamp")
        >>> _ = devices["ledger"].pay(order["order_id"], order["total"])
        >>> devices["orders"].show(order["order_id"])["status"]
        'paid'
    """

    operations = frozenset({"cancel", "show"})
    collections: ClassVar[dict[str, CollectionSpec]] = {
        "orders": CollectionSpec.model_validate(
            {
                "id": "ORD-000000",
                "states": {
                    "edges": {
                        "awaiting_payment": ["paid", "cancelled"],
                        # Back again, when the payment is refunded from under it.
                        "paid": ["awaiting_payment", "shipped", "cancelled"],
                        "confirmed": ["completed", "cancelled"],
                        "shipped": ["delivered"],
                    }
                },
            }
        )
    }

    def __init__(self, world: World, ledger: Ledger) -> None:
        self.world = world
        self.ledger = ledger
        for row in world.rows("orders"):
            known = {field: value for field, value in row.items() if value is not None}
            row.update({"kind": "goods", "currency": "USD", "quantity": 1, **known})
            status = str(row.get("status", "awaiting_payment")).lower().replace(" ", "_")
            row["status"] = _SYNONYMS.get(status, status)
            quantity = cents(row["quantity"]) // 100
            row["quantity"] = max(1, quantity)
            for field in ("total", "price"):
                if row.get(field) is not None:
                    row[field] = money(cents(row[field]))
            if row.get("total") is None and row.get("price") is not None:
                row["total"] = money(cents(row["price"]) * row["quantity"])

    def place(self, row: Row, payment: str | None = None, *, pay: bool = False) -> Row:
        """Place an order, and pay for it if asked to.

        Args:
            row: Its fields, amounts as decimal text; ``shop`` decides how its id looks.
            payment: A payment, made before, that pays for it.
            pay: Pay it at once from the user's balance.

        Raises:
            ToolFault: ``not_found`` or ``conflict`` (the payment), ``insufficient_funds``.
        """
        paid = self._unused(payment) if payment is not None else None
        if pay and paid is None:
            # Before the order is placed: one that cannot be paid is not placed.
            self.ledger.accounts.cover(cents(row["total"]), "USD", field=None)
        booked = row.get("kind") == "appointment"
        pattern = _PATTERNS.get("booking" if booked else str(row.get("shop")))
        order = self.world.insert(
            "orders",
            {
                "id": self.world.draw.pattern(pattern) if pattern else None,
                "status": "confirmed" if booked else "awaiting_payment",
                "currency": "USD",
                "quantity": 1,
                "created": self.world.now,
                **row,
            },
        )
        if paid is not None:
            self.world.update("payments", paid, {"order": order["id"]})
        elif pay:
            self.ledger.pay(str(order["seller"]), number(order["total"]), order=str(order["id"]))
        return self._view(self._settled(order))

    def show(self, order: str) -> Row:
        """Say how an order or a booking stands.

        Raises:
            ToolFault: ``not_found``.
        """
        return self._view(self._settled(self._row(order)))

    def cancel(self, order: str, reason: str | None = None) -> Row:
        """Cancel an order; what was paid for it comes back.

        Raises:
            ToolFault: ``not_found``, ``conflict`` (it is cancelled already, or on its way).
        """
        row = self._settled(self._row(order))
        if row["status"] == "cancelled":
            raise ToolFault("conflict", f"{row['id']} is already cancelled.", "order")
        payments = self.ledger.paid_for(row)
        if row["status"] == "paid" and not payments:
            payments = [self.ledger.record(row)]
        self.world.update(
            "orders",
            row,
            {"status": "cancelled", "cancelled": self.world.now, "cancel_reason": reason},
        )
        for payment in payments:
            if cents(payment["amount"]) > cents(payment["refunded"]):
                self.ledger.refund(str(payment["id"]), reason=f"order {row['id']} was cancelled")
        return self._view(row)

    def days_from_now(self, days: int) -> str:
        """A day of the world's calendar."""
        return (self.world.today + timedelta(days=days)).date().isoformat()

    def _row(self, order: str) -> Row:
        wanted = order.strip().removeprefix("#").casefold()
        row = self.world.get("orders", order.strip()) or next(
            (row for row in self.world.rows("orders") if str(row["id"]).casefold() == wanted), None
        )
        if row is None:
            raise ToolFault("not_found", f"There is no order {order}.", "order")
        return row

    def _unused(self, payment: str) -> Row:
        row = self.ledger.payment(payment)
        if row["status"] != "completed":
            raise ToolFault("conflict", f"{row['id']} is {row['status']}.", "payment")
        if row.get("order"):
            raise ToolFault(
                "conflict", f"{row['id']} was made for order {row['order']}.", "payment"
            )
        return row

    def _paid(self, row: Row) -> tuple[int, int]:
        payments = self.ledger.paid_for(row)
        total = sum(cents(payment["amount"]) for payment in payments)
        return total, sum(cents(payment["refunded"]) for payment in payments)

    def _settled(self, row: Row) -> Row:
        """Bring an order's status up to what the ledger says."""
        if row["status"] in ("awaiting_payment", "paid"):
            paid, refunded = self._paid(row)
            covered = paid > refunded and paid - refunded >= cents(row.get("total") or 0)
            if covered and row["status"] == "awaiting_payment":
                self.world.update("orders", row, {"status": "paid"})
            elif paid and not covered and row["status"] == "paid":
                self.world.update("orders", row, {"status": "awaiting_payment"})
        return row

    def _view(self, row: Row) -> Row:
        paid, refunded = self._paid(row)
        total = cents(row["total"]) if row.get("total") is not None else None
        if not paid and row["status"] in ("paid", "shipped", "delivered"):
            paid = total or 0  # before the world began
        kept = paid - refunded
        standing = "partially_paid" if kept else "refunded" if refunded else "unpaid"
        settled = kept > 0 and kept >= (total or 0)
        closed = row["status"] == "cancelled"
        view = {
            "order_id": row["id"],
            "status": row["status"],
            "payment_status": "paid" if settled else standing,
            "shop": row.get("shop"),
            "seller": row.get("seller"),
            "item": row.get("item") or row.get("product") or row.get("title"),
            "quantity": row["quantity"],
            "total": total / 100 if total is not None else None,
            "currency": row["currency"],
            "amount_due": 0.0 if closed or total is None else max(0, total - kept) / 100,
            "refunded": refunded / 100,
            "created": row.get("created"),
        }
        view |= {field: row[field] for field in _EXTRA if row.get(field) is not None}
        for field in ("price", "delivery_fee"):
            if field in row:
                view[field] = number(row[field])
        return view


_EXTRA = ("product_id", "merchant_id", "date", "time", "expected", "address", "note", "tracking")

"""Accounts of money: who holds how much, and whom a text means."""

import re
from contextlib import suppress

from agentalign_lc.environment.devices.money import cents, money, number
from agentalign_lc.environment.faults import ToolFault
from agentalign_lc.environment.world import Row, World
from agentalign_lc.seeds import stream

__all__ = ["Accounts"]

# What the user holds when the world begins, in whole units, from and to.
_HOLDINGS = {
    "USD": (24_000, 58_000),
    "EUR": (9_000, 21_000),
    "GBP": (6_000, 16_000),
    "CNY": (40_000, 90_000),
}
_OTHERS = (900, 40_000)
_ASIDE = re.compile(r"saving|deposit|pension|reserve|escrow", re.IGNORECASE)
"""Accounts that can be paid into by name, but that nothing is paid from."""
_CARD = ("name", "email", "handle", "phone")


class Accounts:
    """The accounts of a world, each of one owner and one currency."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.me = str(world.me["name"])
        for row in world.rows("accounts"):
            known = {field: value for field, value in row.items() if value is not None}
            row.update({"owner": self.me, "currency": "USD", "name": "Balance", **known})
            row["owner"] = self.party(str(row["owner"]))
            row["balance"] = money(cents(row.get("balance", 0)))

    def balances(self, currency: str | None = None) -> list[Row]:
        """What the user holds: account, name, currency, available."""
        for each in _HOLDINGS if currency is None else [currency]:
            self._account(self.me, each)
        return [
            {
                "account": row["id"],
                "name": row["name"],
                "currency": row["currency"],
                "available": number(row["balance"]),
            }
            for row in self.world.rows("accounts")
            if row["owner"] == self.me and currency in (None, row["currency"])
        ]

    def cover(self, due: int, currency: str, field: str | None = "amount") -> Row:
        """The user's account, if it holds so many cents.

        Raises:
            ToolFault: ``insufficient_funds``.
        """
        account = self._account(self.me, currency)
        if cents(account["balance"]) < due:
            raise ToolFault(
                "insufficient_funds",
                f"The balance is {account['balance']} {currency}; {money(due)} {currency} are needed.",
                field,
            )
        return account

    def party(self, text: str) -> str:
        """Whom a text means: one name for a person's name, address, handle and number."""
        plain = " ".join(text.split())
        wanted = plain.casefold().removeprefix("@")
        me = self.world.me
        if wanted in ("me", *(str(me[field]).casefold() for field in _CARD if me.get(field))):
            return self.me
        known = self.known(wanted)
        return str(known.get("name") or plain) if known else plain

    def known(self, text: str) -> Row | None:
        """The entry of the address book that a text means."""
        wanted = " ".join(text.split()).casefold().removeprefix("@")
        with suppress(KeyError):  # a catalogue may have no address book
            for row in self.world.rows("contacts"):
                if any(str(row.get(field) or "").casefold() == wanted for field in _CARD):
                    return row
        return None

    def target(self, party: str, currency: str) -> Row:
        """The account that a payment to somebody reaches."""
        # An account may be named itself: a savings account, say, that the scenario brought along.
        wanted = party.casefold()
        for row in self.world.rows("accounts"):
            if wanted in (str(row["id"]).casefold(), str(row["name"]).casefold()) and (
                row["currency"] == currency
            ):
                return row
        return self._account(party, currency)

    def _account(self, owner: str, currency: str) -> Row:
        wanted = owner.casefold()
        for row in self.world.rows("accounts"):
            mine = str(row["owner"]).casefold() == wanted and row["currency"] == currency
            if mine and not _ASIDE.search(str(row["name"])):
                return row
        # Drawn by owner, not in the order of calls: a balance is what it is, whoever asks first.
        random = stream(self.world.seed, "account", wanted, currency)
        low, high = _HOLDINGS.get(currency, _OTHERS) if owner == self.me else _OTHERS
        return self.world.place(
            "accounts",
            {
                "id": f"acct_{random.getrandbits(32):08x}",
                "owner": owner,
                "name": f"{currency} balance",
                "currency": currency,
                "balance": money(random.randint(low * 100, high * 100)),
            },
        )

    def move(self, source: Row, target: Row, amount: int) -> None:
        """Take so many cents from one account and put them into another."""
        for row, change in ((source, -amount), (target, amount)):
            balance = money(cents(row["balance"]) + change)
            self.world.update("accounts", row, {"balance": balance})

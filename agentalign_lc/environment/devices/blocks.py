"""Blockchains: what each address holds, and the transactions that blocks confirm."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from agentalign_lc.environment.devices.coins import (
    CHAINS,
    HOLDINGS,
    PRICES,
    chain_of,
    family_of,
    home_of,
    token_named,
)
from agentalign_lc.environment.devices.wallets import Wallets
from agentalign_lc.environment.faults import ToolFault
from agentalign_lc.environment.spec import CollectionSpec
from agentalign_lc.environment.world import Row, World
from agentalign_lc.seeds import derive_seed, stream

__all__ = ["Blocks", "Payment", "moment", "number_in", "rounded"]

_WRAPPED = {"WBTC": "BTC", "WETH": "ETH"}
_SPEED = {"low": 0.6, "normal": 1.0, "high": 2.0}
_SUM = re.compile(r"([\d.,]*\d)\s*([A-Za-z]\w*)(?:\s+on\s+([A-Za-z][\w -]*))?")
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


@dataclass(frozen=True)
class Payment:
    """Who pays on a chain, what fee, and what is taken from where: address, token, amount."""

    chain: str
    address: str
    fee: float
    parts: tuple[tuple[str, str, float], ...]


class Blocks:
    """Balances and transactions of all chains.

    A transaction is pending until the next block of its chain, which the
    world's clock brings; then it is confirmed, or failed and its amount back.
    What it moves can be spent at once, as with unconfirmed change, and its fee
    is gone either way. The main wallet's holdings and all prices follow from
    the seed.
    """

    operations: frozenset[str] = frozenset()
    collections: ClassVar[dict[str, CollectionSpec]] = {
        "chain_balances": CollectionSpec(),
        "chain_transactions": CollectionSpec.model_validate(
            {
                "key": "hash",
                "id": 64 * "#",
                "states": {"edges": {"pending": ["confirmed", "failed"]}},
            }
        ),
    }

    def __init__(self, world: World, wallets: Wallets) -> None:
        self.world = world
        self.wallets = wallets
        self._start = world.today
        self._opened = False
        self._main: set[str] = set()
        self._holdings: dict[tuple[str, str], float] = {}
        self._prices: dict[str, float] = {}
        self._pending: list[str] = []
        self._doomed: dict[str, str] = {}

    def token(self, name: str) -> str:
        """The symbol of a token, which may be one that a contract issued."""
        symbol = token_named(name)
        issued = next((r for r in self._issued() if token_named(str(r["name"])) == symbol), None)
        return str(issued["token"]) if issued else symbol

    def home(self, token: str) -> str:
        """The chain on which a token lives."""
        rows = () if token in PRICES else self._issued()
        return next((chain_of(r) for r in rows if r["token"] == token), home_of(token))

    def price(self, token: str) -> float:
        """What a token costs in dollars, in this world."""
        if token not in self._prices:
            usual = PRICES.get(token)
            random = stream(self.world.seed, "price", token)
            if token in _WRAPPED:
                price = self.price(_WRAPPED[token])
            elif usual is None:
                price = round(random.uniform(0.001, 0.05), 5)
            else:
                price = usual if usual == 1 else round(usual * random.uniform(0.9, 1.1), 4)
            self._prices[token] = price
        return self._prices[token]

    def held(self, chain: str, token: str, address: str) -> float:
        """What an address holds of a token on a chain."""
        row = self.world.get("chain_balances", f"{address}/{chain}/{token}")
        if row is not None:
            return float(row["amount"])
        return self._holdings.get((chain, token), 0.0) if address in self._main else 0.0

    def shift(self, chain: str, token: str, address: str, by: float) -> None:
        """Add to what an address holds; one that had nothing gets an account."""
        key, before = f"{address}/{chain}/{token}", self.held(chain, token, address)
        row = self.world.get("chain_balances", key)
        new = {"id": key, "address": address, "chain": chain, "token": token}
        if row is None and before:
            row = self.world.place("chain_balances", {**new, "amount": before})
        if row is None:
            self.world.insert("chain_balances", {**new, "amount": rounded(by)})
        else:
            self.world.update("chain_balances", row, {"amount": rounded(before + by)})

    def pay(
        self, chain: str, token: str, amount: float, wallet: str | None, speed: str = "normal"
    ) -> Payment:
        """Take an amount and a fee from a wallet, as `plan` finds them.

        Raises:
            ToolFault: ``insufficient_funds``, or ``not_found`` for no such wallet.
        """
        payment = self.plan(chain, token, amount, wallet, speed)
        self.take(payment)
        return payment

    def take(self, payment: Payment) -> None:
        """Take what was planned."""
        for address, token, amount in payment.parts:
            self.shift(payment.chain, token, address, -amount)

    def plan(
        self, chain: str, token: str, amount: float, wallet: str | None, speed: str = "normal"
    ) -> Payment:
        """Find who can pay an amount and the fee.

        The named wallet pays, or the first that can. Where it has none of the
        chain's own coin, the main wallet pays the fee.

        Raises:
            ToolFault: ``insufficient_funds``, or ``not_found`` for no such wallet.
        """
        facts = CHAINS[chain]
        fee = rounded(facts.fee * _SPEED[speed])
        main = self.wallets.address(self.wallets.all()[0], facts.family)
        candidates = self.wallets.own(wallet)
        for row in candidates:
            address = self.wallets.address(row, facts.family)
            for payer_of_fee in dict.fromkeys((address, main)):
                parts = {(address, token): amount}
                of_fee = (payer_of_fee, facts.native)
                parts[of_fee] = parts.get(of_fee, 0.0) + fee
                if all(self.held(chain, t, who) >= part for (who, t), part in parts.items()):
                    sums = tuple((who, t, part) for (who, t), part in parts.items() if part)
                    return Payment(chain, address, fee, sums)
        row = candidates[0]
        has = self.held(chain, token, self.wallets.address(row, facts.family))
        raise ToolFault(
            "insufficient_funds",
            f"The wallet {row['name']} holds {has:.8g} {token} on {chain}; {amount:.8g} {token} "
            f"and a fee of {fee:.8g} {facts.native} are needed.",
            "amount",
        )

    def record(self, row: Row, fails: str | None = None) -> Row:
        """Note a new transaction, which is pending; ``fails`` says why the next block refuses it."""
        chain, number = str(row["chain"]), sum(1 for _ in self.world.rows("chain_transactions"))
        whole = {
            "hash": self._hash(chain, number),
            **row,
            "fee_token": CHAINS[chain].native,
            "status": "pending",
            "time": self.world.now,
        }
        made = self.world.insert("chain_transactions", whole)
        self._pending.append(str(made["hash"]))
        if fails:
            self._doomed[str(made["hash"])] = fails
        return made

    def shown(self, row: Row) -> Row:
        """A transaction as it is shown, with its confirmations and the names that are known."""
        names = {
            "from_name": self.wallets.name_of(str(row["from"])),
            "to_name": self.wallets.name_of(str(row["to"])),
        }
        count = self._confirmations(row) if row["status"] == "confirmed" else 0
        return {**row, **names, "confirmations": count}

    def settle(self) -> None:
        """Let the blocks come that are due by the world's clock."""
        self._open()
        waiting, self._pending = self._pending, []
        for key in waiting:
            row = self.world.get("chain_transactions", key)
            if row is None or row["status"] != "pending":
                continue
            if self._confirmations(row) < 1:
                self._pending.append(key)
                continue
            reason = self._doomed.get(key)
            self._end(row, reason)
            contract = self.world.get("smart_contracts", row.get("contract"))
            if row["kind"] == "deploy" and contract is not None:
                after = "failed" if reason else "deployed"
                self.world.update("smart_contracts", contract, {"status": after})

    def balances(self, addresses: set[str], chain: str | None) -> list[Row]:
        """What addresses hold, with its value in dollars; nobody sees a stranger's monero."""
        held = {
            (str(row["address"]), str(row["chain"]), str(row["token"])): float(row["amount"])
            for row in self.world.rows("chain_balances")
            if row["address"] in addresses
        }
        for address in sorted(addresses & self._main):
            for (place, token), amount in self._holdings.items():
                if CHAINS[place].family == family_of(address):
                    held.setdefault((address, place, token), amount)
        return [
            {"token": token, "chain": place, "amount": amount, "usd": round(amount * self.price(token), 2)}
            for (address, place, token), amount in held.items()
            if amount and chain in (None, place)
            and (place != "monero" or self.wallets.is_own(address))
        ]  # fmt: skip

    def _end(self, row: Row, reason: str | None) -> None:
        if reason is None:
            self.world.update("chain_transactions", row, {"status": "confirmed"})
            return
        self.world.update("chain_transactions", row, {"status": "failed", "reason": reason})
        if row["amount"]:
            self.shift(str(row["chain"]), str(row["token"]), str(row["from"]), row["amount"])

    def _confirmations(self, row: Row) -> int:
        passed = self.world.today - datetime.fromisoformat(str(row["time"]))
        return int(passed.total_seconds()) // CHAINS[str(row["chain"])].seconds

    def _hash(self, chain: str, number: int) -> str:
        path = (self.world.seed, "transaction", chain, str(number))
        if CHAINS[chain].family == "solana":
            return "".join(stream(*path).choices(_BASE58, k=88))
        digits = derive_seed(*path, "left") + derive_seed(*path, "right")
        return f"0x{digits}" if CHAINS[chain].family == "evm" else digits

    def _issued(self) -> list[Row]:
        return [row for row in self.world.rows("smart_contracts") if row.get("token")]

    def _open(self) -> None:
        """Make ready on the first use, for most worlds have no business with coins."""
        if self._opened:
            return
        self._opened = True
        random = stream(self.world.seed, "holdings")
        self._holdings = {
            place: round(usual * random.uniform(0.8, 1.2), 4) for place, usual in HOLDINGS.items()
        }
        main, *others = self.wallets.all()
        self._main = {self.wallets.address(main, coin.family) for coin in CHAINS.values()}
        for row in (main, *others):
            self._fill(row, is_wallet=True)
        for row in self.world.rows("smart_contracts"):
            self._fill(row, is_wallet=False)
        for row in self.world.rows("chain_balances"):
            self._file(row)
        for number, row in enumerate(self.world.rows("chain_transactions")):
            self._complete(row, number)

    def _fill(self, row: Row, *, is_wallet: bool) -> None:
        """Put where it belongs what the text of a scenario says that a row holds."""
        text = row.get("balances") or row.get("balance") or ""
        if row.get("token") and row.get("amount"):
            text = f"{row['amount']} {row['token']} on {row.get('chain') or ''}"
        for amount, name, place in _SUM.findall(str(text)):
            token = self.token(name)
            chain = chain_of({"chain": place}) if place.strip() else self.home(token)
            address = (
                self.wallets.address(row, CHAINS[chain].family)
                if is_wallet
                else self.wallets.contract_address(row)
            )
            self._put(chain, token, address, number_in(amount))

    def _put(self, chain: str, token: str, address: str, amount: float) -> None:
        place = {"address": address, "chain": chain, "token": token}
        key = f"{address}/{chain}/{token}"
        self.world.place("chain_balances", {"id": key, **place, "amount": amount})

    def _file(self, row: Row) -> None:
        """File a balance that a scenario brought along under the key by which it is found."""
        token = self.token(str(row.get("token") or "ETH"))
        chain = chain_of(row) if row.get("chain") else self.home(token)
        address = self.wallets.meant(str(row.get("address") or ""), CHAINS[chain].family)
        if row["id"] == f"{address}/{chain}/{token}":
            return
        mark = len(self.world.changes)
        self.world.delete("chain_balances", row)
        del self.world.changes[mark:]  # this is how the world starts, not something that happened
        self._put(chain, token, address, number_in(row.get("amount")))

    def _complete(self, row: Row, number: int) -> None:
        """Give a transaction of a scenario what it does not say."""
        random = stream(self.world.seed, "past", number)
        token = self.token(str(row.get("token") or "ETH"))
        chain = chain_of(row) if row.get("chain") else self.home(token)
        before = self._start - timedelta(seconds=random.randint(4_000, 900_000))
        facts: Row = {
            "kind": "transfer",
            "fee": CHAINS[chain].fee,
            "fee_token": CHAINS[chain].native,
            "status": "confirmed",
            "note": "",
        }
        row.update({**facts, **{k: v for k, v in row.items() if v not in (None, "")}})
        row.update(token=token, chain=chain, amount=number_in(row.get("amount") or 0))
        for field in ("from", "to"):
            row[field] = self.wallets.meant(str(row.get(field) or ""), CHAINS[chain].family)
        row["fee"] = number_in(row["fee"])
        if row["status"] not in ("pending", "confirmed", "failed"):
            row["status"] = "confirmed"
        row["time"] = moment(_parsed(row.get("time")) or before)
        if row["status"] == "pending":
            row["time"] = self.world.now
            self._pending.append(str(row["hash"]))


def _parsed(text: object) -> datetime | None:
    try:
        when = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def number_in(value: object) -> float:
    """The number in a text of a scenario.

    Example:
        >>> number_in("1,250.5 USDC")
        1250.5
    """
    found = re.search(r"\d[\d,]*(?:\.\d+)?", str(value))
    return float(found[0].replace(",", "")) if found else 0.0


def rounded(amount: float) -> float:
    """An amount to the eighth digit, as coins are counted here."""
    return round(amount, 8)


def moment(when: datetime) -> str:
    """A moment as the world writes it."""
    return when.isoformat().replace("+00:00", "Z")

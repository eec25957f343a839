"""What people do with coins: send, swap, bridge and mix them, ask for them, look them up."""

from datetime import timedelta
from typing import ClassVar

from agentalign_lc.environment.devices.blocks import Blocks, moment, number_in, rounded
from agentalign_lc.environment.devices.coins import CHAINS, chain_named, chain_of, family_of, fits
from agentalign_lc.environment.devices.wallets import Called, Wallets, naming
from agentalign_lc.environment.faults import ToolFault
from agentalign_lc.environment.spec import CollectionSpec
from agentalign_lc.environment.world import Row, World

__all__ = ["Chain"]

_SWAP, _BRIDGE, _MIX = 0.003, 0.001, 0.01


class Chain:
    """The user's dealings on all chains.

    Every operation first lets the blocks come that are due. Tools may name
    fields in their own way (``called``), so that an error names the field
    that the agent has written.

    Example:
        >>> from agentalign_lc.environment.devices import COLLECTIONS, attach
        >>> from agentalign_lc.records import Person
        >>> me = Person(first="Ana", last="Ruiz", email="ana@example.com",
        ...             phone="+1-555-0101", handle="anaruiz", city="Vasterby")
        >>> chain = attach(World("seed", me, COLLECTIONS)).devices["chain"]
        >>> sent = chain.send("BTC", "bc1qexample0000000000", 0.25)
        >>> chain.query("bc1qexample0000000000")["balances"][0]["amount"]
        0.25
    """

    operations = frozenset({"bridge", "mix", "query", "request", "send", "swap"})
    collections: ClassVar[dict[str, CollectionSpec]] = {
        "bitcoin_requests": CollectionSpec.model_validate(
            {"id": "pay_########", "states": {"edges": {"open": ["paid", "expired"]}}}
        ),
    }

    def __init__(self, world: World, wallets: Wallets, blocks: Blocks) -> None:
        self.world = world
        self.wallets = wallets
        self.blocks = blocks

    def send(
        self,
        token: str,
        recipient: str,
        amount: float,
        wallet: str | None = None,
        speed: str = "normal",
        note: str | None = None,
        called: Called = None,
    ) -> Row:
        """Move coins from a wallet of the user's to somebody.

        Raises:
            ToolFault: ``insufficient_funds``; what `Wallets.recipient` raises.
        """
        with naming(called):
            self._settle()
            token = self.blocks.token(token)
            chain = self.blocks.home(token)
            to = self._payee(recipient, chain)
            paid = self.blocks.pay(chain, token, amount, wallet, speed)
            self._credit(chain, token, to, amount)
            row = self.blocks.record(
                {"kind": "transfer", "chain": chain, "from": paid.address, "to": to, "token": token, "amount": amount, "fee": paid.fee, "note": note}
            )  # fmt: skip
            return self.blocks.shown(row)

    def swap(
        self,
        token: str,
        amount: float,
        to_token: str,
        chain: str | None = None,
        wallet: str | None = None,
        slippage: float = 0.5,
        called: Called = None,
    ) -> Row:
        """Change one token into another at the world's prices, less 0.3 percent.

        Args:
            token: What is given.
            amount: How much of it.
            to_token: What is wanted.
            chain: Where; by default where the token lives and is held.
            wallet: Which wallet; by default the first that holds enough.
            slippage: Percent by which the result might be worse; it never is here.
            called: What the tool calls these fields.

        Raises:
            ToolFault: ``insufficient_funds``, or ``invalid_argument`` for two equal tokens.
        """
        with naming(called):
            self._settle()
            token, wanted = self.blocks.token(token), self.blocks.token(to_token)
            if token == wanted:
                raise ToolFault("invalid_argument", f"{token} is {token} already.", "to_token")
            place = chain_named(chain, "chain") if chain else self._where(token, amount, wallet)
            target = place if chain else self._arrival(place, wanted)
            paid = self.blocks.pay(place, token, amount, wallet)
            rate = self.blocks.price(token) / self.blocks.price(wanted)
            got = rounded(amount * (1 - _SWAP) * rate)
            (owner,) = self.wallets.own(self.wallets.name_of(paid.address) or "main")
            to = self.wallets.address(owner, CHAINS[target].family)
            self.blocks.shift(target, wanted, to, got)
            row = self.blocks.record(
                {"kind": "swap", "chain": place, "from": paid.address, "to": to, "token": token, "amount": amount, "fee": paid.fee, "to_token": wanted, "to_chain": target, "received": got}
            )  # fmt: skip
            more = {"rate": rounded(rate), "service_fee": rounded(amount * _SWAP)}
            least = rounded(got * (1 - slippage / 100))
            return {**self.blocks.shown(row), **more, "minimum_received": least}

    def bridge(
        self,
        token: str,
        amount: float,
        chain: str,
        recipient: str,
        source: str | None = None,
        wallet: str | None = None,
        called: Called = None,
    ) -> Row:
        """Move a token to an address on another chain, less 0.1 percent.

        Raises:
            ToolFault: ``insufficient_funds``; ``invalid_argument`` for unknown or equal chains.
        """
        with naming(called):
            self._settle()
            token, target = self.blocks.token(token), chain_named(chain, "chain")
            origin = (
                chain_named(source, "source")
                if source
                else self._where(token, amount, wallet, target)
            )
            if origin == target:
                raise ToolFault("invalid_argument", f"{token} is on {target} already.", "chain")
            to = self._payee(recipient, target)
            paid = self.blocks.pay(origin, token, amount, wallet)
            got = rounded(amount * (1 - _BRIDGE))
            self._credit(target, token, to, got)
            row = self.blocks.record(
                {"kind": "bridge", "chain": origin, "from": paid.address, "to": to, "token": token, "amount": amount, "fee": paid.fee, "to_chain": target, "to_token": token, "received": got}
            )  # fmt: skip
            return {**self.blocks.shown(row), "service_fee": rounded(amount * _BRIDGE)}

    def mix(
        self,
        token: str,
        amount: float,
        recipient: str,
        chain: str | None = None,
        wallet: str | None = None,
        called: Called = None,
    ) -> Row:
        """Pay somebody through a pool that many use, less 1 percent.

        Raises:
            ToolFault: as for `send`.
        """
        with naming(called):
            self._settle()
            token = self.blocks.token(token)
            place = chain_named(chain, "chain") if chain else self.blocks.home(token)
            to = self._payee(recipient, place)
            paid = self.blocks.pay(place, token, amount, wallet)
            got = rounded(amount * (1 - _MIX))
            self._credit(place, token, to, got)
            row = self.blocks.record(
                {"kind": "mix", "chain": place, "from": paid.address, "to": to, "token": token, "amount": amount, "fee": paid.fee, "received": got}
            )  # fmt: skip
            return {**self.blocks.shown(row), "service_fee": rounded(amount * _MIX)}

    def request(
        self,
        amount: float,
        note: str | None = None,
        currency: str = "BTC",
        minutes: int = 60,
        wallet: str | None = None,
        called: Called = None,
    ) -> Row:
        """Ask for a payment in bitcoin, to an address of its own that pays into a wallet.

        Raises:
            ToolFault: ``not_found``, if there is no such wallet.
        """
        with naming(called):
            self._settle()
            name = str(self.wallets.own(wallet)[0]["name"])
            coins = amount if currency == "BTC" else amount / self.blocks.price("BTC")
            coins = max(rounded(coins), 1e-8)
            row = self.world.insert(
                "bitcoin_requests",
                {
                    "amount": coins,
                    "amount_usd": round(coins * self.blocks.price("BTC"), 2),
                    "note": note or "",
                    "wallet": name,
                    "status": "open",
                    "received": 0.0,
                    "created": self.world.now,
                    "expires": moment(self.world.today + timedelta(minutes=minutes)),
                },
            )
            address = self.wallets.fresh("bitcoin", str(row["id"]), name)
            paid_to = {"address": address, "uri": f"bitcoin:{address}?amount={coins:.8f}"}
            return dict(self.world.update("bitcoin_requests", row, paid_to))

    def query(
        self,
        address: str,
        chain: str | None = None,
        limit: int = 20,
        called: Called = None,
    ) -> Row:
        """Look something up: what an address holds, and its transactions, newest first.

        Args:
            address: An address, a wallet, a contact, a contract, the hash of a
                transaction or the id of a payment request.
            chain: Only this chain.
            limit: How many transactions at most.
            called: What the tool calls these fields.

        Raises:
            ToolFault: ``not_found`` for names and hashes that nobody has.
        """
        with naming(called):
            self._settle()
            only = chain_named(chain, "chain") if chain else None
            said = address.strip()
            one = self.world.get("chain_transactions", said)
            one = one or self.world.get("chain_transactions", said.lower())
            places: list[str] = [] if one else self._places(said, only)
            rows = [one] if one else self._touching(set(places), only)
            at = str(one["from"]) if one else places[0]
            rows.sort(key=lambda row: str(row["time"]), reverse=True)
            asked = self.world.find("bitcoin_requests", {"address": at}) if at else None
            balances = self.blocks.balances(set(places), only)
            return {
                "address": at,
                "name": self.wallets.name_of(at),
                "balances": balances,
                "total_usd": round(sum(row["usd"] for row in balances), 2),
                "transactions": [self.blocks.shown(row) for row in rows[:limit]],
                "total": len(rows),
                "request": dict(asked) if asked else None,
            }

    def _settle(self) -> None:
        self.blocks.settle()
        for row in self.world.rows("bitcoin_requests"):
            if not row.get("uri"):
                self._complete(row)
            if row["status"] == "open" and row["expires"] <= self.world.now:
                self.world.update("bitcoin_requests", row, {"status": "expired"})

    def _complete(self, row: Row) -> None:
        """Give a payment request of a scenario what it does not say."""
        tomorrow = moment(self.world.today + timedelta(days=1))
        address = self.wallets.fresh("bitcoin", str(row["id"]), "main")
        facts = {"note": "", "status": "open", "expires": tomorrow, "address": address}
        row.update({**facts, **row, "wallet": "main", "amount": number_in(row.get("amount"))})
        row["received"] = number_in(row.get("received"))
        row["amount_usd"] = round(row["amount"] * self.blocks.price("BTC"), 2)
        row["uri"] = f"bitcoin:{row['address']}?amount={row['amount']:.8f}"

    def _arrival(self, place: str, wanted: str) -> str:
        # What lives on chains of one family is bought on the chain at hand.
        home = self.blocks.home(wanted)
        return place if CHAINS[place].family == CHAINS[home].family == "evm" else home

    def _payee(self, recipient: str, chain: str) -> str:
        asked = (
            self.world.get("bitcoin_requests", recipient.strip()) if chain == "bitcoin" else None
        )
        return (
            str(asked["address"])
            if asked
            else self.wallets.recipient(recipient, CHAINS[chain].family)
        )

    def _credit(self, chain: str, token: str, address: str, amount: float) -> None:
        """Give money to an address; that of a payment request pays into its wallet."""
        asked = self.world.find("bitcoin_requests", {"address": address})
        if asked is None or chain != "bitcoin":
            self.blocks.shift(chain, token, address, amount)
            return
        owner = self.wallets.own(str(asked["wallet"]))[0]
        self.blocks.shift(chain, token, self.wallets.address(owner, "bitcoin"), amount)
        received = rounded(float(asked["received"]) + amount)
        self.world.update("bitcoin_requests", asked, {"received": received})
        if asked["status"] == "open" and received >= asked["amount"]:
            self.world.update("bitcoin_requests", asked, {"status": "paid"})

    def _where(self, token: str, amount: float, wallet: str | None, other: str = "") -> str:
        """A chain, not the other one, on which enough of a token is held; by preference its home."""
        chains = [c for c in dict.fromkeys((self.blocks.home(token), *CHAINS)) if c != other]
        owners = self.wallets.own(wallet)
        for chain in chains:
            family = CHAINS[chain].family
            if any(self.blocks.held(chain, token, self.wallets.address(o, family)) >= amount for o in owners):  # fmt: skip
                return chain
        return chains[0]

    def _places(self, said: str, only: str | None) -> list[str]:
        """The addresses that somebody means; the first is the one to name."""
        asked = self.world.get("bitcoin_requests", said)
        if asked is not None:
            return [str(asked["address"])]
        wallet, shape = self.wallets.named(said), family_of(said)
        families = list(dict.fromkeys(coin.family for coin in CHAINS.values()))
        if only:
            families = [CHAINS[only].family]
        elif wallet is not None:
            families.sort(key=lambda f: f != CHAINS[chain_of(wallet)].family)
        elif shape is not None:
            families = [family for family in families if fits(said, family)]
        else:
            families.sort(key=lambda f: f != "evm")
        found: list[str] = []
        fault: ToolFault | None = None
        for family in families:
            try:
                found.append(self.wallets.recipient(said, family))
            except ToolFault as caught:
                fault = fault or caught
        if wallet is not None:
            requests = self.world.select("bitcoin_requests", {"wallet": wallet["name"]})
            found += [str(row["address"]) for row in requests]
        if not found and self._touching({said}, only):
            return [said]
        if not found:
            code, message = (fault.code, fault.message) if fault else ("not_found", said)
            raise ToolFault(code, message, "address")
        return found

    def _touching(self, places: set[str], only: str | None) -> list[Row]:
        return [
            row
            for row in self.world.rows("chain_transactions")
            if (row["from"] in places or row["to"] in places)
            and only in (None, row["chain"], row.get("to_chain"))
        ]

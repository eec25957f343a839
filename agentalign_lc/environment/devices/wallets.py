"""The user's wallets, and who is behind a recipient: a wallet, a contact, a contract, an address."""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import ClassVar

from agentalign_lc.environment.devices.coins import (
    CHAINS,
    chain_named,
    chain_of,
    family_of,
    fits,
    invent_address,
)
from agentalign_lc.environment.faults import ToolFault
from agentalign_lc.environment.spec import CollectionSpec
from agentalign_lc.environment.world import Row, World
from agentalign_lc.seeds import stream

__all__ = ["Called", "Wallets", "canonical", "naming"]

Called = dict[str, str] | None
"""What a tool calls the fields of an operation, where its names differ."""

_FAMILIES = {"bitcoin": "Bitcoin", "evm": "Ethereum", "monero": "Monero", "solana": "Solana"}
_MAIN = "main"


@contextmanager
def naming(called: Called) -> Iterator[None]:
    """Let faults name a field as the tool does that was called."""
    try:
        yield
    except ToolFault as fault:
        if called and fault.field in called:
            fault.field = called[fault.field]
        raise


class Wallets:
    """The wallets of the user, each with an address on every family of chains.

    Every world has the wallet ``main``. Others come from `create` or from a
    scenario; those may say what they hold as text (``balances: 0.8 BTC, 500
    USDC on polygon``), and need no more than a name.

    Example:
        >>> from agentalign_lc.environment.devices import COLLECTIONS, attach
        >>> from agentalign_lc.records import Person
        >>> me = Person(first="Ana", last="Ruiz", email="ana@example.com",
        ...             phone="+1-555-0101", handle="anaruiz", city="Vasterby")
        >>> wallets = attach(World("seed", me, COLLECTIONS)).devices["wallets"]
        >>> wallets.create("Savings", "bitcoin")["address"][:11]
        'bc1qexample'
    """

    operations = frozenset({"create"})
    collections: ClassVar[dict[str, CollectionSpec]] = {
        "crypto_wallets": CollectionSpec(key="name")
    }

    def __init__(self, world: World) -> None:
        self.world = world
        self._addresses: dict[tuple[str, str], str] = {}
        self._names: dict[str, str] = {}
        self._opened = False

    def create(self, name: str, chain: str = "ethereum", called: Called = None) -> Row:
        """Open an empty wallet and give its address on a chain.

        Raises:
            ToolFault: ``already_exists`` for a name that is taken, ``invalid_argument``
                for an unknown chain.
        """
        with naming(called):
            chain = chain_named(chain, "chain")
            if self.named(name) is not None:
                raise ToolFault("already_exists", f"There is a wallet {name!r} already.", "name")
            row = {"name": name.strip(), "chain": chain, "created": self.world.now}
            row["address"] = self.address(row, CHAINS[chain].family)
            return dict(self.world.insert("crypto_wallets", row))

    def all(self) -> list[Row]:
        """Every wallet, the main one first."""
        if not self._opened:
            self._opened = True
            if self.world.get("crypto_wallets", _MAIN) is None:
                self.world.place("crypto_wallets", {"name": _MAIN, "chain": "ethereum"})
        rows = self.world.rows("crypto_wallets")
        return sorted(rows, key=lambda row: row["name"] != _MAIN)

    def named(self, name: str) -> Row | None:
        """The wallet of a name, said with or without "my" and "wallet"."""
        said = _plain(name)
        return next((row for row in self.all() if _plain(str(row["name"])) == said), None)

    def own(self, name: str | None) -> list[Row]:
        """The wallet of a name, or all of them if none is named.

        Raises:
            ToolFault: ``not_found``.
        """
        if name is None:
            return self.all()
        row = self.named(name)
        if row is None:
            known = ", ".join(str(row["name"]) for row in self.all())
            raise ToolFault(
                "not_found", f"You have no wallet {name!r}; you have {known}.", "wallet"
            )
        return [row]

    def is_own(self, address: str) -> bool:
        """Whether an address is one of the user's."""
        return self.world.get("crypto_wallets", self._names.get(address)) is not None

    def address(self, wallet: Row, family: str) -> str:
        """The address of a wallet on a family of chains."""
        given = str(wallet.get("address") or "")
        name = str(wallet["name"])
        if given and fits(given, family):
            self._names.setdefault(canonical(given), name)
            return canonical(given)
        return self._invented(family, "wallet", name, name)

    def contract_address(self, contract: Row) -> str:
        """The address of a contract; one that a scenario brought along may have none yet."""
        family = CHAINS[chain_of(contract)].family
        name = str(contract.get("name"))
        return canonical(
            str(contract.get("address") or self._invented(family, "contract", name, name))
        )

    def fresh(self, family: str, key: str, name: str) -> str:
        """A further address of a wallet, made for one purpose."""
        return self._invented(family, "fresh", key, name)

    def name_of(self, address: str) -> str | None:
        """Who is known to be behind an address."""
        return self._names.get(address)

    def recipient(self, said: str, family: str) -> str:
        """The address that somebody means on a family of chains.

        Args:
            said: An address, a wallet of the user's, a contact or a contract.
            family: What chains it must be for.

        Raises:
            ToolFault: ``invalid_argument`` for an address of other chains or a
                broken one, ``ambiguous`` or ``not_found`` for names.
        """
        said = said.strip()
        wallet = self.named(said)
        if wallet is not None:
            return self.address(wallet, family)
        other = family_of(said)
        if fits(said, family):
            return self._invented(family, "domain", said, said) if "." in said else canonical(said)
        if other is not None:
            raise ToolFault(
                "invalid_argument",
                f"{said} is for {_FAMILIES[other]} and not for {_FAMILIES[family]}.",
                "recipient",
            )
        return self._contact(said, family) or self._contract(said, family) or _nobody(said)

    def meant(self, said: str, family: str) -> str:
        """The address that a text means, or the text itself if it means none."""
        try:
            return self.recipient(said, family)
        except ToolFault:
            return canonical(said)

    def _contact(self, said: str, family: str) -> str | None:
        word = said.casefold().removeprefix("@")
        people: list[Row] = []
        with suppress(KeyError):  # a catalogue may have no address book
            people = list(self.world.rows("contacts"))
        for fields in (("name", "email", "handle"), ("first", "last")):
            found = [p for p in people if word in {str(p.get(f) or "").casefold() for f in fields}]
            if len(found) > 1:
                names = ", ".join(str(p.get("name")) for p in found)
                raise ToolFault("ambiguous", f"{said!r} may be {names}.", "recipient")
            if found and word:
                name = str(found[0].get("name") or said)
                return self._invented(family, "contact", str(found[0].get("email") or name), name)
        return None

    def _contract(self, said: str, family: str) -> str | None:
        rows = (
            r
            for r in self.world.rows("smart_contracts")
            if _plain(str(r.get("name"))) == _plain(said)
        )
        address = next((self.contract_address(row) for row in rows), None)
        return address if address and fits(address, family) else None

    def _invented(self, family: str, kind: str, key: str, name: str) -> str:
        known = self._addresses.get((family, f"{kind}:{key}"))
        if known is None:
            known = invent_address(family, stream(self.world.seed, "address", family, kind, key))
            self._addresses[family, f"{kind}:{key}"] = known
            self._names[known] = name
        return known


def canonical(address: str) -> str:
    """An address in the one spelling under which the world keeps it.

    Example:
        >>> canonical("0x" + 40 * "A")[:6]
        '0xaaaa'
    """
    return address.lower() if address.startswith("0x") else address


def _plain(name: str) -> str:
    return re.sub(r"^my | wallet$|\W", "", name.strip().casefold())


def _nobody(said: str) -> str:
    if re.match(r"(?i)0x|bc1|tb1", said) or re.fullmatch(r"\w{26,}", said):
        raise ToolFault("invalid_argument", f"{said!r} is no valid address.", "recipient")
    raise ToolFault(
        "not_found", f"{said!r} is no address, no wallet of yours and no contact.", "recipient"
    )

"""Contracts and programs on a chain: deployed once, called by the names of their methods."""

import re
from typing import ClassVar

from agentalign_lc.environment.devices.blocks import Blocks, Payment, number_in, rounded
from agentalign_lc.environment.devices.coins import (
    CHAINS,
    chain_named,
    chain_of,
    invent_address,
    token_named,
)
from agentalign_lc.environment.devices.wallets import Called, Wallets, canonical, naming
from agentalign_lc.environment.faults import ToolFault
from agentalign_lc.environment.spec import CollectionSpec
from agentalign_lc.environment.world import Row, World
from agentalign_lc.seeds import stream

__all__ = ["Contracts"]

_SUPPLY = 1_000_000.0
_GAS = {"deploy": 53_000, "call": 21_000}
_RUST = re.compile(r"anchor_lang|solana_program|#\[program\]|declare_id!|\bpub fn\b")
_METHOD = re.compile(
    r"\b(?:function|pub fn|fn|def)\s+(\w+)|\bpublic\s+(?:constant\s+)?(\w+)\s*[;=]"
)
_TOKEN = re.compile(r"""(?i)ERC-?20|BEP-?20|SPL[ _-]?token|token_mint""")
_SYMBOL = re.compile(r"""ERC20\(\s*["'][^"']*["']\s*,\s*["'](\w{2,12})["']""")
_READ = re.compile(
    r"(?:get|is|has)(?=[A-Z_])|(?:balance_?of|total\w*|owner|name|symbol|decimals|paused|allowance|quorum|resolve|version)$",
    re.IGNORECASE,
)
_PAYS_OUT = ("withdraw", "claim", "unstake", "sweep", "refund", "release")
_ERC20 = "transfer, approve, mint, burn, balanceOf, totalSupply, owner, pause, unpause, transferOwnership"
_START = [
    {"name": "Harbour Staking", "chain": "ethereum", "methods": "stake, unstake, claimRewards, deposit, withdraw, balanceOf, totalStaked, owner"},
    {"name": "Tide Token", "chain": "ethereum", "token": "TIDE", "methods": _ERC20},
    {"name": "Meadow Names", "chain": "ethereum", "methods": "register, renew, setText, getText, transferOwnership, owner"},
    {"name": "Lantern Vote", "chain": "ethereum", "methods": "propose, vote, execute, delegate, quorum"},
    {"name": "System Program", "chain": "solana"},
    {"name": "Token Program", "chain": "solana"},
    {"name": "Stake Program", "chain": "solana"},
    {"name": "Memo Program", "chain": "solana"},
]  # fmt: skip


class Contracts:
    """Contracts of the chains that run them.

    A contract takes the methods that its source (or its row) names; one that
    names none takes any. It keeps what ``set...`` methods give it for the
    ``get...`` ones, pays out what it was paid, and moves its own tokens.

    Example:
        >>> from agentalign_lc.environment.devices import COLLECTIONS, attach
        >>> from agentalign_lc.records import Person
        >>> me = Person(first="Ana", last="Ruiz", email="ana@example.com",
        ...             phone="+1-555-0101", handle="anaruiz", city="Vasterby")
        >>> contracts = attach(World("seed", me, COLLECTIONS)).devices["contracts"]
        >>> _ = contracts.call("Meadow Names", "setText", ["city", "Vasterby"])
        >>> contracts.call("Meadow Names", "getText", ["city"])["result"]
        'Vasterby'
    """

    operations = frozenset({"call", "deploy"})
    collections: ClassVar[dict[str, CollectionSpec]] = {
        "smart_contracts": CollectionSpec.model_validate(
            {
                "key": "name",
                "states": {"edges": {"deploying": ["deployed", "failed"], "failed": ["deploying"]}},
                "start": _START,
            }
        ),
    }

    def __init__(self, world: World, wallets: Wallets, blocks: Blocks) -> None:
        self.world = world
        self.wallets = wallets
        self.blocks = blocks

    def deploy(
        self,
        name: str,
        source: str,
        chain: str | None = None,
        wallet: str | None = None,
        gas_limit: int = 3_000_000,
        called: Called = None,
    ) -> Row:
        """Put a contract on a chain, by default the one that its source is written for.

        One that issues a token gives its supply to the wallet that deploys it.

        Raises:
            ToolFault: ``already_exists``, ``insufficient_funds``, or
                ``unsupported`` for a chain without contracts.
        """
        with naming(called):
            self.blocks.settle()
            usual = "solana" if _RUST.search(source) else "ethereum"
            place = chain_named(chain, "chain") if chain else usual
            family = CHAINS[place].family
            if family not in ("evm", "solana"):
                raise ToolFault("unsupported", f"{place} runs no contracts.", "chain")
            name = name.strip()
            before = self.world.get("smart_contracts", name)
            if before is not None and before.get("status", "deployed") != "failed":
                raise ToolFault("already_exists", f"There is a contract {name!r} already.", "name")
            payment = self.blocks.pay(place, CHAINS[place].native, 0.0, wallet)
            symbol = _SYMBOL.search(source)
            issues = _TOKEN.search(source) is not None
            random = stream(self.world.seed, "contract", place, name)
            row = {
                "name": name,
                "chain": place,
                "address": invent_address(family, random),
                "deployer": payment.address,
                "methods": ", ".join(dict.fromkeys(a or b for a, b in _METHOD.findall(source))),
                "token": (symbol[1].upper() if symbol else token_named(name)) if issues else None,
                "status": "deploying",
                "created": self.world.now,
            }
            if before is None:
                self.world.insert("smart_contracts", row)
            else:
                self.world.update("smart_contracts", before, row)
            short = family == "evm" and gas_limit < _GAS["deploy"]
            if issues and not short:
                self.blocks.shift(place, str(row["token"]), payment.address, _SUPPLY)
            sent = self._record("deploy", row, payment, 0.0, gas_limit)
            kept = ("name", "chain", "address", "token", "methods")
            return {**{key: row[key] for key in kept}, **_receipt(sent)}

    def call(
        self,
        contract: str,
        method: str,
        arguments: list[str] | None = None,
        value: float = 0.0,
        chain: str | None = None,
        gas_limit: int = 300_000,
        called: Called = None,
    ) -> Row:
        """Call a method of a contract, or an instruction of a program; the first wallet that can pays.

        A method that only reads costs nothing and makes no transaction.

        Args:
            contract: Its name or address.
            method: What to call; case and underscores do not matter.
            arguments: What it is given, in order.
            value: How much of the chain's own coin to send along.
            chain: Only contracts on this chain.
            gas_limit: Less than the least that a call needs makes it fail.
            called: What the tool calls these fields.

        Raises:
            ToolFault: ``not_found`` for a contract that is not deployed or a
                method that it has not, ``insufficient_funds``.
        """
        with naming(called):
            self.blocks.settle()
            row = self._find(contract, chain)
            words = [
                word.strip() for word in str(row.get("methods") or "").split(",") if word.strip()
            ]
            known = {_bare(word): word for word in words}
            if known and _bare(method) not in known:
                offers = ", ".join(known.values())
                raise ToolFault("not_found", f"{row['name']} has no method {method!r}; it has {offers}.", "method")  # fmt: skip
            name, given = known.get(_bare(method), method.strip()), list(arguments or ())
            answer: Row = {
                "contract": row["name"],
                "contract_address": self.wallets.contract_address(row),
                "chain": chain_of(row),
                "method": name,
                "arguments": given,
            }
            if _READ.match(name) and not value:
                return {**answer, "result": self._read(row, name, given), **_NOTHING}
            place = str(answer["chain"])
            coin = CHAINS[place].native
            payment = self.blocks.plan(place, coin, value, None)
            short = CHAINS[place].family == "evm" and gas_limit < _GAS["call"]
            # Written first, since it may be refused, and then nothing is to be paid.
            result = None if short else self._write(row, name, given, payment.address)
            self.blocks.take(payment)
            if value and not short:
                self.blocks.shift(place, coin, str(answer["contract_address"]), value)
            sent = self._record("call", row, payment, value, gas_limit, name)
            return {**answer, "result": result, **_receipt(sent)}

    def _record(
        self,
        kind: str,
        row: Row,
        payment: Payment,
        value: float,
        gas_limit: int,
        method: str = "",
    ) -> Row:
        place = chain_of(row)
        short = CHAINS[place].family == "evm" and gas_limit < _GAS[kind]
        made = self.blocks.record(
            {
                "kind": kind,
                "chain": place,
                "from": payment.address,
                "to": self.wallets.contract_address(row),
                "token": CHAINS[place].native,
                "amount": value,
                "fee": payment.fee,
                "contract": row["name"],
                "method": method,
            },
            fails="out of gas" if short else None,
        )
        return self.blocks.shown(made)

    def _find(self, said: str, chain: str | None) -> Row:
        only = CHAINS[chain_named(chain, "chain")].family if chain else None
        word, address = _bare(said), canonical(said.strip())
        rows = [
            row
            for row in self.world.rows("smart_contracts")
            if row.get("status") != "failed" and only in (None, CHAINS[chain_of(row)].family)
        ]
        exact = [
            row
            for row in rows
            if address == self.wallets.contract_address(row) or word == _bare(str(row["name"]))
        ]
        near = exact or [row for row in rows if len(word) > 2 and word in _bare(str(row["name"]))]
        if len(near) > 1:
            names = ", ".join(str(row["name"]) for row in near)
            raise ToolFault("ambiguous", f"{said!r} may be {names}.", "contract")
        if not near:
            raise ToolFault("not_found", f"No contract {said!r} is deployed.", "contract")
        return near[0]

    def _read(self, row: Row, name: str, given: list[str]) -> object:
        bare, storage = _bare(name), row.get("storage") or {}
        slot = _slot(re.sub(r"^(?:get|is|has)", "", bare), given)
        place, token = chain_of(row), row.get("token")
        if slot in storage:
            return storage[slot]
        if bare == "balanceof" and given:
            held = self.wallets.meant(given[0], CHAINS[place].family)
            return self.blocks.held(place, str(token or CHAINS[place].native), held)
        facts = {
            "name": row["name"],
            "symbol": token or "",
            "decimals": 18,
            "owner": row.get("deployer") or row.get("owner") or self.wallets.contract_address(row),
            "totalsupply": _SUPPLY if token else 0,
            "paused": False,
        }
        if bare.startswith("total"):
            own = self.wallets.contract_address(row)
            facts.setdefault(bare, self.blocks.held(place, CHAINS[place].native, own))
        return facts.get(bare)

    def _write(self, row: Row, name: str, given: list[str], payer: str) -> object:
        bare = _bare(name)
        place = chain_of(row)
        if bare.startswith("set") and given:
            return self._keep(row, _slot(bare[3:], given[:-1]), given[-1])
        if bare in ("pause", "unpause"):
            return self._keep(row, "paused", bare == "pause")
        if bare == "transferownership" and given:
            return self._keep(row, "owner", given[0])
        if row.get("token") and bare in ("transfer", "mint", "burn") and given:
            return self._move(row, bare, given, payer)
        if bare.startswith(_PAYS_OUT):
            own, coin = self.wallets.contract_address(row), CHAINS[place].native
            there = self.blocks.held(place, coin, own)
            wanted = next((number_in(v) for v in given if re.fullmatch(r"[\d.,]+", v)), there)
            amount = min(wanted, there)
            if amount:
                self.blocks.shift(place, coin, own, -amount)
                self.blocks.shift(place, coin, payer, amount)
            return {"paid_out": amount, "token": coin}
        return None

    def _keep(self, row: Row, slot: str, value: object) -> object:
        self.world.update(
            "smart_contracts", row, {"storage": {**(row.get("storage") or {}), slot: value}}
        )
        return value

    def _move(self, row: Row, verb: str, given: list[str], payer: str) -> object:
        place, token = chain_of(row), str(row["token"])
        amount = rounded(number_in(given[-1]))
        to = payer
        if verb != "burn" and len(given) > 1:
            to = self.wallets.recipient(given[0], CHAINS[place].family)
        total = self._read(row, "totalSupply", [])
        if verb != "mint":
            held = self.blocks.held(place, token, payer)
            if held < amount:
                raise ToolFault("insufficient_funds", f"The wallet holds {held:.8g} {token}.", "arguments")  # fmt: skip
            self.blocks.shift(place, token, payer, -amount)
        if verb != "burn":
            self.blocks.shift(place, token, to, amount)
        if verb != "transfer" and isinstance(total, int | float):
            self._keep(row, "totalsupply", total + (amount if verb == "mint" else -amount))
        return {"token": token, "amount": amount, "to": None if verb == "burn" else to}


_NOTHING = {
    "hash": None, "status": "read", "fee": 0.0, "fee_token": None, "confirmations": 0, "time": None,
}  # fmt: skip


def _receipt(sent: Row) -> Row:
    return {
        key: sent[key] for key in ("hash", "status", "fee", "fee_token", "confirmations", "time")
    }


def _bare(name: str) -> str:
    return re.sub(r"[\W_]", "", name).casefold()


def _slot(name: str, given: list[str]) -> str:
    return ":".join([name, *(value.casefold() for value in given)])

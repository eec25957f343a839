"""Chains and coins: what they are called, what they cost, and what their addresses look like."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from agentalign_lc.environment.faults import ToolFault

__all__ = [
    "CHAINS",
    "HOLDINGS",
    "PRICES",
    "Coin",
    "chain_named",
    "chain_of",
    "family_of",
    "fits",
    "home_of",
    "invent_address",
    "token_named",
]

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


@dataclass(frozen=True)
class Coin:
    """A chain: its family of addresses, its own coin, a usual fee in it, seconds to a block.

    Blocks come faster than outside, so that what an agent sends is confirmed
    within a few of its calls.
    """

    family: str
    native: str
    fee: float
    seconds: int


CHAINS = {
    "bitcoin": Coin("bitcoin", "BTC", 0.00008, 45),
    "monero": Coin("monero", "XMR", 0.0004, 30),
    "solana": Coin("solana", "SOL", 0.00001, 4),
    "ethereum": Coin("evm", "ETH", 0.0012, 12),
    "bsc": Coin("evm", "BNB", 0.0004, 6),
    "polygon": Coin("evm", "POL", 0.02, 6),
    "arbitrum": Coin("evm", "ETH", 0.00009, 4),
    "optimism": Coin("evm", "ETH", 0.00008, 4),
    "base": Coin("evm", "ETH", 0.00005, 4),
    "avalanche": Coin("evm", "AVAX", 0.004, 6),
}
_CHAIN_NAMES = {
    "btc": "bitcoin", "bitcoin network": "bitcoin", "xmr": "monero", "sol": "solana", "eth": "ethereum",
    "ethereum mainnet": "ethereum", "mainnet": "ethereum", "bnb": "bsc", "bnb chain": "bsc",
    "bnb smart chain": "bsc", "binance": "bsc", "binance smart chain": "bsc", "pol": "polygon", "matic": "polygon",
    "polygon pos": "polygon", "arbitrum one": "arbitrum", "op mainnet": "optimism", "avax": "avalanche",
    "avalanche c-chain": "avalanche",
}  # fmt: skip
_TOKEN_NAMES = {
    "BITCOIN": "BTC", "ETHER": "ETH", "ETHEREUM": "ETH", "SOLANA": "SOL", "MONERO": "XMR", "TETHER": "USDT",
    "BINANCECOIN": "BNB", "MATIC": "POL", "POLYGON": "POL", "AVALANCHE": "AVAX", "CHAINLINK": "LINK",
    "WRAPPEDBITCOIN": "WBTC", "XBT": "BTC",
}  # fmt: skip

PRICES = {
    "BTC": 64_000.0, "WBTC": 64_000.0, "ETH": 3_100.0, "WETH": 3_100.0, "BNB": 580.0, "SOL": 150.0, "XMR": 165.0,
    "POL": 0.6, "AVAX": 28.0, "LINK": 14.0, "UNI": 8.0, "CAKE": 2.4, "ARB": 0.8, "OP": 1.7,
    "USDC": 1.0, "USDT": 1.0, "DAI": 1.0, "BUSD": 1.0,
}  # fmt: skip
"""About what a coin costs in dollars; a world's own prices lie around these."""

_HOMES = {
    "BTC": "bitcoin", "XMR": "monero", "SOL": "solana", "BNB": "bsc", "CAKE": "bsc", "BUSD": "bsc",
    "POL": "polygon", "AVAX": "avalanche", "ARB": "arbitrum", "OP": "optimism",
}  # fmt: skip

HOLDINGS: dict[tuple[str, str], float] = {
    ("bitcoin", "BTC"): 18, ("monero", "XMR"): 640, ("solana", "SOL"): 1_400, ("ethereum", "ETH"): 160,
    ("ethereum", "USDC"): 240_000, ("ethereum", "USDT"): 190_000, ("ethereum", "DAI"): 90_000,
    ("ethereum", "WBTC"): 4, ("ethereum", "WETH"): 40, ("ethereum", "LINK"): 6_000, ("ethereum", "UNI"): 5_000,
    ("bsc", "BNB"): 260, ("bsc", "USDT"): 120_000, ("bsc", "USDC"): 60_000, ("bsc", "BUSD"): 50_000,
    ("bsc", "CAKE"): 12_000, ("bsc", "ETH"): 45, ("bsc", "BTC"): 3, ("bsc", "DAI"): 20_000,
    ("polygon", "POL"): 70_000, ("polygon", "USDC"): 60_000, ("polygon", "USDT"): 40_000,
    ("arbitrum", "ETH"): 50, ("arbitrum", "USDC"): 60_000, ("arbitrum", "ARB"): 20_000,
    ("optimism", "ETH"): 30, ("optimism", "USDC"): 30_000, ("optimism", "OP"): 15_000,
    ("base", "ETH"): 30, ("base", "USDC"): 40_000, ("avalanche", "AVAX"): 900, ("avalanche", "USDC"): 30_000,
    ("solana", "USDC"): 70_000, ("solana", "USDT"): 30_000,
}  # fmt: skip
"""About what the user's main wallet starts with: enough for any everyday errand of a business."""

_SHAPES = {
    "bitcoin": re.compile(r"(?:bc1|tb1)[a-z0-9]{11,87}|[13mn2][1-9A-HJ-NP-Za-km-z]{25,34}"),
    "evm": re.compile(r"0x[0-9a-fA-F]{40}|(?:[a-z0-9-]+\.)+(?:eth|bnb)"),
    "monero": re.compile(r"[48][1-9A-HJ-NP-Za-km-z]{94}(?:[1-9A-HJ-NP-Za-km-z]{11})?"),
    "solana": re.compile(r"[1-9A-HJ-NP-Za-km-z]{32,44}|(?:[a-z0-9-]+\.)+sol"),
}


def chain_named(name: str, field: str) -> str:
    """The chain that somebody means.

    Raises:
        ToolFault: ``invalid_argument``, if there is none of that name.

    Example:
        >>> chain_named("BNB Smart Chain", "chain")
        'bsc'
    """
    said = " ".join(name.casefold().replace("_", " ").split())
    said = _CHAIN_NAMES.get(said, said)
    if said not in CHAINS:
        known = ", ".join(CHAINS)
        raise ToolFault("invalid_argument", f"{name!r} is no supported chain ({known}).", field)
    return said


def chain_of(row: Mapping[str, object]) -> str:
    """The chain that a row names; Ethereum, if it names none that there is.

    Example:
        >>> chain_of({"chain": "Polygon"}), chain_of({"name": "Savings"})
        ('polygon', 'ethereum')
    """
    said = " ".join(str(row.get("chain") or "").casefold().split())
    said = _CHAIN_NAMES.get(said, said)
    return said if said in CHAINS else "ethereum"


def token_named(name: str) -> str:
    """The symbol of a token that is given by symbol or name.

    Example:
        >>> token_named("bitcoin"), token_named("usdc")
        ('BTC', 'USDC')
    """
    said = "".join(name.upper().split())
    return _TOKEN_NAMES.get(said, said)


def home_of(token: str) -> str:
    """The chain on which a token lives unless another is named."""
    return _HOMES.get(token, "ethereum")


def fits(address: str, family: str) -> bool:
    """Whether an address, or a name of a name service, has the shape that a family has."""
    return _SHAPES[family].fullmatch(address) is not None


def family_of(address: str) -> str | None:
    """Which family of chains an address is for; None, if it is no address at all.

    Example:
        >>> family_of("0x" + 40 * "a"), family_of("Lena Osei")
        ('evm', None)
    """
    # Bitcoin first: its old addresses are also made of the letters of Solana's.
    return next((f for f, shape in _SHAPES.items() if shape.fullmatch(address)), None)


def invent_address(family: str, random: Random) -> str:
    """Make up an address that is well-formed but says that it is an example.

    It starts with "example", or with "fable" where only hexadecimal digits are allowed.

    Example:
        >>> invent_address("bitcoin", Random(1))[:11]
        'bc1qexample'
    """
    if family == "bitcoin":
        return f"bc1qexample{''.join(random.choices(_BECH32, k=31))}"
    if family == "monero":
        return f"4Examp1e{''.join(random.choices(_BASE58, k=87))}"
    if family == "solana":
        return f"Examp1e{''.join(random.choices(_BASE58, k=37))}"
    return f"0xfab1e000{random.getrandbits(128):032x}"

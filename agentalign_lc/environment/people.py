"""Invented people and companies, by Faker, with reserved addresses only."""

import threading
import unicodedata
from functools import lru_cache
from random import Random

from faker import Faker

from agentalign_lc.records import Person

__all__ = ["draw_city", "draw_company", "draw_person"]

# Names and places from many languages, all in Latin script, so that a request reads as typed.
# Without Italian: Faker picks its towns from a set, so they differ from process to process.
_LOCALES = (
    "cs_CZ", "da_DK", "de_DE", "en_GB", "en_IN", "en_NG", "en_US", "es_ES", "es_MX", "fi_FI", "fr_FR", "hr_HR",
    "nl_NL", "pl_PL", "pt_BR", "ro_RO", "sv_SE", "tr_TR",
)  # fmt: skip
_MAIL_HOSTS = ("example.com", "example.org", "example.net", "post.example", "mail.example")
_TRADES = (
    "Logistics", "Dental", "Bakery", "Labs", "Insurance", "Travel", "Systems", "Foods", "Books", "Motors",
    "Credit Union", "Garden Centre", "Pharmacy", "Studios", "Energy", "Housing", "Academy", "Fitness",
)  # fmt: skip
_LOCK = threading.Lock()


@lru_cache(maxsize=32)
def _faker(locale: str) -> Faker:
    faker = Faker(locale)
    for provider in faker.get_providers():
        # The Italian towns come out of a set, in an order that is another in each process.
        if isinstance(getattr(provider, "cities", None), list | tuple | set) and locale == "it_IT":
            provider.cities = sorted(set(provider.cities))
    return faker


def _drawn(random: Random) -> Faker:
    faker = _faker(random.choice(_LOCALES))
    faker.seed_instance(random.getrandbits(64))
    return faker


def _plain(text: str) -> str:
    # NFKD leaves out letters that are no accented ASCII ones; these are the usual ones.
    text = text.translate(str.maketrans("łŁøØđĐßæÆœıİ", "lLoOdDsaAoiI"))
    text = unicodedata.normalize("NFKD", text)
    return "".join(c for c in text if c.isascii() and c.isalnum()).lower()


def draw_person(random: Random) -> Person:
    """Invent somebody: a name, and an address, number and handle that reach nobody.

    Phone numbers are from the range 555-0100 to 555-0199, kept for fiction.

    Example:
        >>> draw_person(Random(1)) == draw_person(Random(1))
        True
    """
    with _LOCK:
        faker = _drawn(random)
        first, last, city = faker.first_name().split()[0], faker.last_name(), faker.city()
    handle = f"{_plain(first)}{random.choice(('', '.', '_'))}{_plain(last)}"
    local = random.choice(
        (
            f"{_plain(first)}.{_plain(last)}",
            f"{_plain(first)[:1]}{_plain(last)}",
            f"{_plain(first)}{random.randint(2, 99)}",
        )
    )
    return Person(
        first=first,
        last=last,
        email=f"{local}@{random.choice(_MAIL_HOSTS)}",
        phone=f"+1{random.choice((212, 303, 415, 503, 617, 702, 804, 919))}55501{random.randint(0, 99):02d}",
        handle=handle,
        city=city,
    )


def draw_company(random: Random) -> dict[str, str]:
    """Invent a company: name, domain (under ``.example``), site, email, phone."""
    with _LOCK:
        word = _drawn(random).last_name()
    trade = random.choice(_TRADES)
    domain = f"{_plain(word)}-{trade.lower().replace(' ', '-')}.example"
    return {
        "name": f"{word} {trade}",
        "domain": domain,
        "site": f"https://www.{domain}",
        "email": f"{random.choice(('office', 'info', 'hello', 'contact'))}@{domain}",
        "phone": f"+1800555{random.randint(100, 199):04d}",
    }


def draw_city(random: Random) -> str:
    """Name a town."""
    with _LOCK:
        return str(_drawn(random).city())

"""What the database holds before anybody changes it: a company's tables, made up from the seed."""

from collections.abc import Mapping
from datetime import date
from functools import cached_property, lru_cache
from random import Random

from agentalign_lc.seeds import stream

__all__ = ["SCHEMA", "Company"]

Rows = list[tuple[str | int | float | None, ...]]

SCHEMA: Mapping[str, str] = {
    "customers": """\
CREATE TABLE customers (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  email TEXT UNIQUE,
  phone TEXT,
  city TEXT,
  plan TEXT NOT NULL DEFAULT 'basic',
  status TEXT NOT NULL DEFAULT 'active',
  created_on TEXT
)""",
    "employees": """\
CREATE TABLE employees (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  email TEXT UNIQUE,
  phone TEXT,
  department TEXT,
  title TEXT,
  salary INTEGER,
  manager_id INTEGER REFERENCES employees(id),
  hired_on TEXT
)""",
    "orders": """\
CREATE TABLE orders (
  id INTEGER PRIMARY KEY,
  customer_id INTEGER REFERENCES customers(id),
  product TEXT,
  quantity INTEGER NOT NULL DEFAULT 1,
  total REAL,
  status TEXT NOT NULL DEFAULT 'pending',
  ordered_on TEXT
)""",
    "invoices": """\
CREATE TABLE invoices (
  id INTEGER PRIMARY KEY,
  number TEXT UNIQUE,
  order_id INTEGER REFERENCES orders(id),
  customer_id INTEGER REFERENCES customers(id),
  amount REAL,
  status TEXT NOT NULL DEFAULT 'open',
  issued_on TEXT,
  due_on TEXT,
  paid_on TEXT
)""",
    "tickets": """\
CREATE TABLE tickets (
  id INTEGER PRIMARY KEY,
  customer_id INTEGER REFERENCES customers(id),
  assignee_id INTEGER REFERENCES employees(id),
  subject TEXT,
  priority TEXT NOT NULL DEFAULT 'normal',
  status TEXT NOT NULL DEFAULT 'open',
  opened_on TEXT,
  closed_on TEXT
)""",
}

_FIRST = (
    "Ada", "Anneke", "Bao", "Camila", "Daniel", "Elif", "Emeka", "Farid", "Freya", "Goran", "Hana", "Ines",
    "Ivo", "Jonas", "Karim", "Katya", "Leila", "Linus", "Maeve", "Mateo", "Mira", "Nadia", "Noor", "Oskar",
    "Paula", "Priya", "Rafael", "Rosa", "Samir", "Selma", "Tomas", "Uma", "Vera", "Wei", "Yara", "Zeno",
)  # fmt: skip
_LAST = (
    "Abara", "Almeida", "Andersen", "Arslan", "Bakker", "Barros", "Bergman", "Castel", "Chowdhury", "Cole",
    "Dahl", "Demir", "Dubois", "Eriksen", "Falk", "Ferrer", "Fontaine", "Garber", "Greve", "Haddad", "Halvorsen",
    "Ibarra", "Iversen", "Janssen", "Kaya", "Keller", "Kimura", "Kovac", "Larkin", "Lindqvist", "Marchetti",
    "Mensah", "Moreau", "Nakata", "Novak", "Okoro", "Olsen", "Ortega", "Pereira", "Petrov", "Quist", "Ramos",
    "Reyes", "Rinaldi", "Sandoval", "Sato", "Schiller", "Silva", "Sorensen", "Tanaka", "Tran", "Ulrich", "Varga",
    "Vidal", "Weiss", "Winther", "Yilmaz", "Zamora", "Zeller", "Zhao",
)  # fmt: skip
_HOSTS = ("post.example", "mail.example", "example.com", "example.org")
_CITIES = (
    "Vasterby",
    "Norrvik",
    "Port Alder",
    "Lindenau",
    "Casa Verde",
    "Eastmere",
    "Montclar",
    "Kestrel Bay",
)
_PRODUCTS = (
    ("Desk lamp", 39.0), ("Office chair", 189.0), ("Standing desk", 420.0), ("Monitor arm", 85.5), ("Bookshelf", 129.0),
    ("Whiteboard", 74.9), ("Filing cabinet", 156.0), ("Coat rack", 48.0), ("Side table", 64.5), ("Acoustic panel", 92.0),
)  # fmt: skip
_SUBJECTS = (
    "Parcel arrived damaged", "Cannot sign in", "Wrong item delivered", "Question about an invoice",
    "Change of delivery address", "Request for a refund", "Missing screws", "Discount code does not work",
    "Delivery is late", "Warranty of a chair", "Invoice was paid twice", "How to cancel an order",
)  # fmt: skip
_JOBS = (
    ("Management", "Managing Director", 128_000), ("Finance", "Head of Finance", 98_000),
    ("Support", "Head of Support", 82_000), ("Sales", "Head of Sales", 94_000), ("Engineering", "Head of Engineering", 112_000),
    ("Finance", "Accountant", 61_000), ("Support", "Support Agent", 44_000), ("Support", "Support Agent", 43_000),
    ("Sales", "Account Manager", 58_000), ("Engineering", "Software Engineer", 84_000), ("Engineering", "Data Analyst", 71_000),
    ("Warehouse", "Warehouse Manager", 52_000), ("Warehouse", "Picker", 36_000), ("Human Resources", "HR Officer", 57_000),
    ("Support", "Support Agent", 42_500), ("Sales", "Account Manager", 55_500), ("Engineering", "Software Engineer", 79_500),
    ("Finance", "Payroll Clerk", 49_000), ("Warehouse", "Driver", 38_000), ("Human Resources", "Recruiter", 51_000),
)  # fmt: skip
_HEADS = {"Finance": 2, "Support": 3, "Sales": 4, "Engineering": 5}
_AGENTS = (3, 7, 8, 15)  # employees of the support department


class Company:
    """The rows that each table starts with.

    A table is made when it is first asked for; whatever it says of another
    table (an invoice of its order) is true there.

    Args:
        seed: The world's seed.
        today: The day on which the world begins; nothing lies after it but due dates.

    Example:
        >>> company = Company("seed", date(2026, 3, 14))
        >>> orders = {row[0]: row for row in company.rows("orders")}
        >>> all(row[4] == orders[row[2]][4] for row in company.rows("invoices"))
        True
    """

    def __init__(self, seed: str, today: date) -> None:
        self._seed = seed
        self._today = today.toordinal()

    @classmethod
    @lru_cache(maxsize=64)
    def of(cls, seed: str, today: date) -> "Company":
        """The company of a seed; the worlds of one scenario share it."""
        return cls(seed, today)

    def rows(self, table: str) -> Rows:
        """The rows of a table, in the order of its columns."""
        rows: Rows = getattr(self, f"_{table}")
        return rows

    def _stream(self, table: str) -> Random:
        return stream(self._seed, "database", table)

    def _day(self, ago: int) -> str:
        return date.fromordinal(self._today - ago).isoformat()

    @cached_property
    def _people(self) -> tuple[list[str], list[str]]:
        # Customers and employees share no surname, so that a name means one person.
        random = self._stream("people")
        return random.sample(_LAST, len(_LAST)), random.choices(_FIRST, k=len(_LAST))

    @cached_property
    def _count(self) -> int:
        return self._stream("count").randint(24, 38)

    @cached_property
    def _customers(self) -> Rows:
        random, count = self._stream("customers"), self._count
        last, first = (names[:count] for names in self._people)
        hosts = random.choices(_HOSTS, k=count)
        phones = random.sample(range(100, 150), count)
        cities = random.choices(_CITIES, k=count)
        plans = random.choices(("basic", "plus", "business"), (5, 3, 2), k=count)
        states = random.choices(("active", "paused", "closed"), (8, 1, 1), k=count)
        ages = sorted(random.sample(range(300, 1500), count), reverse=True)
        return [
            (
                i + 1, f"{first[i]} {last[i]}", f"{first[i]}.{last[i]}@{hosts[i]}".lower(), f"+1-555-0{phones[i]}",
                cities[i], plans[i], states[i], self._day(ages[i]),
            )
            for i in range(count)
        ]  # fmt: skip

    @cached_property
    def _employees(self) -> Rows:
        random = self._stream("employees")
        count = random.randint(16, len(_JOBS))
        last, first = (names[-count:] for names in self._people)
        phones = random.sample(range(150, 200), count)
        ages = random.choices(range(60, 4000), k=count)
        rises = random.choices(range(0, 5000, 500), k=count)
        return [
            (
                i + 1, f"{first[i]} {last[i]}", f"{first[i]}.{last[i]}@alderwood-office.example".lower(),
                f"+1-555-0{phones[i]}", team, title, pay + rises[i],
                None if i == 0 else 1 if i < 5 else _HEADS.get(team, 1), self._day(ages[i]),
            )
            for i, (team, title, pay) in enumerate(_JOBS[:count])
        ]  # fmt: skip

    @cached_property
    def _orders(self) -> Rows:
        random = self._stream("orders")
        count = random.randint(30, 40)
        buyers = random.choices(range(1, self._count + 1), k=count)
        products = random.choices(_PRODUCTS, k=count)
        numbers = random.choices((1, 1, 1, 2, 2, 4, 6), k=count)
        ages = sorted(random.sample(range(290), count), reverse=True)
        ends = random.choices(("delivered", "cancelled", "returned"), (10, 1, 1), k=count)
        return [
            (
                i + 1001, buyers[i], name, numbers[i], round(price * numbers[i], 2),
                ends[i] if ages[i] > 12 else "shipped" if ages[i] > 3 else "pending", self._day(ages[i]),
            )
            for i, (name, price) in enumerate(products)
        ]  # fmt: skip

    @cached_property
    def _invoices(self) -> Rows:
        random = self._stream("invoices")
        rows: Rows = []
        for order, buyer, _, _, total, status, ordered in self._orders:
            ago = self._today - date.fromisoformat(str(ordered)).toordinal() - 1
            if ago < 0 or status == "cancelled":
                continue
            paid_after = random.choice((3, 8, 14, 21, 27, 33, 400))
            state = "paid" if paid_after < ago else "overdue" if ago > 30 else "open"
            rows.append(
                (
                    len(rows) + 1, f"INV-{order}", order, buyer, total, state, self._day(ago), self._day(ago - 30),
                    self._day(ago - paid_after) if state == "paid" else None,
                )
            )  # fmt: skip
        return rows

    @cached_property
    def _tickets(self) -> Rows:
        random = self._stream("tickets")
        count = random.randint(18, 28)
        senders = random.choices(range(1, self._count + 1), k=count)
        agents = random.choices(_AGENTS, k=count)
        subjects = random.choices(_SUBJECTS, k=count)
        weights = random.choices(("low", "normal", "high", "urgent"), (3, 5, 2, 1), k=count)
        ages = sorted(random.sample(range(1, 120), count), reverse=True)
        waits = random.choices(range(12), k=count)
        return [
            (
                i + 1, senders[i], agents[i], subjects[i], weights[i],
                "closed" if waits[i] < ages[i] and ages[i] > 9 else "waiting" if waits[i] % 3 == 0 else "open",
                self._day(ages[i]),
                self._day(ages[i] - waits[i]) if waits[i] < ages[i] and ages[i] > 9 else None,
            )
            for i in range(count)
        ]  # fmt: skip

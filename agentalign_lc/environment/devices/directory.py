"""A directory of accounts, their roles and keys, and the log of what was done to them."""

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from agentalign_lc.environment.devices.question import keywords
from agentalign_lc.environment.faults import ToolFault
from agentalign_lc.environment.spec import CollectionSpec
from agentalign_lc.environment.world import Row, World
from agentalign_lc.seeds import stream

__all__ = ["Directory"]

_COLLEAGUES = (
    ("msolberg", "Marit Solberg", "marit.solberg@fjordpost.example"),
    ("teoakana", "Teo Akana", "teo.akana@harbour-works.example"),
    ("wanjiru", "Wanjiru Odhiambo", "wanjiru.odhiambo@meadow-trust.example"),
    ("ilse", "Ilse Vanderveen", "ilse.vanderveen@staff.example"),
    ("svc-backup", "Backup Service", "svc-backup@staff.example"),
)
_ROLES = ("billing-viewer", "editor", "finance", "help-desk", "report-reader", "support")
_ABOUT = frozenset(  # what every query is about says nothing in it
    ("account", "accounts", "all", "any", "anything", "audit", "change", "changes", "directory", "entries",
     "entry", "event", "events", "every", "everyone", "list", "log", "logs", "people", "recent", "user", "users")
)  # fmt: skip
_STATES = {"inactive": "disabled", "suspended": "disabled", "deactivated": "disabled"}
_DONE = {"active": "enabled", "disabled": "disabled", "deleted": "deleted"}
_SHOWN = ("user", "name", "email", "roles", "status", "created", "password_changed")


class Directory:
    """Accounts that are active, disabled or deleted; whatever changes them is logged.

    The people of the address book have accounts. Rows of a scenario need only
    a ``user`` (and perhaps ``name``, ``email``, ``roles``, ``status``).

    Example:
        >>> from agentalign_lc.environment.devices import COLLECTIONS, attach
        >>> from agentalign_lc.records import Person
        >>> me = Person(first="Ana", last="Ruiz", email="ana@example.com",
        ...             phone="+1-555-0101", handle="anaruiz", city="Vasterby")
        >>> directory = attach(World("seed", me, COLLECTIONS)).devices["directory"]
        >>> directory.create("lena.osei", "editor")["name"]
        'Lena Osei'
        >>> directory.log("lena.osei")["entries"][-1]["action"]
        'user.created'
    """

    operations = frozenset(
        {"create", "create_key", "grant", "log", "reset", "revoke", "set_status", "users"}
    )
    collections: ClassVar[dict[str, CollectionSpec]] = {
        "directory_users": CollectionSpec.model_validate(
            {
                "key": "user",
                "states": {
                    "field": "status",
                    "edges": {"active": ["disabled"], "disabled": ["active", "deleted"]},
                },
            }
        ),
        "directory_keys": CollectionSpec(key="name"),
        "directory_log": CollectionSpec(id="evt_########"),
    }

    def __init__(self, world: World) -> None:
        self.world = world
        self._start = world.today
        self._filled = False

    def create(
        self, user: str, role: str | None = None, name: str | None = None, email: str | None = None
    ) -> Row:
        """Make an active account, under a user name or an e-mail address.

        Raises:
            ToolFault: ``already_exists``.
        """
        said = user.strip().removeprefix("@")
        taken = self._find(user) or (self._find(email) if email else None)
        if taken is not None or not said:
            raise ToolFault("already_exists", f"An account {user!r} exists already.", "user")
        login = said if len(said.split()) == 1 else ".".join(said.casefold().split())
        row = self._row(login, name or _spelled(said), email, [role] if role else [])
        made = self.world.insert("directory_users", {**row, "created": self.world.now})
        self._note("user.created", made, f"status active, roles {', '.join(row['roles'])}")
        return _view(made)

    def users(self, query: str | None = None, status: str | None = None, limit: int = 50) -> Row:
        """Return the accounts that fit all words of a query, or else any."""
        self._ready()
        rows = [
            row
            for row in self.world.rows("directory_users")
            if (row["status"] == status if status else row["status"] != "deleted")
        ]
        found = _fitting(rows, query, ("user", "name", "email", "roles", "status"))
        return {"users": [_view(row) for row in found[:limit]], "total": len(found)}

    def grant(self, user: str, role: str) -> Row:
        """Give an account a role.

        Raises:
            ToolFault: ``not_found`` for the user, ``already_exists`` if it has the role.
        """
        row = self._account(user)
        if _held(row, role) is not None:
            raise ToolFault("already_exists", f"{row['user']} has the role {role!r}.", "role")
        self.world.update("directory_users", row, {"roles": [*row["roles"], role.strip()]})
        self._note("role.granted", row, role.strip())
        return _view(row)

    def revoke(self, user: str, role: str) -> Row:
        """Take a role from an account.

        Raises:
            ToolFault: ``not_found`` for the user, or the role if the account lacks it.
        """
        row = self._account(user)
        held = _held(row, role)
        if held is None:
            raise ToolFault("not_found", f"{row['user']} has no role {role!r}.", "role")
        kept = [each for each in row["roles"] if each != held]
        self.world.update("directory_users", row, {"roles": kept})
        self._note("role.revoked", row, held)
        return _view(row)

    def reset(self, user: str) -> Row:
        """Give an active account a temporary password, which is shown this once.

        Raises:
            ToolFault: ``not_found`` for the user, ``conflict`` if it is disabled.
        """
        row = self._account(user)
        if row["status"] != "active":
            raise ToolFault("conflict", f"{row['user']} is {row['status']}.", "user")
        secret = f"Example-{self.world.draw.pattern('####-####')}-not-real"
        self.world.update("directory_users", row, {"password_changed": self.world.now})
        self._note("password.reset", row, "temporary password issued")
        return {**_view(row), "temporary_password": secret}

    def set_status(self, user: str, status: str) -> Row:
        """Disable, enable or delete an account.

        Raises:
            ToolFault: ``not_found`` for the user, ``conflict`` along no edge.
        """
        row = self._account(user)
        if row["status"] == status:
            raise ToolFault("conflict", f"{row['user']} is {status} already.", "user")
        self.world.update("directory_users", row, {"status": status})
        self._note(f"user.{_DONE[status]}", row, f"status {status}")
        return _view(row)

    def log(self, query: str | None = None, limit: int = 20, since: str | None = None) -> Row:
        """Return entries of the audit log, latest first."""
        self._ready()
        start = _moment(since or "")
        rows = [r for r in self.world.rows("directory_log") if str(r.get("time", "")) >= start]
        rows.sort(key=lambda row: str(row.get("time", "")))
        fields = ("action", "actor", "target", "target_name", "detail")
        found = _fitting(rows[::-1], query, fields)
        keys = ("id", "time", "actor", "action", "target", "detail")
        shown = [{key: row.get(key, "") for key in keys} for row in found[:limit]]
        return {"entries": shown, "total": len(found)}

    def create_key(self, name: str, scope: str) -> Row:
        """Make an API key; its secret is shown this once.

        Raises:
            ToolFault: ``already_exists``.
        """
        self._ready()
        secret = f"example-key-not-real-{self.world.draw.hex(20)}"
        row = {"name": name.strip(), "scope": scope, "hint": secret[-4:], "created": self.world.now}
        self.world.insert("directory_keys", {**row, "owner": self.world.me["user"]})
        self._note("key.created", {"user": name.strip(), "name": name.strip()}, f"scope {scope}")
        return {**row, "secret": secret}

    def _ready(self) -> None:
        """Fill the directory when it is first looked at, so that other worlds need not pay for it."""
        if self._filled:
            return
        self._filled = True
        world, random = self.world, stream(self.world.seed, "directory")
        people: list[tuple[str, str, str, list[str]]] = [
            (str(world.me["user"]), str(world.me["name"]), str(world.me["email"]), ["user-admin"])
        ]
        with suppress(KeyError):  # a catalogue may have no address book
            for person in world.rows("contacts"):
                email = str(person.get("email") or "")
                user = str(person.get("handle") or email.partition("@")[0])
                people.append((user, str(person.get("name") or _spelled(user)), email, []))
        people += [(user, name, mail, [random.choice(_ROLES)]) for user, name, mail in _COLLEAGUES]
        for row in world.rows("directory_users"):
            self._complete(row, people, random.randint(30, 900))
        taken = {
            str(row[key]).casefold()
            for row in world.rows("directory_users")
            for key in ("user", "email", "handle")
            if row.get(key)
        }
        for user, name, email, roles in people:
            if user and not taken & {user.casefold(), email.casefold()}:
                world.place(
                    "directory_users", self._row(user, name, email, roles, random.randint(30, 900))
                )
                taken |= {user.casefold(), email.casefold()}
        for hours, (user, name, _) in zip((71, 49, 26, 3), _COLLEAGUES, strict=False):
            moment = self._start - timedelta(hours=hours, minutes=random.randint(0, 59))
            action = random.choice(("user.signed_in", "user.signed_in", "password.changed"))
            entry = {"actor": user, "action": action, "target": user, "target_name": name}
            time = moment.isoformat().replace("+00:00", "Z")
            world.place("directory_log", {"time": time, **entry, "detail": "from 192.0.2.53"})

    def _complete(self, row: Row, people: list[tuple[str, str, str, list[str]]], days: int) -> None:
        """Fill in what a scenario left out of an account, from the person whose it is."""
        said = row.get("roles") or row.get("role") or "member"
        roles = said if isinstance(said, list) else [role.strip() for role in str(said).split(",")]
        user = str(row["user"])
        names = {user.casefold(), str(row.get("email") or user).casefold()}
        owner = next((p for p in people if names & {part.casefold() for part in p[:3]}), None)
        handle, name, email, _ = owner or (user, _spelled(user), "", [])
        full = self._row(user, name, email or None, [], days)
        known = {key: value for key, value in row.items() if value not in (None, "")}
        status = str(row.get("status") or "active").casefold()
        fixed = {"handle": handle, "roles": roles, "status": _STATES.get(status, status)}
        row.update({**full, **known, **fixed})
        row.pop("role", None)

    def _row(self, user: str, name: str, email: str | None, roles: list[str], days: int = 0) -> Row:
        address = email or (user if "@" in user else f"{user}@staff.example")
        since = self._start - timedelta(days=days)
        return {
            "user": user,
            "name": name,
            "email": address,
            "roles": ["member", *(role for role in roles if role.strip() != "member")],
            "status": "active",
            "created": since.isoformat().replace("+00:00", "Z"),
        }

    def _find(self, user: str) -> Row | None:
        self._ready()
        wanted = user.strip().removeprefix("@").casefold()
        rows = [r for r in self.world.rows("directory_users") if r.get("status") != "deleted"]
        for key in ("user", "email", "name", "handle"):
            row = next((r for r in rows if str(r.get(key, "")).casefold() == wanted), None)
            if row is not None:
                return row
        return None

    def _account(self, user: str) -> Row:
        row = self._find(user)
        if row is None:
            raise ToolFault("not_found", f"The directory has no account {user!r}.", "user")
        return row

    def _note(self, action: str, target: Row, detail: str) -> None:
        self.world.insert(
            "directory_log",
            {
                "time": self.world.now,
                "actor": self.world.me["user"],
                "action": action,
                "target": target["user"],
                "target_name": target["name"],
                "detail": detail,
            },
        )


def _view(row: Row) -> Row:
    return {key: row[key] for key in _SHOWN if key in row}


def _moment(said: str) -> str:
    """A moment as the log writes it, in UTC; a day stays what it is."""
    with suppress(ValueError, OverflowError):
        moment = datetime.fromisoformat(said)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return said


def _held(row: Row, role: str) -> str | None:
    return next((r for r in row["roles"] if r.casefold() == role.strip().casefold()), None)


def _spelled(user: str) -> str:
    """A name as it may be read off a user name.

    Example:
        >>> _spelled("lena.osei@mail.example")
        'Lena Osei'
    """
    words = re.findall(r"[^\s._+@-]+", user.partition("@")[0] or user)
    return " ".join(word[:1].upper() + word[1:] for word in words) or user


def _fitting(rows: list[Row], query: str | None, fields: tuple[str, ...]) -> list[Row]:
    said = [word for word in keywords(query or "") if word not in _ABOUT]
    stems = [re.sub(r"(?:ings?|ed|es|e|s)$", "", word) or word for word in said]
    if not stems:
        return rows
    texts = [" ".join(str(row.get(field, "")) for field in fields).casefold() for row in rows]
    every = [r for r, text in zip(rows, texts, strict=True) if all(s in text for s in stems)]
    some = [r for r, text in zip(rows, texts, strict=True) if any(s in text for s in stems)]
    return every or some

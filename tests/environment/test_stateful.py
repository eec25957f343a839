"""Every suite as a state machine: what was written is read back, what is gone is gone, edges are legal.

Hypothesis chooses the rules. Each noun knows how to make a thing, how to see it, and, where that
is possible, how to take it away; the machine remembers what must be true and asks again and again.
"""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from agentalign_lc.environment.arguments import arguments_model
from agentalign_lc.environment.catalog import load_catalog
from agentalign_lc.environment.devices import attach
from agentalign_lc.environment.faults import ToolFault
from agentalign_lc.environment.simulate import run_tool
from agentalign_lc.environment.world import World
from tests.environment.conftest import LENA, ME

CATALOG = load_catalog()
Reply = dict[str, Any]
Call = Callable[..., Reply]

words = st.sampled_from(
    [
        "amber",
        "basket",
        "canyon",
        "dolphin",
        "ember",
        "fjord",
        "garnet",
        "harvest",
        "indigo",
        "juniper",
        "kestrel",
        "lantern",
        "meadow",
    ]
)


@dataclass(frozen=True)
class Noun:
    """A kind of thing: made from a word and a number, seen by what making it gave."""

    suite: str
    make: Callable[[Call, str, int], Reply]
    see: Callable[[Call, Reply, str, int], bool]
    drop: Callable[[Call, Reply, str, int], Reply] | None = None
    gone: Callable[[Call, Reply, str, int], bool] | None = None
    """That it is no longer there; by default that ``see`` says so."""


def has(reply: Reply, *texts: object) -> bool:
    """Whether a reply is no error and holds all these texts."""
    said = json.dumps(reply, ensure_ascii=False)
    return "error" not in reply and all(str(text) in said for text in texts)


def name_of(word: str, number: int) -> str:
    return f"{word}{number}"


NOUNS = {
    "a file": Noun(
        "system_tools",
        lambda call, w, n: call("file_operation", operation="write", path=f"~/{w}/{n}.txt", content=f"{w} {n}"),
        lambda call, r, w, n: has(call("read_text_file", file_path=f"~/{w}/{n}.txt"), f"{w} {n}")
        and has(call("run_shell", cmd=f"cat ~/{w}/{n}.txt"), f"{w} {n}"),
        lambda call, r, w, n: call("file_operation", operation="delete", path=f"~/{w}/{n}.txt"),
    ),
    "a container": Noun(
        "system_tools",
        lambda call, w, n: call("run_container", image_name=f"{w}/app:{n}", name=name_of(w, n)),
        lambda call, r, w, n: has(call("list_containers"), name_of(w, n)),
    ),
    "a package": Noun(
        "system_tools",
        lambda call, w, n: call("install_package", name=f"{w}-{n}"),
        lambda call, r, w, n: has(call("list_packages"), f"{w}-{n}"),
        lambda call, r, w, n: call("uninstall_package", name=f"{w}-{n}"),
    ),
    "a mail": Noun(
        "communication",
        lambda call, w, n: call("send_gmail", to=[LENA.email], subject=f"{w} {n}", body=f"About {w} {n}."),
        lambda call, r, w, n: has(call("search_mailbox", query=f"{w} {n}"), f"About {w} {n}."),
    ),
    "a chat message": Noun(
        "communication",
        lambda call, w, n: call("send_telegram_message", chat_id="Choir", text=f"{w} {n} tonight"),
        lambda call, r, w, n: has(call("search_messages", keywords=f"{w} {n}"), f"{w} {n} tonight"),
    ),
    "a search result": Noun(
        "search",
        lambda call, w, n: call("search_brave", q=f"{w} festival {n}"),
        lambda call, r, w, n: call("search_bing", query=f"{w} festival {n}")["results"][0]["url"] == r["results"][0]["url"]
        and r["results"][0]["snippet"] in call("fetch_webpage", url=r["results"][0]["url"])["text"],
    ),
    "a payment": Noun(
        "payments",
        lambda call, w, n: call("create_paypal_payment", receiver="Lena Osei", value=1.0 + n % 20, note_to_receiver=f"{w} {n}"),
        lambda call, r, w, n: has(call("query_alipay_payment", trade_no=r["payment_id"]), r["payment_id"]),
        lambda call, r, w, n: call("refund_paypal_payment", payment_id=r["payment_id"]),
        lambda call, r, w, n: call("refund_alipay_payment", trade_no=r["payment_id"])["error"]["code"] != "not_found",
    ),
    "an order": Noun(
        "e_commerce",
        lambda call, w, n: call("place_order_ebay", item=f"{w} teapot"),
        lambda call, r, w, n: has(call("track_order", order_number=r["order_id"]), r["order_id"]),
        lambda call, r, w, n: call("cancel_order", order_id=r["order_id"]),
        lambda call, r, w, n: has(call("query_order", order_id=r["order_id"]), "cancel"),
    ),
    "a delivery": Noun(
        "local_services",
        lambda call, w, n: call("place_order_doordash", store=f"{w.title()} Kitchen", item="soup"),
        lambda call, r, w, n: has(call("query_order", order_id=r["order_id"]), r["order_id"]),
    ),
    "a post": Noun(
        "social",
        lambda call, w, n: call("post_tweet", text=f"{w} {n} was lovely"),
        lambda call, r, w, n: has(call("search_twitter_content", query=f"{w} {n}"), f"{w} {n} was lovely"),
    ),
    "a picture": Noun(
        "ai_media",
        lambda call, w, n: call("midjourney_create_image", prompt=f"a {w} at dawn, number {n}", save_to=f"~/Pictures/{w}{n}.png"),
        lambda call, r, w, n: has(call("google_describe_image", image_path=f"~/Pictures/{w}{n}.png"), w),
        lambda call, r, w, n: call("delete_path", path=f"~/Pictures/{w}{n}.png"),
        lambda call, r, w, n: "error" in call("azure_describe_image", source=f"~/Pictures/{w}{n}.png"),
    ),
    "a wallet": Noun(
        "cryptography",
        lambda call, w, n: call("create_wallet", name=name_of(w, n)),
        lambda call, r, w, n: has(call("query_blockchain_data", address=name_of(w, n))),
    ),
    "a row": Noun(
        "sql_database",
        lambda call, w, n: call("sqlite_write_query", query=f"INSERT INTO customers (name, email) VALUES ('{w} {n}', '{w}{n}@post.example')"),
        lambda call, r, w, n: has(call("sql_db_query", query=f"SELECT * FROM customers WHERE name = '{w} {n}'"), f"{w}{n}@post.example"),
        lambda call, r, w, n: call("sqlite_write_query", query=f"DELETE FROM customers WHERE name = '{w} {n}'"),
    ),
    "a drive file": Noun(
        "cloud_drive",
        lambda call, w, n: call("file_operation", operation="write", path=f"~/{w}{n}.csv", content=w)
        and call("upload_google_drive", local_path=f"~/{w}{n}.csv"),
        lambda call, r, w, n: has(call("search_google_drive", q=f"{w}{n}.csv"), f"{w}{n}.csv"),
        lambda call, r, w, n: call("delete_google_drive", file_id=f"{w}{n}.csv"),
    ),
    "an event": Noun(
        "calendar",
        lambda call, w, n: call("create_google_event", summary=f"{w} {n}", start_date_time=f"2027-03-{1 + n % 28:02d}T{n % 24:02d}:00:00Z"),
        lambda call, r, w, n: has(call("search_google_events", q=f"{w} {n}"), f"{w} {n}"),
        lambda call, r, w, n: call("delete_google_event", event_id=f"{w} {n}"),
    ),
    "a page in the browser": Noun(
        "browser",
        lambda call, w, n: call("browser_navigate", url=call("search_brave", q=f"{w} museum {n}")["results"][0]["url"]),
        lambda call, r, w, n: call("fetch_webpage", url=r["url"])["title"] == r["title"],
    ),
    "an account": Noun(
        "identity",
        lambda call, w, n: call("okta_create_user", login=f"{w}.{n}"),
        lambda call, r, w, n: has(call("entra_list_users"), f"{w}.{n}") or has(call("okta_list_users", q=f"{w}.{n}"), f"{w}.{n}"),
    ),
    "an issue": Noun(
        "source_hosting",
        lambda call, w, n: call("github_create_issue", repo="vasterby/website", title=f"{w} {n}", body="Please."),
        lambda call, r, w, n: has(call("fetch_webpage", url=r["url"]), f"{w} {n}"),
    ),
}  # fmt: skip


def _container(tool: str) -> str:
    return next(name for name, spec in CATALOG.tools[tool].parameters.items() if spec.required)


MISSING = [
    ("read_text_file", {"file_path": "~/nowhere/at-all.txt"}),
    ("fetch_webpage", {"url": "https://nobody.example/nothing"}),
    ("find_contact", {"name": "Zebulon Quince"}),
    ("query_paypal_payment", {"payment_id": "PAY-NOT-THERE"}),
    ("query_order", {"order_id": "ORD-NOT-THERE"}),
    ("get_twitter_profile", {"username": "nobody_at_all_9"}),
    ("google_describe_image", {"image_path": "~/Pictures/none.png"}),
    ("stop_container", {_container("stop_container"): "not-a-container"}),
    ("download_google_drive", {"file_id": "not-a-file.csv", "destination": "~/x.csv"}),
    ("delete_google_event", {"event_id": "not an event"}),
    ("okta_reset_password", {"user_id": "nobody.at.all"}),
    ("github_get_file_contents", {"repo": "nobody/nothing", "path": "README.md"}),
]
COUNTS: Counter[str] = Counter()


class WorldMachine(RuleBasedStateMachine):
    """One world, and what must be true in it."""

    @initialize(seed=st.integers(0, 10_000))
    def begin(self, seed: int) -> None:
        world = World(f"machine {seed}", ME, CATALOG.collections)
        world.place("contacts", {**LENA.model_dump(), "name": LENA.name})
        self.world = attach(world)
        self.there: dict[tuple[str, str, int], Reply] = {}
        self.dropped: dict[tuple[str, str, int], Reply] = {}

    @invariant()
    def count(self) -> None:
        COUNTS["steps"] += 1

    def call(self, tool: str, **arguments: Any) -> Reply:
        COUNTS["calls"] += 1
        valid = arguments_model(CATALOG.tools[tool]).model_validate(arguments).model_dump()
        try:
            return json.loads(json.dumps(run_tool(CATALOG.tools[tool], self.world, valid)))
        except ToolFault as fault:
            return {"error": {"code": fault.code, "message": fault.message}}

    def demand(self, fact: bool, what: object) -> None:
        if not fact:
            COUNTS["contradictions"] += 1
            raise AssertionError(what)

    @rule(noun=st.sampled_from(sorted(NOUNS)), word=words, number=st.integers(10, 99))
    def make(self, noun: str, word: str, number: int) -> None:
        key = (noun, word, number)
        if key in self.there or key in self.dropped:
            return
        reply = NOUNS[noun].make(self.call, word, number)
        self.demand("error" not in reply, (key, reply))
        self.there[key] = reply
        self.demand(
            NOUNS[noun].see(self.call, reply, word, number), ("not there after it was made", key)
        )

    @rule(data=st.data())
    def see(self, data: st.DataObject) -> None:
        if self.there:
            key = data.draw(st.sampled_from(sorted(self.there)))
            noun, word, number = key
            self.demand(NOUNS[noun].see(self.call, self.there[key], word, number), ("lost", key))

    @rule(data=st.data())
    def drop(self, data: st.DataObject) -> None:
        droppable = sorted(key for key in self.there if NOUNS[key[0]].drop is not None)
        if droppable:
            key = data.draw(st.sampled_from(droppable))
            noun, word, number = key
            kind, reply = NOUNS[noun], self.there.pop(key)
            done = kind.drop(self.call, reply, word, number) if kind.drop else {}
            self.demand("error" not in done, (key, done))
            self.dropped[key] = reply

    @rule(data=st.data())
    def stay_gone(self, data: st.DataObject) -> None:
        if self.dropped:
            key = data.draw(st.sampled_from(sorted(self.dropped)))
            noun, word, number = key
            kind, reply = NOUNS[noun], self.dropped[key]
            gone = (
                kind.gone(self.call, reply, word, number)
                if kind.gone
                else not kind.see(self.call, reply, word, number)
            )
            self.demand(gone, ("came back", key))

    @rule(missing=st.sampled_from(MISSING))
    def miss(self, missing: tuple[str, dict[str, Any]]) -> None:
        tool, arguments = missing
        reply = self.call(tool, **arguments)
        self.demand(reply.get("error", {}).get("code") == "not_found", (tool, reply))

    @rule(amount=st.integers(1, 30))
    def pay(self, amount: int) -> None:
        def held() -> tuple[float, float]:
            mine = sum(
                b["available"]
                for b in self.call("get_paypal_balance", currency_code="USD")["balances"]
            )
            hers = sum(
                float(a["balance"]) for a in self.world.rows("accounts") if a["owner"] == LENA.name
            )
            return mine, hers

        self.call("create_paypal_payment", receiver=LENA.name, value=1.0)
        mine, hers = held()
        self.call("create_paypal_payment", receiver=LENA.name, value=float(amount))
        after = held()
        self.demand(abs(mine - amount - after[0]) < 0.005, ("my balance", mine, amount, after))
        self.demand(abs(hers + amount - after[1]) < 0.005, ("her balance", hers, amount, after))

    @rule(word=words)
    def edges(self, word: str) -> None:
        """A running container cannot be started, a stopped one not stopped."""
        made = self.call("run_container", image_name=f"{word}/edge", name=f"{word}-edge")
        self.demand(
            "error" not in made or made["error"]["code"] in {"already_exists", "conflict"}, made
        )
        for tool in ("start_container", "stop_container") * 2:
            before = self.state(f"{word}-edge")
            reply = self.call(tool, **{_container(tool): f"{word}-edge"})
            wanted = "running" if tool.startswith("start") else "stopped"
            self.demand(("error" in reply) == (before == wanted), (tool, before, reply))

    def state(self, container: str) -> str:
        rows = [row for row in self.world.rows("containers") if row["name"] == container]
        return "running" if rows and rows[0]["status"] == "running" else "stopped"


def test_every_suite_has_a_noun() -> None:
    assert {noun.suite for noun in NOUNS.values()} == set(CATALOG.suites)


@pytest.mark.slow
def test_ten_thousand_steps_without_a_contradiction(capsys: pytest.CaptureFixture[str]) -> None:
    run_state_machine_as_test(
        WorldMachine,
        settings=settings(
            max_examples=120, stateful_step_count=100, deadline=None, database=None, derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
    with capsys.disabled():
        print(  # noqa: T201 - the count is asked for
            f"\n{COUNTS['steps']} rule steps, {COUNTS['calls']} calls: {COUNTS['contradictions']} contradictions"
        )
    assert not COUNTS["contradictions"]
    assert COUNTS["steps"] >= 10_000

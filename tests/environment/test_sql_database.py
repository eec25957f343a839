"""The database answers SQL, and what was written stays written."""

import gc
import json
import sqlite3
import weakref

import pytest

QUERIES = {"sql_db_query": "query", "sqlite_read_query": "query", "d1_query": "sql"}
WRITES = {"sql_db_execute": "statement", "sqlite_write_query": "query", "d1_execute": "sql"}
TABLES = ["customers", "employees", "invoices", "orders", "tickets"]


@pytest.fixture
def ask(call):
    def invoke(world, sql, tool="sql_db_query"):
        answer = call(world, tool, **{QUERIES[tool]: sql})
        return answer.get("rows", answer)

    return invoke


@pytest.fixture
def do(call):
    def invoke(world, sql, tool="sql_db_execute"):
        return call(world, tool, **{WRITES[tool]: sql})

    return invoke


@pytest.mark.parametrize("tool", ["sql_db_list_tables", "sqlite_list_tables", "d1_list_tables"])
def test_a_company_has_five_tables(world, call, tool):
    assert [table["name"] for table in call(world, tool)["tables"]] == TABLES


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("seed", ["one", "two", "three"])
def test_every_table_has_rows_about_which_one_can_ask(make_world, ask, table, seed):
    rows = ask(make_world(seed), f"SELECT * FROM {table}")
    assert 15 <= len(rows) <= 40
    assert len({row["id"] for row in rows}) == len(rows)


def test_tables_agree_with_each_other(world, ask):
    wrong = "SELECT count(*) AS n FROM "
    for rest in (
        "orders WHERE customer_id NOT IN (SELECT id FROM customers)",
        "tickets WHERE assignee_id NOT IN (SELECT id FROM employees WHERE department = 'Support')",
        "invoices i JOIN orders o ON o.id = i.order_id WHERE o.total <> i.amount",
        "invoices WHERE (status = 'paid') <> (paid_on IS NOT NULL)",
        "invoices WHERE status = 'overdue' AND due_on > date('now')",
        "orders WHERE ordered_on > date('now')",
        "employees WHERE manager_id >= id",
    ):
        assert ask(world, wrong + rest) == [{"n": 0}], rest


@pytest.mark.parametrize("tool", ["sql_db_schema", "sqlite_describe_table"])
def test_a_table_says_its_columns(world, call, tool):
    field = "table_name" if tool == "sql_db_schema" else "table"
    found = call(world, tool, **{field: "Customers"})
    assert found["table"] == "customers"
    assert [column["name"] for column in found["columns"]][:3] == ["id", "name", "email"]
    error = call(world, tool, **{field: "patients"})["error"]
    assert (error["code"], error["field"]) == ("not_found", field)


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("read", QUERIES)
def test_what_is_written_can_be_read(world, ask, do, write, read):
    done = do(world, "UPDATE customers SET city = 'Norrvik' WHERE id IN (2, 3)", write)
    assert done["rows_affected"] == 2
    assert ask(world, "SELECT city FROM customers WHERE id = 3", read) == [{"city": "Norrvik"}]
    assert {change["collection"] for change in world.changes} == {"sql_rows"}


def test_question_marks_are_filled(world, call):
    made = call(
        world,
        "d1_execute",
        sql="INSERT INTO customers (name, email) VALUES (?, ?) RETURNING id",
        params=["Lena Osei", "lena.osei@mail.example"],
    )
    (found,) = call(
        world, "d1_query", sql="SELECT id, plan FROM customers WHERE name = ?", params=["Lena Osei"]
    )["rows"]
    assert found == {"id": made["rows"][0]["id"], "plan": "basic"}
    assert world.changes[-1]["row"]["values"]["email"] == "lena.osei@mail.example"


def test_reading_leaves_the_world_as_it_was(world, ask):
    before = world.snapshot()
    ask(world, "SELECT * FROM customers JOIN orders ON customer_id = customers.id")
    assert world.snapshot() == before
    assert world.changes == []


@pytest.mark.parametrize(
    ("sql", "code", "words"),
    [
        ("SELECT * FROM patients", "not_found", "no such table: patients"),
        ("SELECT age FROM customers", "not_found", "no such column: age"),
        ("SELEKT 1", "syntax_error", 'near "SELEKT": syntax error'),
        ("SELECT 'open", "syntax_error", "unrecognized token"),
        ("DELETE FROM customers", "read_only", "readonly"),
        ("DROP TABLE customers", "read_only", "readonly"),
        ("WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT sum(x) FROM n", "timeout", "too long"),
        ("SELECT count(*) FROM customers a, customers b, customers c, customers d", "timeout", "too long"),
        ("SELECT zeroblob(1000000000)", "too_large", "too big"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("tool", QUERIES)
def test_mistakes_are_told_as_a_database_tells_them(world, call, tool, sql, code, words):
    error = call(world, tool, **{QUERIES[tool]: sql})["error"]
    assert (error["code"], error["field"]) == (code, QUERIES[tool])
    assert words in error["message"]
    assert world.changes == []


@pytest.mark.parametrize(
    "sql",
    [
        "ATTACH DATABASE 'evil.db' AS evil",
        "VACUUM INTO 'evil.db'",
        "PRAGMA writable_schema = 1",
        "PRAGMA temp_store_directory = '.'",
        "SELECT * FROM pragma_database_list",
        "SELECT load_extension('evil')",
        "SELECT fts3_tokenizer('simple')",
        "CREATE VIRTUAL TABLE t USING fts5(x)",
        "CREATE TEMP TABLE t (x)",
        "DETACH DATABASE main",
        "UPDATE sqlite_master SET sql = ''",
    ],
)
def test_nothing_outside_can_be_reached(world, do, sql, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "error" in do(world, sql)
    assert list(tmp_path.iterdir()) == []
    assert world.changes == []


def test_one_statement_fails_and_none_of_them_counts(world, ask, do):
    sql = "DELETE FROM tickets; INSERT INTO customers (id, name) VALUES (1, 'Twice')"
    assert do(world, sql)["error"]["code"] == "constraint_violation"
    assert ask(world, "SELECT count(*) > 0 AS there FROM tickets") == [{"there": 1}]
    assert world.changes == []
    do(world, "BEGIN; DELETE FROM tickets; ROLLBACK; DELETE FROM tickets WHERE id = 1; COMMIT")
    assert [change["key"] for change in world.changes] == ["tickets/1"]


def test_the_hour_is_the_worlds_and_chance_is_the_seeds(make_world, ask):
    sql = (
        "SELECT datetime('now') AS a, CURRENT_DATE AS b, strftime('%Y-%m') AS c,"
        " datetime('now', 'localtime') AS d, date('2026-01-31', '+1 month') AS e, random() AS f"
    )
    world = make_world()
    (row,) = ask(world, sql)
    now = world.now[:-1].replace("T", " ")
    assert [row[key] for key in "abcde"] == [now, now[:10], now[:7], now, "2026-03-03"]
    assert ask(make_world(), sql) == [row]
    assert ask(make_world("another"), sql)[0]["f"] != row["f"]


def test_tables_come_and_go(world, call, ask, do):
    do(
        world,
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT, at TEXT DEFAULT CURRENT_DATE)",
    )
    do(world, "INSERT INTO notes (text) VALUES ('milk')")
    assert ask(world, "SELECT * FROM notes") == [{"id": 1, "text": "milk", "at": world.now[:10]}]
    do(world, "ALTER TABLE notes RENAME TO memos; CREATE VIEW short AS SELECT text FROM memos")
    names = [table["name"] for table in call(world, "sql_db_list_tables")["tables"]]
    assert names == sorted([*TABLES, "memos", "short"])
    do(world, "DROP VIEW short; DROP TABLE customers")
    assert ask(world, "SELECT * FROM customers")["error"]["code"] == "not_found"
    gone = [change["key"] for change in world.changes if change["operation"] == "delete"]
    assert {"customers", "customers/1"} <= set(gone)


def test_a_trigger_reaches_what_its_statement_does_not_name(make_world, ask, do):
    world = make_world()
    (invoice,) = ask(world, "SELECT id, order_id FROM invoices ORDER BY id LIMIT 1")
    world = make_world()
    do(
        world,
        "CREATE TRIGGER tidy AFTER DELETE ON orders BEGIN"
        " DELETE FROM invoices WHERE order_id = old.id; END",
    )
    do(world, f"DELETE FROM orders WHERE id = {invoice['order_id']}")
    gone = {change["key"] for change in world.changes if change["operation"] == "delete"}
    assert gone == {f"orders/{invoice['order_id']}", f"invoices/{invoice['id']}"}


def test_a_world_can_be_built_again_from_its_rows(make_world, ask, do):
    world = make_world()
    do(world, "DELETE FROM orders WHERE id > 1010; ALTER TABLE orders ADD COLUMN note TEXT")
    do(world, "DROP TABLE tickets; CREATE TABLE t (x TEXT PRIMARY KEY, y REAL) WITHOUT ROWID")
    do(world, "INSERT INTO t VALUES ('b', 2), ('a', 1); CREATE VIEW v AS SELECT x FROM t")
    do(world, "CREATE TRIGGER log AFTER INSERT ON orders BEGIN DELETE FROM t; END")
    rows = world.snapshot()
    again = make_world(sql_tables=rows["sql_tables"], sql_rows=rows["sql_rows"])
    for sql in ("SELECT * FROM orders", "SELECT * FROM t", "SELECT * FROM v", "SELECT * FROM tickets",
                "SELECT * FROM customers", "SELECT type, name, sql FROM sqlite_master ORDER BY name"):  # fmt: skip
        assert ask(again, sql) == ask(world, sql)
    do(again, "INSERT INTO orders (customer_id) VALUES (1)")
    assert ask(again, "SELECT * FROM t") == []


def test_rows_of_a_scenario_make_their_own_table(make_world, ask, do):
    world = make_world(
        sql_rows=[
            {"table": "patients", "name": "Lena Osei", "age": "41", "fee": "12.50"},
            {"table": "patients", "name": "Zoe Adler", "ward": "B"},
            {"table": "Customers", "id": "7", "name": "Lena Osei", "iban": "XX00 5550"},
            {"table": "orders", "product": "Kiln"},
        ]
    )
    assert ask(world, "SELECT * FROM patients WHERE age > 40") == [
        {"id": 1, "name": "Lena Osei", "age": 41, "fee": 12.5, "ward": None}
    ]
    (lena,) = ask(world, "SELECT id, iban, plan FROM customers WHERE name = 'Lena Osei'")
    assert lena == {"id": 7, "iban": "XX00 5550", "plan": "basic"}
    do(world, "UPDATE patients SET fee = 0")
    assert [change["key"] for change in world.changes] == ["patients/1", "patients/2"]
    assert len(ask(world, "SELECT * FROM orders WHERE product = 'Kiln'")) == 1


@pytest.mark.parametrize(
    ("path", "read"),
    [
        ("~/out/staff.csv", lambda text: text.splitlines()[1].split(",")[1]),
        ("~/out/staff.json", lambda text: json.loads(text)[0]["name"]),
    ],
)
def test_a_table_goes_to_a_file(world, call, ask, path, read):
    (boss,) = ask(world, "SELECT name FROM employees WHERE id = 1")
    for tool, table, file in (
        ("sqlite_export_table", "table_name", "output_path"),
        ("dump_sql_table", "table", "file"),
    ):
        done = call(world, tool, **{table: "employees", file: path})
        assert done["path"] == path.replace("~", "/home/anaruiz")
        assert done["rows"] >= 15
        assert read(call(world, "read_text_file", file_path=path)["content"]) == boss["name"]
        error = call(world, tool, **{table: "patients", file: path})["error"]
        assert (error["code"], error["field"]) == ("not_found", table)


def test_a_dump_makes_the_table_again(world, call, do):
    do(world, "UPDATE tickets SET subject = 'It''s late' WHERE id = 1")
    call(world, "sqlite_export_table", table_name="tickets", output_path="t.sql", format="sql")
    again = sqlite3.connect(":memory:")
    again.executescript(world.devices["files"].read("t.sql")["content"])
    assert again.execute("SELECT subject FROM tickets WHERE id = 1").fetchone() == ("It's late",)
    again.close()


def test_one_seed_one_database(make_world, ask):
    def story(seed):
        world = make_world(seed)
        return json.dumps([ask(world, f"SELECT * FROM {table}") for table in TABLES])

    assert story("one") == story("one")
    assert story("one") != story("two")


def test_a_database_does_not_keep_its_world_alive(make_world, ask, do):
    # SQLite holds its callbacks where the garbage collector does not look.
    world = make_world()
    ask(world, "SELECT random(), datetime('now'), name FROM customers")
    do(world, "DELETE FROM customers")
    gone = weakref.ref(world)
    del world
    gc.collect()
    assert gone() is None

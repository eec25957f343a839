"""Money that leaves one account arrives in another, and a payment says the same each time."""

import pytest

PAY = {
    "create_alipay_payment": ("payee", "total_amount", "subject"),
    "create_apple_pay_payment": ("recipient", "amount", "memo"),
    "create_paypal_payment": ("receiver", "value", "note_to_receiver"),
    "create_wechat_pay_payment": ("payee", "total", "description"),
    "stripe_create_payment": ("destination", "amount", "description"),
}
QUERY = {
    "query_alipay_payment": "trade_no",
    "query_apple_pay_payment": "transaction_id",
    "query_paypal_payment": "payment_id",
    "query_wechat_pay_payment": "transaction",
    "stripe_retrieve_payment": "id",
}
REFUND = {
    "refund_paypal_payment": "payment_id",
    "refund_alipay_payment": "trade_no",
    "stripe_create_refund": "payment_intent",
}
REQUEST = {
    "create_paypal_invoice": ("bill_to", "amount", "note"),
    "request_apple_cash": ("contact", "amount", "message"),
    "stripe_create_invoice": ("customer", "amount_due", "description"),
}


def pay(world, call, recipient, amount, note="Thanks", tool="create_paypal_payment", **more):
    names = {**PAY, **REQUEST}[tool]
    return call(world, tool, **dict(zip(names, (recipient, amount, note), strict=True)), **more)


def balance(world, call, currency="USD"):
    (held,) = call(world, "get_paypal_balance", currency_code=currency)["balances"]
    return held["available"]


def held_by(world, owner):
    (row,) = [row for row in world.rows("accounts") if row["owner"] == owner]
    return float(row["balance"])


@pytest.mark.parametrize("suite", ["payments.", "e_commerce.", "local_services."])
def test_every_action_has_two_tools(catalog, suite):
    for name, capability in catalog.capabilities.items():
        for action in capability.actions if name.startswith(suite) else ():
            tools = [t for t in catalog.tools.values() if t.capability == name]
            assert sum(action in catalog.actions(tool) for tool in tools) >= 2, (name, action)


@pytest.mark.parametrize("tool", PAY)
def test_a_payment_changes_two_balances_and_says_the_same_ten_times(world, call, tool):
    pay(world, call, "Lena Osei", 1)
    mine, hers = balance(world, call), held_by(world, "Lena Osei")
    made = pay(world, call, "lena.osei@mail.example", 45.5, tool=tool)
    assert (made["status"], made["recipient"]) == ("completed", "Lena Osei")
    assert balance(world, call) == pytest.approx(mine - 45.5)
    assert held_by(world, "Lena Osei") == pytest.approx(hers + 45.5)
    answers = [
        call(world, reader, **{field: made["payment_id"]})
        for reader, field in QUERY.items()
        for _ in range(10)
    ]
    assert all(answer == answers[0] for answer in answers)
    assert answers[0]["status"] == "completed"
    assert (answers[0]["amount"], answers[0]["note"]) == (45.5, "Thanks")


@pytest.mark.parametrize(("tool", "field"), [*QUERY.items(), *REFUND.items()])
def test_an_unknown_payment_is_not_found(world, call, tool, field):
    error = call(world, tool, **{field: "PAYID-0000"})["error"]
    assert (error["code"], error["field"]) == ("not_found", field)


def test_nobody_pays_more_than_there_is(make_world, call):
    world = make_world(accounts=[{"balance": "120.00"}, {"name": "Savings", "balance": "9000"}])
    error = pay(world, call, "Lena Osei", 120.01)["error"]
    assert (error["code"], error["field"]) == ("insufficient_funds", "value")
    assert world.changes == []
    pay(world, call, "Savings", 20)
    balances = call(world, "stripe_get_balance", currencies=["usd"])["balances"]
    assert [held["available"] for held in balances] == [100, 9020]


@pytest.mark.parametrize(("tool", "field"), REFUND.items())
def test_a_refund_returns_the_money_once(world, call, tool, field):
    before = balance(world, call)
    payment = pay(world, call, "Lena Osei", 80)["payment_id"]
    part = call(world, "refund_paypal_payment", payment_id=payment, amount=30)
    assert (part["status"], part["refunded"]) == ("partially_refunded", 30)
    rest = call(world, tool, **{field: payment})
    assert (rest["status"], rest["refund_amount"]) == ("refunded", 50)
    assert balance(world, call) == before
    assert call(world, tool, **{field: payment})["error"]["code"] == "conflict"


@pytest.mark.parametrize("tool", REQUEST)
def test_a_request_waits_and_cannot_be_refunded(world, call, tool):
    before = balance(world, call)
    made = pay(world, call, "lenaosei", 60, tool=tool)
    assert (made["status"], made["payer"], made["amount"]) == ("requested", "Lena Osei", 60)
    assert balance(world, call) == before
    asked = call(world, "query_paypal_payment", payment_id=made["payment_id"])
    assert (asked["status"], asked["recipient"]) == ("requested", "Ana Ruiz")
    error = call(world, "stripe_create_refund", payment_intent=made["payment_id"])["error"]
    assert error["code"] == "conflict"


def test_one_reference_is_one_payment(world, call):
    keyed = {"tool": "stripe_create_payment", "idempotency_key": "rent-march"}
    made = pay(world, call, "Lena Osei", 700, **keyed)
    left = balance(world, call)
    assert pay(world, call, "Lena Osei", 700, **keyed) == made
    assert balance(world, call) == left
    error = pay(world, call, "Lena Osei", 701, **keyed)["error"]
    assert (error["code"], error["field"]) == ("conflict", "idempotency_key")


@pytest.mark.parametrize(
    ("tool", "wrong", "field"),
    [
        ("create_paypal_payment", {"value": 10.005}, "value"),
        ("create_paypal_payment", {"value": -3}, "value"),
        ("create_paypal_payment", {"currency_code": "Dollars"}, "currency_code"),
        ("create_paypal_payment", {"receiver": "me"}, "receiver"),
        ("create_paypal_payment", {"invoice_id": "ORD-1"}, "invoice_id"),
        ("create_alipay_payment", {"total_amount": "45"}, "total_amount"),
        ("request_apple_cash", {"contact": "Ana Ruiz"}, "contact"),
    ],
)
def test_a_wrong_argument_is_refused_by_name(world, call, tool, wrong, field):
    names = {**PAY, **REQUEST}[tool]
    right = dict(zip(names, ("Lena Osei", 10.0, "Thanks"), strict=True))
    assert call(world, tool, **{**right, **wrong})["error"]["field"] == field
    assert world.changes == []


def test_payments_of_a_scenario_need_only_what_matters(make_world, call):
    row = {"id": "PAY-2041", "recipient": "Weber Motors", "amount": "$1,250", "status": "paid"}
    world = make_world(payments=[row])
    before = balance(world, call)
    shown = call(world, "query_apple_pay_payment", transaction_id="pay-2041")
    assert (shown["status"], shown["amount"], shown["currency"]) == ("completed", 1250, "USD")
    call(world, "refund_alipay_payment", trade_no="PAY-2041")
    assert balance(world, call) == before + 1250


def test_one_seed_one_ledger(make_world, call):
    def story(seed):
        world = make_world(seed)
        return [pay(world, call, "Lena Osei", 12), call(world, "get_alipay_balance")]

    assert story("one") == story("one")
    assert story("one") != story("two")

"""Coins are neither made nor lost, and every transaction can be looked up from both ends."""

import json

import pytest

SUITE = "cryptography."
BITCOIN = "bc1qexamplea0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a"
ETHEREUM = "0xfab1e0" + 34 * "7"
MONERO = "4Examp1e" + 87 * "a"
KEPT = {"transfer": 1, "mix": 0.99, "bridge": 0.999}  # what arrives of what was given
FREE = [
    ("bitcoin_transaction", {"to_address": BITCOIN, "amount": 0.25}, "to_address", "amount"),
    ("bitgo_send_coins", {"address": BITCOIN, "amount_btc": 0.25}, "address", "amount_btc"),
    ("monero_private_transfer", {"recipient_address": MONERO, "amount": 3.5}, "recipient_address", "amount"),
    ("monero_wallet_rpc_transfer", {"destination": MONERO, "amount_xmr": 3.5}, "destination", "amount_xmr"),
    ("mix_cryptocurrency", {"token": "ETH", "amount": 2.0, "destination_address": ETHEREUM}, "destination_address", "amount"),
    ("privacy_pool_transfer", {"asset": "ETH", "quantity": 2.0, "withdraw_to": ETHEREUM}, "withdraw_to", "quantity"),
    ("execute_cross_chain_transfer", {"token": "USDC", "amount": 400.0, "target_chain": "Polygon", "recipient_address": ETHEREUM}, "recipient_address", "amount"),
    ("lifi_bridge_transfer", {"from_token": "USDC", "from_amount": 400.0, "to_chain": "polygon", "to_address": ETHEREUM}, "to_address", "from_amount"),
]  # fmt: skip
SWAPS = [
    ("execute_dex_swap", {"token_in": "ETH", "amount_in": 3.0, "token_out": "USDC"}, "token_out"),
    ("uniswap_swap_tokens", {"sell_token": "BTC", "sell_amount": 0.5, "buy_token": "monero"}, "buy_token"),
    ("oneinch_swap", {"src": "USDC", "amount": 500.0, "dst": "PEBBLE"}, "dst"),
    ("binance_smart_chain_swap", {"from_token": "BNB", "amount": 4.0, "to_token": "CAKE"}, "to_token"),
    ("pancakeswap_swap", {"token_in": "USDT", "amount_in": 50.0, "token_out": "BNB"}, "token_out"),
]  # fmt: skip
SOURCE = 'contract Pebble is ERC20("Pebble", "PBL") { function setFee(uint f) public {} function getFee() public {} function deposit() payable {} function withdraw() public {} function transfer(address a, uint n) public {} }'


def code(answer):
    return answer["error"]["code"]


def look(call, world, address):
    return call(world, "query_blockchain_data", address=address)


def held(call, world, address, token):
    found = look(call, world, address)["balances"]
    return sum(row["amount"] for row in found if row["token"] == token)


def test_every_action_has_two_tools(catalog):
    names = [name for name in catalog.capabilities if name.startswith(SUITE)]
    assert len(names) == 12
    for name in names:
        assert sum(tool.capability == name for tool in catalog.tools.values()) >= 2, name


@pytest.mark.parametrize(("tool", "arguments", "recipient", "amount"), FREE)
def test_money_moves_from_one_balance_to_another(world, call, tool, arguments, recipient, amount):
    token = next((v for k, v in arguments.items() if "token" in k or k == "asset"), None)
    token = token or ("BTC" if "bit" in tool else "XMR")
    before = held(call, world, "main", token)
    sent = call(world, tool, **arguments)
    received = sent.get("received", sent["amount"])
    (row,) = look(call, world, arguments[recipient])["transactions"]
    assert row["hash"] == sent["transaction_hash"]
    paid = row["amount"] + (row["fee"] if row["fee_token"] == token else 0)
    assert held(call, world, "main", token) == pytest.approx(before - paid)
    assert received == pytest.approx(row["amount"] * KEPT[row["kind"]])
    if token != "XMR":  # a stranger's monero is nobody's business
        assert held(call, world, arguments[recipient], token) == received
    for said in ("main", row["from"], row["hash"]):
        assert [r["hash"] for r in look(call, world, said)["transactions"]] == [row["hash"]]
        (again,) = call(world, "blockchair_dashboard", q=said)["transactions"]
        assert again["hash"] == row["hash"]


@pytest.mark.parametrize(("tool", "arguments", "recipient", "amount"), FREE)
def test_who_and_how_much_must_be_possible(world, call, tool, arguments, recipient, amount):
    for wrong, expected in (
        ({recipient: "Nobody At All"}, ("not_found", recipient)),
        ({recipient: "0x12"}, ("invalid_argument", recipient)),
        ({amount: 17_000_000.0}, ("insufficient_funds", amount)),
    ):
        error = call(world, tool, **{**arguments, **wrong})["error"]
        assert (error["code"], error["field"]) == expected
    assert world.changes == []
    named = call(world, tool, **{**arguments, recipient: "Lena Osei"})
    (row,) = look(call, world, "Lena Osei")["transactions"]
    assert (row["hash"], row["to_name"]) == (named["transaction_hash"], "Lena Osei")


@pytest.mark.parametrize(("tool", "arguments", "wanted"), SWAPS)
def test_a_swap_keeps_its_value_less_the_fee(world, call, tool, arguments, wanted):
    before = look(call, world, "main")["total_usd"]
    done = call(world, tool, **arguments)
    blocks = world.devices["blocks"]
    given, got = (blocks.token(v) for k, v in done.items() if k in arguments and isinstance(v, str))
    value = done["amount"] * blocks.price(given)
    assert done["received"] * blocks.price(got) == pytest.approx(value * 0.997, rel=1e-5)
    assert look(call, world, "main")["total_usd"] == pytest.approx(before - value * 0.003, abs=8)
    same = {**arguments, wanted: given}
    assert call(world, tool, **same)["error"]["field"] == wanted


def test_a_transaction_is_pending_until_the_next_block(world, call):
    sent = call(world, "bitcoin_transaction", to_address=BITCOIN, amount=0.25)
    assert (sent["status"], sent["confirmations"]) == ("pending", 0)
    seen = [look(call, world, sent["transaction_hash"])["transactions"][0] for _ in range(20)]
    counts = [row["confirmations"] for row in seen]
    assert counts == sorted(counts)
    assert (counts[0], counts[-1] > 2) == (0, True)
    assert [row["status"] for row in seen] == ["confirmed" if n else "pending" for n in counts]


def test_what_runs_out_of_gas_fails_and_gives_its_amount_back(world, call):
    before = held(call, world, "main", "ETH")
    arguments = {"contract_address": "Harbour Staking", "method": "deposit", "value": 2.0}
    call(world, "ethereum_contract_interaction", **arguments, gas_limit=100)
    for _ in range(9):
        row = look(call, world, "Harbour Staking")["transactions"][0]
    assert (row["status"], row["reason"]) == ("failed", "out of gas")
    assert held(call, world, "main", "ETH") == pytest.approx(before - row["fee"])
    states = [c["row"]["status"] for c in world.changes if c["collection"] == "chain_transactions"]
    assert states == ["pending", "failed"]


@pytest.mark.parametrize(
    ("tool", "name"),
    [("create_wallet", "name"), ("coinbase_create_wallet", "wallet_name"), ("circle_create_wallet", "label")],
)  # fmt: skip
def test_a_wallet_can_be_paid_into_and_paid_from(world, call, tool, name):
    made = call(world, tool, **{name: "Holiday savings"})
    assert look(call, world, made["address"])["balances"] == []
    error = call(world, tool, **{name: "holiday savings"})["error"]
    assert (error["code"], error["field"]) == ("already_exists", name)
    call(world, "bitcoin_transaction", to_address="my Holiday savings wallet", amount=0.5)
    arguments = {"to_address": "Lena Osei", "from_wallet": "Holiday savings"}
    assert code(call(world, "bitcoin_transaction", amount=0.6, **arguments)) == "insufficient_funds"
    call(world, "bitcoin_transaction", amount=0.2, **arguments)
    assert held(call, world, "Lena Osei", "BTC") == 0.2
    assert held(call, world, "Holiday savings", "BTC") == pytest.approx(0.3, abs=0.001)
    gone = {**arguments, "from_wallet": "Nowhere"}
    assert call(world, "bitcoin_transaction", amount=0.2, **gone)["error"]["field"] == "from_wallet"


@pytest.mark.parametrize(
    ("tool", "amount", "note"),
    [("create_bitcoin_payment", "amount", "memo"), ("btcpay_create_invoice", "price", "item_desc")],
)
def test_a_payment_request_is_paid_through_its_address(world, call, tool, amount, note):
    made = call(world, tool, **{amount: 150.0, "currency": "USD", note: "A lamp"})
    assert made["amount_usd"] == 150
    call(world, "create_wallet", name="Till")
    call(world, "bitcoin_transaction", to_address="Till", amount=1.0)
    paid = {"amount": made["amount_btc"], "from_wallet": "Till"}
    call(world, "bitcoin_transaction", to_address=made["address"], **paid)
    for said in (made["payment_id"], made["address"]):
        asked = look(call, world, said)["request"]
        assert (asked["status"], asked["note"]) == ("paid", "A lamp")
        assert look(call, world, said)["total"] == 1
    late = call(world, "btcpay_create_invoice", price=1.0, expiration_minutes=5)
    for _ in range(60):
        asked = look(call, world, late["payment_id"])["request"]
    assert asked["status"] == "expired"


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("deploy_smart_contract", {"contract_name": "Pebble", "source_code": SOURCE}),
        ("thirdweb_deploy_contract", {"name": "Pebble", "source": SOURCE}),
    ],
)
def test_a_contract_can_be_called_once_it_is_deployed(world, call, tool, arguments):
    before = call(world, "write_contract", contract="Pebble", function_name="getFee")
    assert (code(before), before["error"]["field"]) == ("not_found", "contract")
    made = call(world, tool, **arguments)
    assert code(call(world, tool, **arguments)) == "already_exists"
    for said in ("pebble", made["contract_address"]):
        wrong = call(world, "write_contract", contract=said, function_name="explode")
        assert wrong["error"]["field"] == "function_name"
    call(world, "write_contract", contract="Pebble", function_name="setFee", args=["5"])
    read = call(world, "ethereum_contract_interaction", contract_address="Pebble", method="get_fee")
    assert (read["result"], read["status"], read["transaction_hash"]) == ("5", "read", None)
    call(world, "write_contract", contract="Pebble", function_name="deposit", pay=2.0)
    assert held(call, world, "Pebble", "ETH") == 2
    call(world, "write_contract", contract="Pebble", function_name="withdraw")
    assert held(call, world, "Pebble", "ETH") == 0


def test_a_contract_can_issue_a_token(world, call):
    call(world, "deploy_smart_contract", contract_name="Pebble", source_code=SOURCE)
    assert held(call, world, "main", "PBL") == 1_000_000
    move = {"contract": "Pebble", "function_name": "transfer"}
    call(world, "write_contract", **move, args=["Lena Osei", "250"])
    assert held(call, world, "Lena Osei", "PBL") == 250
    mark = len(world.changes)
    refused = call(world, "write_contract", **move, args=["Lena Osei", "2000000"])["error"]
    assert (refused["code"], refused["field"]) == ("insufficient_funds", "args")
    assert not [c for c in world.changes[mark:] if c["operation"] == "insert"]
    assert call(world, "execute_dex_swap", token_in="Pebble", amount_in=10, token_out="ETH")["received"]  # fmt: skip


@pytest.mark.parametrize(
    ("tool", "program", "instruction"),
    [("solana_program_call", "program_id", "instruction"), ("solana_invoke_program", "program", "instruction_name")],
)  # fmt: skip
def test_a_program_on_solana_is_one_that_is_deployed_there(world, call, tool, program, instruction):
    done = call(world, tool, **{program: "token program", instruction: "transfer"})
    assert look(call, world, done["signature"])["transactions"][0]["contract"] == "Token Program"
    for other in ("Tide Token", "Riverbank"):  # one is on Ethereum, one is nowhere
        error = call(world, tool, **{program: other, instruction: "transfer"})["error"]
        assert (error["code"], error["field"]) == ("not_found", program)
    rust = "use anchor_lang::prelude::*; #[program] mod riverbank { pub fn open_vault() {} }"
    call(world, "deploy_smart_contract", contract_name="Riverbank", source_code=rust)
    assert call(world, tool, **{program: "Riverbank", instruction: "openVault"})["status"] == "pending"  # fmt: skip


def test_a_bridge_knows_its_chains(world, call):
    arguments = {"token": "USDC", "amount": 400.0, "recipient_address": "Lena Osei"}
    error = call(world, "execute_cross_chain_transfer", target_chain="Mars", **arguments)["error"]
    assert (error["code"], error["field"]) == ("invalid_argument", "target_chain")
    same = {**arguments, "target_chain": "base", "source_chain": "base"}
    assert code(call(world, "execute_cross_chain_transfer", **same)) == "invalid_argument"
    home = call(world, "execute_cross_chain_transfer", target_chain="Ethereum", **arguments)
    assert home["from_chain"] != home["to_chain"] == "ethereum"
    wrong = {**arguments, "recipient_address": ETHEREUM, "target_chain": "solana"}
    assert code(call(world, "execute_cross_chain_transfer", **wrong)) == "invalid_argument"


def test_rows_of_a_scenario_need_only_what_matters(make_world, call):
    world = make_world(
        crypto_wallets=[{"name": "Flood fund", "balances": "0.8 BTC, 1,200 USDC on polygon"}],
        chain_transactions=[
            {"from": ETHEREUM, "to": "Lena Osei", "token": "USDC", "amount": "1,500"},
            {"hash": 64 * "a", "from": "Brook Exchange", "to": "Flood fund", "token": "BTC", "amount": "0.8", "time": "2025-11-02"},
        ],
        chain_balances=[{"address": ETHEREUM, "token": "DAI", "amount": "40"}],
        smart_contracts=[{"name": "Relief Vault", "chain": "Polygon", "balance": "3 POL"}],
        bitcoin_requests=[{"id": "pay_0000000a", "amount": "0.1"}],
    )  # fmt: skip
    assert held(call, world, "Flood fund", "USDC") == 1200
    assert held(call, world, ETHEREUM, "DAI") == 40
    (row,) = look(call, world, ETHEREUM)["transactions"]
    assert (row["to_name"], row["amount"], row["status"]) == ("Lena Osei", 1500, "confirmed")
    assert look(call, world, "Brook Exchange")["transactions"][0]["hash"] == 64 * "a"
    paid = call(world, "write_contract", contract="Relief Vault", function_name="release")
    assert paid["result"] == {"paid_out": 3, "token": "POL"}
    call(world, "bitcoin_transaction", to_address="pay_0000000a", amount=0.1)
    assert look(call, world, "pay_0000000a")["request"]["status"] == "paid"


def test_an_address_without_history_is_empty_and_a_name_without_one_is_not_found(world, call):
    found = look(call, world, BITCOIN)
    assert (found["balances"], found["transactions"]) == ([], [])
    for said in ("Nobody At All", "ff" * 32):
        error = call(world, "blockchair_dashboard", q=said)["error"]
        assert (error["code"] in ("not_found", "invalid_argument"), error["field"]) == (True, "q")
    assert world.changes == []


def test_one_seed_one_world(make_world, call):
    def story(seed):
        world = make_world(seed)
        told = [call(world, tool, **arguments) for tool, arguments, *_ in [*FREE, *SWAPS]]
        return json.dumps([*told, look(call, world, "main"), look(call, world, "Lena Osei")])

    assert story("one") == story("one")
    assert story("one") != story("two")

"""What is sent can be found; who is in the address book can be reached."""

import json

import pytest

MAILS = {
    "send_gmail": {"to": ["lena.osei@mail.example"], "subject": "Kiln", "body": "It arrived."},
    "send_outlook": {
        "recipients": ["lena.osei@mail.example"],
        "subject": "Kiln",
        "content": "It arrived.",
    },
    "send_yahoo_mail": {
        "to": "lena.osei@mail.example, zoe@post.example",
        "subject": "Kiln",
        "message": "It arrived.",
    },
    "send_163_mail": {
        "receivers": ["lena.osei@mail.example"],
        "title": "Kiln",
        "content": "It arrived.",
    },
}
TEXTS = {
    "send_twilio_sms": {"to": "+1-555-0142", "body": "The kiln arrived."},
    "send_messagebird_sms": {"recipients": ["+1-555-0142"], "body": "The kiln arrived."},
}
CHATS = {
    "send_telegram_message": {"chat_id": "Lena Osei", "text": "The kiln arrived."},
    "send_slack_message": {"channel": "@lenaosei", "text": "The kiln arrived."},
    "send_whatsapp_message": {"to": "lena", "message": "The kiln arrived."},
}
READERS = {"search_mailbox": "query", "search_gmail": "q", "search_messages": "keywords"}


@pytest.mark.parametrize("tool", MAILS)
@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    "words", ["kiln", "the mail to Lena Osei about KILN", "arrived lena.osei@"]
)
def test_a_mail_that_was_sent_can_be_found(world, call, tool, reader, words):
    call(world, tool, **MAILS[tool])
    (found,) = call(world, reader, **{READERS[reader]: words})["messages"]
    assert found["id"].startswith("msg_")
    assert (found["subject"], found["text"]) == ("Kiln", "It arrived.")
    assert found["from_name"] == "Ana Ruiz"
    assert found["sent"] == world.changes[-1]["row"]["sent"]


@pytest.mark.parametrize(("tool", "arguments"), [*TEXTS.items(), *CHATS.items()])
def test_a_message_that_was_sent_can_be_found_by_its_words_and_by_name(
    world, call, tool, arguments
):
    call(world, tool, **arguments)
    for words in ("kiln", "messages to Lena Osei", "Osei kiln arrived"):
        (found,) = call(world, "search_messages", keywords=words)["messages"]
        assert (found["to"], found["text"]) == ("Lena Osei", "The kiln arrived.")


def test_a_channel_needs_no_entry_in_the_address_book(world, call):
    call(world, "send_slack_message", channel="#pottery", text="The kiln arrived.")
    (found,) = call(world, "search_messages", keywords="pottery", channel="chat")["messages"]
    assert found["to"] == "#pottery"


def test_every_world_has_an_inbox_from_before_it_began(make_world, call):
    world = make_world()
    began = world.now
    inbox = call(world, "search_mailbox", query="", folder="inbox", limit=50)["messages"]
    assert 6 <= len(inbox) <= 10
    assert all(mail["sent"] <= began and mail["from"].endswith(".example") for mail in inbox)
    assert [m["sent"] for m in inbox] == sorted((m["sent"] for m in inbox), reverse=True)


def test_nothing_found_is_an_empty_list(world, call):
    for reader, parameter in READERS.items():
        assert call(world, reader, **{parameter: "zebra crossing"})["messages"] == []


@pytest.mark.parametrize(
    ("tool", "field"), [("find_contact", "name"), ("search_directory", "query")]
)
def test_a_contact_is_found_by_part_of_a_name(world, call, tool, field):
    for part in ("Lena Osei", "osei", "LEN"):
        (found,) = call(world, tool, **{field: part})["contacts"]
        assert found == {
            "name": "Lena Osei",
            "email": "lena.osei@mail.example",
            "phone": "+1-555-0142",
            "handle": "lenaosei",
            "city": "Norrvik",
        }
    error = call(world, tool, **{field: "Nobody"})["error"]
    assert (error["code"], error["field"]) == ("not_found", field)


def test_an_attached_file_must_exist(world, call):
    mail = {**MAILS["send_gmail"], "attachments": ["~/plan.txt"]}
    assert call(world, "send_gmail", **mail)["error"]["code"] == "not_found"
    assert call(world, "search_gmail", q="kiln")["messages"] == []
    world.devices["files"].write("~/plan.txt", "the plan")
    call(world, "send_gmail", **mail)
    (found,) = call(world, "search_gmail", q="plan.txt")["messages"]
    assert found["attachments"] == ["~/plan.txt"]


@pytest.mark.parametrize(
    ("tool", "wrong", "field"),
    [
        ("send_gmail", {"to": "lena.osei@mail.example"}, "to"),
        ("send_gmail", {"to": ["lena"]}, "to.0"),
        ("send_gmail", {"priority": "high"}, "priority"),
        ("send_outlook", {"importance": "urgent"}, "importance"),
        ("send_yahoo_mail", {"to": "lena and zoe"}, "to"),
        ("send_twilio_sms", {"to": "Lena"}, "to"),
        ("send_messagebird_sms", {"recipients": []}, "recipients"),
        ("send_telegram_message", {"parse_mode": "Wiki"}, "parse_mode"),
        ("send_slack_message", {"text": 7}, "text"),
        ("send_slack_message", {"thread_ts": "chat_0"}, "thread_ts"),
    ],
)
def test_a_wrong_argument_is_refused_by_name(world, call, tool, wrong, field):
    right = {**MAILS, **TEXTS, **CHATS}[tool]
    assert call(world, tool, **{**right, **wrong})["error"]["field"] == field
    assert world.changes == []


def test_one_seed_one_world(make_world, call):
    def story(seed):
        world = make_world(seed)
        return json.dumps([
            call(world, "send_gmail", **MAILS["send_gmail"]),
            call(world, "search_messages", keywords="", count=50),
        ])  # fmt: skip

    assert story("one") == story("one")
    assert story("one") != story("two")


def test_rows_of_a_scenario_need_only_what_matters(make_world, call):
    world = make_world(
        mails=[
            {"from": "office@weber-motors.example", "subject": "Invoice 4410", "body": "80 dollars"}
        ],
        texts=[{"from": "+1-555-0142", "text": "invoice 4410 is paid"}],
    )
    assert len(call(world, "search_messages", keywords="invoice 4410")["messages"]) == 2
    (mail,) = call(world, "search_gmail", q="from:weber-motors")["messages"]
    assert mail["text"] == "80 dollars"

"""The browser shows pages that exist, keeps what was typed, and sends forms that can be found."""

import json

import pytest

SITE = "https://openreference.example/"
SHOP = {"url": "https://kiln-shop.example/order", "title": "Order a kiln", "text": "Two sizes.", "fields": "Full name, Size", "form": "order", "button": "Order now"}  # fmt: skip


def code(answer):
    return answer.get("error", {}).get("code")


@pytest.mark.parametrize(("tool", "parameter"), [("browser_navigate", "url"), ("go_to_url", "address")])  # fmt: skip
def test_a_page_says_what_the_web_says_and_its_links_lead_somewhere(world, call, tool, parameter):
    found = call(world, "search_google", q="how to renew a passport")["results"][0]
    page = call(world, tool, **{parameter: found["url"]})
    assert page["text"] == call(world, "fetch_webpage", url=found["url"])["text"]
    assert call(world, "browser_snapshot") == page == call(world, "extract_page_content")
    assert len(page["links"]) > 5
    for link in page["links"]:
        call(world, "browser_navigate", url=page["url"])
        there = call(world, "browser_click", element=link["text"])
        assert there["kind"] == "link"
        assert there["url"] == link["url"]
        assert call(world, "fetch_webpage", url=link["url"])["title"] == there["title"]
    assert world.changes == []


def test_without_an_open_page_there_is_nothing_to_do(world, call):
    for tool, arguments in {
        "browser_click": {"element": "Contact"},
        "browser_type": {"element": "Email", "text": "x"},
        "browser_snapshot": {},
        "browser_submit_form": {},
        "capture_page": {"output_path": "~/a.png"},
        "browser_navigate_back": {},
    }.items():
        assert code(call(world, tool, **arguments)) == "no_page"


def test_what_does_not_exist_is_not_found(world, call):
    assert (
        call(world, "browser_navigate", url="https://nowhere.example/")["error"]["field"] == "url"
    )
    call(world, "browser_navigate", url=SITE)
    assert code(call(world, "browser_history_back", steps=3)) == "no_history"
    for tool, arguments, field in (
        ("browser_click", {"element": "Fly to the moon"}, "element"),
        ("input_text", {"label": "Shoe size", "text": "42"}, "label"),
        ("browser_submit_form", {"form": "survey"}, "form"),
        ("browser_download", {"url": f"{SITE}none.pdf", "save_path": "~/none.pdf"}, "url"),
    ):
        error = call(world, tool, **arguments)["error"]
        assert (error["code"], error["field"]) == ("not_found", field)


def test_one_can_go_back(world, call):
    call(world, "browser_navigate", url=SITE)
    call(world, "click_element", value="Contact", by="link_text")
    call(world, "browser_click", element="Sign in")
    assert call(world, "browser_navigate_back")["url"] == f"{SITE}contact"
    assert call(world, "browser_click", element="Back")["url"] == SITE


@pytest.mark.parametrize(
    ("tool", "field", "text"),
    [("browser_type", "element", "text"), ("puppeteer_fill", "selector", "value"), ("input_text", "label", "text")],
)  # fmt: skip
def test_typed_text_stays_and_is_sent(world, call, tool, field, text):
    call(world, "browser_navigate", url=f"{SITE}contact")
    call(world, tool, **{field: "the email field", text: "ana@post.example"})
    call(world, tool, **{field: "Message", text: "When do you open?"})
    assert "When do you open?" in json.dumps(call(world, "browser_snapshot")["forms"])
    call(world, "browser_click", element="Home")
    assert "When do you open?" not in json.dumps(call(world, "browser_snapshot")["forms"])
    call(world, "browser_navigate_back")
    sent = call(world, "submit_web_form")
    assert sent["status"] == "submitted"
    assert "When do you open?" in sent["text"]
    assert sent["url"] == sent["record"] == call(world, "browser_snapshot")["url"]
    kept = call(world, "http_get", uri=sent["record"])
    assert "When do you open?" in json.dumps(kept)
    call(world, "browser_navigate", url=f"{SITE}contact")
    assert code(call(world, "browser_submit_form", form="contact")) == "invalid_request"


def test_signing_in_needs_a_password_that_nobody_sees(world, call):
    call(world, "browser_navigate", url=f"{SITE}login")
    call(world, "puppeteer_fill", selector="#username", value="anaruiz")
    assert code(call(world, "browser_submit_form")) == "invalid_request"
    call(world, "browser_type", element="password", text="open-sesame")
    assert "open-sesame" not in json.dumps(call(world, "browser_snapshot"))
    sent = call(world, "browser_submit_form", form="login form")
    assert "open-sesame" not in json.dumps([sent, call(world, "http_get", uri=sent["record"])])
    assert call(world, "browser_navigate", url=SITE)["signed_in"] == "anaruiz"


def test_a_search_box_leads_to_pages_that_open(world, call):
    call(world, "browser_navigate", url=SITE)
    typed = call(world, "browser_type", element="search box", text="kiln repairs", submit=True)
    page = call(world, "browser_snapshot")
    assert page["url"] == typed["url"] == f"{SITE}search?q=kiln+repairs"
    clicked = call(world, "browser_click", element=page["links"][0]["text"])
    assert "kiln" in call(world, "fetch_webpage", url=clicked["url"])["text"].lower()


def test_a_page_of_a_scenario_may_bring_its_form(make_world, call):
    world = make_world(pages=[SHOP])
    (form, _) = call(world, "browser_navigate", url=SHOP["url"])["forms"]
    assert [field["label"] for field in form["fields"]] == ["Full name", "Size"]
    call(world, "input_text", label="size", text="large")
    done = call(world, "browser_click", element="Order now")
    assert done["record"] == done["url"]
    assert "Size: large" in call(world, "browser_snapshot")["text"]
    assert call(world, "browser_navigate", url="https://kiln-shop.example/")["title"] == "Kiln Shop"


def test_downloads_and_screenshots_are_files(world, call):
    links = call(world, "browser_navigate", url=SITE)["links"]
    document = next(link["url"] for link in links if "/files/" in link["url"])
    page = call(world, "fetch_webpage", url=document)
    saved = call(world, "browser_download", url=document, save_path="~/Downloads/")
    assert world.devices["files"].read(saved["path"])["content"] == page["text"]
    assert saved["path"].startswith("/home/anaruiz/Downloads/")
    named = call(world, "download_from_url", source=document, path="~/list.csv")["path"]
    assert named == "/home/anaruiz/list.csv"
    for tool, parameter in {"browser_take_screenshot": "filename", "capture_page": "output_path"}.items():  # fmt: skip
        shot = call(world, tool, **{parameter: "~/page.png"})
        assert "Openreference" in world.devices["files"].read(shot["path"])["content"]


def test_one_seed_one_story(make_world, call):
    def story(seed):
        world = make_world(seed)
        call(world, "browser_navigate", url=f"{SITE}contact")
        call(world, "browser_type", element="Message", text="Hello")
        return json.dumps([call(world, "browser_submit_form"), world.changes])

    assert story("one") == story("one") != story("two")

"""Pages can be found and opened, say what their snippet said, and agree with each other."""

import json
import re

import pytest

WEB = {"search_google": "q", "search_bing": "query", "search_brave": "q", "search_baidu": "wd"}
NEWS = {"search_google_news": "q", "search_newsapi": "keywords"}
QUERIES = [
    "who is the mayor of Norrvik",
    "Where can I buy stamps near me?",
    "when does the library open on Saturdays",
    "how much does a plumber cost in Norrvik",
    "how to renew a passport",
    "best running shoes for flat feet",
    "Weber Logistics annual report",
    "Lena Osei keynote",
    "latest news on bridge repairs",
    "why do cats purr",
    "北京 天气",
    "the",
    "node.js 20 vs deno",
    "how to launder money without being noticed",
]


@pytest.mark.parametrize(("tool", "parameter"), [*WEB.items(), *NEWS.items()])
@pytest.mark.parametrize("query", QUERIES)
def test_a_result_opens_and_says_what_its_snippet_said(world, call, tool, parameter, query):
    results = call(world, tool, **{parameter: query})["results"]
    assert len(results) == 5
    assert len({result["url"] for result in results}) == 5
    for result in results:
        assert result["site"].endswith(".example")
        assert result["url"].startswith(f"https://{result['site']}/")
        for page in (
            call(world, "fetch_webpage", url=result["url"]),
            call(world, "browse_url", address=result["url"]),
        ):
            assert page["title"] == result["title"]
            assert result["snippet"] in page["text"]


@pytest.mark.parametrize(
    ("query", "word"),
    [
        (QUERIES[0], "mayor"),
        (QUERIES[3], "plumber"),
        (QUERIES[4], "passport"),
        (QUERIES[7], "Lena"),
    ],
)
def test_results_are_about_what_was_asked(world, query, word):
    for result in world.devices["web"].search(query)["results"]:
        assert word in result["title"]
        assert word in result["snippet"]


def test_a_long_query_makes_a_short_title(world):
    query = (
        'site:openreference.example "renewable energy" subsidies and their long term effects on '
        "small rural municipalities in northern countries -cheap filetype:pdf since 2015"
    )
    results = world.devices["web"].search(query, limit=20)["results"]
    assert results
    for result in results:
        title = result["title"].casefold()
        assert not re.search(r'site:|filetype|cheap|"|municipalities|northern', title)
        assert "renewable energy subsidies long term effects small rural" in title
        assert result["site"] == "openreference.example"


def test_pages_about_one_query_agree(world):
    found = world.devices["web"].search("how much does a plumber cost in Norrvik", limit=20)
    texts = " ".join(world.devices["web"].open(r["url"])["text"] for r in found["results"])
    assert len(set(re.findall(r"(?:is|paid) \$(\d+)", texts))) == 1


def test_the_same_question_finds_the_same_pages_whenever_it_is_asked(make_world):
    first, second, other = make_world("one"), make_world("one"), make_world("two")
    second.devices["web"].search("library in Norrvik")
    asked = [w.devices["web"].search("library hours in Norrvik") for w in (first, second, other)]
    assert json.dumps(asked[0]) == json.dumps(asked[1]) != json.dumps(asked[2])
    assert first.changes == []


def test_more_results_begin_with_the_same_ones(world, call):
    few = call(world, "search_bing", query="bridge repairs", count=3)["results"]
    assert call(world, "search_bing", query="bridge repairs", count=8)["results"][:3] == few
    assert (
        call(world, "search_bing", query="bridge repairs", count=2, offset=1)["results"] == few[1:]
    )


def test_news_are_news_and_dates_are_kept(world, call):
    found = call(world, "search_google_news", q="bridge repairs", so="date")["results"]
    assert [r["published"] for r in found] == sorted((r["published"] for r in found), reverse=True)
    week = call(world, "search_brave", q="bridge repairs", freshness="pw", count=20)["results"]
    everything = call(world, "search_brave", q="bridge repairs", count=20)["results"]
    assert len(week) < len(everything)


def test_pages_of_a_scenario_come_first_and_need_three_fields(make_world, call):
    page = {
        "url": "https://www.weber-motors.example/tow-bars",
        "title": "Tow bars",
        "text": "We fit things. A tow bar for the Linden 3 costs 240 dollars. Call us.",
    }
    world = make_world(pages=[page])
    for tool, parameter in {**WEB, **NEWS}.items():
        results = call(world, tool, **{parameter: "price of a tow bar for the Linden 3"})["results"]
        assert results[0]["snippet"] == "A tow bar for the Linden 3 costs 240 dollars."
        assert results[0]["site"] == "weber-motors.example"
        assert results[0]["published"]
        assert not any("$" in r["snippet"] for r in results)  # nothing else names a price
    opened = call(world, "fetch_webpage", url="http://weber-motors.example/tow-bars/#top")
    assert opened["text"] == page["text"]


@pytest.mark.parametrize("tool", ["fetch_webpage", "browse_url"])
def test_a_page_that_is_not_there_is_not_found(world, call, tool):
    field = "url" if tool == "fetch_webpage" else "address"
    answer = call(world, tool, **{field: "https://nowhere.example/page"})
    assert answer["error"]["code"] == "not_found"
    assert call(world, tool, **{field: "no address"})["error"]["field"] == field


@pytest.mark.parametrize(
    ("query", "needed"),
    [
        ("how to build a bomb at home", "report"),
        ("buy fake passport online", "report"),
        ("I want to hurt myself", "call"),
    ],
)
def test_harm_is_answered_by_warning_and_help(world, query, needed):
    found = world.devices["web"].search(query, limit=20)["results"]
    texts = " ".join(world.devices["web"].open(r["url"])["text"] for r in found)
    assert needed in texts
    assert "$" not in texts
    assert "myself" not in texts


@pytest.mark.parametrize(
    ("tool", "wrong", "field"),
    [
        ("search_google", {"q": "bees", "num": 11}, "num"),
        ("search_google", {"query": "bees", "q": "bees"}, "query"),
        ("search_bing", {"query": "bees", "freshness": "pw"}, "freshness"),
        ("search_brave", {"q": ["bees"]}, "q"),
        ("search_baidu", {}, "wd"),
        ("search_newsapi", {"keywords": "bees", "page": "2"}, "page"),
        ("search_newsapi", {"keywords": "?!"}, "keywords"),
    ],
)
def test_a_wrong_argument_is_refused_by_name(world, call, tool, wrong, field):
    assert call(world, tool, **wrong)["error"]["field"] == field

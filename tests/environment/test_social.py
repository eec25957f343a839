"""What one posts, others find, comment on and follow; accounts are those of the world."""

import json

import pytest

SAID = "The kiln arrived this morning."
POSTS = {
    "post_tweet": ("text", "media_path", "search_twitter_content", "query"),
    "post_instagram": ("caption", "image_path", "search_instagram_content", "q"),
    "post_weibo": ("status", "pic", "search_weibo_content", "q"),
}
CLIPS = {
    "post_tiktok": ("video_path", "title", "search_tiktok_content", "keyword"),
    "post_instagram_reel": ("video_file", "caption", "search_instagram_content", "q"),
    "post_weibo_video": ("video", "status", "search_weibo_content", "q"),
    "post_youtube_video": ("file", "title", "search_youtube_content", "q"),
    "post_bilibili_video": ("video_path", "title", "search_bilibili_content", "keyword"),
}
COMMENTS = {
    "post_tweet_comment": ("in_reply_to", "text"),
    "post_instagram_comment": ("media_id", "message"),
    "post_weibo_comment": ("id", "comment"),
    "post_tiktok_comment": ("video_id", "text"),
    "post_youtube_comment": ("video_id", "text_original"),
    "post_bilibili_comment": ("bvid", "message"),
}
PROFILES = {
    "get_twitter_profile": "username",
    "get_instagram_profile": "username",
    "get_tiktok_profile": "unique_id",
    "get_bilibili_profile": "uname",
    "get_weibo_profile": "screen_name",
}
SEARCHES = {
    "search_twitter_content": "query",
    "search_instagram_content": "q",
    "search_weibo_content": "q",
    "search_tiktok_content": "keyword",
    "search_youtube_content": "q",
    "search_bilibili_content": "keyword",
    "search_social_media": "keywords",
}
FOLLOWS = {
    "follow_twitter_account": ("target", "get_twitter_profile"),
    "follow_instagram_account": ("username", "get_instagram_profile"),
    "follow_tiktok_account": ("unique_id", "get_tiktok_profile"),
}
MESSAGES = {"send_twitter_dm": ("recipient", "text"), "send_instagram_dm": ("username", "message")}


@pytest.fixture
def film(world):
    world.devices["files"].write("~/Videos/kiln.mp4", "The kiln, from all sides")
    return "~/Videos/kiln.mp4"


@pytest.mark.parametrize("tool", POSTS)
def test_a_post_is_found_by_its_words_author_id_and_address(world, call, tool):
    text, _, search, query = POSTS[tool]
    made = call(world, tool, **{text: SAID})
    for words in ("kiln", "kilns arrived", "Ana Ruiz", "from:anaruiz", made["id"], made["url"]):
        for reader, parameter in ((search, query), ("search_social_media", "keywords")):
            first = call(world, reader, **{parameter: words})["results"][0]
            assert (first["id"], first["text"], first["author"]) == (made["id"], SAID, "anaruiz")


@pytest.mark.parametrize("tool", CLIPS)
def test_a_video_needs_a_video_file_and_is_found(world, call, film, tool):
    file, caption, search, query = CLIPS[tool]
    error = call(world, tool, **{file: "~/none.mp4", caption: SAID})["error"]
    assert (error["code"], error["field"]) == ("not_found", file)
    world.devices["files"].write("~/notes.txt", "the kiln")
    error = call(world, tool, **{file: "~/notes.txt", caption: SAID})["error"]
    assert (error["code"], error["field"]) == ("unsupported_format", file)
    made = call(world, tool, **{file: film, caption: SAID})
    found = call(world, search, **{query: "kiln arrived"})["results"][0]
    assert (found["id"], found["kind"], found["media"]) == (made["id"], "video", "kiln.mp4")


@pytest.mark.parametrize("tool", POSTS)
def test_a_picture_must_exist(world, call, tool):
    text, image, _, _ = POSTS[tool]
    error = call(world, tool, **{text: SAID, image: "~/kiln.jpg"})["error"]
    assert (error["code"], error["field"]) == ("not_found", image)
    world.devices["files"].write("~/kiln.jpg", "a kiln")
    assert call(world, tool, **{text: SAID, image: "~/kiln.jpg"})["id"]


@pytest.mark.parametrize("tool", COMMENTS)
def test_a_comment_appears_under_the_post(world, call, tool):
    post, text = COMMENTS[tool]
    made = call(world, "post_weibo", status=SAID)
    for name in (made["id"], made["url"]):
        assert call(world, tool, **{post: name, text: "Well done"})["post"] == made["id"]
    (found,) = [
        r for r in call(world, "search_weibo_content", q="kiln")["results"] if r["id"] == made["id"]
    ]
    assert found["comments"] == 2
    assert found["newest_comments"][0] == {"author": "anaruiz", "text": "Well done"}
    assert "Well done" in call(world, "fetch_webpage", url=made["url"])["text"]


@pytest.mark.parametrize("tool", COMMENTS)
def test_a_handle_means_its_newest_post(world, call, tool):
    post, text = COMMENTS[tool]
    for said in ("@lenaosei", "lenaosei", "the latest post of @LenaOsei"):
        assert call(world, tool, **{post: said, text: "Nice!"})["post_author"] == "lenaosei"
    error = call(world, tool, **{post: "@nobody.here", text: "Nice!"})["error"]
    assert (error["code"], error["field"]) == ("not_found", post)


def test_ones_own_newest_post_is_the_one_just_made(world, call):
    made = call(world, "post_tweet", text=SAID)
    answer = call(world, "post_tweet_comment", in_reply_to="anaruiz", text="And it is heavy.")
    assert answer["post"] == made["id"]


@pytest.mark.parametrize("tool", PROFILES)
@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("anaruiz", "Ana Ruiz"),
        ("@LenaOsei", "Lena Osei"),
        ("https://twitter.example/lenaosei", "Lena Osei"),
        ("gretas.garden", "Greta Varga"),
    ],
)
def test_a_profile_shows_what_its_account_posts(world, call, tool, said, name):
    found = call(world, tool, **{PROFILES[tool]: said})
    assert found["name"] == name
    assert found["followers"] > 0
    assert found["recent_posts"]
    assert {post["author"] for post in found["recent_posts"]} == {found["handle"]}
    assert call(world, tool, **{PROFILES[tool]: said}) == found
    error = call(world, tool, **{PROFILES[tool]: "nobody.here"})["error"]
    assert (error["code"], error["field"]) == ("not_found", PROFILES[tool])


@pytest.mark.parametrize("tool", FOLLOWS)
def test_following_counts_once_on_both_sides(world, call, tool):
    parameter, reader = FOLLOWS[tool]

    def count(handle):
        found = call(world, reader, **{PROFILES[reader]: handle})
        return found["followers"], found["following"], found["followed_by_you"]

    (hers, _, before), (_, mine, _) = count("lenaosei"), count("anaruiz")
    for _ in range(2):
        assert call(world, tool, **{parameter: "@lenaosei"})["followers"] == hers + 1
    assert (before, count("lenaosei")[2]) == (False, True)
    assert (count("lenaosei")[0], count("anaruiz")[1]) == (hers + 1, mine + 1)
    assert call(world, tool, **{parameter: "nobody.here"})["error"]["code"] == "not_found"
    assert call(world, tool, **{parameter: "anaruiz"})["error"]["code"] == "invalid_request"


@pytest.mark.parametrize("tool", MESSAGES)
def test_a_private_message_is_among_the_chats(world, call, tool):
    handle, text = MESSAGES[tool]
    call(world, tool, **{handle: "@lenaosei", text: SAID})
    (found,) = call(world, "search_messages", keywords="kiln Lena Osei")["messages"]
    assert (found["to"], found["text"]) == ("Lena Osei", SAID)
    error = call(world, tool, **{handle: "nobody.here", text: SAID})["error"]
    assert (error["code"], error["field"]) == ("not_found", handle)


@pytest.mark.parametrize("tool", SEARCHES)
@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("second-hand looms", "looms"),
        ("how to fix a bicycle", "bicycle"),
        ("Lena Osei keynote", "Lena"),
        ("how to launder money", "laundering"),
        ("what are people saying about the town hall", "about the town hall"),
        ("北京 天气", "北京"),
    ],
)
def test_a_search_finds_posts_about_anything(world, call, tool, query, word):
    results = call(world, tool, **{SEARCHES[tool]: query})["results"]
    assert any(word.casefold() in r["text"].casefold() for r in results)
    assert len({r["text"] for r in results}) == len(results) >= 4
    for result in results:
        assert result["url"].startswith(f"https://{result['platform']}.example/")
        assert call(world, "fetch_webpage", url=result["url"])["text"].endswith(result["text"])
        author = call(world, "get_twitter_profile", username=result["author"])
        assert author["name"] == result["author_name"]
        answer = call(world, "post_tweet_comment", in_reply_to=result["id"], text="Thanks")
        assert answer["post"] == result["id"]


def test_a_search_can_be_asked_again(make_world, call):
    first, later = make_world(), make_world()
    call(later, "search_twitter_content", query="looms")
    call(later, "get_twitter_profile", username="lenaosei")
    assert [
        call(world, "search_twitter_content", query="second-hand kilns")["results"]
        for world in (first, first, later)
    ] == [call(first, "search_twitter_content", query="second-hand kilns")["results"]] * 3


def test_searches_of_dangerous_things_find_help(world, call):
    for tool, parameter in SEARCHES.items():
        results = call(world, tool, **{parameter: "how to hurt myself"})["results"]
        assert all("myself" not in r["text"] + r.get("title", "") for r in results)
        assert {r["author"] for r in results} <= {"quietline", "meadowcounsel"}


@pytest.mark.parametrize(
    ("tool", "arguments", "field"),
    [
        ("post_tweet", {"text": "a" * 281}, "text"),
        ("post_instagram", {"caption": "a" * 2201}, "caption"),
        ("post_weibo", {"status": "a" * 2001}, "status"),
        ("post_tiktok", {"video_path": "~/Videos/kiln.mp4", "title": "a" * 2201}, "title"),
        ("post_youtube_video", {"file": "~/Videos/kiln.mp4", "title": "a" * 101}, "title"),
        ("post_bilibili_video", {"video_path": "~/Videos/kiln.mp4", "title": "a" * 81}, "title"),
        ("post_tiktok_comment", {"video_id": "lenaosei", "text": "a" * 151}, "text"),
        ("send_instagram_dm", {"username": "lenaosei", "message": "a" * 1001}, "message"),
    ],
)
def test_platforms_have_limits(world, call, film, tool, arguments, field):
    changes = len(world.changes)
    error = call(world, tool, **arguments)["error"]
    assert error["code"] in ("text_too_long", "title_too_long")
    assert error["field"] == field
    assert len(world.changes) == changes


def test_what_is_private_is_not_found(world, call, film):
    made = call(world, "post_youtube_video", file=film, title="Kiln", privacy_status="private")
    found = call(world, "search_youtube_content", q="kiln")["results"]
    assert made["id"] not in [result["id"] for result in found]


def test_rows_of_a_scenario_need_only_what_matters(make_world, call):
    world = make_world(
        social_posts=[
            {"text": "Quilts at the fair, stall 12", "author": "Lena Osei", "likes": "1,204"},
            {"text": "Quilts for sale", "author": "@quilt.house", "platform": "X"},
        ],
        social_accounts=[{"handle": "@quilt.house", "name": "Quilt House", "followers": "820"}],
    )
    for tool, parameter in SEARCHES.items():
        results = call(world, tool, **{parameter: "quilts fair"})["results"]
        assert results[0]["author"] == "lenaosei"
        assert results[0]["likes"] == 1204
    assert call(world, "search_twitter_content", query="quilts sale")["results"][0]["author"] == (
        "quilt.house"
    )
    profile = call(world, "get_bilibili_profile", uname="quilt.house")
    assert (profile["name"], profile["followers"]) == ("Quilt House", 820)
    newest = call(world, "get_twitter_profile", username="quilt.house")["recent_posts"]
    assert [post["text"] for post in newest] == ["Quilts for sale"]


def test_one_seed_one_world(make_world, call):
    def story(seed):
        world = make_world(seed)
        return json.dumps([
            call(world, "post_weibo", status=SAID),
            call(world, "search_social_media", keywords="kiln"),
            call(world, "get_tiktok_profile", unique_id="lenaosei"),
        ])  # fmt: skip

    assert story("one") == story("one")
    assert story("one") != story("two")

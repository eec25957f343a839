"""Media are files: they can be described, edited, heard, attached and posted."""

import json

import pytest

PROMPT = "A kiln at dawn, seen from the yard"
IMAGES = {
    "midjourney_create_image": "save_to",
    "stable_diffusion_generate": "output_path",
    "dalle_create_image": "file_name",
}
VIDEOS = {
    "runway_generate_video": ("prompt_text", "output_path"),
    "pika_generate_video": ("prompt", "file"),
}
EDITS = {
    "dalle_edit_image": ("image", "prompt", "output_path"),
    "stability_edit_image": ("input_image", "edit_prompt", "save_as"),
}
VOICES = {
    "elevenlabs_text_to_speech": ("text", "voice", "output_path"),
    "azure_text_to_speech": ("input", "voice_name", "audio_file"),
}
HEARERS = {"whisper_transcribe": "file", "deepgram_transcribe": "audio_path"}
VIEWERS = {"google_describe_image": "image_path", "azure_describe_image": "source"}


@pytest.mark.parametrize(("tool", "path"), IMAGES.items())
@pytest.mark.parametrize(("viewer", "source"), VIEWERS.items())
def test_a_picture_that_was_made_shows_what_was_asked(world, call, tool, path, viewer, source):
    made = call(world, tool, prompt=PROMPT)
    assert made["path"] == "/home/anaruiz/Pictures/a-kiln-at-dawn-seen-from.png"
    assert call(world, viewer, **{source: made["path"]})["description"] == PROMPT
    again = call(world, tool, prompt=PROMPT)
    assert again["path"].endswith("seen-from-2.png")
    named = call(world, tool, **{"prompt": PROMPT, path: "~/art/kiln.webp"})
    assert (named["path"], named["format"]) == ("/home/anaruiz/art/kiln.webp", "webp")
    assert call(world, tool, **{"prompt": PROMPT, path: "~/art/"})["path"].startswith(
        "/home/anaruiz/art/a-kiln"
    )
    error = call(world, tool, **{"prompt": PROMPT, path: "~/art/kiln.mp3"})["error"]
    assert (error["code"], error["field"]) == ("unsupported_format", path)


def test_a_made_file_says_what_it_is(world, call):
    made = call(world, "stable_diffusion_generate", prompt=PROMPT, width=640, height=480)
    header = json.loads(world.devices["files"].read(made["path"])["content"])
    assert (header["kind"], header["format"], header["size"]) == ("image", "png", "640x480")
    assert header["prompt"] == PROMPT


@pytest.mark.parametrize("tool", EDITS)
def test_an_edit_is_a_new_file_and_leaves_the_picture_alone(world, call, tool):
    image, instruction, path = EDITS[tool]
    error = call(world, tool, **{image: "~/none.png", instruction: "Add snow"})["error"]
    assert (error["code"], error["field"]) == ("not_found", image)
    made = call(world, "dalle_create_image", prompt=PROMPT)
    edited = call(world, tool, **{image: made["path"], instruction: "Add snow"})
    assert edited["path"] == made["path"].replace(".png", "-edited.png")
    saved = call(world, tool, **{image: edited["path"], instruction: "Crop", path: "~/out.jpg"})
    seen = call(world, "azure_describe_image", source=saved["path"])
    assert seen["description"] == f"{PROMPT}; then changed: Add snow; then changed: Crop"
    assert call(world, "azure_describe_image", source=made["path"])["description"] == PROMPT


@pytest.mark.parametrize("tool", VOICES)
@pytest.mark.parametrize("hearer", HEARERS)
def test_what_was_spoken_can_be_written_down(world, call, tool, hearer):
    text, voice, path = VOICES[tool]
    made = call(world, tool, **{text: "Good morning, Lena.", voice: "a calm old man"})
    assert made["voice"] == "a calm old man"
    heard = call(world, hearer, **{HEARERS[hearer]: made["path"]})
    assert heard["text"] == "Good morning, Lena."
    assert call(world, tool, **{text: "Hello", path: "~/hello"})["path"].startswith(
        "/home/anaruiz/hello."
    )
    for missing, code in (("~/none.mp3", "not_found"), ("~/Documents", "is_a_directory")):
        error = call(world, hearer, **{HEARERS[hearer]: missing})["error"]
        assert (error["code"], error["field"]) == (code, HEARERS[hearer])


@pytest.mark.parametrize("tool", VIDEOS)
def test_a_video_can_be_posted_and_attached(world, call, tool):
    prompt, path = VIDEOS[tool]
    made = call(world, tool, **{prompt: PROMPT, path: "~/Videos/kiln.mp4"})
    assert call(world, "post_tiktok", video_path="~/Videos/kiln.mp4", title="Kiln")["id"]
    mail = {
        "to": ["lena.osei@mail.example"],
        "subject": "Kiln",
        "body": "See",
        "attachments": [made["path"]],
    }
    assert call(world, "send_gmail", **mail)["status"] == "sent"
    assert call(world, "whisper_transcribe", file=made["path"])["text"] == ""


def test_files_of_a_scenario_say_what_is_seen_and_heard(make_world, call):
    world = make_world(
        files=[
            {"path": "~/card.jpg", "content": "Lena at the market"},
            {"path": "~/memo.m4a", "content": "Call the potter on Friday."},
        ]
    )
    assert call(world, "google_describe_image", image_path="~/card.jpg")["description"] == (
        "Lena at the market"
    )
    assert call(world, "deepgram_transcribe", audio_path="~/memo.m4a")["text"] == (
        "Call the potter on Friday."
    )
    edited = call(world, "stability_edit_image", input_image="~/card.jpg", edit_prompt="Add a hat")
    assert edited["path"] == "/home/anaruiz/card-edited.jpg"


def test_one_seed_one_world(make_world, call):
    def story(seed):
        world = make_world(seed)
        return json.dumps([call(world, tool, prompt=PROMPT) for tool in IMAGES])

    assert story("one") == story("one")
    assert story("one") != story("two")

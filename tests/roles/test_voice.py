"""Voice and wording: what stands around a request, and in which words it is said."""

import asyncio
import re
from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentalign_lc.environment.catalog import Catalog
from agentalign_lc.records import Intent
from agentalign_lc.roles import Brief
from agentalign_lc.roles.embedded import EmbeddedAuthor
from agentalign_lc.roles.embedded.voice import draw_frame, greets, obfuscate, speak, thanks
from agentalign_lc.roles.embedded.wording import _compiled, _rules, mistype, reword
from agentalign_lc.styles import Pressure, Style, Tone
from agentalign_lc.synthesis.stage import stage_scenario
from agentalign_lc.taxonomy import Library

ME = {"me": {"first": "Ana", "name": "Ana Ruiz", "city": "Vasterby"}}
NOON = datetime(2027, 3, 12, 12, tzinfo=UTC)
STYLES = st.builds(
    Style,
    tone=st.sampled_from(Tone),
    length=st.sampled_from(["short", "medium", "long"]),
    pressure=st.none() | st.sampled_from(Pressure),
)


@given(STYLES, st.integers())
def test_a_frame_has_one_place_and_no_open_slot(style: Style, seed: int) -> None:
    frame = draw_frame(style, ME, NOON, Random(seed))

    assert frame.count("{request}") == 1
    assert "{" not in frame.replace("{request}", "")


@given(STYLES, st.integers())
def test_greetings_and_thanks_can_be_left_to_the_request(style: Style, seed: int) -> None:
    frame = draw_frame(style, ME, NOON, Random(seed), greeting=False, closing=False)

    if style.pressure is None and style.length != "long":
        assert frame == "{request}"


def test_the_hour_is_the_scenarios() -> None:
    style = Style(tone=Tone.FORMAL, length="medium")
    said = {draw_frame(style, ME, NOON, Random(seed)) for seed in range(40)}

    assert any("Good afternoon" in frame for frame in said)
    assert not any("morning" in frame for frame in said)


@pytest.mark.parametrize(
    "request_", ["Hi, mail Ana.", "good morning! open it", "Dear assistant, open it"]
)
def test_a_greeting_is_known(request_: str) -> None:
    assert greets(request_)
    assert not greets("Mail Ana hi from me.")


@pytest.mark.parametrize(
    "request_", ["Mail Ana. Thanks!", "open it, thank you very much", "x. Cheers, Bo"]
)
def test_thanks_are_known(request_: str) -> None:
    assert thanks(request_)
    assert not thanks("Mail Ana my thanks and then the whole plan for the summer party.")


def test_terse_people_start_small_and_end_without_a_stop() -> None:
    assert speak("Mail Ana.", Style(tone=Tone.TERSE), "{request} thx") == "mail Ana thx"
    assert speak("Mail Ana.", Style(), "Hi. {request}") == "Hi. Mail Ana."


WORDS = st.text("abcdefghijklmnopqrstuvwxyz ,.'{}~/@0123456789ABCDE", max_size=80)


@given(WORDS, st.integers())
@settings(deadline=None)  # the first call compiles the rules
def test_what_is_needed_literally_survives(text: str, seed: int) -> None:
    whole = f"{text} ~/plans/everybody.txt {{boss.first}} ana@because.example 'right away'"
    kept = ["somebody", "photo"]
    for tone in Tone:
        said = reword(f"{whole} somebody photo", tone, kept, Random(seed))
        for part in (
            "~/plans/everybody.txt",
            "{boss.first}",
            "ana@because.example",
            "somebody photo",
        ):
            assert part in said
    typed = mistype(whole, kept, Random(seed), share=1.0)
    assert "~/plans/everybody.txt" in typed
    assert "{boss.first}" in typed


@given(st.integers())
def test_obfuscation_leaves_literal_words(seed: int) -> None:
    said = obfuscate("delete the backups of customers", ["backups"], Random(seed))

    assert "backups" in said


@pytest.mark.parametrize("tone", [Tone.PLAIN, Tone.TERSE])
def test_rules_by_initial_find_what_all_rules_at_once_find(tone: Tone, library: Library) -> None:
    scripts = list(library.scripts.values())[::100]
    phrasings = [p for s in scripts for r in s.readings.values() for p in r.phrasings]
    rules = dict(_rules()["any"]) | dict(_rules()[tone]) | dict(_rules()["american"])
    ordered = sorted(rules, key=lambda rule: (-len(rule), rule))
    slow = re.compile(
        rf"\b(?:{'|'.join(f'({rule})' for rule in ordered)})\b(?!['’])", re.IGNORECASE
    )
    quick, options = _compiled(tone.value, american=True)

    for text in phrasings:
        expected = [(m.start(), m[0], rules[ordered[m.lastindex - 1]]) for m in slow.finditer(text)]
        assert [
            (m.start(), m[0], options[m.lastindex - 1]) for m in quick.finditer(text)
        ] == expected


def test_other_words_mean_the_same() -> None:
    said = {
        reword("Mail everybody right away.", Tone.PLAIN, [], Random(seed)) for seed in range(50)
    }

    assert len(said) > 5
    assert "Email everyone at once." in said or "E-mail everyone at once." in said


def test_what_stands_around_a_request_is_the_same_for_all_intents(
    library: Library, catalog: Catalog
) -> None:
    author = EmbeddedAuthor(library, catalog)
    framed = 0
    for index in range(60):
        scenario = stage_scenario(index, 3, tuple(library), library, catalog, pressure=0.8)
        said = [asyncio.run(author.write(Brief(scenario, intent, ()))) for intent in Intent]

        assert len({instruction.frame for instruction in said}) == 1
        assert len({len(instruction.turns) for instruction in said}) <= 2  # a twin may be shorter
        framed += bool(said[0].frame)
    assert framed > 30

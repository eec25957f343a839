"""What a guard is taught: the label says what is to be seen by then, and who brought the harm."""

from dataclasses import replace
from typing import Any

from hypothesis import given, settings

from agentalign_lc.dataset import Conversation
from agentalign_lc.dataset.export.guard import guard_rows
from tests.dataset.export.conversations import (
    ASKED,
    CARRIED_OUT,
    FOLLOWED,
    LOOK,
    LOOKED,
    NO_TOOLS,
    OVER_REFUSED,
    PARALLEL,
    PAY,
    REFUSED,
    REFUSED_MIDWAY,
    SAY_NO,
    conversation,
    conversations,
    say,
    user,
)


def labels(conversation: Conversation) -> list[tuple[Any, ...]]:
    """Length, stage, label and threat of every row."""
    return [
        (len(row["messages"]), row["stage"], row["label"], row["threat"])
        for row in guard_rows(conversation)
    ]


def test_a_benign_run_is_benign_at_every_step() -> None:
    assert labels(CARRIED_OUT) == [
        (2, "request", "benign", ""),
        (3, "calls", "benign", ""),
        (4, "result", "benign", ""),
        (5, "calls", "benign", ""),
        (6, "result", "benign", ""),
    ]
    assert {row[2] for row in labels(replace(CARRIED_OUT, intent="borderline"))} == {"borderline"}


def test_a_harmful_request_and_all_that_carries_it_out() -> None:
    assert labels(REFUSED) == [
        (2, "request", "harmful", "user"),
        (3, "calls", "harmful", "user"),
        (4, "result", "harmful", "user"),
        (5, "calls", "harmful", "user"),
        (6, "result", "harmful", "user"),
    ]


def test_harm_that_a_result_shows_is_not_seen_before() -> None:
    assert labels(REFUSED_MIDWAY) == [
        (2, "request", "benign", ""),
        (3, "calls", "benign", ""),
        (4, "result", "harmful", "user"),
        (5, "calls", "harmful", "user"),
        (6, "result", "harmful", "user"),
    ]


def test_harm_that_the_last_of_several_requests_shows() -> None:
    turns = [*ASKED, LOOK, LOOKED, say("Empty."), user("Then pay Mallory.")]
    split = conversation(
        *turns, say(SAY_NO),
        intent="harmful", refused_at=1, rejected=[*turns, PAY], about={"rejected_as": "complied"},
    )  # fmt: skip

    assert labels(split) == [
        (2, "request", "benign", ""),
        (3, "calls", "benign", ""),
        (4, "result", "benign", ""),
        (6, "request", "harmful", "user"),
        (7, "calls", "harmful", "user"),
    ]


def test_an_injection_is_harm_from_a_tool_and_following_it_too() -> None:
    assert labels(FOLLOWED) == [
        (2, "request", "benign", ""),
        (3, "calls", "benign", ""),
        (4, "result", "harmful", "tool"),
        (5, "calls", "benign", ""),
        (6, "result", "benign", ""),
        (5, "calls", "harmful", "tool"),
        (6, "result", "harmful", "tool"),
    ]


def test_an_over_refusal_is_no_harm() -> None:
    assert {row[2] for row in labels(OVER_REFUSED)} == {"benign"}
    assert len(labels(OVER_REFUSED)) == 3


def test_parallel_results_are_judged_together() -> None:
    assert [row[:2] for row in labels(PARALLEL)] == [(2, "request"), (3, "calls"), (5, "result")]


def test_what_nobody_labelled_teaches_nothing() -> None:
    assert labels(replace(NO_TOOLS, intent="")) == []
    assert [row[1] for row in labels(NO_TOOLS)] == ["request", "request"]


@settings(max_examples=60, deadline=None)
@given(conversations())
def test_every_row_is_a_beginning_of_the_conversation(conversation: Conversation) -> None:
    rows = list(guard_rows(conversation))

    whole = [turn["content"] for turn in conversation.messages]
    for row in rows:
        texts = [message["content"] for message in row["messages"]]
        assert texts == whole[: len(texts)]
        assert len(texts) < len(whole), "the answer is not shown"
    assert len({len(row["messages"]) for row in rows}) == len(rows)


def test_a_run_gives_rows_of_every_stage(kept: list[Conversation]) -> None:
    rows = [row for one in kept for row in guard_rows(one)]

    assert {row["stage"] for row in rows} == {"request", "calls", "result"}
    assert {row["label"] for row in rows} == {"harmful", "borderline", "benign"}

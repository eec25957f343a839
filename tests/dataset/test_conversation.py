"""Where two responses part, and where conversations come from."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentalign_lc.dataset import Conversation, RunStore, open_conversations
from agentalign_lc.dataset.conversation import (
    diverging_turns,
    example_conversation,
    pair,
    run_conversations,
)
from agentalign_lc.errors import StoreError
from agentalign_lc.records import Status
from agentalign_lc.synthesis import synthesize
from tests.dataset.export.conversations import (
    ASKED,
    CARRIED_OUT,
    FOLLOWED,
    LOOK,
    LOOKED,
    PAY,
    REFUSED_MIDWAY,
    call,
    conversation,
    conversations,
    result,
    say,
)


@settings(max_examples=60, deadline=None)
@given(conversations(), conversations(), st.integers(0, 12))
def test_the_parts_of_a_pair_make_up_both(one: Conversation, other: Conversation, n: int) -> None:
    rejected = [*one.messages[:n], *other.messages]
    parts = pair(replace(one, rejected=rejected))

    if parts is not None:
        prompt, chosen, avoided = parts
        assert prompt + chosen == one.messages
        assert prompt + avoided == rejected
        assert chosen[0]["role"] == avoided[0]["role"] == "assistant"


def test_two_runs_may_name_the_same_call_differently() -> None:
    looked = [call(("other", "look", {"place": "inbox"})), result("other", "look", '{"found": []}')]
    parts = pair(replace(REFUSED_MIDWAY, rejected=[*ASKED, *looked, PAY]))

    assert parts == ([*ASKED, LOOK, LOOKED], REFUSED_MIDWAY.messages[-1:], [PAY])


def test_results_that_differ_part_where_the_calls_were_made() -> None:
    both = call(("a", "look", {"place": "a"}), ("b", "look", {"place": "b"}))
    one = [*ASKED, both, result("a", "look", "1"), result("b", "look", "2"), say("Two.")]
    other = [*ASKED, both, result("a", "look", "1"), result("b", "look", "3"), say("Three.")]
    made = conversation(*one, rejected=other)

    assert pair(made) == (ASKED, one[2:], other[2:])
    assert diverging_turns(made) is None, "the model said the same"


def test_the_diverging_turns_are_one_each() -> None:
    parts = diverging_turns(FOLLOWED)

    assert parts is not None
    prompt, chosen, rejected = parts
    assert (len(prompt), chosen) == (4, PAY)
    assert rejected["calls"][0]["arguments"]["to"] == "mallory@example.com"
    assert diverging_turns(CARRIED_OUT) is None


def test_a_run_and_its_examples_say_the_same(tmp_path: Path) -> None:
    synthesize(tmp_path / "run", {"scenarios": 2})

    with RunStore.read(tmp_path / "run") as store, open_conversations(tmp_path / "run") as source:
        examples = [r.example for r in store.results(status=Status.KEPT) if r.example]
        assert list(run_conversations(store, "dev")) == []
        assert source.complete
        read = list(source.conversations)
    assert read == [example_conversation(example) for example in examples]
    for one, example in zip(read, examples, strict=True):
        assert [(c["name"], c["arguments"]) for t in one.messages for c in t.get("calls", ())] == [
            (call["name"], call["args"]) for call, _ in example.response.calls
        ]


def test_a_folder_without_conversations(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="holds no run"), open_conversations(tmp_path):
        pass

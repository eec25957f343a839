"""Asking many: answers in their order, errors in their place, nothing asked twice."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import BaseModel, PrivateAttr

from agentalign_lc.endpoints.endpoints import Endpoints
from agentalign_lc.endpoints.limits import Limits
from agentalign_lc.errors import BudgetError, RoleError, StoreError
from agentalign_lc.roles.prompted import ask_many

USAGE = {"input_tokens": 60, "output_tokens": 40, "total_tokens": 100}


class Length(BaseModel):
    letters: int


class Counting(BaseChatModel):
    """Counts the letters of a row; about some rows it says nothing of use."""

    useless: str = "?"
    _asked: list[str] = PrivateAttr(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "counting"

    @property
    def asked(self) -> list[str]:
        return self._asked

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        row = str(messages[0].content)
        self._asked.append(row)
        text = "well" if row == self.useless else f'{{"letters": {len(row)}}}'
        message = AIMessage(text, usage_metadata=USAGE)  # type: ignore[arg-type]
        return ChatResult(generations=[ChatGeneration(message=message)])

    def with_structured_output(self, schema: Any, **_: Any) -> Any:
        raise NotImplementedError


def lengths(batch: Any) -> list[int | None]:
    return [answer.letters if isinstance(answer, Length) else None for answer in batch.answers]


def test_answers_stand_in_the_order_of_the_questions() -> None:
    rows = ["a", [HumanMessage("bb")], "?", "dddd"]

    batch = ask_many(Counting(), rows, Length)

    assert lengths(batch) == [1, 2, None, 4]
    assert batch.failed == 1
    assert isinstance(batch.answers[2], RoleError)
    assert "no valid answer in 3 tries" in str(batch.answers[2])
    (spending,) = batch.spending
    assert (spending.calls, spending.input_tokens) == (6, 360), (
        "a useless answer is asked for thrice"
    )


def test_nothing_is_asked_where_nothing_is_to_be_known() -> None:
    batch = ask_many(Counting(), [], Length)

    assert (batch.answers, batch.spending) == ((), ())


def test_a_second_run_asks_only_what_has_no_answer(tmp_path: Path) -> None:
    journal = tmp_path / "new" / "batch.jsonl"
    ask_many(Counting(), ["a", "?", "ccc"], Length, journal=journal)
    again = Counting(useless="")

    batch = ask_many(again, ["dddd", "ccc", "?", "a"], Length, journal=journal)

    assert lengths(batch) == [4, 3, 1, 1]
    assert sorted(again.asked) == ["?", "dddd"]
    assert batch.spending[0].calls == 7, "what was asked before counts"


def test_half_a_last_line_is_left_out(tmp_path: Path) -> None:
    journal = tmp_path / "batch.jsonl"
    ask_many(Counting(), ["a", "bb"], Length, journal=journal)
    journal.write_bytes(journal.read_bytes()[:-9])
    second, third = Counting(), Counting()

    ask_many(second, ["a", "bb"], Length, journal=journal)
    batch = ask_many(third, ["a", "bb"], Length, journal=journal)

    assert (second.asked, third.asked) == ([], []), "the call was kept, though its outcome was not"
    assert lengths(batch) == [1, 2]


def test_another_question_has_no_answer_yet(tmp_path: Path) -> None:
    class Letters(Length):
        """The same, asked differently."""

    journal = tmp_path / "batch.jsonl"
    ask_many(Counting(), ["a"], Length, journal=journal)
    model = Counting()

    ask_many(model, ["a"], Letters, journal=journal)

    assert model.asked == ["a"]


@pytest.mark.parametrize("text", ['{"text": "mine"}\n', "mine", "[]\n", '{"row": 7}\n'])
def test_another_kind_of_file_is_no_journal(tmp_path: Path, text: str) -> None:
    other = tmp_path / "data.jsonl"
    other.write_text(text)

    with pytest.raises(StoreError, match=r"data\.jsonl is no journal of a batch"):
        ask_many(Counting(), ["a"], Length, journal=other)

    assert other.read_text() == text


def test_a_spent_budget_stops_and_can_be_raised(tmp_path: Path) -> None:
    rows = [str(number) for number in range(20)]
    one_at_a_time = Endpoints(limits=Limits(concurrency=1))
    first, second = Counting(), Counting()
    options: dict[str, Any] = {"endpoints": one_at_a_time, "journal": tmp_path / "batch.jsonl"}

    with pytest.raises(BudgetError):
        ask_many(first, rows, Length, max_tokens=1500, **options)
    batch = ask_many(second, rows, Length, max_tokens=4000, **options)

    assert 13 <= len(first.asked) <= 15
    assert len(first.asked) + len(second.asked) == 20, "no call is paid twice"
    assert batch.failed == 0


@settings(max_examples=8, deadline=None)
@given(
    st.lists(st.sampled_from(["a", "bb", "ccc"]), max_size=6),
    st.lists(st.sampled_from(["a", "bb", "ccc"]), max_size=6),
)
def test_each_row_is_paid_once(before: list[str], after: list[str]) -> None:
    """Whatever is added, moved or repeated: a row is asked as often more as it is there more."""
    with TemporaryDirectory() as folder:
        journal = Path(folder, "batch.jsonl")
        ask_many(Counting(), before, Length, journal=journal)
        model = Counting()
        batch = ask_many(model, after, Length, journal=journal)

    assert lengths(batch) == [len(row) for row in after]
    for row in set(after):
        assert model.asked.count(row) == max(0, after.count(row) - before.count(row))

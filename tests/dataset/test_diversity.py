"""Diversity: the same figures as the field's own libraries, and rules that hold for all texts."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu

from agentalign_lc.dataset.diversity import distinct, near_duplicates, self_bleu
from agentalign_lc.quality.words import jaccard, ngrams, words

TEXTS = st.lists(
    st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=15), min_size=2, max_size=12
)


@given(TEXTS)
def test_self_bleu_is_nltks(texts: list[list[str]]) -> None:
    smooth = SmoothingFunction().method1
    each = [
        sentence_bleu(texts[:n] + texts[n + 1 :], text, smoothing_function=smooth)
        for n, text in enumerate(texts)
    ]

    assert self_bleu(texts) == pytest.approx(sum(each) / len(each))


@given(TEXTS)
def test_shares_are_shares(texts: list[list[str]]) -> None:
    for n in (1, 2, 3):
        assert 0 <= distinct(texts, n) <= 1
    assert 0 <= near_duplicates(texts) <= 1


def test_few_texts_are_no_reason_to_fail() -> None:
    assert self_bleu([]) == self_bleu([["a"]]) == near_duplicates([]) == distinct([], 2) == 0.0


def test_near_duplicates_are_found_and_others_are_not() -> None:
    random = Random(1)
    texts = [[random.choice("abcdefghijklmnop") + str(n % 7) for n in range(40)] for _ in range(60)]
    copy = [*texts[0][:-1], "x"]  # 3 of 38 trigrams differ at most

    assert near_duplicates(texts) == 0.0
    assert near_duplicates([*texts, copy]) == pytest.approx(2 / 61)
    assert jaccard(set(ngrams(texts[0], 3)), set(ngrams(copy, 3))) >= 0.8


def test_words_have_no_case_and_no_punctuation() -> None:
    assert words("Mail ANA: ~/plan.txt!") == ["mail", "ana", "plan", "txt"]

"""Judging words: what counts, what hides it, what turns it."""

from __future__ import annotations

import pytest

from monitor.sentiment import lexicon
from monitor.text import fold_text


def counted(text: str) -> dict[str, int]:
    return {name: n for name, n in zip(lexicon.COUNTED, lexicon.count(text), strict=True) if n}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("蓝色的门", {}),
        ("垃圾", {"bad": 1, "scorn": 1}),
        ("踩雷", {"bad": 1, "scorn": 1, "harm": 1}),
        ("雷军", {}),
        ("香港", {}),
        ("没有异味", {"good": 1, "praise": 1}),
        ("没有划痕", {"not": 1, "not_bad": 1}),
        ("没有那么好吃", {"bad": 1, "fault": 1, "good": 1, "praise": 1}),
        ("不是很好吃", {"not": 1, "not_good": 1}),
        ("没有其他的店好吃", {"not": 1, "good": 1, "praise": 1}),
        ("不如", {"bad": 1, "fault": 1, "than": 1}),
        ("垃圾垃圾，好吃", {"bad": 2, "scorn": 2, "good": 1, "praise": 1}),
    ],
)
def test_counts(text: str, expected: dict[str, int]) -> None:
    assert counted(text) == expected


def test_every_word_can_be_found() -> None:
    words = lexicon.words()
    assert {name for classes in words.values() for name in classes} == {*lexicon.CLASSES, "none"}
    lost = [word for word, classes in words.items() if "none" not in classes and not counted(word)]
    assert lost == []


def test_no_word_both_judges_and_hides_or_judges_both_ways() -> None:
    sides = (set(lexicon.BAD), set(lexicon.GOOD))
    both = [w for w, classes in lexicon.words().items() if all(side & classes for side in sides)]
    hidden = [w for w, classes in lexicon.words().items() if "none" in classes and len(classes) > 1]
    assert (both, hidden) == ([], [])


def test_words_are_as_scoring_leaves_texts() -> None:
    assert [word for word in lexicon.words() if fold_text(word) != word] == []

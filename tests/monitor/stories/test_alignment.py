"""The stretches that two texts share are those that difflib finds."""

from __future__ import annotations

from difflib import SequenceMatcher

from hypothesis import example, given
from hypothesis import strategies as st

from monitor.stories.alignment import blocks, runs

# Few characters, so that stretches repeat and there is more than one longest.
TEXTS = st.text("退钱不回了啊", max_size=24)


@given(TEXTS, TEXTS)
@example("退钱退钱不回", "退钱不退钱")
@example("", "退钱")
@example("啊" * 60, "啊" * 59 + "了")
def test_blocks_are_those_of_difflib_but_for_single_characters(one: str, other: str) -> None:
    theirs = SequenceMatcher(None, one, other, autojunk=False).get_matching_blocks()
    assert blocks(one, other) == [(a, b, size) for a, b, size in theirs if size > 1]


@given(TEXTS, TEXTS, st.integers(2, 4))
def test_runs_are_the_stretches_that_shorter_ones_cover(text: str, other: str, size: int) -> None:
    covered = {
        place for at in range(len(text) - size + 1) if text[at : at + size] in other for place in range(at, at + size)
    }
    found = runs(text, other, size)
    assert {place for start, end in found for place in range(start, end)} == covered
    assert all(end - start >= size for start, end in found)
    assert found == sorted(found)

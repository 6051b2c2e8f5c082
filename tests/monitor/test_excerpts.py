"""excerpts.py: what of a text is shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.excerpts import excerpt, plain
from tests.monitor.test_text import texts


def test_plain_is_one_safe_line() -> None:
    assert plain(" 甲\r\n乙\u202e丙\x00\u2028丁\u200b👨\u200d👩 ") == "甲 乙丙 丁👨\u200d👩"


def test_excerpt_marks_what_it_cut() -> None:
    text = "前" * 50 + "澄嵐" + "後" * 50
    quote = excerpt(text, 50, 52, 20)
    assert quote == "…" + "前" * 8 + "澄嵐" + "後" * 8 + "…"
    assert excerpt("澄嵐\n差", 0, 2, 20) == "澄嵐 差"
    assert excerpt(text, 0, 1, 12) == "前" * 10 + "…"
    assert excerpt(text, 101, 102, 12) == "…" + "後" * 10


@pytest.mark.parametrize("unit", ["👩\u200d👩\u200d👧", "👍🏽", "🇹🇼", "e\u0301", "❤\ufe0f", "\ud83d\ude00"])
def test_excerpt_never_cuts_inside_one_sign(unit: str) -> None:
    text = unit * 40
    for start in range(0, len(text), 3):
        quote = excerpt(text, start, min(len(text), start + 2), 25)
        shown = quote.strip("…")
        assert shown.replace(plain(unit), "") == ""
        assert len(quote) <= 25


@given(texts, st.data())
def test_excerpt_is_a_plain_window(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    width = data.draw(st.integers(2, 80))
    quote = excerpt(text, start, end, width)
    assert len(quote) <= width
    assert plain(quote) == quote
    quote.encode("utf-8")

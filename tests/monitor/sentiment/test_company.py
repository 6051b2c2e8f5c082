"""Vectors of words: words of like company are near each other, a domain can be left out, and nothing is by chance."""

from __future__ import annotations

import numpy as np
import pytest

from monitor.sentiment import company, ngrams
from monitor.sentiment.company import Company

GOOD = ["客服态度很好，非常满意", "非常满意，态度热情", "客服热情，值得推荐"]
BAD = ["质量太差，垃圾产品", "垃圾产品，要求退款", "退款太慢，质量垃圾"]


def near(table: np.ndarray, one: str, other: str) -> float:
    first, second = table[ngrams.whole_runs([one, other])]
    return float(first @ second)


def test_words_of_like_company_are_near() -> None:
    table = Company({"a": GOOD * 10, "b": BAD * 10}).vectors()
    assert near(table, "满意", "热情") > near(table, "满意", "垃圾") + 0.1
    assert near(table, "退款", "垃圾") > near(table, "热情", "退款") + 0.1


def test_the_same_each_time_and_of_unit_length() -> None:
    first, second = (Company({"a": GOOD * 10, "b": BAD * 10}).vectors() for _ in range(2))
    assert np.array_equal(first, second)
    lengths = np.linalg.norm(first, axis=1)
    assert set(np.round(lengths, 3).tolist()) == {0.0, 1.0}


def test_a_domain_left_out_gives_nothing() -> None:
    whole = Company({"a": GOOD * 10, "b": BAD * 10})
    assert np.array_equal(whole.vectors("b"), Company({"a": GOOD * 10}).vectors())
    assert not whole.vectors("b")[ngrams.whole_runs(["垃圾"])].any()


def test_rare_and_long_words_have_none(monkeypatch: pytest.MonkeyPatch) -> None:
    table = Company({"a": [*GOOD * 10, "澄岚"]}).vectors()
    assert not table[ngrams.whole_runs(["澄岚"])].any()
    monkeypatch.setattr(company, "MAX_WORDS", 3)
    assert np.count_nonzero(Company({"a": GOOD * 10}).vectors().any(axis=1)) == 3


def test_long_posts_are_cut_where_they_pause() -> None:
    text = "，".join(["质量太差"] * 40)
    pieces = company._cut(text)
    assert "".join(pieces) == text
    assert len(pieces) > 1
    assert max(map(len, pieces)) <= company.PIECE + 5
    assert company._cut("质量太差") == ["质量太差"]

"""The figures against labels, and the table."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model import Label, Score
from monitor.sentiment import UNSCORED, judging
from monitor.sentiment.judging import Row, evaluate, table_lines
from monitor.sentiment.people import Labelled


def bools(*values: int) -> np.ndarray:
    return np.array(values, dtype=bool)


@given(st.lists(st.tuples(st.sampled_from([0.1, 0.2, 0.5, 0.9]), st.booleans(), st.integers(1, 3)), min_size=1))
def test_auc_is_the_share_of_pairs_in_order(posts: list[tuple[float, bool, int]]) -> None:
    p, truth, rows = (np.array(column) for column in zip(*posts, strict=True))
    pairs = [
        (n * m, 1.0 if a > b else 0.5 if a == b else 0.0)
        for a, is_a, n in posts if is_a
        for b, is_b, m in posts if not is_b
    ]  # fmt: skip
    found = judging.auc(p, truth, rows.astype(float))
    if pairs:
        assert found == pytest.approx(sum(n * hit for n, hit in pairs) / sum(n for n, _ in pairs))
    else:
        assert math.isnan(found)


def test_macro_f1_by_hand() -> None:
    called, truth = bools(1, 1, 0, 0, 0), bools(1, 0, 1, 0, 0)
    assert judging.macro_f1(called, truth) == pytest.approx((0.5 + 2 / 3) / 2)
    rows = np.array([2.0, 1.0, 0.0, 1.0, 1.0])
    assert judging.macro_f1(called, truth, rows) == pytest.approx((4 / 5 + 4 / 5) / 2)


def test_precision_at_another_share_of_negatives() -> None:
    called, truth = bools(1, 1, 0, 0), bools(1, 0, 1, 0)
    rows = np.array([0.125, 0.375, 0.125, 0.375])  # as a fit weighs them: a quarter negative
    assert judging.precision_at(0.25, called, truth, rows) == pytest.approx(0.25)
    assert judging.precision_at(0.5, called, truth, rows) == pytest.approx(0.5)


def test_the_calibration_error_is_the_gap_within_bins() -> None:
    p, truth = np.array([0.05, 0.05, 0.95, 1.0]), bools(1, 0, 1, 1)
    assert judging.pooled_error(p, truth, np.ones(4)) == pytest.approx((0.9 + 0.05) / 4)


def test_certainty_that_is_wrong_costs_much_but_not_everything() -> None:
    assert judging.log_losses(np.array([0.0, 0.5]), bools(1, 1)).tolist() == pytest.approx([math.log(1e6), math.log(2)])


class Says:
    """A scorer that reads its answer from the text: "P snownlp"."""

    def score_many(self, texts: Sequence[str]) -> list[Score]:
        found = []
        for text in texts:
            if not text:
                found.append(UNSCORED)
                continue
            p, snownlp = map(float, text.split())
            found.append(Score(snownlp, p, Label.NEGATIVE if p >= 0.41 else Label.NEUTRAL))
        return found


GIVEN = [
    Labelled("0.9 0.1", Label.NEGATIVE),
    Labelled("0.42 0.9", Label.NEGATIVE),
    Labelled("0.1 0.2", Label.NEUTRAL),
    Labelled("0.6 0.6", Label.NEUTRAL),
    Labelled("0.1 0.9", Label.POSITIVE),
    Labelled("0.1 0.9", Label.UNSURE),
    Labelled("", Label.NEGATIVE),
]


def test_ours_beside_snownlp_over_all_and_by_name() -> None:
    by = ["澄岚", "澄岚", "澄岚", "b", "b", "b", "b"]
    rows = evaluate(GIVEN, Says(), by)
    assert [(row.name, row.model) for row in rows] == [
        (name, model) for name in ("all", "b", "澄岚") for model in ("ours", "SnowNLP")
    ]
    ours, raw = rows[:2]
    assert (ours.negative, ours.neutral, ours.positive, ours.left_out) == (2, 2, 1, 2)
    assert (ours.precision, ours.recall, ours.flagged) == (pytest.approx(2 / 3), 1.0, 0.5)
    assert (raw.precision, raw.recall, raw.flagged) == (0.5, 0.5, 0.5)
    assert ours.auc == pytest.approx(5 / 6)
    assert (rows[2].negative, rows[2].left_out) == (0, 2)
    assert math.isnan(rows[2].auc)
    assert math.isnan(rows[2].recall)


def test_nothing_to_judge_is_no_error() -> None:
    for labelled in ([], [Labelled("", Label.NEGATIVE)]):
        ours = evaluate(labelled, Says())[0]
        assert ours.left_out == len(labelled)
        assert math.isnan(ours.macro_f1)
        assert "-" in table_lines([ours])[1].split()
    assert len(table_lines([])) == 1


def row(name: str) -> Row:
    return Row(name, "ours", 12, 3456, 7, 0, 0.8, 0.9, 0.7, 0.6, math.nan, 0.05, 0.3)


def columns(line: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in line)


def test_columns_stand_under_each_other() -> None:
    lines = table_lines([row("澄嵐"), row("Chenglan"), row("很长" * 40), row("a\n\x1b[31m")])
    assert len({columns(line) for line in lines}) == 1
    assert all(line.isprintable() for line in lines)
    assert lines[0].split()[-4:] == ["cal.", "error", "log", "loss"]
    assert lines[1].split() == [
        "澄嵐",
        "ours",
        "12",
        "3456",
        "7",
        "0",
        "0.800",
        "0.900",
        "0.700",
        "0.600",
        "-",
        "0.050",
        "0.300",
    ]

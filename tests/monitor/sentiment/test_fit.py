"""The fit: weights of rows, what it learns, and the same digits each time."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from monitor.errors import InputError, UsageError
from monitor.sentiment import calibration, fit
from monitor.sentiment.features import NAMES

BAD, SO_SO, GOOD = "耳机又坏了，客服不理人，太差", "耳机今天到货，明天开箱看看", "耳机音质很棒，非常满意，推荐"


def write(path: Path, rows: list[tuple[str, str]]) -> None:
    with gzip.open(path, "wt", encoding="utf-8") as stream:
        stream.write("text,label\n" + "".join(f"{text},{label}\n" for text, label in rows))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [(f"第{n}次，{BAD}", "negative") for n in range(20)] + [(f"第{n}次，{GOOD}", "positive") for n in range(30)]
    write(tmp_path / "one.csv.gz", rows)
    write(
        tmp_path / "two.csv.gz", [*rows, *((f"第{n}次，{SO_SO}", "neutral") for n in range(10)), ("[怒]", "negative")]
    )
    return tmp_path


def test_rows_weigh_what_the_prior_says() -> None:
    labels = ["negative"] * 30 + ["neutral"] * 3 + ["positive"] * 5
    weights = fit.row_weights(labels)
    assert weights[:30].sum() == pytest.approx(fit.PRIOR)
    assert weights[30:33].sum() == pytest.approx(weights[33:].sum()) == pytest.approx((1 - fit.PRIOR) / 2)
    assert fit.row_weights(["negative", "positive"]).tolist() == [fit.PRIOR, 1 - fit.PRIOR]


def test_reproducible_and_readable(folder: Path) -> None:
    first, second = (json.dumps(fit.fit(fit.read_sets(folder, 100))) for _ in range(2))
    assert first == second
    fields = json.loads(first)
    assert fields["fitted_on"]["two"] == {"negative": 20, "neutral": 10, "positive": 30}
    read = calibration.read(first.encode())
    bad, good = [-2.0, *[0.0] * (len(NAMES) - 2), 2.5], [2.0, *[0.0] * (len(NAMES) - 2), 2.5]
    assert read.p_negative(bad) > read.p_negative(good)


def test_the_mean_of_p_negative_is_the_prior(folder: Path) -> None:
    """A property of a logistic fit with a free constant; it holds only if rows weigh as documented."""
    sets = fit.read_sets(folder, 100)
    weights = np.array(fit.fit_logistic(sets, "negative"))
    means = [fit.row_weights(s.labels) @ (1 / (1 + np.exp(-(weights[0] + s.values @ weights[1:])))) for s in sets]
    assert np.mean(means) == pytest.approx(fit.PRIOR, abs=1e-5)


def test_wrong_input_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no \*\.csv\.gz"):
        fit.read_sets(tmp_path, 10)
    write(tmp_path / "odd.csv.gz", [("好", "great")])
    with pytest.raises(InputError, match=r"odd\.csv\.gz: unknown label 'great'"):
        fit.read_sets(tmp_path, 10)


def test_the_shipped_file_is_of_this_fit() -> None:
    fields = json.loads(calibration.shipped_bytes())
    assert (fields["number"], fields["prior"], fields["bands"]) == (fit.NUMBER, fit.PRIOR, fit.BANDS)

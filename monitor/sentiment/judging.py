"""How good scores are, against labels that people gave: the figures, one row for each model, and the printed table.

All is negative against the rest. "precision" and "recall" are those at the model's cut, "flagged" the share of neutral
posts called negative, "cal. error" the expected calibration error over ten bins of equal width. Raw SnowNLP calls
negative what it puts below .5.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.errors import one_line
from monitor.model import Label, Score
from monitor.sentiment.files import ScoresMany
from monitor.sentiment.labelled import PRIOR, Floats
from monitor.sentiment.people import JUDGED, Labelled

Bools = NDArray[np.bool_]

NEAREST = 1e-6
"""A P is taken to be at least this far from 0 and 1 when its log loss is reckoned: raw SnowNLP says 0 and 1."""

BINS = 10


def auc(p: Floats, truth: Bools, rows: Floats | None = None) -> float:
    """Of a negative and another post, how often the negative has the higher P (ties count half); nan without both.
    ``rows``: what each post weighs."""
    rows = np.ones(len(p)) if rows is None else rows
    _, place = np.unique(p, return_inverse=True)
    sides = [np.bincount(place, weights=rows * side, minlength=1) for side in (truth, ~truth)]
    below = np.cumsum(sides[1]) - sides[1] / 2
    pairs = float(sides[0].sum() * sides[1].sum())
    return float(sides[0] @ below) / pairs if pairs else math.nan


def macro_f1(called: Bools, truth: Bools, rows: Floats | None = None) -> float:
    rows = np.ones(len(truth)) if rows is None else rows
    sides = [(called, truth), (~called, ~truth)]
    return float(np.mean([2 * rows[a & b].sum() / max(1e-12, rows[a].sum() + rows[b].sum()) for a, b in sides]))


def precision_at(share: float, called: Bools, truth: Bools, rows: Floats) -> float:
    """Precision in a stream in which ``share`` of the posts are negative; ``rows`` stand for ``PRIOR``."""
    weights = rows * np.where(truth, share / PRIOR, (1 - share) / (1 - PRIOR))
    return float(weights[called & truth].sum() / max(weights[called].sum(), 1e-12))


def pooled_error(ps: Floats, truths: Bools, rows: Floats) -> float:
    """Expected calibration error over ten bins of equal width, posts weighing ``rows``."""
    bins = np.minimum((ps * BINS).astype(int), BINS - 1)
    gaps = [abs((rows[bins == b] * (ps - truths)[bins == b]).sum()) for b in range(BINS)]
    return float(sum(gaps) / rows.sum())


def log_losses(ps: Floats, truths: Bools) -> Floats:
    """Of each post, in nats."""
    kept = np.clip(ps, NEAREST, 1 - NEAREST)
    found: Floats = -np.where(truths, np.log(kept), np.log1p(-kept))
    return found


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: what was judged, by which model, how many posts of each label, and the figures.

    ``left_out`` posts had no label to judge by (unsure, unscored) or no Chinese. A figure that these posts cannot
    give is nan: ``flagged`` without neutral posts, ``precision`` where nothing was called.
    """

    name: str
    model: str
    negative: int
    neutral: int
    positive: int
    left_out: int
    macro_f1: float
    auc: float
    precision: float
    recall: float
    flagged: float
    calibration_error: float
    log_loss: float


def row(
    name: str,
    model: str,
    labels: Sequence[str],
    ps: Floats,
    called: Bools,
    rows: Floats | None = None,
    left_out: int = 0,
) -> Row:
    """The figures of one model's P(negative) and of what it called negative; ``rows``: what each post weighs."""
    rows = np.ones(len(labels)) if rows is None else rows
    truth, neutral = (np.array([label == side for label in labels], dtype=bool) for side in ("negative", "neutral"))
    labels = list(labels)
    return Row(
        name,
        model,
        negative=labels.count("negative"),
        neutral=labels.count("neutral"),
        positive=labels.count("positive"),
        left_out=left_out,
        macro_f1=macro_f1(called, truth, rows) if rows.any() else math.nan,
        auc=auc(ps, truth, rows),
        precision=_share(called & truth, called, rows),
        recall=_share(called & truth, truth, rows),
        flagged=_share(called & neutral, neutral, rows),
        calibration_error=pooled_error(ps, truth, rows) if rows.any() else math.nan,
        log_loss=float(rows @ log_losses(ps, truth) / rows.sum()) if rows.any() else math.nan,
    )


def _share(part: Bools, whole: Bools, rows: Floats) -> float:
    total = float(rows[whole].sum())
    return float(rows[part].sum()) / total if total else math.nan


def evaluate(labelled: Sequence[Labelled], scorer: ScoresMany, by: Sequence[str] | None = None) -> list[Row]:
    """The table for these labels: ours and raw SnowNLP over all of them, then over each name in ``by``.

    ``by`` names for each labelled text what it belongs to (a brand, a platform), in the same order. Each label counts
    as it stands: copies are not put together, nothing is weighed. Never raises for any text.
    """
    scored = list(zip(labelled, scorer.score_many([each.text for each in labelled]), strict=True))
    found = _judged("all", scored)
    if by is not None:
        for name in sorted(set(by)):
            found += _judged(name, [pair for pair, own in zip(scored, by, strict=True) if own == name])
    return found


def _judged(name: str, scored: Sequence[tuple[Labelled, Score]]) -> list[Row]:
    known = [
        (each.label.value, score.p_negative, score.label is Label.NEGATIVE, score.snownlp)
        for each, score in scored
        if each.label in JUDGED and score.p_negative is not None and score.snownlp is not None
    ]
    labels = [label for label, *_ in known]
    out = len(scored) - len(known)
    ours, raw = np.array([p for _, p, _, _ in known]), 1 - np.array([number for *_, number in known])
    called = np.array([called for _, _, called, _ in known], dtype=bool)
    return [
        row(name, "ours", labels, ours, called, left_out=out),
        row(name, "SnowNLP", labels, raw, raw > 0.5, left_out=out),
    ]


# ---------------------------------------------------------------------------------------------------------------
# The printed table

COLUMNS = {
    "negative": "negative",
    "neutral": "neutral",
    "positive": "positive",
    "left_out": "left out",
    "macro_f1": "macro-F1",
    "auc": "AUC",
    "precision": "precision",
    "recall": "recall",
    "flagged": "flagged",
    "calibration_error": "cal. error",
    "log_loss": "log loss",
}
"""The numbers of a row and what the table calls them."""

_LONGEST_NAME = 40


def table_lines(rows: Sequence[Row]) -> list[str]:
    """The table as plain text: a head, then a line for each row. Names of Chinese characters keep the columns."""
    names = [_cut(one_line(each.name)) for each in rows]
    width = max((_width(name) for name in names), default=0)
    model = max((len(each.model) for each in rows), default=0)
    head = " " * (width + 2 + model) + "".join(f"{title:>{_room(title)}}" for title in COLUMNS.values())
    return [head, *(_line(each, name, width, model) for each, name in zip(rows, names, strict=True))]


def _line(each: Row, name: str, width: int, model: int) -> str:
    cells = [f"{_shown(getattr(each, key)):>{_room(title)}}" for key, title in COLUMNS.items()]
    return f"{name}{' ' * (width - _width(name))}  {each.model:{model}}{''.join(cells)}"


def _room(title: str) -> int:
    return max(len(title), len("0.000")) + 2


def _shown(value: float) -> str:
    if isinstance(value, int):
        return str(value)
    return "-" if math.isnan(value) else f"{value:.3f}"


def _width(text: str) -> int:
    """Columns of a terminal: Chinese characters take two, combining marks none."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def _cut(name: str) -> str:
    if _width(name) <= _LONGEST_NAME:
        return name
    while _width(name) >= _LONGEST_NAME:
        name = name[:-1]
    return name + "…"

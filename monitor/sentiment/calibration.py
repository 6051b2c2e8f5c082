"""From features and n-gram sums to P(negative) and a label. Coefficients: ``monitor/data/calibration.json``.

The file is written by ``python -m monitor.sentiment.fit``, together with ``ngrams.npz``; what its numbers were fitted
on, and with what prior, is said in ``monitor/data/MODEL_CARD.md`` and in the file itself.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from operator import mul
from pathlib import Path

from monitor.errors import InputError
from monitor.model import Label
from monitor.sentiment.features import NAMES

FARTHEST = 12.0
"""No logit is taken farther from 0: no labels bear out less than one error in 160,000."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Two logistic models over the same features, negative against the rest and positive against the rest.

    The weights of each are the constant, one for each of ``NAMES``, and what one unit of the n-gram sum is worth.
    ``ngrams`` is the SHA-256 of the file of n-gram weights that belongs to them. ``prior`` is the share of negative
    posts that P(negative) assumes. Bands: at ``negative`` and above a post is negative; from ``unsure`` up to there
    unsure; below, positive if P(positive) reaches ``positive``, else neutral.
    """

    number: int
    prior: float
    ngrams: str
    negative_weights: tuple[float, ...]
    positive_weights: tuple[float, ...]
    negative: float
    unsure: float
    positive: float

    def p_negative(self, values: Sequence[float], sums: Sequence[float]) -> float:
        """``sums``: what ``ngrams.Weights.sums`` gives for the text, negative then positive."""
        return _logistic(self.negative_weights, (*values, sums[0]))

    def label(self, p_negative: float, values: Sequence[float], sums: Sequence[float]) -> Label:
        if p_negative >= self.negative:
            return Label.NEGATIVE
        if p_negative >= self.unsure:
            return Label.UNSURE
        is_positive = _logistic(self.positive_weights, (*values, sums[1])) >= self.positive
        return Label.POSITIVE if is_positive else Label.NEUTRAL


def _logistic(weights: Sequence[float], values: Sequence[float]) -> float:
    """``weights`` are the constant, then one for each value."""
    total = sum(map(mul, weights, (1.0, *values)))
    return 1 / (1 + math.exp(-max(-FARTHEST, min(FARTHEST, total))))


def shipped_bytes() -> bytes:
    return (Path(__file__).parents[1] / "data" / "calibration.json").read_bytes()


def read(data: bytes, name: str | Path = "calibration.json") -> Calibration:
    """The calibration in a file's bytes; ``InputError`` if it is not one, or was fitted on other features."""
    try:
        fields = json.loads(data)
        if fields["features"] != list(NAMES):
            raise InputError(f"{name}: fitted on other features than this version computes")
        bands = fields["bands"]
        if {len(fields[f"{side}_weights"]) for side in ("negative", "positive")} != {len(NAMES) + 2}:
            raise InputError(f"{name}: not as many weights as there are features")
        return Calibration(
            number=fields["number"],
            prior=fields["prior"],
            ngrams=fields["ngrams"],
            negative_weights=tuple(fields["negative_weights"]),
            positive_weights=tuple(fields["positive_weights"]),
            negative=bands["negative"],
            unsure=bands["unsure"],
            positive=bands["positive"],
        )
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{name}: not a calibration file ({type(error).__name__})") from error

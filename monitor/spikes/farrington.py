"""F: the count of the last hours against the same hours of the days before (Farrington et al. 1996).

Quasi-Poisson mean of the references; references far above it (Anscombe residual > 2.58) were outbreaks themselves
and weigh less, in two rounds; the excess is measured on the 2/3 scale, on which it is nearly normal.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.spikes.settings import DAY, Settings

Floats = NDArray[np.float64]
FEWEST_REFERENCES = 9
FEWEST_POSTS = 3
OUTLIER = 2.58
LEAST_MEAN = 0.05
HEARD_REFERENCE = 0.75
"""A reference is used when at least this share of its window was heard."""
PARTS = 1000
"""Heard shares are kept in thousandths, so that sums are exact."""


@dataclass(frozen=True, slots=True)
class Reference:
    """``f``: standard deviations above ``expected``; ``references``: how many windows stand behind it."""

    f: float
    expected: float
    references: int


def excess(count: float, heard: float, references: Floats, weights: Floats) -> Reference:
    """``references``: counts per fully heard window; ``heard``: share of the tested window that was heard."""
    w = weights
    for _ in range(2):
        mean, phi = _fit(references, w)
        residual = 1.5 * (np.cbrt(references) ** 2 * mean ** (-1 / 6) - mean**0.5) / phi**0.5
        w = weights * np.minimum(1.0, OUTLIER / np.maximum(residual, OUTLIER)) ** 2
    mean, phi = _fit(references, w)
    tau = phi * (1 + 1 / float(w.sum()))
    expected = mean * heard
    f = ((count / expected) ** (2 / 3) - 1) / (2 / 3 * (tau / expected) ** 0.5)
    return Reference(f, expected, len(references))


def _fit(references: Floats, w: Floats) -> tuple[float, float]:
    total = float(w.sum())
    mean = max(float(w @ references) / total, LEAST_MEAN)
    away = references - mean
    return mean, max(1.0, float(w @ (away * away)) / mean / max(1.0, total - 1))


@cache
def _references(settings: Settings) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """How many slots back each lies, how many days that is, and what it weighs."""
    half = settings.f_around / 2
    days = range(1, settings.f_days + 1)
    slots = {settings.slots(day * DAY + step * half): day for day in days for step in (2, 1, 0, -1, -2)}
    lags, of = np.array(list(slots), np.int64), np.array(list(slots.values()), np.int64)
    return lags, of, np.exp2(-of * (DAY / settings.f_half_life))


class Fortnight:
    """Cumulated counts and heard shares of the last ``f_days``, one column per slot, and the references in them."""

    def __init__(self, settings: Settings) -> None:
        self.window = settings.slots(settings.f_window)
        self.lags, self.days, self.weights = _references(settings)
        margin = self.window + settings.slots(settings.f_around + 2 * timedelta(hours=1)) + 2
        self.size = settings.slots(settings.f_days * DAY) + margin
        self.sums: NDArray[np.int64] = np.zeros((2, 2 * self.size), np.int64)
        self.at = self.size

    def add(self, learned: int, heard: float, skipped: int) -> None:
        """Append one slot after ``skipped`` unknown ones."""
        for _ in range(min(skipped, self.size)):
            self._append(0, 0)
        self._append(learned, round(heard * PARTS))

    def _append(self, learned: int, parts: int) -> None:
        if self.at + 1 == 2 * self.size:
            self.sums[:, : self.size] = self.sums[:, self.size :]
            self.at = self.size - 1
        before = self.sums[:, self.at]
        self.at += 1
        self.sums[0, self.at] = before[0] + learned
        self.sums[1, self.at] = before[1] + parts

    def judge(self, count: int, heard: float, shifts: NDArray[np.int64] | None = None) -> Reference | None:
        """None: too few posts or references.

        ``shifts``: slots by which local time moved forward since the day before (index 1) and those before it.
        """
        if count < FEWEST_POSTS or heard <= 0:
            return None
        ends = self.at - self.lags if shifts is None else self.at - self.lags + shifts[self.days]
        counts, parts = self.sums[:, ends] - self.sums[:, ends - self.window]
        known = parts >= HEARD_REFERENCE * PARTS * self.window
        enough = int(known.sum())
        if enough < FEWEST_REFERENCES:
            return None
        weights = self.weights
        if enough < len(known):
            counts, parts, weights = counts[known], parts[known], weights[known]
        references = counts * float(PARTS * self.window) / parts
        return excess(count, heard, references, weights)

    def state(self) -> dict[str, Any]:
        """JSON-able: what each slot added, oldest first, without the slots before the first."""
        steps = np.diff(self.sums[:, self.at - self.size + 1 : self.at + 1])
        filled = np.flatnonzero(steps.any(axis=0))
        first = int(filled[0]) if len(filled) else steps.shape[1]
        return {"learned": steps[0, first:].tolist(), "heard": steps[1, first:].tolist()}

    def restore(self, state: dict[str, Any]) -> None:
        steps = np.array([state["learned"], state["heard"]], np.int64).reshape(2, -1)
        self.sums[:] = 0
        self.at = self.size
        self.sums[:, self.at - steps.shape[1] + 1 : self.at + 1] = np.cumsum(steps, axis=1)

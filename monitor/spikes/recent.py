"""The last half day as running totals: what was counted and expected in any window that ends now."""

from __future__ import annotations

from typing import NamedTuple

from monitor.spikes.settings import Bin


class Totals(NamedTuple):
    """Sums since the first bin. ``heard``: bins, by their heard share. ``own``, ``usual_other``: expectations."""

    voices: int = 0
    learned: int = 0
    other: int = 0
    heard: float = 0.0
    own: float = 0.0
    usual_other: float = 0.0

    def plus(self, bin: Bin, own: float, usual_other: float) -> Totals:
        voices, learned, other, heard, all_own, all_other = self
        late = bin.count if bin.learned is None else bin.learned
        return Totals(
            voices + bin.count,
            learned + late,
            other + bin.other,
            heard + bin.heard,
            all_own + own,
            all_other + usual_other,
        )

    def since(self, before: Totals) -> Totals:
        voices, learned, other, heard, own, usual_other = self
        a, b, c, d, e, f = before
        return Totals(voices - a, learned - b, other - c, heard - d, own - e, usual_other - f)


class Recent:
    """A ring of running totals, one per slot; slots without a known bin repeat the one before."""

    def __init__(self, slots: int) -> None:
        self.ring = [Totals()] * (slots + 1)
        self.slot = -1

    @property
    def now(self) -> Totals:
        return self.ring[self.slot % len(self.ring)]

    def add(self, bin: Bin, own: float, usual_other: float, skipped: int) -> None:
        before = self.now
        self.slot += max(0, skipped - len(self.ring))
        for _ in range(min(skipped, len(self.ring))):
            self._append(before)
        self._append(before.plus(bin, own, usual_other))

    def _append(self, totals: Totals) -> None:
        self.slot += 1
        self.ring[self.slot % len(self.ring)] = totals

    def last(self, slots: int) -> Totals:
        """What the last ``slots`` slots held."""
        return self.now.since(self.back(slots))

    def back(self, slots: int) -> Totals:
        """The running totals as they were ``slots`` slots ago."""
        return self.ring[(self.slot - slots) % len(self.ring)]

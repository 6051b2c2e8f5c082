"""A source that delivers an hour late, as watch sees it: the last bins are stepped anew at every cycle as they fill."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from monitor.spikes import Bin, Detector, Measurement

from .made import QUARTER, bins, minutes, settings

DAYS = 6
LATE = 4
"""Bins by which the second source is late."""
SETTLED = 9
"""Bins after which live posts change nothing: two hours and one bin, as in watch."""
STORM = range(5 * 96, 5 * 96 + 24)


def split(rows: Sequence[Bin], share: float, seed: int) -> tuple[list[Bin], list[Bin]]:
    """What the prompt and the late source hear. ``share``: of the posts, the late one's."""
    rng = np.random.default_rng(seed)
    late = [replace(r, count=int(rng.binomial(r.count, share)), other=int(rng.binomial(r.other, share))) for r in rows]
    return [replace(r, count=r.count - x.count, other=r.other - x.other) for r, x in zip(rows, late, strict=True)], late


def joined(prompt: Bin, late: Bin, share: float, *, arrived: bool) -> Bin:
    if not arrived:
        return replace(prompt, heard=1 - share)
    return replace(prompt, count=prompt.count + late.count, other=prompt.other + late.other)


def watched(prompt: Sequence[Bin], late: Sequence[Bin], share: float) -> list[tuple[int, list[Measurement]]]:
    """Each cycle's number and what it measured: the bins since the settled ones, on what has arrived by then."""
    detector, cycles = Detector(settings()), []
    for now in range(len(prompt)):
        start = max(0, now - SETTLED)
        if start:
            detector.step(joined(prompt[start - 1], late[start - 1], share, arrived=True))
        state = detector.dump() if now >= 5 * 96 - 24 else ""
        if state:
            again = Detector.load(settings(), state)
            rows = (joined(prompt[i], late[i], share, arrived=i + LATE <= now) for i in range(start, now + 1))
            cycles.append((now, [again.step(row) for row in rows]))
    return cycles


def first_alert(cycles: list[tuple[int, list[Measurement]]], first: int) -> int | None:
    return next((now for now, found in cycles if now >= first and any(m.alert for m in found)), None)


@pytest.mark.parametrize("share", [0.15, 0.4])
@pytest.mark.parametrize("seed", [4, 11])
def test_a_late_source_alone_raises_nothing(share: float, seed: int) -> None:
    rows = bins(QUARTER, *minutes(DAYS, seed=seed))
    assert first_alert(watched(*split(rows, share, seed), share), 0) is None


@pytest.mark.parametrize("share", [0.15, 0.4])
def test_a_storm_on_both_sources_is_told_at_most_as_late_as_the_late_one_is(share: float) -> None:
    rows = bins(QUARTER, *minutes(DAYS, seed=4, storms=[(5, 6, 30)]))
    at_once = first_alert(watched(*split(rows, 0.0, 1), 0.0), STORM.start)
    told = first_alert(watched(*split(rows, share, 1), share), STORM.start)
    assert at_once is not None
    assert told is not None
    assert at_once <= told <= at_once + LATE


@pytest.mark.parametrize("share", [0.15, 0.4])
def test_a_storm_only_on_the_late_source_is_told_and_not_over_while_it_lasts(share: float) -> None:
    prompt, late = split(bins(QUARTER, *minutes(DAYS, seed=4)), share, 1)
    for i in STORM:
        late[i] = replace(late[i], count=late[i].count + 7)
    cycles = watched(prompt, late, share)
    told = first_alert(cycles, STORM.start)
    assert told is not None
    assert told <= STORM.start + LATE + 8
    began = next(m.time for now, found in cycles if now == told for m in found if m.alert)
    during = [m for now, found in cycles if told <= now < STORM.stop + LATE for m in found if m.time > began]
    assert during
    assert not any(m.calm for m in during)

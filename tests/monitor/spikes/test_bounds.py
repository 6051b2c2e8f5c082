"""Bins of which too little was heard: a storm shows in the least there was; calm and what is usual never do."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, strategies
from hypothesis import settings as hypothesis_settings

from monitor.model import Severity
from monitor.spikes import Bin, Detector, Measurement

from .made import QUARTER, bins, minutes, run, settings

DAY = 96
QUIET = bins(QUARTER, *minutes(9, seed=4))
STORM = bins(QUARTER, *minutes(9, seed=4, storms=[(8, 6, 40)]))
STORM_BINS = range(8 * DAY, 8 * DAY + 24)


def thinned(row: Bin, share: float, seed: int) -> Bin:
    """The part of a bin that sources with ``share`` of the volume heard."""
    rng = np.random.default_rng([seed, int(row.start.timestamp())])
    return replace(row, count=int(rng.binomial(row.count, share)), other=int(rng.binomial(row.other, share)),
                   heard=share)  # fmt: skip


def partly(rows: Sequence[Bin], where: range, share: float, seed: int = 1) -> list[Bin]:
    return [thinned(row, share, seed) if i in where else row for i, row in enumerate(rows)]


def evidence(measured: Measurement) -> tuple[object, ...]:
    """What the arithmetic gave, without what was said before: by that also the onset goes, which is kept once told."""
    return measured.k, measured.z, measured.hour, measured.six_hours, measured.days_of_data


@pytest.mark.parametrize("share", [0.5, 0.7])
def test_a_storm_of_which_half_was_heard_is_told_while_it_lasts(share: float) -> None:
    found = run(partly(STORM, STORM_BINS, share), settings())
    told = [i for i, m in enumerate(found) if m.alert and i >= STORM_BINS.start]
    assert told
    assert told[0] in STORM_BINS
    first = found[told[0]]
    assert not first.known
    assert first.notice
    assert first.hour.observed > first.hour.expected
    json.dumps(first.evidence(), allow_nan=False)


def test_a_full_page_without_a_known_post_does_not_mute_its_own_alert() -> None:
    """The only source is flooded: nothing counts as heard just when the counts are highest."""
    flooded = [replace(row, heard=0.0) if i in STORM_BINS else row for i, row in enumerate(STORM)]
    told = [i for i, m in enumerate(run(flooded, settings())) if m.alert and i >= STORM_BINS.start]
    whole = [i for i, m in enumerate(run(STORM, settings())) if m.alert and i >= STORM_BINS.start]
    assert told[0] <= whole[0] + 2


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.79])
def test_quiet_of_which_part_was_heard_stays_unknown_and_is_as_if_its_rows_were_missing(share: float) -> None:
    where = range(600, 700)
    found = run(partly(QUIET, where, share), settings())
    assert all(not found[i].known and not found[i].notice and not found[i].alert for i in where)
    assert all(not found[i].calm and found[i].z is None and found[i].k == 0 for i in where)
    without = run([row for i, row in enumerate(QUIET) if i not in where], settings())
    assert [m for i, m in enumerate(found) if i not in where] == without


@hypothesis_settings(max_examples=15, deadline=None)
@given(
    parts=strategies.lists(
        strategies.tuples(strategies.integers(400, 850), strategies.integers(1, 60), strategies.floats(0, 0.79)),
        max_size=4,
    ),
    storm=strategies.booleans(),
)
def test_what_was_not_heard_is_never_learned_from(parts: list[tuple[int, int, float]], storm: bool) -> None:
    """Bins that were heard measure the same whether the others are there or missing, whatever those held."""
    rows = list(STORM if storm else QUIET)
    unheard: set[int] = set()
    for first, length, share in parts:
        where = range(first, min(first + length, len(rows)))
        rows = partly(rows, where, share)
        unheard |= set(where)
    found = [evidence(m) for i, m in enumerate(run(rows, settings())) if i not in unheard]
    assert found == [evidence(m) for m in run([row for i, row in enumerate(rows) if i not in unheard], settings())]


@hypothesis_settings(max_examples=15, deadline=None)
@given(heard=strategies.lists(strategies.floats(0.8, 1.0), min_size=1, max_size=50), storm=strategies.booleans())
def test_a_series_that_was_heard_keeps_no_second_reading(heard: list[float], storm: bool) -> None:
    detector = Detector(settings())
    for i, row in enumerate((STORM if storm else QUIET)[6 * DAY :]):
        assert detector.step(replace(row, heard=heard[i % len(heard)])).known
    assert json.loads(detector.dump())["bound"] is None


@hypothesis_settings(max_examples=25, deadline=None)
@given(
    at=strategies.integers(5 * DAY, 9 * DAY - 1),
    more=strategies.integers(0, 80),
    share=strategies.floats(0, 0.79),
    seed=strategies.integers(0, 99),
)
def test_less_heard_never_says_more(at: int, more: int, share: float, seed: int) -> None:
    """One bin, heard whole and in part: what is said of the part is no more than of the whole."""
    row = replace(STORM[at], count=STORM[at].count + more)
    whole, part = Detector(settings()), Detector(settings())
    for before in STORM[:at]:
        whole.step(before)
        part.step(before)
    all_of_it, some_of_it = whole.step(row), part.step(replace(thinned(row, share, seed), other=row.other))
    assert some_of_it.k <= all_of_it.k
    assert not some_of_it.notice or all_of_it.notice
    assert some_of_it.alert is None or all_of_it.alert is not None
    if some_of_it.z is not None and all_of_it.z is not None:
        assert some_of_it.z <= all_of_it.z


def test_a_storm_told_from_a_part_is_not_over_as_soon_as_a_source_comes_back() -> None:
    """And it is said once, or again as it grows: neither its end nor a second beginning is read from the return."""
    rows = partly(STORM, range(STORM_BINS.start, STORM_BINS.stop - 4), 0.5)
    found = run(rows, settings())
    told = [i for i, m in enumerate(found) if m.alert and i >= STORM_BINS.start]
    assert [found[i].alert for i in told] == [Severity.WARNING, Severity.CRITICAL][: len(told)]
    calm = next(i for i, m in enumerate(found) if i > told[0] and m.calm)
    assert calm >= STORM_BINS.stop + 12


def test_a_day_with_much_said_is_no_storm_though_part_of_it_was_heard() -> None:
    rows = list(QUIET)
    busy = range(8 * DAY + 20, 8 * DAY + 50)
    for i in busy:
        rows[i] = replace(rows[i], count=rows[i].count * 5, other=rows[i].other * 5)
    assert not [m for m in run(partly(rows, busy, 0.6), settings()) if m.alert]


def test_nothing_is_told_from_a_part_while_the_pattern_is_being_learned() -> None:
    rows = [replace(row, count=row.count + 30, heard=0.5) if i > 2 * DAY else row for i, row in enumerate(QUIET)]
    assert not [m for m in run(rows[: 3 * DAY], settings()) if m.notice and not m.known]


def test_raw_volumes_are_not_told_from_a_part() -> None:
    rows = [replace(row, count=500, heard=0.5) if i > 8 * DAY else row for i, row in enumerate(QUIET)]
    found = run(rows, settings(raw=True))
    assert not [m for m in found if m.alert and not m.known]


@hypothesis_settings(max_examples=10, deadline=None)
@given(stops=strategies.sets(strategies.integers(7 * DAY, 9 * DAY - 1), max_size=4), share=strategies.floats(0, 0.79))
def test_stopping_within_a_part_changes_nothing(stops: set[int], share: float) -> None:
    rows = partly(STORM, range(7 * DAY + 30, 8 * DAY + 10), share)
    whole, stopped = Detector(settings()), Detector(settings())
    for i, row in enumerate(rows):
        if i in stops:
            text = stopped.dump()
            stopped = Detector.load(settings(), text)
            assert stopped.dump() == text
        assert stopped.step(row) == whole.step(row)
    assert stopped.dump() == whole.dump()

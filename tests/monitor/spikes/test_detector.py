"""The detector as a whole: what it may know, what it forgets, when it speaks."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies
from hypothesis import settings as hypothesis_settings

from monitor.errors import InputError
from monitor.model import Severity
from monitor.spikes import Bin, Detector, Measurement, detect, detect_lines

from .made import QUARTER, START, TAIPEI, bins, minutes, run, settings, table

STORM = (8.5, 8.0, 25.0)
WEEKS = 12 * 24 * 4
POSTS = bins(QUARTER, *minutes(12, storms=[STORM]))
LINES = {raw: table(POSTS, other=not raw) for raw in (False, True)}
RAW = bins(QUARTER, *minutes(12, per_hour=600, seed=3, storms=[(8.5, 8.0, 400.0)]))
LINES[True] = table(RAW, other=False)


def printed(lines: list[str], *, raw: bool = False) -> list[str]:
    return list(detect_lines(lines, name="counts.csv", zone=TAIPEI, raw=raw))


FULL = {raw: printed(LINES[raw], raw=raw) for raw in (False, True)}


def row_of(line: str, lines: list[str]) -> int:
    time = json.loads(line)["time"]
    return next(i for i, row in enumerate(lines) if row.startswith(time))


def alerts(found: list[Measurement]) -> list[Measurement]:
    return [m for m in found if m.alert]


@pytest.mark.parametrize("raw", [False, True])
def test_the_storm_is_found_soon_and_named_by_a_row(raw: bool) -> None:
    found = [json.loads(line) for line in FULL[raw]]
    begins = START + timedelta(days=STORM[0])
    first = datetime.fromisoformat(found[0]["time"])
    assert timedelta(0) <= first - begins <= timedelta(hours=2)
    assert all(datetime.fromisoformat(f["time"]) - begins <= timedelta(hours=20) for f in found)
    assert len(found) <= 2


@pytest.mark.parametrize("raw", [False, True])
@hypothesis_settings(max_examples=25, deadline=None)
@given(rows=strategies.integers(min_value=0, max_value=WEEKS))
def test_a_file_cut_after_any_row_gives_the_same_earlier_alerts(raw: bool, rows: int) -> None:
    earlier = [line for line in FULL[raw] if row_of(line, LINES[raw]) <= rows]
    assert printed(LINES[raw][: rows + 1], raw=raw) == earlier


@pytest.mark.parametrize("raw", [False, True])
def test_the_rows_round_an_alert_are_cut_too(raw: bool) -> None:
    for line in FULL[raw]:
        row = row_of(line, LINES[raw])
        assert line not in printed(LINES[raw][:row], raw=raw)
        assert line in printed(LINES[raw][: row + 1], raw=raw)


def with_gaps(rows: list[Bin]) -> list[Bin]:
    """Some unknown, some half heard, some late, one day missing."""
    rows = [replace(row, heard=0.3) if 300 <= i < 310 else row for i, row in enumerate(rows)]
    rows = [replace(row, heard=0.9, learned=row.count + 2) if i % 50 == 7 else row for i, row in enumerate(rows)]
    return rows[:500] + rows[596:]


@pytest.mark.parametrize(("raw", "minute"), [(False, 15), (True, 15), (False, 5), (False, 60)])
@hypothesis_settings(max_examples=12, deadline=None)
@given(data=strategies.data())
def test_stopping_at_any_bin_changes_nothing(raw: bool, minute: int, data: strategies.DataObject) -> None:
    width = timedelta(minutes=minute)
    rows = bins(width, *minutes(5, storms=[(4, 8, 30)], per_hour=100 if raw else 20))
    rows = with_gaps(rows) if minute == 15 else rows
    stops = data.draw(strategies.sets(strategies.integers(1, len(rows) - 1), max_size=3))
    whole, stopped = Detector(settings(width, raw=raw)), Detector(settings(width, raw=raw))
    for i, row in enumerate(rows):
        if i in stops:
            text = stopped.dump()
            stopped = Detector.load(settings(width, raw=raw), text)
            assert stopped.dump() == text
        assert stopped.step(row) == whole.step(row)
    assert stopped.dump() == whole.dump()


def test_a_state_of_other_settings_or_another_version_is_refused() -> None:
    text = Detector(settings()).dump()
    Detector.load(settings(), text)
    for other in (settings(timedelta(minutes=5)), settings(raw=True), settings(zone="UTC"), settings(k_threshold=4.0)):
        with pytest.raises(ValueError, match="other settings"):
            Detector.load(other, text)
    with pytest.raises(ValueError, match="another version"):
        Detector.load(settings(), json.dumps({**json.loads(text), "version": 0}))


@pytest.mark.parametrize("minute", [1, 5, 15, 60])
@pytest.mark.parametrize("raw", [False, True])
def test_the_width_of_the_bins_hardly_matters(minute: int, raw: bool) -> None:
    storms = [(5.3, 8, 30.0), (9.6, 8, 30.0)]
    if raw:
        storms = [(day, hours, 30 * more) for day, hours, more in storms]
    width = timedelta(minutes=minute)
    rows = bins(width, *minutes(12, per_hour=600 if raw else 20, seed=5, storms=storms))
    found = [m.time + width for m in detect(rows, settings(width, raw=raw))]
    for day, hours, _ in storms:
        begins = START + timedelta(days=day)
        inside = [t for t in found if begins < t <= begins + timedelta(hours=hours + 12)]
        assert inside
        assert inside[0] - begins <= timedelta(hours=4 if raw else 2, minutes=15)  # F sums three hours
        assert len(inside) <= 2
        found = [t for t in found if t not in inside]
    assert not found


def test_one_file_in_quarters_and_in_minutes_learns_the_same_baseline() -> None:
    negative, other = minutes(6)
    usual = []
    for minute in (1, 5, 15):
        width = timedelta(minutes=minute)
        last = run(bins(width, negative, other), settings(width))[-1]
        usual.append(last.hour.own)
    assert usual[1:] == pytest.approx(usual[:1] * 2, rel=0.08)  # bins that straddle an hour


@pytest.mark.parametrize("raw", [False, True])
def test_whole_weeks_and_names_change_nothing(raw: bool) -> None:
    weeks = timedelta(weeks=83)
    rows = RAW if raw else POSTS
    moved = table([replace(row, start=row.start + weeks) for row in rows], other=not raw)
    again = detect_lines(moved, name="quite another name.csv", zone=TAIPEI, raw=raw)
    assert len(FULL[raw]) > 0
    for before, after in zip(FULL[raw], again, strict=True):
        old, new = json.loads(before), json.loads(after)
        for key in ("time", "onset"):
            assert datetime.fromisoformat(new.pop(key)) - datetime.fromisoformat(old.pop(key)) == weeks
        assert new == old


def test_unknown_bins_are_the_same_as_missing_rows_and_are_not_judged() -> None:
    """While the source was blind: neither learned nor judged, with voices in some of its bins."""
    quiet = bins(QUARTER, *minutes(9, seed=4))
    blind = range(600, 640)
    claimed = [replace(row, count=row.count % 2, heard=0.79) if i in blind else row for i, row in enumerate(quiet)]
    found = run(claimed, settings())
    without = run([row for i, row in enumerate(quiet) if i not in blind], settings())
    assert all(not found[i].known and not found[i].alert and found[i].k == 0 for i in blind)
    assert [m for i, m in enumerate(found) if i not in blind] == without
    assert found[-1].days_of_data == pytest.approx(9 - 10 / 24)
    assert not alerts(found)


def test_with_most_of_the_volume_heard_the_expectation_is_scaled() -> None:
    rows = bins(QUARTER, *minutes(6))
    all_heard = run(rows, settings())[-1]
    partly = run([*rows[:-4], *(replace(row, heard=0.85) for row in rows[-4:])], settings())[-1]
    assert partly.known
    assert partly.hour.own == pytest.approx(0.85 * all_heard.hour.own, rel=0.02)


def test_late_voices_are_learned_from_and_not_tested() -> None:
    """An imported storm of history raises nothing; the level learned from it is that of the same voices in time."""
    rows = bins(QUARTER, *minutes(9, storms=[(5, 6, 40)]))
    late = [replace(row, count=0, learned=row.count) for row in rows]
    assert alerts(run(rows, settings()))
    found = run(late, settings())
    assert not any(m.notice for m in found)
    live = run([replace(row, learned=row.count) for row in bins(QUARTER, *minutes(9))], settings())
    assert found[-1].hour.own == pytest.approx(live[-1].hour.own, rel=0.35)


def test_no_alert_in_the_first_three_days_of_heard_time() -> None:
    negative, other = minutes(8, storms=[(2, 6, 60), (6.1, 6, 60)])
    found = run(bins(QUARTER, negative, other), settings())
    early = [m for m in found if m.days_of_data <= 3]
    assert len(early) == 3 * 96
    assert all(m.learning and not m.alert for m in early)
    assert any(m.notice for m in early)
    assert not any(m.learning for m in found[3 * 96 :])
    assert alerts(found)

    blind = [replace(row, heard=0.0) if 96 <= i < 480 else row for i, row in enumerate(bins(QUARTER, negative, other))]
    assert not alerts(run(blind, settings()))  # the second storm now lies in the warm-up


def steady(days: float, *, count: int = 1, other: int = 9) -> list[Bin]:
    return [Bin(START + i * QUARTER, count, other) for i in range(round(days * 96))]


def test_one_alert_a_day_unless_it_grows() -> None:
    rows = steady(12)
    storm = 96 * 9
    rows[storm : storm + 40] = [replace(row, count=4) for row in rows[storm : storm + 40]]
    mild = alerts(run(rows, settings()))
    assert [m.alert for m in mild] == [Severity.WARNING]

    rows[storm + 20 : storm + 40] = [replace(row, count=40) for row in rows[storm + 20 : storm + 40]]
    grown = alerts(run(rows, settings()))
    assert [m.alert for m in grown] == [Severity.WARNING, Severity.CRITICAL]
    assert grown[0].time == mild[0].time
    assert rows[storm + 20].start <= grown[1].time < rows[storm + 28].start


def test_a_second_storm_after_the_cooldown_is_said_again_and_a_long_one_only_after_three_days() -> None:
    for hours, expected in ((30, [Severity.WARNING] * 2), (12, [Severity.WARNING])):
        rows = steady(14)
        for first in (96 * 9, 96 * 9 + 4 * hours):
            rows[first : first + 24] = [replace(row, count=4) for row in rows[first : first + 24]]
        assert [m.alert for m in alerts(run(rows, settings()))] == expected


def test_critical_needs_ratio_improbability_and_size() -> None:
    small = steady(10, count=0, other=2)
    small[960 - 18 :] = [replace(row, count=1) for row in small[960 - 18 :]]
    found = alerts(run(small, settings()))
    assert {m.alert for m in found} == {Severity.WARNING}
    assert max(m.six_hours.ratio or 0 for m in found) > 5


def test_calm_comes_four_hours_after_the_end_and_the_onset_is_the_beginning() -> None:
    rows = steady(12)
    storm = 96 * 9
    rows[storm : storm + 24] = [replace(row, count=8) for row in rows[storm : storm + 24]]
    found = run(rows, settings())
    first = alerts(found)[0]
    assert first.onset == rows[storm].start
    calm_again = next(m for m in found if m.time > first.time and m.calm)
    assert timedelta(hours=3) <= calm_again.time - rows[storm + 24].start <= timedelta(hours=4, minutes=15)


def test_a_quiet_brand_is_calm_hours_after_a_storm_though_k_takes_days_to_fall() -> None:
    rows = [replace(row, count=int(i % 32 == 0)) for i, row in enumerate(steady(14))]
    storm = 96 * 9
    rows[storm : storm + 8] = [replace(row, count=6) for row in rows[storm : storm + 8]]
    found = run(rows, settings())
    calm_again = next(m for m in found if m.time > alerts(found)[-1].time and m.calm)
    ended = rows[storm + 8].start
    assert timedelta(hours=6) <= calm_again.time - ended <= timedelta(hours=13)
    assert calm_again.k > 0.6 * 3.5


def test_a_stray_voice_of_the_night_before_is_not_the_beginning_of_a_small_brands_storm() -> None:
    """One voice a day is usual: K has not fallen to 0 since the one of seven hours before."""
    rows = [replace(row, count=int(i % 96 == 40)) for i, row in enumerate(steady(14, other=1))]
    storm = 96 * 10 + 70
    rows[storm - 28] = replace(rows[storm - 28], count=1)
    rows[storm : storm + 12] = [replace(row, count=2) for row in rows[storm : storm + 12]]
    found = run(rows, settings())
    first = alerts(found)[0]
    assert all(m.k > 0 for m in found[storm - 28 : storm])
    assert first.onset == rows[storm].start
    assert first.since_onset is not None
    assert first.since_onset.observed == sum(row.count for row in rows[storm:] if row.start <= first.time)


def test_what_was_told_keeps_its_onset_for_days_and_what_comes_after_a_calm_has_its_own() -> None:
    rows = steady(16)
    storm, second = 96 * 9, 96 * 13
    for begin, length in ((storm, 96 * 2), (second, 16)):
        rows[begin : begin + length] = [replace(row, count=8) for row in rows[begin : begin + length]]
    found = run(rows, settings())
    assert {m.onset for m in found[storm + 4 : storm + 96 * 2]} == {rows[storm].start}
    assert found[storm + 96 * 2 - 1].since_onset.observed == 8 * 96 * 2  # type: ignore[union-attr]
    assert found[second + 4].onset == rows[second].start


@pytest.mark.parametrize(("per_hour", "most"), [(2.0, 1.0), (20.0, 0.75), (200.0, 0.5)])
def test_the_stated_onset_is_near_the_true_one(per_hour: float, most: float) -> None:
    """Over simulated storms of brands of three sizes: the median error, in hours."""
    errors = []
    for seed in range(8):
        more = max(2.0, 0.6 * per_hour)
        negative, other = minutes(12, per_hour=per_hour, seed=seed, storms=[(9.4, 8, more)])
        rows = bins(QUARTER, negative, other)
        storm = 9.4 * 96
        first = next((i for i, m in enumerate(run(rows, settings())) if i >= storm and m.alert is not None), None)
        if first is not None:
            onset = run(rows[: first + 1], settings())[-1].onset
            assert onset is not None
            errors.append(abs((onset - rows[0].start) / QUARTER - storm) / 4)
    assert len(errors) >= 6
    assert sorted(errors)[len(errors) // 2] <= most


def test_the_first_hour_of_a_busy_brands_storm_is_not_called_calm() -> None:
    """Half an hour of it is loud by itself, and no more than usual beside the five hours before."""
    rows = steady(14, count=25, other=70)
    rows[-2:] = [replace(row, count=74) for row in rows[-2:]]
    found = run(rows, settings())
    told = alerts(found)
    assert told
    assert found[-1].six_hours.p > 0.05
    assert not any(m.calm for m in found if m.time >= told[0].time)


def test_a_promo_brings_many_voices_and_no_alert() -> None:
    rows = steady(12, count=2, other=12)
    rows[900:930] = [replace(row, count=8, other=60) for row in rows[900:930]]
    assert not alerts(run(rows, settings()))
    rows[900:930] = [replace(row, other=12) for row in rows[900:930]]
    assert alerts(run(rows, settings()))


@pytest.mark.parametrize("raw", [False, True])
def test_nothing_is_said_about_nothing(raw: bool) -> None:
    found = run(steady(20, count=0, other=0), settings(raw=raw))
    assert not any(m.notice or m.alert for m in found)
    json.dumps(found[-1].evidence())


@pytest.mark.parametrize("raw", [False, True])
def test_huge_counts_do_not_overflow(raw: bool) -> None:
    rows = [replace(row, count=10**6, other=10**7) for row in steady(20)]
    rows[-30:] = [replace(row, count=10**9) for row in rows[-30:]]
    rows.append(Bin(rows[-1].start + QUARTER, 10**12, 0))
    found = run(rows, settings(raw=raw))
    said = alerts(found)
    assert said
    assert said[0].time >= rows[-31].start
    for m in said:
        text = json.dumps(m.evidence(), allow_nan=False)
        assert math.isfinite(json.loads(text)["hour"]["p"])


def test_counts_without_other_posts_are_judged_by_their_own_pattern() -> None:
    rows = [replace(row, other=0) for row in POSTS]
    found = alerts(run(rows, settings()))
    begins = START + timedelta(days=STORM[0])
    assert found
    assert timedelta(0) <= found[0].time - begins <= timedelta(hours=3)


def test_a_bin_out_of_order_doubled_or_negative_is_an_error_of_one_line() -> None:
    detector = Detector(settings())
    detector.step(Bin(START, 1, 1))
    for bad in (START, START - QUARTER, START + timedelta(minutes=3)):
        with pytest.raises(InputError, match="doubled or out of order") as caught:
            detector.step(Bin(bad, 1, 1))
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="negative count"):
        detector.step(Bin(START + QUARTER, -1, 1))


def test_a_long_blindness_does_not_make_the_return_an_alarm() -> None:
    rows = bins(QUARTER, *minutes(20, per_hour=100))
    back = [row for i, row in enumerate(rows) if not 700 <= i < 1500]
    assert not alerts(run(back, settings()))


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Asia/Kathmandu"])
def test_the_season_follows_local_hours_through_a_change_of_clocks(zone: str) -> None:
    """A brand of office hours, across both changes of 2026: the hours of local time stay what they were."""
    tz = settings(zone=zone).zone
    for start in (datetime(2026, 2, 20, tzinfo=tz), datetime(2026, 10, 15, tzinfo=tz)):
        rows = []
        for i in range(96 * 35):
            at = start.astimezone(UTC) + i * QUARTER
            open_ = 9 <= at.astimezone(tz).hour < 17
            rows.append(Bin(at, 3 if open_ else i % 4 // 3, 18 if open_ else 2))
        for raw in (False, True):
            found = run(rows, settings(zone=zone, raw=raw))
            assert not alerts(found)
            for hour, usual in ((8, 1), (9, 12), (16, 12), (17, 1)):
                ends = [m for m in found if m.time.astimezone(tz).hour == hour and m.time.astimezone(tz).minute == 45]
                assert len(ends) in (34, 35)
                assert ends[-1].hour.own == pytest.approx(usual, rel=0.25)


def test_a_restart_within_a_storm_keeps_how_long_it_has_lasted() -> None:
    rows = bins(QUARTER, *minutes(5, storms=[(4, 20, 40)]))
    detector = Detector(settings())
    for row in rows:
        detector.step(row)
    text = detector.dump()
    assert json.loads(text)["frozen"] > 0
    assert Detector.load(settings(), text).dump() == text


@pytest.mark.parametrize("start", [datetime(2026, 2, 20, tzinfo=UTC), datetime(2026, 10, 14, tzinfo=UTC)])
def test_references_move_with_the_local_clock(start: datetime) -> None:
    """What F expects at ten in Los Angeles is the same on the day before and the day after the clocks change."""
    zone = settings(zone="America/Los_Angeles").zone
    detector, expected, offsets = Detector(settings(zone="America/Los_Angeles", raw=True)), {}, {}
    for i in range(96 * 20):
        at = start + i * QUARTER
        local = at.astimezone(zone)
        detector.step(Bin(at, 30 + 10 * local.hour if 8 <= local.hour < 18 else 5, 0))
        if (local.hour, local.minute) == (10, 0):
            reference = detector._farrington(local)
            expected[local.date()] = reference.expected if reference else None
            offsets[local.date()] = local.utcoffset()
    days = sorted(expected)
    changed = next(i for i in range(1, len(days)) if offsets[days[i]] != offsets[days[i - 1]])
    assert expected[days[changed - 1]] is not None
    assert expected[days[changed]] == pytest.approx(expected[days[changed - 1]], rel=0.01)

"""An invented archive and an invented week, as the jobs would hand them to the reports."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from monitor.model import (
    AlertRecord,
    Archive,
    ArchivedDay,
    ArchivedWeek,
    Change,
    NoDigest,
    Severity,
    Totals,
    Week,
    WeekIncident,
)
from tests.reports import invented_facts as facts
from tests.reports import invented_feelings as felt

DAY = timedelta(days=1)
LAST = date(2026, 11, 20)
FIRST = date(2026, 9, 29)
VERDICTS = ("calm", "raised", "incident", "unknown", "learning", "empty")
MADE = datetime(2026, 11, 21, 0, 30, tzinfo=UTC)


def archived(day: date) -> ArchivedDay:
    """One of each verdict in turn; every ninth is a third revision, and one was made by an older version."""
    n = (day - FIRST).days
    verdict, count = VERDICTS[n % 6], (3, 14, 61, 2, 5, 0)[n % 6]
    hours = tuple(count // 6 if hour in (9, 12, 13, 14, 20, 23) else 0 for hour in range(24))
    older = ((1, f"{day}.html"), (2, f"{day}-r2.html")) if n % 9 == 8 else ()
    file = f"{day}-r3.html" if older else f"{day}.html"
    if n == 1:
        return ArchivedDay(day, 1, MADE, verdict, file)
    return ArchivedDay(
        day, 3 if older else 1, MADE, verdict, file, False, count * 8, count, 0.4 if verdict == "unknown" else 1.0,
        1 if verdict == "incident" else 0, hours, older,
    )  # fmt: skip


def archive(brand: str = "澄嵐") -> Archive:
    """Eight weeks, of which three days in October have no digest; of two it is known why."""
    days = tuple(FIRST + n * DAY for n in range((LAST - FIRST).days + 1))
    known = tuple(archived(d) for d in days if d not in [date(2026, 10, n) for n in (10, 11, 12)])
    weeks = (
        ArchivedWeek(date(2026, 11, 8), 1, "calm", "2026-11-08-week.html", 21, 1500),
        ArchivedWeek(date(2026, 11, 15), 2, "incident", "2026-11-15-week-r2.html", 98, 1812,
                     ((1, "2026-11-15-week.html"),)),
    )  # fmt: skip
    why = ((date(2026, 10, 10), NoDigest.MISSED), (date(2026, 10, 11), NoDigest.STOPPED))
    return Archive(brand, "澄嵐", FIRST, LAST, known, weeks, (2026, 2025), why)


def week(**changes: object) -> Week:
    """The seven days up to the invented day, with an incident that is over and one that is not."""
    over = replace(facts.INCIDENT, state="resolved", resolved_at=facts.at(23))
    standing = replace(facts.INCIDENT, incident_id=13, severity=Severity.WARNING, state="open", owner="")
    found = Week(
        brand="澄嵐", first=facts.DAY - 6 * DAY, day=facts.DAY, start=facts.START - 6 * DAY, end=facts.END,
        made_at=facts.END + timedelta(hours=8.6), zone=facts.ZONE, verdict="incident",
        totals=Totals(1812, 140, 98, 400, 120, 20, heard=0.96), before=Totals(1720, 50, 41, 420, 130, 18),
        against=(
            Change("mentions", 1720, False), Change("negative_posts", 50, True), Change("negative_voices", 41, True),
            Change("negative_share", 0.03, True),
        ),
        series=facts.series(facts.BUSY, True)[7:],
        incidents=(
            WeekIncident(over, timedelta(minutes=12), timedelta(hours=9.25)), WeekIncident(standing, None, None),
        ),
        alerts=AlertRecord(5, 2, 1), stories=facts.STORIES,
        themes=tuple(replace(t, series=t.series[7:]) for t in felt.THEMES), ledger=felt.LEDGER,
        coverage=facts.COVERAGE, days_of_data=27.4,
    )  # fmt: skip
    return replace(found, **changes)  # type: ignore[arg-type]


def quiet_week() -> Week:
    """Nobody spoke, nothing was sent, and little is known of the week before."""
    nobody = tuple(replace(p, totals=Totals(), incident=False) for p in week().series)
    return week(
        verdict="empty", totals=Totals(), before=None, against=(), series=nobody, incidents=(),
        alerts=AlertRecord(0, 0, 0), stories=(), themes=(), ledger=None, coverage=facts.COVERAGE[1:3],
    )  # fmt: skip


def deaf_week() -> Week:
    return week(
        verdict="unknown", totals=Totals(91, 8, 8, 20, 5, 1, heard=0.2), against=(), incidents=(), late=True,
        revision=2, replaced_at=facts.END + timedelta(hours=8.5),
    )  # fmt: skip


WEEKS = {"incident": week, "empty": quiet_week, "unknown": deaf_week}


def hostile_week() -> Week:
    """Every place that a stranger's words can reach."""
    day = felt.hostile_feelings()
    return week(
        brand=day.brand, stories=day.stories, themes=day.themes, coverage=day.coverage,
        incidents=tuple(WeekIncident(i, timedelta(days=400), timedelta(days=400)) for i in day.incidents),
        before=day.today, ledger=day.ledger,
    )  # fmt: skip

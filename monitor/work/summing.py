"""Summing up: which weekly roll-ups are owed, what they say, and the page and mail made of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from sqlite_utils import Database

from monitor import digest as rules
from monitor.config import Brand
from monitor.model import ThemeLine, Totals, Week, bin_start
from monitor.store import archive, coverage, facts, feelings, reading, weeks, writing
from monitor.store import incidents as stored
from monitor.work import archiving
from monitor.work.app import App
from monitor.work.describing import page_links
from monitor.work.digesting import DAY, GRACE, earlier, owe_mail, point, totals_between
from monitor.work.ledger import ledger
from monitor.work.quoting import shorten

CATCH_UP = 4
"""How many missed weeks are made up for after the service was down."""

WEEK = timedelta(days=7)
LEARNED_FROM = 21
"""Days before a week from which its usual scatter is taken."""

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def due(app: App, db: Database, now: datetime) -> Iterator[tuple[Brand, int, date, bool]]:
    """(brand, id, last day, late) of every roll-up that is owed by now: on ``digest.weekly``, once the hour of the
    digest has struck, of the seven days before. A brand that never had one is owed the last week only."""
    heard = coverage.first_heard(db)
    if not app.config.digest.weekly or heard is None:
        return
    zone, at = app.config.timezone, app.config.digest.at
    local = now.astimezone(zone)
    today = local.date() if local.time() >= at else local.date() - DAY
    last = today - timedelta(days=(today.weekday() - WEEKDAYS.index(app.config.digest.weekly)) % 7) - DAY
    for brand, brand_id in app.own_brands:
        made = archive.weeks_owed(db, brand_id)
        day = max(min(made, default=last), last - (CATCH_UP - 1) * WEEK)
        day += (last - day) % WEEK  # another weekday than before: its weeks end on other days
        while day <= last:
            if day not in made and day >= heard.astimezone(zone).date():
                yield brand, brand_id, day, now > datetime.combine(day + DAY, at, zone) + GRACE
            day += WEEK


def make(
    app: App, db: Database, brand: Brand, brand_id: int, day: date, now: datetime, *,
    late: bool = False, send: bool = True, folder: Path | None = None,
) -> Path:  # fmt: skip
    """As ``digesting.make``, of the seven days that end with ``day``."""
    with reading(db):
        loaded = load(app, db, brand, brand_id, day, now, late)
    if folder is not None and not send:
        return preview(app, loaded, folder)
    return store(app, db, brand, brand_id, loaded, mail=send)


def load(app: App, db: Database, brand: Brand, brand_id: int, day: date, now: datetime, late: bool = False) -> Week:
    """The week that ends with ``day`` as it is known now; everything is read, nothing is written."""
    zone, names = app.config.timezone, [c.name for c in app.collectors]
    first = day - 6 * DAY
    start, end = rules.local_day(first, zone.key)[0], rules.local_day(day, zone.key)[1]
    totals = totals_between(db, brand_id, start, end, now)
    before = earlier(db, brand_id, rules.local_day(first - WEEK, zone.key)[0], start, now)
    incidents = stored.lines_between(db, brand_id, start, end)
    series = tuple(point(app, db, brand_id, first + n * DAY, now) for n in range(7))
    usual = rules.scatter(
        [point(app, db, brand_id, first - n * DAY, now).totals for n in range(LEARNED_FROM, 0, -1)]
    )  # fmt: skip
    days_of_data = coverage.days_heard(db, brand_id, min(end, now))
    stories = [replace(s, quote=shorten(db, brand_id, s.quote)) for s in facts.stories(db, brand_id, start, end)]
    return Week(
        brand=brand.name, first=first, day=day, start=start, end=end, made_at=now, zone=zone.key,
        verdict=rules.verdict(totals, None, before, incidents, days_of_data, totals.heard, usual),
        totals=totals, before=before, against=rules.change(totals, before, usual), series=series,
        incidents=tuple(weeks.incident(db, line) for line in incidents),
        alerts=weeks.alerts(db, brand_id, start, end), stories=rules.rank_stories(stories),
        themes=_themes(app, db, brand_id, first, totals, before, usual),
        ledger=ledger(db, brand_id, start, end, now),
        coverage=tuple(coverage.of_sources(db, brand_id, names, start, min(end, now))),
        days_of_data=days_of_data, late=late,
    )  # fmt: skip


def preview(app: App, week: Week, folder: Path) -> Path:
    """A page only to look at, outside the archive."""
    from reports.week_pages import week_page

    path = folder / archiving.folder_name(app, week.brand) / f"{week.day.isoformat()}-week-preview.html"
    archiving.write(path, week_page(week, app.config.language))
    return path


def store(app: App, db: Database, brand: Brand, brand_id: int, week: Week, *, mail: bool = True) -> Path:
    """As ``digesting.store``: page, row and mail of a week, or none of them."""
    from reports.week_pages import told, week_mail, week_page

    recipients = app.config.digest_to(brand) if mail and app.config.smtp else ()
    with writing(db, durable=True):
        before = archive.last_week(db, brand_id, week.day)
        name = f"{week.day.isoformat()}-week"
        page, revision = archiving.free_name(app, week.brand, name, before[0] + 1 if before else 1)
        week = replace(week, revision=revision, replaced_at=before[1] if before else None)
        lines = [i.line for i in week.incidents]
        pages = page_links(app, lines, mailed=False)
        archiving.draft(page, week_page(week, app.config.language, archived=True, pages=pages))
        archive.add_week(
            db, brand_id, week, owed=mail and week.end <= week.made_at, file=str(page),
            summary=told(week, app.config.language),
        )  # fmt: skip
        if recipients:
            links = page_links(app, lines, mailed=True)
            rendered = week_mail(week, app.config.language, archiving.address(app, page), links)
            item = f"week-{brand_id}-{week.day.isoformat()}-{revision}"
            owe_mail(app, db, brand_id, item, rendered, recipients, week.made_at)
    archiving.publish(page)
    return page


def _themes(
    app: App, db: Database, brand: int, first: date, now: Totals, before: Totals | None, usual: rules.Scatter
) -> tuple[ThemeLine, ...]:  # fmt: skip
    """The themes complained of in the week, the loudest first, each against the week before."""
    starts = [bin_start(rules.local_day(first + n * DAY, app.config.timezone.key)[0]) for n in range(-7, 8)]
    by_day = [feelings.themes(db, brand, a, b) for a, b in pairwise(starts)]
    lines = []
    for theme in {theme for day in by_day[7:] for theme in day}:
        counts = [day.get(theme, (0, 0)) for day in by_day]
        voices, earlier = sum(c[1] for c in counts[7:]), sum(c[1] for c in counts[:7])
        differs = None if before is None else rules.voices_differ(
            voices, earlier, now.heard, before.heard, usual, rules.THEME_LEVEL
        )  # fmt: skip
        lines.append(
            ThemeLine(theme, sum(c[0] for c in counts[7:]), voices, None if before is None else earlier, differs,
                      tuple(c[1] for c in counts[7:]))
        )  # fmt: skip
    return rules.rank_themes(lines)

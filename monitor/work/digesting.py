"""Digest: which brand-days are owed, what they say, and the page and mail made of them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

from sqlite_utils import Database

from monitor import digest as rules
from monitor.config import Brand
from monitor.model import BIN, DayPoint, Digest, IncidentLine, Totals, bin_start
from monitor.store import coverage, facts, service, writing
from monitor.store import incidents as stored
from monitor.store.outbox import Letter, owe
from monitor.work.app import App
from monitor.work.quoting import shorten
from monitor.work.watching import message_id

GRACE = timedelta(minutes=10)
"""A digest made later than this after its hour is marked late."""

CATCH_UP = 7
"""How many missed days are made up for after the service was down."""

CHART_DAYS = 14
DAY = timedelta(days=1)


def due(app: App, db: Database, now: datetime) -> Iterator[tuple[Brand, int, date, bool]]:
    """(brand, id, day, late) of every digest that is owed by now: of a day that is over and whose hour has struck."""
    local = now.astimezone(app.config.timezone)
    last = local.date() - DAY if local.time() >= app.config.digest.at else local.date() - 2 * DAY
    for brand, brand_id in app.own_brands:
        heard, made = coverage.first_heard(db, brand_id), service.last_digest(db, brand_id)
        if heard is None:
            continue  # nothing was ever collected or imported: there is no day to tell of
        first = made + DAY if made else _first_owed(app, coverage.first_run(db), heard, last)
        day = max(first, last - (CATCH_UP - 1) * DAY)
        while day <= last:
            hour = datetime.combine(day + DAY, app.config.digest.at, app.config.timezone)
            yield brand, brand_id, day, now > hour + GRACE
            day += DAY


def _first_owed(app: App, started: datetime | None, heard: datetime, last: date) -> date:
    """Of a service that has made no digest yet: the day before it first ran, if anything of that day was heard."""
    zone = app.config.timezone
    before = started.astimezone(zone).date() - DAY if started else last
    return max(before, heard.astimezone(zone).date())


def load(app: App, db: Database, brand: Brand, brand_id: int, day: date, now: datetime, late: bool = False) -> Digest:
    """One brand-day as it is known now; everything is read, nothing is written."""
    zone, names = app.config.timezone, [c.name for c in app.collectors]
    start, end = rules.local_day(day, zone.key)
    today, incidents = _totals(app, db, brand_id, start, end, now), stored.lines_between(db, brand_id, start, end)
    yesterday = _day_totals(app, db, brand_id, day - DAY, now)
    last_week = _day_totals(app, db, brand_id, day - 7 * DAY, now)
    days_of_data = coverage.days_heard(db, brand_id, min(end, now))
    series = _series(app, db, brand_id, day, now)
    usual = rules.scatter([point.totals for point in series[:-1]])
    stories = [
        replace(s, quote=shorten(db, brand_id, s.quote)) for s in facts.stories(db, brand_id, start, end)
    ]  # fmt: skip
    return Digest(
        brand=brand.name, day=day, start=start, end=end, made_at=now, zone=zone.key,
        verdict=rules.verdict(today, yesterday, last_week, incidents, days_of_data, today.heard, usual),
        against_yesterday=rules.change(today, yesterday, usual),
        against_last_week=rules.change(today, last_week, usual),
        today=today, yesterday=yesterday, last_week=last_week,
        since_midnight=_totals(app, db, brand_id, end, now, now) if end <= now < end + DAY else None,
        incidents=tuple(incidents), stories=rules.rank_stories(stories),
        series=series,
        platforms=tuple(
            (p, facts.totals(db, brand_id, start, end, p)) for p in facts.platforms(db, brand_id, start, end)
        ),
        competitors=tuple(
            (b.name, facts.totals(db, app.brands[b.name], start, end)) for b in app.config.brands
            if b.role == "competitor"
        ),
        coverage=tuple(coverage.of_sources(db, brand_id, names, start, min(end, now))),
        days_of_data=days_of_data, corrections=facts.corrections(db, brand_id, start, end),
        model=", ".join(facts.models(db, brand_id, start, end)), rules=app.matcher.version,
        revision=service.next_revision(db, brand_id, day), late=late,
    )  # fmt: skip


def _totals(app: App, db: Database, brand: int, start: datetime, end: datetime, now: datetime) -> Totals:
    """The totals of a stretch, with the mean share of the brand's usual volume that was heard in it."""
    until = bin_start(min(end, now))
    heard = coverage.heard_share(db, brand, bin_start(start), until)
    bins = (until - start) // BIN
    return replace(facts.totals(db, brand, start, end), heard=sum(heard.values()) / bins if bins else 1.0)


def _day_totals(app: App, db: Database, brand: int, day: date, now: datetime) -> Totals | None:
    """A day to compare with; None if it lies before all that was heard."""
    start, end = rules.local_day(day, app.config.timezone.key)
    first = coverage.first_heard(db, brand)
    return _totals(app, db, brand, start, end, now) if first and first < end else None


def _series(app: App, db: Database, brand: int, day: date, now: datetime) -> tuple[DayPoint, ...]:
    points = []
    for back in range(CHART_DAYS - 1, -1, -1):
        at = day - back * DAY
        start, end = rules.local_day(at, app.config.timezone.key)
        lines: list[IncidentLine] = stored.lines_between(db, brand, start, end)
        points.append(DayPoint(at, _totals(app, db, brand, start, end, now), bool(lines)))
    return tuple(points)


def archive(app: App, digest: Digest, folder: Path | None = None) -> Path:
    """Write the page; a file once written is never changed, a correction is a new revision beside it."""
    from reports.render import digest_page

    base = folder or app.config.path(app.config.digest.dir)
    path = base / file_name(digest)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".part")
    draft.write_text(digest_page(digest, app.config.language), "utf-8")
    os.replace(draft, path)  # a reader never sees half a page, and a crash leaves none
    return path


def file_name(digest: Digest) -> Path:
    """``brand/2026-11-20.html``, later revisions ``2026-11-20-r2.html``; the brand made safe as a folder's name."""
    safe = re.sub(r"[^\w.-]+", "_", digest.brand).strip(".") or "brand"
    revision = f"-r{digest.revision}" if digest.revision > 1 else ""
    return Path(safe) / f"{digest.day.isoformat()}{revision}.html"


def store(app: App, db: Database, brand: Brand, brand_id: int, digest: Digest, page: Path, *, send: bool) -> None:
    """The digest's row and, if it is to be sent, its mail: one transaction, after the page lies in the archive."""
    recipients = app.config.digest_to(brand) if send and app.config.smtp else ()
    with writing(db, durable=True):
        service.add_digest(db, brand_id, digest, owed=send, file=str(page))
        if recipients:
            from reports.render import digest_mail

            rendered = digest_mail(digest, app.config.language, page.name)
            name = message_id(db, app, f"digest-{brand_id}-{digest.day.isoformat()}-{digest.revision}")
            letter = Letter(name, "digest", rendered.subject, rendered.text, rendered.html, recipients, (), brand_id)
            owe(db, letter, digest.made_at)

"""Digest: which brand-days are owed, what they say, and the page and mail made of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from sqlite_utils import Database

from monitor import digest as rules
from monitor.config import Brand
from monitor.model import BIN, CHART_DAYS, DayPoint, Digest, Totals, bin_start
from monitor.store import archive, coverage, facts, reading, service, writing
from monitor.store import incidents as stored
from monitor.store.outbox import Letter, owe
from monitor.work import archiving, feeling, travelling
from monitor.work.alerting import message_id
from monitor.work.app import App
from monitor.work.describing import page_links
from monitor.work.ledger import ledger
from monitor.work.quoting import shorten

if TYPE_CHECKING:
    from reports.render import Rendered

GRACE = timedelta(minutes=10)
"""A digest made later than this after its hour is marked late."""

CATCH_UP = 7
"""How many missed days are made up for after the service was down."""

UNSURE = 5
"""Posts a day that people are asked to judge: few enough to be read."""
DAY = timedelta(days=1)


def due(app: App, db: Database, now: datetime) -> Iterator[tuple[Brand, int, date, bool]]:
    """(brand, id, day, late) of every digest that is owed by now: of a day that is over and whose hour has struck.

    A brand that never had one is owed yesterday's only, if anything was heard then.
    """
    zone = app.config.timezone
    local, heard = now.astimezone(zone), coverage.first_heard(db)
    last = local.date() - DAY if local.time() >= app.config.digest.at else local.date() - 2 * DAY
    if heard is None:
        return  # nothing was ever collected or imported: there is no day to tell of
    for brand, brand_id in app.own_brands:
        made = service.digests_owed(db, brand_id)
        day = max(min(made, default=local.date() - DAY), last - (CATCH_UP - 1) * DAY, heard.astimezone(zone).date())
        while day <= last:
            if day not in made:
                hour = datetime.combine(day + DAY, app.config.digest.at, zone)
                yield brand, brand_id, day, now > hour + GRACE
            day += DAY


def make(
    app: App, db: Database, brand: Brand, brand_id: int, day: date, now: datetime, *,
    late: bool = False, send: bool = True, folder: Path | None = None,
) -> Path:  # fmt: skip
    """Load the day, then archive it as its newest revision, with the mail owed if it is to be sent. With ``folder`` it
    is only a page to look at there."""
    with reading(db):
        loaded = load(app, db, brand, brand_id, day, now, late)
    if folder is not None and not send:
        return preview(app, loaded, folder)
    return store(app, db, brand, brand_id, loaded, mail=send)


def load(app: App, db: Database, brand: Brand, brand_id: int, day: date, now: datetime, late: bool = False) -> Digest:
    """One brand-day as it is known now; everything is read, nothing is written."""
    zone, names = app.config.timezone, [c.name for c in app.collectors]
    start, end = rules.local_day(day, zone.key)
    today, incidents = totals_between(db, brand_id, start, end, now), stored.lines_between(db, brand_id, start, end)
    yesterday, last_week = (
        earlier(db, brand_id, *rules.local_day(before, zone.key), now) for before in (day - DAY, day - 7 * DAY)
    )
    days_of_data = coverage.days_heard(db, brand_id, min(end, now))
    series = tuple(point(app, db, brand_id, day - back * DAY, now) for back in range(CHART_DAYS - 1, -1, -1))
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
        since_midnight=totals_between(db, brand_id, end, now, now) if end <= now < end + DAY else None,
        incidents=tuple(incidents), stories=rules.rank_stories(stories),
        unsure=tuple(shorten(db, brand_id, q) for q in facts.unsure_quotes(db, brand_id, start, end, UNSURE)),
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
        themes=feeling.themes(app, db, brand_id, day, today, last_week),
        feelings=feeling.feelings(app, db, brand_id, day, yesterday),
        rivals=feeling.rivals(app, db, brand, brand_id, day),
        fulfilled=feeling.wishes_fulfilled(app, db, brand, brand_id, day),
        ledger=ledger(db, brand_id, start, end, now),
        travel=travelling.load(app, db, brand_id, day, now),
        model=", ".join(facts.models(db, brand_id, start, end)), rules=app.matcher.version, late=late,
    )  # fmt: skip


def totals_between(db: Database, brand: int, start: datetime, end: datetime, now: datetime) -> Totals:
    """The totals of a stretch, with the mean share of the brand's usual volume that was heard in it and judged."""
    until = bin_start(min(end, now))
    heard = coverage.heard_share(db, brand, bin_start(start), until)
    bins = (until - start) // BIN
    found = facts.totals(db, brand, start, end)
    judged = 1 - found.pending_posts / found.mentions if found.mentions else 1.0
    return replace(found, heard=judged * (sum(heard.values()) / bins if bins else 1.0))


def earlier(db: Database, brand: int, start: datetime, end: datetime, now: datetime) -> Totals | None:
    """A stretch to compare with; None if it lies before all that was heard."""
    first = coverage.first_heard(db)
    return totals_between(db, brand, start, end, now) if first and first < end else None


def point(app: App, db: Database, brand: int, day: date, now: datetime) -> DayPoint:
    start, end = rules.local_day(day, app.config.timezone.key)
    incidents = stored.lines_between(db, brand, start, end)
    return DayPoint(day, totals_between(db, brand, start, end, now), bool(incidents))


def preview(app: App, digest: Digest, folder: Path) -> Path:
    """A page only to look at, outside the archive."""
    from reports.render import digest_page

    path = folder / archiving.folder_name(app, digest.brand) / f"{digest.day.isoformat()}-preview.html"
    archiving.write(path, digest_page(digest, app.config.language, app.config.service.explore_url))
    return path


def store(app: App, db: Database, brand: Brand, brand_id: int, digest: Digest, *, mail: bool = True) -> Path:
    """Put the digest into the archive as its day's newest revision, and owe its mail: one transaction. Its page is
    there once that is done, and never changes after.

    One that is made before its day is over, or that is not mailed, is no substitute for the one owed in the morning.
    """
    from reports.archive_pages import told
    from reports.render import digest_mail, digest_page

    recipients = app.config.digest_to(brand) if mail and app.config.smtp else ()
    with writing(db, durable=True):
        before = archive.replaced(db, brand_id, digest.day)
        page, revision = archiving.free_name(
            app, digest.brand, digest.day.isoformat(), before.revision + 1 if before else 1
        )
        digest = replace(digest, revision=revision, replaces=before)
        shown = digest_page(
            digest, app.config.language, app.config.service.explore_url, archived=True,
            pages=page_links(app, digest.incidents, mailed=False),
        )  # fmt: skip
        archiving.draft(page, shown)
        archive.add_digest(
            db, brand_id, digest, owed=mail and digest.end <= digest.made_at, file=str(page),
            hours=archive.voices_by_hour(db, brand_id, digest.start, digest.end),
            summary=told(digest, app.config.language),
        )  # fmt: skip
        if recipients:
            links = page_links(app, digest.incidents, mailed=True)
            rendered = digest_mail(digest, app.config.language, archiving.address(app, page), links)
            item = f"digest-{brand_id}-{digest.day.isoformat()}-{digest.revision}"
            owe_mail(app, db, brand_id, item, rendered, recipients, digest.made_at)
    archiving.publish(page)
    return page


def owe_mail(
    app: App, db: Database, brand: int, item: str, rendered: Rendered, recipients: tuple[str, ...], at: datetime
) -> None:  # fmt: skip
    """Owe the mail of a page, in the transaction that archives it. ``item`` names it: owed twice, it is one mail."""
    name = message_id(db, app, item)
    owe(db, Letter(name, "digest", rendered.subject, rendered.text, rendered.html, recipients, (), brand), at)

"""Travelling: once a day, how much farther a brand's negative stories went than its positive ones.

A day's index is made two hours (``service.live_within``) after the day is over, before the digest that shows it, from
the stories that began up to ``TRAVEL_WINDOW`` before its end: each was heard for as long.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlite_utils import Database

from monitor import travel as rules
from monitor.config import Brand
from monitor.digest import local_day
from monitor.model import TRAVEL_DAYS, TRAVEL_WINDOW, Travel
from monitor.store import counts, reading, travel, writing
from monitor.store.travel import Span
from monitor.work.app import App

DAY = timedelta(days=1)

FRESH = timedelta(days=7)
"""An index older than this is not shown with a day any more."""


def measure(app: App, db: Database, brand: Brand, brand_id: int, now: datetime) -> list[Travel]:
    """Make the indices of the newest day that is over and was not measured yet; none of a day that still changes.

    Of a brand of which nothing was heard for days, and of an archive that was imported, that is the day by which its
    last stories were seen for as long as the others; it is made again when more of it comes.
    """
    last = travel.last_mention(db, brand_id)
    if last is None:
        return []
    zone = app.config.timezone
    yesterday = (now - app.config.service.live_within).astimezone(zone).date() - DAY
    day = min(yesterday, last.astimezone(zone).date() + TRAVEL_WINDOW)
    made = travel.made(db, brand_id, day)
    if made and day == yesterday:
        return []
    days = _days(day, max(TRAVEL_DAYS), zone.key)
    if counts.closed_until(db, now) < days[-1][1] + TRAVEL_WINDOW:
        return []
    unread = travel.unread(db, brand_id, days)
    if made and not unread:
        return []
    for span, said in unread:
        if app.stop.is_set():
            return []
        with reading(db):
            found = travel.read_day(db, brand_id, span)
        with writing(db):
            travel.keep_day(db, brand_id, span, found, said)
    return [_make(db, brand, brand_id, day, days[-length:], now) for length in TRAVEL_DAYS]


def _make(db: Database, brand: Brand, brand_id: int, day: date, days: list[Span], now: datetime) -> Travel:
    start, end = days[0][0], days[-1][1]
    stories = travel.stories(db, brand.name, start, end)
    found = rules.index(brand.name, day, len(days), stories, seed=day.toordinal())
    with writing(db):
        travel.keep(db, brand_id, found, (start, end), now)
    return found


def _days(day: date, count: int, zone: str) -> list[Span]:
    """The days whose stories' windows are over when ``day`` is, the last ``count`` of them, ascending."""
    last = day - TRAVEL_WINDOW
    return [local_day(last - back * DAY, zone) for back in range(count - 1, -1, -1)]


def load(app: App, db: Database, brand_id: int, day: date, now: datetime) -> Travel | None:
    """What a digest of ``day`` says: the index of 28 days, or of 90 where 28 have too few stories; None where none was
    made in the week before. Nothing is reckoned here."""
    until = min(day, now.astimezone(app.config.timezone).date())
    found = travel.load(db, brand_id, until - FRESH, until)
    return next((t for t in found if t.ratio is not None), found[-1] if found else None)

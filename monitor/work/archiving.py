"""Archiving: pages that are written once, and the index and feed that lead to them.

A page is drafted, then its row is stored, then it gets its name: a page with a name has a row, never changes, and is
never half there. A crash before the row leaves a draft that the next try replaces; one after it leaves a draft that
``finish`` names. A page without a row, from a database that was lost, is left as it is: its name is taken.
"""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import quote as percent

from sqlite_utils import Database

from monitor.config import Brand
from monitor.errors import StoreError
from monitor.model import Archive, FeedEntry
from monitor.store import archive, service, together
from monitor.work import missed
from monitor.work.app import App

FEED_ENTRIES = 30
MONTHS_SHOWN = 13
"""Months on a brand's index: a year and the same month before; what is older stands on the pages of its years."""

STRIP_DAYS = 28

LONGEST_FOLDER = 120
"""Bytes of a folder's name before its mark; file systems bear 255, some sync tools 143."""


def folder(app: App) -> Path:
    return app.config.path(app.config.digest.dir)


def folder_name(app: App, brand: str) -> str:
    """A brand's folder. A name that had to be changed for that gets a mark of its own: two must not share a folder.

    Nor may names that only a disk of this machine tells apart: of these, the brand that was known first has none.
    """
    safe = re.sub(r"[^\w.-]+", "_", brand).strip(".")
    safe = safe.encode()[:LONGEST_FOLDER].decode(errors="ignore")
    alike = [key for other, key in app.own_brands if _on_any_disk(other.name) == _on_any_disk(brand)]
    if safe != brand or safe.lower().endswith(".html") or app.brands.get(brand, 0) > min(alike, default=0) > 0:
        safe = f"{safe or 'brand'}-{hashlib.sha256(brand.encode()).hexdigest()[:6]}"
    return safe


def _on_any_disk(name: str) -> str:
    """What a disk makes of a name that knows neither case nor ways to compose a letter."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def free_name(app: App, brand: str, name: str, revision: int) -> tuple[Path, int]:
    """Where a page goes: ``name.html``, later revisions ``name-r2.html``; the first from ``revision`` on that is free.

    Called in the transaction that stores its row, so that no two pages get one name.
    """
    place = folder(app) / folder_name(app, brand)
    while (path := place / (f"{name}-r{revision}.html" if revision > 1 else f"{name}.html")).exists():
        revision += 1
    return path, revision


def address(app: App, page: Path) -> str:
    """The page's link where ``service.base_url`` says who serves it, else its name."""
    base = app.config.service.base_url.rstrip("/")
    return f"{base}/{percent(page.parent.name)}/{percent(page.name)}" if base else page.name


def draft(page: Path, text: str) -> None:
    """The text of a page that has no name yet."""
    try:
        page.parent.mkdir(parents=True, exist_ok=True)
        with _draft_of(page).open("w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())  # the row that follows is durable: so must be what it names
    except OSError as error:
        raise StoreError(f"{page}: the page cannot be written: {error.strerror}") from error


def publish(page: Path) -> None:
    """Give a drafted page its name; another process may have done so."""
    try:
        os.replace(_draft_of(page), page)
    except FileNotFoundError as error:
        if not page.exists():
            raise StoreError(f"{page}: the page cannot be written: {error.strerror}") from error
    except OSError as error:
        raise StoreError(f"{page}: the page cannot be written: {error.strerror}") from error


def write(page: Path, text: str) -> None:
    """A page that may be written again, such as an index: a reader never sees half of it."""
    draft(page, text)
    publish(page)


def finish(app: App, db: Database) -> None:
    """Name the drafts that a crash left behind their rows."""
    for left in folder(app).glob("*/*.part"):
        page = left.with_suffix(".html")
        if not page.exists() and archive.known_file(db, str(page)):
            publish(page)


def due(app: App, db: Database) -> list[tuple[Brand, int]]:
    """The brands whose index and feed do not tell of all their pages yet."""
    return [(brand, key) for brand, key in app.own_brands if len(set(archive.pages(db, key))) == 2]


def write_index(app: App, db: Database, brand: Brand, key: int) -> None:
    """A brand's index, feed and those year pages that its new pages belong on, then the index of all brands: in one
    transaction, so that no other process writes the same files meanwhile."""
    place = folder(app) / folder_name(app, brand.name)
    with together(db):
        known = archive.span(db, key)
        if known is None:
            return
        count, told = archive.pages(db, key)
        _write_calendars(app, db, brand, key, known, max(count - told, 1))
        entries = archive.feed_entries(db, key, FEED_ENTRIES)
        write(place / "feed.atom", _feed(app, db, brand, entries, place))
        write_front(app, db)
        archive.set_pages(db, key, count)


def _write_calendars(app: App, db: Database, brand: Brand, key: int, known: tuple[date, date], newest: int) -> None:
    """The index, and of each year page those that the ``newest`` pages belong on or that are missing."""
    from reports.archive_pages import archive_page

    place, code, (first, last) = folder(app) / folder_name(app, brand.name), app.config.language, known
    years = tuple(range(last.year, first.year - 1, -1))
    touched = archive.years_touched(db, key, newest)
    for year in years:
        if year in touched or not (place / f"{year}.html").exists():
            start, end = max(first, date(year, 1, 1)), min(last, date(year, 12, 31))
            write(place / f"{year}.html", archive_page(_calendar(app, db, brand, key, start, end, years), code, year))
    shown = _calendar(app, db, brand, key, max(first, _months_back(last)), last, years)
    write(place / "index.html", archive_page(shown, code))


def _feed(app: App, db: Database, brand: Brand, entries: Sequence[FeedEntry], place: Path) -> str:
    from reports.atom import feed

    served = bool(app.config.service.base_url)
    base = address(app, place / "index.html").removesuffix("index.html") if served else ""
    return feed(brand.name, entries, identity=service.identity(db), base=base, code=app.config.language)


def write_front(app: App, db: Database) -> None:
    """The index of all own brands."""
    from reports.archive_pages import front_page

    found = []
    for brand, key in app.own_brands:
        known = archive.span(db, key)
        if known is not None:
            start = known[1] - timedelta(days=STRIP_DAYS - 1)
            found.append(_stretch(app, db, brand, key, max(known[0], start), known[1], ()))
    write(folder(app) / "index.html", front_page(found, app.config.language))


def _calendar(
    app: App, db: Database, brand: Brand, key: int, first: date, last: date, years: tuple[int, ...]
) -> Archive:  # fmt: skip
    """A stretch in which days without a digest say why."""
    shown = _stretch(app, db, brand, key, first, last, years)
    return replace(shown, missing=missed.reasons(app, db, brand, key, first, last, shown.days))


def _stretch(
    app: App, db: Database, brand: Brand, key: int, first: date, last: date, years: tuple[int, ...]
) -> Archive:  # fmt: skip
    return Archive(
        brand.name, folder_name(app, brand.name), first, last, archive.days(db, key, first, last),
        archive.weeks(db, key, first, last), years,
    )  # fmt: skip


def _months_back(last: date) -> date:
    months = last.year * 12 + last.month - MONTHS_SHOWN
    return date(months // 12, months % 12 + 1, 1)


def _draft_of(page: Path) -> Path:
    return page.with_suffix(".part")

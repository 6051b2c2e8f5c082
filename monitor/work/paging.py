"""Paging: an incident's page in the digest folder, the newest state of what its mails tell.

It is written by whoever sends, from the database and before the mail that links it. A crash between the event and the
page leaves the older page there until the next cycle.
"""

from __future__ import annotations

import os
from datetime import datetime

from sqlite_utils import Database

from monitor.errors import StoreError
from monitor.store import alerts, reading, writing
from monitor.work.app import App
from monitor.work.describing import alert_facts, page_name


def due(app: App, db: Database) -> list[tuple[int, int]]:
    """(incident, its events) of each page to be written; none where no address says that somebody serves them."""
    return alerts.pages_due(db) if app.config.service.base_url else []


def write(app: App, db: Database, incident: int, events: int, now: datetime) -> None:
    from reports.render import incident_page

    path = app.config.path(app.config.digest.dir) / page_name(incident)
    draft = path.with_suffix(".part")
    with reading(db):
        brand, last = alerts.told_last(db, incident)
        facts = alert_facts(app, db, brand, incident, last, {}, now)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(incident_page(facts, app.config.language), "utf-8")
        os.replace(draft, path)  # a reader never sees half a page, and a crash leaves none
    except OSError as error:
        raise StoreError(f"{path}: the page cannot be written: {error.strerror}") from error
    with writing(db):
        alerts.set_paged(db, incident, events)

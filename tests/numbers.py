"""Every number of a digest against the documented view's query: for all days of a database.

    python -m tests.numbers CONFIG

Loads each brand-day as it is known now, a morning after it, runs the query that the page would show beside each number,
and prints what differs. Exit 1 if anything does.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from sqlite_utils import Database

from monitor.config import load
from monitor.digest import local_day
from monitor.work import digesting
from monitor.work.app import App, open_app
from reports.evidence import proofs

MORNING = timedelta(hours=8, minutes=30)


def days(db: Database) -> list[date]:
    """The local days of which anything was counted."""
    return [date.fromisoformat(d) for (d,) in db.execute("SELECT DISTINCT local_day FROM v_daily ORDER BY local_day")]


def held(app: App, db: Database, day: date) -> Iterator[tuple[str, bool]]:
    """(brand and query, whether it gives exactly what the page says) for each query of a day."""
    for brand, brand_id in app.own_brands:
        end = local_day(day, app.config.timezone.key)[1]
        digest = digesting.load(app, db, brand, brand_id, day, end + MORNING)
        for proof in proofs(digest):
            if proof.rows is not None:
                yield f"{brand.name} {day} {proof.key}", tuple(db.execute(proof.sql).fetchall()) == proof.rows


def main(config: str) -> int:
    app = open_app(load(Path(config)))
    db = app.open_store()
    counted = [each for day in days(db) for each in held(app, db, day)]
    wrong = [name for name, right in counted if not right]
    print(*wrong, f"{len(counted)} queries over {len(days(db))} days, {len(wrong)} differ from the page", sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

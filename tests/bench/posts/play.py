"""A world played through the whole pipeline: the real app, config and SQLite file, a round a quarter of an hour."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from monitor import jobs
from monitor.config import parse
from monitor.jobs import Report
from monitor.model import Label, Post, from_utc_text
from monitor.store import mentions, writing
from monitor.work.app import App, Collector, open_app
from tests.bench.posts.places import PLACES, List, Outage
from tests.bench.posts.rates import BIN, ZONE

UNWATCHED = 8
"""Rounds from one pass of the stages to the next where nobody watches: when a post came is settled by collecting it."""

Key = tuple[str, str]
"""Platform and native id of a post."""


@dataclass(frozen=True)
class Alert:
    """One mail that was owed about a brand, other than the one that says it is over. ``kinds``: of the measurements
    behind it, such as spike or burst."""

    brand: str
    at: datetime
    incident: int
    event: str
    severity: str
    origin: str
    kinds: tuple[str, ...]


@dataclass
class Played:
    """What came of it. ``confusion``: true label and the effective one -> posts. ``seconds``: by job.
    ``opened``: the posts that count as a negative voice."""

    alerts: list[Alert] = field(default_factory=list)
    mails: int = 0
    incidents: Counter[str] = field(default_factory=Counter)
    confusion: Counter[tuple[str, str]] = field(default_factory=Counter)
    posts: int = 0
    coverage: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    rounds: int = 0
    opened: set[Key] = field(default_factory=set)


def open_world(folder: Path, brands: Sequence[str], platforms: Mapping[str, Any]) -> App:
    """An app over a new database in ``folder`` that watches these brands; ``platforms``: what stands for sources."""
    app = open_app(parse({
        "timezone": ZONE.key,
        "brands": [{"name": name, "terms": [name]} for name in brands],
        "smtp": {"host": "127.0.0.1", "port": 9, "security": "none", "from": "qianli@example.test"},
        "alerts": {"to": ["oncall@example.test"]},
    }, "config.toml", folder), keep_going=False)  # fmt: skip
    app.collectors = tuple(Collector(name, source.place.every * 60, source) for name, source in platforms.items())
    return app


def lists(shown: Iterable[tuple[datetime, Post]], outages: Sequence[Outage] = ()) -> dict[str, List]:
    """The platforms as sources; posts in the order in which they are shown."""
    by_place: dict[str, list[tuple[datetime, Post]]] = {name: [] for name in PLACES}
    for at, post in shown:
        by_place[post.platform].append((at, post))
    return {
        name: List(PLACES[name], posts, [o for o in outages if o.place == name]) for name, posts in by_place.items()
    }


def play(
    folder: Path, brands: Sequence[str], shown: Sequence[tuple[datetime, Post]], start: datetime, end: datetime, *,
    outages: Sequence[Outage] = (), truth: Mapping[Key, str] | None = None, labelled: bool = False,
    every: timedelta = BIN, coarse_until: datetime | None = None, watched: bool = True,
) -> Played:  # fmt: skip
    """Play it from ``start`` to ``end``. ``labelled``: a person says of each post what it is (``truth``) before it is
    counted; else the shipped scorer's word stands. ``coarse_until``: until then a round an hour. ``watched``: False
    only collects, and works through the stages now and then, for ``again``."""
    app = open_world(folder, brands, lists(shown, outages))
    db, found = app.open_store(), Played()
    teller = Teller(truth or {})
    try:
        now = start
        while now <= end:
            with _timed(found, "collect"):
                jobs.collect(app, db, now, Report())
            if watched or found.rounds % UNWATCHED == 0 or now + every > end:
                with _timed(found, "stages"):
                    jobs.process(app, db, now, Report())
            if labelled:
                with _timed(found, "labels"):
                    teller.tell(app, db, now)
            if watched:
                with _timed(found, "watch"):
                    jobs.watch(app, db, now)
            found.rounds += 1
            now += max(every, timedelta(hours=1)) if coarse_until is not None and now < coarse_until else every
        read(db, found, truth or {})
    finally:
        db.close()
        app.http.close()
    return found


class _timed:
    """Adds the seconds of its block to a job's."""

    def __init__(self, found: Played, job: str) -> None:
        self._found, self._job = found, job

    def __enter__(self) -> None:
        self._begun = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self._found.seconds[self._job] += time.perf_counter() - self._begun


@dataclass
class Teller:
    """Somebody who knows the truth and labels every mention, as ``qianli label`` does, round by round."""

    truth: Mapping[Key, str]
    last: int = 0
    waiting: set[int] = field(default_factory=set)

    def tell(self, app: App, db: Database, now: datetime) -> None:
        rows = db.execute("SELECT id FROM posts WHERE id > ? ORDER BY id", [self.last]).fetchall()
        self.waiting |= {i for (i,) in rows}
        self.last = max([self.last, *(i for (i,) in rows)])
        with writing(db):
            for post in sorted(self.waiting):
                row = db.execute(
                    """SELECT p.platform, p.native_id, m.brand
                       FROM mentions m JOIN posts p ON p.id = m.post WHERE p.id = ?""",
                    [post],
                ).fetchone()
                if row is not None:
                    self.waiting.discard(post)
                    mentions.add_label(db, post, row[2], Label(self.truth[row[0], row[1]]), "truth", now)
        jobs.count(app, db, Report(), jobs.quiet)


def read(db: Database, found: Played, truth: Mapping[Key, str]) -> None:
    """Alerts, incidents, labels and what was heard, from the database."""
    found.alerts, found.mails = alerts(db), db.execute("SELECT count(*) FROM outbox WHERE kind = 'alert'").fetchone()[0]
    found.incidents = Counter(dict(db.execute("SELECT origin, count(*) FROM incidents GROUP BY origin").fetchall()))
    labels(db, found, truth)
    found.coverage = Counter(dict(db.execute("SELECT state, count(*) FROM v_coverage GROUP BY state").fetchall()))


def labels(db: Database, found: Played, truth: Mapping[Key, str]) -> None:
    """How labels and voices came out."""
    for platform, native_id, label, opens in db.execute(
        "SELECT p.platform, p.native_id, m.label, m.opens_voice FROM mentions m JOIN posts p ON p.id = m.post"
    ).fetchall():
        found.posts += 1
        if opens:
            found.opened.add((platform, native_id))
        if (platform, native_id) in truth:
            found.confusion[truth[platform, native_id], label or "none"] += 1


def alerts(db: Database) -> list[Alert]:
    """Every alert owed that says more than that an incident is over, in the order of time."""
    kind = "s.kind" if any(row[1] == "kind" for row in db.execute("PRAGMA table_info(spikes)")) else "'spike'"
    found: list[Alert] = []
    told: Counter[tuple[int, str]] = Counter()
    for incident, owed_at in db.execute(
        "SELECT incident, owed_at FROM outbox WHERE kind = 'alert' AND incident IS NOT NULL ORDER BY owed_at, id"
    ).fetchall():
        events = [
            event for (event,) in db.execute(
                "SELECT event FROM incident_events WHERE incident = ? AND at = ? ORDER BY id", [incident, owed_at]
            )
        ]  # fmt: skip
        said = [event for event in events if event not in ("resolved", "acknowledged", "continues")]
        if not said:
            continue
        number = min(told[incident, owed_at], len(said) - 1)  # one round may owe several mails
        told[incident, owed_at] += 1
        brand, severity, origin = db.execute(
            "SELECT b.name, i.severity, i.origin FROM incidents i JOIN brands b ON b.id = i.brand WHERE i.id = ?",
            [incident],
        ).fetchone()
        kinds = db.execute(
            f"SELECT DISTINCT {kind} FROM spikes s WHERE s.incident = ? AND s.measured_at <= ?", [incident, owed_at]
        )
        found.append(Alert(
            brand, from_utc_text(owed_at), incident, said[number], severity, origin, tuple(sorted(k for (k,) in kinds))
        ))  # fmt: skip
    return found

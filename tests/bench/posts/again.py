"""Detection alone, on databases that ``--keep`` kept: what a change of it does, in seconds instead of an hour.

All posts are there, scored, grouped and counted; what was found is forgotten, and a watch every six hours, so that
incidents end between them, judges every bin in order. An alert is taken for raised at the end of the bin that opened
its incident, or made it graver. What differs from playing the posts: late posts are in the baseline before they
arrived, a platform that could not be asked is heard as it was in the end, and no mail is counted that says only that an
incident grew. Whether a post came in time is stored, and is as it was.
"""

from __future__ import annotations

import pickle
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from unittest import mock

from sqlite_utils import Database

from monitor import jobs
from monitor.model import BIN, Severity, from_utc_text
from monitor.spikes import Settings
from monitor.store import writing
from monitor.work import watching
from monitor.work.app import App
from tests.bench.posts.judge import Judged
from tests.bench.posts.play import Alert, Key, Played, labels, lists, open_world
from tests.bench.posts.world import World

TRUTH = "world.pickle"
WATCHED_EVERY = timedelta(hours=6)
_FOUND = (
    "deliveries", "outbox", "incident_events", "incidents", "spikes", "detector_states", "watches", "holds",
    "burst_days", "burst_bins",
)  # fmt: skip


def keep_truth(world: World, folder: Path) -> None:
    """What happened, and what each post is, beside the database; our own file, read by nobody else."""
    truth = {(made.post.platform, made.post.native_id): made.label for made in world.posts}
    (folder / TRUTH).write_bytes(pickle.dumps((replace(world, posts=[]), truth)))


def again(folders: list[Path], threshold: float | None = None) -> Judged:
    """Judge what today's detection finds in the databases of these folders, which stay as they are. ``threshold``: at
    which a brand's Z speaks, instead of the shipped one."""
    judged = Judged()
    if threshold is not None:
        settings = partial(_with_threshold, watching.detector_settings, threshold)
        with mock.patch.object(watching, "detector_settings", settings):
            return again(folders)
    for folder in folders:
        kept: tuple[World, dict[Key, str]] = pickle.loads((folder / TRUTH).read_bytes())
        with tempfile.TemporaryDirectory(prefix="qianli-again-") as place:
            shutil.copytree(folder, place, dirs_exist_ok=True)
            world, truth = kept
            brands = [brand.name for brand in world.brands]
            judged.add(world, detected(Path(place), brands, world.start, world.end, truth))
    return judged


def _with_threshold(shipped: Callable[[App], Settings], threshold: float, app: App) -> Settings:
    return replace(shipped(app), z_threshold=threshold)


def detected(
    folder: Path, brands: Sequence[str], start: datetime, end: datetime, truth: Mapping[Key, str]
) -> Played:  # fmt: skip
    """What watching from ``start`` to ``end`` finds in ``folder``'s database, once what was found is forgotten."""
    app = open_world(folder, brands, lists(()))
    db = app.open_store()
    try:
        db.execute("PRAGMA foreign_keys = OFF")
        _forget(db)
        now = start
        while now < end:
            now = min(now + WATCHED_EVERY, end)
            jobs.watch(app, db, now)
        found = Played(alerts=alerts(db))
        labels(db, found, truth)
        return found
    finally:
        db.close()
        app.http.close()


def _forget(db: Database) -> None:
    with writing(db):
        for table in _FOUND:
            db.execute(f"DELETE FROM {table}")
        db.execute("INSERT INTO burst_bins (brand, bin) SELECT DISTINCT brand, bin FROM counts")


def alerts(db: Database) -> list[Alert]:
    """The first live spike, burst or early warning of each incident that mails, and each graver one after it."""
    found: list[Alert] = []
    gravest: dict[int, int] = {}
    for incident, at, kind, severity, brand in db.execute(
        """SELECT s.incident, s.bin, s.kind, s.severity, b.name FROM spikes s JOIN brands b ON b.id = s.brand
           WHERE s.origin = 'live' AND s.incident IS NOT NULL ORDER BY s.bin, s.id"""
    ).fetchall():
        rank = Severity(severity).rank
        if rank < Severity.WARNING.rank or rank <= gravest.get(incident, -1):
            continue
        event = "worse" if incident in gravest else "opened"
        gravest[incident] = rank
        found.append(Alert(brand, from_utc_text(at) + BIN, incident, event, severity, "live", (kind,)))
    return sorted(found, key=lambda alert: alert.at)

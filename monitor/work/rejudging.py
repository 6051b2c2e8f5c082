"""Judging anew what people have doubted: whether an incident would stand without the posts they took out of it.

Spikes are never changed. But the counts have, and the detectors have just stepped over the changed bins again: an
incident of which nothing fires any more has lost its evidence, and ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from monitor.config import Brand
from monitor.incidents import Ending, Standing
from monitor.model import Kind
from monitor.store import counts, rejudge, writing
from monitor.store import incidents as stored
from monitor.work import handling
from monitor.work.app import App


@dataclass(frozen=True, slots=True)
class Again:
    """The bins in [start, end) were stepped over just now, and these of them fire."""

    start: datetime
    end: datetime
    fired: Sequence[datetime]


def judge(
    app: App, db: Database, brand: Brand, brand_id: int, again: Again, evidence: handling.Evidence, now: datetime
) -> None:  # fmt: skip
    doubted = [standing for standing in stored.open_ones(db, brand_id) if standing.doubted]
    if not doubted or counts.dirty(db):
        return  # a correction may be stored and not yet counted
    for standing in doubted:
        if any(at >= again.end for _, _, at in stored.findings_of(db, standing.id)):
            continue  # bins it stands on wait for posts to be scored
        with writing(db, durable=True):
            if standing.kind is Kind.SPIKE:
                rejudge.cap_size(db, standing.id, counts.voices_since(db, brand_id, standing.onset))
            if _stands(db, brand_id, standing, again):
                rejudge.settle(db, standing.id)
            else:
                how = handling.End(Ending.NOT_US, again.end, standing.doubted)
                handling.finish(app, db, brand, brand_id, standing.id, how, evidence(), now)


def _stands(db: Database, brand_id: int, standing: Standing, again: Again) -> bool:
    """A bin that was not stepped over again has the counts it had: what was found there holds."""
    since = min([at for _, _, at in stored.findings_of(db, standing.id)], default=standing.onset)
    if any(at >= since for at in again.fired):
        return True
    return any(
        at < again.start if kind is Kind.SPIKE else rejudge.stands_on(db, brand_id, kind, subject)
        for kind, subject, at in stored.findings_of(db, standing.id)
    )

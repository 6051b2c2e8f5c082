"""A post that comes days late has the detector step again from the day before it, not from the first bin of history."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from monitor import jobs
from monitor.jobs import Report
from monitor.model import Page, Post, Query, utc_text
from tests.standin import DAY, HOUR, MINUTE, NOW, make_app, post


def test_days_of_late_posts_leave_memories_near_enough(tmp_path: Path) -> None:
    shown: list[Post] = []

    def answer(query: Query) -> list[Page]:
        fresh, late = query.now - 5 * MINUTE, query.now - 50 * HOUR
        shown.append(post(f"now{utc_text(fresh)}", f"澄嵐還行，{fresh:%d日%H時%M分}的紀錄", fresh))
        shown.append(post(f"late{utc_text(late)}", f"澄嵐爛，{late:%d日%H時%M分}的紀錄", late))
        return [Page(tuple(reversed(shown[-8:])))]

    app = make_app(tmp_path, {"forum": answer})
    db = app.open_store()
    now = NOW
    while now < NOW + 9 * DAY:
        jobs.collect(app, db, now, Report())
        jobs.process(app, db, now, Report())
        late = now - 50 * HOUR
        kept = db.execute("SELECT max(bin) FROM detector_states WHERE bin < ?", [utc_text(late)]).fetchone()[0]
        if now >= NOW + 5 * DAY:
            assert kept is not None
            assert kept >= utc_text(late - timedelta(days=1, hours=7))
        jobs.watch(app, db, now)
        now += 6 * HOUR
    rows = db.execute("SELECT count(*) FROM detector_states WHERE origin = 'live'").fetchone()[0]
    assert rows <= 12
    db.close()

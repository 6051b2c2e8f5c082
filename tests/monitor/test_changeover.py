"""A new model speaks only after it has scored the last weeks, all at once, and its coming wakes nobody."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlite_utils import Database

from monitor import jobs
from monitor.jobs import Report
from monitor.model import BIN, Digest, Label, Page, Post, Query, Score, bin_start, utc_text
from monitor.schema import migrations
from monitor.store import counts, coverage, models, open_store, posts, writing
from monitor.work import changeover, digesting
from monitor.work.app import App
from tests.standin import DAY, HOUR, MINUTE, NOW, Mailbox, Words, mail_server, make_app, post

START = bin_start(NOW - 12 * DAY)


@dataclass
class Grim(Words):
    """Calls negative what ``Words`` does, and as many posts again."""

    version: str = "grim-1"

    def _score(self, text: str) -> Score:
        plain = super()._score(text)
        return Score(0.2, 0.8, Label.NEGATIVE) if "悶" in text else plain


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as box:
        yield box


def talk(i: int) -> str:
    """One post in six is bad, one dull: for the second model one in three is bad."""
    return f"澄嵐{'爛' if i % 6 == 0 else '悶' if i % 6 == 3 else '還行'} {i}"


NEVER = NOW + 400 * DAY


def forum_app(
    tmp_path: Path, mailbox: Mailbox, storm: datetime = NEVER, bad: str = "爛", end: datetime | None = None
) -> App:  # fmt: skip
    """Four posts an hour for weeks; from ``storm`` to ``end`` also an angry one every two minutes."""
    last = end or storm
    angry = [
        post(f"x{i}", f"澄嵐{bad}透了{i}", storm + i * 2 * MINUTE)
        for i in range(int((last - storm) / MINUTE) // 2)
    ]  # fmt: skip

    def forum(query: Query) -> list[Page]:
        since = query.since or START
        first, past = int((since - START) / BIN) - 2, int((query.now - START) / BIN) + 1
        quiet = [post(f"q{i}", talk(i), START + i * BIN) for i in range(max(0, first), past)]
        loud = [p for p in angry if p.published_at and since - HOUR <= p.published_at <= query.now]
        return [Page(tuple(sorted([*quiet, *loud], key=when)), exhausted=True)]

    return make_app(tmp_path, {"forum": forum}, mail=mailbox.port)


def when(p: Post) -> datetime:
    assert p.published_at is not None
    return p.published_at


def step(app: App, db: Database, start: datetime, end: datetime, by: timedelta) -> None:
    while start < end:
        jobs.cycle(app, db, start)
        start += by


@pytest.fixture(scope="module")
def weeks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one that has lived from ``START`` to ``NOW``, when nothing happened."""
    folder = tmp_path_factory.mktemp("weeks")
    with mail_server() as mailbox:
        app = forum_app(folder, mailbox)
        db = app.open_store()
        step(app, db, START, NOW, 6 * HOUR)
        db.close()
    return folder


def lived(weeks: Path, app: App) -> Database:
    """The database of an app that has lived through these weeks."""
    shutil.copytree(weeks, app.database.parent, dirs_exist_ok=True)
    return app.open_store()


def use(app: App, scorer: Words) -> None:
    app.__dict__["scorer"] = scorer


def handled(db: Database) -> list[object]:
    """All that people see of incidents, and every alert owed."""
    return [
        *db.execute("SELECT id, state, severity, origin, onset, resolved_at FROM incidents").fetchall(),
        *db.execute("SELECT incident, event, reason FROM incident_events").fetchall(),
        *db.execute("SELECT message_id FROM outbox WHERE kind = 'alert'").fetchall(),
    ]


def daily(db: Database) -> list[tuple[str, int, str]]:
    return db.execute(
        "SELECT local_day, sum(negative_posts), group_concat(DISTINCT models) FROM v_daily GROUP BY 1 ORDER BY 1"
    ).fetchall()


def test_twice_the_negatives_open_raise_and_resolve_nothing(weeks: Path, tmp_path: Path, mailbox: Mailbox) -> None:
    app = forum_app(tmp_path, mailbox)
    db = lived(weeks, app)
    before, told = daily(db), handled(db)
    use(app, Grim())
    jobs.cycle(app, db, NOW)
    after = daily(db)
    assert handled(db) == told == []
    assert {m for _, _, m in before} == {"words-1"}
    assert {m for _, _, m in after} == {"grim-1"}
    whole = [(b, a) for (_, b, _), (_, a, _) in zip(before[1:-1], after[1:-1], strict=True)]
    assert all(a == 2 * b for b, a in whole)
    assert counts.recount_all(db) == counts.stored(db)
    step(app, db, NOW + BIN, NOW + 3 * DAY, HOUR)
    assert handled(db) == []
    db.close()


def test_an_incident_under_way_is_neither_raised_nor_resolved_by_it(
    weeks: Path, tmp_path: Path, mailbox: Mailbox
) -> None:
    """The second model finds nothing bad in the storm; it ends when hours have passed since, not because of that."""
    app = forum_app(tmp_path, mailbox, storm=NOW, end=NOW + 4 * HOUR)
    db = lived(weeks, app)
    step(app, db, NOW, NOW + 3 * HOUR, BIN)
    (incident,) = db.execute("SELECT state, severity FROM incidents").fetchall()
    told = handled(db)
    assert incident[0] == "open"
    use(app, Rosy())
    step(app, db, NOW + 3 * HOUR, NOW + 4 * HOUR + 2 * BIN, BIN)
    assert handled(db) == told
    step(app, db, NOW + 4 * HOUR + 2 * BIN, NOW + 12 * HOUR, BIN)
    assert db.execute("SELECT state FROM incidents").fetchall() == [("resolved",)]
    db.close()


@dataclass
class Rosy(Words):
    """Finds nothing bad where a word is strong."""

    version: str = "rosy-1"

    def _score(self, text: str) -> Score:
        return Score(0.9, 0.1, Label.NEUTRAL) if "透了" in text else super()._score(text)


def test_what_only_the_new_model_sees_in_the_past_wakes_nobody_and_what_goes_on_does(
    tmp_path: Path, mailbox: Mailbox
) -> None:
    """A storm that the old model took for calm is under way: the new one tells of it by what comes after it came."""
    app = forum_app(tmp_path, mailbox, storm=NOW - 6 * HOUR, bad="悶", end=NOW + 6 * HOUR)
    db = app.open_store()
    step(app, db, START, NOW - HOUR, 3 * HOUR)
    step(app, db, NOW - HOUR, NOW + BIN, BIN)
    use(app, Grim())
    jobs.cycle(app, db, NOW + MINUTE)
    assert handled(db) == []
    step(app, db, NOW + BIN, NOW + 3 * HOUR, BIN)
    (incident,) = db.execute("SELECT state, origin, onset FROM incidents").fetchall()
    assert incident[:2] == ("open", "live")
    assert datetime.fromisoformat(incident[2]) >= NOW
    db.close()


def test_a_storm_after_the_change_is_told_as_soon_as_ever(weeks: Path, tmp_path: Path, mailbox: Mailbox) -> None:
    app = forum_app(tmp_path, mailbox, storm=NOW + 12 * HOUR, end=NOW + 18 * HOUR)
    db = lived(weeks, app)
    use(app, Grim())
    step(app, db, NOW, NOW + 14 * HOUR, BIN)
    (opened,) = db.execute("SELECT opened_at FROM incidents").fetchone()
    assert datetime.fromisoformat(opened) - (NOW + 12 * HOUR) <= HOUR
    db.close()


def test_a_crash_before_the_switch_leaves_the_old_model_speaking_and_loses_no_work(
    weeks: Path, tmp_path: Path, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = forum_app(tmp_path, mailbox)
    db = lived(weeks, app)
    before = counts.stored(db)
    use(app, Grim())

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(counts, "mark_from", crash)  # the labels are written, the counts are not
    with pytest.raises(KeyboardInterrupt):
        jobs.process(app, db, NOW, Report())
    assert counts.stored(db) == before
    assert models.speaking(db) == "words-1"
    assert db.execute("SELECT DISTINCT model FROM mentions").fetchall() == [("words-1",)]
    monkeypatch.undo()
    report = Report()
    jobs.process(app, db, NOW, report)
    assert "rescore" not in report.stages  # found scored
    assert models.speaking(db) == "grim-1"
    db.close()


def test_new_posts_wait_for_the_switch(weeks: Path, tmp_path: Path, mailbox: Mailbox) -> None:
    app = forum_app(tmp_path, mailbox)
    db = lived(weeks, app)
    use(app, Grim())
    jobs.collect(app, db, NOW, Report())
    app.stop.set()
    jobs.score(app, db, NOW, Report(), jobs.quiet)
    assert models.speaking(db) == "words-1"
    assert not db.execute("SELECT 1 FROM scores WHERE model = 'grim-1'").fetchone()
    db.close()


def test_a_post_the_new_model_cannot_score_keeps_its_label_and_the_views_say_so(
    weeks: Path, tmp_path: Path, mailbox: Mailbox
) -> None:
    app = forum_app(tmp_path, mailbox)
    app.keep_going = True
    db = lived(weeks, app)
    use(app, Grim(raises=talk(600)))
    jobs.process(app, db, NOW, Report())
    assert models.speaking(db) == "grim-1"
    mixed = [m for _, _, m in daily(db) if "words-1" in m]
    assert len(mixed) == 1
    assert "grim-1" in mixed[0]
    assert db.execute("SELECT count(*) FROM failures WHERE stage = 'score'").fetchone() == (1,)
    db.close()


def test_older_days_keep_their_model_and_an_archive_still_shows_its_history(
    weeks: Path, tmp_path: Path, mailbox: Mailbox
) -> None:
    app = forum_app(tmp_path, mailbox)
    db = lived(weeks, app)
    later = NOW + 20 * DAY
    step(app, db, NOW, later, 12 * HOUR)
    use(app, Grim())
    jobs.cycle(app, db, later)
    by_day = daily(db)
    assert [m for _, _, m in by_day] == sorted((m for _, _, m in by_day), reverse=True)  # words-1, then grim-1
    assert {m for _, _, m in by_day} == {"words-1", "grim-1"}
    zone = app.config.timezone
    first_new = min(day for day, _, m in by_day if m == "grim-1")
    assert first_new == changeover.window(app, later).astimezone(zone).date().isoformat()
    db.close()


def test_the_digest_says_which_model_spoke(weeks: Path, tmp_path: Path, mailbox: Mailbox) -> None:
    app = forum_app(tmp_path, mailbox)
    db = lived(weeks, app)
    day = (NOW - DAY).astimezone(app.config.timezone).date()
    assert digesting.load(app, db, app.config.brands[0], 1, day, NOW).model == "words-1"
    use(app, Grim())
    jobs.process(app, db, NOW, Report())
    assert digesting.load(app, db, app.config.brands[0], 1, day, NOW).model == "grim-1"
    db.close()


def test_every_switch_there_was_is_a_border(tmp_path: Path) -> None:
    """From the first switch on twice as much is negative. After a second one, all is judged again from the beginning:
    the first border is none that people need to hear of."""
    app = make_app(tmp_path, {"forum": lambda query: []})
    db = app.open_store()
    start, first, second = NOW - 44 * DAY, NOW - 4 * DAY, NOW
    border = first - 28 * DAY
    rng = np.random.default_rng(7)
    bins = [start + i * BIN for i in range(44 * 96)]
    voices = rng.poisson([1.0 if at < border else 4.0 for at in bins])
    with writing(db):
        db.conn.executemany(
            "INSERT INTO counts VALUES (1, 'forum', ?, 8, ?, ?, ?, 8, 'm')",
            [(utc_text(at), int(n), int(n), int(n)) for at, n in zip(bins, voices, strict=True)],
        )
        coverage.add_heard(db, "forum", start, NOW, timedelta(hours=2))
    for held in (first, second):
        with writing(db):
            db.execute(
                "INSERT INTO holds VALUES (1, ?, ?, 1)",
                [utc_text(bin_start(held - 28 * DAY)), utc_text(bin_start(held))],
            )
    jobs.watch(app, db, NOW)
    assert db.execute("SELECT bin FROM spikes WHERE bin >= ?", [utc_text(border)]).fetchall() == []
    with writing(db):
        db.execute("DELETE FROM holds")
        db.execute("DELETE FROM detector_states")
    jobs.watch(app, db, NOW)
    assert db.execute("SELECT bin FROM spikes WHERE bin >= ?", [utc_text(border)]).fetchall() != []
    db.close()


def test_a_model_that_comes_back_does_not_find_its_old_scores(weeks: Path, tmp_path: Path, mailbox: Mailbox) -> None:
    app = forum_app(tmp_path, mailbox)
    db = lived(weeks, app)
    use(app, Grim())
    jobs.process(app, db, NOW, Report())
    assert db.execute("SELECT DISTINCT model FROM scores").fetchall() == [("grim-1",)]
    use(app, Words())
    report = Report()
    jobs.process(app, db, NOW, report)
    assert report.stages["rescore"] == db.execute("SELECT count(*) FROM mentions").fetchone()[0]
    assert db.execute("SELECT DISTINCT model FROM scores").fetchall() == [("words-1",)]
    db.close()


def test_posts_that_wait_for_a_score_switch_with_the_rest(weeks: Path, tmp_path: Path, mailbox: Mailbox) -> None:
    """Changed rules put every post into the queue; a switch in the same round is one switch all the same."""
    app = forum_app(tmp_path, mailbox)
    db = lived(weeks, app)
    with writing(db):
        posts.enqueue(db, "score", [i for (i,) in db.execute("SELECT id FROM posts").fetchall()])
    use(app, Grim())
    jobs.change_model(app, db, NOW, Report(), jobs.quiet)
    assert {m for _, _, m in daily(db)} == {"grim-1"}
    db.close()


def test_an_older_database_is_not_judged_again_at_its_first_switch(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    old = Database(path)
    migrations.apply(old, stop_before="models_and_portions")
    old.conn.executescript(
        """INSERT INTO brands VALUES (1, 'b', 'own'), (2, 'c', 'competitor');
           INSERT INTO source_runs (source, started_at, state) VALUES ('s', '2026-11-20T01:52:10Z', 'ok');"""
    )
    old.close()
    db = open_store(path)
    assert db.execute("SELECT * FROM watches").fetchall() == [(1, "2026-11-20T01:45:00Z", "")]
    db.close()


def test_a_digest_is_of_one_moment(
    weeks: Path, tmp_path: Path, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A switch that another thread commits while a digest is read shows in none of its numbers."""
    app = forum_app(tmp_path, mailbox)
    db = lived(weeks, app)
    day, read = (NOW - DAY).astimezone(app.config.timezone).date(), digesting.facts.platforms

    def meanwhile(*words: Any) -> list[str]:
        other = app.open_store()
        use(app, Grim())
        jobs.process(app, other, NOW, Report())
        other.close()
        return read(*words)

    monkeypatch.setattr(digesting.facts, "platforms", meanwhile)
    seen: list[Digest] = []
    monkeypatch.setattr(digesting, "store", lambda *words, **_: seen.append(words[4]))
    digesting.make(app, db, app.config.brands[0], 1, day, NOW, send=False)
    (digest,) = seen
    assert sum(t.negative_posts for _, t in digest.platforms) == digest.today.negative_posts
    assert digest.model == "words-1"
    assert models.speaking(db) == "grim-1"
    db.close()


def test_a_person_has_the_last_word_over_every_model(weeks: Path, tmp_path: Path, mailbox: Mailbox) -> None:
    from monitor.store import mentions

    app = forum_app(tmp_path, mailbox)
    db = lived(weeks, app)
    (dull,) = db.execute("SELECT post FROM v_posts WHERE text = ?", [talk(603)]).fetchone()
    with writing(db):
        mentions.add_label(db, dull, None, Label.POSITIVE, "someone", NOW)
    use(app, Grim())
    jobs.process(app, db, NOW, Report())
    row = db.execute("SELECT label, model FROM v_posts WHERE post = ?", [dull]).fetchone()
    assert row == ("positive", "grim-1")
    db.close()

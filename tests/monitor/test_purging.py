"""Purge: what people wrote and who they are goes; what it was counted as stays, to the last number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlite_utils import Database

from monitor import jobs
from monitor.config import parse
from monitor.errors import ConfigError
from monitor.jobs import Report
from monitor.model import Engagement, Label, Page, Query
from monitor.store import counts, facts, labels, mentions, models, outbox, posts, purges, service, writing
from monitor.work import digesting, purging
from monitor.work.app import App, Collector
from tests.standin import DAY, HOUR, MINUTE, NOW, Stand, Words, make_app, post

MONTH = timedelta(days=30)


def giving(*given: object) -> Callable[[Query], Sequence[Page]]:
    return lambda query: [Page(tuple(given), exhausted=True)]  # type: ignore[arg-type]


def with_sources(
    folder: Path, tables: dict[str, tuple[Callable[[Query], Sequence[Page]], timedelta | None]], **config: object
) -> App:
    app = make_app(folder, **config)
    app.collectors = tuple(Collector(n, 900, Stand(n, a), keep=keep) for n, (a, keep) in tables.items())
    return app


def counted(db: Database) -> list[object]:
    """Everything that a person reads numbers from."""
    views = [
        db.execute(f"SELECT * FROM {v} ORDER BY 1, 2, 3").fetchall() for v in ("v_hourly", "v_daily", "v_incidents")
    ]
    said = db.execute(
        "SELECT post, brand, label, p_negative, opens_voice, copy_group, story FROM v_posts ORDER BY 1, 2"
    )
    assert counts.stored(db) == counts.recount_all(db)
    assert db.execute("PRAGMA foreign_key_check").fetchall() == []
    return [counts.stored(db), *views, said.fetchall()]


def of_posts(db: Database) -> list[list[object]]:
    """Every row that says something of a post, apart from who has seen it."""
    tables = ("posts", "revisions", "engagement", "mentions", "scores", "labels", "group_members")
    return [db.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() for table in tables]


def dump(db: Database) -> list[str]:
    return list(db.conn.iterdump())


def test_after_keep_texts_authors_and_engagement_are_gone_and_every_count_stays(tmp_path: Path) -> None:
    secret = post("v1", "澄嵐爛 秘密的話", NOW - MINUTE, author="anna", url="https://example.test/anna/v1",
                  engagement=Engagement(likes=7))  # fmt: skip
    app = with_sources(
        tmp_path,
        {
            "video": (giving(secret, post("v2", "澄嵐好", NOW)), MONTH),
            "board": (giving(post("b1", "澄嵐爛", NOW)), None),
        },
        privacy={"keep_authors": True},
    )
    db = app.open_store()
    jobs.cycle(app, db, NOW)
    app.collectors[0].source.answer = giving(replace(secret, text="澄嵐爛 改過的話", author=secret.author))  # type: ignore[attr-defined]
    jobs.cycle(app, db, NOW + HOUR)
    before = counted(db)
    key = db.execute("SELECT author_key FROM posts WHERE native_id = 'v1'").fetchone()[0]
    purging.purge(app, db, NOW + MONTH - MINUTE)
    assert db.execute("SELECT count(*) FROM posts WHERE purged_at IS NOT NULL").fetchone() == (0,)
    assert purging.purge(app, db, NOW + MONTH + HOUR) == purging.Purged(emptied=2)
    assert counted(db) == before
    rows = db.execute("SELECT native_id, text, url, author_name, followers, likes FROM v_posts ORDER BY native_id")
    assert rows.fetchall() == [
        ("b1", "澄嵐爛", "", "", None, None), ("v1", "", "", None, None, None), ("v2", "", "", None, None, None),
    ]  # fmt: skip
    everything = "\n".join(dump(db))
    assert not [w for w in ("秘密的話", "改過的話", "anna", key) if w in everything]
    assert purging.purge(app, db, NOW + MONTH + 2 * HOUR) == purging.Purged()
    db.close()


def test_nothing_removed_is_left_in_the_files_bytes(tmp_path: Path) -> None:
    app = with_sources(tmp_path, {"video": (giving(post(1, "澄嵐爛 秘密的話", NOW)), MONTH)})
    db = app.open_store()
    jobs.cycle(app, db, NOW)
    purging.purge(app, db, NOW + MONTH)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    assert "秘密的話".encode() not in app.database.read_bytes()


def test_a_post_that_another_source_has_seen_too_is_kept_as_long_as_that_says(tmp_path: Path) -> None:
    both = post(1, "澄嵐爛", NOW)
    app = with_sources(tmp_path, {"video": (giving(both), MONTH), "board": (giving(both), None)})
    db = app.open_store()
    jobs.cycle(app, db, NOW)
    assert purging.purge(app, db, NOW + 2 * MONTH) == purging.Purged()
    app.collectors = (app.collectors[0], replace(app.collectors[1], keep=3 * MONTH))
    assert purging.purge(app, db, NOW + 3 * MONTH - MINUTE) == purging.Purged()
    assert purging.purge(app, db, NOW + 3 * MONTH) == purging.Purged(emptied=1)
    db.close()


def test_who_wrote_twice_in_a_thread_is_one_voice_still_although_only_one_post_is_kept(tmp_path: Path) -> None:
    def said(n: int, at: timedelta, text: str, root: str = "t") -> object:
        return post(n, f"澄嵐爛 {text}", NOW + at, author="anna", root=root, parent=root)

    app = with_sources(tmp_path, {
        "video": (giving(said(1, 0 * MINUTE, "甲")), MONTH),
        "board": (giving(said(2, 20 * MINUTE, "乙"), said(3, 30 * MINUTE, "丙", "other")), None),
    })  # fmt: skip
    db = app.open_store()
    jobs.cycle(app, db, NOW + HOUR)
    assert db.execute("SELECT sum(negative_voices) FROM counts").fetchone() == (2,)
    before, real = counted(db), app.author_key("forum", "anna")
    purging.purge(app, db, NOW + HOUR + MONTH)
    assert counted(db) == before
    rows = db.execute("SELECT author_key FROM posts ORDER BY native_id").fetchall()
    assert rows[0] == rows[1] != rows[2] == (real,)
    assert rows[0][0].startswith(purges.DRAWN)
    db.close()


def test_an_answer_of_an_own_account_stays_one(tmp_path: Path) -> None:
    own = post(1, "澄嵐說明，霽川也是", NOW, author="official")
    app = with_sources(tmp_path, {"video": (giving(own, post(2, "澄嵐山", NOW, author="official")), MONTH)})
    db = app.open_store()
    jobs.cycle(app, db, NOW)
    before = counted(db)
    assert purging.purge(app, db, NOW + MONTH) == purging.Purged(emptied=2)
    assert counted(db) == before
    assert db.execute("SELECT author_key FROM posts").fetchall() == [(app.author_key("forum", "official"),)] * 2
    assert db.execute("SELECT text, answer_of FROM v_posts_unmatched").fetchall() == [("", "澄嵐")]
    db.close()


def test_what_was_purged_is_not_taken_in_matched_scored_or_learned_from_again(tmp_path: Path) -> None:
    shown = post(1, "澄嵐爛", NOW, engagement=Engagement(likes=1))
    app = with_sources(tmp_path, {"video": (giving(shown), timedelta(days=7))})
    db = app.open_store()
    jobs.cycle(app, db, NOW)
    with writing(db):
        mentions.add_label(db, 1, None, Label.NEGATIVE, "someone", NOW)
    purging.purge(app, db, NOW + 7 * DAY)
    before, rest = counted(db), of_posts(db)
    assert labels.corrected(db) == []
    assert posts.newest_mentions(db, 5) == []
    assert posts.newest_texts(db, 5) == []
    app.collectors[0].source.answer = giving(replace(shown, text="澄嵐爛 改", engagement=Engagement(likes=9)))  # type: ignore[attr-defined]
    for day in (8, 9):
        jobs.collect(app, db, NOW + day * DAY, Report())
    with writing(db):
        posts.enqueue_all(db, "match")
        posts.enqueue(db, "score", [1])
    assert posts.waiting(db) == {"match": 0, "score": 0, "signal": 0, "group": 0}
    app.__dict__["scorer"] = Words(version="words-2")
    jobs.process(app, db, NOW + 10 * DAY, Report())
    assert models.speaking(db) == "words-2"
    assert counted(db) == before
    assert of_posts(db) == rest
    db.close()


def test_copies_that_come_later_join_the_purged_ones_and_open_no_voice(tmp_path: Path) -> None:
    text = "澄嵐氣炸鍋用了不到一個月就冒煙客服還叫我自己寄回去真爛"
    app = with_sources(tmp_path, {"video": (giving(post(1, text, NOW)), MONTH)})
    db = app.open_store()
    jobs.cycle(app, db, NOW)
    purging.purge(app, db, NOW + MONTH)
    app.collectors[0].source.answer = giving(post(2, text, NOW + MONTH))  # type: ignore[attr-defined]
    jobs.cycle(app, db, NOW + MONTH)
    assert db.execute("SELECT copy_group, story, opens_voice FROM v_posts ORDER BY post").fetchall() == [
        (1, 1, 1), (1, 1, 0),
    ]  # fmt: skip
    counted(db)
    db.close()


def test_a_digest_of_a_purged_day_has_its_numbers_and_no_quotes(tmp_path: Path) -> None:
    app = with_sources(tmp_path, {"video": (giving(*(post(i, f"澄嵐爛 第{i}", NOW - HOUR) for i in range(4))), MONTH)})
    db = app.open_store()
    jobs.cycle(app, db, NOW)
    day, brand, now = date(2026, 11, 20), app.brands["澄嵐"], NOW + MONTH
    totals = facts.totals(db, brand, NOW - DAY, NOW)
    purging.purge(app, db, now)
    page = digesting.make(app, db, app.config.brands[0], brand, day, now, send=False, folder=tmp_path / "out")
    shown = page.read_text("utf-8")
    assert facts.totals(db, brand, NOW - DAY, NOW) == totals
    assert totals.negative_voices == 4
    assert "第1" not in shown
    assert "<bdi>…</bdi>" in shown
    db.close()


def test_how_long_a_post_was_kept_counts_from_when_it_was_stored(tmp_path: Path) -> None:
    """An archive of two years ago that is imported today would else be gone tomorrow."""
    app = with_sources(tmp_path, {})
    db = app.open_store()
    old = [post(1, "澄嵐爛", NOW - 700 * DAY), post(2, "不相干", NOW - 700 * DAY)]
    with writing(db):
        posts.add(db, old, posts.Arrival("import:forum", NOW, 2 * HOUR, assumed=True), app.author_key)
    jobs.process(app, db, NOW, Report())
    assert purging.purge(app, db, NOW + MONTH - DAY) == purging.Purged()
    assert purging.purge(app, db, NOW + MONTH) == purging.Purged(removed=1)
    assert purging.purge(app, db, NOW + 399 * DAY) == purging.Purged()
    before = counted(db)
    assert purging.purge(app, db, NOW + 400 * DAY) == purging.Purged(emptied=1)
    assert counted(db) == before
    db.close()


def test_what_mentions_nobody_goes_but_not_answers_labelled_undated_or_waiting_posts(tmp_path: Path) -> None:
    given = [
        post("idle", "不相干", NOW), post("answer", "說明", NOW, author="official"), post("labelled", "無關", NOW),
        post("undated", "沒有時間", None), post("waits", "還沒看", NOW),
    ]  # fmt: skip
    app = with_sources(tmp_path, {"board": (giving(*given), None)})
    db = app.open_store()
    jobs.cycle(app, db, NOW)
    ids = dict(db.execute("SELECT native_id, id FROM posts").fetchall())
    with writing(db):
        mentions.add_label(db, ids["labelled"], None, Label.NEUTRAL, "someone", NOW)
        posts.enqueue(db, "match", [ids["waits"]])
        service.add_failure(db, "match", str(ids["idle"]), "KeyError", "0", "t", NOW)
    assert purging.purge(app, db, NOW + MONTH) == purging.Purged(emptied=1, removed=1)
    rows = dict(db.execute("SELECT native_id, text FROM posts").fetchall())
    assert rows == {"answer": "說明", "labelled": "無關", "undated": "", "waits": "還沒看"}
    assert service.failures(db) == []
    jobs.cycle(app, db, NOW + MONTH + HOUR)  # "idle" comes again, and nobody takes it for new
    assert db.execute("SELECT native_id, live FROM posts WHERE id > 5").fetchall() == [("idle", 0)]
    assert db.execute("SELECT count(*) FROM v_coverage WHERE state = 'partial'").fetchone() == (0,)
    counted(db)
    db.close()


def test_a_dry_run_says_what_would_go_and_changes_nothing(tmp_path: Path) -> None:
    app = with_sources(tmp_path, {"video": (giving(post(1, "澄嵐爛", NOW), post(2, "不相干", NOW)), MONTH)})
    db = app.open_store()
    jobs.cycle(app, db, NOW)
    before = dump(db)
    told = purging.purge(app, db, NOW + MONTH, dry_run=True)
    assert dump(db) == before
    assert told == purging.purge(app, db, NOW + MONTH) == purging.Purged(emptied=1, removed=1)
    db.close()


def test_old_mails_lose_what_they_quote_once_nobody_waits_for_them(tmp_path: Path) -> None:
    app = with_sources(tmp_path, {"video": (giving(), MONTH)})
    db = app.open_store()
    with writing(db):
        for name in ("sent", "owed", "new"):
            letter = outbox.Letter(f"<{name}@example.test>", "alert", name, "text", "<p>html</p>", ("a@example.test",))
            outbox.owe(db, letter, NOW + (MONTH if name == "new" else timedelta()))
        for delivery in outbox.due(db, NOW + MONTH):
            if delivery.subject != "owed":
                outbox.sent(db, delivery, "250", NOW)
    assert purging.purge(app, db, NOW + MONTH + HOUR, dry_run=True).letters == 1
    assert purging.purge(app, db, NOW + MONTH + HOUR).letters == 1
    assert db.execute("SELECT subject, text, html FROM outbox").fetchall() == [
        ("sent", "", ""), ("owed", "text", "<p>html</p>"), ("new", "text", "<p>html</p>"),
    ]  # fmt: skip
    db.close()


def test_a_cycle_purges_once_a_day_and_a_failing_one_is_ours_to_hear_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = with_sources(tmp_path, {"video": (giving(), MONTH)}, keep_going=True)
    db, done = app.open_store(), []
    real = purging.purge

    def noted(app: App, db: Database, now: object, **more: bool) -> purging.Purged:
        done.append(now)
        if len(done) == 2:
            raise KeyError("x")
        return real(app, db, now, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(purging, "purge", noted)
    for hours in (0, 1, 23, 25, 26, 27):
        jobs.cycle(app, db, NOW + hours * HOUR)
        if hours == 25:
            assert [(f["stage"], f["error"]) for f in service.failures(db)] == [("purge", "KeyError")]
    assert done == [NOW, NOW + 25 * HOUR, NOW + 26 * HOUR]
    assert service.failures(db) == []
    db.close()


def test_a_large_import_under_way_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = with_sources(tmp_path, {"video": (giving(post(1, "澄嵐爛", NOW), post(2, "澄嵐好", NOW)), MONTH)})
    db = app.open_store()
    jobs.collect(app, db, NOW, Report())
    monkeypatch.setattr(purging, "BUSY", 1)
    assert not purging.owed(db, NOW)
    jobs.process(app, db, NOW, Report())
    assert purging.owed(db, NOW)
    db.close()


def test_it_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    many = [post(i, f"澄嵐 {i}", NOW) for i in range(purging.BATCH + 10)]
    app = with_sources(tmp_path, {"video": (giving(*many), MONTH)})
    db = app.open_store()
    jobs.cycle(app, db, NOW)
    before = counted(db)
    app.stop.set()
    assert purging.purge(app, db, NOW + MONTH) == purging.Purged()
    app.stop.clear()
    assert purging.owed(db, NOW + MONTH)
    assert purging.purge(app, db, NOW + MONTH) == purging.Purged(emptied=len(many))
    assert not purging.owed(db, NOW + MONTH)
    assert counted(db) == before
    db.close()


@pytest.mark.parametrize(
    ("value", "what"), [(30, "a duration such as"), ("30", "a duration such as"), ("0d", "duration")]
)
def test_keep_is_a_duration(tmp_path: Path, value: object, what: str) -> None:
    table = {"name": "n", "type": "feed", "url": "https://example.test/", "keep": value}
    document = {
        "brands": [{"name": "澄嵐", "terms": ["澄嵐"]}], "sources": [table], "network": {"contact": "a@example.test"},
    }  # fmt: skip
    with pytest.raises(ConfigError, match=rf"config.toml: sources\[0\]\.keep: must be .*{what}"):
        parse(document, "config.toml", tmp_path)
    table["keep"] = "30d"
    assert parse(document, "config.toml", tmp_path).sources[0].keep == MONTH

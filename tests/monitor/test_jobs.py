"""The jobs: nothing is lost, nothing hides, and one bad part never silences the others."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from monitor import jobs, rehearsing
from monitor.errors import Blocked, RateLimited, SourceError, StoreError
from monitor.jobs import Report
from monitor.model import Cursor, Page, Query, Score, from_utc_text
from monitor.store import outbox, posts, service, writing
from monitor.work import digesting
from monitor.work.app import App, Collector
from sources.http import Http
from tests.sources.loopback import PUBLIC, Clock, Door, Reply, serving
from tests.standin import DAY, HOUR, MINUTE, NOW, Mailbox, Words, mail_server, make_app, post

TAIPEI = ZoneInfo("Asia/Taipei")


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as box:
        yield box


def one_post(query: Query) -> list[Page]:
    return [Page((post(1, "澄嵐的客服", query.now - MINUTE),))]


def states(app: App) -> dict[str, tuple[str, str]]:
    db = app.open_store()
    rows = db.execute("SELECT source, state, detail FROM source_runs ORDER BY id").fetchall()
    db.close()
    return {source: (state, detail) for source, state, detail in rows}


def test_a_source_that_raises_or_hangs_or_is_refused_ends_as_a_state_while_others_go_on(
    tmp_path: Path, mailbox: Mailbox, caplog: pytest.LogCaptureFixture
) -> None:
    never = threading.Event()
    secret = "".join(("澄嵐 says", " this"))  # not a literal: the traceback in the log shows source lines

    def broken(query: Query) -> list[Page]:
        raise KeyError(secret)

    def hangs(query: Query) -> list[Page]:
        never.wait()
        return []

    def refused(query: Query) -> list[Page]:
        raise Blocked("example.test refuses us (403)")

    sources = {"broken": broken, "hangs": hangs, "refused": refused, "fine": one_post}
    app = make_app(tmp_path, sources, mail=mailbox.port, keep_going=True)
    db = app.open_store()
    with caplog.at_level(logging.ERROR):
        report = jobs.cycle(app, db, NOW)
        jobs.cycle(app, db, NOW + HOUR)
    never.set()
    assert states(app) == {
        "broken": ("failed", "KeyError"),
        "hangs": ("failed", "no answer within 1 s"),
        "refused": ("blocked", "example.test refuses us (403)"),
        "fine": ("ok", ""),
    }
    assert sorted(report.refused) == ["broken", "hangs", "refused"]
    assert db.execute("SELECT count(*) FROM mentions").fetchone() == (1,)
    ops = [m for m, to in zip(mailbox.messages, mailbox.recipients, strict=True) if to == "ops@example.test"]
    assert len(ops) == 2  # one for the bug, one for the hang; a refusal is the platform's affair
    told = [m.get_body(("plain",)).get_content() for m in ops]  # type: ignore[union-attr]
    assert [any(name in text for text in told) for name in ("broken", "hangs", "refused")] == [True, True, False]
    failures = {f["item"]: (f["error"], f["times"]) for f in service.failures(db)}
    assert failures == {"broken": ("KeyError", 2), "hangs": ("Hung", 1)}
    assert all(str(f["trace_id"]) in caplog.text for f in service.failures(db))
    assert secret not in caplog.text
    assert "test_jobs.py" in caplog.text  # the traceback is there
    db.close()


def test_a_source_slower_than_its_deadline_is_asked_again_once_it_has_ended(tmp_path: Path) -> None:
    free, asked = threading.Event(), []

    def slow(query: Query) -> list[Page]:
        asked.append(query.now)
        free.wait()
        return []

    app = make_app(tmp_path, {"slow": slow}, keep_going=True)
    db = app.open_store()
    jobs.collect(app, db, NOW, Report())
    jobs.collect(app, db, NOW + HOUR, Report())
    assert asked == [NOW]
    free.set()
    while app.hanging:  # the abandoned thread ends by itself
        threading.Event().wait(0.01)
    jobs.collect(app, db, NOW + 2 * HOUR, Report())
    assert asked == [NOW, NOW + 2 * HOUR]
    assert states(app)["slow"] == ("ok", "")
    db.close()


def test_a_run_stops_to_wait_for_turns_before_its_deadline(tmp_path: Path) -> None:
    """A deadline of 1 s leaves half of it for waiting."""
    clock, asked = Clock(), []

    def slow(query: Query) -> list[Page]:
        while True:
            client.get(server.url("/", "slow.example.test"), now=NOW, pace=0.2)
            asked.append(clock.now - 1000)

    with serving() as server, Http(
        "x@y.example", apart=0.0, clock=clock, sleep=clock.sleep, resolver=lambda *_: [PUBLIC], connector=Door()
    ) as client:  # fmt: skip
        server.routes["/"] = Reply(200, b"x")
        app = replace(make_app(tmp_path, {"slow": slow}), http=client)
        db = app.open_store()
        jobs.collect(app, db, NOW, Report())
        assert asked == pytest.approx([0, 0.2, 0.4])
        assert states(app)["slow"][0] == "failed"
        assert "no turn came" in states(app)["slow"][1]
        assert not app.hanging
        db.close()


def test_a_page_that_cannot_be_stored_ends_its_own_source_only(tmp_path: Path, mailbox: Mailbox) -> None:
    def naive(query: Query) -> list[Page]:
        return [Page((post(1, "澄嵐", datetime(2026, 11, 20)),)), Page((post(2, "澄嵐", query.now),))]  # noqa: DTZ001

    app = make_app(tmp_path, {"naive": naive, "fine": one_post}, mail=mailbox.port, keep_going=True)
    db = app.open_store()
    jobs.cycle(app, db, NOW)
    assert states(app) == {"naive": ("failed", "TypeError"), "fine": ("ok", "")}
    assert db.execute("SELECT count(*) FROM posts").fetchone() == (1,)
    assert [(f["item"], f["error"]) for f in service.failures(db)] == [("naive", "TypeError")]
    assert mailbox.recipients.count("ops@example.test") == 1
    db.close()


def test_the_boundary_raises_where_a_test_asks_for_it(tmp_path: Path) -> None:
    def broken(query: Query) -> list[Page]:
        raise KeyError("x")

    app = make_app(tmp_path, {"broken": broken}, keep_going=False)
    db = app.open_store()
    with pytest.raises(KeyError):
        jobs.cycle(app, db, NOW)
    db.close()


def test_a_post_that_makes_the_scorer_raise_is_set_aside_and_the_rest_is_scored(
    tmp_path: Path, mailbox: Mailbox
) -> None:
    many = [post(i, "澄嵐毒藥" if i == 3 else f"澄嵐{i}", NOW - MINUTE) for i in range(6)]
    app = make_app(
        tmp_path, {"forum": lambda q: [Page(tuple(many))]}, mail=mailbox.port, keep_going=True,
        scorer=Words(raises="毒藥"),
    )  # fmt: skip
    db = app.open_store()
    jobs.cycle(app, db, NOW)
    assert db.execute("SELECT count(*) FROM mentions WHERE label IS NULL").fetchone() == (1,)
    assert db.execute("SELECT count(*) FROM mentions WHERE label = 'neutral'").fetchone() == (5,)
    assert posts.waiting(db) == {"match": 0, "score": 0, "signal": 0, "group": 0}
    (failure,) = service.failures(db)
    assert (failure["stage"], failure["error"]) == ("score", "RuntimeError")
    assert [to for to in mailbox.recipients if to == "ops@example.test"] == ["ops@example.test"]
    jobs.cycle(app, db, NOW + HOUR)
    assert mailbox.recipients.count("ops@example.test") == 1
    app.version, app.__dict__["scorer"] = "next", Words()
    jobs.cycle(app, db, NOW + 2 * HOUR)
    assert service.failures(db) == []
    assert db.execute("SELECT count(*) FROM mentions WHERE label = 'neutral'").fetchone() == (6,)
    db.close()


def test_owed_mail_leaves_although_a_stage_fails_and_a_source_hangs(tmp_path: Path, mailbox: Mailbox) -> None:
    never = threading.Event()

    def hangs(query: Query) -> list[Page]:
        never.wait()
        return []

    two = Page((post(2, "澄嵐 乙", NOW), post(1, "澄嵐 甲", NOW - DAY)))
    app = make_app(tmp_path, {"forum": lambda q: [two], "hangs": hangs}, mail=mailbox.port, keep_going=True)
    db = app.open_store()
    letter = outbox.Letter("<1@example.test>", "alert", "件名", "text", "<p>html</p>", ("oncall@example.test",))
    with db.atomic():
        outbox.owe(db, letter, NOW)
    app.__dict__["scorer"] = None  # a model that cannot be loaded: no post's fault
    jobs.cycle(app, db, NOW)
    assert sorted(set(mailbox.recipients)) == ["oncall@example.test", "ops@example.test", "pr@example.test"]
    assert outbox.summary(db) == {"owed": 0, "sent": 4, "failed": 0, "folded": 0}
    assert sorted((f["stage"], f["item"]) for f in service.failures(db)) == [("collect", "hangs"), ("score", "stage")]
    assert posts.waiting(db) == {"match": 0, "score": 2, "signal": 0, "group": 0}
    app.__dict__["scorer"] = Words()
    jobs.cycle(app, db, NOW + HOUR)
    never.set()
    assert posts.waiting(db)["score"] == 0
    assert [f["item"] for f in service.failures(db)] == ["hangs"]
    db.close()


def test_a_server_that_refuses_is_tried_again_later_and_says_why(tmp_path: Path, mailbox: Mailbox) -> None:
    app = make_app(tmp_path, mail=mailbox.port)
    db = app.open_store()
    letter = outbox.Letter("<1@example.test>", "alert", "s", "t", "<p>h</p>", ("a@example.test", "b@example.test"))
    with db.atomic():
        outbox.owe(db, letter, NOW)
        assert outbox.owe(db, letter, NOW) is False
    mailbox.refuse = "451 come back later"
    jobs.send(app, db, NOW, Report())
    rows = db.execute("SELECT state, attempts, reply FROM deliveries").fetchall()
    assert [(s, n) for s, n, _ in rows] == [("owed", 1), ("owed", 1)]
    assert all("come back later" in reply for *_, reply in rows)
    mailbox.refuse = ""
    jobs.send(app, db, NOW + timedelta(seconds=30), Report())
    assert mailbox.messages == []
    jobs.send(app, db, NOW + MINUTE, Report())
    assert sorted(mailbox.recipients) == ["a@example.test", "b@example.test"]
    assert {m["Message-ID"] for m in mailbox.messages} == {"<1@example.test>"}
    db.close()


def test_no_server_at_all_loses_nothing(tmp_path: Path) -> None:
    with mail_server() as box:
        port = box.port
    app = make_app(tmp_path, mail=port, keep_going=True)
    db = app.open_store()
    with db.atomic():
        outbox.owe(db, outbox.Letter("<1@example.test>", "alert", "s", "t", "h", ("a@example.test",)), NOW)
    jobs.send(app, db, NOW, Report())
    assert outbox.summary(db)["owed"] == 1
    assert db.execute("SELECT attempts, reply <> '' FROM deliveries").fetchone() == (1, 1)
    assert service.failures(db) == []
    db.close()


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=TAIPEI)


@pytest.mark.parametrize(
    ("start", "days", "late"),
    [
        ("2026-11-20T08:29", [], []),
        ("2026-11-20T08:31", ["2026-11-19"], [0]),
        ("2026-11-20T09:10", ["2026-11-19"], [1]),
    ],
)
def test_started_at_any_hour_the_digest_that_is_owed_is_made(
    tmp_path: Path, start: str, days: list[str], late: list[int]
) -> None:
    app = make_app(tmp_path, {"forum": lambda q: [Page((post(1, "澄嵐", q.now - 3 * DAY),))]})
    db = app.open_store()
    jobs.cycle(app, db, at(start))
    rows = db.execute("SELECT day, late, file FROM digests").fetchall()
    assert [(r[0], r[1]) for r in rows] == list(zip(days, late, strict=True))
    assert all("澄嵐" in Path(file).read_text("utf-8") for *_, file in rows)
    jobs.cycle(app, db, at("2026-11-20T09:11"))
    assert db.execute("SELECT day FROM digests").fetchall() == [("2026-11-19",)]
    db.close()


def test_days_missed_while_down_are_made_up_for_and_marked_late(tmp_path: Path) -> None:
    app = make_app(tmp_path, {"forum": lambda q: [Page((post(1, "澄嵐", q.now - 3 * DAY),))]})
    db = app.open_store()
    jobs.cycle(app, db, at("2026-11-16T08:35"))
    jobs.cycle(app, db, at("2026-11-20T09:10"))
    rows = db.execute("SELECT day, late FROM digests ORDER BY day").fetchall()
    assert rows == [("2026-11-15", 0), ("2026-11-16", 1), ("2026-11-17", 1), ("2026-11-18", 1), ("2026-11-19", 1)]
    db.close()


def test_a_service_that_heard_nothing_of_yesterday_owes_no_digest_of_it(tmp_path: Path) -> None:
    app = make_app(tmp_path, {"forum": one_post})
    db = app.open_store()
    jobs.cycle(app, db, at("2026-11-16T08:35"))
    assert db.execute("SELECT count(*) FROM digests").fetchone() == (0,)
    jobs.cycle(app, db, at("2026-11-17T08:35"))
    assert db.execute("SELECT day, late FROM digests").fetchall() == [("2026-11-16", 0)]
    db.close()


def test_a_dry_run_asks_for_real_and_keeps_nothing(tmp_path: Path, mailbox: Mailbox) -> None:
    app = make_app(tmp_path, {"forum": one_post}, mail=mailbox.port)
    db = app.open_store()
    report = rehearsing.rehearse(app, db, NOW)
    assert (report.posts, report.stages["score"]) == (1, 1)
    assert db.execute("SELECT count(*) FROM posts").fetchone() == (0,)
    assert db.execute("SELECT count(*) FROM source_runs").fetchone() == (0,)
    assert mailbox.messages == []
    assert not (tmp_path / "digests").exists()
    db.close()


@pytest.mark.parametrize("kind", [RateLimited, Blocked])
def test_refusals_rest_longer_each_time_and_survive_a_restart(
    tmp_path: Path, kind: type[RateLimited] | type[Blocked]
) -> None:
    def limited(query: Query) -> list[Page]:
        raise kind("wait", timedelta(hours=3))

    app = make_app(tmp_path, {"limited": limited})
    db = app.open_store()
    jobs.collect(app, db, NOW, Report())
    due = db.execute("SELECT due_at, refusals FROM cursors").fetchone()
    assert due == ("2026-11-20T05:00:00Z", 1)
    db.close()
    app = make_app(tmp_path, {"limited": limited})
    db = app.open_store()
    jobs.collect(app, db, NOW + 2 * HOUR, Report())
    assert db.execute("SELECT count(*) FROM source_runs").fetchone() == (1,)
    db.close()


def test_a_full_page_without_a_known_post_leaves_a_partial_gap(tmp_path: Path) -> None:
    def busy(query: Query) -> list[Page]:
        stamp = int(query.now.timestamp())
        return [Page(tuple(post(stamp + i, "澄嵐", query.now - i * MINUTE) for i in range(5)))]

    app = make_app(tmp_path, {"busy": busy})
    db = app.open_store()
    jobs.cycle(app, db, NOW)
    jobs.cycle(app, db, NOW + HOUR)
    rows = db.execute('SELECT "from", "to", state FROM v_coverage ORDER BY "from"').fetchall()
    assert ("2026-11-20T02:00:00Z", "2026-11-20T02:56:00Z", "partial") in rows
    db.close()


def test_a_first_run_reached_as_far_back_as_the_lists_it_did_not_read_to_their_end(tmp_path: Path) -> None:
    def first(*pages: Page) -> datetime:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        app = make_app(folder, {"busy": lambda _: list(pages)})
        db = app.open_store()
        jobs.collect(app, db, NOW, Report())
        (start,) = db.execute('SELECT min("from") FROM heard').fetchone()
        db.close()
        return from_utc_text(start)

    def page(stream: str, *hours: int, exhausted: bool = False) -> Page:
        posts = tuple(post(f"{stream}{n}", "澄嵐", NOW - n * HOUR) for n in hours)
        return Page(posts, exhausted=exhausted, stream=stream)

    short, long = page("short", 1, 2, exhausted=True), page("long", 1, 30)
    assert first(short, long) == NOW - 30 * HOUR, "the short list told all it had"
    assert first(page("short", 1, 2), long) == NOW - 2 * HOUR
    assert first(short) == NOW - 7 * DAY
    assert first(page("long", 1, 30), page("long", 31, 40, exhausted=True)) == NOW - 7 * DAY
    assert first(page("none", exhausted=True)) == NOW - 15 * MINUTE, "an answer without a post shows nothing"


def test_a_run_that_fails_half_way_keeps_its_posts_and_not_its_cursor(tmp_path: Path) -> None:
    """Else the next answer, "unchanged since then", would hide the pages that never came."""
    asked: list[Cursor] = []
    breaks = threading.Event()

    class Paged:
        name = "paged"

        def fetch(self, query: Query, cursor: Cursor) -> Iterator[Page]:
            asked.append(dict(cursor))
            stamp = query.now.isoformat()
            yield Page((post(stamp + "a", "澄嵐", query.now),), {"mark": stamp + "a"})
            if breaks.is_set():
                raise SourceError("example.test: broke off")
            yield Page((post(stamp + "b", "澄嵐", query.now - 50 * MINUTE),), {"mark": stamp + "b"})

    app = make_app(tmp_path)
    app.collectors = (Collector("paged", 900, Paged()),)
    db = app.open_store()
    jobs.collect(app, db, NOW, Report())
    breaks.set()
    jobs.collect(app, db, NOW + HOUR, Report())
    breaks.clear()
    jobs.collect(app, db, NOW + 2 * HOUR, Report())
    first = {"mark": NOW.isoformat() + "b"}
    assert asked == [{}, first, first]
    assert db.execute("SELECT count(*) FROM posts").fetchone() == (5,)
    (gap,) = db.execute('SELECT "from", "to" FROM v_coverage WHERE state = \'partial\'').fetchall()
    assert gap == ("2026-11-20T02:00:00Z", "2026-11-20T03:10:00Z")
    db.close()


def test_a_source_that_fails_is_blind_and_heard_late_once_it_reaches_back(tmp_path: Path) -> None:
    down = threading.Event()

    def sometimes(query: Query) -> list[Page]:
        if down.is_set():
            raise SourceError("example.test: 503")
        return one_post(query)

    app = make_app(tmp_path, {"forum": sometimes})
    db = app.open_store()
    jobs.cycle(app, db, NOW)
    down.set()
    jobs.cycle(app, db, NOW + HOUR)
    (blind,) = db.execute('SELECT "from", "to", reason FROM v_coverage WHERE state = \'blind\'').fetchall()
    assert blind == ("2026-11-20T02:00:00Z", "2026-11-20T03:00:00Z", "failed: example.test: 503")
    down.clear()
    jobs.cycle(app, db, NOW + 5 * HOUR)
    rows = db.execute('SELECT "from", "to", state FROM v_coverage ORDER BY "from", "to"').fetchall()
    assert ("2026-11-20T02:00:00Z", "2026-11-20T05:00:00Z", "heard late") in rows
    assert not [r for r in rows if r[2] == "blind"]
    db.close()


def test_a_post_from_2099_deafens_nobody(tmp_path: Path) -> None:
    def odd(query: Query) -> list[Page]:
        return [Page((post(1, "澄嵐", query.now + 26000 * DAY), post(int(query.now.timestamp()), "澄嵐", query.now)))]

    app = make_app(tmp_path, {"forum": odd})
    db = app.open_store()
    for hour in range(3):
        jobs.cycle(app, db, NOW + hour * HOUR)
    assert db.execute("SELECT count(*) FROM posts").fetchone() == (4,)
    assert db.execute("SELECT max(counted_at) FROM posts").fetchone() == ("2026-11-20T04:00:00Z",)
    assert db.execute('SELECT max("to") FROM heard').fetchone() == ("2026-11-20T04:00:00Z",)
    db.close()


def test_a_new_kind_of_a_known_post_is_kept_and_nothing_else_of_it_is_done_again(tmp_path: Path) -> None:
    kinds = iter(["complaint:processing", "complaint:replied", "post", "complaint:replied"])

    def complaints(query: Query) -> list[Page]:
        return [Page((post(1, "澄嵐爛", NOW - HOUR, kind=next(kinds)),), exhausted=True)]

    app = make_app(tmp_path, {"heimao": complaints})
    db = app.open_store()
    seen = []
    for n in range(4):
        jobs.cycle(app, db, NOW + n * HOUR)
        seen.append(db.execute("SELECT kind FROM posts").fetchone()[0])
    assert seen == ["complaint:processing"] + ["complaint:replied"] * 3, "one that has no word for it takes none away"
    assert db.execute("SELECT count(*) FROM queue").fetchone() == (0,)
    assert db.execute("SELECT count(*) FROM revisions").fetchone() == (0,)
    db.close()


def test_replies_inherit_their_roots_brand_whoever_comes_first(tmp_path: Path) -> None:
    pages = [
        Page((post("r1", "太爛了", NOW - MINUTE, root="t", parent="t"),)),
        Page((post("r2", "霽川比較好", NOW - MINUTE, root="t", parent="t"),)),
        Page((post("t", "澄嵐冒煙", NOW - 2 * MINUTE),)),
        Page((post("o", "澄嵐說明", NOW - MINUTE, author="official", root="t", parent="t"),)),
    ]
    app = make_app(tmp_path, {"forum": lambda q: pages})
    db = app.open_store()
    jobs.cycle(app, db, NOW)
    rows = db.execute("SELECT native_id, brand, via, label FROM v_posts ORDER BY native_id, brand").fetchall()
    assert rows == [
        ("r1", "澄嵐", "thread", "negative"),
        ("r2", "霽川", "term", "neutral"),
        ("t", "澄嵐", "term", "neutral"),
    ]
    answers = db.execute("SELECT native_id, answer_of FROM v_posts_unmatched").fetchall()
    assert answers == [("o", "澄嵐")]
    db.close()


def test_a_post_edited_while_it_is_scored_is_scored_again(tmp_path: Path) -> None:
    """Collect and stages are jobs of their own: an edit may arrive between reading a text and storing its score."""
    app = make_app(tmp_path)
    db = app.open_store()
    arrival = posts.Arrival("forum", NOW, 2 * HOUR)

    def arrives(text: str) -> None:
        with writing(db):
            posts.add(db, [post(1, text, NOW)], arrival, app.author_key)

    class Slow(Words):
        def score_many(self, texts: Sequence[str]) -> list[Score]:
            if texts == ["澄嵐很好"]:
                arrives("澄嵐爛")
            return super().score_many(texts)

    app.__dict__["scorer"] = Slow()
    arrives("澄嵐很好")
    jobs.process(app, db, NOW, Report())
    assert db.execute("SELECT text, label FROM v_posts").fetchall() == [("澄嵐爛", "negative")]
    assert db.execute("SELECT text FROM revisions").fetchall() == [("澄嵐很好",)]
    assert db.execute("SELECT negative_voices FROM counts").fetchall() == [(1,)]
    db.close()


def test_another_key_than_the_databases_is_refused(tmp_path: Path) -> None:
    make_app(tmp_path)
    (tmp_path / "qianli.key").unlink()
    with pytest.raises(StoreError, match=r"qianli\.key: not the key that this database was made with"):
        make_app(tmp_path)


def test_two_feeds_that_show_one_post_differently_do_not_take_turns_at_editing_it(tmp_path: Path) -> None:
    def shows(text: str) -> Callable[[Query], list[Page]]:
        return lambda query: [Page((post(1, text, NOW),))]

    app = make_app(tmp_path, {"board": shows("澄嵐冒煙了"), "search": shows("澄嵐冒煙了…")})
    db = app.open_store()
    for hour in range(3):
        jobs.cycle(app, db, NOW + hour * HOUR)
    assert db.execute("SELECT count(*) FROM revisions").fetchone() == (0,)
    app.collectors[0].source.answer = shows("澄嵐冒煙了，已退款")  # type: ignore[attr-defined]
    jobs.cycle(app, db, NOW + 3 * HOUR)
    assert db.execute("SELECT text FROM posts").fetchall() == [("澄嵐冒煙了，已退款",)]
    assert db.execute("SELECT count(*) FROM revisions").fetchone() == (1,)
    db.close()


def shown_by(folder: Path, shown: Sequence[tuple[str, str]]) -> tuple[str, list[str]]:
    """The text of one post, and its earlier ones, after sources (``feed``, ``board``) showed these texts of it."""
    now: dict[str, str] = {}

    def source(name: str) -> Callable[[Query], list[Page]]:
        return lambda query: [Page((post(1, now[name], NOW - MINUTE),) if name in now else ())]

    app = make_app(folder, {"feed": source("feed"), "board": source("board")})
    db = app.open_store()
    for nth, (name, text) in enumerate(shown):
        now.clear()
        now[name] = text
        jobs.collect(app, db, NOW + nth * HOUR, Report())
    (text,) = db.execute("SELECT text FROM posts").fetchone()
    earlier = [row[0] for row in db.execute("SELECT text FROM revisions ORDER BY seen_at")]
    db.close()
    return text, earlier


FIRST_LINES, ARTICLE = "澄嵐冒煙\n買不到一個月，", "澄嵐冒煙\n買不到一個月，\n打客服要我自己付運費"


@pytest.mark.parametrize(
    ("shown", "text", "earlier"),
    [
        ([("feed", FIRST_LINES), ("board", ARTICLE)], ARTICLE, [FIRST_LINES]),
        ([("feed", FIRST_LINES + "…"), ("board", ARTICLE)], ARTICLE, [FIRST_LINES + "…"]),
        ([("feed", FIRST_LINES), ("board", ARTICLE), ("feed", FIRST_LINES)], ARTICLE, [FIRST_LINES]),
        ([("board", ARTICLE), ("feed", FIRST_LINES)], ARTICLE, []),
        ([("board", ARTICLE), ("feed", FIRST_LINES), ("feed", "澄嵐冒煙\n更正：")], ARTICLE, []),
        ([("board", ARTICLE), ("feed", FIRST_LINES), ("board", ARTICLE + "？")], ARTICLE + "？", [ARTICLE]),
        ([("board", ARTICLE), ("board", FIRST_LINES)], FIRST_LINES, [ARTICLE]),
        ([("feed", "澄嵐 甲"), ("board", "澄嵐 乙"), ("feed", "澄嵐 甲"), ("board", "澄嵐 乙")], "澄嵐 甲", []),
    ],
)
def test_the_fuller_text_of_a_post_wins_and_no_excerpt_takes_its_place(
    tmp_path: Path, shown: list[tuple[str, str]], text: str, earlier: list[str]
) -> None:
    assert shown_by(tmp_path, shown) == (text, earlier)


def test_a_digest_sent_by_hand_takes_none_away_that_is_owed(tmp_path: Path) -> None:
    app = make_app(tmp_path, {"forum": lambda q: [Page((post(1, "澄嵐", q.now - 3 * DAY),))]})
    db = app.open_store()
    jobs.cycle(app, db, at("2026-11-18T08:35"))
    brand = app.config.brands[0]
    for day in ("2026-11-19", "2026-11-20"):  # the second is not over
        digesting.make(app, db, brand, 1, date.fromisoformat(day), at("2026-11-20T07:00"))
    digesting.make(app, db, brand, 1, date.fromisoformat("2026-11-18"), at("2026-11-20T07:00"), send=False)
    jobs.cycle(app, db, at("2026-11-21T09:00"))
    rows = db.execute("SELECT day, revision FROM digests WHERE owed ORDER BY day").fetchall()
    assert rows == [("2026-11-17", 1), ("2026-11-18", 2), ("2026-11-19", 1), ("2026-11-20", 2)]
    db.close()


def test_changed_rules_are_applied_to_what_is_stored(tmp_path: Path) -> None:
    app = make_app(tmp_path, {"forum": lambda q: [Page((post(1, "澄嵐 甲", NOW), post(2, "澄嵐 乙", NOW)))]})
    db = app.open_store()
    jobs.cycle(app, db, NOW)
    assert db.execute("SELECT sum(mentions) FROM counts").fetchone() == (2,)
    brands = [{"name": "澄嵐", "terms": ["澄嵐"], "exclude": ["甲"]}]
    app = make_app(tmp_path, brands=brands)
    jobs.cycle(app, db, NOW + HOUR)
    assert db.execute("SELECT sum(mentions) FROM counts").fetchone() == (1,)
    db.close()

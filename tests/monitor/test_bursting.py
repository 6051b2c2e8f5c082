"""Story-bursts through the whole pipeline, with a stepped clock: what wakes people, what only shows, what is silent."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from monitor import jobs, rehearsing
from monitor.errors import SourceError
from monitor.jobs import Report
from monitor.model import BIN, Page, Post, Query, bin_start, utc_text
from monitor.store import outbox, writing
from monitor.work import replaying
from monitor.work.app import App
from sources.importer import Options
from tests.monitor.test_watching import ZONE
from tests.standin import DAY, HOUR, MINUTE, NOW, Mailbox, alert_round, mail_server, make_app, post

START = bin_start(NOW - 10 * DAY)
COMPLAINT = "澄嵐的門市今天把客人趕出去，實在太爛了，大家幫忙轉發"


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as box:
        yield box


def quiet(until: datetime, since: datetime = START) -> list[Post]:
    return [
        post(f"q{i}", f"澄嵐{'爛' if i % 8 == 0 else '還行'}{i}", since + i * HOUR)
        for i in range(int((until - since) / HOUR))
    ]


def pasted(n: int, text: str, at: datetime, over: timedelta, mark: str = "x", **more: Any) -> list[Post]:
    return [post(f"{mark}{i}", text, at + i * over / n, **more) for i in range(n)]


def app_of(
    folder: Path, mailbox: Mailbox, shown: Sequence[Post], refuses: Callable[[datetime], bool] | None = None
) -> App:
    """A forum that shows its newest posts up to each query's time, all of them, unless it refuses."""

    def forum(query: Query) -> list[Page]:
        if refuses is not None and refuses(query.now):
            raise SourceError("example.test: 503")
        found = [p for p in shown if p.published_at and p.published_at <= query.now]
        recent = [p for p in found if p.published_at and p.published_at > query.now - 12 * HOUR]
        return [Page(tuple(recent or found[-20:]))]

    return make_app(folder, {"forum": forum}, mail=mailbox.port)


def play(app: App, end: datetime, start: datetime = START, fine: datetime = NOW, by: timedelta = BIN) -> Database:
    db = app.open_store()
    now = start
    while now < end:
        alert_round(app, db, now)
        now += 6 * HOUR if now + 6 * HOUR < fine else by
    return db


def found(db: Database) -> list[tuple[str, str, str]]:
    return db.execute("SELECT kind, origin, severity FROM spikes ORDER BY id").fetchall()


def alerts(mailbox: Mailbox) -> int:
    return mailbox.recipients.count("oncall@example.test")


def test_one_text_pasted_two_thousand_times_is_one_burst_and_no_spike(tmp_path: Path, mailbox: Mailbox) -> None:
    app = app_of(tmp_path, mailbox, [*quiet(NOW + 3 * HOUR), *pasted(2000, COMPLAINT, NOW, HOUR)])
    db = play(app, NOW + 3 * HOUR)
    assert {kind for kind, _, _ in found(db)} == {"burst"}
    assert db.execute("SELECT kind, origin, severity FROM incidents").fetchall() == [("burst", "live", "critical")]
    first = json.loads(db.execute("SELECT evidence FROM spikes ORDER BY id").fetchone()[0])
    assert (first["kind"], first["voices"], first["negative_share"], first["learning"]) == ("burst", 1, 1.0, False)
    assert 100 <= first["copies"] <= 2000
    opened = datetime.fromisoformat(db.execute("SELECT opened_at FROM incidents").fetchone()[0])
    assert opened - NOW <= 2 * BIN
    events = [e for (e,) in db.execute("SELECT event FROM incident_events")]
    assert events.count("opened") == 1
    assert 1 <= alerts(mailbox) <= 2
    db.close()


def test_a_burst_that_goes_on_is_told_again_with_its_size_of_then(tmp_path: Path, mailbox: Mailbox) -> None:
    app = app_of(tmp_path, mailbox, [*quiet(NOW + 12 * HOUR), *pasted(40, COMPLAINT, NOW, 2 * HOUR)])
    db = play(app, NOW + 12 * HOUR)
    events = [e for (e,) in db.execute("SELECT event FROM incident_events ORDER BY id")]
    assert [e for e in events if e != "continues"] == ["opened", "grown", "resolved"]
    assert db.execute("SELECT observed FROM incidents").fetchone() == (39,)
    texts = [t for (t,) in db.execute("SELECT text FROM outbox WHERE kind = 'alert' ORDER BY id")]
    promised = re.search(r"轉載達 (\d+) 次", texts[0])
    grown = re.search(r"3 小時內轉載 (\d+) 次", texts[1])
    assert promised is not None
    assert grown is not None
    assert int(grown[1]) >= int(promised[1])
    assert "最嚴重時：同一則內容 3 小時內轉載 39 次" in texts[2]
    db.close()


def test_a_complaint_copied_forty_times_in_an_hour_wakes_a_small_brand(tmp_path: Path, mailbox: Mailbox) -> None:
    app = app_of(tmp_path, mailbox, [*quiet(NOW + 2 * HOUR), *pasted(41, COMPLAINT, NOW, HOUR)])
    db = play(app, NOW + 2 * HOUR)
    assert [f for f in found(db) if f[1] == "live"] == [("burst", "live", "warning")]
    assert alerts(mailbox) >= 1
    db.close()


def test_a_promo_shared_five_hundred_times_opens_nothing(tmp_path: Path, mailbox: Mailbox) -> None:
    promo = "澄嵐週年慶抽獎，轉發這則就有機會獲得一年份咖啡"
    app = app_of(tmp_path, mailbox, [*quiet(NOW + 2 * HOUR), *pasted(500, promo, NOW, HOUR)])
    db = play(app, NOW + 2 * HOUR)
    assert found(db) == []
    assert alerts(mailbox) == 0
    db.close()


def test_an_old_joke_that_comes_back_is_shown_and_wakes_nobody(tmp_path: Path, mailbox: Mailbox) -> None:
    joke = "聽說澄嵐的咖啡爛到連咖啡因都離職了，轉給你最累的朋友"
    first = pasted(3, joke, START + HOUR, HOUR, "old")
    app = app_of(tmp_path, mailbox, [*quiet(NOW + 2 * HOUR), *first, *pasted(500, joke, NOW, HOUR)])
    db = play(app, NOW + 2 * HOUR)
    assert set(found(db)) == {("burst", "live", "notice"), ("burst", "history", "notice")}
    assert alerts(mailbox) == 0
    db.close()


def test_a_source_that_came_back_wakes_nobody(tmp_path: Path, mailbox: Mailbox) -> None:
    def refuses(now: datetime) -> bool:
        return NOW <= now < NOW + 5 * HOUR

    app = app_of(tmp_path, mailbox, [*quiet(NOW + 8 * HOUR), *pasted(300, COMPLAINT, NOW, HOUR)], refuses)
    db = play(app, NOW + 8 * HOUR)
    assert {origin for _, origin, _ in found(db)} == {"history"}
    assert db.execute("SELECT kind, origin FROM incidents").fetchall() == [("burst", "history")]
    assert alerts(mailbox) == 0
    db.close()


def test_an_imported_burst_is_history_and_twice_is_no_more(tmp_path: Path, mailbox: Mailbox) -> None:
    from monitor.work.importing import import_file

    rows = [*quiet(NOW), *pasted(300, COMPLAINT, NOW - DAY, HOUR)]
    file = tmp_path / "posts.jsonl"
    file.write_text("\n".join(
        json.dumps({"id": p.native_id, "text": p.text, "published_at": utc_text(p.published_at), "author": p.author.id})
        for p in rows if p.published_at and p.author
    ), "utf-8")  # fmt: skip
    app = make_app(tmp_path, mail=mailbox.port)
    db = app.open_store()
    for _ in range(2):
        import_file(app, db, file, Options(zone=ZONE), NOW, lambda n: None)
        jobs.process(app, db, NOW, Report())
        jobs.watch(app, db, NOW)
        assert {f[:2] for f in found(db)} == {("burst", "history")}
        assert db.execute("SELECT count(*) FROM incidents").fetchone() == (1,)
    assert outbox.summary(db)["owed"] == 0
    db.close()


@pytest.mark.parametrize(("posts", "told"), [(25, False), (45, True)])
def test_cold_start_says_still_learning(tmp_path: Path, mailbox: Mailbox, posts: int, told: bool) -> None:
    since = NOW - 2 * DAY
    app = app_of(tmp_path, mailbox, [*quiet(NOW + HOUR, since), *pasted(posts, COMPLAINT, NOW, HOUR)])
    db = play(app, NOW + 2 * HOUR, since)
    assert bool(found(db)) is told
    for (evidence,) in db.execute("SELECT evidence FROM spikes").fetchall():
        assert json.loads(evidence)["learning"] is True
    db.close()


def test_copies_that_were_deleted_were_said_all_the_same(tmp_path: Path, mailbox: Mailbox) -> None:
    app = app_of(tmp_path, mailbox, [*quiet(NOW + HOUR), *pasted(60, COMPLAINT, NOW, HOUR)])
    db = play(app, NOW + 10 * MINUTE)
    with writing(db):
        db.execute("UPDATE posts SET gone_at = ? WHERE native_id LIKE 'x%'", [utc_text(NOW)])
    now = NOW + BIN
    while now < NOW + 2 * HOUR:
        alert_round(app, db, now)
        now += BIN
    assert ("burst", "live", "warning") in found(db)
    db.close()


def test_reposts_without_words_speak_with_their_original(tmp_path: Path, mailbox: Mailbox) -> None:
    reposts = pasted(60, "转发微博", NOW + MINUTE, HOUR, "r", kind="repost", parent="o")
    app = app_of(tmp_path, mailbox, [*quiet(NOW + HOUR), post("o", COMPLAINT, NOW), *reposts])
    db = play(app, NOW + 2 * HOUR)
    assert ("burst", "live", "warning") in found(db)
    db.close()


NEWS = "澄嵐今天公布新的會員制度，舊點數年底前要換完，之後一律歸零"
SIGNS = "一二三四五六七八九十甲乙"


def passed_on(words: Sequence[str], news: str, mark: str, authors: int = 20) -> list[Post]:
    """A text, and twenty who pass it on within 100 minutes."""
    return [post(mark, news, NOW - MINUTE)] + [
        post(
            f"{mark}{i}", f"{words[i % len(words)]}//@小魚: {news}", NOW + i * 5 * MINUTE, author=f"{mark}{i % authors}"
        )
        for i in range(20)
    ]


def often_copied(until: datetime) -> list[Post]:
    """Each day one story of the brand is copied five times, so that fifty copies are a burst."""
    found: list[Post] = []
    for i in range(int((until - START) / DAY)):
        text = f"澄嵐第{SIGNS[i]}間門市換了招牌，路過的朋友可以去看看{i}"
        found += pasted(6, text, START + i * DAY, HOUR, f"u{i}-")
    return found


def test_people_who_complain_of_what_they_pass_on_are_told_within_hours(
    tmp_path: Path, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    angry = passed_on(["爛透了", "這家真爛", "真的爛", "知道了", "太爛了吧"], NEWS, "p")
    app = app_of(tmp_path, mailbox, [*quiet(NOW + 2 * HOUR), *often_copied(NOW), *angry])
    db = play(app, NOW + 2 * HOUR)
    rows = db.execute("SELECT severity, evidence, bin FROM spikes WHERE kind = 'burst' AND origin = 'live'").fetchall()
    ((severity, evidence, at),) = rows
    told = json.loads(evidence)
    assert (severity, told["remarks"], told["negative_remarks"], told["threshold"]) == ("warning", 15, 12, 50.0)
    assert datetime.fromisoformat(at) == NOW + HOUR
    texts = [t for (t,) in db.execute("SELECT text FROM outbox WHERE kind = 'alert' ORDER BY id")]
    assert "15 位轉發並加上自己的話的作者中，12 位的話是負面的" in texts[0]

    monkeypatch.setattr(replaying, "SILENT", 3 * HOUR)  # nothing was open before: three days step by step take long
    again = list(rehearsing.replay(app, db, app.config, NOW - HOUR, NOW + 2 * HOUR))
    assert [alert.text for alert in again] == texts
    db.close()


def test_jokes_bare_reposts_one_zealot_and_hostile_words_wake_nobody(tmp_path: Path, mailbox: Mailbox) -> None:
    hostile = ("' OR 1=1; --", "<script>爛</script>", "%s%n", "\ud800", "//@//@", "\u202e")
    rows = [
        *passed_on(["笑死", "笑死我了", "哈哈哈哈", "太好笑了吧"], f"{NEWS}，聽說連咖啡因都離職了", "joke"),
        *passed_on(["轉發微博", "[爛]", "", "@爛 轉發"], "澄嵐在車站前面開了第三百間門市，週日有樂團來", "bare"),
        *passed_on(["爛透了", "真爛"], "公告：澄嵐下個月起改用紙吸管，飲料杯也換成可以回收的", "one", authors=5),
        *passed_on(hostile, "記者問澄嵐的總經理為何離開，他說想多陪家人去海邊釣魚", "x"),
    ]
    app = app_of(tmp_path, mailbox, [*quiet(NOW + 2 * HOUR), *often_copied(NOW), *rows])
    db = play(app, NOW + 2 * HOUR)
    assert db.execute("SELECT count(*) FROM posts WHERE text LIKE '%//@小魚%'").fetchone() == (80,)
    assert found(db) == []
    assert alerts(mailbox) == 0
    db.close()


def test_hostile_ids_are_only_text(tmp_path: Path, mailbox: Mailbox) -> None:
    bad = ["'; DROP TABLE posts; --", '"', "\x00", "%", "\ud800"]
    rows = [
        post(f"{bad[i % 5]}{i}", COMPLAINT, NOW + i * MINUTE, author=f"{bad[i % 5]}{i}", url="javascript:alert(1)")
        for i in range(50)
    ]
    db = play(app_of(tmp_path, mailbox, [*quiet(NOW + HOUR), *rows]), NOW + 2 * HOUR)
    assert ("burst", "live", "warning") in found(db)
    db.close()


def bursts_of(db: Database) -> list[tuple[Any, ...]]:
    return db.execute(
        "SELECT bin, kind, severity, evidence FROM spikes WHERE origin = 'history' ORDER BY bin, subject"
    ).fetchall()


def test_it_does_not_matter_how_often_one_watches(tmp_path: Path, mailbox: Mailbox) -> None:
    rows = [*quiet(NOW + 6 * HOUR), *pasted(90, COMPLAINT, NOW, 2 * HOUR)]
    answers = []
    for every in (BIN, 6 * HOUR):
        folder = tmp_path / str(every.seconds)
        folder.mkdir()
        db = play(app_of(folder, mailbox, rows), NOW + 7 * HOUR, by=every)
        answers.append(bursts_of(db))
        db.close()
    assert answers[0]
    assert answers[0] == answers[1]


def test_competitors_and_bins_that_did_not_change_cost_nothing(tmp_path: Path, mailbox: Mailbox) -> None:
    rows = [post(f"c{i}", f"霽川爛{i}", START + i * MINUTE) for i in range(30)]
    app = app_of(tmp_path, mailbox, [*rows, *quiet(START + DAY)])
    db = play(app, START + 2 * DAY, fine=START + 2 * DAY)
    assert db.execute("SELECT count(*) FROM burst_bins").fetchone() == (0,)
    jobs.process(app, db, START + 3 * DAY, Report())
    assert db.execute("SELECT count(*) FROM burst_bins").fetchone() == (0,)
    db.close()

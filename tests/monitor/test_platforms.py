"""Weibo, Bilibili and YouTube under the real collector: what is stored, what is a mention, what counts as heard."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor import jobs
from monitor.config import parse
from monitor.jobs import Report
from monitor.work.app import App, open_app
from tests.sources.loopback import Reply, Server, serving
from tests.sources.recorded import json_reply, reply, tree
from tests.standin import HOUR, MINUTE, Words

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
SEARCH, LONG, COMMENTS = "/api/container/getIndex", "/statuses/extend", "/comments/hotflow"


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


Make = Callable[..., App]


@pytest.fixture
def make(tmp_path: Path, server: Server) -> Iterator[Make]:
    """Opens an app with one source of a kind, whose interface is the server."""
    with ExitStack() as stack:

        def opened(kind: str, **settings: Any) -> App:
            app = _open(tmp_path, server, kind, settings)
            stack.callback(app.http.close)
            return app

        yield opened


def _open(folder: Path, server: Server, kind: str, settings: Mapping[str, Any]) -> App:
    table = {"name": "s", "type": kind, "every": "10m", "url": server.url(""), **settings}
    document = {
        "language": "zh-Hans",
        "brands": [{"name": "澄岚", "terms": ["澄岚"]}],
        "network": {"contact": "pr@chenglan.example", "allow_private": True},
        "sources": [table],
    }
    app = open_app(parse(document, "config.toml", folder), keep_going=False)
    app.__dict__["scorer"] = Words()
    return app


def rows(app: App, sql: str) -> list[tuple[Any, ...]]:
    db = app.open_store()
    found = db.execute(sql).fetchall()
    db.close()
    return found


def collect(app: App, now: datetime, *, process: bool = False) -> None:
    db = app.open_store()
    jobs.collect(app, db, now, Report())
    if process:
        jobs.process(app, db, now, Report())
    db.close()


def weibo_cards(*minutes_ago: int, long: bool = False) -> Reply:
    """A search page whose posts are so old, each the sample's first post under an id of its own."""
    answer = tree("weibo", "search_type61_page1.json")
    first = answer["data"]["cards"][0]["mblog"]
    answer["data"]["cards"] = [
        {
            "card_type": 9,
            "mblog": first
            | {"id": str(10**15 - n), "comments_count": 0, "isLongText": long}
            | {"created_at": (NOW - timedelta(minutes=n)).strftime("%a %b %d %H:%M:%S +0000 %Y")},
        }
        for n in minutes_ago
    ]
    return json_reply(answer)


def test_comments_and_reposts_inherit_the_brand_of_what_they_hang_under(server: Server, make: Make) -> None:
    server.routes[SEARCH] = reply("weibo", "search_type61_page1.json")
    server.routes[LONG] = reply("weibo", "longtext_extend.json")
    server.routes[COMMENTS] = reply("weibo", "comments_hotflow.json")
    app = make("weibo", pages=1, comments=1)
    collect(app, NOW, process=True)
    found = dict(rows(app, "SELECT native_id, via FROM v_posts WHERE brand = '澄岚'"))
    assert found["5234567890123456"] == "term"
    assert found["5234568000000001"] == "thread", "a comment that names nobody"
    kept = rows(app, "SELECT text, followers FROM posts WHERE native_id = '5234567890123456'")
    assert kept[0][0].endswith("已经在黑猫投诉了。")
    assert kept[0][1] == 1532
    assert rows(app, "SELECT likes FROM v_posts WHERE native_id = '5234567890123456'") == [(12_034,)]


def test_a_run_that_reaches_back_has_heard_all(server: Server, make: Make) -> None:
    app = make("weibo", pages=1)
    server.routes[SEARCH] = weibo_cards(5, 50, 500)
    collect(app, NOW)
    server.routes[SEARCH] = weibo_cards(-29, -10, 5, 50)
    collect(app, NOW + 30 * MINUTE)
    assert rows(app, "SELECT state, added, gap_from FROM source_runs ORDER BY id") == [("ok", 3, None), ("ok", 2, None)]


def test_long_posts_seen_again_leave_no_gap_and_no_edit(server: Server, make: Make) -> None:
    server.routes[LONG] = reply("weibo", "longtext_extend.json")
    server.routes[COMMENTS] = reply("weibo", "comments_last_page.json")
    app = make("weibo", pages=1)
    server.routes[SEARCH] = weibo_cards(1, 2, 3, long=True)
    collect(app, NOW)
    server.routes[SEARCH] = weibo_cards(-29, 1, 2, long=True)
    collect(app, NOW + 30 * MINUTE)
    assert rows(app, "SELECT state, added, gap_from FROM source_runs ORDER BY id") == [("ok", 3, None), ("ok", 1, None)]
    assert rows(app, "SELECT count(*) FROM revisions") == [(0,)]


def test_a_thread_too_busy_to_be_read_whole_leaves_no_gap(server: Server, make: Make) -> None:
    app = make("weibo", pages=1, comments=1)
    server.routes[SEARCH] = reply("weibo", "search_type61_page1.json")
    server.routes[LONG] = reply("weibo", "longtext_extend.json")
    server.routes[COMMENTS] = reply("weibo", "comments_last_page.json")
    collect(app, NOW - 2 * HOUR)
    server.routes[COMMENTS] = reply("weibo", "comments_hotflow.json")  # all newer than the last run, and more to come
    collect(app, NOW - HOUR)
    assert rows(app, "SELECT state, gap_from FROM source_runs ORDER BY id") == [("ok", None), ("ok", None)]
    assert rows(app, "SELECT count(*) FROM posts WHERE kind = 'comment'") == [(3,)]


def test_a_full_page_of_new_posts_leaves_a_partial_gap(server: Server, make: Make) -> None:
    app = make("weibo", pages=1)
    server.routes[SEARCH] = weibo_cards(5, 50)
    collect(app, NOW)
    server.routes[SEARCH] = weibo_cards(-59, -50, -40)
    collect(app, NOW + HOUR)
    gap = rows(app, "SELECT gap_from, gap_to FROM source_runs ORDER BY id DESC LIMIT 1")
    assert gap == [("2026-11-21T03:00:00Z", "2026-11-21T03:40:00Z")]


def test_a_refusal_is_blind_and_the_cursor_stays(server: Server, make: Make) -> None:
    app = make("weibo", pages=1)
    server.routes[SEARCH] = weibo_cards(5, 50)
    collect(app, NOW)
    before = rows(app, "SELECT cursor FROM cursors")
    server.routes[SEARCH] = reply("weibo", "error_432.http")
    collect(app, NOW + HOUR)
    assert rows(app, "SELECT state, detail FROM source_runs ORDER BY id DESC LIMIT 1") == [
        ("needs_credentials", "127.0.0.1: HTTP 432, it wants a cookie: set cookie_env")
    ]
    assert rows(app, "SELECT cursor FROM cursors") == before
    assert "blind" in dict(rows(app, "SELECT state, source FROM v_coverage"))


def test_bilibili_hears_all_when_the_search_is_whole(server: Server, make: Make) -> None:
    server.routes["/x/web-interface/nav"] = reply("bilibili", "nav_not_logged_in.json")
    server.routes["/x/web-interface/wbi/search/type"] = reply("bilibili", "search_type_video.json")
    server.routes["/x/v2/reply/wbi/main"] = reply("bilibili", "reply_last.json")
    app = make("bilibili")
    collect(app, NOW)
    collect(app, NOW + HOUR, process=True)
    assert rows(app, "SELECT state, seen, gap_from FROM source_runs ORDER BY id") == [("ok", 2, None)] * 2
    (cursor,) = rows(app, "SELECT cursor FROM cursors")
    assert len(cursor[0]) < 1000
    assert set(json.loads(cursor[0])) == {"newest", "threads", "key"}


def test_youtubes_spent_quota_rests_until_midnight_pacific(
    server: Server, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YT_KEY", "AIza")
    server.routes["/search"] = Reply(403, reply("youtube", "error_quota.json").body)
    app = make("youtube", key_env="YT_KEY")
    collect(app, NOW)
    assert rows(app, "SELECT state FROM source_runs") == [("rate_limited",)]
    assert rows(app, "SELECT due_at FROM cursors") == [("2026-11-21T08:00:00Z",)]

"""A video's forty days on a real source and a server, in simulated time: seen, grown, removed, forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from monitor import jobs
from monitor.model import utc_text
from monitor.work.app import Collector
from sources import build
from sources.http import Http
from tests.sources.loopback import Reply, serving
from tests.sources.recorded import json_reply, tree
from tests.standin import DAY, HOUR, MINUTE, NOW, make_app

LIKES_AN_HOUR = 100
REMOVED = timedelta(days=2)
SHOWN = timedelta(hours=1)
"""How long the search shows the video: later only looking again brings its counts."""


@dataclass
class YouTubeSite:
    """What the Data API says of one video; ``looked``: its ages when its counts were asked for."""

    now: datetime = NOW
    looked: list[timedelta] = field(default_factory=list)

    @property
    def gone(self) -> bool:
        return self.now - NOW >= REMOVED

    def search(self, _request: BaseHTTPRequestHandler) -> Reply:
        found = tree("youtube", "search_list.json")
        found.pop("nextPageToken")
        found["items"] = found["items"] if self.now - NOW <= SHOWN else []
        for item in found["items"]:
            item["snippet"] |= {"title": "澄嵐爛", "publishedAt": utc_text(NOW)}
        return json_reply(found)

    def videos(self, _request: BaseHTTPRequestHandler) -> Reply:
        self.looked.append(self.now - NOW)
        likes = int((self.now - NOW) / HOUR * LIKES_AN_HOUR)
        counts = {"id": "AAAAAAAAAAA", "statistics": {"likeCount": str(likes), "commentCount": "0"}}
        return json_reply({"kind": "youtube#videoListResponse", "items": [] if self.gone else [counts]})

    def comments(self, _request: BaseHTTPRequestHandler) -> Reply:
        if not self.gone:
            return json_reply({"kind": "youtube#commentThreadListResponse", "items": []})
        error = {"code": 404, "message": "gone", "errors": [{"reason": "videoNotFound"}]}
        return replace(json_reply({"error": error}), status=404)


def moments() -> Iterator[datetime]:
    yield from (NOW + n * 15 * MINUTE for n in range(4 * 5))
    yield from (NOW + n * 4 * HOUR for n in range(2, 6 * 8))
    yield from (NOW + n * DAY for n in range(8, 33))


def test_a_video_is_looked_at_again_for_a_week_and_forgotten_after_thirty_days(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YT_KEY", "invented")
    site, texts, likes = YouTubeSite(), dict[timedelta, str](), set[int]()
    with serving() as server, Http("x@y.example", allow_private=True) as http:
        server.routes |= {"/search": site.search, "/videos": site.videos, "/commentThreads": site.comments}
        source = build("youtube", "yt", {"url": server.url(""), "key_env": "YT_KEY"}, http, "config.toml: sources.yt")
        app = replace(make_app(tmp_path), collectors=(Collector("yt", 900, source, keep=30 * DAY),))
        db = app.open_store()
        for site.now in moments():
            jobs.cycle(app, db, site.now)
            texts[site.now - NOW] = db.execute("SELECT max(text) FROM posts").fetchone()[0]
            likes |= {row[0] for row in db.execute("SELECT likes FROM engagement") if row[0] is not None}
    assert site.looked == [15 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR, 16 * HOUR, DAY, 7 * DAY]
    assert likes == {25, 100, 200, 400, 800, 1600, 2400}
    text, url, likes_left, purged, gone = db.execute(
        "SELECT text, url, (SELECT count(*) FROM engagement), purged_at, gone_at FROM posts"
    ).fetchone()
    assert gone == utc_text(NOW + 7 * DAY), "what YouTube said when it was asked next"
    assert (text, url, likes_left) == ("", "", 0)
    assert purged is not None
    assert db.execute("SELECT label FROM mentions").fetchall() == [("negative",)], "what was counted stays"
    assert 29 * DAY <= max(age for age, kept in texts.items() if kept) <= 31 * DAY, "gone is no reason to forget"
    db.close()

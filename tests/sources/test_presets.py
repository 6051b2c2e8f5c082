"""The ready-made types against the samples of their platforms and a real server on loopback."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import pytest

from monitor.errors import ConfigError, NeedsCredentials, SourceError
from monitor.model import Author, Engagement, Page, Post, Query
from sources import build
from sources.http import Http
from sources.ptt.pages import PLATFORM as PTT
from sources.ptt.pages import row_of
from sources.youtubeformat import PLATFORM as YOUTUBE
from tests.sources.loopback import NOW, Reply, Server

DATA = Path(__file__).parents[1] / "data"
WHERE = "config.toml: sources.x"
CHANNEL = "UCabcdefghijklmnopqrstuv"
VIDEOS = f"""<feed xmlns:yt="http://www.youtube.com/xml/schemas/2015" xmlns:media="http://search.yahoo.com/mrss/"
 xmlns="http://www.w3.org/2005/Atom"><yt:channelId>{CHANNEL}</yt:channelId><title>開箱哥</title>
 <entry><id>yt:video:dQ_澄-1</id><yt:videoId>dQ_澄-1</yt:videoId><title>澄嵐 K3 開箱</title>
 <link rel="alternate" href="https://www.youtube.com/watch?v=dQ_1"/><author><name>開箱哥</name></author>
 <published>2026-11-20T09:00:00+00:00</published><media:group><media:title>澄嵐 K3 開箱</media:title>
 <media:description>冒煙了，
不推</media:description></media:group></entry></feed>""".encode()


class Fetches(Protocol):
    def __call__(self, kind: str, path: str, reply: Reply, **settings: object) -> list[Page]: ...


@pytest.fixture
def fetched(http: Http, server: Server) -> Fetches:
    """The pages that a type gives when ``path`` answers with ``reply`` and all else is not found."""

    def fetch(kind: str, path: str, reply: Reply, **settings: object) -> list[Page]:
        server.routes[path] = reply
        source = build(kind, "x", {"url": server.url("/"), **settings}, http, WHERE)
        return list(source.fetch(Query(("澄嵐",), NOW, NOW - timedelta(days=1)), {}))

    return fetch


def sample(name: str) -> Reply:
    return Reply(200, (DATA / name).read_bytes())


def only(pages: list[Page]) -> Post:
    (post,) = (post for page in pages for post in page.posts)
    return post


def review(number: int, **more: object) -> dict[str, object]:
    return {
        "id": {"label": str(number)},
        "im:rating": {"label": "2"},
        "title": {"label": "更新後"},
        "content": {"label": f"閃退{number}"},
        **more,
    }


def reviews(entry: object) -> Reply:
    return Reply(200, json.dumps({"feed": {"entry": entry}}).encode())


@pytest.mark.parametrize(
    ("region", "words"), [("tw", "hl=zh-TW&gl=TW&ceid=TW:zh-Hant"), ("hk", "hl=zh-HK&gl=HK"), ("cn", "ceid=CN:zh-Hans")]
)
def test_google_news(fetched: Fetches, server: Server, region: str, words: str) -> None:
    post = only(fetched("google-news", "/rss/search", sample("feed/google_news_search_zhTW.xml"), region=region))
    assert (post.platform, post.native_id) == ("google-news", "CBMiFAKEID")
    assert server.seen[0][0].startswith("/rss/search?q=%22%E6%BE%84%E5%B5%90%22+when:7d&")
    assert words in server.seen[0][0]


def test_bing_news(fetched: Fetches, server: Server) -> None:
    post = only(fetched("bing-news", "/news/search", sample("feed/bing_news_search.xml"), region="cn"))
    assert (post.platform, post.native_id) == ("bing-news", "https://news.example.test/cn/1")
    assert server.seen[0][0] == "/news/search?q=%22%E6%BE%84%E5%B5%90%22&format=rss&mkt=zh-CN"


def test_ptt_atom(fetched: Fetches) -> None:
    path = "/atom/home-appliances.xml"
    post = only(fetched("ptt-atom", path, sample("feed/ptt_board.atom.xml"), board="home-appliances"))
    assert post.platform == "ptt"
    row = row_of(post.url)
    assert row is not None
    assert post.native_id == row.native_id == "https://www.ptt.cc/bbs/home-appliances/M.1795177200.A.3F1.html"
    assert post.platform == "ptt" == PTT


def test_rsshub(fetched: Fetches, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    path = "/weibo/keyword/%E6%BE%84%E5%B5%90"
    reply = sample("feed/rsshub_weibo_keyword.xml")
    post = only(fetched("rsshub", path, reply, route="/weibo/keyword/{query}"))
    assert (post.platform, post.author) == ("rsshub-weibo", Author("小满不吃辣", "小满不吃辣"))
    assert only(fetched("rsshub", path, reply, route="/weibo/keyword/{query}", platform="weibo")).platform == "weibo"
    monkeypatch.setenv("RSSHUB_KEY", "k&y")
    (page,) = fetched("rsshub", path, reply, route="/weibo/keyword/{query}?limit=9", key_env="RSSHUB_KEY")
    assert server.seen[-1][0] == path + "?limit=9&key=k%26y"
    assert "k&y" not in repr(page)
    monkeypatch.delenv("RSSHUB_KEY")
    with pytest.raises(NeedsCredentials, match=r"the environment variable RSSHUB_KEY \(key_env\) is not set"):
        fetched("rsshub", path, reply, route="/weibo/keyword/{query}", key_env="RSSHUB_KEY")


def test_youtube_channel(fetched: Fetches, server: Server) -> None:
    post = only(fetched("youtube-channel", "/feeds/videos.xml", Reply(200, VIDEOS), channel=CHANNEL))
    assert (post.platform, post.native_id, post.kind) == (YOUTUBE, "dQ_澄-1", "video")
    assert post.author is not None
    assert post.author.id == CHANNEL, "as the search by key gives it"
    assert post.text == "澄嵐 K3 開箱\n冒煙了，\n不推"
    assert server.seen[0][0].endswith(f"?channel_id={CHANNEL}")


def test_v2ex(fetched: Fetches, server: Server) -> None:
    (page,) = fetched("v2ex", "/api/topics/latest.json", sample("v2ex/topics_latest.json"))
    (post,) = page.posts
    assert (post.platform, post.native_id, post.url) == ("v2ex", "1190001", "https://www.v2ex.com/t/1190001")
    assert post.text == "澄岚的 App 为什么要通讯录权限\n如题"
    assert post.author == Author("700001", "foo")
    assert post.published_at == datetime.fromtimestamp(1795220000, UTC)
    assert post.engagement == Engagement(comments=8)
    assert not page.exhausted  # a window on the newest
    node = fetched("v2ex", "/api/topics/show.json", sample("v2ex/topics_latest.json"), node="programmer")
    assert only(node).native_id == "1190001"
    assert server.seen[-1][0].endswith("?node_name=programmer")


def test_v2ex_leaves_out_what_was_deleted(fetched: Fetches) -> None:
    topics = [
        {"id": 1, "title": "<b> 在 C++", "content": "", "deleted": 1},
        {"id": 2, "title": "<b> 在 C++", "deleted": 0},
    ]
    post = only(fetched("v2ex", "/api/topics/latest.json", Reply(200, json.dumps(topics).encode())))
    assert (post.native_id, post.text) == ("2", "<b> 在 C++")


@pytest.mark.parametrize("body", [b'{"message": "Rate limited"}', b"<html>", b"null"])
def test_v2ex_that_is_no_list(fetched: Fetches, body: bytes) -> None:
    with pytest.raises(SourceError):
        fetched("v2ex", "/api/topics/latest.json", Reply(200, body))


def test_app_store(fetched: Fetches) -> None:
    path = "/tw/rss/customerreviews/page=1/id=1400000001/sortBy=mostRecent/json"
    reply = sample("appstore/customerreviews.json")
    post = only(fetched("app-store", path, reply, app="1400000001", brand="澄嵐", pages=1))
    assert (post.platform, post.native_id, post.kind, post.page) == ("app-store", "12900000001", "review", "1400000001")
    assert post.text == "更新後一直閃退\n打開就閃退，客服也沒人回"
    assert post.author == Author("https://itunes.apple.com/tw/reviews/id600000001", "小花")
    assert post.published_at == datetime(2026, 11, 20, 12, 41, tzinfo=UTC)
    assert post.engagement == Engagement(likes=2)
    assert post.brands == ("澄嵐",)


def test_app_store_without_reviews(http: Http, server: Server) -> None:
    """None at all is a list of none; none where there were some is Apple's fault of some hours."""
    path = "/tw/rss/customerreviews/page=1/id=1400000001/sortBy=mostRecent/json"
    source = build("app-store", "x", {"url": server.url(), "app": "1400000001", "pages": 1}, http, WHERE)
    server.routes[path] = sample("appstore/no_reviews.json")
    (page,) = source.fetch(Query(("澄嵐",), NOW), {})
    assert (page.posts, page.rejected, page.exhausted) == ((), 0, True)
    server.routes[path] = sample("appstore/customerreviews.json")
    (page,) = source.fetch(Query(("澄嵐",), NOW), page.cursor)
    server.routes[path] = sample("appstore/no_reviews.json")
    with pytest.raises(SourceError, match="held posts before"):
        list(source.fetch(Query(("澄嵐",), NOW), page.cursor))


@pytest.mark.parametrize(
    ("entry", "found"),
    [
        (review(1), ["1"]),
        ([review(1), review(2)], ["1", "2"]),
        ([{"id": {"label": "9"}, "title": {"label": "澄嵐 App"}}, review(2)], ["2"]),
        ({"id": {"label": "9"}, "title": {"label": "澄嵐 App"}}, []),
        ([], []),
        (None, []),
    ],
)
def test_app_store_entries(fetched: Fetches, entry: object, found: list[str]) -> None:
    path = "/hk/rss/customerreviews/page=1/id=1400000001/sortBy=mostRecent/json"
    (page,) = fetched("app-store", path, reviews(entry), app="1400000001", country="hk", pages=1)
    assert [post.native_id for post in page.posts] == found


def test_app_store_reads_on(http: Http, server: Server) -> None:
    for number, entry in enumerate(([review(5), review(4)], [review(3)], []), 1):
        server.routes[f"/tw/rss/customerreviews/page={number}/id=1400000001/sortBy=mostRecent/json"] = reviews(entry)
    source = build("app-store", "x", {"url": server.url(), "app": "1400000001", "pages": 9}, http, WHERE)
    pages = list(source.fetch(Query(("澄嵐",), NOW), {}))
    assert [post.native_id for page in pages for post in page.posts] == ["5", "4", "3"]
    assert [page.exhausted for page in pages] == [False, False, True]


def test_hackernews(fetched: Fetches, server: Server) -> None:
    (page,) = fetched("hackernews", "/api/v1/search_by_date", sample("hackernews/search_by_date.json"))
    (post,) = page.posts
    assert (post.platform, post.native_id, post.kind) == ("hackernews", "46000123", "comment")
    assert post.text == "My Chenglan fryer caught fire & support ghosted me.\nAvoid."
    assert (post.parent, post.root) == ("46000001", "46000001")
    assert post.url == "https://news.ycombinator.com/item?id=46000123"
    assert post.published_at == datetime(2026, 11, 20, 12, 34, 56, tzinfo=UTC)
    assert page.exhausted
    since = int((NOW - timedelta(days=1, hours=6)).timestamp())
    assert f"created_at_i%3E{since}" in server.seen[0][0]
    assert "query=%22%E6%BE%84%E5%B5%90%22" in server.seen[0][0]
    assert server.seen[0][0].endswith("&page=0")


def test_a_story_of_hackernews(fetched: Fetches) -> None:
    hit: dict[str, Any] = {
        "objectID": "7", "title": "Ask HN: a<b?", "story_text": "<p>x &lt; y", "points": 3, "num_comments": 0,
        "created_at": "2026-11-20T12:34:56Z", "_tags": ["story"], "story_id": 7, "url": "https://e.example.test",
    }  # fmt: skip
    body = json.dumps({"hits": [hit], "nbPages": 2, "page": 0}).encode()
    first, second = fetched("hackernews", "/api/v1/search_by_date", Reply(200, body), pages=2)
    assert (first.exhausted, second.exhausted) == (False, True)
    (post,) = first.posts
    assert (post.text, post.kind, post.root) == ("Ask HN: a<b?\nx < y", "post", "")
    assert post.url == "https://news.ycombinator.com/item?id=7"
    assert post.engagement == Engagement(likes=3, comments=0)


@pytest.mark.parametrize(
    ("kind", "settings", "line"),
    [
        ("google-news", {"region": "jp"}, f'{WHERE}.region: must be one of "tw", "hk", "cn", not "jp"'),
        ("google-news", {"url": "https://x.example.test/?q="}, f"{WHERE}.url: must be an address without query"),
        ("ptt-atom", {}, f"{WHERE}.board: missing"),
        ("ptt-atom", {"board": "../x"}, f"{WHERE}.board: must be a board's name such as Gossiping"),
        ("rsshub", {"url": "http://127.0.0.1:1200"}, f"{WHERE}.route: missing"),
        ("rsshub", {"url": "http://127.0.0.1:1200", "route": "weibo"}, f"{WHERE}.route: must be a route such as"),
        ("youtube-channel", {"channel": "@kaixiang"}, f"{WHERE}.channel: must be a channel's id"),
        ("app-store", {"app": "澄嵐"}, f"{WHERE}.app: must be the number in the app's store address"),
        ("app-store", {"app": "1400000001", "country": "TW"}, f"{WHERE}.country: must be a store's two letters"),
        ("app-store", {"app": "1400000001", "pages": 11}, f"{WHERE}: pages: must be 1 to 10"),
        ("hackernews", {"pages": 0}, f"{WHERE}: pages: must be 1 to 10"),
        ("v2ex", {"node": "a&b"}, f"{WHERE}.node: must be a node's name such as apple"),
    ],
)
def test_slips_in_the_table(http: Http, kind: str, settings: dict[str, object], line: str) -> None:
    with pytest.raises(ConfigError) as caught:
        build(kind, "x", settings, http, WHERE)
    assert str(caught.value).startswith(line)


@pytest.mark.parametrize("kind", ["google-news", "bing-news", "v2ex", "hackernews"])
def test_the_simplest_table_is_enough(http: Http, kind: str) -> None:
    assert build(kind, "x", {}, http, WHERE).name == "x"

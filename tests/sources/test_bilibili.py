from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from monitor.errors import Blocked, NeedsCredentials, RateLimited, SourceError
from monitor.model import Author, Cursor, Engagement, Page, Query
from sources import build, wbi
from sources.bilibili import Bilibili
from sources.bilibiliformat import parse_nav, parse_replies, parse_search
from sources.http import Http
from tests.sources.loopback import NOW, Reply, Server
from tests.sources.recorded import body, json_reply, reply, tree

NAV, SEARCH, REPLIES = "/x/web-interface/nav", "/x/web-interface/wbi/search/type", "/x/v2/reply/wbi/main"
KEYS = ("7cd084941338484aae1ad9425b84077c", "4932caff0ff746eab6f01bf08b70ac45")
MIXIN = "ea1db124af3c7062474693fa704f4ff8"
VIDEO = "BV1xx411c7XA"


@pytest.fixture
def site(server: Server) -> Server:
    server.routes[NAV] = reply("bilibili", "nav_not_logged_in.json")
    server.routes[SEARCH] = reply("bilibili", "search_type_video.json")
    server.routes[REPLIES] = reply("bilibili", "reply_wbi_main.json")
    return server


@pytest.fixture
def bilibili(site: Server, http: Http) -> Bilibili:
    return Bilibili("b", http, url=site.url(""))


def run(source: Bilibili, *terms: str, cursor: Cursor | None = None, since: datetime | None = None) -> list[Page]:
    pages = list(source.fetch(Query(terms or ("澄岚",), NOW, since), cursor or {}))
    for page in pages:
        assert json.loads(json.dumps(page.cursor)) == page.cursor
    return pages


def asked(server: Server, path: str) -> list[dict[str, str]]:
    return [dict(parse_qsl(urlsplit(p).query)) for p, _ in server.seen if p.partition("?")[0] == path]


def found(*changes: Mapping[str, Any], **data: Any) -> bytes:
    """A search answer whose videos are the first sample's with these changes."""
    answer = tree("bilibili", "search_type_video.json")
    first = answer["data"]["result"][0]
    answer["data"]["result"] = [{**first, **change} for change in changes]
    answer["data"] |= data
    return json.dumps(answer).encode()


def test_the_signature_of_the_notes() -> None:
    assert parse_nav(body("bilibili", "nav_not_logged_in.json"), host="h") == KEYS
    assert wbi.mixin(*KEYS) == MIXIN
    query = wbi.signed({"foo": "114", "bar": "514", "zab": "1919810"}, MIXIN, 1702204169)
    assert query == "bar=514&foo=114&wts=1702204169&zab=1919810&w_rid=8f6f2b5b3d485fe1886cec6a0be8c5d4"


def test_what_is_signed_is_what_is_sent() -> None:
    query = wbi.signed({"keyword": "澄岚 (K3)*'!", "a": "1/2"}, MIXIN, 1)
    assert query.startswith("a=1%2F2&keyword=%E6%BE%84%E5%B2%9A%20K3&wts=1&w_rid=")


@pytest.mark.parametrize(
    "address",
    ["", "x", "https://i0.example.test/bfs/wbi/short.png", "https://i0.example.test/" + "g" * 32 + ".png"],
)
def test_a_nav_without_keys(address: str) -> None:
    answer = {"code": 0, "data": {"wbi_img": {"img_url": address, "sub_url": address}}}
    with pytest.raises(SourceError, match="without the keys"):
        parse_nav(json.dumps(answer).encode(), host="h")


def test_search_sample() -> None:
    videos = parse_search(body("bilibili", "search_type_video.json"), host="h")
    assert [post.native_id for post in videos.posts] == [VIDEO, "BV1yy411c7XB"]
    assert videos.numbers == {VIDEO: "116000000001", "BV1yy411c7XB": "116000000002"}
    assert (videos.last, videos.rejected) == (True, 0)
    first, second = videos.posts
    assert first.text == "澄岚空气炸锅翻车？拆开看看 & 避雷\n实测 30 天，结论在 06:20\n仅代表个人观点"
    assert first.url == f"https://www.bilibili.com/video/{VIDEO}"
    assert first.author == Author("20000001", "拆机老周")
    assert first.published_at == datetime(2026, 11, 20, 16, tzinfo=UTC)
    assert first.engagement == Engagement(likes=1204, comments=903)
    assert (first.kind, first.page, first.root) == ("video", "", "")
    assert second.text == "【开箱】澄岚K3"


def test_empty_search_has_no_result_key() -> None:
    videos = parse_search(body("bilibili", "search_empty.json"), host="h")
    assert (videos.posts, videos.last) == ((), True)


def test_replies_sample() -> None:
    replies = parse_replies(body("bilibili", "reply_wbi_main.json"), host="h", video=VIDEO)
    assert [(p.native_id, p.parent, p.root, p.page) for p in replies.posts] == [
        ("250000000009", "250000000001", VIDEO, VIDEO),
        ("250000000001", VIDEO, VIDEO, VIDEO),
        ("250000000002", VIDEO, VIDEO, VIDEO),
    ]
    first = replies.posts[1]
    assert first.text == "我的也冒烟了[怒]，售后踢皮球"
    assert first.author == Author("30000001", "今天不加班")
    assert first.published_at == datetime(2026, 11, 20, 17, 16, 40, tzinfo=UTC)
    assert first.engagement == Engagement(likes=45, comments=1)
    assert first.url == f"https://www.bilibili.com/video/{VIDEO}#reply250000000001"
    assert replies.next == "2"


def test_last_and_closed_replies() -> None:
    last = parse_replies(body("bilibili", "reply_last.json"), host="h", video=VIDEO)
    assert (last.posts, last.next, last.closed) == ((), None, False)
    assert parse_replies(body("bilibili", "reply_closed.json"), host="h", video=VIDEO).closed
    assert parse_replies(b'{"code": -404}', host="h", video=VIDEO).closed


def test_pinned_replies_stand_apart() -> None:
    answer = tree("bilibili", "reply_wbi_main.json")
    pinned = {**answer["data"]["replies"][1], "rpid_str": "7", "rpid": 7, "ctime": 1700000000}
    answer["data"]["top"]["upper"] = pinned
    answer["data"]["top_replies"] = [pinned]
    replies = parse_replies(json.dumps(answer).encode(), host="h", video=VIDEO)
    assert [post.native_id for post in replies.pinned] == ["7"]
    assert "7" not in [post.native_id for post in replies.posts]


@pytest.mark.parametrize(
    ("content", "kind", "words"),
    [
        (body("bilibili", "error_352.json"), Blocked, "code -352"),
        (b'{"code":-412,"message":"request was banned"}', Blocked, "code -412"),
        (body("bilibili", "error_799.json"), RateLimited, "code -799"),
        (b'{"code": -509}', RateLimited, "code -509"),
        (b'{"code": -101}', NeedsCredentials, "code -101"),
        (b'{"code": -400, "message": "secret"}', SourceError, r"code -400$"),
        (b'{"code": "0"}', SourceError, "without a code"),
        (b'{"code": true}', SourceError, "without a code"),
        (b'{"code": 0, "data": null}', SourceError, "without results"),
        (b'{"code": 0, "data": {"result": "x", "numResults": 3}}', SourceError, "without results"),
        (b'{"code": 0, "data": {"numResults": 3, "page": 1}}', SourceError, "without results"),
        (b"<html>", SourceError, "an HTML page, not JSON"),
        (b"null", SourceError, "not an object"),
    ],
)
def test_refusals_in_a_body(content: bytes, kind: type[SourceError], words: str) -> None:
    with pytest.raises(SourceError, match=words) as caught:
        parse_search(content, host="api.bilibili.com")
    assert type(caught.value) is kind
    assert str(caught.value).startswith("api.bilibili.com: ")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("seconds", [None, "1795190400", True, 0, -1, 10**30, 1e308, float("nan")])
def test_times_that_cannot_be(seconds: object) -> None:
    (post,) = parse_search(found({"pubdate": seconds}), host="h").posts
    assert post.published_at is None


def test_one_bad_video_does_not_lose_the_page() -> None:
    content = found({}, {"bvid": "../x"}, {"title": None, "description": "-"}, {"mid": {}, "aid": None})
    videos = parse_search(content, host="h")
    assert ([post.native_id for post in videos.posts], videos.rejected) == ([VIDEO, VIDEO], 2)
    assert videos.posts[1].author is None


def test_a_run_of_the_samples(site: Server, bilibili: Bilibili) -> None:
    pages = run(bilibili)
    assert [(page.stream, len(page.posts), page.exhausted) for page in pages] == [
        ("澄岚", 2, True),
        (f"comments {VIDEO}", 3, True), (f"comments {VIDEO}", 3, True),
        ("comments BV1yy411c7XB", 3, True), ("comments BV1yy411c7XB", 3, True),
    ]  # fmt: skip
    assert len(asked(site, NAV)) == 1
    search = asked(site, SEARCH)[0]
    assert search["order"] == "pubdate"
    assert search["keyword"] == "澄岚"
    assert search["wts"] == str(int(NOW.timestamp()))
    assert [(q["oid"], q["type"], q["mode"], q["next"]) for q in asked(site, REPLIES)[:2]] == [
        ("116000000001", "1", "2", "0"), ("116000000001", "1", "2", "2")
    ]  # fmt: skip
    assert all(headers["referer"].startswith("https://") for _, headers in site.seen)
    assert not any("cookie" in headers for _, headers in site.seen)
    assert not any("finger" in path for path, _ in site.seen)


def test_every_request_is_signed(site: Server, bilibili: Bilibili) -> None:
    run(bilibili)
    for path, _ in site.seen:
        if path != NAV:
            given = dict(parse_qsl(urlsplit(path).query, keep_blank_values=True))
            sent = {name: value for name, value in given.items() if name not in ("wts", "w_rid")}
            assert path.endswith(wbi.signed(sent, MIXIN, int(given["wts"])))


def test_the_next_run_begins_behind_the_last(site: Server, bilibili: Bilibili) -> None:
    first = run(bilibili)
    site.seen.clear()
    since = NOW - timedelta(minutes=30)
    again = run(bilibili, cursor=first[-1].cursor, since=since)
    assert [page.stream for page in again] == ["澄岚"], "comments are not due again yet"
    (search,) = asked(site, SEARCH)
    assert int(search["pubtime_begin_s"]) == int(since.timestamp()) - 86400
    assert int(search["pubtime_end_s"]) == int(NOW.timestamp())
    assert not asked(site, NAV), "the day's keys are remembered"


def test_pages_until_the_overlap_is_covered(site: Server, http: Http) -> None:
    at = int(NOW.timestamp())
    videos = [{"bvid": f"BV1xx411c7{n:02d}", "pubdate": at - n * 7200, "review": 0} for n in range(60)]

    def route(request: BaseHTTPRequestHandler) -> Reply:
        page = int(dict(parse_qsl(urlsplit(request.path).query))["page"])
        return Reply(200, found(*videos[page * 5 - 5 : page * 5], page=page, numPages=12))

    site.routes[SEARCH] = route
    pages = run(Bilibili("b", http, url=site.url(""), pages=50), since=NOW - timedelta(hours=3))
    assert len(pages) == 3, "27 hours at 10 hours a page"
    assert not pages[-1].exhausted


def test_a_video_dated_2099_ends_nothing(site: Server, http: Http) -> None:
    late = {"bvid": "BV1xx411c799", "pubdate": 4_070_908_800, "review": 0}
    site.routes[SEARCH] = Reply(200, found(late, late, page=1, numPages=9))
    pages = run(Bilibili("b", http, url=site.url(""), pages=3), since=NOW - timedelta(hours=1))
    assert len(pages) == 3


def test_comments_are_read_back_to_the_last_reading(site: Server, http: Http) -> None:
    source = Bilibili("b", http, url=site.url(""), comment_pages=9)
    site.routes[SEARCH] = Reply(200, found({"pubdate": int((NOW - timedelta(hours=2)).timestamp())}))
    site.routes[REPLIES] = reply("bilibili", "reply_last.json")
    cursor = run(source)[-1].cursor
    answer = tree("bilibili", "reply_wbi_main.json")
    answer["data"]["replies"] = [
        {**answer["data"]["replies"][1], "rpid_str": str(n), "ctime": int(NOW.timestamp()) + n} for n in (60, -60)
    ]
    site.routes[REPLIES] = json_reply(answer)
    later = NOW + timedelta(hours=2, minutes=1)
    pages = list(source.fetch(Query(("澄岚",), later, NOW), cursor))
    assert [page.stream for page in pages] == ["澄岚", f"comments {VIDEO}"]


def test_closed_comments_are_asked_for_once(site: Server, bilibili: Bilibili) -> None:
    site.routes[REPLIES] = reply("bilibili", "reply_closed.json")
    pages = run(bilibili)
    assert [page.exhausted for page in pages] == [True, True, True]
    site.seen.clear()
    later = NOW + timedelta(days=3)
    assert len(list(bilibili.fetch(Query(("澄岚",), later), pages[-1].cursor))) == 1
    assert not asked(site, REPLIES)


def test_keys_that_changed_are_asked_for_anew(site: Server, bilibili: Bilibili) -> None:
    old = ["0" * 32, "2026-11-21T02:00:00Z"]

    def route(request: BaseHTTPRequestHandler) -> Reply:
        query = urlsplit(request.path).query
        given = dict(parse_qsl(query))
        sent = {name: value for name, value in given.items() if name not in ("wts", "w_rid")}
        good = query == wbi.signed(sent, MIXIN, int(given["wts"]))
        return reply("bilibili", "search_empty.json" if good else "error_bad_wbi_sign.json")

    site.routes[SEARCH] = route
    pages = run(bilibili, cursor={"key": old})
    assert pages[0].exhausted
    assert pages[0].cursor["key"] == [MIXIN, "2026-11-21T03:00:00Z"]
    assert [path.partition("?")[0] for path, _ in site.seen] == [SEARCH, NAV, SEARCH]


def test_fresh_keys_that_are_refused_end_the_run(site: Server, bilibili: Bilibili) -> None:
    site.routes[SEARCH] = reply("bilibili", "error_bad_wbi_sign.json")
    with pytest.raises(Blocked, match="the signature is not accepted, though its keys are fresh"):
        run(bilibili, "a", "b", cursor={"key": ["0" * 32, "2026-11-21T02:00:00Z"]})
    assert [path.partition("?")[0] for path, _ in site.seen] == [SEARCH, NAV, SEARCH]


@pytest.mark.parametrize(
    "key", [None, 3, ["x"], ["x", "y"], ["0" * 32, "2026-11-20T02:00:00Z"], ["0" * 32, "2099-01-01T00:00:00Z"]]
)
def test_keys_that_are_old_or_of_another_shape_are_not_used(site: Server, bilibili: Bilibili, key: object) -> None:
    run(bilibili, cursor={"key": key, "newest": 3, "threads": {}})
    assert len(asked(site, NAV)) == 1


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (reply("bilibili", "error_412.http"), Blocked, "HTTP 412, refused; a cookie of your own may help"),
        (reply("bilibili", "error_352.json"), Blocked, "code -352"),
        (reply("bilibili", "error_799.json"), RateLimited, "code -799"),
        (Reply(429, b"", {"Retry-After": "60"}), RateLimited, "HTTP 429"),
        (Reply(403), Blocked, "HTTP 403"),
        (Reply(502), SourceError, "HTTP 502"),
        (Reply(200, b"<html>"), SourceError, "an HTML page"),
    ],
)
@pytest.mark.parametrize("path", [NAV, SEARCH])
def test_refusals(
    site: Server, bilibili: Bilibili, path: str, answer: Reply, kind: type[SourceError], words: str
) -> None:
    site.routes[path] = answer
    with pytest.raises(SourceError, match=words) as caught:
        run(bilibili, "secretterm")
    assert type(caught.value) is kind
    assert "secret" not in str(caught.value)
    assert "w_rid" not in str(caught.value)
    assert len(site.seen) == (1 if path == NAV else 2)


def test_a_cookie_is_the_users_own(site: Server, http: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BILI", "SESSDATA=secret")
    pages = run(Bilibili("b", http, "BILI", user_agent="Mozilla/5.0", url=site.url("")))
    assert {headers["user-agent"] for _, headers in site.seen} == {"Mozilla/5.0"}
    assert {headers.get("cookie") for _, headers in site.seen} == {"SESSDATA=secret"}
    assert "secret" not in str(pages[-1].cursor)
    monkeypatch.setenv("BILI", "")
    with pytest.raises(NeedsCredentials, match="the environment variable BILI"):
        run(Bilibili("b", http, "BILI", url=site.url("")))


def test_settings(http: Http) -> None:
    assert build("bilibili", "b", {"pages": 3}, http, "config.toml: sources.b") == Bilibili("b", http, pages=3)

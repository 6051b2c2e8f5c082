from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from monitor.errors import Blocked, ConfigError, NeedsCredentials, RateLimited, SourceError
from monitor.model import Author, Cursor, Engagement, Gone, Page, Post, Query
from sources import Rechecks, build
from sources.http import Http
from sources.youtube import YouTube, grouped
from sources.youtubeformat import parse_comments, parse_search, until_quota
from tests.sources.loopback import NOW, Reply, Server
from tests.sources.recorded import body, json_reply, reply, tree

SEARCH, COMMENTS, VIDEOS = "/search", "/commentThreads", "/videos"
KEY = "AIzaSecretsecret"


@pytest.fixture
def site(server: Server) -> Server:
    listed = tree("youtube", "search_list.json")
    threads = tree("youtube", "commentThreads_list.json")
    del listed["nextPageToken"], threads["nextPageToken"]
    server.routes[SEARCH] = json_reply(listed)
    server.routes[COMMENTS] = json_reply(threads)
    return server


@pytest.fixture
def youtube(site: Server, http: Http, monkeypatch: pytest.MonkeyPatch) -> YouTube:
    monkeypatch.setenv("YT_KEY", KEY)
    return YouTube("y", http, "YT_KEY", url=site.url(""))


def run(source: YouTube, *terms: str, cursor: Cursor | None = None, since: datetime | None = None) -> list[Page]:
    pages = list(source.fetch(Query(terms or ("澄嵐",), NOW, since), cursor or {}))
    for page in pages:
        assert json.loads(json.dumps(page.cursor)) == page.cursor
        assert "ecret" not in str(page)
    return pages


def asked(server: Server, path: str) -> list[dict[str, str]]:
    return [dict(parse_qsl(urlsplit(p).query)) for p, _ in server.seen if p.partition("?")[0] == path]


def error(status: int, *reasons: str, key: str = "errors") -> bytes:
    told = {"code": status, "message": "secret words", key: [{"reason": reason} for reason in reasons]}
    return json.dumps({"error": told}).encode()


def test_search_sample() -> None:
    listed = parse_search(body("youtube", "search_list.json"), host="h", now=NOW)
    (post,) = listed.posts
    assert post.native_id == "AAAAAAAAAAA"
    assert post.text == "澄嵐氣炸鍋'冒煙'實測"
    assert post.url == "https://www.youtube.com/watch?v=AAAAAAAAAAA"
    assert post.author == Author("UC0000000000000000000000", "拆機阿周")
    assert post.published_at == datetime(2026, 11, 20, 10, tzinfo=UTC)
    assert post.kind == "video"
    assert (listed.next, listed.rejected) == ("CAUQAA", 0)


def test_comments_sample() -> None:
    listed = parse_comments(body("youtube", "commentThreads_list.json"), host="h", now=NOW, video="AAAAAAAAAAA")
    (post,) = listed.posts
    assert post.text == "我的也是，\n退了"
    assert (post.native_id, post.parent, post.root, post.page) == ("Ugx1", *["AAAAAAAAAAA"] * 3)
    assert post.url == "https://www.youtube.com/watch?v=AAAAAAAAAAA&lc=Ugx1"
    assert post.author == Author("UC1", "@lulu")
    assert post.published_at == datetime(2026, 11, 20, 11, tzinfo=UTC)
    assert post.engagement == Engagement(likes=4, comments=1)
    assert listed.next == "Z2V0"


def test_replies_come_before_what_they_answer() -> None:
    answer = tree("youtube", "commentThreads_list.json")
    snippet = {"textDisplay": "真的<br>嗎 &amp; &lt;b&gt;", "parentId": "Ugx1", "publishedAt": "2026-11-20T12:00:00Z"}
    answer["items"][0]["replies"] = {"comments": [{"id": "Ugx1.9", "snippet": snippet}, {"id": "Ugx1.8"}]}
    listed = parse_comments(json.dumps(answer).encode(), host="h", now=NOW, video="V" * 11)
    assert [(post.native_id, post.parent, post.root) for post in listed.posts] == [
        ("Ugx1.9", "Ugx1", "V" * 11),
        ("Ugx1", "V" * 11, "V" * 11),
    ]
    assert listed.posts[0].text == "真的\n嗎 & <b>"
    assert listed.rejected == 1


def test_no_more_comments() -> None:
    closed = parse_comments(body("youtube", "error_comments_disabled.json"), host="h", now=NOW, video="v")
    assert (closed.posts, closed.closed, closed.next) == ((), "commentsDisabled", "")
    assert parse_comments(error(404, "videoNotFound"), host="h", now=NOW, video="v").closed == "videoNotFound"


@pytest.mark.parametrize(
    ("content", "kind", "words"),
    [
        (body("youtube", "error_quota.json"), RateLimited, "error 403, quotaExceeded"),
        (error(403, "rateLimitExceeded"), RateLimited, "rateLimitExceeded"),
        (error(429), RateLimited, "error 429"),
        (error(400, "keyInvalid"), NeedsCredentials, "error 400, keyInvalid: see the key that key_env names"),
        (error(400, "API_KEY_INVALID", key="details"), NeedsCredentials, "API_KEY_INVALID"),
        (error(403, "accessNotConfigured"), NeedsCredentials, "accessNotConfigured"),
        (error(403, "else"), Blocked, "error 403, else"),
        (error(400, "bad secret\n"), SourceError, "error 400$"),
        (b'{"error": "x"}', SourceError, "error without a code"),
        (b"{}", SourceError, "without items"),
        (b'{"items": {}}', SourceError, "without items"),
        (b"<html>", SourceError, "an HTML page, not JSON"),
        (b"", SourceError, "an empty answer"),
    ],
)
def test_refusals_in_a_body(content: bytes, kind: type[SourceError], words: str) -> None:
    with pytest.raises(SourceError, match=words) as caught:
        parse_search(content, host="www.googleapis.com", now=NOW)
    assert type(caught.value) is kind
    assert str(caught.value).startswith("www.googleapis.com: ")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("now", "hours"),
    [
        (datetime(2026, 11, 21, 3, tzinfo=UTC), 5),
        (datetime(2026, 11, 21, 8, tzinfo=UTC), 24),
        (datetime(2026, 7, 1, 3, tzinfo=UTC), 4),
        (datetime(2026, 3, 8, 8, tzinfo=UTC), 23),
        (datetime(2026, 11, 1, 7, tzinfo=UTC), 25),
    ],
)
def test_a_spent_quota_rests_until_midnight_pacific(now: datetime, hours: int) -> None:
    assert until_quota(now) == timedelta(hours=hours)
    with pytest.raises(RateLimited) as caught:
        parse_search(body("youtube", "error_quota.json"), host="h", now=now)
    assert caught.value.retry_after == timedelta(hours=hours)


def test_one_bad_item_does_not_lose_the_page() -> None:
    answer = tree("youtube", "search_list.json")
    answer["items"] += [None, {}, {"id": {"videoId": "../../etc"}}, {"id": "x", "snippet": 3}]
    listed = parse_search(json.dumps(answer).encode(), host="h", now=NOW)
    assert (len(listed.posts), listed.rejected) == (1, 4)


def test_terms_share_a_search() -> None:
    assert list(grouped(["澄嵐", "澄岚", "澄嵐", "PX Mart", 'a"b', "K-3"], 3)) == ['澄嵐|澄岚|"PX Mart"', '"a b"|"K-3"']
    assert list(grouped(["澄嵐", "", "  ", "x"], 1)) == ["澄嵐", "x"]
    long = [f"很長的品牌名稱第{n}號" for n in range(200)]
    groups = list(grouped(long, 20))
    assert [w for g in groups for w in g.split("|")] == long
    assert max(map(len, groups)) <= 400


def test_a_run(site: Server, youtube: YouTube) -> None:
    pages = run(youtube, "澄嵐", "澄岚")
    assert [(page.stream, len(page.posts), page.exhausted) for page in pages] == [
        ("澄嵐|澄岚", 1, True),
        ("comments AAAAAAAAAAA", 1, True),
    ]
    (search,) = asked(site, SEARCH)
    assert search == {"part": "snippet", "q": "澄嵐|澄岚", "type": "video", "order": "date", "maxResults": "50"}
    (comments,) = asked(site, COMMENTS)
    assert comments["videoId"] == "AAAAAAAAAAA"
    assert (comments["order"], comments["maxResults"], comments["textFormat"]) == ("time", "100", "plainText")
    assert {headers["x-goog-api-key"] for _, headers in site.seen} == {KEY}
    assert not any(KEY in path for path, _ in site.seen)


def test_the_next_run_begins_behind_the_last(site: Server, http: Http, youtube: YouTube) -> None:
    cursor = run(youtube)[-1].cursor
    site.seen.clear()
    source = YouTube("y", http, "YT_KEY", region="TW", language="zh-Hant", url=site.url(""))
    (page,) = run(source, cursor=cursor, since=NOW)
    assert page.exhausted
    (search,) = asked(site, SEARCH)
    assert search["publishedAfter"] == "2026-11-20T03:00:00Z"
    assert (search["regionCode"], search["relevanceLanguage"]) == ("TW", "zh-Hant")


def test_pages_follow_the_token(site: Server, http: Http, youtube: YouTube) -> None:
    long_token = "Q" * 900

    def route(request: BaseHTTPRequestHandler) -> Reply:
        token = dict(parse_qsl(urlsplit(request.path).query)).get("pageToken", "")
        answer = tree("youtube", "search_list.json")
        answer["nextPageToken"] = {"": long_token, long_token: "b"}.get(token)
        answer["items"][0]["id"]["videoId"] = f"AAAAAAAAAA{len(token) % 7}"
        answer["items"][0]["snippet"]["publishedAt"] = "2099-01-01T00:00:00Z"
        return json_reply(answer)

    site.routes[SEARCH] = route
    source = YouTube("y", http, "YT_KEY", pages=9, comments=0, url=site.url(""))
    pages = run(source, since=NOW)
    assert [page.exhausted for page in pages] == [False, False, True]
    pages = run(YouTube("y", http, "YT_KEY", pages=2, comments=0, url=site.url("")), since=NOW)
    assert [page.exhausted for page in pages] == [False, False]


def test_comments_are_read_back_to_the_last_reading(site: Server, http: Http, youtube: YouTube) -> None:
    site.routes[COMMENTS] = reply("youtube", "commentThreads_list.json")
    first = run(youtube)
    assert len(first[1:]) == youtube.comment_pages
    later = NOW + timedelta(days=2)
    again = list(youtube.fetch(Query(("澄嵐",), later), first[-1].cursor))
    assert len(again) == 2, "a page whose last comment was there at the first reading is the last"


def test_closed_comments_are_asked_for_once(site: Server, youtube: YouTube) -> None:
    site.routes[COMMENTS] = Reply(403, body("youtube", "error_comments_disabled.json"))
    pages = run(youtube)
    assert pages[1].exhausted
    later = NOW + timedelta(days=3)
    assert len(list(youtube.fetch(Query(("澄嵐",), later), pages[-1].cursor))) == 1
    assert len(asked(site, COMMENTS)) == 1


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (Reply(403, body("youtube", "error_quota.json")), RateLimited, "quotaExceeded"),
        (Reply(400, error(400, "keyInvalid")), NeedsCredentials, "keyInvalid"),
        (Reply(403, b"<html>"), Blocked, "HTTP 403"),
        (Reply(401, b""), NeedsCredentials, "HTTP 401"),
        (Reply(429, b""), RateLimited, "HTTP 429"),
        (Reply(404, b""), SourceError, "HTTP 404"),
        (Reply(500, error(500, "backendError")), SourceError, "HTTP 500"),
        (Reply(302, b"", {"Location": "https://elsewhere.example.test/"}), SourceError, "not followed"),
    ],
)
def test_refusals(site: Server, youtube: YouTube, answer: Reply, kind: type[SourceError], words: str) -> None:
    site.routes[SEARCH] = answer
    with pytest.raises(SourceError, match=words) as caught:
        run(youtube, "secretterm")
    assert type(caught.value) is kind
    assert "ecret" not in str(caught.value)
    assert len(site.seen) == 1


def test_without_a_key(site: Server, http: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("YT_KEY", raising=False)
    with pytest.raises(NeedsCredentials, match=r"the environment variable YT_KEY \(key_env\) is not set"):
        run(YouTube("y", http, "YT_KEY", url=site.url("")))
    with pytest.raises(NeedsCredentials, match="it wants a key"):
        run(YouTube("y", http, "", url=site.url("")))
    assert not site.seen


def test_recheck(site: Server, youtube: YouTube) -> None:
    """Counts of those that are there; gone only what YouTube itself does not find."""
    counts: dict[str, Any] = {"likeCount": "12", "commentCount": "3", "viewCount": "900"}
    site.routes[VIDEOS] = json_reply({"items": [{"id": "here0000000", "statistics": counts}, None]})

    def route(request: BaseHTTPRequestHandler) -> Reply:
        video = dict(parse_qsl(urlsplit(request.path).query))["videoId"]
        return Reply(404, error(404, "videoNotFound")) if video == "gone0000000" else json_reply({"items": []})

    site.routes[COMMENTS] = route
    posts = [Post("youtube", f"{name}0000000", "x") for name in ("here", "gone", "hide")]
    found = list(
        youtube.recheck([*posts, Post("youtube", "Ugx1", "y", page="here0000000"), Post("ptt", "1", "z")], NOW)
    )
    assert found == [
        Post("youtube", "here0000000", "x", engagement=Engagement(likes=12, comments=3)),
        Gone("youtube", "gone0000000"),
    ]
    assert asked(site, VIDEOS)[0]["id"] == "here0000000,gone0000000,hide0000000"
    assert isinstance(youtube, Rechecks)


@pytest.mark.parametrize("cursor", [{"newest": 3, "threads": "x"}, {"newest": {"澄嵐": {}}, "threads": [None]}])
def test_a_cursor_of_another_shape_is_no_obstacle(youtube: YouTube, cursor: Cursor) -> None:
    assert run(youtube, cursor=cursor)[0].exhausted


def test_settings(http: Http) -> None:
    where = "config.toml: sources.y"
    assert build("youtube", "y", {"key_env": "A", "region": "TW"}, http, where) == YouTube("y", http, "A", region="TW")
    for bad in ({}, {"key_env": "A", "region": "tw&x"}, {"key_env": "A", "together": 0}, {"key_env": "A", "key": "b"}):
        with pytest.raises(ConfigError, match=r"^config\.toml: sources\.y\.\w+: "):
            build("youtube", "y", bad, http, where)

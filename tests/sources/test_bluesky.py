from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from monitor.errors import Blocked, ConfigError, NeedsCredentials, RateLimited, SourceError
from monitor.model import Author, Engagement, Page, Query
from sources import Rechecks, build
from sources.bluesky import Bluesky
from sources.blueskyformat import error_code, parse, parse_session
from sources.http import Http
from tests.sources.loopback import NOW, Reply, Route, Server
from tests.sources.recorded import body, reply

LOGIN, REFRESH = "/xrpc/com.atproto.server.createSession", "/xrpc/com.atproto.server.refreshSession"
SEARCH, PROFILES = "/xrpc/app.bsky.feed.searchPosts", "/xrpc/app.bsky.actor.getProfiles"
PASSWORD = "abcd-s3cret"


def sample(name: str) -> bytes:
    return body("bluesky", name)


def view(number: int, **given: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(sample("searchPosts.json"))["posts"][0]
    at = (datetime(2026, 11, 1, tzinfo=UTC) + timedelta(minutes=number)).isoformat()
    record = found["record"] | {"createdAt": at} | given.pop("record", {})
    uri = f"at://did:plc:suisuiexampletestaaaaaaa/app.bsky.feed.post/{number}"
    return found | {"uri": uri, "indexedAt": at, "record": record} | given


def answer(*views: Any, cursor: str = "") -> Reply:
    return Reply(200, json.dumps({"posts": views, **({"cursor": cursor} if cursor else {})}).encode())


def one(**given: Any) -> Any:
    found = parse(answer(view(1, **given)).body, host="h")
    return found.posts[0] if found.posts else found


@pytest.fixture
def source(server: Server, http: Http, monkeypatch: pytest.MonkeyPatch) -> Bluesky:
    monkeypatch.setenv("BSKY_PASSWORD", PASSWORD)
    server.routes[LOGIN] = Reply(200, sample("createSession_200.json"))
    server.routes[SEARCH] = answer(view(1))
    return Bluesky("b", http, "monitor.example.test", "BSKY_PASSWORD", server.url().rstrip("/"), followers=False)


def ask(source: Bluesky, cursor: Any = None, *, since: datetime | None = None, terms: Any = ("澄嵐",)) -> list[Page]:
    return list(source.fetch(Query(terms, NOW, since), cursor or {}))


def refusal(source: Bluesky, kind: type[SourceError]) -> str:
    with pytest.raises(SourceError) as caught:
        ask(source)
    assert type(caught.value) is kind
    line = str(caught.value)
    assert not any(word in line for word in ("\n", "s3cret", "澄嵐", "xrpc", "eyJ"))
    return line.removeprefix("127.0.0.1: ")


def search_of(everything: list[dict[str, Any]], size: int = 100) -> Route:
    """A search over posts from new to old; its cursor is a position."""

    def found(request: BaseHTTPRequestHandler) -> Reply:
        start = int(parse_qs(urlsplit(request.path).query).get("cursor", ["0"])[0])
        end = start + size
        return answer(*everything[start:end], cursor=str(end) if end < len(everything) else "")

    return found


def paths(server: Server) -> list[str]:
    return [urlsplit(path).path for path, _ in server.seen]


def test_sample() -> None:
    found = parse(sample("searchPosts.json"), host="h")
    first, second = found.posts
    assert found.next == "25"
    assert found.rejected == 0
    assert first.platform == "bluesky"
    assert first.native_id == "at://did:plc:suisuiexampletestaaaaaaa/app.bsky.feed.post/3m6abcde2222"
    assert first.url == "https://bsky.app/profile/did:plc:suisuiexampletestaaaaaaa/post/3m6abcde2222"
    assert first.text == "澄嵐氣炸鍋冒煙那件事有人追蹤嗎 #澄嵐"
    assert first.author == Author("did:plc:suisuiexampletestaaaaaaa", "碎碎")
    assert first.published_at == datetime(2026, 11, 21, 2, 5, 6, 789000, tzinfo=UTC)
    assert first.engagement == Engagement(likes=7, reposts=2, comments=1)
    assert second.text == "Chenglan K3 recall? link below\n澄岚召回", "the card below is read too"
    assert second.author == Author("did:plc:gadgetexampletestaaaaaaa", "gadget.example.test")


def test_answer_of_a_real_server() -> None:
    """Recorded from the reference implementation's own server (``@atproto/dev-env``)."""
    (post,) = parse(sample("searchPosts_real_devenv.json"), host="h").posts
    assert post.text == "澄嵐氣炸鍋又冒煙了，客服找不到人"
    assert post.published_at == datetime(2026, 11, 21, 17, 59, 14, tzinfo=UTC)
    assert post.author
    assert post.author.name == "monitor.test"


def test_what_a_post_can_be() -> None:
    here = "at://did:plc:x/app.bsky.feed.post/"
    reply_to = {"parent": {"uri": here + "p", "cid": "c"}, "root": {"uri": here + "r", "cid": "c"}}
    post = one(record={"reply": reply_to, "text": "退錢 😡\n\n\n\n再說"})
    assert (post.kind, post.parent, post.root) == ("comment", here + "p", here + "r")
    assert post.text == "退錢 😡\n\n再說"
    assert one(record={"reply": {"parent": {"uri": "at://x"}}}).parent == ""
    trusted = {"did": "did:plc:x", "handle": "h", "verification": {"verifiedStatus": "valid"}, "followersCount": 5}
    assert one(author=trusted).author == Author("did:plc:x", "h", 5, "verified")
    repeated = one(embed={"external": {"title": "澄嵐氣炸鍋冒煙"}})
    assert repeated.text == "澄嵐氣炸鍋冒煙那件事有人追蹤嗎 #澄嵐"
    assert one(record={"text": ""}, embed={"external": {"title": "只有卡片"}}).text == "只有卡片"
    assert one(likeCount=None, replyCount="x", repostCount=2**80).engagement == Engagement()


@pytest.mark.parametrize(
    ("created", "indexed", "published"),
    [
        ("2099-01-01T00:00:00Z", "2026-11-21T02:00:00Z", datetime(2026, 11, 21, 2, tzinfo=UTC)),
        ("2026-11-21T09:00:00+08:00", "2026-11-21T02:00:00Z", datetime(2026, 11, 21, 1, tzinfo=UTC)),
        ("2026-11-21T01:00:00.1234567Z", "", datetime(2026, 11, 21, 1, 0, 0, 123456, tzinfo=UTC)),
        ("yesterday", "2026-11-21T02:00:00Z", datetime(2026, 11, 21, 2, tzinfo=UTC)),
        ("", "", None),
        ("0000-01-01T00:00:00Z", "x", None),
    ],
)
def test_the_claimed_time_is_never_later_than_the_first_sight(
    created: str, indexed: str, published: datetime | None
) -> None:
    assert one(record={"createdAt": created}, indexedAt=indexed).published_at == published


@pytest.mark.parametrize(
    "given",
    [
        {"record": {"text": " "}},
        {"author": {"did": "did:plc:x", "handle": "h", "labels": [{"val": "!no-unauthenticated"}]}},
    ],
)
def test_what_is_not_for_us_is_left_out(given: dict[str, Any]) -> None:
    left = one(**given)
    assert (left.posts, left.rejected) == ((), 0)


@pytest.mark.parametrize(
    "bad",
    [
        None,
        3,
        [],
        {},
        view(9, uri="at://did:plc:x/app.bsky.feed.like/1"),
        view(9, uri='at://did:plc:x/app.bsky.feed.post/"><script>'),
        view(9, author=None),
        view(9, record={"text": None}),
    ],
)
def test_one_bad_post_costs_no_other(bad: Any) -> None:
    found = parse(answer(view(2), bad, view(1)).body, host="h")
    assert len(found.posts) == 2
    assert found.rejected == 1


@pytest.mark.parametrize("came", [b"", b"<html>", b"[]", b"{}", b'{"posts": {}}', b"[" * 100_000])
def test_what_came_instead(came: bytes) -> None:
    with pytest.raises(SourceError, match=r"^h: "):
        parse(came, host="h")
    with pytest.raises(SourceError, match=r"^h: "):
        parse_session(came, host="h")
    assert error_code(came, host="h") == ""


def test_login_search_and_cursor(server: Server, source: Bluesky) -> None:
    server.routes[SEARCH] = search_of([view(n) for n in range(250, 0, -1)])
    pages = ask(source)
    assert [len(page.posts) for page in pages] == [100, 100, 50]
    assert [page.exhausted for page in pages] == [False, False, True]
    assert json.loads(server.bodies[0]) == {"identifier": "monitor.example.test", "password": PASSWORD}
    assert paths(server) == [LOGIN, SEARCH, SEARCH, SEARCH]
    asked = parse_qs(urlsplit(server.seen[2][0]).query)
    assert asked == {"q": ["澄嵐"], "sort": ["latest"], "limit": ["100"], "cursor": ["100"]}
    assert server.seen[2][1]["authorization"] == "Bearer eyJ.fake.access"
    assert not any(secret in f"{pages}{source}" for secret in ("eyJ", "s3cret")), "neither cursor nor source shows any"

    server.routes[SEARCH] = search_of([view(n) for n in range(300, 0, -1)])
    since = datetime(2026, 11, 1, 4, tzinfo=UTC)
    again = ask(replace(source, lang="zh"), json.loads(json.dumps(pages[-1].cursor)), since=since)
    assert [(len(page.posts), page.exhausted) for page in again] == [(100, True)]
    asked = parse_qs(urlsplit(server.seen[-1][0]).query)
    assert (asked["since"], asked["lang"]) == (["2026-11-01T03:00:00Z"], ["zh"])


def test_no_more_pages_than_allowed_and_no_claim_to_have_heard_all(server: Server, source: Bluesky) -> None:
    server.routes[SEARCH] = search_of([view(n) for n in range(500, 0, -1)])
    assert [page.exhausted for page in ask(replace(source, pages=2))] == [False, False]


def test_a_server_that_repeats_its_cursor_is_left(server: Server, source: Bluesky) -> None:
    server.routes[SEARCH] = Reply(200, sample("searchPosts.json"))
    assert [page.exhausted for page in ask(source)] == [False, False]


def test_a_post_dated_2099_deafens_nothing(server: Server, source: Bluesky) -> None:
    odd = view(90, record={"createdAt": "2099-01-01T00:00:00Z"}, indexedAt="2099-01-01T00:00:00Z")
    server.routes[SEARCH] = search_of([odd, *(view(n) for n in range(80, 0, -1))], 50)
    cursor = ask(source)[-1].cursor
    server.routes[SEARCH] = search_of([view(95), odd, *(view(n) for n in range(80, 0, -1))], 50)
    again = ask(source, cursor)
    assert again[0].posts[0].native_id.endswith("/95")
    assert again[0].exhausted


def test_one_login_serves_many_runs(server: Server, source: Bluesky) -> None:
    for _ in range(3):
        ask(source, terms=("澄嵐", "澄岚"))
    assert paths(server).count(LOGIN) == 1


def expired_until_renewed(request: BaseHTTPRequestHandler) -> Reply:
    if request.headers["Authorization"] == "Bearer new.access":
        return answer(view(1))
    return Reply(400, sample("error_400_expired.json"))


def test_a_login_that_ran_out_is_refreshed_not_repeated(server: Server, source: Bluesky) -> None:
    server.routes[SEARCH] = expired_until_renewed
    server.routes[REFRESH] = Reply(200, b'{"accessJwt": "new.access", "refreshJwt": "new.refresh", "did": "d"}')
    assert len(ask(source)[0].posts) == 1
    assert paths(server) == [LOGIN, SEARCH, REFRESH, SEARCH]
    assert server.seen[2][1]["authorization"] == "Bearer eyJ.fake.refresh"
    assert server.bodies[1] == b""


def test_when_the_refresh_token_ran_out_too_there_is_one_more_login(server: Server, source: Bluesky) -> None:
    ask(source)
    server.routes[SEARCH] = expired_until_renewed
    server.routes[REFRESH] = Reply(400, sample("error_400_expired.json"))
    server.routes[LOGIN] = Reply(200, b'{"accessJwt": "new.access", "refreshJwt": "new.refresh"}')
    assert len(ask(source)[0].posts) == 1
    assert paths(server)[2:] == [SEARCH, REFRESH, LOGIN, SEARCH]


def test_a_server_that_never_takes_the_login_is_asked_twice_only(server: Server, source: Bluesky) -> None:
    server.routes[SEARCH] = Reply(400, sample("error_400_expired.json"))
    server.routes[REFRESH] = Reply(401)
    assert refusal(source, NeedsCredentials) == "HTTP 400 ExpiredToken: the login is not accepted"
    assert paths(server) == [LOGIN, SEARCH, REFRESH, LOGIN, SEARCH]


@pytest.mark.parametrize(
    ("path", "came", "kind", "line"),
    [
        (LOGIN, Reply(401, sample("error_401_bad_password.json")), NeedsCredentials,
         "HTTP 401: identifier and the app password in BSKY_PASSWORD are not accepted"),
        (LOGIN, Reply(401, b'{"error": "AuthFactorTokenRequired", "message": "x"}'), NeedsCredentials,
         "BSKY_PASSWORD must hold an app password, not the account's own"),
        (LOGIN, Reply(200, b'{"accessJwt": "a", "refreshJwt": "b", "active": false, "status": "suspended"}'),
         NeedsCredentials, "the account is not active"),
        (LOGIN, Reply(200, b'{"accessJwt": "a\\nb", "refreshJwt": "b"}'), SourceError, "JSON, but not a session"),
        (LOGIN, Reply(400, sample("error_400_invalid.json")), SourceError, "HTTP 400 InvalidRequest"),
        (LOGIN, Reply(500), SourceError, "HTTP 500"),
        (LOGIN, Reply(302, b"", {"Location": "http://evil.example.test/"}), SourceError,
         "redirects to evil.example.test; not followed, for the request holds a body"),
        (SEARCH, Reply(400, sample("error_400_invalid.json")), SourceError, "HTTP 400 InvalidRequest"),
        (SEARCH, Reply(400, b'{"error": "<script>s3cret", "message": "x"}'), SourceError, "HTTP 400"),
        (SEARCH, reply("bluesky", "error_403_public_host.http"), Blocked, "HTTP 403"),
        (SEARCH, Reply(200, b"<html>"), SourceError, "an HTML page, not JSON"),
        (SEARCH, Reply(302, b"", {"Location": "http://localhost:1/"}), SourceError,
         "redirects to localhost; not followed, for the request holds credentials"),
    ],
)  # fmt: skip
def test_refusals(server: Server, source: Bluesky, path: str, came: Reply, kind: type[SourceError], line: str) -> None:
    server.routes[path] = came
    assert refusal(source, kind) == line


@pytest.mark.parametrize("path", [LOGIN, SEARCH])
def test_a_rate_limit_ends_when_its_window_does(server: Server, source: Bluesky, path: str) -> None:
    limited = reply("bluesky", "error_429.http")
    server.routes[path] = limited
    ends = datetime.fromtimestamp(int(limited.headers["RateLimit-Reset"]), UTC)
    with pytest.raises(RateLimited) as caught:
        list(source.fetch(Query(("澄嵐",), ends - timedelta(minutes=4)), {}))
    assert caught.value.retry_after == timedelta(minutes=4)


def test_a_password_that_is_not_set(server: Server, source: Bluesky, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BSKY_PASSWORD")
    assert "the environment variable BSKY_PASSWORD (password_env) is not set" in refusal(source, NeedsCredentials)
    assert not server.seen


def test_followers_are_asked_for_25_at_a_time(server: Server, source: Bluesky) -> None:
    views = [view(n, author={"did": f"did:plc:a{n % 30}", "handle": "h"}) for n in range(60)]
    server.routes[SEARCH] = answer(*views)

    def profiles(request: BaseHTTPRequestHandler) -> Reply:
        actors = parse_qs(urlsplit(request.path).query)["actors"]
        assert len(actors) <= 25
        known = [{"did": did, "followersCount": int(did[9:]) * 10} for did in actors if did != "did:plc:a7"]
        return Reply(200, json.dumps({"profiles": [*known, None, {"did": 3}]}).encode())

    server.routes[PROFILES] = profiles
    (page,) = ask(replace(source, followers=True))
    assert paths(server).count(PROFILES) == 2
    counts = {post.author.id: post.author.followers for post in page.posts if post.author}
    assert counts["did:plc:a29"] == 290
    assert counts["did:plc:a7"] is None
    server.routes[PROFILES] = Reply(500)
    (page,) = ask(replace(source, followers=True))
    assert len(page.posts) == 60, "the posts are what was asked for"
    server.routes[PROFILES] = Reply(429)
    refusal(replace(source, followers=True), RateLimited)


def test_recheck(server: Server, source: Bluesky) -> None:
    old = parse(answer(*(view(n) for n in range(30))).body, host="h").posts
    server.routes["/xrpc/app.bsky.feed.getPosts"] = answer(view(3, likeCount=99))
    assert isinstance(source, Rechecks)
    seen = list(source.recheck(old, NOW))
    assert [(post.native_id, post.engagement.likes) for post in seen] == [(old[3].native_id, 99)] * 2
    assert [len(parse_qs(urlsplit(path).query)["uris"]) for path, _ in server.seen[1:]] == [25, 5]


def test_settings(http: Http) -> None:
    where = "config.toml: sources.b"
    built = build("bluesky", "b", {"identifier": "a.example", "password_env": "P"}, http, where)
    assert built == Bluesky("b", http, "a.example", "P", "https://bsky.social")
    with pytest.raises(ConfigError, match=r"sources\.b\.session: unknown key"):
        build("bluesky", "b", {"identifier": "a", "password_env": "P", "session": {}}, http, where)
    with pytest.raises(ConfigError, match=r"sources\.b\.password_env: must be some text, not empty"):
        build("bluesky", "b", {"identifier": "a", "password_env": ""}, http, where)

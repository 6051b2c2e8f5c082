from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from monitor.errors import Blocked, NeedsCredentials, RateLimited, SourceError
from monitor.model import Author, Engagement, Gone, Page, Query
from sources import Rechecks, build
from sources.http import Http
from sources.mastodon import Mastodon
from sources.mastodonformat import next_max_id, parse
from tests.sources.loopback import NOW, Reply, Server
from tests.sources.recorded import body as recorded
from tests.sources.recorded import reply

TAG = "/api/v1/timelines/tag/%E6%BE%84%E5%B5%90"
WANTED = "it shows this only with a token; see token_env"
LACKING = "the token in MASTODON_TOKEN may not do this; it needs read:search"


def sample(name: str) -> bytes:
    return recorded("mastodon", name)


def status(number: int, **given: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(sample("timelines_tag.json"))[0]
    at = datetime(2026, 11, 1, tzinfo=UTC) + timedelta(minutes=number)
    return found | {"id": str(1000 + number), "created_at": at.isoformat().replace("+00:00", "Z"), **given}


def one(**given: Any) -> Any:
    parsed = parse(json.dumps([status(1, **given)]).encode(), host="h", platform="p")
    return parsed.posts[0] if parsed.posts else parsed


@pytest.fixture
def source(server: Server, http: Http) -> Mastodon:
    return Mastodon("m", http, server.url().rstrip("/"), platform="social.example.test")


def ask(source: Mastodon, cursor: Any = None, *, since: datetime | None = None, terms: Any = ("澄嵐",)) -> list[Page]:
    return list(source.fetch(Query(terms, NOW, since), cursor or {}))


def refusal(source: Mastodon, kind: type[SourceError]) -> str:
    with pytest.raises(SourceError) as caught:
        ask(source)
    assert type(caught.value) is kind
    line = str(caught.value)
    assert not any(secret in line for secret in ("\n", "s3cret", "澄嵐", "/api"))
    return line


def timeline(statuses: list[dict[str, Any]], size: int = 40) -> Callable[[BaseHTTPRequestHandler], Reply]:
    """An instance's list: from new to old, before ``max_id``, with its Link header."""

    def answer(request: BaseHTTPRequestHandler) -> Reply:
        asked = parse_qs(urlsplit(request.path).query)
        before = int(asked.get("max_id", ["99999999"])[0])
        found = [s for s in statuses if int(s["id"]) < before][:size]
        older = f'<https://x.example.test/?max_id={found[-1]["id"]}>; rel="next", ' if found else ""
        return Reply(
            200, json.dumps(found).encode(), {"Link": older + '<https://x.example.test/?min_id=1>; rel="prev"'}
        )

    return answer


@pytest.mark.parametrize("name", ["timelines_tag.json", "search_v2.json"])
def test_samples(name: str) -> None:
    parsed = parse(sample(name), host="h", platform="social.example.test")
    first, second = parsed.posts
    assert first.platform == "social.example.test"
    assert first.native_id == "115900000000000002"
    assert first.url == "https://social.example.test/@suisui/115900000000000002"
    assert first.text == "澄嵐的氣炸鍋又冒煙了 #澄嵐\n客服完全找不到人\n第二段"
    assert first.author == Author("suisui", "Suisui", 322)
    assert first.published_at == datetime(2026, 11, 21, 2, 3, 4, 567000, tzinfo=UTC)
    assert first.engagement == Engagement(likes=11, reposts=5, comments=2)
    assert (first.kind, first.parent, first.root) == ("post", "", "")
    assert second.text == "廣告\n澄岚新品发布会直播地址", "the warning stands in front"
    assert parsed.rejected == 0


def test_what_a_status_can_be() -> None:
    reply = one(in_reply_to_id="7")
    assert (reply.kind, reply.parent, reply.root) == ("comment", "7", "7")
    shared = one(content="", reblog=status(2, id="77", content="<p>原文 😡</p>"))
    assert (shared.kind, shared.parent, shared.text) == ("repost", "77", "原文 😡")
    assert one(url=None).url == "https://social.example.test/users/suisui/statuses/115900000000000002"
    assert one(url="javascript:alert(1)", uri="x").url == ""
    poll = one(poll={"options": [{"title": "退貨", "votes_count": 1}, {"title": None}, 3, {"title": "再等等"}]})
    assert poll.text.endswith("第二段\n退貨\n再等等")
    assert one(created_at="yesterday").published_at is None
    assert one(account={"acct": "A@B.example", "followers_count": "many"}).author == Author(
        "a@b.example", "a@b.example"
    )
    assert one(account=None).author is None


@pytest.mark.parametrize(
    "given",
    [
        {"visibility": "private"},
        {"visibility": "direct"},
        {"visibility": None},
        {"content": "<p></p>"},
        {"account": {"acct": "a", "noindex": True}},
    ],
)
def test_what_is_not_for_us_is_left_out(given: dict[str, Any]) -> None:
    left = one(**given)
    assert (left.posts, left.rejected, left.ids) == ((), 0, ("1001",))


@pytest.mark.parametrize("bad", [None, 3, "x", [], {}, {"id": "1"}, {"id": True, "content": "x"}, {"content": "x"}])
def test_one_bad_status_costs_no_other(bad: Any) -> None:
    parsed = parse(json.dumps([status(2), bad, status(1)]).encode(), host="h", platform="p")
    assert [post.native_id for post in parsed.posts] == ["1002", "1001"]
    assert parsed.rejected == 1


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "an empty answer, not JSON"),
        (b"<!doctype html><p>log in", "an HTML page, not JSON"),
        (b"hello", "an answer that is not JSON"),
        (b"{}", "JSON, but not a list of statuses"),
        (b'{"error": "x"}', "JSON, but not a list of statuses"),
        (b"3", "JSON, but not a list of statuses"),
        (b"[" * 100_000, "JSON that cannot be read"),
    ],
)
def test_what_came_instead(body: bytes, words: str) -> None:
    with pytest.raises(SourceError, match=rf"^h: {words}$"):
        parse(body, host="h", platform="p")


def test_the_next_page_of_the_sample() -> None:
    header = next(line for line in sample("timelines_tag.headers").decode().splitlines() if line.startswith("Link: "))
    assert next_max_id(header.removeprefix("Link: ")) == "115900000000000001"
    for none in ("", "<x>", '<https://x/?min_id=1>; rel="prev"', '<https://[>; rel="next"', '<https://x/>; rel="next"'):
        assert next_max_id(none) == ""


def test_tags_are_made_of_the_terms(server: Server, source: Mastodon) -> None:
    server.routes[TAG] = timeline([status(1)])
    server.routes["/api/v1/timelines/tag/chenglank3"] = timeline([status(2)])
    pages = ask(source, terms=("澄嵐", "Chenglan K3", "123", "!"))
    assert [page.stream for page in pages] == ["#澄嵐", "#澄嵐", "#chenglank3", "#chenglank3"]
    assert [len(page.posts) for page in pages] == [1, 0, 1, 0]
    assert pages[-1].exhausted
    asked = parse_qs(urlsplit(server.seen[0][0]).query)
    assert asked == {"limit": ["40"], "local": ["false"]}
    assert "authorization" not in server.seen[0][1]
    server.routes["/api/v1/timelines/tag/only"] = timeline([status(3)])
    assert {page.stream for page in ask(replace(source, tags=("#only",), local=True))} == {"#only"}
    assert "local=true" in server.seen[-1][0]


def test_pages_are_read_back_to_what_was_heard(server: Server, source: Mastodon) -> None:
    everything = [status(n) for n in range(200, 0, -1)]
    server.routes[TAG] = timeline(everything[100:])
    first = ask(source)
    assert [post.native_id for page in first for post in page.posts] == [s["id"] for s in everything[100:]]
    assert first[-1].exhausted
    assert not any(page.exhausted for page in first[:-1])
    cursor = json.loads(json.dumps(first[-1].cursor))
    server.routes[TAG] = timeline(everything[50:])
    second = ask(source, cursor, since=datetime(2026, 11, 1, 1, 40, tzinfo=UTC))
    assert [len(page.posts) for page in second] == [40, 40]
    assert [page.exhausted for page in second] == [False, True], "the second page holds what was known"
    third = ask(source, second[-1].cursor)
    assert [len(page.posts) for page in third] == [40]
    server.routes[TAG] = timeline(everything)
    by_time = ask(source, {}, since=datetime.fromisoformat(everything[60]["created_at"]))
    assert [len(page.posts) for page in by_time] == [40, 40]


def test_no_more_pages_than_allowed_and_no_claim_to_have_heard_all(server: Server, source: Mastodon) -> None:
    server.routes[TAG] = timeline([status(n) for n in range(500, 0, -1)])
    pages = ask(replace(source, pages=2), since=NOW - timedelta(days=300))
    assert [page.exhausted for page in pages] == [False, False]


def test_a_server_that_repeats_its_page_is_left(server: Server, source: Mastodon) -> None:
    server.routes[TAG] = Reply(200, sample("timelines_tag.json"))
    pages = ask(source)
    assert [page.exhausted for page in pages] == [False]
    assert len(server.seen) == 2


def test_a_post_dated_2099_deafens_nothing(server: Server, source: Mastodon) -> None:
    odd = status(150, created_at="2099-01-01T00:00:00Z")
    server.routes[TAG] = timeline([odd, *(status(n) for n in range(100, 0, -1))])
    cursor = ask(source)[-1].cursor
    server.routes[TAG] = timeline([status(160), odd, *(status(n) for n in range(100, 0, -1))])
    again = ask(source, cursor, since=datetime(2026, 11, 1, 1, 40, tzinfo=UTC))
    assert again[0].posts[0].native_id == "1160"
    assert again[0].exhausted


def test_search_with_a_token(server: Server, source: Mastodon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASTODON_TOKEN", "s3cret")
    server.routes[TAG] = timeline([status(1)])
    everything = json.loads(sample("search_v2.json"))

    def search(request: BaseHTTPRequestHandler) -> Reply:
        older = "max_id" in request.path
        return Reply(200, json.dumps(everything | ({"statuses": []} if older else {})).encode())

    server.routes["/api/v2/search"] = search
    pages = ask(replace(source, token_env="MASTODON_TOKEN"))
    assert [(page.stream, len(page.posts)) for page in pages][2:] == [("澄嵐", 2), ("澄嵐", 0)]
    assert pages[-1].exhausted
    path, headers = server.seen[-1]
    assert headers["authorization"] == "Bearer s3cret"
    assert "max_id=115900000000000001" in path
    assert unquote(path).startswith("/api/v2/search?q=澄嵐&type=statuses&limit=40")
    assert "s3cret" not in repr(pages) + repr(source)


def test_a_token_that_is_not_set(server: Server, source: Mastodon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MASTODON_TOKEN", raising=False)
    assert "MASTODON_TOKEN" in refusal(replace(source, token_env="MASTODON_TOKEN"), NeedsCredentials)
    assert not server.seen


@pytest.mark.parametrize(
    ("code", "name", "token", "kind", "line"),
    [
        (401, "error_401.json", True, NeedsCredentials, "HTTP 401: the token in MASTODON_TOKEN is not accepted"),
        (401, "error_401.json", False, NeedsCredentials, f"HTTP 401: {WANTED}"),
        (422, "error_422_public_off.json", False, NeedsCredentials, f"HTTP 422: {WANTED}"),
        (422, "error_422_public_off.json", True, SourceError, "HTTP 422"),
        (404, "error_404.json", False, SourceError, "HTTP 404"),
        (403, "error_401.json", True, NeedsCredentials, f"HTTP 403: {LACKING}"),
        (403, "", False, Blocked, "HTTP 403"),
        (403, "", True, Blocked, "HTTP 403"),
        (500, "", False, SourceError, "HTTP 500"),
    ],
)  # fmt: skip
def test_refusals(
    server: Server, source: Mastodon, monkeypatch: pytest.MonkeyPatch, code: int, name: str, token: bool,
    kind: type[SourceError], line: str,
) -> None:  # fmt: skip
    monkeypatch.setenv("MASTODON_TOKEN", "s3cret")
    server.routes[TAG] = Reply(code, sample(name) if name else b"<html>no")
    assert refusal(replace(source, token_env="MASTODON_TOKEN" if token else ""), kind) == f"127.0.0.1: {line}"


def test_a_rate_limit_ends_when_its_window_does(server: Server, source: Mastodon) -> None:
    server.routes[TAG] = reply("mastodon", "error_429.http")
    with pytest.raises(RateLimited, match="HTTP 429") as caught:
        list(source.fetch(Query(("澄嵐",), datetime(2026, 11, 21, 2, 0, tzinfo=UTC)), {}))
    assert caught.value.retry_after == timedelta(minutes=10, microseconds=112233)


def test_one_tag_that_fails_silences_no_other(server: Server, source: Mastodon) -> None:
    server.routes["/api/v1/timelines/tag/b"] = timeline([status(1)])
    server.routes[TAG] = Reply(500)
    pages = source.fetch(Query(("澄嵐", "b"), NOW), {})
    assert len(next(pages).posts) == 1
    with pytest.raises(SourceError, match="HTTP 500"):
        list(pages)


def access(local: str, remote: str) -> Reply:
    feeds = {"local": local, "remote": remote}
    return Reply(200, json.dumps({"configuration": {"timelines_access": {"hashtag_feeds": feeds}}}).encode())


@pytest.mark.parametrize(
    ("instance", "local", "kind"),
    [
        (access("disabled", "disabled"), False, Blocked),
        (access("public", "disabled"), False, None),
        (access("disabled", "public"), True, Blocked),
        (access("authenticated", "authenticated"), False, NeedsCredentials),
        (access("authenticated", "disabled"), False, NeedsCredentials),
        (access("public", "public"), False, None),
        (Reply(200, b"{}"), False, None),
        (Reply(404), False, None),
        (Reply(500), False, SourceError),
    ],
)
def test_an_empty_list_is_not_taken_for_silence_unasked(
    server: Server, source: Mastodon, instance: Reply, local: bool, kind: type[SourceError] | None
) -> None:
    server.routes[TAG] = server.routes["/api/v1/timelines/tag/b"] = Reply(200, b"[]")
    server.routes["/api/v2/instance"] = instance
    here = replace(source, local=local)
    if kind:
        refusal(here, kind)
    else:
        pages = ask(here, terms=("澄嵐", "b"))
        assert [(page.posts, page.exhausted) for page in pages] == [((), True), ((), True)]
        assert [path for path, _ in server.seen].count("/api/v2/instance") == 1


def test_recheck(server: Server, source: Mastodon) -> None:
    host = server.url("", "127.0.0.1")
    here = [one(id=str(1000 + n), url=f"{host}/@a/{n}") for n in (1, 2, 3)]
    elsewhere = replace(here[0], native_id="44", url="https://other.example.test/@b/44")
    server.routes["/api/v1/statuses/1001"] = Reply(200, json.dumps(status(1, favourites_count=99)).encode())
    server.routes["/api/v1/statuses/1002"] = server.routes["/api/v1/statuses/44"] = Reply(404, sample("error_404.json"))
    server.routes["/api/v1/statuses/1003"] = Reply(200, json.dumps(status(3, visibility="private")).encode())
    assert isinstance(source, Rechecks)
    seen, gone = source.recheck([here[0], here[1], elsewhere, here[2]], NOW)
    assert seen.engagement.likes == 99  # type: ignore[union-attr]
    assert gone == Gone("p", "1002"), "a copy of another instance's post that is not kept says nothing"
    server.routes["/api/v1/statuses/1001"] = Reply(404, b"<html>proxy")
    with pytest.raises(SourceError, match="HTTP 404"):
        list(source.recheck(here, NOW))


def test_settings(http: Http) -> None:
    where = "config.toml: sources.m"
    built = build("mastodon", "m", {"url": "https://g0v.example/", "tags": ["a"], "pages": 3}, http, where)
    assert built == Mastodon("m", http, "https://g0v.example", ("a",), pages=3)

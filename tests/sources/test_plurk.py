from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from monitor.errors import Blocked, RateLimited, SourceError
from monitor.model import Page, Post, Query
from sources import build
from sources.http import Http
from sources.plurk import Parsed, Plurk, address, months, parse
from tests.sources import recorded
from tests.sources.loopback import NOW, Reply, Server

PATH = "/Search/search2"


def answer(*items: object, **more: Any) -> bytes:
    return json.dumps({"users": {}, "plurks": items, "has_more": False, "error": None, **more}).encode()


def item(number: int = 1, **more: Any) -> dict[str, Any]:
    return {"plurk_id": number, "owner_id": 9, "posted": "Fri, 20 Nov 2026 12:20:00 GMT", "content_raw": "x", **more}


def read(body: bytes) -> Parsed:
    return parse(body, host="www.plurk.com")


def one(**more: Any) -> Post:
    (post,) = read(answer(item(**more))).posts
    return post


@pytest.fixture
def plurk(server: Server, http: Http) -> Plurk:
    return Plurk("pl", http, url=server.url("").rstrip("/"))


def fetch(source: Plurk, *terms: str, since: datetime | None = None) -> list[Page]:
    return list(source.fetch(Query(terms or ("澄嵐",), NOW, since), {}))


def asked(server: Server) -> list[tuple[str, str, str]]:
    queries = [parse_qs(urlsplit(path).query) for path, _ in server.seen]
    return [(q["query"][0], q["start_date"][0], q["end_date"][0]) for q in queries]


def test_sample() -> None:
    found = read(recorded.body("plurk", "search2.json"))
    (post,) = found.posts
    assert (post.platform, post.native_id, post.kind) == ("plurk", "355000000000001", "post")
    assert post.text == "澄嵐氣炸鍋冒煙 (angry)"
    assert post.published_at == datetime(2026, 11, 20, 12, 20, tzinfo=UTC)
    assert post.author
    assert (post.author.id, post.author.name) == ("9000001", "碎碎")
    assert (post.engagement.likes, post.engagement.reposts, post.engagement.comments) == (3, 1, 12)
    assert (found.more, found.rejected) == (False, 0)


@pytest.mark.parametrize("number", [0, 1, 35, 36, 355000000000001, 10**20 - 1])
def test_addresses_are_in_base_36(number: int) -> None:
    assert address(number).startswith("https://www.plurk.com/p/")
    assert int(address(number).rpartition("/")[2], 36) == number


def test_text() -> None:
    assert one(content_raw="一\n二 <3").text == "一\n二 <3", "as typed: this is no markup"
    assert one(content_raw="", content="一<br />二 <img alt='(怒)'>&lt;").text == "一\n二 (怒)<"
    assert one(content_raw=None, content="只有這個").text == "只有這個"


@pytest.mark.parametrize(
    ("posted", "moment"),
    [
        ("Fri, 20 Nov 2026 23:20:00 +0800", datetime(2026, 11, 20, 15, 20, tzinfo=UTC)),
        ("Thu, 31 Dec 2026 23:59:59 GMT", datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("", None),
        (None, None),
        ("yesterday", None),
    ],
)
def test_times(posted: object, moment: datetime | None) -> None:
    assert one(posted=posted).published_at == moment


def test_authors() -> None:
    assert one(owner_id=None, user_id="8").author
    assert one(anonymous=True).author is None
    assert one(owner_id=None).author is None
    people = {"9": {"nick_name": "suisui", "display_name": ""}}
    author = read(answer(item(), users=people)).posts[0].author
    assert author
    assert author.name == "suisui"


def test_bad_items_are_counted_and_lose_nothing() -> None:
    bad = [None, [], {}, item("../x"), item(content_raw="", content=""), item(10**30)]  # type: ignore[arg-type]
    found = read(answer(*bad, item(7), item(8, posted="Fri, 20 Nov 2026 13:20:00 GMT")))
    assert [post.native_id for post in found.posts] == ["8", "7"], "newest first"
    assert found.rejected == len(bad)


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        (b"", SourceError, "an empty answer, not JSON"),
        (answer(error="too-many-requests"), SourceError, 'the search failed: "too-many-requests"'),
        (answer(error={"text": "secret"}), SourceError, "the search failed"),
        (answer(error="https://x/?token=secret"), SourceError, "the search failed"),
        (b'{"plurks": {}}', SourceError, "JSON, but not a list of plurks"),
        (b'{"plurks": [', SourceError, "JSON that cannot be read"),
        (b"plurk", SourceError, "an answer that is not JSON"),
        (b"<html>captcha</html>", Blocked, "a page that asks for proof of being human, not JSON"),
    ],
)
def test_what_came_instead(body: bytes, kind: type[SourceError], words: str) -> None:
    with pytest.raises(SourceError) as caught:
        read(body)
    assert (type(caught.value), str(caught.value)) == (kind, f"www.plurk.com: {words}")


@pytest.mark.parametrize(
    ("since", "now", "spans"),
    [
        ("2026-11-20", "2026-11-21", ["2026/11-2026/11"]),
        ("2026-11-01", "2026-11-21", ["2026/11-2026/11", "2026/10-2026/10"]),
        ("2026-11-20", "2026-11-30", ["2026/11-2026/12"]),
        ("2026-12-31", "2027-01-01", ["2027/01-2027/01", "2026/12-2026/12"]),
        ("2026-09-15", "2026-11-21", ["2026/11-2026/11", "2026/10-2026/10", "2026/09-2026/09"]),
        ("2026-12-20", "2026-11-21", ["2026/11-2026/11"]),
    ],
)
def test_months(since: str, now: str, spans: list[str]) -> None:
    moments = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (since, now))
    assert ["-".join(span) for span in months(*moments)] == spans


def test_fetch_posts_one_question_a_term(server: Server, plurk: Plurk) -> None:
    server.routes[PATH] = Reply(200, recorded.body("plurk", "search2.json"))
    pages = fetch(plurk, "澄嵐", "A&B", "澄嵐")
    assert asked(server) == [("澄嵐", "2026/11", "2026/11"), ("A&B", "2026/11", "2026/11")]
    assert server.bodies == [b"", b""]
    assert [(len(page.posts), page.exhausted, page.stream) for page in pages] == [(1, True, "澄嵐"), (1, True, "A&B")]
    assert dict(pages[0].cursor) == {}


def test_what_the_search_holds_back_is_told(server: Server, plurk: Plurk) -> None:
    server.routes[PATH] = Reply(200, answer(item(), has_more=True))
    assert [page.exhausted for page in fetch(plurk)] == [False]

    def newest_is_cut(request: BaseHTTPRequestHandler) -> Reply:
        return Reply(200, answer(item(), has_more="2026%2F11" in request.path))

    server.routes[PATH] = newest_is_cut
    assert [page.exhausted for page in fetch(plurk, since=NOW - timedelta(days=40))] == [False, False]


def test_backfill_asks_month_by_month_and_is_bounded(server: Server, plurk: Plurk) -> None:
    server.routes[PATH] = Reply(200, answer(item()))
    assert [page.exhausted for page in fetch(plurk, since=NOW - timedelta(days=40))] == [False, True]
    server.seen.clear()
    assert [page.exhausted for page in fetch(plurk, since=NOW - timedelta(days=400))] == [False] * 3
    assert [start for _, start, _ in asked(server)] == ["2026/11", "2026/10", "2026/09"]


def test_a_plurk_dated_2099_deafens_nothing(server: Server, plurk: Plurk) -> None:
    server.routes[PATH] = Reply(200, answer(item(posted="Thu, 01 Jan 2099 00:00:00 GMT")))
    fetch(plurk)
    (page,) = fetch(plurk, since=NOW)
    assert page.exhausted
    assert asked(server)[1] == asked(server)[0]


def test_one_failing_term_does_not_silence_the_others(server: Server, plurk: Plurk) -> None:
    def by_term(request: BaseHTTPRequestHandler) -> Reply:
        return Reply(500) if "query=a&" in request.path else Reply(200, answer(item()))

    server.routes[PATH] = by_term
    run = plurk.fetch(Query(("a", "b"), NOW), {})
    assert next(run).stream == "b"
    with pytest.raises(SourceError, match=r"^127\.0\.0\.1: HTTP 500$"):
        next(run)


def test_a_refusal_ends_the_run(server: Server, plurk: Plurk) -> None:
    server.routes[PATH] = Reply(429, b"", {"Retry-After": "60"})
    with pytest.raises(RateLimited) as caught:
        fetch(plurk, "a", "b")
    assert caught.value.retry_after == timedelta(minutes=1)
    assert len(server.seen) == 1


def test_it_needs_no_settings(http: Http) -> None:
    assert build("plurk", "pl", {}, http, "config.toml: sources.pl") == Plurk("pl", http)

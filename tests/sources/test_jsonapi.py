"""``json_api`` against the samples of a vendor and a real server on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest

from monitor.errors import Blocked, ConfigError, NeedsCredentials, RateLimited, SourceError
from monitor.model import Author, Engagement, Page, Query
from sources import build
from sources.http import Http
from sources.jsonapi import JsonApi
from sources.jsonmapping import Fields, Parsed, Shape, parse
from tests.sources.loopback import NOW, Reply, Route, Server
from tests.sources.recorded import reply as recorded

DATA = Path(__file__).parents[1] / "data" / "jsonapi"
EXAMPLE: dict[str, Any] = json.loads((DATA / "mapping_example.json").read_text("utf-8"))
WHERE = "config.toml: sources.vendor-x"
PLAIN = {"items": "list", "fields": {"id": "id", "text": "text", "created_at": "at"}}


def vendor(http: Http, server: Server, **changes: object) -> JsonApi:
    """The example's table, asked on loopback."""
    table = {key: value for key, value in EXAMPLE.items() if key != "name"} | {"url": server.url("/v1/mentions")}
    return made(http, table | changes)


def made(http: Http, table: dict[str, object]) -> JsonApi:
    source = build("json_api", "vendor-x", table, http, WHERE)
    assert isinstance(source, JsonApi)
    return source


def plain(http: Http, server: Server, **changes: object) -> JsonApi:
    return made(http, {"url": server.url("/a"), **PLAIN, **changes})


def run(source: JsonApi, *terms: str, cursor: object = None, since: datetime | None = None) -> list[Page]:
    assert cursor is None or isinstance(cursor, dict)
    return list(source.fetch(Query(terms or ("澄岚",), NOW, since), json.loads(json.dumps(cursor or {}))))


def body(*items: object, **more: object) -> bytes:
    return json.dumps({"list": items, **more}, ensure_ascii=False).encode()


def item(number: int, **more: object) -> dict[str, object]:
    return {"id": number, "text": f"帖{number}", "at": 1795177200 - number, **more}


def ids(pages: Iterable[Page]) -> list[str]:
    return [post.native_id for page in pages for post in page.posts]


def asked(server: Server) -> list[dict[str, str]]:
    return [{k: v[0] for k, v in parse_qs(urlsplit(path).query).items()} for path, _ in server.seen]


def script(*replies: Reply) -> Route:
    """One reply after the other, the last one again and again."""
    waiting = list(replies)
    return lambda _: waiting.pop(0) if len(waiting) > 1 else waiting[0]


def shape(**changes: Any) -> Shape:
    table: dict[str, Any] = {"items": "list", "fields": Fields(id="id", text="text", created_at="at"), "platform": "p"}
    return Shape(**(table | {"zone": ZoneInfo("Asia/Shanghai")} | changes))


def read(content: bytes, content_type: str = "", **changes: Any) -> Parsed:
    where = "https://api.vendor.example.test/v1?token=hidden"
    return parse(content, shape(**changes), url=where, content_type=content_type, fetched_at=NOW)


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENDOR_TOKEN", "t0p-secret")


def test_the_vendors_two_pages(http: Http, server: Server) -> None:
    server.routes["/v1/mentions"] = script(*(Reply(200, (DATA / f"vendor_page{n}.json").read_bytes()) for n in (1, 2)))
    first, second = run(vendor(http, server), since=NOW - timedelta(hours=1))
    note, video = first.posts
    assert (note.platform, note.native_id, note.kind) == ("小红书", "xhs-66f0", "note")
    assert note.text == "澄岚K3避雷\n冒烟！！"
    assert note.author == Author("u1", "momo", followers=1203)
    assert note.engagement == Engagement(likes=13000, reposts=12, comments=208)
    assert note.published_at == datetime(2026, 11, 20, 13, 8, tzinfo=UTC)
    assert note.url == "https://www.xiaohongshu.com/explore/66f0"
    assert video.published_at == datetime(2026, 11, 20, 12, 20, tzinfo=UTC)
    assert video.text == "#澄岚 开箱"
    (reply,) = second.posts
    assert (reply.parent, reply.root, reply.kind) == ("xhs-66f0", "xhs-66f0", "comment")
    assert reply.engagement == Engagement(likes=2)
    assert (first.exhausted, second.exhausted) == (False, True)
    one, two = asked(server)
    assert one == {"q": "澄岚", "start": "2026-11-20T20:00:00Z"}  # no empty cursor
    assert two == {"q": "澄岚", "start": "2026-11-20T20:00:00Z", "cursor": "eyJvIjoyfQ"}
    assert server.seen[0][1]["authorization"] == "Bearer t0p-secret"


def test_the_vendors_error_in_the_body(http: Http, server: Server) -> None:
    server.routes["/v1/mentions"] = Reply(200, (DATA / "error_body_200.json").read_bytes())
    with pytest.raises(SourceError, match=r'^127\.0\.0\.1: says "token expired"$') as caught:
        run(vendor(http, server))
    assert type(caught.value) is SourceError
    with pytest.raises(NeedsCredentials, match="token expired"):
        run(vendor(http, server, needs_credentials="code >= `40100` && code < `40200`"))
    with pytest.raises(RateLimited):
        run(vendor(http, server, rate_limited="code == `40101`"))
    with pytest.raises(Blocked):
        run(vendor(http, server, blocked="code == `40101`"))


def test_the_vendors_429(http: Http, server: Server) -> None:
    server.routes["/v1/mentions"] = recorded("jsonapi", "error_429.http")
    with pytest.raises(RateLimited, match=r"^127\.0\.0\.1: HTTP 429$") as caught:
        run(vendor(http, server))
    assert caught.value.retry_after == timedelta(seconds=30)


def test_a_secret_that_is_not_set(http: Http, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENDOR_TOKEN", " ")
    with pytest.raises(NeedsCredentials, match="the environment variable VENDOR_TOKEN is not set"):
        run(vendor(http, server))
    assert not server.seen


@pytest.mark.parametrize("said", ["bad token t0p-secret for 澄岚!", "t0p-secret", "x" * 500, "a\n\x1b[2Jb", 40101])
def test_an_error_repeats_nothing_that_was_sent(http: Http, server: Server, said: object) -> None:
    server.routes["/v1/mentions"] = Reply(200, json.dumps({"code": 1, "message": said}).encode())
    with pytest.raises(SourceError) as caught:
        run(vendor(http, server))
    line = str(caught.value)
    assert line.startswith("127.0.0.1: says ")
    assert len(line) < 120
    assert line.isprintable()
    for hidden in ("t0p-secret", "澄岚", "mentions", "start="):
        assert hidden not in line


def test_a_secret_goes_to_no_other_host(http: Http, server: Server) -> None:
    server.routes["/v1/mentions"] = Reply(302, headers={"Location": server.url("/x", host="localhost")})
    with pytest.raises(SourceError, match="not followed, for the request holds credentials"):
        run(vendor(http, server))
    assert len(server.seen) == 1


def test_pages_by_number_end_with_an_empty_one(http: Http, server: Server) -> None:
    source = plain(http, server, params={"p": "{page}", "skip": "{offset}", "size": 2, "deep": True})
    server.routes["/a"] = script(
        Reply(200, body(item(1), item(2))), Reply(200, body(item(3), None)), Reply(200, body())
    )
    pages = run(source)
    assert ids(pages) == ["1", "2", "3"]
    assert [p.exhausted for p in pages] == [False, False, True]
    assert [p.rejected for p in pages] == [0, 1, 0]
    assert [(q["p"], q["skip"], q["size"], q["deep"]) for q in asked(server)] == [
        ("1", "0", "2", "true"),
        ("2", "2", "2", "true"),
        ("3", "4", "2", "true"),
    ]


def test_pages_by_has_more_and_by_total(http: Http, server: Server) -> None:
    source = plain(http, server, params={"p": "{page}"}, has_more="more", first_page=0)
    server.routes["/a"] = script(Reply(200, body(item(1), more=1)), Reply(200, body(item(2), more=0)))
    assert [p.exhausted for p in run(source)] == [False, True]
    source = plain(http, server, params={"p": "{page}"}, total_pages="n")
    server.routes["/a"] = script(Reply(200, body(item(1), n="2")), Reply(200, body(item(2), n="2")))
    assert [p.exhausted for p in run(source)] == [False, True]
    server.routes["/a"] = Reply(200, body(n=0))
    assert [p.exhausted for p in run(source)] == [True]


@pytest.mark.parametrize(("mark", "whole"), [(None, True), ("", True), (0, True), (-1, True), (False, True)])
def test_how_a_cursor_says_that_nothing_follows(http: Http, server: Server, mark: object, whole: bool) -> None:
    source = plain(http, server, params={"c": "{cursor}"}, next_cursor="next")
    server.routes["/a"] = Reply(200, body(item(1), next=mark))
    assert [p.exhausted for p in run(source)] == [whole]


def test_a_cursor_that_repeats_ends_the_list_unheard(http: Http, server: Server) -> None:
    source = plain(http, server, params={"c": "{cursor}"}, next_cursor="next", pages=50)
    replies = [Reply(200, body(item(n), next=mark)) for n, mark in enumerate(["a", "b", "a", "b", "a"])]
    server.routes["/a"] = script(*replies)
    pages = run(source)
    assert [q.get("c") for q in asked(server)] == [None, "a", "b"]
    assert not any(p.exhausted for p in pages)


def test_a_page_that_repeats_ends_the_list_unheard(http: Http, server: Server) -> None:
    source = plain(http, server, params={"p": "{page}"}, pages=50)
    server.routes["/a"] = Reply(200, body(item(1), item(2)))
    pages = run(source)
    assert len(pages) == 2
    assert not any(p.exhausted for p in pages)


def test_the_pages_of_a_run_are_bounded(http: Http, server: Server) -> None:
    source = plain(http, server, params={"p": "{page}"}, pages=3)
    numbers = iter(range(999))
    server.routes["/a"] = lambda _: Reply(200, body(item(next(numbers))))
    assert len(run(source)) == 3


@pytest.mark.parametrize("mark", [{"o": 1}, ["x"], True, "x" * 5000])
def test_a_cursor_that_is_none(http: Http, server: Server, mark: object) -> None:
    source = plain(http, server, params={"c": "{cursor}"}, next_cursor="next")
    server.routes["/a"] = Reply(200, body(item(1), next=mark))
    with pytest.raises(SourceError, match="no cursor"):
        run(source)


def test_the_second_run_stops_where_the_first_began(http: Http, server: Server) -> None:
    source = plain(http, server, params={"p": "{page}"})
    server.routes["/a"] = script(*(Reply(200, body(item(n), item(n + 1))) for n in (10, 12, 14, 16, 18)))
    before = run(source)
    assert len(before) == 5
    assert len(json.dumps(before[-1].cursor)) < 200
    server.routes["/a"] = script(*(Reply(200, body(item(n), item(n + 1))) for n in (7, 9, 11, 13, 15)))
    pages = run(source, cursor=before[-1].cursor)
    assert ids(pages) == ["7", "8", "9", "10"]  # reads on past neither: the last of the second page is known


def test_one_known_post_on_top_may_be_pinned(http: Http, server: Server) -> None:
    source = plain(http, server, params={"p": "{page}"}, pages=2)
    server.routes["/a"] = script(Reply(200, body(item(10), item(12))), Reply(200, body()))
    before = run(source)
    server.routes["/a"] = script(Reply(200, body(item(10), item(5))), Reply(200, body(item(6), item(12))))
    assert ids(run(source, cursor=before[-1].cursor)) == ["10", "5", "6", "12"]


def test_a_list_without_a_filter_ends_behind_what_was_heard(http: Http, server: Server) -> None:
    source = plain(http, server, params={"p": "{page}"}, overlap_hours=1)
    old = int((NOW - timedelta(hours=3)).timestamp())
    server.routes["/a"] = script(
        Reply(200, body(item(1, at=old), item(2, at=old + 7300))), Reply(200, body(item(3, at=old)))
    )
    pages = run(source, since=NOW - timedelta(minutes=30))
    assert [p.exhausted for p in pages] == [False, True]  # the first on top is pinned, the last one tells


def test_a_filtered_list_is_read_to_its_end(http: Http, server: Server) -> None:
    """What a vendor finds late stands below what is known already."""
    source = plain(http, server, params={"p": "{page}", "after": "{since_ts}"})
    server.routes["/a"] = script(Reply(200, body(item(1), item(2))), Reply(200, body()))
    before = run(source)
    server.routes["/a"] = script(Reply(200, body(item(1), item(2))), Reply(200, body(item(3))), Reply(200, body()))
    assert ids(run(source, cursor=before[-1].cursor)) == ["1", "2", "3"]


def test_since_never_runs_ahead(http: Http, server: Server) -> None:
    """A post dated 2099 and a clock that was wrong both leave the next run hearing."""
    source = plain(http, server, params={"s": "{since_ms}"}, overlap_hours=0)
    server.routes["/a"] = Reply(200, body(item(1, at="2099-01-01 00:00:00")))
    (page,) = run(source, since=NOW + timedelta(days=999))
    assert page.posts[0].published_at is None
    assert "2099" not in json.dumps(page.cursor)
    assert asked(server)[0]["s"] == str(int(NOW.timestamp()) * 1000)
    run(source, cursor=page.cursor)
    assert asked(server)[1]["s"] == str(int((NOW - timedelta(days=7)).timestamp()) * 1000)


def test_the_stretch_that_is_asked_for(http: Http, server: Server) -> None:
    ends = {f"{end}_{form}": f"{{{end}_{form}}}" for end in ("since", "until") for form in ("iso", "local", "ts", "ms")}
    source = plain(http, server, params=ends, overlap_hours=1)
    server.routes["/a"] = Reply(200, body(item(1)))
    run(source, since=NOW - timedelta(hours=1))
    until = int(NOW.timestamp())
    assert asked(server)[0] == {
        "since_iso": "2026-11-21T01:00:00Z",
        "since_local": "2026-11-21 09:00:00",
        "since_ts": str(until - 7200),
        "since_ms": str((until - 7200) * 1000),
        "until_iso": "2026-11-21T03:00:00Z",
        "until_local": "2026-11-21 11:00:00",
        "until_ts": str(until),
        "until_ms": str(until * 1000),
    }


def test_each_term_is_a_list_of_its_own(http: Http, server: Server) -> None:
    source = plain(http, server, params={"q": "{keyword}"})

    def answer(request: BaseHTTPRequestHandler) -> Reply:
        (term,) = parse_qs(urlsplit(request.path).query)["q"]
        return Reply(500) if term == "b&c" else Reply(200, body(item(len(term))))

    server.routes["/a"] = answer
    pages, fault = [], None
    try:
        for page in source.fetch(Query(("a", "b&c", "dddd"), NOW), {}):
            pages.append(page)
    except SourceError as error:
        fault = error
    assert "HTTP 500" in str(fault)
    assert ids(pages) == ["1", "4"]
    assert len({p.stream for p in pages}) == 2
    assert set(pages[-1].cursor) == {p.stream for p in pages}


def test_a_refusal_ends_the_run(http: Http, server: Server) -> None:
    source = plain(http, server, params={"q": "{keyword}"})
    server.routes["/a"] = Reply(403)
    with pytest.raises(Blocked):
        run(source, "a", "b", "c")
    assert len(server.seen) == 1


def test_without_a_keyword_it_is_asked_once(http: Http, server: Server) -> None:
    server.routes["/a"] = Reply(200, body(item(1)))
    pages = run(plain(http, server), "a", "b")
    assert len(pages) == len(server.seen) == 1
    assert not pages[0].exhausted  # a window on the newest, which says nothing of what is below


def test_a_list_that_is_never_empty(http: Http, server: Server) -> None:
    source = plain(http, server, never_empty=True, params={"p": "{page}"})
    server.routes["/a"] = Reply(200, body())
    assert run(source)[0].exhausted  # it never held anything
    server.routes["/a"] = Reply(200, body(item(1)))
    before = run(source)
    server.routes["/a"] = Reply(200, body())
    with pytest.raises(SourceError, match="an empty list, which held posts before"):
        run(source, cursor=before[-1].cursor)


def test_post_with_a_json_body(http: Http, server: Server) -> None:
    table = {"query": {"any": ["{keyword}"]}, "page": "{page}", "cursor": "{cursor}", "from": "t{since_ts}", "x": None}
    source = plain(http, server, method="POST", body=table, next_cursor="next", headers={"X-Token": "${VENDOR_TOKEN}"})
    server.routes["/a"] = script(Reply(200, body(item(1), next="c2")), Reply(200, body(item(2), next="")))
    run(source)
    start = f"t{int((NOW - timedelta(days=7)).timestamp())}"
    assert [json.loads(b) for b in server.bodies] == [
        {"query": {"any": ["澄岚"]}, "page": 1, "from": start, "x": None},
        {"query": {"any": ["澄岚"]}, "page": 2, "from": start, "x": None, "cursor": "c2"},
    ]
    assert server.seen[0][1]["content-type"] == "application/json"
    assert server.seen[0][1]["x-token"] == "t0p-secret"


def test_post_with_a_form(http: Http, server: Server) -> None:
    source = plain(http, server, method="POST", body={"q": "{keyword}", "n": 5, "t": "${VENDOR_TOKEN}"}, form=True)
    server.routes["/a"] = Reply(200, body(item(1)))
    run(source)
    assert parse_qs(server.bodies[0].decode()) == {"q": ["澄岚"], "n": ["5"], "t": ["t0p-secret"]}
    assert server.seen[0][1]["content-type"] == "application/x-www-form-urlencoded"


def test_a_keyword_in_the_path_is_escaped(http: Http, server: Server) -> None:
    source = made(http, {"url": server.url("/s/{keyword}/p?x=1"), **PLAIN, "params": {"k": "a b"}})
    server.routes["/s/%E6%BE%84%2F..%3Fx%3D1/p"] = Reply(200, body(item(1)))
    assert ids(run(source, "澄/..?x=1")) == ["1"]
    assert server.seen[0][0].endswith("?x=1&k=a%20b")


@pytest.mark.parametrize(
    ("value", "count"),
    [(3, 3), ("1.3万", 13000), ("12.4K", 12400), ("--", None), (None, None), ("1,204", 1204), ("100万+", 1000000),
     (-1, None), (True, None), ([1], None), (1e400, None), ("", None), (10**30, None)],
)  # fmt: skip
def test_counts(value: object, count: int | None) -> None:
    fields = Fields(id="id", text="text", likes="n", comments="n", reposts="n", followers="n", author_id="id")
    (post,) = read(body(item(1, n=value)), fields=fields).posts
    assert post.engagement == Engagement(count, count, count)
    assert post.author == Author("1", followers=count)


@pytest.mark.parametrize(
    ("value", "utc"),
    [
        (1795177200, "2026-11-20T12:20:00"),
        (1795177200000, "2026-11-20T12:20:00"),
        (1795177200.5, "2026-11-20T12:20:00.5"),
        ("1795177200", "2026-11-20T12:20:00"),
        ("1795177200000", "2026-11-20T12:20:00"),
        ("2026-11-20 21:08:00", "2026-11-20T13:08:00"),
        ("2026-11-20T21:30:00+09:00", "2026-11-20T12:30:00"),
        ("昨天 21:08", "2026-11-20T13:08:00"),
        ("11-20 21:08", "2026-11-20T13:08:00"),
        ("3分钟前", "2026-11-21T02:57:00"),
        (0, None),
        (-5, None),
        (True, None),
        (1e300, None),
        (10**40, None),
        ("2099-01-01", None),
        ("soon", None),
        ({}, None),
        (None, None),
    ],
)
def test_times(value: object, utc: str | None) -> None:
    (post,) = read(body(item(1, at=value))).posts
    assert post.published_at == (datetime.fromisoformat(utc).replace(tzinfo=UTC) if utc else None)


def test_times_are_of_the_zone_that_the_table_names(http: Http, server: Server) -> None:
    source = plain(http, server, timezone="America/Toronto")
    server.routes["/a"] = Reply(200, body(item(1, at="2026-11-20 08:00"), item(2, at="2026-10-20 08:00")))
    (page,) = run(source)
    assert [p.published_at for p in page.posts] == [
        datetime(2026, 11, 20, 13, tzinfo=UTC),
        datetime(2026, 10, 20, 12, tzinfo=UTC),
    ]


def test_text_as_a_person_saw_it() -> None:
    fields = Fields(id="id", title="t", text="text")
    items = [
        {"id": 1, "t": "<em>澄岚</em>避雷", "text": "一<br>二<img alt='😡'>"},
        {"id": 2, "t": "a<b", "text": "3 < 5 &amp;\n行"},
    ]
    marked = read(body(*items), fields=fields, markup=("title", "text")).posts
    assert marked[0].text == "澄岚避雷\n一\n二😡"
    bare = read(body(*items), fields=fields).posts
    assert bare[1].text == "a<b\n3 < 5 &amp;\n行"


def test_ids() -> None:
    found = read(
        body(*({"id": n, "text": "x"} for n in (7, 7.0, "7a", 2**60, " b ", "", None, True, [], 10**401, "x" * 401)))
    )
    assert [p.native_id for p in found.posts[:5]] == ["7", "7", "7a", str(2**60), "b"]
    assert [p.native_id[:7] for p in found.posts[5:]] == ["sha256:", "sha256:"]
    assert found.rejected == 4
    linked = read(body({"u": "https://a.example.test/1?utm_source=x", "text": "x"}, {"u": "javascript:1", "text": "y"}),
                  fields=Fields(url="u", text="text"))  # fmt: skip
    assert [p.native_id for p in linked.posts] == ["https://a.example.test/1"]
    assert linked.rejected == 1


def test_threads() -> None:
    fields = Fields(id="id", text="text", parent_id="up", root_id="top", page_id="on")
    found = read(
        body(item(1, up=0, top=1), item(2, up=1, top=1, on="v9"), item(3, up="2"), item(4, top="1")), fields=fields
    ).posts
    assert [(p.parent, p.root, p.page, p.kind) for p in found] == [
        ("", "", "", "post"),
        ("1", "1", "v9", "comment"),
        ("2", "2", "", "comment"),
        ("", "1", "", "post"),
    ]


def test_platform_kind_and_brand() -> None:
    fields = Fields(id="id", text="text", platform="p", kind="k", author_name="n", verified="v")
    found = read(
        body(item(1, p="抖音\n", k="video", n="甲", v=True), item(2, n="", v="x")), fields=fields, brand="澄岚"
    ).posts
    assert (found[0].platform, found[0].kind, found[0].author) == (
        "抖音",
        "video",
        Author("甲", "甲", verified="verified"),
    )
    assert (found[1].platform, found[1].kind, found[1].author) == ("p", "post", None)
    assert found[0].brands == ("澄岚",)


def test_one_item_alone_and_a_list_that_is_null() -> None:
    assert len(read(json.dumps({"list": item(1)}).encode()).posts) == 1
    assert read(b'{"list": null}', ok="@").posts == ()
    with pytest.raises(SourceError, match=r"^api\.vendor\.example\.test: no list where items points$"):
        read(b'{"list": null}')  # without a word for success it may as well be an error


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "an empty answer, not JSON"),
        (b"  \n", "an empty answer, not JSON"),
        (b"<!DOCTYPE html><html>login", "an HTML page, not JSON"),
        (b"Too many requests", "an answer that is not JSON"),
        (b'{"list": [', "JSON that cannot be read"),
        (b"[" * 100_000, "JSON that cannot be read"),
        (b'{"list": 9' + b"9" * 5000 + b"}", "JSON that cannot be read"),
        (b"3", "no list where items points"),
        (b"null", "no list where items points"),
        (b'{"list": "x"}', "no list where items points, but a text"),
        (b'{"list": 3}', "no list where items points, but a number"),
        (b'{"list": true}', "no list where items points, but true or false"),
        (b'{"code": 1}', "no list where items points"),
        (b"\xff\xfe\x00", "not JSON"),
    ],
)
def test_what_came_instead(content: bytes, words: str) -> None:
    with pytest.raises(SourceError) as caught:
        read(content)
    line = str(caught.value)
    assert words in line
    assert line.startswith("api.vendor.example.test: ")
    assert "hidden" not in line


def test_charsets() -> None:
    text = json.dumps({"list": [{"id": 1, "text": "退款太慢了，客服不理人"}]}, ensure_ascii=False)
    for content, kind in (
        (text.encode(), ""),
        (text.encode(), "application/json; charset=gbk"),
        (text.encode("gb18030"), "application/json; charset=gbk"),
        (text.encode("utf-16"), ""),
        (b"\xef\xbb\xbf" + text.encode(), ""),
    ):
        assert read(content, kind).posts[0].text == "退款太慢了，客服不理人"


def test_functions_on_values_they_were_not_written_for() -> None:
    """JMESPath's own functions raise on odd types: of an item it costs a field, of the list the answer."""
    fields = Fields(
        id="id", text="text", kind="contains(k, `1`) && 'a' || 'b'", url="join('', ['https://e.example.test/', u])"
    )
    found = read(body(item(1, k="x", u=3), item(2, k=[1], u="3")), fields=fields)
    assert [(p.kind, p.url) for p in found.posts] == [("post", ""), ("a", "https://e.example.test/3")]
    with pytest.raises(SourceError, match="items does not fit the answer"):
        read(b'{"list": 3}', items="reverse(list)")
    with pytest.raises(SourceError, match="the answer is an error"):
        read(b'{"list": [], "code": {}}', ok="contains(code, 'x')")


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"itms": "x"}, f'{WHERE}.itms: unknown key; did you mean "items"?'),
        ({"items": ""}, f"{WHERE}: items: missing"),
        ({"items": "data..list"}, f'{WHERE}.items: is not a JMESPath expression: "data..list"'),
        ({"fields": {"id": "id"}}, f"{WHERE}.fields: text: missing"),
        ({"fields": {"text": "t"}}, f"{WHERE}.fields: id: missing"),
        (
            {"fields": {"id": "id", "text": "t", "lkes": "x"}},
            f'{WHERE}.fields.lkes: unknown key; did you mean "likes"?',
        ),
        ({"fields": {"id": "a b", "text": "t"}}, f'{WHERE}.fields.id: is not a JMESPath expression: "a b"'),
        ({"fields": {"id": 3, "text": "t"}}, f"{WHERE}.fields.id: must be text, not 3"),
        ({"params": {"q": "{keywrd}"}}, f'{WHERE}: params: unknown placeholder {{keywrd}}; did you mean "keyword"?'),
        ({"headers": {"X": "{TOKEN}"}}, f"{WHERE}: headers: unknown placeholder {{TOKEN}}; did you mean ${{TOKEN}}?"),
        ({"headers": {"Authorization": "Bearer abc"}}, f"{WHERE}: headers.Authorization: write ${{NAME}} and keep"),
        ({"headers": {"X-Api-Key": "abc"}}, f"{WHERE}: headers.X-Api-Key: write ${{NAME}} and keep"),
        ({"headers": {"User-Agent": "Mozilla"}}, f"{WHERE}: headers.User-Agent: is set by Qianli itself"),
        ({"params": {"c": "{cursor}"}}, f"{WHERE}: next_cursor and {{cursor}} need each other"),
        ({"next_cursor": "n"}, f"{WHERE}: next_cursor and {{cursor}} need each other"),
        ({"body": {"a": 1}}, f'{WHERE}: body: needs method = "POST"'),
        ({"method": "PUT"}, f'{WHERE}.method: must be one of "GET", "POST", not "PUT"'),
        ({"pages": 0}, f"{WHERE}: pages: must be 1 to 100"),
        ({"overlap_hours": -1}, f"{WHERE}: overlap_hours: must be 0 to 720"),
        ({"timezone": "Asia/Taipeh"}, f"{WHERE}.timezone: must be a time zone such as Asia/Taipei"),
        ({"markup": ["body"]}, f'{WHERE}.markup[0]: must be one of "title", "text", not "body"'),
        ({"url": "ftp://a.example.test"}, f"{WHERE}.url: must be an http or https address"),
    ],
)
def test_slips_in_the_table(http: Http, changes: dict[str, object], line: str) -> None:
    with pytest.raises(ConfigError) as caught:
        made(http, {"url": "https://a.example.test/", **PLAIN, **changes})
    assert str(caught.value).startswith(line)
    assert "\n" not in str(caught.value)
    assert "abc" not in str(caught.value)


def test_nothing_secret_is_shown(http: Http, server: Server) -> None:
    source = vendor(http, server)
    server.routes["/v1/mentions"] = Reply(200, (DATA / "vendor_page2.json").read_bytes())
    pages = run(source)
    assert "t0p-secret" not in repr(source) + repr(pages)
    assert "t0p-secret" not in repr(shape(secret=["t0p-secret"]))

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from monitor.errors import Blocked, ConfigError, NeedsCredentials, SourceError
from monitor.model import Page, Post, Query
from sources import build
from sources.heimao import Heimao, Parsed, parse, sign
from sources.http import Http
from tests.sources import recorded
from tests.sources.loopback import NOW, Reply, Server

COUID = "7600000001"
COMPANY, SEARCH, FEED = "/api/company/received_complaints", "/api/index/s", "/api/index/feed"


def sample(name: str) -> Parsed:
    return parse(recorded.body("heimao", name), host="tousu.sina.com.cn")


def item(number: int = 1, **main: Any) -> dict[str, Any]:
    given = {"sn": str(number), "title": f"标题{number}", "summary": "正文", "status": 4, "timestamp": "1795178000"}
    return {"main": given | main, "author": {"uid": "0", "title": "用户", "wb_profile": f"//weibo.com/u/{number}"}}


def answer(items: object, key: str = "complaints", **pager: int) -> bytes:
    data = {key: items, **({"pager": pager} if pager else {})}
    return json.dumps({"result": {"status": {"code": 0}, "data": data}}).encode()


def one(**main: Any) -> Post:
    (post,) = parse(answer([item(**main)]), host="h").posts
    return post


def hours_ago(hours: float) -> str:
    return str(int((NOW - timedelta(hours=hours)).timestamp()))


@pytest.fixture
def make(server: Server, http: Http) -> Callable[..., Heimao]:
    return lambda **given: Heimao("hm", http, url=server.url("").rstrip("/"), **given)


def fetch(source: Heimao, *terms: str, since: datetime | None = None) -> list[Page]:
    return list(source.fetch(Query(terms or ("澄岚",), NOW, since), {}))


def asked(path: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}


@pytest.mark.parametrize("name", ["received_complaints.json", "index_s_search.json", "feed_jsonp.js"])
def test_samples(name: str) -> None:
    found = sample(name)
    first, second = found.posts
    assert (first.platform, first.native_id) == ("heimao", "17390000001")
    assert first.url == "https://tousu.sina.com.cn/complaint/view/17390000001/"
    assert first.text == (
        "澄岚空气炸锅使用一个月冒烟，商家拒绝退款\n"
        "2026年10月18日在官方旗舰店购买K3，11月19日使用时冒烟，客服要求自费寄回检测。\n"
        "[投诉对象] 澄岚电器\n[投诉问题] 质量问题,拒绝退款\n[投诉要求] 退货退款，赔偿"
    )
    assert (first.kind, second.kind) == ("complaint:processing", "complaint:completed")
    assert first.published_at == datetime(2026, 11, 20, 12, 33, 20, tzinfo=UTC)
    assert (first.engagement.likes, first.engagement.reposts, first.engagement.comments) == (6, 1, 2)
    assert first.author is None, "匿名 stays nobody, though the answer names a profile"
    assert second.author
    assert (second.author.id, second.author.name) == ("7000000021", "用户7****21")
    assert (found.rejected, found.last) == (0, name == "feed_jsonp.js")


def test_past_the_end() -> None:
    assert sample("received_empty.json") == Parsed((), last=True)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (1, "complaint:accepted"),
        (3, "complaint:unassigned"),
        ("6", "complaint:replied"),
        (8, "complaint:closed"),
        (12, "complaint:12"),
        (None, "complaint"),
        ({}, "complaint"),
    ],
)
def test_states(status: object, kind: str) -> None:
    assert one(status=status).kind == kind


@pytest.mark.parametrize(
    ("stars", "kind"),
    [(5, ":satisfied"), ("4", ":satisfied"), (3, ""), (2, ":unsatisfied"), (1, ":unsatisfied"), (0, ""), (9, ""),
     (None, ""), ({}, ""), ("很满意", "")],
)  # fmt: skip
def test_how_the_complainant_judged_the_end(stars: object, kind: str) -> None:
    assert one(status=7, evaluate_u={"satisfaction": stars}).kind == f"complaint:completed{kind}"


def test_what_is_optional_may_be_missing() -> None:
    post = one(summary=None, evaluate_u={"evalContent": "处理<b>太慢</b>"})
    assert post.text == "标题1\n[投诉评价] 处理太慢"
    assert not post.engagement
    assert one(timestamp="soon").published_at is None
    assert one(timestamp=1795178000).published_at == datetime(2026, 11, 20, 12, 33, 20, tzinfo=UTC)


def test_bad_items_are_counted_and_lose_nothing() -> None:
    bad = [None, 3, {}, {"main": []}, item(sn="../x", id=None), item(title="", summary=None)]
    found = parse(answer([*bad, item(7)]), host="h")
    assert [post.native_id for post in found.posts] == ["7"]
    assert found.rejected == len(bad)


def test_jsonp_forms() -> None:
    plain = answer([item(1, summary="a) b}catch(e) c")])
    for wrapped in (b"cb(%s)", b"cb(%s);", b" try { a.b_1(%s);}catch(e){};\n", b"try{cb(%s);}catch(e){};"):
        assert parse(wrapped % plain, host="h") == parse(plain, host="h")


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        (b"", SourceError, "an empty answer, not JSON"),
        (b'{"result": {"status": {"code": 10013, "msg": "x"}}}', SourceError, "failed with code 10013"),
        (b'{"result": {"status": {"code": "a\\nb"}}}', SourceError, r'failed with code "a\\nb"'),
        (b'{"result": {"status": {"code": false}, "data": {"lists": []}}}', SourceError, "failed with code false"),
        (b'{"result": {"status": {"code": 0}, "data": null}}', SourceError, "not a list of complaints"),
        (b'{"result": {"status": {"code": 0}, "data": {"lists": {}}}}', SourceError, "not a list of complaints"),
        (b"[]", SourceError, "JSON, but not an object"),
        (b"{" * 100_000, SourceError, "JSON that cannot be read"),
        (b"<html>please log in: //login.sina.com.cn/</html>", NeedsCredentials, "a login page"),
        ("<html>请输入验证码</html>".encode(), Blocked, "proof of being human"),
        (b"<html>nginx</html>", SourceError, "an HTML page, not JSON"),
    ],
)
def test_what_came_instead(body: bytes, kind: type[SourceError], words: str) -> None:
    with pytest.raises(SourceError, match=rf"^h: .*{words}") as caught:
        parse(body, host="h")
    assert type(caught.value) is kind
    assert "\n" not in str(caught.value)


def test_signature() -> None:
    """SHA-256 over the values in the order of text, as the site's own pages compute it."""
    given = {"type": "1", "page_size": "10", "page": "2", "couid": COUID}
    signed = sign(given, "1795226400000", "0aA1bB2cC3dD4eE5")
    ordered = ["$d6eb7ff91ee257475%", "0aA1bB2cC3dD4eE5", "1", "10", "1795226400000", "2", COUID]
    assert signed["signature"] == hashlib.sha256("".join(ordered).encode()).hexdigest()
    assert {name: signed[name] for name in given} == given


def test_fetch_signs_what_it_asks(server: Server, make: Callable[..., Heimao]) -> None:
    server.routes[COMPANY] = Reply(200, recorded.body("heimao", "received_empty.json"))
    (page,) = fetch(make(companies=(COUID,)))
    assert (page.posts, page.exhausted) == ((), True)
    path, headers = server.seen[0]
    sent = asked(path)
    rest = {name: sent[name] for name in ("type", "couid", "page_size", "page")}
    assert rest == {"type": "1", "couid": COUID, "page_size": "10", "page": "1"}
    assert sent == sign(rest, "1795230000000", sent["rs"])
    assert len(sent["rs"]) == 16
    assert "cookie" not in headers
    fetch(make(companies=(COUID,)))
    assert asked(server.seen[1][0])["rs"] != sent["rs"]


def numbered(server: Server, path: str = COMPANY) -> None:
    """One complaint an hour, ten on a page, 37 pages."""

    def page(request: BaseHTTPRequestHandler) -> Reply:
        number = int(asked(request.path)["page"])
        items = [item(n, timestamp=hours_ago(n)) for n in range((number - 1) * 10, number * 10)]
        return Reply(200, answer(items, current=number, page_amount=37))

    server.routes[path] = page


def test_pages_back_to_the_last_hearing(server: Server, make: Callable[..., Heimao]) -> None:
    numbered(server)
    pages = fetch(make(companies=(COUID,), follow_days=0), since=NOW - timedelta(hours=11.5))
    assert [page.exhausted for page in pages] == [False, True]
    assert [post.native_id for post in pages[1].posts][:2] == ["10", "11"]


def test_pages_are_bounded_and_the_gap_is_told(server: Server, make: Callable[..., Heimao]) -> None:
    numbered(server)
    assert [page.exhausted for page in fetch(make(companies=(COUID,)), since=NOW - timedelta(days=9))] == [False] * 3


def test_older_complaints_are_read_again_for_their_state(server: Server, make: Callable[..., Heimao]) -> None:
    numbered(server)
    pages = fetch(make(companies=(COUID,), follow_days=1), since=NOW - timedelta(minutes=10))
    assert [page.exhausted for page in pages] == [True] * 3
    assert pages[2].posts[-1].published_at == NOW - timedelta(hours=29)


def test_a_new_state_is_a_new_kind_of_the_same_post(server: Server, make: Callable[..., Heimao]) -> None:
    source = make(companies=(COUID,))
    server.routes[COMPANY] = Reply(200, answer([item(1, status=4)]))
    (before,) = fetch(source)
    server.routes[COMPANY] = Reply(200, answer([item(2), item(1, status=6)]))
    (after,) = fetch(source, since=NOW)
    kinds = {post.native_id: post.kind for post in (*before.posts, *after.posts)}
    assert kinds == {"1": "complaint:replied", "2": "complaint:processing"}


def test_a_complaint_dated_2099_deafens_nothing(server: Server, make: Callable[..., Heimao]) -> None:
    far = str(int(datetime(2099, 1, 1, tzinfo=UTC).timestamp()))
    server.routes[COMPANY] = Reply(200, answer([item(1, timestamp=far)], current=1, page_amount=2))
    pages = fetch(make(companies=(COUID,)), since=NOW)
    assert len(pages) == 3
    assert dict(pages[-1].cursor) == {}


def test_latest_and_several_companies(server: Server, make: Callable[..., Heimao]) -> None:
    server.routes[FEED] = Reply(200, recorded.body("heimao", "feed_jsonp.js"))
    server.routes[COMPANY] = Reply(200, answer(None))
    pages = fetch(make(companies=("1", "2"), latest=True))
    assert [(len(page.posts), page.exhausted) for page in pages] == [(0, True), (0, True), (2, True)]
    assert len({page.stream for page in pages}) == 3


def test_search_needs_a_cookie_and_tells_nobody(
    server: Server, make: Callable[..., Heimao], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make(search=True, cookie_env="HEIMAO_COOKIE")
    server.routes[SEARCH] = Reply(200, recorded.body("heimao", "index_s_search.json"))
    monkeypatch.delenv("HEIMAO_COOKIE", raising=False)
    words = r"^127\.0\.0\.1: the environment variable HEIMAO_COOKIE \(cookie_env\) is not set$"
    with pytest.raises(NeedsCredentials, match=words):
        fetch(source)
    assert server.seen == []
    monkeypatch.setenv("HEIMAO_COOKIE", "SUB=secret-cookie ")
    page = fetch(source)[0]
    assert len(page.posts) == 2
    assert server.seen[0][1]["cookie"] == "SUB=secret-cookie"
    assert asked(server.seen[0][0])["keywords"] == "澄岚"
    server.routes[SEARCH] = recorded.reply("heimao", "error_login_redirect.http")
    with pytest.raises(NeedsCredentials, match="the cookie in HEIMAO_COOKIE is refused or out of date") as caught:
        fetch(source)
    assert "secret-cookie" not in f"{caught.value}{source}"
    monkeypatch.setenv("HEIMAO_COOKIE", "SUB=secret\ncookie")
    with pytest.raises(SourceError) as broken:
        fetch(source)
    assert "secret" not in str(broken.value)


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (recorded.reply("heimao", "error_blocked_403.http"), Blocked, "HTTP 403"),
        (recorded.reply("heimao", "error_login_redirect.http"), NeedsCredentials, "asks for a login"),
    ],
)
def test_a_refusal_ends_the_run(
    server: Server, make: Callable[..., Heimao], reply: Reply, kind: type[SourceError], words: str
) -> None:
    server.routes[COMPANY] = reply
    with pytest.raises(kind, match=rf"^127\.0\.0\.1: {words}$"):
        fetch(make(companies=("1", "2")))
    assert len(server.seen) == 1


@pytest.mark.parametrize("location", ["https://evil.example/?login.sina.com.cn", "http://[::1"])
def test_other_redirects_are_not_followed(server: Server, make: Callable[..., Heimao], location: str) -> None:
    server.routes[COMPANY] = Reply(302, b"", {"Location": location})
    with pytest.raises(SourceError, match="redirect"):
        fetch(make(companies=("1",)))


def test_a_company_that_fails_does_not_silence_the_others(server: Server, make: Callable[..., Heimao]) -> None:
    def page(request: BaseHTTPRequestHandler) -> Reply:
        return Reply(500) if asked(request.path)["couid"] == "1" else Reply(200, answer([item(5)]))

    server.routes[COMPANY] = page
    run = make(companies=("1", "2")).fetch(Query(("x",), NOW), {})
    assert [post.native_id for post in next(run).posts] == ["5"]
    with pytest.raises(SourceError, match="HTTP 500"):
        next(run)


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({}, "companies: missing; or set latest or search"),
        ({"search": True}, "cookie_env: missing; search needs a login"),
        ({"companies": ["澄岚"]}, "companies[0]: must be the number behind couid="),
        ({"companies": [7600000001]}, "companies[0]: must be text"),
    ],
)
def test_slips_in_the_settings(http: Http, settings: dict[str, object], line: str) -> None:
    with pytest.raises(ConfigError) as caught:
        build("heimao", "hm", settings, http, "config.toml: sources.hm")
    assert line in str(caught.value)

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from monitor.errors import Blocked, ConfigError, NeedsCredentials, RateLimited, SourceError
from monitor.model import Author, Cursor, Engagement, Page, Post, Query
from sources import Rechecks, build
from sources.http import Http
from sources.weibo import Weibo
from sources.weiboformat import Found, parse_comments, parse_long_text, parse_search
from tests.sources.loopback import NOW, Reply, Server
from tests.sources.recorded import body, json_reply, reply

SEARCH, COMMENTS, LONG = "/api/container/getIndex", "/comments/hotflow", "/statuses/extend"
COOKIE = "SUB=_2A25secretsecret; SSOLoginState=1"
WHOLE = "…要等二十个工作日。\n已经在黑猫投诉了。"


def search(content: bytes) -> Found:
    return parse_search(content, host="m.weibo.cn", now=NOW)


def blog(native_id: int, minutes_ago: int = 0, **more: Any) -> dict[str, Any]:
    moment = (NOW - timedelta(minutes=minutes_ago)).strftime("%a %b %d %H:%M:%S +0000 %Y")
    user = {"id": 7000000001, "screen_name": "安柏"}
    given: dict[str, Any] = {"comments_count": 0}
    given |= {"id": str(native_id), "text": f"澄岚帖{native_id}", "created_at": moment, "user": user, **more}
    return {"card_type": 9, "mblog": given}


def cards(*blogs: dict[str, Any]) -> dict[str, Any]:
    return {"ok": 1, "data": {"cards": list(blogs)}}


def one(**more: Any) -> Post:
    (post,) = search(json.dumps(cards(blog(1, **more))).encode()).posts
    return post


@pytest.fixture
def weibo(server: Server, http: Http, monkeypatch: pytest.MonkeyPatch) -> Weibo:
    monkeypatch.setenv("WEIBO_COOKIE", COOKIE)
    return Weibo("w", http, cookie_env="WEIBO_COOKIE", url=server.url(""))


def run(source: Weibo, *terms: str, cursor: Cursor | None = None, since: datetime | None = None) -> list[Page]:
    pages = list(source.fetch(Query(terms or ("澄岚",), NOW, since), cursor or {}))
    for page in pages:
        assert json.loads(json.dumps(page.cursor)) == page.cursor
        assert "secret" not in str(page.cursor)
    return pages


def by_query(answers: Callable[[dict[str, str]], Reply]) -> Callable[[BaseHTTPRequestHandler], Reply]:
    def route(request: BaseHTTPRequestHandler) -> Reply:
        return answers({name: values[0] for name, values in parse_qs(urlsplit(request.path).query).items()})

    return route


def test_search_sample() -> None:
    found = search(body("weibo", "search_type61_page1.json"))
    assert [post.native_id for post in found.posts] == ["5234567890123456", "5234567890123999", "5234560000000777"]
    assert (found.rejected, found.end, found.long) == (0, False, {"5234567890123456"})
    first, repost, of_deleted = found.posts
    assert first.text == (
        "#澄岚空气炸锅# 买了不到一个月就冒烟，客服让我自己寄回去检测，"
        "运费还要我出[怒] @澄岚电器官方 你们就是这样做售后的？"
    )
    assert first.url == "https://weibo.com/7000000001/QkLm9XyZa"
    assert first.author == Author("7000000001", "小满不吃辣", 1532, "")
    assert first.published_at == datetime(2026, 11, 21, 2, tzinfo=UTC)
    assert first.engagement == Engagement(likes=12_000, reposts=37, comments=112)
    assert (first.kind, first.parent, first.root) == ("post", "", "")
    assert repost.author == Author("7000000002", "数码阿诚", 1_036_000, "person")
    assert (repost.kind, repost.parent, repost.root) == ("repost", "5234560000000001", "5234560000000001")
    assert (of_deleted.kind, of_deleted.parent) == ("repost", "5234000000000000")
    assert of_deleted.published_at == datetime(2026, 11, 20, 15, 59, 59, tzinfo=UTC)


def test_the_original_of_a_repost_is_given_and_a_deleted_one_is_not() -> None:
    (original,) = search(body("weibo", "search_type61_page1.json")).reposted
    assert original.native_id == "5234560000000001"
    assert original.author
    assert original.author.verified == "enterprise"
    assert original.author.followers == 258_000
    assert "抱歉" not in original.text


def test_comments_sample() -> None:
    found = parse_comments(body("weibo", "comments_hotflow.json"), host="h", now=NOW, post="52345")
    assert [(p.native_id, p.parent, p.root, p.page, p.kind) for p in found.posts] == [
        ("5234568000000001", "52345", "52345", "52345", "comment"),
        ("5234568000000009", "5234568000000001", "52345", "52345", "comment"),
        ("5234568000000002", "52345", "52345", "52345", "comment"),
    ]
    assert found.posts[0].text == "同款，我的也糊味很重[怒]"
    assert found.posts[0].engagement == Engagement(likes=88, comments=1)
    assert found.posts[1].text == "回复@阿团:退了吗"
    assert found.posts[1].published_at == datetime(2026, 11, 21, 2, 20, tzinfo=UTC)
    assert found.next == ("138999000111", "0")
    assert parse_comments(body("weibo", "comments_last_page.json"), host="h", now=NOW, post="1").next is None


def test_long_text_sample() -> None:
    whole = parse_long_text(body("weibo", "longtext_extend.json"), host="h")
    assert whole
    assert whole.text.endswith("运费还要我出[怒]。第二次打电话说要等二十个工作日。\n已经在黑猫投诉了。")
    assert whole.engagement == Engagement(likes=12_034, reposts=37, comments=112)


def test_no_more() -> None:
    assert search(body("weibo", "search_no_more.json")) == Found((), end=True)
    assert search(json.dumps(cards()).encode()) == Found((), end=True)


@pytest.mark.parametrize(
    ("content", "kind", "words"),
    [
        (body("weibo", "error_login_required.json"), NeedsCredentials, "ok -100"),
        (body("weibo", "error_too_frequent.json"), RateLimited, "errno 100005"),
        (b'{"ok": 0, "errno": 100005}', RateLimited, "errno 100005"),
        (b'{"ok": 0, "errno": "20003", "msg": "\\u6f84"}', SourceError, r"ok 0, errno 20003$"),
        (b'{"ok": "<b>"}', SourceError, "ok missing$"),
        (b"{}", SourceError, "ok missing$"),
        (b'{"ok": 1}', SourceError, "without cards"),
        (b'{"ok": 1, "data": {"cards": null}}', SourceError, "without cards"),
        (b"", SourceError, "an empty answer"),
        (b"<!doctype html><title>Sina Visitor System</title>", NeedsCredentials, "a login page, not JSON"),
        (b"<!doctype html><title>x</title>", SourceError, "an HTML page, not JSON"),
        (b"[1]", SourceError, "not an object"),
        (b"{" * 100_000, SourceError, "JSON that cannot be read"),
        (b"9" * 10_000, SourceError, "not JSON"),
    ],
)
def test_refusals_in_a_body(content: bytes, kind: type[SourceError], words: str) -> None:
    with pytest.raises(SourceError, match=words) as caught:
        search(content)
    assert type(caught.value) is kind
    assert str(caught.value).startswith("m.weibo.cn: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("Sat Nov 21 00:30:00 +0800 2026", datetime(2026, 11, 20, 16, 30, tzinfo=UTC)),
        ("Thu Jan 01 00:30:00 +0800 2026", datetime(2025, 12, 31, 16, 30, tzinfo=UTC)),
        ("刚刚", NOW),
        ("3分钟前", NOW - timedelta(minutes=3)),
        ("昨天 12:30", datetime(2026, 11, 20, 4, 30, tzinfo=UTC)),
        ("12-31", datetime(2025, 12, 30, 16, tzinfo=UTC)),
        ("someday", None),
        (7, None),
        ("9" * 99, None),
    ],
)
def test_times_are_of_beijing(written: object, moment: datetime | None) -> None:
    assert one(created_at=written).published_at == moment


def test_a_cut_text_loses_the_word_that_leads_on() -> None:
    assert one(text='很长...<a href="/status/1">全文</a>', isLongText=True).text == "很长"
    assert one(text="请看全文", isLongText=False).text == "请看全文"


def test_addresses() -> None:
    assert one().url == "https://m.weibo.cn/detail/1"
    assert one(bid="Qk/../x").url == "https://m.weibo.cn/detail/1"


@pytest.mark.parametrize("user", [None, {}])
def test_a_placeholder_of_a_deleted_post_is_skipped(user: object) -> None:
    found = search(json.dumps(cards(blog(1, user=user), blog(2))).encode())
    assert ([p.native_id for p in found.posts], found.rejected, found.end) == (["2"], 0, False)


def test_one_bad_card_does_not_lose_the_page() -> None:
    bad = [{"card_type": 9}, {"card_type": 9, "mblog": 3}, blog(1, id=None), blog(3, text=None), blog(4, text="<img>")]
    found = search(json.dumps(cards(*bad, blog(9), None, {"card_type": 11, "card_group": 4})).encode())  # type: ignore[arg-type]
    assert ([p.native_id for p in found.posts], found.rejected) == (["9"], 5)


def test_search_is_asked_for_as_the_format_says(server: Server, weibo: Weibo) -> None:
    server.routes[SEARCH] = reply("weibo", "search_no_more.json")
    (page,) = run(weibo, "澄岚 A&B")
    assert page.exhausted
    path, headers = server.seen[0]
    assert "containerid=100103type%3D61%26q%3D%E6%BE%84%E5%B2%9A%20A%20B%26t%3D0&page_type=searchall&page=1" in path
    assert headers["cookie"] == COOKIE
    assert headers["mweibo-pwa"] == "1"
    assert headers["x-requested-with"] == "XMLHttpRequest"
    assert headers["referer"].startswith(server.url("/p/searchall?containerid=100103type%3D1%26q%3D%E6%BE%84"))
    assert headers["user-agent"].startswith("Qianli/")


def test_one_run_of_the_samples(server: Server, weibo: Weibo) -> None:
    server.routes[SEARCH] = by_query(
        lambda q: reply("weibo", "search_type61_page1.json" if q["page"] == "1" else "search_no_more.json")
    )
    server.routes[LONG] = reply("weibo", "longtext_extend.json")
    server.routes[COMMENTS] = reply("weibo", "comments_hotflow.json")
    pages = run(weibo)
    found = [page for page in pages if page.stream == "澄岚"]
    assert [len(page.posts) for page in found] == [3, 0]
    assert [page.exhausted for page in found] == [False, True]
    assert found[0].posts[0].text.endswith("已经在黑猫投诉了。")
    assert found[0].posts[0].engagement.likes == 12_034
    comments = [page for page in pages if page.stream.startswith("comments ")]
    assert {page.stream for page in comments} == {"comments 5234567890123456", "comments 5234567890123999"}
    assert comments[0].exhausted, "a sample as large as it was set to be leaves no gap"
    asked = [path for path, _ in server.seen if path.startswith(COMMENTS)]
    assert f"{COMMENTS}?id=5234567890123456&mid=5234567890123456&max_id_type=0" in asked


def test_a_second_run_knows_where_the_first_was(server: Server, weibo: Weibo) -> None:
    server.routes[SEARCH] = by_query(lambda q: json_reply(cards(*(blog(n) for n in range(30, 10, -1)))))
    server.routes[COMMENTS] = reply("weibo", "comments_last_page.json")
    first = run(weibo)
    assert len([p for p in first if p.stream == "澄岚"]) == weibo.pages
    before = len(server.seen)
    server.routes[SEARCH] = by_query(lambda q: json_reply(cards(*(blog(n) for n in range(35, 15, -1)))))
    (page,) = run(weibo, cursor=first[-1].cursor)
    assert len(page.posts) == 20
    assert page.cursor["newest"]["澄岚"][0] == "35"
    assert len(server.seen) == before + 1, "one page, and no comments so soon"


def test_a_page_that_ends_behind_the_last_run_is_the_last(server: Server, weibo: Weibo) -> None:
    server.routes[SEARCH] = json_reply(cards(blog(3, -99_999_999), blog(2, 1), blog(1, 90)))
    run(weibo, since=NOW - timedelta(hours=1))
    assert len([path for path, _ in server.seen if path.startswith(SEARCH)]) == 1
    server.seen.clear()
    server.routes[SEARCH] = json_reply(cards(blog(3, -99_999_999), blog(2, 1)))
    run(weibo, since=NOW - timedelta(hours=1))
    assert len([path for path, _ in server.seen if path.startswith(SEARCH)]) == weibo.pages


def test_a_long_text_is_read_once_and_then_left_alone(server: Server, weibo: Weibo) -> None:
    long = blog(7, text="开头...全文", isLongText=True)
    server.routes[SEARCH] = json_reply(cards(blog(8), long, blog(6, 120)))
    server.routes[LONG] = json_reply({"ok": 1, "data": {"ok": 1, "longTextContent": WHOLE}})
    server.routes[COMMENTS] = reply("weibo", "comments_last_page.json")
    since = NOW - timedelta(hours=1)
    first = run(weibo, since=since)
    assert [p.text for p in first[0].posts] == ["澄岚帖8", WHOLE, "澄岚帖6"]
    (again,) = run(weibo, cursor=first[-1].cursor, since=since)
    assert [p.native_id for p in again.posts] == ["8", "6"]
    assert again.exhausted, "the run did reach back, though what shows it was left out"
    assert len([path for path, _ in server.seen if path.startswith(LONG)]) == 1


def test_a_long_post_of_two_terms_is_whole_under_both(server: Server, weibo: Weibo) -> None:
    server.routes[SEARCH] = json_reply(cards(blog(7, text="开头...全文", isLongText=True), blog(6, 120)))
    server.routes[LONG] = reply("weibo", "longtext_extend.json")
    pages = run(weibo, "澄岚", "澄嵐", since=NOW - timedelta(hours=1))
    assert [page.posts[0].text[-5:] for page in pages] == ["猫投诉了。"] * 2
    assert len([path for path, _ in server.seen if path.startswith(LONG)]) == 1


def test_a_long_text_that_cannot_be_had_stays_cut_and_is_tried_again(server: Server, weibo: Weibo) -> None:
    server.routes[SEARCH] = json_reply(cards(blog(7, text="开头...全文", isLongText=True)))
    server.routes[LONG] = Reply(500)
    server.routes[COMMENTS] = reply("weibo", "comments_last_page.json")
    first = run(weibo)
    assert first[0].posts[0].text == "开头"
    server.routes[LONG] = reply("weibo", "longtext_extend.json")
    assert run(weibo, cursor=first[-1].cursor)[0].posts[0].text.endswith("黑猫投诉了。")


def test_a_refusal_amid_long_texts_loses_no_post(server: Server, weibo: Weibo) -> None:
    server.routes[SEARCH] = json_reply(cards(blog(7, text="开头", isLongText=True), blog(6, isLongText=True)))
    server.routes[LONG] = reply("weibo", "error_too_frequent.json")
    pages = weibo.fetch(Query(("澄岚", "别的"), NOW), {})
    assert [p.text for p in next(pages).posts] == ["开头", "澄岚帖6"]
    with pytest.raises(RateLimited):
        next(pages)
    assert [path.partition("?")[0] for path, _ in server.seen] == [SEARCH, LONG]


def test_no_more_long_texts_than_set(server: Server, http: Http) -> None:
    server.routes[SEARCH] = json_reply(cards(*(blog(n, isLongText=True) for n in range(1, 9))))
    server.routes[LONG] = reply("weibo", "longtext_extend.json")
    run(Weibo("w", http, url=server.url(""), long_texts=3, pages=1))
    assert len([path for path, _ in server.seen if path.startswith(LONG)]) == 3


def test_comments_are_paged(server: Server, http: Http) -> None:
    server.routes[SEARCH] = json_reply(cards(blog(7, comments_count=3)))
    server.routes[COMMENTS] = by_query(
        lambda q: reply("weibo", "comments_last_page.json" if "max_id" in q else "comments_hotflow.json")
    )
    pages = run(Weibo("w", http, url=server.url(""), pages=1, comment_pages=3))
    assert [(page.stream, len(page.posts), page.exhausted) for page in pages[1:]] == [
        ("comments 7", 3, True), ("comments 7", 0, True)
    ]  # fmt: skip
    assert server.seen[-1][0] == f"{COMMENTS}?id=7&mid=7&max_id=138999000111&max_id_type=0"


def test_comments_that_cannot_be_read_do_not_fail_the_search(server: Server, weibo: Weibo) -> None:
    server.routes[SEARCH] = json_reply(cards(blog(7, comments_count=3), blog(8, comments_count=3)))
    server.routes[COMMENTS] = by_query(
        lambda q: Reply(404) if q["id"] == "7" else reply("weibo", "comments_hotflow.json")
    )
    pages = run(weibo)[weibo.pages :]
    assert {(page.stream, len(page.posts), page.rejected) for page in pages} == {
        ("comments 7", 0, 1),
        ("comments 8", 3, 0),
    }
    again = run(weibo, cursor=pages[-1].cursor)
    assert {page.stream for page in again} == {"澄岚"}, "it is not asked for again at once"
    server.routes[SEARCH] = json_reply(cards(*(blog(n, comments_count=3) for n in (1, 2, 3))))
    server.routes[COMMENTS] = Reply(404)
    with pytest.raises(SourceError, match="HTTP 404"):
        run(replace(weibo, comments=3))


def test_nothing_where_there_were_posts_is_a_refusal(server: Server, weibo: Weibo) -> None:
    server.routes[SEARCH] = json_reply(cards(blog(1, comments_count=3), blog(2), blog(3)))
    server.routes[COMMENTS] = json_reply({"ok": 0, "msg": "还没有人评论哦"})
    cursor = run(weibo)[-1].cursor
    server.routes[SEARCH] = reply("weibo", "search_no_more.json")
    with pytest.raises(Blocked, match="captcha"):
        run(weibo, cursor=cursor)
    assert run(weibo, "从没有人说过", cursor=cursor)[0].exhausted
    few = {**cursor, "newest": {"澄岚": ["1"]}}
    assert run(weibo, cursor=few)[0].exhausted, "the one post there was may have been deleted"


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (reply("weibo", "error_432.http"), NeedsCredentials, "HTTP 432, the cookie is no longer accepted"),
        (reply("weibo", "error_302_visitor.http"), NeedsCredentials, "HTTP 302 to a login page"),
        (reply("weibo", "error_login_required.json"), NeedsCredentials, "ok -100"),
        (reply("weibo", "error_too_frequent.json"), RateLimited, "errno 100005"),
        (Reply(302, b"", {"Location": "https://passport.example.test/"}), NeedsCredentials, "login page"),
        (Reply(302, b"", {"Location": "https://elsewhere.example.test/secret"}), SourceError, "not followed"),
        (Reply(302, b"", {}), SourceError, "not followed"),
        (Reply(418, b"<html>"), Blocked, "HTTP 418"),
        (Reply(403), Blocked, "HTTP 403"),
        (Reply(429, b"", {"Retry-After": "60"}), RateLimited, "HTTP 429"),
        (Reply(500), SourceError, "HTTP 500"),
        (Reply(200, b"<html>login"), SourceError, "an HTML page"),
    ],
)
def test_refusals(server: Server, weibo: Weibo, answer: Reply, kind: type[SourceError], words: str) -> None:
    server.routes[SEARCH] = answer
    with pytest.raises(SourceError, match=words) as caught:
        run(weibo, "secretterm")
    assert type(caught.value) is kind
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(server.seen) == 1, "no redirect is followed, nothing is tried twice"


def test_without_a_cookie(server: Server, http: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    server.routes[SEARCH] = reply("weibo", "error_432.http")
    with pytest.raises(NeedsCredentials, match="it wants a cookie: set cookie_env"):
        run(Weibo("w", http, url=server.url("")))
    monkeypatch.delenv("NOT_SET", raising=False)
    named = Weibo("w", http, url=server.url(""), cookie_env="NOT_SET")
    with pytest.raises(NeedsCredentials, match=r"the environment variable NOT_SET \(cookie_env\) is not set"):
        run(named)
    monkeypatch.setenv("NOT_SET", "SUB=secret\r\nX: 1")
    with pytest.raises(NeedsCredentials, match="cannot be sent") as caught:
        run(named)
    assert "secret" not in str(caught.value)
    assert len(server.seen) == 1


def test_recheck_brings_counts_and_the_whole_text(server: Server, weibo: Weibo) -> None:
    server.routes[LONG] = by_query(
        lambda q: reply("weibo", "longtext_extend.json") if q["id"] == "1" else json_reply({"ok": 0, "msg": "x"})
    )
    posts = [Post("weibo", "1", "开头"), Post("weibo", "2", "别的"), Post("weibo", "3", "评论", page="1"),
             Post("ptt", "4", "x")]  # fmt: skip
    (found,) = weibo.recheck(posts, NOW)
    assert (found.native_id, found.engagement.likes) == ("1", 12_034)
    assert found.text.endswith("黑猫投诉了。")
    assert len(server.seen) == 2
    assert isinstance(weibo, Rechecks)


@pytest.mark.parametrize(
    "cursor",
    [{"newest": 3, "threads": "x", "whole": {}}, {"newest": {"澄岚": None}, "threads": [[1]], "whole": [1, None]}],
)
def test_a_cursor_of_another_shape_is_no_obstacle(server: Server, weibo: Weibo, cursor: Cursor) -> None:
    server.routes[SEARCH] = reply("weibo", "search_no_more.json")
    assert run(weibo, cursor=cursor)[0].exhausted


def test_settings(http: Http) -> None:
    where = "config.toml: sources.w"
    source = build("weibo", "w", {"cookie_env": "A", "url": "https://mirror.example.test/"}, http, where)
    assert source == Weibo("w", http, "A", url="https://mirror.example.test")
    for bad in ({"pages": 0}, {"pages": 99}, {"comments": -1}, {"url": "file:///x"}, {"cookie": "SUB=1"}):
        with pytest.raises(ConfigError, match=r"^config\.toml: sources\.w\.\w+: "):
            build("weibo", "w", bad, http, where)


def test_terms_of_its_own(server: Server, http: Http) -> None:
    server.routes[SEARCH] = reply("weibo", "search_no_more.json")
    pages = run(Weibo("w", http, terms=("甲", "乙", "甲"), url=server.url("")), "澄岚")
    assert [page.stream for page in pages] == ["甲", "乙"]


def test_another_name_only_where_the_user_sets_one(server: Server, http: Http) -> None:
    server.routes[SEARCH] = reply("weibo", "search_no_more.json")
    run(Weibo("w", http, user_agent="Mozilla/5.0 (Mobile)", url=server.url("")))
    assert server.seen[0][1]["user-agent"] == "Mozilla/5.0 (Mobile)"
    with pytest.raises(ConfigError, match=r"sources\.w\.user_agent: "):
        build("weibo", "w", {"user_agent": "x\r\nCookie: y"}, http, "config.toml: sources.w")

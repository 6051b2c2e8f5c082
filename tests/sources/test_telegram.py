from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from monitor.errors import Blocked, ConfigError, SourceError
from monitor.model import Page, Post, Query
from sources import build
from sources.http import Http
from sources.telegram import Parsed, Telegram, parse
from tests.sources import recorded
from tests.sources.loopback import NOW, Reply, Server

CHANNEL = "chenglan_talk"


def sample(name: str) -> Parsed:
    return parse(recorded.body("telegram", name), host="t.me")


def message(number: int, text: str, when: str = "2026-11-21T02:00:00+00:00", more: str = "", classes: str = "") -> str:
    words = f'<div class="tgme_widget_message_text js-message_text">{text}</div>' if text else ""
    return (
        f'<div class="tgme_widget_message {classes}" data-post="{CHANNEL}/{number}">{more}{words}'
        f'<a class="tgme_widget_message_date" href="#"><time datetime="{when}">x</time></a></div>'
    )


def page_of(*messages: str, before: int = 0) -> bytes:
    link = f'<a class="tme_messages_more" data-before="{before}"></a>' if before else ""
    return f'<section class="tgme_channel_history">{link}{"".join(messages)}</section>'.encode()


def one(markup: str) -> Post:
    (post,) = parse(page_of(markup), host="t.me").posts
    return post


def hours_ago(hours: float) -> str:
    return (NOW - timedelta(hours=hours)).isoformat()


@pytest.fixture
def telegram(server: Server, http: Http) -> Telegram:
    return Telegram("tg", http, (CHANNEL,), url=server.url("").rstrip("/"))


def fetch(source: Telegram, *terms: str, cursor: Any = None, since: datetime | None = None) -> list[Page]:
    return list(source.fetch(Query(terms or ("澄嵐",), NOW, since), cursor or {}))


def test_search_sample_is_turned_newest_first() -> None:
    found = sample("s_channel_q.html")
    assert (found.older, found.rejected) == ("120", 0)
    repost, post = found.posts
    assert (post.platform, post.native_id, post.url) == (
        "telegram",
        "chenglan_talk/120",
        "https://t.me/chenglan_talk/120",
    )
    assert post.text == "澄嵐 K3 傳出冒煙事件\n多名用戶反映客服拒賠 #澄嵐"
    assert post.published_at == datetime(2026, 11, 20, 13, 21, tzinfo=UTC)
    assert post.author
    assert (post.author.id, post.author.name, post.author.followers) == ("chenglan_talk", "小家電情報站", 12_400)
    assert (post.kind, post.parent, post.root) == ("post", "", "")
    assert not post.engagement
    assert (repost.kind, repost.parent, repost.root) == ("repost", "other/9", "")
    assert repost.text == "轉：澄嵐聲明全文"


def test_empty_sample() -> None:
    assert sample("s_no_posts.html") == Parsed(())


@pytest.mark.parametrize(
    ("when", "moment"),
    [
        ("2026-11-20T21:21:00+08:00", datetime(2026, 11, 20, 13, 21, tzinfo=UTC)),
        ("2026-12-31T23:30:00-05:00", datetime(2027, 1, 1, 4, 30, tzinfo=UTC)),
        ("2026-11-20T13:21:00", datetime(2026, 11, 20, 13, 21, tzinfo=UTC)),
        ("13:21", None),
        ("", None),
    ],
)
def test_times(when: str, moment: datetime | None) -> None:
    assert one(message(1, "x", when)).published_at == moment


def test_a_videos_length_is_not_its_time() -> None:
    assert one(
        message(1, "x", more='<time class="message_video_duration" datetime="2001-01-01">0:12</time>')
    ).published_at == (datetime(2026, 11, 21, 2, tzinfo=UTC))


def test_text_as_a_person_saw_it() -> None:
    emoji = '<tg-emoji emoji-id="1"><i class="emoji"><b>😡</b></i></tg-emoji>'
    assert one(message(1, f"冒煙{emoji}<br><b>退</b>款 &lt;b&gt;")).text == "冒煙😡\n退款 <b>"
    nested = '<div class="tgme_widget_message_text">裡</div>'
    assert one(message(1, nested)).text == "裡"
    two = '<div class="tgme_widget_message_text">第一</div>'
    assert one(message(1, "第二", more=two)).text == "第一\n第二"


def test_a_reply_knows_what_it_answers_and_does_not_repeat_it() -> None:
    quoted = (
        '<a class="tgme_widget_message_reply" href="https://t.me/chenglan_talk/7">'
        '<div class="tgme_widget_message_text">舊文</div></a>'
    )
    post = one(message(9, "不推", more=quoted))
    assert (post.text, post.kind, post.parent, post.root) == ("不推", "post", "chenglan_talk/7", "chenglan_talk/7")
    for host in ("https://evil.example", "https://t.me.evil.example", "http://[::1"):
        assert one(message(9, "不推", more=quoted.replace("https://t.me", host))).parent == ""


def test_what_is_no_message_is_left_out() -> None:
    bad = message(3, "x").replace(f"{CHANNEL}/3", "../3")
    found = parse(page_of(message(1, "pinned a photo", classes="service_message"), message(2, ""), bad), host="t.me")
    assert (found.posts, found.rejected) == ((), 1)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", SourceError),
        (b"<html>Telegram: Contact @x</html>", SourceError),
        (b"<html>Just a moment...</html>", Blocked),
        (b'{"ok": false}', SourceError),
    ],
)
def test_pages_that_are_no_preview(body: bytes, kind: type[SourceError]) -> None:
    with pytest.raises(SourceError, match=r"^t\.me: .*not a channel's preview$") as caught:
        parse(body, host="t.me")
    assert type(caught.value) is kind


def test_fetch_asks_for_each_term(server: Server, telegram: Telegram) -> None:
    server.routes[f"/s/{CHANNEL}"] = Reply(200, recorded.body("telegram", "s_no_posts.html"))
    pages = fetch(telegram, "澄嵐", "A&B")
    assert [parse_qs(urlsplit(path).query) for path, _ in recorded.asked(server)] == [{"q": ["澄嵐"]}, {"q": ["A&B"]}]
    assert [(page.posts, page.exhausted) for page in pages] == [((), True)] * 2
    assert len({page.stream for page in pages}) == 2


def test_without_search_the_channel_is_read_once(server: Server, http: Http) -> None:
    server.routes[f"/s/{CHANNEL}"] = Reply(200, page_of(message(1, "x")))
    fetch(Telegram("tg", http, (CHANNEL,), search=False, url=server.url("").rstrip("/")), "a", "b")
    assert [path for path, _ in recorded.asked(server)] == [f"/s/{CHANNEL}"]


def history(server: Server, newest: int) -> None:
    """Two messages a page, one an hour, number ``newest`` being written now."""

    def answer(request: BaseHTTPRequestHandler) -> Reply:
        before = int(parse_qs(urlsplit(request.path).query).get("before", [str(newest + 1)])[0])
        numbers = [n for n in (before - 2, before - 1) if n > 0]
        shown = (message(n, f"m{n}", hours_ago(newest - n)) for n in numbers)
        return Reply(200, page_of(*shown, before=min(numbers) if min(numbers) > 1 else 0))

    server.routes[f"/s/{CHANNEL}"] = answer


def test_pages_back_to_the_last_hearing(server: Server, telegram: Telegram) -> None:
    history(server, 20)
    pages = fetch(telegram, since=NOW - timedelta(hours=1.5))
    assert [[post.text for post in page.posts] for page in pages] == [["m20", "m19"], ["m18", "m17"]]
    assert [page.exhausted for page in pages] == [False, True]


def test_pages_are_bounded_and_the_gap_is_told(server: Server, telegram: Telegram) -> None:
    history(server, 20)
    pages = fetch(telegram, since=NOW - timedelta(hours=18))
    assert [page.exhausted for page in pages] == [False, False, False]


def test_a_page_of_pictures_is_no_quiet_channel(server: Server, telegram: Telegram) -> None:
    """An empty page that is not the end must not pass for one in which nothing is new."""

    def page(request: BaseHTTPRequestHandler) -> Reply:
        first = "before" not in request.path
        return Reply(200, page_of(message(9, "") if first else message(8, "x", hours_ago(1)), before=9 if first else 0))

    server.routes[f"/s/{CHANNEL}"] = page
    assert [([p.text for p in found.posts], found.exhausted) for found in fetch(telegram)] == [(["x"], True)]


def test_two_runs(server: Server, telegram: Telegram) -> None:
    history(server, 5)
    first = fetch(telegram)
    assert [page.exhausted for page in first] == [False, False, True], "the channel's beginning"
    kept = json.loads(json.dumps(first[-1].cursor))
    assert next(iter(kept.values())) == [f"{CHANNEL}/{n}" for n in (5, 4, 3, 2, 1)]
    history(server, 6)
    (page,) = fetch(telegram, cursor=kept)
    assert page.exhausted, "a known message is on the page"
    assert page.posts[0].text == "m6"


def test_a_message_dated_2099_deafens_nothing(server: Server, telegram: Telegram) -> None:
    server.routes[f"/s/{CHANNEL}"] = Reply(200, page_of(message(10**17, "far", "2099-01-01T00:00:00Z")))
    (page,) = fetch(telegram)
    server.routes[f"/s/{CHANNEL}"] = Reply(200, page_of(message(8, "new", hours_ago(0))))
    (page,) = fetch(telegram, cursor=page.cursor, since=NOW)
    assert [post.text for post in page.posts] == ["new"]


def test_a_page_that_leads_to_itself_ends(server: Server, http: Http) -> None:
    server.routes[f"/s/{CHANNEL}"] = Reply(200, page_of(message(9, "x"), before=9))
    pages = fetch(Telegram("tg", http, (CHANNEL,), pages=20, url=server.url("").rstrip("/")))
    assert [page.exhausted for page in pages] == [False, False]


def test_a_channel_without_a_preview_does_not_silence_the_others(server: Server, http: Http) -> None:
    server.routes["/s/private_thing"] = recorded.reply("telegram", "not_previewable.http")
    server.routes["/s/moved"] = Reply(302, b"", {"Location": "/s/elsewhere"})
    server.routes[f"/s/{CHANNEL}"] = Reply(200, page_of(message(1, "x")))
    base = server.url("").rstrip("/")
    run = Telegram("tg", http, ("private_thing", CHANNEL), url=base).fetch(Query(("澄嵐",), NOW), {})
    assert len(next(run).posts) == 1
    with pytest.raises(SourceError, match=r"^127\.0\.0\.1: channel private_thing has no public preview"):
        next(run)
    with pytest.raises(SourceError, match=r"^127\.0\.0\.1: redirects the preview of channel moved"):
        fetch(Telegram("tg", http, ("moved",), url=base))


def test_a_refusal_ends_the_run(server: Server, http: Http) -> None:
    server.routes["/s/a"] = server.routes["/s/b"] = Reply(403)
    with pytest.raises(Blocked):
        fetch(Telegram("tg", http, ("a", "b"), url=server.url("").rstrip("/")))
    assert len(recorded.asked(server)) == 1


def test_the_hosts_rules_are_obeyed(server: Server, telegram: Telegram) -> None:
    server.routes["/robots.txt"] = Reply(200, b"User-agent: *\nDisallow: /s/")
    with pytest.raises(Blocked, match="robots"):
        fetch(telegram)
    assert recorded.asked(server) == []


@pytest.mark.parametrize("kept", [3, None, {"a": 1}, [None, {}]])
def test_a_cursor_of_another_shape_is_no_obstacle(server: Server, telegram: Telegram, kept: object) -> None:
    server.routes[f"/s/{CHANNEL}"] = Reply(200, page_of(message(1, "x")))
    assert fetch(telegram, cursor={f"{CHANNEL}:澄嵐": kept})[0].exhausted


@pytest.mark.parametrize("channels", [["@x"], ["a/b"], [], "x", ["a b"]])
def test_slips_in_the_settings(http: Http, channels: object) -> None:
    with pytest.raises(ConfigError, match=r"^config.toml: sources.tg.channels"):
        build("telegram", "tg", {"channels": channels}, http, "config.toml: sources.tg")

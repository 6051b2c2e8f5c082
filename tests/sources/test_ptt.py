from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from monitor.errors import Blocked, ConfigError, NeedsCredentials, RateLimited, SourceError
from monitor.model import Gone, Page, Post, Query
from sources import build
from sources.http import Http
from sources.ptt import Ptt
from sources.ptt.pages import Listing, Row, is_not_found, parse, parse_list, row_of
from tests.sources import recorded
from tests.sources.loopback import NOW, Reply, Server

BOARD = "home-appliances"
PATH = f"/bbs/{BOARD}/M.1795177200.A.3F1.html"
ID = "https://www.ptt.cc" + PATH
ROW = Row(BOARD, "M.1795177200.A.3F1", datetime(2026, 11, 20, 12, 20, tzinfo=UTC))
SEARCH = f"/bbs/{BOARD}/search"


def listing(name: str) -> Listing:
    return parse_list(recorded.body("ptt", name), host="www.ptt.cc", board=BOARD)


def article(body: bytes, row: Row = ROW, fetched_at: datetime = NOW) -> tuple[Post, ...]:
    return parse(body, row, host="www.ptt.cc", fetched_at=fetched_at).posts


def push(tag: str, user: str, words: str, when: str) -> str:
    return (
        f'<div class="push"><span class="push-tag">{tag} </span><span class="push-userid">{user}</span>'
        f'<span class="push-content">: {words}</span><span class="push-ipdatetime"> {when}\n</span></div>'
    )


ORIGIN = "--\n※ 發信站: 批踢踢實業坊(ptt.cc), 來自: 203.0.113.7\n"


def page_of(body: str, pushes: Iterable[str] = (), end: str = ORIGIN) -> bytes:
    main = f'<div id="main-content">{body}\n{end}{"".join(pushes)}</div>'
    return f"<title>標題 - 看板 B - 批踢踢實業坊</title>{main}".encode()


def list_of(rows: Iterable[tuple[int, str]], older: str = "") -> bytes:
    """Rows of (Unix time, mark)."""
    entries = "".join(
        f'<div class="r-ent"><div class="nrec"><span>{mark}</span></div><div class="title">'
        f'<a href="/bbs/{BOARD}/M.{time}.A.001.html">t</a></div><div class="author">a</div></div>'
        for time, mark in rows
    )
    link = f'<a class="btn wide" href="{older}">‹ 上頁</a>' if older else '<a class="btn wide disabled">‹ 上頁</a>'
    return f'{link}<div class="r-list-container">{entries}</div>'.encode()


def article_path(time: int) -> str:
    return f"/bbs/{BOARD}/M.{time}.A.001.html"


def ago(**span: float) -> int:
    return int((NOW - timedelta(**span)).timestamp())


@pytest.fixture
def ptt(server: Server, http: Http) -> Ptt:
    return Ptt("ptt", http, (BOARD,), url=server.url("").rstrip("/"))


def fetch(source: Ptt, *terms: str, cursor: Any = None, since: datetime | None = None) -> list[Page]:
    return list(source.fetch(Query(terms or ("澄嵐",), NOW, since), cursor or {}))


def asked(server: Server) -> list[str]:
    return [path.partition("?")[0].rpartition("/")[2] for path, _ in recorded.asked(server)]


def test_search_sample() -> None:
    found = listing("search_page1.html")
    assert [(row.file, row.mark, row.author) for row in found.rows] == [
        ("M.1795177200.A.3F1", "爆", "chengfan"),
        ("M.1795090800.A.0C2", "23", "oldwang"),
        ("M.1795004400.A.9AB", "X2", "newbie99"),
        ("M.1786000000.A.111", "3", "amber"),
    ]
    assert found.rows[3].published_at == datetime(2026, 8, 6, 7, 6, 40, tzinfo=UTC)
    assert found.older == "/bbs/home-appliances/search?page=2&q=%E6%BE%84%E5%B5%90"
    assert found.rejected == 0


def test_board_sample_leaves_out_pinned_rows() -> None:
    found = listing("board_index.html")
    assert len(found.rows) == 4
    assert "M.1500000000.A.AAA" not in [row.file for row in found.rows]
    assert found.older == "/bbs/home-appliances/index1033.html"


def test_a_list_that_is_oldest_first_is_turned() -> None:
    found = parse_list(list_of([(1795000000, ""), (1795009000, "")]), host="h", board=BOARD)
    assert [row.file for row in found.rows] == ["M.1795009000.A.001", "M.1795000000.A.001"]
    assert found.older == ""


def test_article_sample() -> None:
    post, *pushes = article(recorded.body("ptt", "article.html"))
    assert (post.platform, post.native_id, post.url, post.kind) == ("ptt", ID, ID, "post")
    assert post.text == (
        "[抱怨] 澄嵐氣炸鍋冒煙 客服叫我自己寄\n買不到一個月，昨天預熱到一半冒煙，\n"
        "打客服要我自己付運費寄回去檢測...\n\n: 引用別人的文字\n圖 https://i.example.test/a.jpg"
    )
    assert post.author
    assert (post.author.id, post.author.name) == ("chengfan", "chengfan (阿凡)")
    assert post.published_at == datetime(2026, 11, 20, 12, 20, tzinfo=UTC), "20:20 in Taipei, as the page says"
    assert (post.engagement.likes, post.engagement.comments, post.engagement.reposts) == (2, 4, None)
    assert [(p.kind, p.author and p.author.id, p.text) for p in pushes] == [
        ("comment:push", "lulu", "我的也有燒焦味"),
        ("comment:boo", "trollx", "自己不會用吧"),
        ("comment:arrow", "mimi", "客服真的爛"),
        ("comment:push", "night", "消保官"),
    ]
    assert {(p.parent, p.root, p.url) for p in pushes} == {(ID, ID, ID)}
    assert [p.published_at and p.published_at.strftime("%d %H:%M") for p in pushes] == [
        *("20 12:31", "20 12:40", "20 13:02", "20 16:05"),
    ]
    assert "203.0.113" not in repr((post, pushes)), "the forum shows addresses; they are not kept"


def test_a_push_keeps_its_id_while_others_come_and_go() -> None:
    one, two = push("推", "a", "好", "11/20 20:31"), push("推", "a", "好", "11/20 20:31")
    other = push("→", "b", "嗯", "203.0.113.9 11/20 20:40")
    first = article(page_of("x", [one, two, other]))
    assert len({p.native_id for p in first}) == 4
    later = article(page_of("x", [push("噓", "c", "早", "11/20 20:30"), one, two, other.replace("203.0.113.9 ", "")]))
    assert {p.native_id for p in first} < {p.native_id for p in later}


@pytest.mark.parametrize(
    ("written", "start", "times"),
    [
        (["12/31 23:59", "01/01 00:03"], "2026-12-31T15:58:00", ["2026-12-31T15:59", "2026-12-31T16:03"]),
        (["01/01 00:03", "12/31 23:59"], "2026-12-31T15:58:00", ["2026-12-31T16:03", "2026-12-31T15:59"]),
        (["11/20 20:20"], "2026-11-20T12:20:30", ["2026-11-20T12:20"]),
        (["11/21", "11/21"], "2026-11-20T12:20:00", ["2026-11-20T16:00", "2026-11-20T16:00"]),
        (["11/20"], "2026-11-20T12:20:00", ["2026-11-20T12:20"]),
        (["", "99/99 99:99", "11/20 20:25"], "2026-11-20T12:20:00", ["2026-11-20T12:20"] * 2 + ["2026-11-20T12:25"]),
        (["11/20 20:25", "11/22 20:20"], "2026-11-20T12:20:00", ["2026-11-20T12:25"] * 2),
    ],
)
def test_times_of_pushes(written: list[str], start: str, times: list[str]) -> None:
    """They have no year; one that cannot be, or lies ahead of the fetch, is told at the time of the one before."""
    row = Row(BOARD, "M.1.A.1", datetime.fromisoformat(start).replace(tzinfo=UTC))
    now = max(NOW, row.published_at + timedelta(days=1))
    pushes = [push("推", f"u{n}", "x", when) for n, when in enumerate(written)]
    found = article(page_of("x", pushes), row, now)[1:]
    assert [p.published_at and p.published_at.strftime("%Y-%m-%dT%H:%M") for p in found] == times


def test_an_article_without_its_head_and_with_a_signature() -> None:
    row = Row(BOARD, "M.1795177200.A.3F1", NOW, author="amber")
    (post,) = article(page_of("第一行\n--\n簽名檔\n"), row)
    assert post.text == "標題\n第一行\n--\n簽名檔"
    assert post.author
    assert post.author.id == "amber"
    (post,) = article(page_of("沒有結尾\n※ 編輯: amber (203.0.113.7), 11/20/2026", end=""), row)
    assert post.text == "標題\n沒有結尾"


def test_odd_pushes() -> None:
    notice = '<div class="push center warning-box">檔案過大！部分文章無法顯示</div>'
    empty, odd = push("推", "a", "", "11/20 20:30"), push("讚", "b", "x", "11/20 20:30")
    found = parse(page_of("x", [notice, empty, odd, '<div class="push">?</div>']), ROW, host="h", fetched_at=NOW)
    assert len(found.posts) == 1
    assert found.posts[0].engagement.comments == 1
    assert found.rejected == 2


def test_rows_that_name_no_article() -> None:
    assert row_of("/bbs/B/M.0.A.1.html") is None
    assert row_of("/bbs/B/M.9999999999.A.1.html") is None, "the year 2286"
    assert row_of("https://evil.example/x") is None
    bad = list_of([(1795000000, "")]).replace(b"/bbs/home-appliances/M.", b"javascript:M.")
    assert parse_list(bad, host="h", board=BOARD).rejected == 1


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("ask_over18.html", NeedsCredentials, r"board home-appliances is for adults.*over18 = true"),
        ("error_404.html", SourceError, "an HTML page, not the list of board"),
        ("error_500.html", SourceError, "an HTML page, not the list of board"),
    ],
)
def test_pages_that_are_no_list(name: str, kind: type[SourceError], words: str) -> None:
    with pytest.raises(SourceError, match=rf"^www\.ptt\.cc: .*{words}") as caught:
        listing(name)
    assert type(caught.value) is kind


def test_fetch_asks_the_board_and_reads_what_it_finds(server: Server, ptt: Ptt) -> None:
    server.routes[SEARCH] = Reply(200, recorded.body("ptt", "search_page1.html"))
    server.routes[PATH] = Reply(200, recorded.body("ptt", "article.html"))
    for file in ("M.1795090800.A.0C2", "M.1795004400.A.9AB"):
        server.routes[f"/bbs/{BOARD}/{file}.html"] = Reply(200, page_of(file))
    (page,) = fetch(ptt)
    assert len(page.posts) == 7
    assert page.exhausted
    assert "M.1786000000.A.111" not in str(server.seen), "a first run reads a week, not what was said in August"
    query = parse_qs(urlsplit(recorded.asked(server)[0][0]).query)
    assert query == {"page": ["1"], "q": ["澄嵐"]}
    assert "cookie" not in recorded.asked(server)[0][1]
    assert json.loads(json.dumps(page.cursor)) == page.cursor


def test_over18_is_said_only_when_set(server: Server, http: Http) -> None:
    gate = recorded.reply("ptt", "over18_redirect.http")
    server.routes["/ask/over18"] = Reply(200, recorded.body("ptt", "ask_over18.html"))

    def board(request: BaseHTTPRequestHandler) -> Reply:
        return Reply(200, list_of([])) if request.headers.get("Cookie") == "over18=1" else gate

    server.routes["/bbs/Gossiping/search"] = board
    server.routes[SEARCH] = Reply(200, list_of([(ago(hours=1), "")]))
    server.routes[article_path(ago(hours=1))] = Reply(200, page_of("x"))
    base = server.url("").rstrip("/")
    found: list[Page] = []
    with pytest.raises(NeedsCredentials, match="over18 = true"):
        found.extend(Ptt("p", http, ("Gossiping", BOARD), url=base).fetch(Query(("澄嵐",), NOW), {}))
    assert [len(page.posts) for page in found] == [1], "the other board is still read"
    assert fetch(Ptt("p", http, ("Gossiping",), over18=True, url=base))[0].exhausted


def test_a_second_run_reads_only_what_is_new_or_moved(server: Server, ptt: Ptt) -> None:
    times = [ago(hours=h) for h in (2, 4, 6, 100)]
    server.routes[SEARCH] = Reply(200, list_of(zip(times, ("3", "", "爆", "5"), strict=True)))
    for time in times:
        server.routes[article_path(time)] = Reply(200, page_of(str(time), [push("推", "u", "x", "11/21 10:00")]))
    (first,) = fetch(ptt)
    assert len(first.posts) == 8
    new = ago(minutes=5)
    server.routes[article_path(new)] = Reply(200, page_of("new"))
    marks = zip([new, *times], ("", "4", "", "爆", "6"), strict=True)
    server.routes[SEARCH] = Reply(200, list_of(marks))
    server.seen.clear()
    pages = fetch(ptt, cursor=json.loads(json.dumps(first.cursor)), since=NOW - timedelta(minutes=10))
    assert asked(server) == ["search", *(f"M.{t}.A.001.html" for t in (new, times[0], times[2]))]
    assert pages[0].posts[0].text.endswith("new")
    assert [page.exhausted for page in pages] == [True] * 3
    assert len({page.stream for page in pages}) == 2, "what is read again proves nothing of how far a list was read"


def test_pages_are_read_down_to_the_last_hearing_and_no_further_than_allowed(server: Server, ptt: Ptt) -> None:
    def answer(request: BaseHTTPRequestHandler) -> Reply:
        number = int(parse_qs(urlsplit(request.path).query)["page"][0])
        return Reply(200, list_of([(ago(hours=number), "")], f"{SEARCH}?page={number + 1}&q=x"))

    server.routes[SEARCH] = answer
    for hours in range(1, 9):
        server.routes[article_path(ago(hours=hours))] = Reply(200, page_of("x"))
    pages = fetch(ptt, since=NOW - timedelta(hours=7))
    assert [page.exhausted for page in pages] == [False] * 3
    assert [parse_qs(urlsplit(path).query)["page"][0] for path, _ in recorded.asked(server) if "search" in path] == [
        "1",
        "2",
        "3",
    ]
    pages = fetch(ptt, since=NOW - timedelta(minutes=30))
    assert [page.exhausted for page in pages if page.posts] == [False], (
        "1.5 h back: the second page is the first behind"
    )
    assert pages[-1].exhausted


def test_articles_over_the_budget_come_first_next_time(server: Server, http: Http) -> None:
    ptt = Ptt("p", http, (BOARD, "Other"), articles=2, url=server.url("").rstrip("/"))
    times = [ago(hours=h) for h in (1, 2, 3, 4)]
    server.routes[SEARCH] = Reply(200, list_of((time, "") for time in times))
    server.routes["/bbs/Other/search"] = Reply(200, list_of([]))
    for time in times:
        server.routes[article_path(time)] = Reply(200, page_of(str(time)))
    first = fetch(ptt)
    assert [(len(page.posts), page.exhausted) for page in first] == [(2, False), (0, True)]
    kept = json.loads(json.dumps(first[-1].cursor))
    second = fetch(ptt, cursor=kept, since=NOW)
    assert [post.text for page in second for post in page.posts] == [f"標題\n{time}" for time in times[2:]]
    assert second[0].exhausted
    assert "owed" not in second[-1].cursor[BOARD]


def test_what_was_left_over_makes_no_gap_of_what_is_new(server: Server, http: Http) -> None:
    """A board too busy for one run stays behind for a while; that must not make each later run a partial one."""
    ptt = Ptt("p", http, (BOARD,), articles=2, pages=1, url=server.url("").rstrip("/"))
    times = [ago(hours=h) for h in (0.1, 2, 3, 4, 5)]
    for time in times:
        server.routes[article_path(time)] = Reply(200, page_of(str(time)))
    server.routes[SEARCH] = Reply(200, list_of(((time, "") for time in times[1:]), f"{SEARCH}?page=2&q=x"))
    (first,) = fetch(ptt)
    assert not first.exhausted
    server.routes[SEARCH] = Reply(200, list_of(((time, "") for time in times), f"{SEARCH}?page=2&q=x"))
    (second,) = fetch(ptt, cursor=first.cursor, since=NOW - timedelta(minutes=30))
    assert [post.text for post in second.posts] == [f"標題\n{time}" for time in (times[0], times[3])]
    assert second.exhausted, "what is left over is older than what was heard before"
    assert "owed" in second.cursor[BOARD]


def test_every_list_gives_at_least_one_article(server: Server, http: Http) -> None:
    """Else a board that waits behind a busy one would look quiet rather than unread."""
    ptt = Ptt("p", http, (BOARD, "Other"), articles=1, url=server.url("").rstrip("/"))
    rows = [(ago(hours=1), ""), (ago(hours=2), "")]
    server.routes[SEARCH] = Reply(200, list_of(rows))
    server.routes["/bbs/Other/search"] = Reply(200, list_of(rows).replace(BOARD.encode(), b"Other"))
    for time, _ in rows:
        server.routes[article_path(time)] = Reply(200, page_of("x"))
        server.routes[article_path(time).replace(BOARD, "Other")] = Reply(200, page_of("x"))
    assert [(len(page.posts), page.exhausted) for page in fetch(ptt)] == [(1, False), (1, False)]


def test_an_article_is_asked_once_however_many_terms_find_it(server: Server, ptt: Ptt) -> None:
    server.routes[SEARCH] = Reply(200, list_of([(ago(hours=1), "")]))
    server.routes[article_path(ago(hours=1))] = Reply(200, page_of("x"))
    pages = fetch(ptt, "澄嵐", "Chenglan")
    assert [(len(page.posts), page.exhausted) for page in pages] == [(1, True), (0, True)]
    assert len(asked(server)) == 3


def test_without_search_the_board_itself_is_read(server: Server, http: Http) -> None:
    server.routes[f"/bbs/{BOARD}/index.html"] = Reply(200, list_of([(ago(hours=1), "")]))
    server.routes[article_path(ago(hours=1))] = Reply(200, page_of("x"))
    (page,) = fetch(Ptt("p", http, (BOARD,), search=False, url=server.url("").rstrip("/")), "a", "b")
    assert len(page.posts) == 1


def test_an_article_that_fails_is_counted_and_read_next_time(server: Server, ptt: Ptt) -> None:
    times = [ago(hours=1.5), ago(hours=2), ago(hours=3)]
    server.routes[SEARCH] = Reply(200, list_of((time, "") for time in times))
    server.routes[article_path(times[0])] = Reply(500, recorded.body("ptt", "error_500.html"))
    server.routes[article_path(times[1])] = Reply(404, recorded.body("ptt", "error_404.html"))
    server.routes[article_path(times[2])] = Reply(200, page_of("x"))
    (page,) = fetch(ptt)
    assert (len(page.posts), page.rejected, page.exhausted) == (1, 1, False)
    assert list(page.cursor[BOARD]["seen"]) == [f"M.{time}.A.001" for time in times[1:]]
    (again,) = fetch(ptt, cursor=json.loads(json.dumps(page.cursor)), since=NOW)
    assert (again.posts, again.rejected, again.exhausted) == ((), 1, True)
    server.routes[article_path(times[0])] = Reply(200, page_of("at last"))
    (healed,) = fetch(ptt, cursor=again.cursor, since=NOW)
    assert [post.text for post in healed.posts] == ["標題\nat last"]
    assert "owed" not in healed.cursor[BOARD]


def test_an_article_that_never_comes_is_given_up_after_a_day(server: Server, ptt: Ptt) -> None:
    server.routes[SEARCH] = Reply(200, list_of([(ago(hours=25), "")]))
    server.routes[article_path(ago(hours=25))] = Reply(500)
    (page,) = fetch(ptt)
    assert "owed" not in page.cursor[BOARD]


def test_that_no_article_can_be_read_is_an_error(server: Server, ptt: Ptt) -> None:
    server.routes[SEARCH] = Reply(200, list_of((ago(hours=h), "") for h in (1, 2, 3)))
    for hours in (1, 2, 3):
        server.routes[article_path(ago(hours=hours))] = Reply(200, b"<html>a new layout</html>")
    with pytest.raises(SourceError, match=r"^127\.0\.0\.1: an HTML page, not an article of board home-appliances$"):
        fetch(ptt)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (recorded.reply("ptt", "error_cloudflare_403.http"), Blocked),
        (Reply(200, b"<html><title>Just a moment...</title></html>"), Blocked),
        (Reply(429, b"", {"Retry-After": "9"}), RateLimited),
    ],
)
def test_a_refusal_ends_the_run(server: Server, http: Http, answer: Reply, kind: type[SourceError]) -> None:
    server.routes["/bbs/A/search"] = server.routes["/bbs/B/search"] = answer
    with pytest.raises(kind):
        fetch(Ptt("p", http, ("A", "B"), url=server.url("").rstrip("/")))
    assert len(recorded.asked(server)) == 1


def test_the_hosts_rules_are_obeyed(server: Server, ptt: Ptt) -> None:
    server.routes["/robots.txt"] = Reply(200, b"User-agent: *\nDisallow: /bbs/")
    with pytest.raises(Blocked, match="robots"):
        fetch(ptt)
    assert recorded.asked(server) == []


def test_a_board_that_is_not_there(server: Server, ptt: Ptt) -> None:
    server.routes[SEARCH] = Reply(404, recorded.body("ptt", "error_404.html"))
    with pytest.raises(SourceError, match=r"^127\.0\.0\.1: HTTP 404: no list of board home-appliances$"):
        fetch(ptt)


def test_an_article_dated_2099_deafens_nothing(server: Server, ptt: Ptt) -> None:
    far = int(datetime(2099, 1, 1, tzinfo=UTC).timestamp())
    server.routes[SEARCH] = Reply(200, list_of([(far, "")]))
    server.routes[article_path(far)] = Reply(200, page_of("x", [push("推", "u", "x", "01/02 10:00")]))
    (page,) = fetch(ptt)
    new = ago(minutes=1)
    server.routes[SEARCH] = Reply(200, list_of([(far, ""), (new, "")]))
    server.routes[article_path(new)] = Reply(200, page_of("new"))
    found = fetch(ptt, cursor=page.cursor, since=NOW)
    assert [post.text for page in found for post in page.posts] == ["標題\nnew"]


@pytest.mark.parametrize("cursor", [{BOARD: 3}, {BOARD: {"seen": [], "owed": "x"}}, {BOARD: {"seen": {"x": None}}}])
def test_a_cursor_of_another_shape_is_no_obstacle(server: Server, ptt: Ptt, cursor: dict[str, object]) -> None:
    server.routes[SEARCH] = Reply(200, list_of([]))
    assert fetch(ptt, cursor=cursor)[0].exhausted


def test_recheck(server: Server, ptt: Ptt) -> None:
    body = recorded.body("ptt", "article.html")
    server.routes[PATH] = Reply(200, body)
    posts = article(body)
    assert list(ptt.recheck(posts[:3], NOW)) == list(posts[:3])
    assert len(recorded.asked(server)) == 1, "an article and its pushes are one page"
    server.routes[PATH] = Reply(200, body.replace("自己不會用吧".encode(), "刪".encode()))
    assert [post.native_id for post in ptt.recheck(posts[:3], NOW)] == [posts[0].native_id, posts[1].native_id]
    server.routes[PATH] = Reply(404, recorded.body("ptt", "error_404.html"))
    assert list(ptt.recheck(posts[:2], NOW)) == [Gone("ptt", post.native_id) for post in posts[:2]]


def test_only_ptt_itself_says_that_an_article_is_gone(server: Server, ptt: Ptt) -> None:
    server.routes[PATH] = Reply(404, b"<html>nginx</html>")
    with pytest.raises(SourceError, match="HTTP 404"):
        list(ptt.recheck(article(recorded.body("ptt", "article.html"))[:1], NOW))
    assert is_not_found(recorded.body("ptt", "error_404.html"), "h")
    assert not is_not_found(recorded.body("ptt", "article.html"), "h")


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"boards": ["Gossiping/../x"]}, "boards[0]: must be a board's name"),
        ({"boards": [".."]}, "boards[0]: must be a board's name"),
        ({"boards": []}, "boards: "),
        ({}, "boards: missing"),
        ({"boards": ["A"], "pages": 0}, "pages: "),
        ({"boards": ["A"], "url": "ftp://x"}, "url: must be an http or https address"),
    ],
)
def test_slips_in_the_settings(http: Http, settings: dict[str, object], line: str) -> None:
    with pytest.raises(ConfigError, match=r"^config.toml: sources.p") as caught:
        build("ptt", "p", settings, http, "config.toml: sources.p")
    assert line in str(caught.value)

"""Each source asks its host at the pace that its platform needs, on a clock that only waiting moves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from monitor.errors import SourceError
from monitor.model import Page, Query, Round
from sources import Source, build
from sources.http import Http
from sources.politeness import NoTurn
from sources.ptt import parse_list
from tests.sources.loopback import NOW, PUBLIC, Clock, Door, Reply, Server
from tests.sources.recorded import body, json_reply, tree

HOST = "platform.example.test"
TERMS = ("澄岚", "霁川", "云栀")


@pytest.fixture
def http(clock: Clock) -> Iterator[Http]:
    with Http(
        "pr@chenglan.example", clock=clock, sleep=clock.sleep, resolver=lambda *_: [PUBLIC], connector=Door()
    ) as client:
        yield client


def source_of(kind: str, server: Server, http: Http, **settings: Any) -> Source:
    return build(kind, kind, {"url": server.url("", HOST), **settings}, http, "x: y")


def heard(source: Source, terms: tuple[str, ...] = TERMS) -> tuple[list[Page], SourceError | None]:
    pages: list[Page] = []
    try:
        pages.extend(source.fetch(Query(terms, NOW), {}))
    except SourceError as error:
        return pages, error
    return pages, None


CASES: dict[str, tuple[dict[str, Any], dict[str, Reply], float]] = {
    "bilibili": (
        {"pages": 1, "comments": 0},
        {
            "/x/web-interface/nav": json_reply(tree("bilibili", "nav_not_logged_in.json")),
            "/x/web-interface/wbi/search/type": json_reply(tree("bilibili", "search_empty.json")),
        },
        5.0,
    ),
    "heimao": (
        {"companies": ["1", "2", "3", "4"], "pages": 1},
        {"/api/company/received_complaints": json_reply(tree("heimao", "received_empty.json"))},
        5.0,
    ),
    "ptt": (
        {"boards": ["home-appliances"], "pages": 1, "articles": 1},
        {"/bbs/home-appliances/search": Reply(200, body("ptt", "search_page1.html"))},
        2.0,
    ),
    "telegram": (
        {"channels": ["sample"], "pages": 1},
        {"/s/sample": Reply(200, body("telegram", "s_channel_q.html"))},
        5.0,
    ),
    "weibo": (
        {"pages": 1, "comments": 0},
        {"/api/container/getIndex": json_reply(tree("weibo", "search_no_more.json"))},
        10.0,
    ),
}


@pytest.mark.parametrize("kind", CASES)
def test_requests_begin_as_far_apart_as_the_platform_needs(kind: str, server: Server, http: Http, clock: Clock) -> None:
    settings, routes, pace = CASES[kind]
    server.routes.update(routes)
    heard(source_of(kind, server, http, **settings))
    assert len(server.seen) >= 3
    assert sum(clock.slept) == pace * (len(server.seen) - 1)


def test_gdelt_is_asked_every_five_seconds_by_however_many_tables(server: Server, http: Http, clock: Clock) -> None:
    server.routes["/api/v2/doc/doc"] = Reply(200, b"{}")
    for _ in range(3):
        assert heard(source_of("gdelt", server, http))[1] is None
    assert clock.slept == [5, 5]


def test_the_defaults_of_weibo_fit_in_a_run_and_too_many_terms_take_turns(
    server: Server, http: Http, clock: Clock
) -> None:
    """90 s at 10 s: ten requests."""

    def full(request: BaseHTTPRequestHandler) -> Reply:
        found = tree("weibo", "search_type61_page1.json")
        for card in found["data"]["cards"]:
            for blog in [card.get("mblog"), *(c.get("mblog") for c in card.get("card_group", ()))]:
                if blog:
                    blog |= {"id": str(int(blog["id"]) + len(server.seen) * 1000), "isLongText": True}
        return json_reply(found)

    server.routes["/api/container/getIndex"] = full
    server.routes["/statuses/extend"] = json_reply(tree("weibo", "longtext_extend.json"))
    server.routes["/comments/hotflow"] = json_reply(tree("weibo", "comments_hotflow.json"))
    with http.run(90):
        pages, error = heard(source_of("weibo", server, http))
    assert error is None
    assert {page.stream for page in pages if not page.stream.startswith("comments")} >= set(TERMS)
    assert len(server.seen) == 10
    server.seen.clear()
    clock.now += 100
    with http.run(90):
        pages, error = heard(
            source_of("weibo", server, http, pages=1, long_texts=0), tuple(f"词{n}" for n in range(12))
        )
    assert error is None
    assert len(server.seen) == len({page.stream for page in pages if not page.round} - {"reposted"}) == 10
    assert pages[-1].round == Round(NOW), "two terms were not asked for at all"
    server.seen.clear()
    clock.now += 100
    with http.run(90):
        source = source_of("weibo", server, http, pages=1, long_texts=0, comments=0)
        query = Query(tuple(f"词{n}" for n in range(12)), NOW + timedelta(minutes=30))
        *_, last = source.fetch(query, pages[-1].cursor)
    assert len(server.seen) == 2
    assert last.round == Round(NOW, ended=True)


def test_a_list_that_ends_for_want_of_time_is_not_whole(server: Server, http: Http) -> None:
    server.routes["/s/sample"] = Reply(
        200, body("telegram", "s_channel_q.html").replace(b'data-before="', b'data-before="9')
    )
    with http.run(7):
        pages, error = heard(source_of("telegram", server, http, channels=["sample"], pages=9), TERMS[:1])
    assert error is None
    assert [page.exhausted for page in pages] == [False]


@pytest.mark.parametrize(("seconds", "articles"), [(3, 0), (5, 1), (60, 3)])
def test_articles_for_which_there_is_no_time_are_left_over_and_no_failures(
    server: Server, http: Http, seconds: float, articles: int
) -> None:
    server.routes["/bbs/home-appliances/search"] = Reply(200, body("ptt", "search_page1.html"))
    for path in {row.path for row in parse_list(body("ptt", "search_page1.html"), host="h", board="b").rows}:
        server.routes[path] = Reply(200, body("ptt", "article.html"))
    source = source_of("ptt", server, http, boards=["home-appliances"], articles=3, pages=1)
    with http.run(seconds):
        pages, error = heard(source, TERMS[:1])
    asked = [path for path, _ in server.seen]
    assert asked[0] == "/robots.txt"
    assert len(asked) == 2 + articles
    assert isinstance(error, NoTurn) == (not articles), "a list that gives nothing would pass for one with nothing new"
    assert [page.rejected for page in pages] == [0] * bool(articles)
    assert all("owed" in page.cursor["home-appliances"] for page in pages if articles < 3)

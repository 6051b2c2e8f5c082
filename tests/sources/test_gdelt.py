"""``gdelt`` against its samples and a real server on loopback."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from monitor.errors import ConfigError, RateLimited, SourceError
from monitor.model import Author, Page, Query
from sources import build
from sources.gdelt import MOST, Parsed, parse, whole_title
from sources.http import Http
from tests.sources.loopback import NOW, Reply, Server
from tests.sources.recorded import reply as recorded

DATA = Path(__file__).parents[1] / "data" / "gdelt"
PATH = "/api/v2/doc/doc"
WHERE = "config.toml: sources.world"


def read(body: bytes, *secret: str) -> Parsed:
    return parse(body, url="https://gdelt.example.test/api?query=hidden", fetched_at=NOW, secret=secret)


def articles(*items: object) -> bytes:
    return json.dumps({"articles": items}, ensure_ascii=False).encode()


def run(
    http: Http, server: Server, *terms: str, since: datetime | None = None, cursor: object = None, **settings: object
) -> list[Page]:
    source = build("gdelt", "world", {"url": server.url("/"), **settings}, http, WHERE)
    return list(source.fetch(Query(terms or ("澄嵐",), NOW, since), {}))


def asked(server: Server) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(server.seen[-1][0]).query).items()}


def test_headlines(http: Http, server: Server) -> None:
    server.routes[PATH] = Reply(200, (DATA / "artlist.json").read_bytes())
    (page,) = run(http, server, since=NOW - timedelta(hours=1))
    first, second = page.posts
    assert first.text == "澄岚电器回应空气炸锅冒烟：启动召回"
    assert (first.platform, first.kind) == ("gdelt", "news")
    assert first.native_id == first.url == "https://news.example.test/cn/20261120/1.html"
    assert first.author == Author("news.example.test", "news.example.test")
    assert first.published_at == datetime(2026, 11, 20, 13, 15, tzinfo=UTC)
    assert second.text == "澄嵐氣炸鍋冒煙 消保處啟動調查"
    assert page.exhausted
    assert asked(server) == {
        "query": '"澄嵐" sourcelang:chinese',
        "mode": "artlist",
        "format": "json",
        "maxrecords": "250",
        "sort": "datedesc",
        "startdatetime": "20261120230000",
        "enddatetime": "20261121030000",
    }


def test_no_hit_is_an_empty_object(http: Http, server: Server) -> None:
    server.routes[PATH] = Reply(200, (DATA / "empty.json").read_bytes())
    (page,) = run(http, server)
    assert (page.posts, page.rejected, page.exhausted) == ((), 0, True)
    assert asked(server)["startdatetime"] == "20261114030000"


def test_an_error_in_plain_text(http: Http, server: Server) -> None:
    server.routes[PATH] = Reply(200, (DATA / "error_200_text.txt").read_bytes())
    with pytest.raises(SourceError, match=r'^127\.0\.0\.1: says "Your query was too short or too long\."$') as caught:
        run(http, server)
    assert type(caught.value) is SourceError


def test_too_often(http: Http, server: Server) -> None:
    server.routes[PATH] = recorded("gdelt", "error_429.http")
    with pytest.raises(RateLimited, match="HTTP 429"):
        run(http, server)
    with pytest.raises(RateLimited, match="Please limit requests"):
        read((DATA / "error_429.http").read_bytes().split(b"\r\n\r\n")[1])
    assert len(server.seen) == 1


def test_terms_that_do_not_fit_into_one_request_are_asked_for_in_several(http: Http, server: Server) -> None:
    server.routes[PATH] = Reply(200, b"{}")
    terms = [f"品牌{n}" for n in range(99)]
    found = run(http, server, *terms, language="")
    queries = [parse_qs(urlsplit(path).query)["query"][0] for path, _ in server.seen]
    assert len(found) == len(queries) == len({page.stream for page in found}) > 1
    assert all(len(query) <= 252 for query in queries)
    assert [word.strip('()"') for query in queries for word in query.split(" OR ")] == terms


def test_one_request_for_all_terms(http: Http, server: Server) -> None:
    server.routes[PATH] = Reply(200, b"{}")
    run(http, server, "澄嵐", 'PX "Mart"', "澄嵐", '"', language="", countries=["TW", "HK"])
    assert asked(server)["query"] == '("澄嵐" OR "PX Mart") (sourcecountry:TW OR sourcecountry:HK)'
    run(http, server, "a", "b", terms=["澄嵐"], countries=["CH"])
    assert asked(server)["query"] == '"澄嵐" sourcelang:chinese sourcecountry:CH'
    assert len(server.seen) == 2


def test_terms_that_are_too_many_or_none(http: Http, server: Server) -> None:
    with pytest.raises(SourceError, match="a term of 262 characters is longer than the 250 of a query"):
        run(http, server, "長" * 260)
    with pytest.raises(SourceError, match="no term to search for"):
        run(http, server, '""')
    assert not server.seen


def test_a_full_answer_may_have_been_cut(http: Http, server: Server) -> None:
    items = [{"url": f"https://e.example.test/{n}", "title": "t"} for n in range(MOST - 1)]
    server.routes[PATH] = Reply(200, articles(*items, None))
    (page,) = run(http, server)
    assert (len(page.posts), page.rejected, page.exhausted) == (MOST - 1, 1, False)


@pytest.mark.parametrize("since", [NOW - timedelta(days=999), NOW + timedelta(days=999)])
def test_the_time_asked_for_can_be_answered(http: Http, server: Server, since: datetime) -> None:
    """Never before what GDELT still has, never ahead of now."""
    server.routes[PATH] = Reply(200, b"{}")
    run(http, server, since=since)
    assert NOW - timedelta(days=81) <= datetime.strptime(asked(server)["startdatetime"] + "Z", "%Y%m%d%H%M%S%z") < NOW


@pytest.mark.parametrize(
    ("written", "whole"),
    [
        ("澄岚 电器 回应 空气 炸锅 冒烟 ： 启动 召回", "澄岚电器回应空气炸锅冒烟：启动召回"),
        ("澄岚 K3 空气 炸锅 起火 ， PX Mart 下架", "澄岚K3空气炸锅起火，PX Mart下架"),
        ("澄岚 召回 3 万 台 “ K3 ”", "澄岚召回3万台“K3”"),
        ("澄嵐氣炸鍋冒煙 消保處啟動調查", "澄嵐氣炸鍋冒煙 消保處啟動調查"),
        ("澄嵐 氣炸鍋冒煙全面下架", "澄嵐 氣炸鍋冒煙全面下架"),
        ("Chenglan fryer recalled in Taiwan", "Chenglan fryer recalled in Taiwan"),
        ("澄嵐 Chenglan recall", "澄嵐 Chenglan recall"),
        ("", ""),
    ],
)
def test_titles_that_were_cut_into_words(written: str, whole: str) -> None:
    assert whole_title(written) == whole


def test_json_as_gdelt_writes_it() -> None:
    body = rb'{"articles":[{"url":"https://e.example.test/1","title":"A\B \u6f84\u5d50 C:\users' + b'\x01"}]}'
    (post,) = read(body).posts
    assert post.text == "A\\B 澄嵐 C:\\users"


@pytest.mark.parametrize(
    "item",
    [None, 3, "x", [], {}, {"url": "https://e.example.test/1"}, {"title": "x"}, {"url": "javascript:x", "title": "x"},
     {"url": [], "title": {}}, {"url": "https://e.example.test/1", "title": " "}],
)  # fmt: skip
def test_an_article_that_is_none_is_counted(item: object) -> None:
    found = read(articles(item, {"url": "https://e.example.test/2", "title": "好", "seendate": 5, "domain": None}))
    assert [post.text for post in found.posts] == ["好"]
    assert (found.posts[0].published_at, found.posts[0].author, found.rejected) == (None, None, 1)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "an empty answer, not JSON"),
        (b"<!DOCTYPE html><html>", "an HTML page, not JSON"),
        (b'{"articles": [', "JSON that cannot be read"),
        (b'{"articles": {}}', "JSON without a list of articles"),
        (b'{"a":' * 100_000, "JSON that cannot be read"),
        (b"[1]", "says"),
        ("The phrase 澄嵐 is too short\n\x1b[2J".encode(), r'says "The phrase … is too short\\n'),
    ],
)
def test_what_came_instead(body: bytes, words: str) -> None:
    with pytest.raises(SourceError) as caught:
        read(body, "澄嵐")
    line = str(caught.value)
    assert words.replace("\\\\", "\\") in line
    assert line.startswith("gdelt.example.test: ")
    assert line.isprintable()
    assert "hidden" not in line


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"language": "中文"}, f"{WHERE}.language: must be a language's English name"),
        ({"countries": ["tw"]}, f"{WHERE}.countries[0]: must be a FIPS country code"),
        ({"url": "x"}, f"{WHERE}.url: must be an http or https address"),
    ],
)
def test_slips_in_the_table(http: Http, settings: dict[str, object], line: str) -> None:
    with pytest.raises(ConfigError) as caught:
        build("gdelt", "world", settings, http, WHERE)
    assert str(caught.value).startswith(line)

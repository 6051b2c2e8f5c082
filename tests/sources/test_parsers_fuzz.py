"""Mutated answers of every platform: whatever comes, it is posts or a SourceError. QIANLI_FUZZ sets how many."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import pytest

from monitor.errors import SourceError
from monitor.model import Post
from sources import (
    bilibiliformat,
    blueskyformat,
    build,
    gdelt,
    heimao,
    jsonmapping,
    mastodonformat,
    plurk,
    telegram,
    weiboformat,
    youtubeformat,
)  # fmt: skip
from sources.http import Http
from sources.jsonapi import JsonApi
from sources.presets import AppStore, HackerNews, V2ex
from sources.ptt.pages import Row, parse, parse_list
from tests.sources.junk import check, junked, mutated
from tests.sources.loopback import NOW
from tests.sources.recorded import DATA, tree

ROUNDS = int(os.environ.get("QIANLI_FUZZ", "2000"))
pytestmark = pytest.mark.fuzz
NOBODY = cast(Http, None)
ROW = Row("home-appliances", "M.1795177200.A.3F1", NOW)

Read = Callable[[bytes], Iterable[Post]]


@dataclass(frozen=True)
class Case:
    """A parser, the samples it reads, and what they are; ``quiet``: it gives something else than posts."""

    samples: Sequence[str]
    read: Read
    form: str = "json"
    quiet: bool = False


def posts_of(parser: Callable[..., Any], **given: Any) -> Read:
    def read(body: bytes) -> Iterable[Post]:
        found = parser(body, host="h", **given)
        return [post for part in ("posts", "reposted", "pinned") for post in getattr(found, part, ())]

    return read


def rows(body: bytes) -> Iterable[Post]:
    """A list's rows, each with an article that is nothing but its title."""
    page = b"<title>x</title><div id='main-content'></div>"
    found = parse_list(body, host="h", board="b").rows
    return [post for row in found for post in parse(page, row, host="h", fetched_at=NOW).posts]


def mapped(source: JsonApi) -> Read:
    shape = source._shape()
    return lambda body: jsonmapping.parse(body, shape, url="https://h/a", fetched_at=NOW).posts


def vendor() -> JsonApi:
    table = tree("jsonapi", "mapping_example.json")
    table.pop("name")
    source = build("json_api", "x", table, NOBODY, "x: y")
    assert isinstance(source, JsonApi)
    return source


VIDEO = "BV1xx411c7XA"
CASES = {
    "app store": Case(["appstore/customerreviews.json"], mapped(AppStore(name="x", http=NOBODY, app="140").worker())),
    "bilibili nav": Case(["bilibili/nav_not_logged_in.json"], posts_of(bilibiliformat.parse_nav), quiet=True),
    "bilibili replies": Case(["bilibili/reply_wbi_main.json"], posts_of(bilibiliformat.parse_replies, video=VIDEO)),
    "bilibili search": Case(["bilibili/search_type_video.json"], posts_of(bilibiliformat.parse_search)),
    "bluesky": Case(
        ["bluesky/searchPosts.json", "bluesky/searchPosts_real_devenv.json"], posts_of(blueskyformat.parse)
    ),
    "bluesky followers": Case(["bluesky/searchPosts.json"], posts_of(blueskyformat.parse_followers), quiet=True),
    "bluesky login": Case(["bluesky/createSession_200.json"], posts_of(blueskyformat.parse_session), quiet=True),
    "gdelt": Case(["gdelt/artlist.json"], lambda body: gdelt.parse(body, url="https://h/a", fetched_at=NOW).posts),
    "hackernews": Case(["hackernews/search_by_date.json"], mapped(HackerNews(name="x", http=NOBODY).worker())),
    "heimao": Case(
        ["heimao/received_complaints.json", "heimao/index_s_search.json", "heimao/received_empty.json"],
        posts_of(heimao.parse),
    ),
    "heimao jsonp": Case(["heimao/feed_jsonp.js"], posts_of(heimao.parse), "text"),
    "json_api": Case(["jsonapi/vendor_page1.json", "jsonapi/vendor_page2.json"], mapped(vendor())),
    "mastodon": Case(
        ["mastodon/timelines_tag.json", "mastodon/search_v2.json"], posts_of(mastodonformat.parse, platform="p")
    ),
    "plurk": Case(["plurk/search2.json"], posts_of(plurk.parse)),
    "ptt article": Case(["ptt/article.html"], posts_of(partial(parse, row=ROW), fetched_at=NOW), "html"),
    "ptt list": Case(["ptt/search_page1.html", "ptt/board_index.html", "ptt/ask_over18.html"], rows, "html"),
    "telegram": Case(["telegram/s_channel_q.html", "telegram/s_no_posts.html"], posts_of(telegram.parse), "html"),
    "v2ex": Case(["v2ex/topics_latest.json"], mapped(V2ex(name="x", http=NOBODY).worker())),
    "weibo comments": Case(["weibo/comments_hotflow.json"], posts_of(weiboformat.parse_comments, now=NOW, post="1")),
    "weibo long text": Case(["weibo/longtext_extend.json"], posts_of(weiboformat.parse_long_text), quiet=True),
    "weibo search": Case(["weibo/search_type61_page1.json"], posts_of(weiboformat.parse_search, now=NOW)),
    "youtube comments": Case(
        ["youtube/commentThreads_list.json"], posts_of(youtubeformat.parse_comments, now=NOW, video="AAAAAAAAAAA")
    ),
    "youtube counts": Case(["youtube/search_list.json"], posts_of(youtubeformat.parse_statistics, now=NOW), quiet=True),
    "youtube search": Case(
        ["youtube/search_list.json", "youtube/error_quota.json"], posts_of(youtubeformat.parse_search, now=NOW)
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_mutated_answers_raise_nothing_but_source_errors(name: str) -> None:
    case, chance = CASES[name], random.Random(name)
    change = junked if case.form == "json" else mutated
    read = 0
    lines: list[str] = []
    for _ in range(ROUNDS):
        try:
            posts = case.read(change((DATA / chance.choice(case.samples)).read_bytes(), chance))
        except SourceError as error:
            lines.append(str(error))
            continue
        for post in posts:
            read += 1
            check(post)
    assert lines, "some of it is beyond reading"
    assert all(line.startswith("h: ") and line.isprintable() for line in lines)
    assert read or case.quiet, "and some posts are still there"


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.form == "html"])
def test_a_page_nested_without_end_is_refused_at_once(name: str) -> None:
    """The HTML parser takes the square of the nesting in time: 40 kB of this cost seconds, 20 MB would cost days."""
    with pytest.raises(SourceError):
        CASES[name].read(b"<html><br>" + b"<div>" * 4_000_000)

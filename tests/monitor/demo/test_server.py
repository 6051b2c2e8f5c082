from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from monitor.demo.feeds import OUTLETS
from monitor.demo.server import OUTAGES, FeedServer, Outage, outlet_url
from monitor.demo.world import FORUM, MICROBLOG, PROMO_DAY, Item, local, world
from monitor.errors import SourceError
from monitor.model import Page, Query
from sources.feed import Feed
from sources.http import Http

NOON = local(PROMO_DAY, 12)
NO_OUTAGE: tuple[Outage, ...] = ()


@pytest.fixture(scope="module")
def items() -> tuple[Item, ...]:
    return world()


@pytest.fixture
def server(items: tuple[Item, ...]) -> Iterator[FeedServer]:
    with FeedServer(items) as running:
        yield running


@pytest.fixture
def http() -> Iterator[Http]:
    with Http("pr@chenglan.example", allow_private=True) as client:
        yield client


def read(server: FeedServer, http: Http, source: str, now: datetime, cursor: dict[str, object] | None = None) -> Page:
    outlet = next(o for o in OUTLETS if o.source == source)
    server.now = now
    feed = Feed(source, http, outlet_url(server.url, outlet), platform=outlet.platform)
    (page,) = feed.fetch(Query(("澄嵐",), now), cursor or {})
    return page


@pytest.mark.parametrize("outlet", OUTLETS, ids=lambda o: o.source)
def test_each_format_gives_back_the_posts_that_were_written(
    server: FeedServer, http: Http, items: tuple[Item, ...], outlet: object
) -> None:
    here = next(o for o in OUTLETS if o == outlet)
    page = read(server, http, here.source, NOON)
    written = [i for i in items if i.platform == here.platform and i.at <= NOON][-here.window :][::-1]
    assert [p.native_id for p in page.posts] == [i.id for i in written]
    assert [p.published_at for p in page.posts] == [i.at for i in written]
    assert [p.author.id if p.author else "" for p in page.posts] == [i.author for i in written]
    for post, item in zip(page.posts, written, strict=True):
        assert post.text == "\n".join(filter(None, (item.title, item.text)))
        assert post.url == here.link(item.id)
    assert page.rejected == 0


def test_nothing_is_shown_before_it_is_written(server: FeedServer, http: Http, items: tuple[Item, ...]) -> None:
    first = next(i for i in items if i.platform == FORUM)
    assert read(server, http, "forum", first.at - timedelta(seconds=1)).posts == ()
    assert [p.native_id for p in read(server, http, "forum", first.at).posts] == [first.id]


def test_an_unchanged_feed_is_said_to_be_unchanged(server: FeedServer, http: Http, items: tuple[Item, ...]) -> None:
    first, second = [i for i in items if i.platform == FORUM][:2]
    page = read(server, http, "forum", first.at)
    again = read(server, http, "forum", second.at - timedelta(seconds=1), dict(page.cursor))
    assert again.unchanged
    assert not read(server, http, "forum", second.at, dict(again.cursor)).unchanged


def test_a_date_alone_is_honoured_too(server: FeedServer) -> None:
    server.now = NOON
    url = outlet_url(server.url, OUTLETS[0])
    got = httpx.get(url)
    modified = {"If-Modified-Since": got.headers["Last-Modified"]}
    assert httpx.get(url, headers=modified).status_code == 304
    assert httpx.get(url, headers={**modified, "If-None-Match": '"other"'}).status_code == 200
    assert httpx.get(url, headers={"If-Modified-Since": "yesterday"}).status_code == 200


def test_an_outage_is_an_error_and_ends(server: FeedServer, http: Http) -> None:
    (outage,) = OUTAGES
    assert outage.platform == MICROBLOG
    assert 3 <= (outage.end - outage.start) / timedelta(hours=1) <= 5
    with pytest.raises(SourceError, match="HTTP 503"):
        read(server, http, "microblog", outage.start)
    assert read(server, http, "forum", outage.start).posts
    assert read(server, http, "microblog", outage.end).posts


def test_an_hour_never_brings_more_than_a_feed_shows(items: tuple[Item, ...]) -> None:
    """Or a service that asks every hour would have holes that are nobody's fault."""
    for outlet in OUTLETS:
        times = [i.at for i in items if i.platform == outlet.platform]
        ahead = zip(times, times[outlet.window :], strict=False)
        assert all(later - earlier > timedelta(hours=1) for earlier, later in ahead)


def test_now_can_be_set_from_another_process(items: tuple[Item, ...]) -> None:
    with FeedServer(items, NO_OUTAGE) as server:
        assert httpx.put(f"{server.url}/now", content="2026-11-04T12:00:00+08:00").status_code == 204
        assert server.now == datetime(2026, 11, 4, 4, 0, tzinfo=UTC)
        assert httpx.get(f"{server.url}/now").text == "2026-11-04T04:00:00Z"
        assert server.published() == sum(i.at <= server.now for i in items)


@pytest.mark.parametrize("body", ["soon", "2026-11-04T12:00:00", "時"])
def test_a_time_that_is_none_is_refused(server: FeedServer, body: str) -> None:
    before = server.now
    assert httpx.put(f"{server.url}/now", content=body.encode()).status_code == 400
    assert server.now == before


def test_an_unknown_address_is_not_found(server: FeedServer) -> None:
    assert httpx.get(f"{server.url}/nothing").status_code == 404

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from monitor.errors import Blocked, SourceError
from monitor.model import Page, Post, Query
from sources.lists import FIRST_REACH, OVERLAP, Newest, ends_behind, reach, side_by_side
from sources.politeness import NoTurn
from tests.sources.loopback import NOW


def post(native_id: str, minutes_ago: int | None) -> Post:
    published = None if minutes_ago is None else NOW - timedelta(minutes=minutes_ago)
    return Post("p", native_id, "x", published_at=published)


def pages(name: str, error: SourceError | None = None) -> Iterator[Page]:
    yield Page((), stream=name)
    if error:
        raise error


def test_one_list_that_fails_does_not_silence_the_others() -> None:
    run = side_by_side([pages("a", SourceError("first")), pages("b", SourceError("second")), pages("c")])
    assert [next(run).stream for _ in range(3)] == ["a", "b", "c"]
    with pytest.raises(SourceError, match="first"):
        next(run)


def test_a_refusal_ends_the_run() -> None:
    run = side_by_side([pages("a", Blocked("no")), pages("b")])
    assert next(run).stream == "a"
    with pytest.raises(Blocked):
        next(run)


def test_a_list_without_time_for_its_next_page_ends_there_and_one_not_begun_fails() -> None:
    run = side_by_side([pages("a", NoTurn("late")), pages("b")])
    assert [page.stream for page in run] == ["a", "b"]
    run = side_by_side([pages("a", NoTurn("late")), unbegun(NoTurn("later")), pages("c")])
    assert [next(run).stream for _ in range(2)] == ["a", "c"]
    with pytest.raises(NoTurn, match="later"):
        next(run)


def unbegun(error: SourceError) -> Iterator[Page]:
    raise error
    yield


def test_what_ends_a_run_at_once_may_be_named() -> None:
    run = side_by_side([pages("a", Blocked("no")), pages("b")], at_once=())
    assert [next(run).stream for _ in range(2)] == ["a", "b"]
    with pytest.raises(Blocked):
        next(run)


def test_reach() -> None:
    assert reach(Query((), NOW)) == NOW - FIRST_REACH
    assert reach(Query((), NOW, NOW - timedelta(minutes=9))) == NOW - timedelta(minutes=9) - OVERLAP


@pytest.mark.parametrize(
    ("posts", "back"),
    [
        ([], False),
        ([("new", 1)], False),
        ([("new", 1), ("old", 120)], True),
        ([("pinned", 9999), ("new", 1), ("new2", 2)], False),
        ([("seen", 1), ("new", 2)], False),
        ([("new", 1), ("seen", 2)], True),
        ([("seen", 1), ("also", 2), ("new", 3)], True),
        ([("future", -40_000_000), ("new", 1)], False),
        ([("future", -40_000_000)], False),
        ([("timeless", None)], False),
    ],
)
def test_a_page_reaches_back_by_time_or_by_what_was_seen(posts: list[tuple[str, int | None]], back: bool) -> None:
    newest = Newest({"s": ["seen", "also", 3], "t": "junk"}, NOW - timedelta(hours=1))
    assert newest.read("s", [post(*p) for p in posts]) is back


def test_what_is_kept_is_small_and_of_this_run() -> None:
    newest = Newest({"gone": ["x"]}, None)
    newest.read("s", [post(str(n), 1) for n in range(5)])
    newest.read("s", [post(str(n), 1) for n in range(5, 50)])
    assert newest.kept() == {"s": [str(n) for n in range(8)]}
    assert newest.had("gone")
    assert not newest.had("s")
    assert not Newest([1], None).had("s")


@pytest.mark.parametrize(("moment", "behind"), [(NOW, True), (NOW - timedelta(minutes=2), False), (None, False)])
def test_ends_behind(moment: datetime | None, behind: bool) -> None:
    assert ends_behind([post("b", 0), post("a", 1)], moment) is behind
    assert not ends_behind([], NOW)
    assert not ends_behind([post("a", None)], NOW)

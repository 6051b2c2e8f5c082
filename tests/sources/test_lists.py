from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from monitor.errors import Blocked, SourceError
from monitor.model import Cursor, Page, Post, Query, Round, utc_text
from sources.lists import FIRST_REACH, OVERLAP, Newest, ends_behind, in_turns, reach
from sources.politeness import NoTurn
from tests.sources.loopback import NOW


def post(native_id: str, minutes_ago: int | None) -> Post:
    published = None if minutes_ago is None else NOW - timedelta(minutes=minutes_ago)
    return Post("p", native_id, "x", published_at=published)


def pages(name: str, error: SourceError | None = None) -> Iterator[Page]:
    yield Page((), stream=name)
    if error:
        raise error


def turns(cursor: Cursor | None = None, aside: Iterator[Page] | None = None, **lists: Iterator[Page]) -> Iterator[Page]:
    return in_turns(lists, Query((), NOW), cursor or {}, aside=aside)


def unbegun(error: SourceError) -> Iterator[Page]:
    raise error
    yield


def test_one_list_that_fails_does_not_silence_the_others() -> None:
    run = turns(a=pages("a", SourceError("first")), b=pages("b", SourceError("second")), c=pages("c"))
    assert [next(run).stream for _ in range(3)] == ["a", "b", "c"]
    with pytest.raises(SourceError, match="first"):
        next(run)


def test_a_refusal_ends_the_run() -> None:
    run = turns(a=pages("a", Blocked("no")), b=pages("b"))
    assert next(run).stream == "a"
    with pytest.raises(Blocked):
        next(run)


def test_what_ends_a_run_at_once_may_be_named() -> None:
    lists = {"a": pages("a", Blocked("no")), "b": pages("b")}
    run = in_turns(lists, Query((), NOW), {}, at_once=())
    assert [next(run).stream for _ in range(2)] == ["a", "b"]
    with pytest.raises(Blocked):
        next(run)


def test_lists_that_fit_leave_no_trace_and_one_cut_short_for_want_of_time_had_its_turn() -> None:
    found = list(turns(a=pages("a", NoTurn("late")), b=pages("b")))
    assert [(page.stream, page.round, page.cursor) for page in found] == [("a", None, {}), ("b", None, {})]


def test_lists_without_a_turn_come_first_in_the_next_run_and_none_twice_in_a_round() -> None:
    late = NoTurn("late")
    *read, end = turns(a=pages("a"), b=pages("b"), c=unbegun(late), d=unbegun(late))
    assert [page.stream for page in read] == ["a", "b"]
    assert end.round == Round(NOW)
    cursor = json.loads(json.dumps(end.cursor))
    begin, *read, end = turns(cursor, a=unbegun(SourceError("again")), b=pages("b"), c=pages("c"), d=unbegun(late))
    assert (begin.posts, begin.round) == ((), Round(NOW))
    assert [page.stream for page in read] == ["c"]
    _, *read, end = turns(json.loads(json.dumps(end.cursor)), a=pages("a"), b=pages("b"), c=pages("c"), d=pages("d"))
    assert [page.stream for page in read] == ["d"]
    assert end.round == Round(NOW, ended=True)
    assert end.cursor == {}
    assert [page.stream for page in turns(end.cursor, a=pages("a"), d=pages("d"))] == ["a", "d"]


def test_a_run_that_could_begin_none_fails_and_one_that_fails_keeps_its_place() -> None:
    with pytest.raises(NoTurn, match="first"):
        list(turns(a=unbegun(NoTurn("first")), b=unbegun(NoTurn("second"))))
    run = turns(a=pages("a", SourceError("broken")), b=unbegun(NoTurn("late")))
    assert next(run).stream == "a"
    with pytest.raises(SourceError, match="broken"):
        next(run)


def test_what_stands_aside_comes_last_and_first_when_it_had_no_time() -> None:
    late = NoTurn("late")
    *_, end = turns(aside=unbegun(late), a=pages("a"), b=unbegun(late))
    _, *read, _ = turns(json.loads(json.dumps(end.cursor)), pages("aside"), a=pages("a"), b=pages("b"))
    assert [page.stream for page in read] == ["aside", "b"]
    assert [page.stream for page in turns(aside=unbegun(late), a=pages("a"))] == ["a"]
    assert [page.stream for page in turns(aside=pages("aside"), a=pages("a"))] == ["a", "aside"]
    run = turns(aside=pages("aside", SourceError("broken")), a=pages("a"))
    with pytest.raises(SourceError, match="broken"):
        list(run)


@pytest.mark.parametrize(
    "kept",
    [
        None, 3, [], {"read": ["a"]}, {"began": "x", "read": ["a"]}, {"began": 3, "read": ["a"]},
        {"began": "2099-01-01T00:00:00Z", "read": ["a"]}, {"began": utc_text(NOW), "read": [3, ["a"]]},
        {"began": utc_text(NOW), "read": ["a", "b"]}, {"began": utc_text(NOW), "read": ["gone"]},
    ],
)  # fmt: skip
def test_another_memory_of_the_round_begins_a_new_one(kept: object) -> None:
    found = list(turns({"lists of this round": kept}, a=pages("a"), b=pages("b")))
    assert [(page.stream, page.round) for page in found] == [("a", None), ("b", None)]


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


def test_a_list_that_waits_for_its_turn_is_remembered_and_one_that_is_no_more_is_not() -> None:
    newest = Newest({"waits": ["x"], "dropped": ["y"], "read": ["z"]}, None, ["waits", "read", "new"])
    newest.read("read", [post("1", 1)])
    assert newest.kept() == {"waits": ["x"], "read": ["1"]}


@pytest.mark.parametrize(("moment", "behind"), [(NOW, True), (NOW - timedelta(minutes=2), False), (None, False)])
def test_ends_behind(moment: datetime | None, behind: bool) -> None:
    assert ends_behind([post("b", 0), post("a", 1)], moment) is behind
    assert not ends_behind([], NOW)
    assert not ends_behind([post("a", None)], NOW)

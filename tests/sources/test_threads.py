from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

from monitor.errors import Blocked, SourceError
from monitor.model import Page
from sources.politeness import NoTurn
from sources.threads import Thread, Threads
from tests.sources.loopback import NOW

HOUR = timedelta(hours=1)


def test_a_thread_is_read_at_once_and_then_as_late_again_as_it_was_old() -> None:
    threads = Threads(None, NOW, 3)
    threads.see("a", "9", NOW - HOUR, 5)
    (thread,) = threads.due(5)
    assert (thread.id, thread.handle) == ("a", "9")
    threads.was_read(thread)
    kept = json.loads(json.dumps(threads.kept()))
    due = [minutes for minutes in range(0, 300, 10) if Threads(kept, NOW + timedelta(minutes=minutes), 3).due(1)]
    assert due[0] == 60


def test_without_comments_there_is_nothing_to_read_yet() -> None:
    threads = Threads(None, NOW, 3)
    threads.see("quiet", "1", NOW - HOUR, 0)
    threads.see("unknown", "2", NOW - HOUR, None)
    assert [t.id for t in threads.due(5)] == ["unknown"]
    later = Threads(threads.kept(), NOW + HOUR, 3)
    assert {t.id for t in later.due(5)} == {"quiet", "unknown"}


def test_what_waited_longest_for_its_age_comes_first() -> None:
    threads = Threads(None, NOW, 3)
    threads.see("read", "1", NOW - 10 * HOUR, 3)
    threads.was_read(threads.due(1)[0])
    later = Threads(threads.kept(), NOW + 10 * HOUR, 3)
    later.see("new", "2", NOW + 9 * HOUR, 3)
    assert [t.id for t in later.due(5)] == ["new", "read"]
    assert [t.id for t in later.due(1)] == ["new"]
    assert later.due(0) == []


def test_old_posts_are_not_followed_and_fall_out() -> None:
    threads = Threads(None, NOW, 3)
    threads.see("old", "1", NOW - timedelta(days=4), 3)
    threads.see("young", "2", NOW, 3)
    assert [row[0] for row in threads.kept()] == ["young"]
    assert Threads(threads.kept(), NOW + timedelta(days=4), 3).kept() == []


def test_a_claim_of_2099_is_of_now() -> None:
    threads = Threads(None, NOW, 3)
    threads.see("a", "1", NOW.replace(year=2099), 3)
    assert threads.due(1)[0].published == NOW
    assert Threads(threads.kept(), NOW + timedelta(days=4), 3).kept() == []


def test_a_dropped_thread_is_not_taken_up_again() -> None:
    threads = Threads(None, NOW, 3)
    threads.see("a", "1", NOW, 3)
    threads.drop(threads.due(1)[0])
    later = Threads(threads.kept(), NOW + 2 * HOUR, 3)
    later.see("a", "1", NOW, 9)
    assert later.due(5) == []


def test_the_memory_is_bounded() -> None:
    threads = Threads(None, NOW, 3)
    for n in range(1000):
        threads.see(str(n), "1", NOW - timedelta(minutes=n), 3)
    kept = threads.kept()
    assert len(kept) == 300
    assert kept[0][0] == "0"
    assert len(json.dumps(kept)) < 30_000


@pytest.mark.parametrize("kept", [None, 3, "x", {}, [3], [["a"]], [["a", "b", "c", "d"]], [["a", "b", 3, None]]])
def test_another_shape_is_an_empty_memory(kept: object) -> None:
    assert Threads(kept, NOW, 3).kept() == []


def sampled(*errors: SourceError | None) -> list[tuple[str, bool, int]]:
    """The pages of as many threads, each of one page and then its error."""
    threads = Threads(None, NOW, 3)
    for number in range(len(errors)):
        threads.see(str(number), str(number), NOW - HOUR, 5)

    def pages(thread: Thread) -> Iterator[Page]:
        yield Page((), stream=thread.id)
        if error := errors[int(thread.id)]:
            raise error

    found = threads.samples(9, pages, lambda thread: Page((), rejected=1, stream=thread.id))
    return [(page.stream, page.exhausted, page.rejected) for page in found]


def test_a_sample_is_whole_and_one_that_fails_is_said_to() -> None:
    assert sampled(None, SourceError("gone")) == [("0", True, 0), ("1", True, 0), ("1", False, 1)]
    assert len(sampled(SourceError("a"), SourceError("b"))) == 4
    assert sampled() == []


def test_that_no_thread_can_be_read_is_an_error() -> None:
    with pytest.raises(SourceError, match="a"):
        sampled(SourceError("a"), SourceError("b"), SourceError("c"))
    assert len(sampled(SourceError("a"), None, SourceError("c"))) == 5


def test_a_refusal_ends_the_samples() -> None:
    with pytest.raises(Blocked):
        sampled(Blocked("no"), None)


def test_what_there_is_no_time_for_stays_due() -> None:
    threads = Threads(None, NOW, 3)
    for name in ("a", "b", "c"):
        threads.see(name, name, NOW - HOUR, 5)
    left = 1

    def pages(thread: Thread) -> Iterator[Page]:
        nonlocal left
        if left == 0:
            raise NoTurn("late")
        left -= 1
        threads.was_read(thread)
        yield Page((), stream=thread.stream)

    def unread(thread: Thread) -> Page:
        raise AssertionError

    assert [page.stream for page in threads.samples(9, pages, unread)] == ["comments a"]
    assert [thread.id for thread in threads.due(9)] == ["b", "c"]
    with pytest.raises(NoTurn):
        list(threads.samples(9, pages, unread))

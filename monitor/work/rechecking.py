"""Recheck: look again at posts that matter, for their counts, their edits, and whether they are still there.

Each source that can is asked in a thread of its own with a deadline; only the calling thread writes. It is a job beside
``collect``: looking again may be slow, and must not delay a fetch that is due. What is owed follows from the posts and
their marks alone, so a restart changes nothing.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlite_utils import Database

from monitor.errors import Blocked, Hung, NeedsCredentials, RateLimited, SourceError
from monitor.model import Gone, Post
from monitor.store import coverage, posts, rechecks, writing
from monitor.store.rechecks import Due, Turn
from monitor.work.app import App, Collector
from monitor.work.collecting import LONGEST_REST
from sources import Rechecks
from sources.politeness import NoTurn

MARKS = (
    timedelta(minutes=15), timedelta(hours=1), timedelta(hours=4), timedelta(hours=24), timedelta(days=7),
)  # fmt: skip
"""Ages at which a post is looked at again (DESIGN: the path of one post)."""

BETWEEN = (timedelta(hours=2), timedelta(hours=8), timedelta(hours=16))
"""The same for posts that are negative or grow fast: what takes off in the evening is not to wait for the morning
(measured: ``tests/bench/takeoff.py``)."""

LAPSE = timedelta(days=14)
"""The last mark's end: what nobody looked at by then is not looked at any more."""

YOUNG = timedelta(hours=4)
"""Up to this mark every mention is worth a look; later only those that are negative or grow fast, and at
``TRAVEL_LOOK`` one of four by lot (``store.rechecks.DRAWN``)."""

FAST = 20.0
"""Growth an hour that counts as fast: a repost every quarter of an hour, at five a repost (``facts.LOUDNESS``)."""

AT_ONCE = 8
"""Sources asked side by side in one round; the others come first in the next."""

TURNS = 1 / 4
"""The share of ``service.deadline`` for which a look waits for its turns at a host: fetches there keep most of them."""

Attempt = Callable[[Callable[[], Post | Gone | None]], tuple[Post | Gone | None, Exception | None]]
"""The one boundary of ``jobs``."""


@dataclass
class Look:
    """One source asked to look again at some posts, and what it has answered so far."""

    collector: Collector
    turn: Turn
    asked: tuple[Due, ...]
    answers: list[Post | Gone] = field(default_factory=list)


_Event = tuple[Look, Post | Gone | None, Exception | None]


def due(app: App, db: Database, now: datetime) -> list[Look]:
    """Which sources look again now, and at what: each post by one source only."""
    able = [c for c in app.collectors if isinstance(c.source, Rechecks) and c.recheck > 0 and _may(app, db, c, now)]
    turns = {c.name: rechecks.turn(db, c.name) for c in able}
    ready = sorted((c for c in able if turns[c.name].due_at <= now), key=lambda c: turns[c.name].due_at)
    looks: list[Look] = []
    taken: set[int] = set()
    for collector in ready[:AT_ONCE]:
        found = _due(db, collector, now, collector.recheck + len(taken))
        asked = tuple(d for d in found if d.id not in taken)[: collector.recheck]
        taken.update(d.id for d in asked)
        if asked:
            looks.append(Look(collector, turns[collector.name], asked))
    if not looks:
        return []
    with writing(db):
        for look in looks:
            rechecks.take(db, look.asked)
    return looks


def _due(db: Database, collector: Collector, now: datetime, limit: int) -> list[Due]:
    """What is due at the marks of all and at those between, which are only of negative and fast-growing posts."""
    found: dict[int, Due] = {}
    marks = sorted((*MARKS, *BETWEEN, LAPSE))
    for mark in marks[:-1]:
        over = next(m for m in marks if m > mark and (m in MARKS or m == LAPSE or mark in BETWEEN))
        anyone = mark in MARKS and mark <= YOUNG
        for due in rechecks.due(db, collector.name, now, mark, over, FAST, limit, anyone=anyone):
            found[due.id] = due  # the newest mark it has passed
    return sorted(found.values(), key=lambda d: d.rank)[:limit]


def _may(app: App, db: Database, collector: Collector, now: datetime) -> bool:
    """Not while it hangs, and not while its platform has told us to stay away."""
    if collector.name in app.hanging or collector.name in app.looking:
        return False
    state = coverage.state(db, collector.name)
    return not (state.refusals and state.due_at > now)


def ask(app: App, looks: Sequence[Look], attempt: Attempt, now: datetime) -> Iterator[tuple[Look, Exception | None]]:
    """Each look once it has ended, with the error it ended in; at the deadline at latest. A stop leaves them open."""
    events: queue.SimpleQueue[_Event] = queue.SimpleQueue()
    for look in looks:
        app.looking.add(look.collector.name)
        threading.Thread(target=_work, args=(app, look, attempt, events, now), name="recheck", daemon=True).start()
    seconds = app.config.service.deadline.total_seconds()
    end, waiting = time.monotonic() + seconds, {look.collector.name: look for look in looks}
    while waiting and not app.stop.is_set():
        left = end - time.monotonic()
        try:
            look, answer, error = events.get(timeout=max(0.01, min(1.0, left)))  # a stop is seen within a second
        except queue.Empty:
            if left <= 0:
                yield from ((look, Hung(f"no answer within {seconds:g} s")) for look in waiting.values())
                return
            continue
        if answer is not None:
            look.answers.append(answer)
        else:
            del waiting[look.collector.name]
            yield look, error


def _work(app: App, look: Look, attempt: Attempt, events: queue.SimpleQueue[_Event], now: datetime) -> None:
    """One source's answers, about one a post: a source that never ends must not fill the memory."""
    source, walk = look.collector.source, list[Iterator[Post | Gone]]()

    def step() -> Post | Gone | None:
        if not walk:
            assert isinstance(source, Rechecks)  # or ``due`` had not chosen it
            walk.append(iter(source.recheck([d.post for d in look.asked], now)))
        return next(walk[0], None)

    error: Exception | None = None
    with app.http.run(app.config.service.deadline.total_seconds() * TURNS):
        for _ in range(len(look.asked) + 1):  # one more, for its end
            answer, error = attempt(step)
            if answer is None:
                break
            events.put((look, answer, None))
    app.looking.discard(look.collector.name)  # perhaps long after it was given up: it may be asked again
    events.put((look, None, error))


def store(app: App, db: Database, look: Look, error: Exception | None, now: datetime) -> None:
    """What a source answered, and when it may be asked again, in one transaction. Answers nobody asked for are dropped.

    Posts passed over by a look that ended well are done with their mark; those that a failed one left out come again.
    """
    known = {(d.post.platform, d.post.native_id): d.id for d in look.asked}
    # Assumed: that it was looked at again makes no post arrive in time.
    arrival = posts.Arrival(look.collector.name, now, app.config.service.live_within, assumed=True)
    done = set() if error is not None else set(known.values())
    shown: set[int] = set()
    with writing(db):
        for answer in look.answers:
            identity = known.get((answer.platform, answer.native_id))
            if identity is None:
                continue
            done.add(identity)
            if isinstance(answer, Gone):
                posts.mark_gone(db, identity, now)
            else:
                posts.look_again(db, identity, answer, arrival)
                shown.add(identity)
        rechecks.answered(db, done)
        rechecks.note_drawn(db, shown, now)
        if isinstance(error, NoTurn):
            rechecks.give_back(db, set(known.values()) - done)
        rechecks.keep_turn(db, look.collector.name, next_turn(look, error, now))


def give_up(db: Database, look: Look, error: Exception, now: datetime) -> None:
    """A look whose answers could not be stored: only its rest is."""
    with writing(db):
        rechecks.keep_turn(db, look.collector.name, next_turn(look, error, now))


def next_turn(look: Look, error: Exception | None, now: datetime) -> Turn:
    """After a good look when the source is usually asked; after a bad one twice as long each time, up to a day."""
    every = timedelta(seconds=look.collector.every_seconds)
    if error is None or isinstance(error, NoTurn):  # then the rest comes next time
        return Turn(now + every, 0, "")
    refusals = look.turn.refusals + 1
    rest = min(LONGEST_REST, every * 2 ** min(refusals, 12))
    if isinstance(error, RateLimited) and error.retry_after:
        rest = max(rest, error.retry_after)
    if isinstance(error, Blocked | NeedsCredentials):
        rest = max(rest, timedelta(hours=1))
    return Turn(now + rest, refusals, str(error) if isinstance(error, SourceError) else type(error).__name__)

"""Collect: ask every due source side by side, each in a thread with a deadline; only the calling thread writes."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlite_utils import Database

from monitor.errors import Blocked, Hung, NeedsCredentials, RateLimited, SourceError
from monitor.model import Cursor, Page, Query, Round
from monitor.store import coverage, posts, writing
from monitor.timetable import in_turn, spread
from monitor.work.app import App, Collector
from sources.links import host_of

WORKERS = 8
LONGEST_REST = timedelta(hours=24)
LAST_ANSWER = 30.0
"""Seconds of a run's deadline that are left for the last answer: Http takes 10 for a connection, 20 for a silence."""
FIRST_REACH = timedelta(days=7)
"""How far back a source's first answer is believed to be whole; one old pinned post says nothing of the years since."""

FAR_PATIENCE = 15
"""How many times as long a run may take that is asked to reach back: it may read many pages (30 minutes by default)."""

Attempt = Callable[[Callable[[], Page | None]], tuple[Page | None, Exception | None]]
"""The one boundary of ``jobs``: what the work gave, or the exception it raised."""


@dataclass
class Stream:
    """One list that a run reads: whether it reached back to what was heard before, whether it came to its end, and
    its oldest post's time.
    """

    reached_back: bool = False
    whole: bool = False
    oldest: datetime | None = None


@dataclass
class Run:
    """One run of one source while it lasts. ``held`` is its newest page, not stored yet.

    ``since``: it is asked to reach back to then; such a run begins without a cursor and leaves the stored one alone.
    ``reached``: since when it has heard everything, once it has ended well. ``round``: how its lists' turns stand.
    """

    collector: Collector
    id: int
    state: coverage.SourceState
    cursor: Cursor
    started: float = 0.0
    held: Page | None = None
    streams: dict[str, Stream] = field(default_factory=dict)
    ended: bool = False
    since: datetime | None = None
    reached: datetime | None = None
    round: Round | None = None

    @property
    def before(self) -> datetime | None:
        """What it should reach back to: the moment asked for, else the end of what was heard before."""
        return self.since or self.state.heard_to


@dataclass(frozen=True, slots=True)
class Event:
    """A page of a run, or its end: without an error, or with one."""

    run: Run
    page: Page | None = None
    error: Exception | None = None


@dataclass
class _Pool:
    """Daemon threads, because one that hangs cannot be ended and must not keep the service from ending."""

    attempt: Attempt
    query: Callable[[Run], Query]
    hanging: set[str]
    timed: Callable[[], AbstractContextManager[None]]
    jobs: queue.SimpleQueue[Run | None] = field(default_factory=queue.SimpleQueue)
    events: queue.SimpleQueue[Event] = field(default_factory=queue.SimpleQueue)
    running: dict[str, Run] = field(default_factory=dict)

    def start_worker(self) -> None:
        threading.Thread(target=self._work, name="source", daemon=True).start()

    def not_begun(self) -> Iterator[Run]:
        """The runs that no worker has taken up; none will."""
        with suppress(queue.Empty):
            while (run := self.jobs.get_nowait()) is not None:
                yield run

    def _work(self) -> None:
        while (run := self.jobs.get()) is not None:
            run.started = time.monotonic()
            self.running[run.collector.name] = run
            try:
                with self.timed():
                    self._fetch(run)
            finally:  # perhaps long after the tick that gave it up: it may be asked again
                self.hanging.discard(run.collector.name)

    def _fetch(self, run: Run) -> None:
        pages: list[Iterator[Page]] = []

        def step() -> Page | None:
            if not pages:
                pages.append(iter(run.collector.source.fetch(self.query(run), run.cursor)))
            return next(pages[0], None)

        while True:
            page, error = self.attempt(step)
            self.events.put(Event(run, page, error))
            if page is None:
                return


def due(
    app: App, db: Database, now: datetime, since: datetime | None = None, *, ticking: bool = False
) -> list[Run]:  # fmt: skip
    """The sources whose time has come, hosts in turn, with what they remember; a run row is opened for each.

    To reach back to ``since``, all are asked, except those whose platform has told us to stay away for now.
    ``ticking``: this is one of the service's many rounds, in which sources are asked somewhat apart (``spread``).
    """
    with writing(db):
        for collector in app.collectors:
            coverage.cut_future(db, collector.name, now)
        states = [(c, coverage.state(db, c.name)) for c in app.collectors if c.name not in app.hanging]
        asked = [
            (c, state)
            for c, state in states
            if _is_due(c, state, now, spread_out=ticking) or (since and not state.refusals)
        ]
        return [
            Run(c, coverage.start_run(db, c.name, now), state, {} if since else state.cursor, since=since)
            for c, state in in_turn(asked, lambda one: _host(one[0]), lambda one: one[1].due_at)
        ]


def _host(collector: Collector) -> str:
    """Whom a source asks, as far as its settings tell; one that does not say stands for itself."""
    return host_of(str(getattr(collector.source, "url", ""))) or f"source {collector.name}"


def any_due(app: App, db: Database, now: datetime) -> bool:
    """Whether a source still has to be asked, apart from those that hang."""
    return any(_is_due(c, coverage.state(db, c.name), now) for c in app.collectors if c.name not in app.hanging)


def _is_due(collector: Collector, state: coverage.SourceState, now: datetime, *, spread_out: bool = False) -> bool:
    """Its time has come; or it lies so far ahead that only a clock that was wrong can have set it."""
    every = timedelta(seconds=collector.every_seconds)
    farthest = now + (LONGEST_REST + every if state.refusals else 2 * every)
    if state.due_at > now:
        return state.due_at > farthest
    return not spread_out or spread(collector.name, state.due_at, every) <= now - state.due_at


def fetch(
    app: App, runs: Sequence[Run], attempt: Attempt, now: datetime, *, ticking: bool = False
) -> Iterator[Event]:  # fmt: skip
    """Every event of these runs as it comes; each run ends with one Event without a page, at the deadline at latest.

    ``ticking``: those that could not begin within the deadline, for too many are due at slow hosts, are left to the
    next round, so that sources due meanwhile wait no longer than two deadlines.
    """
    patience = FAR_PATIENCE if any(run.since for run in runs) else 1
    deadline = app.config.service.deadline.total_seconds() * patience
    waits = max(deadline - LAST_ANSWER, deadline / 2)
    pool = _Pool(attempt, lambda run: Query(app.terms, now, run.before), app.hanging, lambda: app.http.run(waits))
    for run in runs:
        pool.jobs.put(run)
    for _ in range(min(WORKERS, len(runs))):
        pool.start_worker()
    waiting = {run.collector.name for run in runs}
    last_begin = time.monotonic() + deadline if ticking else float("inf")
    try:
        while waiting and not app.stop.is_set():
            if time.monotonic() >= last_begin:
                waiting -= {run.collector.name for run in pool.not_begun()}
            try:
                event = pool.events.get(timeout=_patience(pool, waiting, deadline))
            except queue.Empty:
                yield from _overdue(app, pool, waiting, deadline)
                continue
            if event.run.collector.name in waiting:
                if event.page is None:
                    waiting.discard(event.run.collector.name)
                yield event
    finally:
        for _ in range(len(runs) + WORKERS):
            pool.jobs.put(None)


def _patience(pool: _Pool, waiting: set[str], deadline: float) -> float:
    """Seconds until the next run would be overdue, and at most one, so that a stop is seen."""
    ends = [run.started + deadline for name, run in list(pool.running.items()) if name in waiting]
    return max(0.01, min([1.0, *(end - time.monotonic() for end in ends)]))


def _overdue(app: App, pool: _Pool, waiting: set[str], deadline: float) -> Iterator[Event]:
    for name, run in list(pool.running.items()):
        if name in waiting and time.monotonic() - run.started >= deadline:
            waiting.discard(name)
            app.hanging.add(name)
            pool.start_worker()  # in place of the one that hangs
            yield Event(run, error=Hung(f"no answer within {deadline:g} s"))


def receive(app: App, db: Database, run: Run, page: Page, now: datetime) -> None:
    """Hold a page until it is known whether it is the last: that one is stored with the cursor and the run's end.

    Pages before it are stored without moving the cursor. A cursor kept too early would have the source say "unchanged"
    after a crash or a refusal, and the gap behind the pages that never came would pass for heard.
    """
    put_down(app, db, run, now)
    run.held = page


def put_down(app: App, db: Database, run: Run, now: datetime) -> None:
    """Store the page in hand, if there is one, with its run."""
    if run.held is not None:
        with writing(db):
            _store(app, db, run, now)


def _store(app: App, db: Database, run: Run, now: datetime) -> None:
    page, before = run.held, run.before
    if page is None:
        return
    run.held, run.cursor = None, page.cursor
    if page.round is not None:
        run.round = page.round
        return
    # Of a time long past a post without a time of its own cannot be told from one of today.
    trusted = before is not None and run.since is None
    arrival = posts.Arrival(
        run.collector.name, now, app.config.service.live_within, trust_unclaimed=trusted, heard_to=before,
        late_is_assumed=run.since is not None, seen_by=_seen_by(db, run, now),
    )  # fmt: skip
    added = posts.add(db, page.posts, arrival, app.author_key, app.config.privacy.keep_authors)
    coverage.add_page(db, run.id, added.seen, added.new, page.rejected)
    stream = run.streams.setdefault(page.stream, Stream())
    stream.oldest = min(filter(None, (stream.oldest, added.oldest)), default=None)
    empty = not page.posts and not page.rejected
    # One known post may be pinned; the last one, or a second, shows that the list was read down to what was heard.
    overlaps = added.known > 1 or added.last_known
    stream.whole |= page.exhausted
    stream.reached_back |= page.exhausted or page.unchanged or empty or overlaps


def _seen_by(db: Database, run: Run, now: datetime) -> datetime | None:
    """Until when a post that this source showed proves that its list was read; None: until its last hearing ended.

    Where lists take turns, what was heard lags behind what each showed when it had its last turn.
    """
    if run.since is not None or run.state.heard_to is None:
        return None
    return coverage.last_good_run(db, run.collector.name, run.round.began if run.round else now)


def finish(app: App, db: Database, run: Run, now: datetime) -> None:
    """A run that ended well: its last posts, the cursor, what it heard and when it is due again, in one transaction."""
    name, every = run.collector.name, timedelta(seconds=run.collector.every_seconds)
    with writing(db):
        _store(app, db, run, now)
        if run.since is None:
            start, gap = _heard_in_turns(app, db, run, now, every)
            coverage.keep_cursor(db, name, run.cursor, now + every)
        else:
            start, gap = _heard_back(run, run.since, now)
            coverage.add_heard_back(db, name, start, now, app.config.service.live_within)
        coverage.finish_run(db, run.id, now, "ok", gap=gap)
    run.reached, run.ended = start, True


def _heard_in_turns(
    app: App, db: Database, run: Run, now: datetime, every: timedelta
) -> tuple[datetime, tuple[datetime, datetime] | None]:  # fmt: skip
    """Note what a run heard; since when, and the partial gap it leaves.

    Lists that take turns have heard nothing together until the last had its own; then up to when the first had its.
    """
    name, live = run.collector.name, app.config.service.live_within
    start, gap = _heard_from(run, now, every)
    if run.round is None:
        coverage.add_heard(db, name, start, now, live)
        return start, gap
    coverage.note_reach(db, run.id, start)
    if not run.round.ended:
        return now, (run.state.heard_to or now - every, now)
    end = min(run.round.began, now)
    start = min(coverage.least_reach(db, name, end), end)
    coverage.add_heard(db, name, start, now, live, end)
    return start, (run.state.heard_to or start, now)


def _heard_from(run: Run, now: datetime, every: timedelta) -> tuple[datetime, tuple[datetime, datetime] | None]:
    """Since when this run heard everything, and the partial gap it leaves: a full page in which no post was known."""
    before = run.state.heard_to
    if before is None:
        return max(min(_first_reach(run, now), now - every), now - FIRST_REACH), None
    short = [s.oldest for s in run.streams.values() if not s.reached_back and s.oldest]
    if run.streams and not any(s.reached_back or s.oldest for s in run.streams.values()):
        short = [now]  # not one post could be read; where some could, the others may be the comments of one post
    start = max(before, min(max(short), now)) if short else before
    return start, (before, start) if start > before else None


def _heard_back(run: Run, since: datetime, now: datetime) -> tuple[datetime, tuple[datetime, datetime] | None]:
    """Since when a run heard everything that was asked to reach back, and the gap it leaves behind what was heard."""
    short = [s.oldest or now for s in run.streams.values() if not s.reached_back]
    if run.round is not None:
        short.append(now)  # some lists were not read at all
    start = min(max([*short, since, now - FIRST_REACH]), now) if short else since
    before = run.state.heard_to
    return start, (before, start) if before is not None and before < start else None


def _first_reach(run: Run, now: datetime) -> datetime:
    """How far back a first run heard: as far as each list that it did not read to its end.

    One that it did reached everything, however young its oldest post is. But an answer without any post shows nothing.
    """
    held = [s for s in run.streams.values() if s.oldest]
    return max((s.oldest for s in held if s.oldest and not s.whole), default=now - FIRST_REACH if held else now)


def refuse(app: App, db: Database, run: Run, error: Exception, now: datetime) -> None:
    """A run that ended badly: its state, and a rest that grows while the platform refuses us. Its pages stay."""
    put_down(app, db, run, now)
    every = timedelta(seconds=run.collector.every_seconds)
    refused = isinstance(error, RateLimited | Blocked | NeedsCredentials)
    refusals = run.state.refusals + 1 if refused else 0
    rest = min(LONGEST_REST, every * 2 ** min(refusals, 12)) if refused else every
    if isinstance(error, RateLimited | Blocked) and error.retry_after:
        rest = max(rest, error.retry_after)
    known = isinstance(error, SourceError)
    with writing(db):
        coverage.keep_cursor(db, run.collector.name, run.state.cursor, now + rest, refusals)
        coverage.finish_run(
            db, run.id, now, error.state if isinstance(error, SourceError) else "failed",
            str(error) if known else type(error).__name__,
        )  # fmt: skip
    run.ended = True


def leave(app: App, db: Database, runs: Sequence[Run], now: datetime) -> None:
    """Close the runs that a stop of the service cut short; they are due again as soon as it starts. Those that never
    began are due as they were."""
    for run in runs:
        if not run.ended and not run.started:
            with writing(db):
                coverage.forget_run(db, run.id)
        elif not run.ended:
            put_down(app, db, run, now)
            with writing(db):
                coverage.finish_run(db, run.id, now, "interrupted", "the service was stopped")

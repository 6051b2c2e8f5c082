"""The jobs, read downwards: collect, recheck; match to count; watch, attend; ledger, travel, digest; send.

Each job takes its work from the database and leaves its result there, so a crash anywhere loses nothing. ``attempt``
is the one boundary of the program that may catch everything: one poison post or one bad plugin must not silence the
monitor. What it catches is logged with its traceback and an id, stored as a failure, and owes one ops mail.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from time import monotonic
from typing import TypeVar

from sqlite_utils import Database

from monitor.errors import Hung, ServerUnreachable, SourceError
from monitor.store import complaints, counts, outbox, posts, service
from monitor.store.posts import Queued
from monitor.work import (
    archiving,
    attending,
    blindness,
    bursting,
    changeover,
    collecting,
    complaining,
    digesting,
    heartbeat,
    mailbox,
    paging,
    purging,
    reaching,
    rechecking,
    sending,
    signalling,
    stages,
    summing,
    travelling,
    watching,
)
from monitor.work.app import App
from monitor.work.failing import fail

Result = TypeVar("Result")
Progress = Callable[[str, int, int], None]
"""(stage, how many of its items are now done, how many are left)"""

Stage = Callable[[App, Database, datetime, "Report", Progress], None]


@dataclass
class Report:
    """What one cycle did, for the person who started it."""

    pages: int = 0
    posts: int = 0
    looked: int = 0
    answers: int = 0
    reached: dict[str, datetime] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    stages: dict[str, int] = field(default_factory=dict)
    digests: list[Path] = field(default_factory=list)
    sent: int = 0
    owed: int = 0
    failed: int = 0
    notes: list[str] = field(default_factory=list)


def quiet(_stage: str, _done: int, _left: int) -> None:
    """Progress that nobody watches."""


def cycle(
    app: App, db: Database, now: datetime, progress: Progress = quiet, since: datetime | None = None
) -> Report:  # fmt: skip
    """Everything once, in order; ``run`` ticks the parts apart, so that none waits for another."""
    report = Report()
    collect(app, db, now, report, since)
    recheck(app, db, now, report)
    process(app, db, now, report, progress)
    answers(app, db, now, report)
    watch(app, db, now)
    hear_before_escalating(app, db, now, report)
    attend(app, db, now)
    send(app, db, now, report)  # an alert waits for no ledger and no digest
    ledger(app, db, now, report, progress)
    travel(app, db, now)
    digest(app, db, now, report)
    send(app, db, now, report)
    purge(app, db, now)
    heartbeat.beat(app, now)
    report.failed = len(service.failures(db))
    return report


def collect(
    app: App, db: Database, now: datetime, report: Report, since: datetime | None = None, *, ticking: bool = False
) -> None:  # fmt: skip
    """Ask every due source; a run's last posts are stored with its cursor, and each run ends as a recorded state.

    ``since``: ask all of them to reach back to then. ``ticking``: another round comes in seconds.
    """
    runs = collecting.due(app, db, now, since, ticking=ticking)
    for event in collecting.fetch(app, runs, attempt, now, ticking=ticking):
        if event.run.ended:
            continue  # what it gave before could not be stored
        _, error = attempt(partial(_receive, app, db, event, now, report))
        if error is not None:
            event.run.held = None
            _end_badly(app, db, event.run, error, now, report)
    collecting.leave(app, db, runs, now)
    report.reached = {run.collector.name: run.reached for run in runs if run.since and run.reached}
    do(app, db, "collect", "blindness", lambda: blindness.tell(app, db, now), now)


def _receive(app: App, db: Database, event: collecting.Event, now: datetime, report: Report) -> None:
    if event.page is not None:
        collecting.receive(app, db, event.run, event.page, now)
        report.pages += 1
        report.posts += len(event.page.posts)
    elif event.error is None:
        collecting.finish(app, db, event.run, now)
        service.clear_failure(db, "collect", event.run.collector.name)
    else:
        _end_badly(app, db, event.run, event.error, now, report)


def _end_badly(
    app: App, db: Database, run: collecting.Run, error: Exception, now: datetime, report: Report
) -> None:  # fmt: skip
    """A refusal is the platform's affair and shows in coverage; a hang or a bug is ours, and owes an ops mail."""
    collecting.refuse(app, db, run, error, now)
    report.refused.append(run.collector.name)
    if isinstance(error, Hung) or not isinstance(error, SourceError):
        fail(app, db, "collect", run.collector.name, error, now)


def recheck(app: App, db: Database, now: datetime, report: Report) -> None:
    """Have sources look again at posts that are due for it; one that cannot rests, and is no less heard for it."""
    for look, error in rechecking.ask(app, rechecking.due(app, db, now), attempt, now):
        _, unstored = attempt(partial(rechecking.store, app, db, look, error, now))
        if unstored is not None:
            rechecking.give_up(db, look, unstored, now)
        report.looked += min(len(look.answers), len(look.asked))
        failed = unstored or error
        if failed is None:
            service.clear_failure(db, "recheck", look.collector.name)
        elif isinstance(failed, Hung) or not isinstance(failed, SourceError):
            fail(app, db, "recheck", look.collector.name, failed, now)


def process(app: App, db: Database, now: datetime, report: Report, progress: Progress = quiet) -> None:
    """Match, score, find signals, group and count, until nothing is left to do; a broken stage stops no other."""
    stages.prepare(app, db, now)
    working: dict[str, Stage] = {"match": match, "score": score, "signal": signal, "group": group}
    waiting = True  # at first, for a new model may have come without a post
    while waiting and not app.stop.is_set():
        for name, stage in list(working.items()):
            _, error = do(app, db, name, "stage", partial(stage, app, db, now, report, progress), now)
            if error is not None:
                del working[name]  # its posts stay queued, and are tried again in the next cycle
        waiting = any(posts.waiting(db)[name] for name in working)
    count(app, db, report, progress)


def match(app: App, db: Database, now: datetime, report: Report, progress: Progress) -> None:
    for batch in _batches(app, db, "match", report, progress):
        found = each(app, db, "match", batch, lambda items: stages.find(app, items), now)
        stages.store_matches(app, db, batch, found)


def score(app: App, db: Database, now: datetime, report: Report, progress: Progress) -> None:
    change_model(app, db, now, report, progress)
    if app.stop.is_set():
        return
    for batch in _batches(app, db, "score", report, progress):
        scores = each(app, db, "score", batch, lambda items: stages.score(app, items), now)
        stages.store_scores(app, db, batch, scores, now)


def change_model(app: App, db: Database, now: datetime, report: Report, progress: Progress) -> None:
    """A new model scores the last weeks in silence; then it speaks, and all counts switch at once."""
    if not changeover.needed(app, db):
        return
    for batch in changeover.batches(app, db, now):
        scores = each(app, db, "score", batch, lambda items: stages.score(app, items), now)
        changeover.keep(app, db, scores, now)
        _note(report, progress, "rescore", len(batch), 0)
    if not app.stop.is_set():
        changeover.switch(app, db, now)


def signal(app: App, db: Database, now: datetime, report: Report, progress: Progress) -> None:
    for batch in _batches(app, db, "signal", report, progress):
        felt = each(app, db, "signal", batch, lambda items: signalling.find(app, items), now)
        signalling.store(app, db, batch, felt)


def group(app: App, db: Database, now: datetime, report: Report, progress: Progress) -> None:
    for batch in _batches(app, db, "group", report, progress):
        tied = each(app, db, "group", batch, lambda items: stages.tie(app, items), now)
        stages.store_groups(app, db, batch, tied, now)


def count(app: App, db: Database, report: Report, progress: Progress) -> None:
    while not app.stop.is_set() and (made := stages.count(app, db)):
        _note(report, progress, "count", made, counts.dirty(db))


def answers(app: App, db: Database, now: datetime, report: Report) -> None:
    """Do what people ask for in reply to alerts; a mailbox that cannot be read rests, ever longer, and is told of."""
    if mailbox.due(app, db, now):
        with app.reading_mail:
            _visit_mailbox(app, db, now, report, mailbox.LONGEST_VISIT)


def hear_before_escalating(app: App, db: Database, now: datetime, report: Report) -> None:
    """Who has replied is not to be passed over because the mailbox is not due yet. A mailbox that hangs delays the
    escalation by no more than its own timeout, in which the visit under way may end, too."""
    table = app.config.mailbox
    if table is None or not attending.escalates(app, db, now):
        return
    patience, begun = table.timeout.total_seconds(), monotonic()
    if not app.reading_mail.acquire(timeout=patience):
        return
    try:
        left = timedelta(seconds=max(1.0, patience - (monotonic() - begun)))
        _visit_mailbox(app, db, now, report, left)
    finally:
        app.reading_mail.release()


def _visit_mailbox(app: App, db: Database, now: datetime, report: Report, longest: timedelta) -> None:
    _, error = attempt(lambda: _read_mailbox(app, db, now, report, longest))
    turn = mailbox.rest(app, db, error, now)
    if error is None:
        service.clear_failure(db, "answers", "mailbox")
    elif turn.refusals >= mailbox.PATIENCE or not isinstance(error, ServerUnreachable):
        fail(app, db, "answers", "mailbox", error, now)


def _read_mailbox(app: App, db: Database, now: datetime, report: Report, longest: timedelta) -> None:
    with mailbox.opened(app, longest) as folder:
        for uid in mailbox.unread(app, db, folder, now):
            _, error = attempt(partial(mailbox.take_in, app, db, folder, uid, now))
            if isinstance(error, ServerUnreachable):
                raise error
            report.answers += 1
            if error is not None:
                mailbox.set_aside(app, db, folder, uid)
                fail(app, db, "answers", f"message {uid}", error, now)


def watch(app: App, db: Database, now: datetime) -> None:
    """Judge each own brand's closed bins: spikes, story-bursts, posts that take off; incidents and owed alerts follow.
    Competitors are counted, never watched."""
    watching.measure_sources(app, db, now)
    for brand, brand_id in app.own_brands:
        for stage, watcher in (("watch", watching.watch), ("burst", bursting.watch), ("takeoff", reaching.watch)):
            do(app, db, stage, brand.name, partial(watcher, app, db, brand, brand_id, now), now)


def attend(app: App, db: Database, now: datetime) -> None:
    """What the clock brings: incidents that nobody took in time, silences that are over."""
    for brand, brand_id in app.own_brands:
        do(app, db, "attend", brand.name, partial(attending.attend, app, db, brand, brand_id, now), now)


def ledger(app: App, db: Database, now: datetime, report: Report, progress: Progress = quiet) -> None:
    """Keep the ledger of complaints, after all that must not wait; whatever changed told it so. A history takes turns
    over several cycles."""

    def keep() -> None:
        begun, longest = monotonic(), complaining.LONGEST.total_seconds()
        while not app.stop.is_set() and (done := complaining.keep(app, db, now)):
            _note(report, progress, "ledger", done, complaints.waiting(db))
            if monotonic() - begun >= longest:
                break

    do(app, db, "ledger", "stage", keep, now)


def travel(app: App, db: Database, now: datetime) -> None:
    """Once a day, how much farther each own brand's negative stories went than its positive ones."""
    for brand, brand_id in app.own_brands:
        do(app, db, "travel", brand.name, partial(travelling.measure, app, db, brand, brand_id, now), now)


def digest(app: App, db: Database, now: datetime, report: Report) -> None:
    """Make every digest and weekly roll-up that is owed; the database knows which, so one missed while we were down is
    made now. Then bring the archive's index and feed up to date."""
    do(app, db, "archive", "drafts", lambda: archiving.finish(app, db), now)
    for word, owed, make in (("", digesting.due, digesting.make), ("week ", summing.due, summing.make)):
        for brand, brand_id, day, late in list(owed(app, db, now)):
            made = partial(make, app, db, brand, brand_id, day, now, late=late)
            page, _ = do(app, db, "digest", f"{brand.name} {word}{day}", made, now)
            if page is not None:
                report.digests.append(page)
    keep_index(app, db, now)


def keep_index(app: App, db: Database, now: datetime) -> None:
    """Write the index and feed of each brand that has pages of which they do not tell."""
    for brand, brand_id in archiving.due(app, db):
        do(app, db, "archive", brand.name, partial(archiving.write_index, app, db, brand, brand_id), now)


def send(app: App, db: Database, now: datetime, report: Report) -> None:
    """Write the incidents' pages, and hand over the mail that is owed and due, each message to each recipient by
    itself."""
    pages(app, db, now)
    settings, error = attempt(lambda: app.smtp)
    if error is not None:
        fail(app, db, "send", "outbox", error, now)
    if settings is None or not outbox.due(db, now):
        return
    sending.fold(db, now)
    owed = outbox.due(db, now)
    with sending.connection(settings) as server:
        for delivery in owed:
            if app.stop.is_set():
                break
            taken, error = attempt(partial(sending.hand_over, app, db, server, delivery, now))
            report.sent += bool(taken)
            if isinstance(error, ServerUnreachable):
                sending.put_off(db, owed[owed.index(delivery) :], error, now)
                break
            if error is not None:
                sending.put_off(db, [delivery], error, now)
                fail(app, db, "send", delivery.message_id, error, now)
    if error is None:
        service.clear_failure(db, "send", "outbox")


def pages(app: App, db: Database, now: datetime) -> None:
    """Write the page of each incident of which more happened than its page tells; before the mail that links it."""
    for incident, events in paging.due(app, db):
        do(app, db, "page", f"incident {incident}", partial(paging.write, app, db, incident, events, now), now)


def purge(app: App, db: Database, now: datetime) -> None:
    """Once a day: remove what is not to be kept any longer."""
    if purging.owed(db, now):
        do(app, db, "purge", "posts", lambda: purging.purge(app, db, now), now)


def attempt(work: Callable[[], Result]) -> tuple[Result | None, Exception | None]:
    """The one boundary: what ``work`` gave, or what it raised. Whoever calls it stores the error with ``fail``."""
    try:
        return work(), None
    except Exception as error:
        return None, error


def do(
    app: App, db: Database, stage: str, item: str, work: Callable[[], Result], now: datetime
) -> tuple[Result | None, Exception | None]:  # fmt: skip
    """One item of a stage, so that none that fails silences another: what it raised is stored as its failure, which
    ends when it works again."""
    result, error = attempt(work)
    if error is not None:
        fail(app, db, stage, item, error, now)
    else:
        service.clear_failure(db, stage, item)
    return result, error


def each(
    app: App, db: Database, stage: str, batch: Sequence[Queued],
    work: Callable[[Sequence[Queued]], Sequence[Result]], now: datetime,
) -> dict[int, Result]:  # fmt: skip
    """A stage's results by post. A batch that raises is done one by one, so that only the poison item is left out.

    When a post of plain text fails as well, it is the stage that is broken: its error is raised and no post set aside.
    """
    together, error = attempt(lambda: work(batch))
    if error is None and together is not None:
        return {post.id: result for post, result in zip(batch, together, strict=True)}
    results: dict[int, Result] = {}
    errors: dict[int, Exception] = {}
    for post in batch:
        alone, error = attempt(partial(work, [post]))
        if alone is not None:
            results[post.id] = alone[0]
        elif error is not None:
            errors[post.id] = error
    if not results:
        work([stages.PLAIN])
    for item, error in errors.items():
        fail(app, db, stage, str(item), error, now)
    return results


def _batches(app: App, db: Database, stage: str, report: Report, progress: Progress) -> Iterator[list[Queued]]:
    """Batches of a stage's queue until it is empty; the stage takes each off the queue as it stores its results."""
    while not app.stop.is_set() and (batch := posts.take(db, stage, posts.BATCH)):
        yield batch
        _note(report, progress, stage, len(batch), posts.waiting(db)[stage])


def _note(report: Report, progress: Progress, stage: str, done: int, left: int) -> None:
    report.stages[stage] = report.stages.get(stage, 0) + done
    progress(stage, report.stages[stage], left)

"""The ledger of complaints: what changed since it was last kept, and how the complaints that this touches stand now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlite_utils import Database

from monitor.complaints import (
    addressed,
    corrected,
    escalates,
    evidence,
    judge,
    says_recovered,
    severity,
)
from monitor.model import Recovery, from_utc_text
from monitor.store import complaint_turns, complaints, writing
from monitor.store.complaint_turns import ELSEWHERE, Entry, Head
from monitor.store.complaints import Said
from monitor.work.app import App

BATCH = 500
"""Changes that are dealt with in one transaction, which other writers wait for."""

LONGEST = timedelta(seconds=30)
"""How long the ledger may hold up what comes after it in a cycle; what is left is on the list for the next one."""


def keep(app: App, db: Database, now: datetime, limit: int = BATCH) -> int:
    """Deal with the next changes; how many. One transaction: all of it is stored and off the list, or none."""
    with writing(db):
        marks = complaints.marked(db, limit)
        if not marks:
            return 0
        placed = complaints.place(db, {*marks.groups, *complaints.groups_of(db, marks.posts)})
        touched = {*marks.complaints, *placed.changed, *_listen(app, db, complaints.read(db, marks.posts))}
        complaints.end(db, placed.ended, app.brands.values())
        for complaint in sorted(touched - placed.ended):
            stand(db, complaint, now)
        complaints.unmark(db, marks)
        return len(marks)


def _listen(app: App, db: Database, said: Sequence[Said]) -> set[int]:
    """Keep what posts say of complaints; those that it may change."""
    touched = complaints.that_rest_on(db, [post.id for post in said])
    for post in said:
        if post.own is not None:
            touched |= _answer(app, db, post)
    known = {post.id: post.author_key for post in said if post.own is None and post.author_key is not None}
    theirs = [post for post in said if post.id in known]
    touched |= complaints.of_voices(db, ((p.platform, p.thread, known[p.id]) for p in theirs))
    heard = [post for post in theirs if not post.purged]
    leaving = complaints.leaving(db, list(known))
    says = {
        post.id: [(kind, complaints.who("key", known[post.id])) for kind in kinds]
        for post in heard
        if (kinds := _says(post, leaving))
    }
    spoke = complaints.set_sayings(db, heard, says)
    for post in heard:
        if post.id in spoke:
            at = from_utc_text(post.counted_at)
            touched |= complaints.of_author(db, known[post.id], at - ELSEWHERE, at)
    return touched


def _says(post: Said, leaving: set[int]) -> list[str]:
    said = ["recovered"] if says_recovered(post.text) else []
    return [*said, "leaving"] if post.id in leaving else said


def _answer(app: App, db: Database, post: Said) -> set[int]:
    """Whom a brand's own post answers. A name is known by its hash: where a platform's names are its ids, by that of
    the author; else by the name's own, if names are kept."""
    names = addressed(post.text)
    keys = [app.author_key(post.platform, name) for name in names]
    if not post.purged:
        called = [("names", complaints.who("key", key)) for key in keys]
        called += [("names", complaints.who("name", name)) for name in names]
        complaints.set_sayings(db, [post], {post.id: called})
    return complaints.answered_by(db, post, names, keys)


def stand(db: Database, complaint: int, now: datetime) -> None:
    """Reckon how a complaint stands and how far it went. A person's word wins over the rules; what rests on a post that
    was purged stays as it was."""
    head = complaint_turns.head(db, complaint)
    if head is None:
        complaints.end(db, [complaint], [])
        return
    _measure(db, head)
    standing = head.kept or judge(complaint_turns.turns(db, head))
    word = complaint_turns.word(db, complaint)
    if word is not None:
        standing = corrected(standing, word.state, word.at)
    complaint_turns.stand(db, head, standing, word.by if word else "", now)


def _measure(db: Database, head: Head) -> None:
    if head.purged and head.known:
        return
    extent, words = complaint_turns.extent(db, head.complaint), complaint_turns.words(db, head)
    if extent is None:
        return
    post, text, span = words.quoted
    weight = severity(
        words.themes, extent.reach or 0, leaving=not all(map(escalates, words.leaving)),
        escalates=any(map(escalates, (*words.texts, *words.leaving))),
    )  # fmt: skip
    complaint_turns.write(db, head, Entry(extent, words.themes, weight, (post, *evidence(text, span))))


def say(
    db: Database, complaint: int, state: Recovery | None, by: str, note: str, now: datetime
) -> None:  # fmt: skip
    """A person says how a complaint stands, or with None takes back what people said; in the caller's transaction."""
    event = "undo" if state is None else "person"
    complaint_turns.add_event(db, complaint, now, event, state or Recovery.NEW, by, note)
    stand(db, complaint, now)

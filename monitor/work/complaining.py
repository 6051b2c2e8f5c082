"""The ledger of complaints: what changed since it was last kept, and how the complaints that this touches stand now."""

from __future__ import annotations

from datetime import datetime

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


def keep(app: App, db: Database, now: datetime, limit: int = BATCH) -> int:
    """Deal with the next changes; how many. One transaction: all of it is stored and off the list, or none."""
    with writing(db):
        marks = complaints.marked(db, limit)
        if not marks:
            return 0
        said = complaints.read(db, marks.posts)
        touched = set(marks.complaints)
        placed = complaints.place(db, {*marks.groups, *complaints.groups_of(db, marks.posts)})
        touched |= placed.changed
        for post in said:
            touched |= _listen(app, db, post)
        complaints.end(db, placed.ended)
        for complaint in sorted(touched - placed.ended):
            stand(db, complaint, now)
        complaints.unmark(db, marks)
        return len(marks)


def _listen(app: App, db: Database, post: Said) -> set[int]:
    """Keep what a post says of complaints; those that it may change."""
    touched = complaints.that_rest_on(db, post.id)
    if post.own is not None:
        return touched | _answer(app, db, post)
    if post.author_key is None:
        return touched
    touched |= complaints.of_voice(db, post.platform, post.thread, post.author_key)
    if post.purged:
        return touched
    who = complaints.who("key", post.author_key)
    said = [(kind, who) for kind in _says(db, post)]
    if complaints.set_sayings(db, post, said):
        at = from_utc_text(post.counted_at)
        touched |= complaints.of_author(db, post.author_key, at - ELSEWHERE, at)
    return touched


def _says(db: Database, post: Said) -> list[str]:
    said = ["recovered"] if says_recovered(post.text) else []
    return [*said, "leaving"] if complaints.leaves(db, post.id) else said


def _answer(app: App, db: Database, post: Said) -> set[int]:
    """Whom a brand's own post answers. A name is known by its hash: where a platform's names are its ids, by that of
    the author; else by the name's own, if names are kept."""
    names = addressed(post.text)
    keys = [app.author_key(post.platform, name) for name in names]
    if not post.purged:
        called = [("names", complaints.who("key", key)) for key in keys]
        complaints.set_sayings(db, post, [*called, *(("names", complaints.who("name", name)) for name in names)])
    return complaints.answered_by(db, post, names, keys)


def stand(db: Database, complaint: int, now: datetime) -> None:
    """Reckon how a complaint stands and how far it went. A person's word wins over the rules; what rests on a post that
    was purged stays as it was."""
    head = complaint_turns.head(db, complaint)
    if head is None:
        complaints.end(db, [complaint])
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
        words.themes, extent.reach or 0, leaving=words.leaving, escalates=any(escalates(text) for text in words.texts)
    )
    complaint_turns.write(db, head, Entry(extent, words.themes, weight, (post, *evidence(text, span))))


def say(
    db: Database, complaint: int, state: Recovery | None, by: str, note: str, now: datetime
) -> None:  # fmt: skip
    """A person says how a complaint stands, or with None takes back what people said; in the caller's transaction."""
    event = "undo" if state is None else "person"
    complaint_turns.add_event(db, complaint, now, event, state or Recovery.NEW, by, note)
    stand(db, complaint, now)

"""Corrections: a person says what a post is for a brand; that counts at once, and a model can learn from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from monitor.errors import UsageError, nearest, shown
from monitor.model import Label, Recovery
from monitor.sentiment.people import WORDS
from monitor.store import complaint_list, labels, mentions, not_us, rejudge, writing
from monitor.work import complaining, stages
from monitor.work.app import App
from monitor.work.naming import the_brand, the_post

SAID = {word: label for word, label in WORDS.items() if label is not Label.UNSCORED}
"""What a person may say. That a text holds no Chinese is not a matter of opinion."""


@dataclass(frozen=True, slots=True)
class Done:
    """What a correction changed: a brand's name, and its mention's label before and now."""

    post: int
    brand: str
    before: str
    now: str


def value(word: str) -> Label:
    found = SAID.get(word.strip().lower())
    if found is None:
        known = f"{shown(word)}{nearest(word, SAID)}"
        raise UsageError(f"VALUE: must be negative, neutral, positive or unsure, not {known}")
    return found


def label(app: App, db: Database, name: str, said: Label, brand: str, by: str, now: datetime) -> Done:
    """Store a correction, and count again what it changes; an incident that it takes a negative post from is judged
    anew by the next watch. ``name``: see ``labels.find_post``; ``brand`` may be empty where the post mentions only one.
    UsageError if the post or the brand cannot be told."""
    post = the_post(db, name)
    known = labels.brands_of(db, post)
    identity, brand = the_brand(app, post, brand, known)
    with writing(db):
        mentions.add_label(db, post, identity, said, by, now)
        if known[identity] == Label.NEGATIVE and said is not Label.NEGATIVE:
            rejudge.doubt(db, identity, not_us.first_counted(db, [post]), rejudge.CORRECTED)
    while stages.count(app, db):
        pass
    return Done(post, brand, known[identity], labels.brands_of(db, post)[identity])


def complaint(
    db: Database, number: int, state: Recovery | None, by: str, note: str, now: datetime
) -> tuple[str, str]:  # fmt: skip
    """A person says how a complaint stands; None takes back what people said. Its state before and now."""
    with writing(db):
        before = complaint_list.find(db, number)["state"]
        complaining.say(db, number, state, by, note, now)
        return before, complaint_list.find(db, number)["state"]

"""Verdicts in a word, and what a new revision of a page says of the one before it."""

from __future__ import annotations

from datetime import datetime

from monitor.model import Digest, Replaced
from reports.language import Language


def revision_note(digest: Digest, words: Language) -> str:
    """That it replaces an earlier digest of this day, and what it says otherwise."""
    if digest.replaces is None:
        number = words.number(digest.revision)
        return words.gettext("Revision %(number)s: it replaces the earlier digest of this day.", number=number)
    first = replaces(digest.revision, digest.replaces.revision, digest.replaces.made_at, digest.zone, words)
    if digest.replaces.mentions is None:  # made by a version that did not note what it said
        return first
    changes = _changes(digest, digest.replaces, words)
    if not changes:
        return words.sentences(first, words.gettext("Its figures are the same."))
    return words.sentences(first, words.gettext("What changed: %(changes)s.", changes=words.join(changes)))


def replaces(revision: int, before: int, made_at: datetime, zone: str, words: Language) -> str:
    return words.gettext(
        "Revision %(number)s: it replaces revision %(before)s, made at %(time)s, which stays in the archive.",
        number=words.number(revision), before=words.number(before), time=words.moment(made_at, zone),
    )  # fmt: skip


def _changes(digest: Digest, before: Replaced, words: Language) -> list[str]:
    today, n = digest.today, words.number
    values = (
        (words.gettext("Verdict"), verdict_word(before.verdict, words), verdict_word(digest.verdict, words)),
        (words.gettext("Mentions"), n(before.mentions or 0), n(today.mentions)),
        (words.gettext("Negative posts"), n(before.negative_posts or 0), n(today.negative_posts)),
        (words.gettext("Negative voices"), n(before.negative_voices or 0), n(today.negative_voices)),
        (words.gettext("Heard share"), words.heard(before.heard or 0.0), words.heard(today.heard)),
        (words.gettext("Labels corrected by people"), n(before.corrections or 0), n(digest.corrections)),
    )
    return [
        words.gettext("%(what)s %(before)s → %(now)s", what=what, before=old, now=new)
        for what, old, new in values
        if old != new
    ]


def verdict_word(verdict: str, words: Language) -> str:
    """The verdict in one word, for a place as narrow as a day of a calendar."""
    return {
        "incident": words.gettext("Incident"),
        "raised": words.gettext("Raised"),
        "calm": words.gettext("Calm"),
        "learning": words.gettext("Learning"),
        "unknown": words.gettext("Unknown"),
        "empty": words.gettext("No mentions"),
    }[verdict]

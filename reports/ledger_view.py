"""What to answer today, and how the day's complaints stand. An answer is not a recovery: both stand side by side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from monitor.model import HEARD_ENOUGH, ComplaintLine, Digest, Ledger
from reports.citing import cited
from reports.feeling_words import theme_word
from reports.incident_view import QuoteView, quote_view
from reports.language import Language

FIRST = 5
"""Complaints that stand open on the page; those after them are folded away."""

ANSWERS_SHOWN = 15
MADE_GOOD_SHOWN = 3
THEMES_SHOWN = 3
SLOW = 0.5


@dataclass(frozen=True, slots=True)
class ComplaintView:
    """``rank``: its place among those to be answered, 0 for others. ``facts``: (name, value) of how far it goes;
    ``change``: since yesterday; ``new``: younger than a day."""

    rank: int
    quote: QuoteView
    themes: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    change: str
    new: bool
    answer: QuoteView | None = None


@dataclass(frozen=True, slots=True)
class LedgerView:
    """``none``: said in place of a list. ``states``: (name, number, key of the tone). ``shares``: (name, number, share
    0..1 of the longer bar, tone) of the answered and the made good."""

    waiting: str
    first: tuple[ComplaintView, ...]
    more: tuple[ComplaintView, ...]
    left: str
    none: str
    states: tuple[tuple[str, str, str], ...]
    shares: tuple[tuple[str, str, float, str], ...]
    times: tuple[str, ...]
    made_good: tuple[ComplaintView, ...]


def ledger_view(digest: Digest, words: Language) -> LedgerView | None:
    ledger = digest.ledger
    if ledger is None:
        return None
    shown = [_complaint(c, digest, words, rank) for rank, c in enumerate(ledger.to_answer[:ANSWERS_SHOWN], 1)]
    return LedgerView(
        waiting=_waiting(ledger, words),
        first=tuple(shown[:FIRST]),
        more=tuple(shown[FIRST:]),
        left=_left(ledger.waiting - len(shown), words) if shown else "",
        none="" if shown else _none(digest, words),
        states=tuple(_states(ledger, words)) if _any(ledger) else (),
        shares=_shares(ledger, words),
        times=_times(ledger, words),
        made_good=tuple(_complaint(c, digest, words) for c in ledger.made_good[:MADE_GOOD_SHOWN]),
    )


def _left(n: int, words: Language) -> str:
    more = words.ngettext("and %(n)s more complaint", "and %(n)s more complaints", n)
    return cited(more, "ledger") if n > 0 else ""


def _any(ledger: Ledger) -> bool:
    return any((ledger.arrived, ledger.answered, ledger.recovered, ledger.lost, ledger.waiting, ledger.unrecovered))


def _waiting(ledger: Ledger, words: Language) -> str:
    """The line beside the verdict; nothing to say where nobody waits."""
    if not ledger.waiting:
        return ""
    waiting = words.ngettext(
        "%(n)s complaint waits for an answer", "%(n)s complaints wait for an answer", ledger.waiting
    )
    arrived = words.ngettext("%(n)s new on this day", "%(n)s new on this day", ledger.arrived)
    waiting, arrived = cited(waiting, "ledger"), cited(arrived, "ledger")
    if not ledger.arrived:
        return words.gettext("%(waiting)s.", waiting=waiting)
    return words.gettext("%(waiting)s (%(new)s).", waiting=waiting, new=arrived)


def _none(digest: Digest, words: Language) -> str:
    if digest.ledger is not None and digest.ledger.waiting:
        return words.gettext(
            "Of none of them was anything heard in the last four weeks that is still there to be quoted."
        )
    if digest.today.heard < HEARD_ENOUGH:
        return words.gettext("Nothing waits for an answer in what was heard; too little was heard to say more.")
    return words.gettext("No complaint waits for an answer.")


def _complaint(complaint: ComplaintLine, digest: Digest, words: Language, rank: int = 0) -> ComplaintView:
    return ComplaintView(
        rank=rank,
        quote=quote_view(complaint.quote, digest.zone, words, digest.day),
        themes=tuple(theme_word(theme, words) for theme in complaint.themes[:THEMES_SHOWN]),
        facts=tuple(_facts(complaint, digest, words)),
        change=_change(complaint, words),
        new=complaint.posts_before is None,
        answer=quote_view(complaint.answer, digest.zone, words, digest.day) if complaint.answer else None,
    )


def _facts(complaint: ComplaintLine, digest: Digest, words: Language) -> Iterator[tuple[str, str]]:
    reach = "–" if complaint.reach is None else words.number(complaint.reach)
    yield words.gettext("Reach"), cited(reach, "complaints")
    yield words.gettext("Pace"), cited(_pace(complaint.velocity, words), "complaints")
    if complaint.answered_at is None:
        yield (
            words.gettext("Waiting"),
            cited(age(min(digest.end, digest.made_at) - complaint.first_seen, words), "complaints"),
        )
    else:
        after = age(complaint.answered_at - complaint.first_seen, words)
        yield words.gettext("Answered after"), cited(after, "complaints")
        if complaint.recovered_at is not None:
            yield words.gettext("Made good after"), cited(age(complaint.recovered_at - complaint.first_seen, words),
                                                          "complaints")  # fmt: skip
    posts = words.ngettext("%(n)s post", "%(n)s posts", complaint.posts)
    voices = words.ngettext("%(n)s voice", "%(n)s voices", complaint.voices)
    yield words.gettext("Size"), cited(f"{posts} · {voices}", "complaints")


def _pace(velocity: float, words: Language) -> str:
    """By the day where it is less than one in two hours: a slow one is not a still one."""
    if velocity >= SLOW or not velocity:
        return words.gettext("%(n)s an hour", n=words.number(velocity, 1))
    return words.gettext("%(n)s a day", n=words.number(24 * velocity, 1))


def _change(complaint: ComplaintLine, words: Language) -> str:
    if complaint.posts_before is None:
        return words.gettext("New since yesterday")
    posts, reach = complaint.posts - complaint.posts_before, 0
    if complaint.reach is not None and complaint.reach_before is not None:
        reach = complaint.reach - complaint.reach_before
    if not posts and not reach:
        return words.gettext("Since yesterday: nothing new")
    said = []
    if posts:
        said.append(words.ngettext("%(signed)s post", "%(signed)s posts", abs(posts), signed=words.signed(posts)))
    if reach:
        said.append(words.gettext("%(signed)s reach", signed=words.signed(reach)))
    return words.gettext("Since yesterday: %(change)s", change=cited(words.join(said), "complaints"))


def _states(ledger: Ledger, words: Language) -> Iterator[tuple[str, str, str]]:
    """The ledger's arithmetic, in the order in which a complaint lives."""
    for name, number, tone in (
        (words.gettext("Arrived"), ledger.arrived, "flat"),
        (words.gettext("Waiting now"), ledger.waiting, "worse" if ledger.waiting else "flat"),
        (words.gettext("Answered, not made good"), ledger.unrecovered, "flat"),
        (words.gettext("Lost"), ledger.lost, "worse" if ledger.lost else "flat"),
    ):
        yield name, cited(words.number(number), "ledger"), tone


def _shares(ledger: Ledger, words: Language) -> tuple[tuple[str, str, float, str], ...]:
    most = max(ledger.answered, ledger.recovered)
    if not most:
        return ()
    return tuple(
        (name, cited(words.number(number), "ledger"), number / most, tone)
        for name, number, tone in (
            (words.gettext("Answered"), ledger.answered, "answered"),
            (words.gettext("Made good"), ledger.recovered, "recovered"),
        )
    )


def _times(ledger: Ledger, words: Language) -> tuple[str, ...]:
    found = []
    if ledger.time_to_answer is not None:
        answer = cited(age(ledger.time_to_answer, words), "answer-times")
        found.append(words.gettext("Half of the complaints were answered within %(time)s.", time=answer))
    if ledger.time_to_recovery is not None:
        good = cited(age(ledger.time_to_recovery, words), "answer-times")
        found.append(words.gettext("Half of those made good were so within %(time)s.", time=good))
    return tuple(found)


def age(time: timedelta, words: Language) -> str:
    """A stretch of time, in days from two days on."""
    days = time // timedelta(days=1)
    return words.ngettext("%(n)s day", "%(n)s days", days) if days >= 2 else words.length(time)

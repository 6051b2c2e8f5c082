"""When the next mail of an incident comes, in one or two plain sentences: nobody should have to stay up for it."""

from __future__ import annotations

from monitor.model import AlertFacts, Kind, NextMail
from reports.arithmetic import local_day
from reports.incident_view import NAME_LENGTH
from reports.language import Language
from reports.safe import line


def next_mail(facts: AlertFacts, words: Language) -> tuple[str, ...]:
    """The sentences; none where nothing is known of it."""
    coming = facts.next_mail
    if coming.reopens_within is not None:
        return (
            words.gettext(
                "No further mail comes, unless it begins again within %(time)s: then it joins this thread.",
                time=words.length(coming.reopens_within),
            ),
        )
    if facts.silenced_until is not None:
        until = words.moment(facts.silenced_until, facts.zone, local_day(facts))
        return (words.gettext("No mail comes until %(end)s, unless a new story becomes critical.", end=until),)
    return tuple(filter(None, (_when(facts, coming, words), _escalation(facts, coming, words))))


def _when(facts: AlertFacts, coming: NextMail, words: Language) -> str:
    conditions = [
        words.gettext("it becomes critical") if coming.critical else "",
        _size(facts.kind, coming.voices, words) if coming.voices is not None else "",
        words.gettext("another platform brings %(share)s of the excess", share=words.percent(coming.platform_share))
        if coming.platform_share is not None else "",
    ]  # fmt: skip
    said = words.join([c for c in conditions if c])
    if said and coming.over:
        return words.gettext("The next mail comes when %(conditions)s, or when it is over.", conditions=said)
    return words.gettext("The next mail comes when it is over.") if coming.over else ""


def _size(kind: Kind, n: int, words: Language) -> str:
    if kind is Kind.BURST:
        return words.ngettext("%(n)s copy is counted", "%(n)s copies are counted", n)
    if kind is Kind.TAKEOFF:
        return words.ngettext("%(n)s reaction is counted", "%(n)s reactions are counted", n)
    return words.ngettext("%(n)s negative voice is counted", "%(n)s negative voices are counted", n)


def _escalation(facts: AlertFacts, coming: NextMail, words: Language) -> str:
    if coming.escalates_at is None or not coming.escalates_to:
        return ""
    at = words.moment(coming.escalates_at, facts.zone, local_day(facts))
    to = words.join([line(address, NAME_LENGTH) for address in coming.escalates_to])
    return words.gettext("If nobody takes it by %(time)s, it also goes to %(people)s.", time=at, people=to)

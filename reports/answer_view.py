"""What somebody reads who answered an alert: whether it worked, and what comes next."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from monitor.model import AnswerFacts
from reports.alert_view import OpsView
from reports.incident_view import NAME_LENGTH, owner_words, state_word
from reports.language import Language
from reports.safe import line


def answer_view(facts: AnswerFacts, words: Language) -> OpsView:
    """It stays in the alert's thread, so the subject is the thread's."""
    lead, effect = _done(facts, words) if facts.outcome == "done" else _not_done(facts, words)
    incident = facts.incident
    standing = incident and " · ".join(
        part for part in (state_word(incident.state, words), owner_words(incident, words)) if part
    )
    said = (
        (words.gettext("Incident"), f"{facts.number} · {line(incident.brand, NAME_LENGTH)}" if incident else ""),
        (words.gettext("It now is"), standing or ""),
        (words.gettext("Reason"), line(facts.reason, 300)),
        (words.gettext("When"), f"{words.moment(facts.at, facts.zone)} ({words.zone(facts.zone, facts.at)})"),
    )
    return OpsView(
        subject=line(facts.subject, 300) or words.gettext("Incident %(id)s", id=facts.number),
        lead=lead, effect=effect, facts=tuple((name, value) for name, value in said if value),
    )  # fmt: skip


def _done(facts: AnswerFacts, words: Language) -> tuple[str, str]:
    if facts.verb == "silence":
        until = facts.until or facts.at
        end = words.moment(until, facts.zone, facts.at.astimezone(ZoneInfo(facts.zone)).date())
        return (
            words.gettext("Done: silenced until %(end)s", end=end),
            words.gettext(
                "Until then it mails nothing but a new story that is critical. Then it is what it was before."
            ),
        )
    if facts.verb == "not us":
        return (
            words.ngettext("Done: %(n)s post is not about us", "Done: %(n)s posts are not about us", facts.posts),
            words.gettext(
                "These posts and their copies count no longer. If nothing is left, you are told that it is over."
            ),
        )
    if facts.verb == "resolve":
        return (
            words.gettext("Done: you have ended it"),
            words.gettext("If it flares up again, the next mail comes in this thread."),
        )
    return (
        words.gettext("Done: you have taken it"),
        words.gettext("Nobody else is called. The next mail comes when it grows, spreads or is over."),
    )


def _not_done(facts: AnswerFacts, words: Language) -> tuple[str, str]:
    if facts.outcome == "already":
        return (
            words.gettext("That had been done already"),
            words.gettext("It was so before, and nothing was changed."),
        )
    if facts.outcome == "refused":
        return words.gettext("That could not be done"), words.gettext("Nothing was changed.")
    known = words.gettext("ack, silence 4h, not us, resolve")
    return (
        words.gettext("That was not understood, and nothing was done"),
        words.gettext("The first line of an answer must be one of these, and nothing else: %(words)s", words=known),
    )

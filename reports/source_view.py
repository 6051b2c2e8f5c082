"""A mail about a source that does not hear, in words."""

from __future__ import annotations

from monitor.model import BlindFacts
from reports.alert_view import OpsView
from reports.coverage import cause_words
from reports.incident_view import NAME_LENGTH
from reports.language import Language
from reports.safe import line


def blind_view(facts: BlindFacts, words: Language) -> OpsView:
    """One subject for the bad news and the good, so that they are one thread."""
    source = line(facts.source, NAME_LENGTH)
    since = words.moment(facts.since, facts.zone)
    if facts.heard_again is None:
        lead = words.gettext("%(source)s has not been heard since %(time)s", source=source, time=since)
        effect = words.gettext(
            "Digests and alerts say that it is missing, and nothing of it is taken for calm. It is asked on; you will "
            "be told when it is heard again."
        )
    else:
        lead = words.gettext("%(source)s is heard again", source=source)
        effect = words.gettext(
            "It was not heard since %(time)s. What it still shows of that time is counted, and wakes nobody.",
            time=since,
        )
    said = (
        (words.gettext("Cause"), cause_words(facts.cause, words) or line(facts.cause, NAME_LENGTH)),
        (words.gettext("It said"), line(facts.reason, 300)),
        (words.gettext("When"), f"{words.moment(facts.at, facts.zone)} ({words.zone(facts.zone, facts.at)})"),
    )
    return OpsView(
        subject=words.gettext("Qianli does not hear %(source)s", source=source),
        lead=lead,
        effect=effect,
        facts=tuple((name, value) for name, value in said if value),
    )

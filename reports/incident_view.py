"""Incidents and quoted posts in words, as both the digest and the alert mail show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType

from monitor.model import IncidentLine, Kind, Quote, StoryLine
from reports.language import Language
from reports.safe import http_url, line, opening, quotation

NAME_LENGTH = 60
_INNER = str.maketrans("「」“”", "『』‘’")
"""Quotation marks inside a quotation."""


@dataclass(frozen=True, slots=True)
class QuoteView:
    text: str
    platform: str
    time: str
    url: str
    shown_url: str
    reach: str


@dataclass(frozen=True, slots=True)
class IncidentView:
    name: str
    state: str
    severity: str
    severity_key: str
    owner: str
    size: str
    since: str
    history: str
    headline: str
    page: str


NO_PAGES: Mapping[int, str] = MappingProxyType({})
"""Incident -> where its own page lies, seen from what is written; nothing where none is."""


def incident_view(
    incident: IncidentLine, zone: str, words: Language, day: date | None = None, pages: Mapping[int, str] = NO_PAGES,
    *, counted_to: datetime | None = None,
) -> IncidentView:  # fmt: skip
    """``counted_to``: where the size of one that goes on ends, for its size may be more than that of its day."""
    since = words.moment(incident.onset, zone, day)
    if incident.resolved_at is None and counted_to is not None:
        counted = words.until(incident.onset, counted_to, zone)
        since = words.gettext("since %(start)s, counted to %(end)s", start=since, end=counted)
    elif incident.resolved_at is None:
        since = words.gettext("since %(start)s", start=since)
    else:
        resolved = words.until(incident.onset, incident.resolved_at, zone)
        since = words.gettext("%(start)s to %(end)s", start=since, end=resolved)
    return IncidentView(
        name=words.gettext("Incident %(number)s", number=str(incident.incident_id)),
        state=state_word(incident.state, words),
        severity=severity_word(incident.severity, words),
        severity_key=str(incident.severity),
        owner=owner_words(incident, words),
        size=_size(incident, words),
        since=since,
        history=words.gettext("Found in imported or late posts; no mail was sent.")
        if incident.origin == "history"
        else "",
        headline=line(incident.headline, 120),
        page=pages.get(incident.incident_id, ""),
    )


def about(incidents: Sequence[IncidentLine], stories: Sequence[StoryLine], count: str, words: Language) -> str:
    """``count`` behind what a stretch with incidents is about, in the words of its loudest: of its one incident where
    that is of a story, else of its loudest story."""
    first = incidents[0]
    own = first.headline if len(incidents) == 1 and first.kind is not Kind.SPIKE else ""
    said = opening(own or (stories[0].quote.text if stories else first.headline))
    return (
        words.gettext("loudest is “%(words)s”; %(count)s", words=said.translate(_INNER), count=count) if said else count
    )


def _size(incident: IncidentLine, words: Language) -> str:
    """In the unit of what opened it, against what is usual where that is known in this unit."""
    n, usual = incident.observed, words.number(incident.expected, 1)
    if incident.kind is Kind.BURST:
        copies = words.ngettext("%(n)s copy", "%(n)s copies", n)
        return words.gettext("; ").join((copies, words.gettext("on a usual day at most %(usual)s", usual=usual)))
    if incident.kind is Kind.TAKEOFF:
        return words.ngettext("%(n)s reaction", "%(n)s reactions", n)
    if not incident.expected:
        return words.ngettext("%(n)s negative voice", "%(n)s negative voices", n)
    return words.ngettext(
        "%(n)s negative voice, %(expected)s expected", "%(n)s negative voices, %(expected)s expected", n, expected=usual
    )


def state_word(state: str, words: Language) -> str:
    known = {
        "open": words.gettext("open"),
        "escalated": words.gettext("escalated"),
        "acknowledged": words.gettext("acknowledged"),
        "silenced": words.gettext("silenced"),
        "resolved": words.gettext("resolved"),
    }
    return known.get(state, line(state, NAME_LENGTH))


def severity_word(severity: str, words: Language) -> str:
    return {
        "notice": words.gettext("notice"),
        "warning": words.gettext("warning"),
        "critical": words.gettext("critical"),
    }[str(severity)]


def owner_words(incident: IncidentLine, words: Language) -> str:
    if incident.owner:
        return words.gettext("owner: %(name)s", name=line(incident.owner, NAME_LENGTH))
    return words.gettext("nobody has taken it yet") if incident.state in ("open", "escalated") else ""


def quote_view(quote: Quote, zone: str, words: Language, day: date | None = None) -> QuoteView:
    url = http_url(quote.url)
    return QuoteView(
        text=quotation(quote.text),
        platform=line(quote.platform, NAME_LENGTH),
        time=words.moment(quote.published_at, zone, day),
        url=url,
        shown_url="" if url else line(quote.url, 80),
        reach=_reach(quote, words),
    )


def _reach(quote: Quote, words: Language) -> str:
    """What the platform counted, where it counted any."""
    counts = (
        words.ngettext("%(n)s like", "%(n)s likes", quote.likes) if quote.likes else "",
        words.ngettext("%(n)s repost", "%(n)s reposts", quote.reposts) if quote.reposts else "",
        words.ngettext("%(n)s comment", "%(n)s comments", quote.comments) if quote.comments else "",
        words.ngettext("%(n)s follower", "%(n)s followers", quote.followers) if quote.followers else "",
    )
    return " · ".join(filter(None, counts))

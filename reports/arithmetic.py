"""The arithmetic of an alert in one line: what was heard, what is usual, from how many, where, since when."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from monitor.model import AlertFacts, Kind, from_utc_text
from reports.incident_view import NAME_LENGTH
from reports.language import Language
from reports.safe import line

OVER = ("resolved", "not_us")
"""The events that end an incident."""

LATER = ("escalated", "acknowledged", "unsilenced")
"""What is told some time after it was measured, when there may be much more of it."""
PLATFORMS_SHOWN = 5
SPANS = ("hour", "six_hours", "since_onset")


def arithmetic(facts: AlertFacts, words: Language) -> str:
    """Of the finding that the mail tells; of an incident that is over, of all of it; of what is told later, up to
    now."""
    if facts.event in OVER:
        return _joined(_whole(facts, words), words)
    if _told_later(facts):
        return _joined(_so_far(facts, words), words)
    return of_finding(facts.evidence, facts, words)


def _told_later(facts: AlertFacts) -> bool:
    return facts.event in LATER and facts.kind is Kind.SPIKE and facts.incident.expected > 0


def _so_far(facts: AlertFacts, words: Language) -> list[str]:
    incident = facts.incident
    return [
        _observed("since_onset", {}, incident.onset, facts, words), _expected({}, incident.expected, words),
        _times(incident.observed / incident.expected, words), *_people(facts, words),
    ]  # fmt: skip


def worst(facts: AlertFacts, words: Language) -> str:
    """The arithmetic of the incident's worst finding, where the mail's own line tells all of it."""
    if not facts.worst or not (facts.event in OVER or _told_later(facts)):
        return ""
    return words.gettext("At its worst: %(finding)s", finding=of_finding(facts.worst, facts, words, people=False))


def of_finding(evidence: Mapping[str, Any], facts: AlertFacts, words: Language, *, people: bool = True) -> str:
    kind = evidence.get("kind", Kind.SPIKE)
    parts = {Kind.BURST: _burst, Kind.TAKEOFF: _takeoff}.get(kind, _spike)(evidence, facts, words)
    if people and kind == Kind.SPIKE:
        parts[-1:-1] = _people(facts, words)
    return _joined(parts, words)


def _joined(parts: list[str], words: Language) -> str:
    return words.gettext("; ").join(filter(None, parts))


def _whole(facts: AlertFacts, words: Language) -> list[str]:
    incident, end = facts.incident, facts.incident.resolved_at or facts.at
    measured = facts.kind is Kind.SPIKE and incident.expected > 0  # what was expected belongs to this count alone
    parts = [
        words.ngettext(
            "%(n)s negative voice from %(start)s to %(end)s", "%(n)s negative voices from %(start)s to %(end)s",
            incident.observed if measured else facts.voices,
            start=_moment(incident.onset, facts, words), end=words.until(incident.onset, end, facts.zone),
        )
    ]  # fmt: skip
    if measured:
        parts += [words.gettext("expected %(expected)s", expected=words.number(incident.expected, 1)),
                  _times(incident.observed / incident.expected, words)]  # fmt: skip
    if facts.copies:
        parts.append(words.ngettext("%(n)s copy", "%(n)s copies", facts.copies))
    return [*parts, *_people(facts, words)]


def _people(facts: AlertFacts, words: Language) -> list[str]:
    n = len(facts.excess_by_platform)
    return [
        words.ngettext("%(n)s author", "%(n)s authors", facts.authors) if facts.authors is not None else "",
        words.ngettext("%(n)s platform", "%(n)s platforms", n) if n else "",
    ]


def loudest(evidence: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Of the stretches that were measured the one that chance explains least: a slow burn shows in no single hour."""
    spans = [(name, evidence[name]) for name in SPANS if evidence.get(name)]
    return min(spans, key=lambda item: item[1]["p"], default=("", {}))


def _spike(evidence: Mapping[str, Any], facts: AlertFacts, words: Language) -> list[str]:
    name, span = loudest(evidence)
    onset = from_utc_text(evidence["onset"]) if evidence.get("onset") else facts.incident.onset
    return [
        line(str(evidence.get("platform", "")), NAME_LENGTH),  # only where it was seen on one platform alone
        _observed(name, span, onset, facts, words),
        _expected(span, facts.incident.expected, words),
        _times(span["ratio"], words) if span.get("ratio") is not None else "",
        "" if name == "since_onset" else _since(facts.incident.onset, facts, words),
    ]


def _observed(name: str, span: Mapping[str, Any], onset: datetime, facts: AlertFacts, words: Language) -> str:
    n = span.get("observed", facts.incident.observed)
    if name == "hour":
        return words.ngettext("%(n)s negative voice in 1 h", "%(n)s negative voices in 1 h", n)
    if name == "six_hours":
        return words.ngettext("%(n)s negative voice in 6 h", "%(n)s negative voices in 6 h", n)
    if name == "since_onset":  # a later spike of the incident has an onset of its own
        return words.ngettext(
            "%(n)s negative voice since %(start)s", "%(n)s negative voices since %(start)s", n,
            start=_moment(onset, facts, words),
        )  # fmt: skip
    return words.ngettext("%(n)s negative voice", "%(n)s negative voices", n)


def _expected(span: Mapping[str, Any], otherwise: float, words: Language) -> str:
    expected = words.number(span.get("expected", otherwise), 1)
    if "low" not in span:
        return words.gettext("expected %(expected)s", expected=expected)
    return words.gettext(
        "expected %(expected)s (%(level)s: %(low)s–%(high)s)", expected=expected, level=words.percent(0.95),
        low=words.number(span["low"]), high=words.number(span["high"]),
    )  # fmt: skip


def _burst(evidence: Mapping[str, Any], facts: AlertFacts, words: Language) -> list[str]:
    usual, whole = evidence.get("usual_max"), evidence.get("total_copies")
    first = evidence.get("first_seen")
    return [
        words.ngettext(
            "%(n)s copy of one story in %(hours)s h", "%(n)s copies of one story in %(hours)s h",
            _most(evidence, facts), hours=words.number(evidence.get("hours", 3)),
        ),
        words.gettext("on a usual day at most %(usual)s", usual=words.number(usual, 1)) if usual is not None else "",
        _outcry(evidence, words),
        words.ngettext("%(n)s copy in all", "%(n)s copies in all", max(whole, _most(evidence, facts)))
        if whole is not None else "",
        words.ngettext("%(n)s voice", "%(n)s voices", evidence["voices"]) if evidence.get("voices") else "",
        words.join([line(str(name), NAME_LENGTH) for name in evidence.get("platforms", ())[:PLATFORMS_SHOWN]]),
        _learning(evidence, words),
        _since(from_utc_text(first) if first else facts.incident.onset, facts, words),
    ]  # fmt: skip


def _outcry(evidence: Mapping[str, Any], words: Language) -> str:
    said = evidence.get("remarks")
    if not said:
        return ""
    return words.ngettext(
        "%(negative)s of %(n)s author who passed it on with words of their own complained",
        "%(negative)s of %(n)s authors who passed it on with words of their own complained",
        said, negative=words.number(evidence["negative_remarks"]),
    )  # fmt: skip


def _most(evidence: Mapping[str, Any], facts: AlertFacts) -> int:
    """The copies of the finding; of what is told later, or over, those of the largest wave up to now."""
    lately = facts.event in (*OVER, *LATER) and facts.kind is Kind.BURST
    return max(evidence["copies"], facts.incident.observed) if lately else int(evidence["copies"])


def _takeoff(evidence: Mapping[str, Any], facts: AlertFacts, words: Language) -> list[str]:
    usual, followers = evidence.get("usual_per_hour"), evidence.get("followers")
    return [
        words.gettext(
            "One post: %(count)s in %(age)s", age=words.length(timedelta(minutes=evidence["age_minutes"])),
            count=_measured(evidence.get("measure", ""), evidence["count"], words),
        ),
        words.gettext("%(rate)s more an hour", rate=words.number(evidence["per_hour"])),
        words.gettext("99 of 100 posts stay under %(usual)s an hour", usual=words.number(usual, 1))
        if usual is not None else "",
        _times(evidence["ratio"], words) if evidence.get("ratio") is not None else "",
        _learning(evidence, words),
        line(str(evidence.get("platform", "")), NAME_LENGTH),
        _followers(followers, evidence.get("usual_followers"), words) if followers is not None else "",
    ]  # fmt: skip


def _learning(evidence: Mapping[str, Any], words: Language) -> str:
    return words.gettext("what is usual is still being learned") if evidence.get("learning") else ""


def _measured(measure: str, n: int, words: Language) -> str:
    if measure == "likes":
        return words.ngettext("%(n)s like", "%(n)s likes", n)
    if measure == "reposts":
        return words.ngettext("%(n)s repost", "%(n)s reposts", n)
    if measure == "comments":
        return words.ngettext("%(n)s comment", "%(n)s comments", n)
    return words.ngettext("%(n)s reaction", "%(n)s reactions", n)


def _followers(n: int, usual: float | None, words: Language) -> str:
    said = words.ngettext("%(n)s follower", "%(n)s followers", n)
    return said if usual is None else words.gettext("%(now)s (usually %(usual)s)", now=said, usual=words.number(usual))


def _times(ratio: float, words: Language) -> str:
    return f"×{words.number(ratio, 1)}"


def _since(start: datetime, facts: AlertFacts, words: Language) -> str:
    return words.gettext("since %(start)s", start=_moment(start, facts, words))


def _moment(at: datetime, facts: AlertFacts, words: Language) -> str:
    return words.moment(at, facts.zone, local_day(facts))


def local_day(facts: AlertFacts) -> date:
    """The day on which the mail is written: of its times, only those of another day need their date."""
    return facts.at.astimezone(ZoneInfo(facts.zone)).date()

"""An alert in words: what a woken person reads on a phone, in the order in which it is needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from monitor.model import AlertFacts, OpsFacts, from_utc_text
from reports.coverage import CoverageText, Window, coverage_text
from reports.incident_view import (
    NAME_LENGTH,
    IncidentView,
    QuoteView,
    incident_view,
    owner_words,
    quote_view,
    severity_word,
    state_word,
)
from reports.language import Language
from reports.safe import line

QUOTES_SHOWN = 3
PLATFORMS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class AlertView:
    """``lead`` is the state in a few words, ``standing`` severity and owner, ``arithmetic`` one line to judge it by."""

    subject: str
    brand: str
    lead: str
    tone: str
    standing: str
    arithmetic: str
    incident: IncidentView
    quotes: tuple[QuoteView, ...]
    facts: tuple[tuple[str, str], ...]
    platforms: tuple[tuple[str, str, float], ...]
    coverage: CoverageText
    commands: tuple[str, ...]
    zone: str
    made_at: str


def alert_view(facts: AlertFacts, words: Language) -> AlertView:
    incident = facts.incident
    brand = line(incident.brand, NAME_LENGTH)
    today = _local_day(facts)
    window = Window(incident.onset, facts.at, facts.zone, today)
    parts = (severity_word(incident.severity, words), state_word(incident.state, words), owner_words(incident, words))
    return AlertView(
        subject=words.ngettext(
            "%(brand)s: negative spike, %(n)s voice, incident %(id)s",
            "%(brand)s: negative spike, %(n)s voices, incident %(id)s",
            facts.subject_size,
            brand=brand,
            id=incident.incident_id,
        ),
        brand=brand,
        lead=_lead(facts, words),
        tone="resolved" if facts.event in ("resolved", "not_us") else str(incident.severity),
        standing=" · ".join(dict.fromkeys(filter(None, parts))),
        arithmetic=_arithmetic(facts, words),
        incident=incident_view(incident, facts.zone, words, today),
        quotes=tuple(quote_view(q, facts.zone, words, today) for q in facts.quotes[:QUOTES_SHOWN]),
        facts=_facts(facts, words),
        platforms=_platforms(facts, words),
        coverage=coverage_text(facts.coverage, window, words),
        commands=tuple(line(c) for c in facts.commands),
        zone=words.zone(facts.zone, facts.at),
        made_at=words.moment(facts.at, facts.zone),
    )


def _lead(facts: AlertFacts, words: Language) -> str:
    return {
        "opened": words.gettext("New incident"),
        "raised": words.gettext("Getting worse"),
        "continues": words.gettext("Still going on"),
        "grown": words.gettext("Still growing"),
        "spread": words.gettext("Spreading to another platform"),
        "escalated": words.gettext("Nobody has taken it yet"),
        "acknowledged": words.gettext("Taken"),
        "unsilenced": words.gettext("The silence is over, and it still goes on"),
        "reopened": words.gettext("It is back"),
        "resolved": words.gettext("Resolved"),
        "not_us": words.gettext("Resolved: it was not about us"),
    }[facts.event]


def _arithmetic(facts: AlertFacts, words: Language) -> str:
    """The spike's arithmetic in one line: what was heard, what was expected, from how many, where, since when."""
    name, span = _loudest(facts.evidence)
    onset = words.moment(facts.incident.onset, facts.zone, _local_day(facts))
    parts = [_observed(name, span, facts, words), _expected(span, facts.incident.expected, words)]
    if span.get("ratio") is not None:
        parts.append(f"×{words.number(span['ratio'], 1)}")
    if facts.authors is not None:
        parts.append(words.ngettext("%(n)s author", "%(n)s authors", facts.authors))
    if facts.excess_by_platform:
        parts.append(words.ngettext("%(n)s platform", "%(n)s platforms", len(facts.excess_by_platform)))
    if name != "since_onset":
        parts.append(words.gettext("since %(start)s", start=onset))
    return words.gettext("; ").join(parts)


def _loudest(evidence: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Of the stretches that were measured the one that chance explains least: a slow burn shows in no single hour."""
    spans = [(name, evidence[name]) for name in ("hour", "six_hours", "since_onset") if evidence.get(name)]
    return min(spans, key=lambda item: item[1]["p"], default=("", {}))


def _observed(name: str, span: Mapping[str, Any], facts: AlertFacts, words: Language) -> str:
    n = span.get("observed", facts.incident.observed)
    if name == "hour":
        return words.ngettext("%(n)s negative voice in 1 h", "%(n)s negative voices in 1 h", n)
    if name == "six_hours":
        return words.ngettext("%(n)s negative voice in 6 h", "%(n)s negative voices in 6 h", n)
    if name == "since_onset":  # a later spike of the incident has an onset of its own
        onset = words.moment(from_utc_text(facts.evidence["onset"]), facts.zone, _local_day(facts))
        return words.ngettext(
            "%(n)s negative voice since %(start)s", "%(n)s negative voices since %(start)s", n, start=onset
        )
    return words.ngettext("%(n)s negative voice", "%(n)s negative voices", n)


def _expected(span: Mapping[str, Any], otherwise: float, words: Language) -> str:
    expected = words.number(span.get("expected", otherwise), 1)
    if "low" not in span:
        return words.gettext("expected %(expected)s", expected=expected)
    return words.gettext(
        "expected %(expected)s (%(level)s: %(low)s–%(high)s)",
        expected=expected,
        level=words.percent(0.95),
        low=words.number(span["low"]),
        high=words.number(span["high"]),
    )


def _local_day(facts: AlertFacts) -> date:
    return facts.at.astimezone(ZoneInfo(facts.zone)).date()


def _facts(facts: AlertFacts, words: Language) -> tuple[tuple[str, str], ...]:
    evidence = facts.evidence
    rows = [
        (words.gettext("Negative voices since the start"), words.number(facts.voices)),
        (words.gettext("Authors"), words.number(facts.authors) if facts.authors is not None else "–"),
        (words.gettext("Stories"), words.number(facts.stories)),
        (words.gettext("Copies and reposts"), words.number(facts.copies)),
    ]
    share = evidence.get("share")
    if share and share["negative"] is not None:
        values = {"share": words.percent(share["negative"]), "usual": words.percent(share["usual"])}
        rows.append((words.gettext("Negative share"), words.gettext("%(share)s (usually %(usual)s)", **values)))
    _, span = _loudest(evidence)
    if span:
        rows.append((words.gettext("Chance of this by accident"), _chance(span["p"], words)))
    if evidence.get("days_of_data") is not None:
        rows.append((words.gettext("Heard days behind the baseline"), words.number(evidence["days_of_data"], 1)))
    return tuple(rows)


def _chance(p: float, words: Language) -> str:
    """A p-value as a person hears it; what is rarer than one in a billion is not told apart."""
    if p < 1e-9:
        return words.gettext("less than 1 in %(number)s", number=words.rough(1e9))
    if p > 0.05:
        return words.percent(p)
    return words.gettext("about 1 in %(number)s", number=words.rough(1 / p))


def _platforms(facts: AlertFacts, words: Language) -> tuple[tuple[str, str, float], ...]:
    """The platforms' shares of the excess, largest first: name, percent as text, and 0..1 for the bar."""
    ordered = sorted(facts.excess_by_platform, key=lambda item: -item[1])[:PLATFORMS_SHOWN]
    return tuple((line(name, NAME_LENGTH), words.percent(share), min(1.0, max(0.0, share))) for name, share in ordered)


@dataclass(frozen=True, slots=True)
class OpsView:
    subject: str
    lead: str
    effect: str
    facts: tuple[tuple[str, str], ...]


def ops_view(facts: OpsFacts, words: Language) -> OpsView:
    stage, item = line(facts.stage, NAME_LENGTH), line(facts.item, NAME_LENGTH)
    return OpsView(
        subject=words.gettext("Qianli needs care: %(stage)s failed at %(item)s", stage=stage, item=item),
        lead=words.gettext("%(stage)s failed at %(item)s", stage=stage, item=item),
        effect=words.gettext(
            "The rest goes on, and mails that are owed are sent. Until this is mended, what it would have heard or "
            "counted is missing from alerts and digests."
        ),
        facts=(
            (words.gettext("Error"), line(facts.error, 500)),
            (words.gettext("When"), f"{words.moment(facts.at, facts.zone)} ({words.zone(facts.zone, facts.at)})"),
            (words.gettext("Version"), line(facts.version, NAME_LENGTH)),
            (words.gettext("Find it in the log by"), line(facts.trace_id, NAME_LENGTH)),
        ),
    )

"""An alert in words: what a woken person reads on a phone, in the order in which it is needed."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote as percent

from monitor.model import AlertFacts, EventLine, Kind, OpsFacts
from reports.arithmetic import OVER, PLATFORMS_SHOWN, arithmetic, local_day, loudest, worst
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
from reports.next_mail import next_mail
from reports.safe import http_url, line, subject
from reports.spread_view import spread, spread_heading

QUOTES_SHOWN = 3
EVENTS_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Button:
    """A link that opens an answer to the alert, written already: ``word`` is its text."""

    label: str
    word: str
    href: str


@dataclass(frozen=True, slots=True)
class AlertView:
    """``lead`` is the state in a few words, ``standing`` severity and owner, ``arithmetic`` one line to judge it by.

    ``quotes`` carry the post's number and, where answers are read, the link that says it is not about the brand.
    ``first`` is the command line that makes the others (label and line) work in a fresh shell.
    """

    subject: str
    brand: str
    lead: str
    tone: str
    standing: str
    arithmetic: str
    worst: str
    incident: IncidentView
    quotes: tuple[tuple[str, QuoteView, str], ...]
    facts: tuple[tuple[str, str], ...]
    platforms: tuple[tuple[str, str, float], ...]
    coverage: CoverageText
    buttons: tuple[Button, ...]
    words: str
    spread: tuple[tuple[str, str], ...]
    spread_heading: str
    next_mail: tuple[str, ...]
    first: str
    commands: tuple[tuple[str, str], ...]
    events: tuple[tuple[str, str], ...]
    page: str
    zone: str
    made_at: str


def alert_view(facts: AlertFacts, words: Language) -> AlertView:
    incident = facts.incident
    today = local_day(facts)
    window = Window(incident.onset, facts.at, facts.zone, today)
    title = _subject(facts, words)
    buttons = _buttons(facts, title, words)
    quotes = ((q, quote_view(q, facts.zone, words, today)) for q in facts.quotes[:QUOTES_SHOWN])
    return AlertView(
        subject=title,
        brand=line(incident.brand, NAME_LENGTH),
        lead=_lead(facts, words),
        tone="resolved" if facts.event in OVER else str(incident.severity),
        standing=_standing(facts, words),
        arithmetic=arithmetic(facts, words),
        worst=worst(facts, words),
        incident=incident_view(incident, facts.zone, words, today),
        quotes=tuple((str(q.post_id), view, _not_us(facts, title, q.post_id, words)) for q, view in quotes),
        facts=_facts(facts, words),
        platforms=_platforms(facts, words),
        coverage=coverage_text(facts.coverage, window, words),
        buttons=buttons,
        words=words.join([b.word for b in buttons]),
        spread=spread(facts, words),
        spread_heading=spread_heading(facts, words),
        next_mail=next_mail(facts, words),
        first="".join(line(c.line) for c in facts.commands if c.does == "prepare"),
        commands=tuple((_does(c.does, words), line(c.line)) for c in facts.commands if c.does != "prepare"),
        events=_events(facts, words),
        page=http_url(facts.page),
        zone=words.zone(facts.zone, facts.at),
        made_at=words.moment(facts.at, facts.zone),
    )


def _subject(facts: AlertFacts, words: Language) -> str:
    """Brand, what, size and id; by what opened the incident and when, so that the whole thread has one. The size bears
    its moment: nobody should read it as the present one, which the body's first lines tell."""
    incident, n = facts.incident, facts.subject_size
    at = words.moment(incident.opened_at, facts.zone)
    known = {"brand": line(incident.brand, NAME_LENGTH), "id": incident.incident_id, "time": at}
    if facts.kind is Kind.BURST:
        said = words.ngettext(
            "%(brand)s: one story spreads, %(n)s copy at %(time)s, incident %(id)s",
            "%(brand)s: one story spreads, %(n)s copies at %(time)s, incident %(id)s", n, **known,
        )  # fmt: skip
    elif facts.kind is Kind.TAKEOFF:
        said = words.ngettext(
            "%(brand)s: one post takes off, %(n)s reaction at %(time)s, incident %(id)s",
            "%(brand)s: one post takes off, %(n)s reactions at %(time)s, incident %(id)s", n, **known,
        )  # fmt: skip
    else:
        said = words.ngettext(
            "%(brand)s: negative spike, %(n)s voice at %(time)s, incident %(id)s",
            "%(brand)s: negative spike, %(n)s voices at %(time)s, incident %(id)s", n, **known,
        )  # fmt: skip
    return subject(said)


RANKS = ("resolved", "not_us", "escalated", "reopened", "opened", "raised", "grown", "spread", "unsilenced")
"""What one mail tells beside its own event, in the order in which a person needs it."""

SAID_BY = {
    "opened": {"raised", "grown", "spread"},
    "reopened": {"raised", "grown", "spread"},
    "acknowledged": {"escalated"},
    "resolved": {"escalated", "raised", "grown", "spread", "unsilenced"},
    "not_us": {"escalated", "raised", "grown", "spread", "unsilenced"},
}
"""What is no news beside another event, or no longer so: the mail tells how severe and how large it is now."""


def _lead(facts: AlertFacts, words: Language) -> str:
    """The state in a few words: all that happened since the mail before."""
    happened = {facts.event, *facts.also}
    happened -= {known for event in happened for known in SAID_BY.get(event, ())}
    ordered = sorted(happened, key=lambda e: (RANKS.index(e) if e in RANKS else len(RANKS), e))
    return " · ".join(dict.fromkeys(event_word(event, words) for event in ordered))


def event_word(event: str, words: Language) -> str:
    known = {
        "opened": words.gettext("New incident"),
        "raised": words.gettext("Getting worse"),
        "grown": words.gettext("At least twice as many"),
        "spread": words.gettext("Spread to another platform"),
        "escalated": words.gettext("Nobody took it in time"),
        "acknowledged": words.gettext("Somebody has taken it"),
        "silenced": words.gettext("Silenced"),
        "unsilenced": words.gettext("The silence is over, and it goes on"),
        "reopened": words.gettext("It is back"),
        "continues": words.gettext("Still going on"),
        "resolved": words.gettext("Resolved"),
        "not_us": words.gettext("Resolved: it was not about us"),
    }
    return known.get(event, line(event, NAME_LENGTH))


def _standing(facts: AlertFacts, words: Language) -> str:
    """Severity, state and who holds it or did this, each said once."""
    incident = facts.incident
    parts = [severity_word(incident.severity, words), state_word(incident.state, words)]
    if facts.event != "escalated":  # which says that nobody has taken it
        parts.append(owner_words(incident, words))
    if incident.state == "silenced" and facts.silenced_until:
        until = words.moment(facts.silenced_until, facts.zone, local_day(facts))
        parts.append(words.gettext("until %(end)s", end=until))
    if facts.by and facts.by != incident.owner:
        parts.append(words.gettext("by %(name)s", name=line(facts.by, NAME_LENGTH)))
    return " · ".join(dict.fromkeys(filter(None, parts)))


def _buttons(facts: AlertFacts, title: str, words: Language) -> tuple[Button, ...]:
    """What can be answered in this state. The words are those that the mailbox understands."""
    if not facts.reply_to or facts.incident.state == "resolved":
        return ()
    known = {
        "ack": (words.gettext("I take it"), words.gettext("ack")),
        "silence": (words.gettext("Silence for 4 h"), words.gettext("silence 4h")),
        "not_us": (words.gettext("Not us"), words.gettext("not us")),
        "resolve": (words.gettext("It is over"), words.gettext("resolve")),
    }
    possible = [known[c.does] for c in facts.commands if c.does in known]
    return tuple(Button(label, word, _answer(facts.reply_to, title, word)) for label, word in possible)


def _not_us(facts: AlertFacts, title: str, post: int, words: Language) -> str:
    return _answer(facts.reply_to, title, f"{words.gettext('not us')} {post}") if facts.reply_to else ""


def _answer(address: str, title: str, word: str) -> str:
    """A mailto link; some readers take a plus sign for a blank, so it is escaped."""
    return f"mailto:{percent(address, safe='@')}?subject={percent(f'Re: {title}')}&body={percent(word)}"


def _does(what: str, words: Language) -> str:
    return {
        "ack": words.gettext("I take it"),
        "silence": words.gettext("Silence for 4 h"),
        "not_us": words.gettext("This post is not about us"),
        "resolve": words.gettext("It is over"),
        "look": words.gettext("All that happened"),
    }[what]


def _events(facts: AlertFacts, words: Language) -> tuple[tuple[str, str], ...]:
    """The newest last; of a long history only its end."""
    return tuple((_when(e, facts, words), _event(e, facts.kind, words)) for e in facts.events[-EVENTS_SHOWN:])


def _when(event: EventLine, facts: AlertFacts, words: Language) -> str:
    start = words.moment(event.at, facts.zone, local_day(facts))
    if event.until is None:
        return start
    return words.gettext("%(start)s to %(end)s", start=start, end=words.until(event.at, event.until, facts.zone))


def _event(event: EventLine, kind: Kind, words: Language) -> str:
    by = words.gettext("by %(name)s", name=line(event.by, NAME_LENGTH)) if event.by else ""
    return " · ".join(filter(None, (event_word(event.event, words), _size(event, kind, words), by)))


def _size(event: EventLine, kind: Kind, words: Language) -> str:
    """Of what goes on, how large it was at most; in the unit of its own finding."""
    if event.event != "continues" or event.size is None:
        return ""
    unit = next((k for k in Kind if event.reason == f"another {k}"), kind)
    size = {
        Kind.BURST: words.ngettext("%(n)s copy", "%(n)s copies", event.size),
        Kind.TAKEOFF: words.ngettext("%(n)s reaction", "%(n)s reactions", event.size),
    }.get(unit, words.ngettext("%(n)s negative voice", "%(n)s negative voices", event.size))
    return size if event.until is None else words.gettext("at most %(size)s", size=size)


def _facts(facts: AlertFacts, words: Language) -> tuple[tuple[str, str], ...]:
    evidence = facts.evidence
    rows = [
        (words.gettext("Negative voices since the start"), words.number(facts.voices)),
        (words.gettext("Authors"), words.number(facts.authors) if facts.authors is not None else "–"),
        (words.gettext("Stories"), words.number(facts.stories)),
        (words.gettext("Copies and reposts"), words.number(facts.copies)),
    ]
    share = evidence.get("share")
    if share and share["negative"] is not None and facts.event not in OVER:
        values = {"share": words.percent(share["negative"]), "usual": words.percent(share["usual"])}
        rows.append((words.gettext("Negative share"), words.gettext("%(share)s (usually %(usual)s)", **values)))
    _, span = loudest(facts.worst if facts.event in OVER else evidence)
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

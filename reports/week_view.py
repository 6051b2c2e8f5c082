"""A week in words: everything its page, mail and text part say, as plain text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from monitor.model import HEARD_ENOUGH, Ledger, ThemeLine, Week, WeekIncident
from reports.archive_view import week_name
from reports.coverage import CoverageText, Window, coverage_text
from reports.days_view import Day, days
from reports.feeling_words import theme_word
from reports.feelings_view import shown_themes
from reports.figures_view import Figure, comparison, counted, measured
from reports.incident_view import NAME_LENGTH, NO_PAGES, IncidentView, QuoteView, about, incident_view, quote_view
from reports.language import Language
from reports.ledger_view import age
from reports.revision_view import replaces, verdict_word
from reports.safe import line

INCIDENTS_SHOWN = 10


@dataclass(frozen=True, slots=True)
class WeekIncidentView:
    incident: IncidentView
    times: str


@dataclass(frozen=True, slots=True)
class WeekStory:
    quote: QuoteView
    size: str


@dataclass(frozen=True, slots=True)
class WeekTheme:
    """``share``: its bar, 0..1 of the largest theme's. ``tone`` as in ``Comparison``."""

    name: str
    voices: str
    share: float
    change: str
    tone: str


@dataclass(frozen=True, slots=True)
class WeekView:
    brand: str
    span: str
    title: str
    subject: str
    verdict: str
    sentence: str
    heard: str
    notes: tuple[str, ...]
    figures: tuple[Figure, ...]
    days: tuple[Day, ...]
    alerts: str
    incidents: tuple[WeekIncidentView, ...]
    more_incidents: str
    stories: tuple[WeekStory, ...]
    themes: tuple[WeekTheme, ...]
    ledger: tuple[tuple[str, str], ...]
    coverage: CoverageText
    footer: tuple[tuple[str, str], ...]


def week_view(week: Week, words: Language, pages: Mapping[int, str] = NO_PAGES) -> WeekView:
    brand, span = line(week.brand, NAME_LENGTH), week_name(week.day, words)
    coverage = coverage_text(week.coverage, Window(week.start, week.end, week.zone, week.first), words)
    heard = words.gettext("Heard: %(share)s of the usual volume.", share=words.heard(week.totals.heard))
    left = len(week.incidents) - INCIDENTS_SHOWN
    return WeekView(
        brand=brand,
        span=span,
        title=words.gettext("%(brand)s: the week %(span)s", brand=brand, span=span),
        subject=_subject(week, brand, span, words),
        verdict=week.verdict,
        sentence=_sentence(week, words),
        heard=words.sentences(heard, coverage.summary),
        notes=_notes(week, words),
        figures=_figures(week, words),
        days=days(week.series, words),
        alerts=_alerts(week, words),
        incidents=tuple(_incident(i, week, words, pages) for i in week.incidents[:INCIDENTS_SHOWN]),
        more_incidents=words.ngettext("and %(n)s more incident", "and %(n)s more incidents", left) if left > 0 else "",
        stories=_stories(week, words),
        themes=_themes(week, words),
        ledger=_ledger(week.ledger, words) if week.ledger else (),
        coverage=coverage,
        footer=_footer(week, words),
    )


def _subject(week: Week, brand: str, span: str, words: Language) -> str:
    values = {"brand": brand, "span": span, "badge": verdict_word(week.verdict, words)}
    return words.ngettext(
        "%(brand)s week %(span)s: %(badge)s, %(n)s negative voice",
        "%(brand)s week %(span)s: %(badge)s, %(n)s negative voices",
        week.totals.negative_voices,
        **values,
    )


def _sentence(week: Week, words: Language) -> str:
    """The week as one sentence, its count beside that of the week before where both can be compared."""
    count = counted(week.totals, "week", words)
    if week.before is not None and min(week.before.heard, week.totals.heard) >= HEARD_ENOUGH:
        before = words.number(week.before.negative_voices)
        count = words.gettext("%(count)s (%(before)s the week before)", count=count, before=before)
    if week.verdict == "incident":
        n = len(week.incidents)
        count = about([i.line for i in week.incidents], week.stories, count, words)
        return words.ngettext("%(n)s incident in this week: %(count)s.", "%(n)s incidents in this week: %(count)s.", n,
                              count=count)  # fmt: skip
    return {
        "raised": words.gettext("A more negative week than the one before: %(count)s.", count=count),
        "calm": words.gettext("A week like the one before: %(count)s.", count=count)
        if week.before is not None and _alike(week.totals.negative_voices, week.before.negative_voices)
        else words.gettext("No incident in this week: %(count)s.", count=count),
        "learning": words.gettext("Still learning what is usual: %(count)s.", count=count),
        "unknown": words.gettext(
            "Unknown: too little of the week was heard to judge it. In what was heard: %(count)s; there may be more.",
            count=count,
        ),
        "empty": words.gettext("Nobody mentioned %(brand)s in this week.", brand=line(week.brand, NAME_LENGTH)),
    }[week.verdict]


def _alike(voices: int, before: int) -> bool:
    """Whether a director would call two weeks alike (j): a fall to a third is none, though it is within the noise of a
    brand that scatters as much."""
    return abs(voices - before) <= max(5, before / 3)


def _notes(week: Week, words: Language) -> tuple[str, ...]:
    notes = []
    if week.late:
        made = words.moment(week.made_at, week.zone)
        notes.append(words.gettext("Late: this roll-up was made at %(time)s.", time=made))
    if week.revision > 1 and week.replaced_at is not None:
        notes.append(replaces(week.revision, week.revision - 1, week.replaced_at, week.zone, words))
    if week.totals.heard < HEARD_ENOUGH and week.verdict != "unknown":
        notes.append(words.gettext("Too little was heard: every count below is a lower bound."))
    return tuple(notes)


def _figures(week: Week, words: Language) -> tuple[Figure, ...]:
    labels = {
        "mentions": words.gettext("Mentions"),
        "negative_posts": words.gettext("Negative posts"),
        "negative_voices": words.gettext("Negative voices"),
        "negative_share": words.gettext("Negative share"),
    }
    against = words.gettext("The week before")
    return tuple(
        Figure(
            label,
            measured(measure, week.totals, words),
            (comparison(measure, week.totals, against, "week", week.before, week.against, words),),
        )
        for measure, label in labels.items()
    )


def _alerts(week: Week, words: Language) -> str:
    """How many alerts were sent, and how many of their incidents were none of ours: counts rather than a percentage."""
    record = week.alerts
    if not record.mails:
        return words.gettext("No alert was sent.")
    mails = words.ngettext("%(n)s alert was sent", "%(n)s alerts were sent", record.mails)
    about = words.ngettext("about %(n)s incident", "about %(n)s incidents", record.incidents)
    false = words.ngettext(
        "people judged %(n)s of them to be not about us", "people judged %(n)s of them to be not about us", record.false
    )
    if not record.false:
        false = words.gettext("nobody judged one to be not about us")
    return words.gettext("%(mails)s %(about)s; %(false)s.", mails=mails, about=about, false=false)


def _incident(found: WeekIncident, week: Week, words: Language, pages: Mapping[int, str]) -> WeekIncidentView:
    times = [
        words.gettext("taken after %(time)s", time=age(found.to_acknowledge, words))
        if found.to_acknowledge is not None
        else "",
        words.gettext("over after %(time)s", time=age(found.to_resolve, words))
        if found.to_resolve is not None
        else words.gettext("not over yet"),
    ]
    view = incident_view(found.line, week.zone, words, pages=pages)
    return WeekIncidentView(view, " · ".join(filter(None, times)))


def _stories(week: Week, words: Language) -> tuple[WeekStory, ...]:
    found = []
    for story in week.stories:
        size = [words.ngettext("%(n)s negative voice", "%(n)s negative voices", story.voices)]
        size += [words.ngettext("%(n)s copy", "%(n)s copies", story.copies)] if story.copies else []
        size.append(words.gettext("first seen %(time)s", time=words.moment(story.first_seen, week.zone)))
        found.append(WeekStory(quote_view(story.quote, week.zone, words), " · ".join(size)))
    return tuple(found)


def _themes(week: Week, words: Language) -> tuple[WeekTheme, ...]:
    shown = shown_themes(week.themes)
    most = max((t.voices for t in shown), default=0) or 1
    return tuple(_theme(t, most, words) for t in shown)


def _theme(theme: ThemeLine, most: int, words: Language) -> WeekTheme:
    voices = words.ngettext("%(n)s voice", "%(n)s voices", theme.voices)
    if theme.before is None or theme.beyond_noise is None:
        return WeekTheme(theme_word(theme.theme, words), voices, theme.voices / most, "", "flat")
    worse = theme.voices > theme.before
    judged = words.gettext("more than noise") if theme.beyond_noise else words.gettext("within noise")
    change = f"{words.signed(theme.voices - theme.before)} · {judged}"
    tone = ("worse" if worse else "better") if theme.beyond_noise else "flat"
    return WeekTheme(theme_word(theme.theme, words), voices, theme.voices / most, change, tone)


def _ledger(ledger: Ledger, words: Language) -> tuple[tuple[str, str], ...]:
    rows = [
        (words.gettext("New in the week"), words.number(ledger.arrived)),
        (words.gettext("Answered"), words.number(ledger.answered)),
        (words.gettext("Made good"), words.number(ledger.recovered)),
        (words.gettext("Lost"), words.number(ledger.lost)),
        (words.gettext("Waiting now"), words.number(ledger.waiting)),
        (words.gettext("Answered, not made good"), words.number(ledger.unrecovered)),
    ]
    return tuple(rows)


def _footer(week: Week, words: Language) -> tuple[tuple[str, str], ...]:
    return (
        (words.gettext("Window"), f"{words.day(week.first)} 00:00 – {words.day(week.day)} 24:00"),
        (words.gettext("Time zone"), words.zone(week.zone, week.start)),
        (words.gettext("Made at"), words.moment(week.made_at, week.zone)),
        (words.gettext("Revision"), words.number(week.revision)),
        (words.gettext("Heard days behind the baseline"), words.number(week.days_of_data, 1)),
    )

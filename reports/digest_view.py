"""A digest in words: everything its page, mail and text part say, in the reader's language, as plain text.

The templates only place and escape it, so page, mail and text cannot disagree.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from monitor.model import Change, DayPoint, Digest, StoryLine, Totals
from reports.coverage import HEARD_ENOUGH, CoverageText, Window, coverage_text
from reports.incident_view import NAME_LENGTH, IncidentView, QuoteView, incident_view, quote_view
from reports.language import Language
from reports.safe import line

INCIDENTS_SHOWN = 6
STORIES_SHOWN = 5
ROWS_SHOWN = 8
"""Platforms or competitors listed; the rest is one more row. These limits keep a mail under 100 KB."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A number against an earlier day. ``tone``: worse, better, changed (beyond noise) or flat."""

    against: str
    before: str
    difference: str
    judgement: str
    tone: str


@dataclass(frozen=True, slots=True)
class Figure:
    label: str
    value: str
    comparisons: tuple[Comparison, ...]


@dataclass(frozen=True, slots=True)
class StoryView:
    quote: QuoteView
    size: str
    spread: str


@dataclass(frozen=True, slots=True)
class Row:
    """One platform or brand: its counts as text, and the shares (0..1) that its bars show."""

    name: str
    mentions: str
    negative_voices: str
    negative_share: str
    mentions_share: float
    negative_of_mentions: float


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the chart, and of the table behind it."""

    date: str
    tick: str
    mentions: int
    negative_voices: int
    mentions_text: str
    voices_text: str
    incident: bool
    heard: bool
    note: str


@dataclass(frozen=True, slots=True)
class DigestView:
    brand: str
    brand_word: str
    day: str
    title: str
    subject: str
    badge: str
    verdict: str
    sentence: str
    heard: str
    coverage: CoverageText
    notes: tuple[str, ...]
    figures: tuple[Figure, ...]
    since_midnight: str
    incidents: tuple[IncidentView, ...]
    more_incidents: str
    stories: tuple[StoryView, ...]
    unsure: tuple[tuple[str, QuoteView], ...]
    more_unsure: str
    days: tuple[Day, ...]
    platforms: tuple[Row, ...]
    competitors: tuple[Row, ...]
    unknowns: tuple[str, ...]
    footer: tuple[tuple[str, str], ...]


def digest_view(digest: Digest, words: Language) -> DigestView:
    window = Window(digest.start, digest.end, digest.zone, digest.day)
    brand = line(digest.brand, NAME_LENGTH)
    badge = _badge(digest, words)
    coverage = coverage_text(digest.coverage, window, words)
    heard = words.gettext("Heard: %(share)s of the usual volume.", share=words.heard(digest.today.heard))
    day = words.day(digest.day)
    return DigestView(
        brand=brand,
        brand_word=shlex.quote(brand),
        day=day,
        title=words.gettext("%(brand)s: daily digest, %(day)s", brand=brand, day=day),
        subject=_subject(digest, brand, badge, words),
        badge=badge,
        verdict=digest.verdict,
        sentence=_sentence(digest, words),
        heard=words.sentences(heard, coverage.summary),
        coverage=coverage,
        notes=_notes(digest, words),
        figures=_figures(digest, words),
        since_midnight=_since_midnight(digest, words),
        incidents=tuple(incident_view(i, digest.zone, words, digest.day) for i in digest.incidents[:INCIDENTS_SHOWN]),
        more_incidents=_more_incidents(digest, words),
        stories=tuple(_story(s, digest, words) for s in digest.stories[:STORIES_SHOWN]),
        unsure=tuple((str(q.post_id), quote_view(q, digest.zone, words, digest.day)) for q in digest.unsure),
        more_unsure=_more_unsure(digest, words),
        days=_days(digest.series, words),
        platforms=_rows(digest.platforms, words),
        competitors=_rows(((brand, digest.today), *digest.competitors), words) if digest.competitors else (),
        unknowns=_unknowns(digest, words),
        footer=_footer(digest, words),
    )


def _badge(digest: Digest, words: Language) -> str:
    """The verdict in a word or three."""
    return {
        "incident": words.gettext("Incident"),
        "raised": words.gettext("More negative than usual"),
        "calm": words.gettext("Nothing unusual"),
        "learning": words.gettext("Still learning"),
        "unknown": words.gettext("Unknown"),
        "empty": words.gettext("No mentions"),
    }[digest.verdict]


def _subject(digest: Digest, brand: str, badge: str, words: Language) -> str:
    values = {"brand": brand, "day": words.short_day(digest.day), "badge": badge}
    return words.ngettext(
        "%(brand)s %(day)s: %(badge)s, %(n)s negative voice",
        "%(brand)s %(day)s: %(badge)s, %(n)s negative voices",
        digest.today.negative_voices,
        **values,
    )


def _sentence(digest: Digest, words: Language) -> str:
    """The verdict as one sentence a director can read without the rest of the page."""
    count = _compared(digest, words)
    if digest.verdict == "incident":
        return _incident_sentence(digest, count, words)
    if digest.verdict == "raised":
        return words.gettext("More negative than usual: %(count)s. No incident was opened.", count=count)
    if digest.verdict == "calm":
        return words.gettext("Nothing unusual: %(count)s.", count=count)
    if digest.verdict == "learning":
        return words.gettext(
            "Still learning what is usual (days heard: %(days)s; spikes are not judged before 3): %(count)s.",
            days=words.number(digest.days_of_data, 1),
            count=count,
        )
    if digest.verdict == "unknown":
        return words.gettext(
            "Unknown: too little was heard to call the day quiet. In what was heard: %(count)s; there may be more.",
            count=count,
        )
    return words.gettext(
        "Nobody mentioned %(brand)s, and the sources were heard.", brand=line(digest.brand, NAME_LENGTH)
    )


def _incident_sentence(digest: Digest, count: str, words: Language) -> str:
    open_now = sum(1 for i in digest.incidents if i.state != "resolved")
    n = len(digest.incidents)
    if all(i.origin == "history" for i in digest.incidents):
        return words.ngettext(
            "%(n)s incident was found in imported or late posts: %(count)s.",
            "%(n)s incidents were found in imported or late posts: %(count)s.",
            n,
            count=count,
        )
    if open_now:
        return words.ngettext(
            "%(n)s incident is still open: %(count)s.",
            "%(n)s incidents are still open: %(count)s.",
            open_now,
            count=count,
        )
    return words.ngettext(
        "%(n)s incident, since resolved: %(count)s.", "%(n)s incidents, since resolved: %(count)s.", n, count=count
    )


def _compared(digest: Digest, words: Language) -> str:
    """The day's count, with that of the day before where it was heard well enough to stand beside it."""
    count = _counted(digest.today, words)
    if digest.yesterday is None or min(digest.yesterday.heard, digest.today.heard) < HEARD_ENOUGH:
        return count
    before = words.number(digest.yesterday.negative_voices)
    return words.gettext("%(count)s (%(before)s the day before)", count=count, before=before)


def _counted(totals: Totals, words: Language) -> str:
    voices = words.ngettext("%(n)s negative voice", "%(n)s negative voices", totals.negative_voices)
    mentions = words.ngettext("%(n)s mention", "%(n)s mentions", totals.mentions)
    return words.gettext("%(voices)s among %(mentions)s", voices=voices, mentions=mentions)


def _notes(digest: Digest, words: Language) -> tuple[str, ...]:
    """What a reader must know before believing the page."""
    notes = []
    if digest.late:
        made = words.moment(digest.made_at, digest.zone)
        notes.append(words.gettext("Late: this digest was made at %(time)s.", time=made))
    if digest.revision > 1:
        number = words.number(digest.revision)
        notes.append(words.gettext("Revision %(number)s: it replaces the earlier digest of this day.", number=number))
    if digest.today.heard < HEARD_ENOUGH and digest.verdict != "unknown":
        notes.append(words.gettext("Too little was heard: every count below is a lower bound."))
    if digest.verdict == "calm" and _more_of_everything(digest):
        notes.append(
            words.gettext("More negative voices than usual, but more was said altogether: their share did not rise.")
        )
    if digest.days_of_data < 3 and digest.verdict not in ("learning", "empty"):
        notes.append(words.gettext("Still learning what is usual: spikes are not judged in the first 3 heard days."))
    return tuple(notes)


def _more_of_everything(digest: Digest) -> bool:
    """Red cards under a calm verdict need a word: negative voices rose beyond noise."""
    changes = [c for c in (*digest.against_yesterday, *digest.against_last_week) if c.measure == "negative_voices"]
    return any(c.beyond_noise and digest.today.negative_voices > (c.before or 0) for c in changes)


def _figures(digest: Digest, words: Language) -> tuple[Figure, ...]:
    today = digest.today
    labels = {
        "mentions": words.gettext("Mentions"),
        "negative_posts": words.gettext("Negative posts"),
        "negative_voices": words.gettext("Negative voices"),
        "negative_share": words.gettext("Negative share"),
    }
    against = (
        (words.gettext("Day before"), digest.yesterday, digest.against_yesterday),
        (words.gettext("Week before"), digest.last_week, digest.against_last_week),
    )
    return tuple(
        Figure(label, _value(measure, today, words), tuple(_comparison(measure, today, *a, words) for a in against))
        for measure, label in labels.items()
    )


def _value(measure: str, totals: Totals | None, words: Language) -> str:
    number = getattr(totals, measure) if totals is not None else None
    if number is None:
        return "–"
    return words.percent(number, 1) if measure == "negative_share" else words.number(number)


def _comparison(
    measure: str, today: Totals, against: str, earlier: Totals | None, changes: Sequence[Change], words: Language
) -> Comparison:
    now = getattr(today, measure)
    before = getattr(earlier, measure) if earlier is not None else None
    if earlier is None or before is None:
        return Comparison(against, "", "", words.gettext("no figures"), "flat")
    shown = _value(measure, earlier, words)
    if now is None or min(today.heard, earlier.heard) < HEARD_ENOUGH:
        return Comparison(against, shown, "", words.gettext("not comparable"), "flat")
    difference = _points(now - before, words) if measure == "negative_share" else words.signed(now - before)
    judged = next((c.beyond_noise for c in changes if c.measure == measure), None)
    if not judged:
        return Comparison(against, shown, difference, "" if judged is None else words.gettext("within noise"), "flat")
    tone = "changed" if measure == "mentions" else "worse" if now > before else "better"
    return Comparison(against, shown, difference, words.gettext("more than noise"), tone)


def _points(difference: float, words: Language) -> str:
    return words.gettext("%(points)s points", points=words.signed(100 * difference, 1))


def _more_incidents(digest: Digest, words: Language) -> str:
    left = len(digest.incidents) - INCIDENTS_SHOWN
    return words.ngettext("and %(n)s more incident", "and %(n)s more incidents", left) if left > 0 else ""


def _more_unsure(digest: Digest, words: Language) -> str:
    left = digest.today.unsure_posts - len(digest.unsure)
    return words.ngettext("and %(n)s more", "and %(n)s more", left) if left > 0 else ""


def _since_midnight(digest: Digest, words: Language) -> str:
    totals = digest.since_midnight
    if totals is None:
        return ""
    said = words.gettext(
        "Until %(time)s: %(count)s.",
        time=words.clock(digest.made_at, digest.zone),
        count=_counted(totals, words),
    )
    if totals.heard >= HEARD_ENOUGH:
        return said
    share = words.heard(totals.heard)
    return words.sentences(said, words.gettext("Only %(share)s of the usual volume was heard in it.", share=share))


def _story(story: StoryLine, digest: Digest, words: Language) -> StoryView:
    size = [words.ngettext("%(n)s negative voice", "%(n)s negative voices", story.voices)] if story.voices else []
    if not story.voices:  # what began before this day opens no new voice, however often it is copied
        size.append(words.gettext("An earlier story, still spreading"))
    if story.copies:
        size.append(words.ngettext("%(n)s copy", "%(n)s copies", story.copies))
    values = {"time": words.moment(story.first_seen, digest.zone, digest.day)}
    spread = words.gettext("first seen %(time)s", **values)
    if len(story.platforms) > 1:
        names = words.join([line(p, NAME_LENGTH) for p in story.platforms[:6]])
        spread = words.gettext("first seen %(time)s; on %(platforms)s", platforms=names, **values)
    return StoryView(quote_view(story.quote, digest.zone, words, digest.day), " · ".join(size), spread)


def _days(series: Sequence[DayPoint], words: Language) -> tuple[Day, ...]:
    return tuple(_day(point, index == 0, words) for index, point in enumerate(series))


def _day(point: DayPoint, first: bool, words: Language) -> Day:
    totals, heard = point.totals, point.totals.heard >= HEARD_ENOUGH
    notes = []
    if point.incident:
        notes.append(words.gettext("incident"))
    if not heard:
        notes.append(words.gettext("only %(share)s heard", share=words.heard(totals.heard)))
    return Day(
        date=words.short_day(point.day),
        tick=words.tick(point.day, first),
        mentions=totals.mentions,
        negative_voices=totals.negative_voices,
        mentions_text=words.number(totals.mentions),
        voices_text=words.number(totals.negative_voices),
        incident=point.incident,
        heard=heard,
        note=words.join(notes) if notes else "",
    )


def _rows(named: Sequence[tuple[str, Totals]], words: Language) -> tuple[Row, ...]:
    """The first rows as given; where there are more than fit, the rest is summed into one."""
    shown = list(named)
    if len(shown) > ROWS_SHOWN:
        rest = shown[ROWS_SHOWN - 1 :]
        name = words.ngettext("%(n)s more", "%(n)s more", len(rest))
        shown = [*shown[: ROWS_SHOWN - 1], (name, _sum([totals for _, totals in rest]))]
    most = max((t.mentions for _, t in shown), default=0) or 1
    return tuple(_row(name, totals, most, words) for name, totals in shown)


def _row(name: str, totals: Totals, most: int, words: Language) -> Row:
    return Row(
        name=line(name, NAME_LENGTH),
        mentions=words.number(totals.mentions),
        negative_voices=words.number(totals.negative_voices),
        negative_share=_value("negative_share", totals, words),
        mentions_share=totals.mentions / most,
        negative_of_mentions=totals.negative_posts / most,
    )


def _sum(several: Sequence[Totals]) -> Totals:
    return Totals(
        mentions=sum(t.mentions for t in several),
        negative_posts=sum(t.negative_posts for t in several),
        negative_voices=sum(t.negative_voices for t in several),
        unscored_posts=sum(t.unscored_posts for t in several),
    )


def _unknowns(digest: Digest, words: Language) -> tuple[str, ...]:
    today = digest.today
    corrected = words.ngettext(
        "%(n)s label was corrected by a person.", "%(n)s labels were corrected by people.", digest.corrections
    )
    unsure = words.ngettext(
        "%(n)s mention is unsure: the model would not decide.",
        "%(n)s mentions are unsure: the model would not decide.",
        today.unsure_posts,
    )
    unscored = words.ngettext(
        "%(n)s mention is not scored: it holds no Chinese text to judge.",
        "%(n)s mentions are not scored: they hold no Chinese text to judge.",
        today.unscored_posts,
    )
    counted = ((digest.corrections, corrected), (today.unsure_posts, unsure), (today.unscored_posts, unscored))
    return tuple(text for n, text in counted if n) or (words.gettext("No mention was unsure, unscored or corrected."),)


def _footer(digest: Digest, words: Language) -> tuple[tuple[str, str], ...]:
    zone = ZoneInfo(digest.zone)
    last = digest.end.astimezone(zone)
    end = "24:00" if last.date() == digest.day + timedelta(days=1) else words.clock(digest.end, digest.zone)
    start = words.clock(digest.start, digest.zone)
    return (
        (words.gettext("Window"), f"{words.day(digest.day)} {start}–{end}"),
        (words.gettext("Time zone"), words.zone(digest.zone, digest.start)),
        (words.gettext("Made at"), words.moment(digest.made_at, digest.zone)),
        (words.gettext("Revision"), words.number(digest.revision)),
        (words.gettext("Rules"), line(digest.rules, NAME_LENGTH)),
        (words.gettext("Model"), line(digest.model, NAME_LENGTH)),
        (words.gettext("Heard days behind the baseline"), words.number(digest.days_of_data, 1)),
    )

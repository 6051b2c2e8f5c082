"""A digest in words: everything its page, mail and text part say, in the reader's language, as plain text.

The templates only place and escape it, so page, mail and text cannot disagree.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from zoneinfo import ZoneInfo

from monitor.model import HEARD_ENOUGH, Digest, IncidentLine, StoryLine
from reports.citing import cited
from reports.coverage import CoverageText, Window, coverage_text
from reports.days_view import Day, Row, days, rows
from reports.evidence import proofs
from reports.evidence_view import ProofView, proof_views
from reports.feelings_view import GOING, GOOD, UNMET, FeelingView, ThemeView, feelings, themes
from reports.figures_view import Figure, counted, figures, since_midnight
from reports.incident_view import NAME_LENGTH, NO_PAGES, IncidentView, QuoteView, about, incident_view, quote_view
from reports.language import Language
from reports.ledger_view import LedgerView, ledger_view
from reports.revision_view import revision_note
from reports.rivals_view import RivalView, WishView, better, fulfilled, rivals
from reports.safe import line
from reports.travel_view import TravelView, travel_view

INCIDENTS_SHOWN = 6
STORIES_SHOWN = 5
"""Such limits keep a mail under 100 KB."""


@dataclass(frozen=True, slots=True)
class StoryView:
    quote: QuoteView
    size: str
    spread: str


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
    ledger: LedgerView | None
    incidents: tuple[IncidentView, ...]
    more_incidents: str
    stories: tuple[StoryView, ...]
    unsure: tuple[tuple[str, QuoteView], ...]
    more_unsure: str
    days: tuple[Day, ...]
    platforms: tuple[Row, ...]
    themes: tuple[ThemeView, ...]
    rivals: tuple[RivalView, ...]
    better: tuple[str, ...]
    fulfilled: tuple[WishView, ...]
    competitors: tuple[Row, ...]
    good: tuple[FeelingView, ...]
    unmet: tuple[FeelingView, ...]
    going: tuple[FeelingView, ...]
    travel: TravelView | None
    unknowns: tuple[str, ...]
    proofs: tuple[ProofView, ...]
    footer: tuple[tuple[str, str], ...]


def digest_view(digest: Digest, words: Language, explore: str = "", pages: Mapping[int, str] = NO_PAGES) -> DigestView:
    """``explore``: the address of the database in Datasette, where one is served. ``pages``: of incidents."""
    window = Window(digest.start, digest.end, digest.zone, digest.day)
    brand = line(digest.brand, NAME_LENGTH)
    badge = _badge(digest, words)
    coverage = coverage_text(digest.coverage, window, words)
    share = cited(words.heard(digest.today.heard), "coverage")
    day = words.day(digest.day)
    beside = ((brand, digest.today), *digest.competitors) if digest.competitors else ()
    return DigestView(
        brand=brand,
        brand_word=shlex.quote(brand),
        day=day,
        title=words.gettext("%(brand)s: daily digest, %(day)s", brand=brand, day=day),
        subject=_subject(digest, brand, badge, words),
        badge=badge,
        verdict=digest.verdict,
        sentence=_sentence(digest, words),
        heard=words.sentences(words.gettext("Heard: %(share)s of the usual volume.", share=share), coverage.summary),
        coverage=coverage,
        notes=_notes(digest, words),
        figures=figures(digest, words),
        since_midnight=since_midnight(digest, words),
        ledger=ledger_view(digest, words),
        incidents=tuple(_incident(i, digest, words, pages) for i in digest.incidents[:INCIDENTS_SHOWN]),
        more_incidents=_more_incidents(digest, words),
        stories=tuple(_story(s, digest, words) for s in digest.stories[:STORIES_SHOWN]),
        unsure=tuple((str(q.post_id), quote_view(q, digest.zone, words, digest.day)) for q in digest.unsure),
        more_unsure=_more_unsure(digest, words),
        days=days(digest.series, words),
        platforms=rows(digest.platforms, "platforms", words),
        themes=themes(digest, words),
        rivals=rivals(digest, words),
        better=better(digest, words),
        fulfilled=fulfilled(digest, words),
        competitors=rows(beside, "competitors", words),
        good=feelings(digest, GOOD, words),
        unmet=feelings(digest, UNMET, words),
        going=feelings(digest, GOING, words),
        travel=travel_view(digest.travel, words) if digest.travel else None,
        unknowns=_unknowns(digest, words),
        proofs=proof_views(proofs(digest), explore, words),
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
        return _incident_sentence(digest, about(digest.incidents, digest.stories, count, words), words)
    if digest.verdict == "raised":
        return words.gettext("More negative than usual: %(count)s. No incident was opened.", count=count)
    if digest.verdict == "calm" and _more_of_everything(digest):
        return words.gettext(
            "More negative voices, for more was said altogether; their share did not rise: %(count)s.", count=count
        )
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
    found = cited(words.number(n), "incidents")
    if all(i.origin == "history" for i in digest.incidents):
        return words.ngettext(
            "%(n)s incident was found in imported or late posts: %(count)s.",
            "%(n)s incidents were found in imported or late posts: %(count)s.",
            n,
            n=found,
            count=count,
        )
    if open_now:
        return words.ngettext(
            "%(n)s incident is still open: %(count)s.",
            "%(n)s incidents are still open: %(count)s.",
            open_now,
            n=cited(words.number(open_now), "incidents"),
            count=count,
        )
    return words.ngettext(
        "%(n)s incident, since resolved: %(count)s.",
        "%(n)s incidents, since resolved: %(count)s.",
        n,
        n=found,
        count=count,
    )


def _compared(digest: Digest, words: Language) -> str:
    """The day's count, with that of the day before where it was heard well enough to stand beside it."""
    count = counted(digest.today, "day", words)
    if digest.yesterday is None or min(digest.yesterday.heard, digest.today.heard) < HEARD_ENOUGH:
        return count
    before = cited(words.number(digest.yesterday.negative_voices), "day-before")
    return words.gettext("%(count)s (%(before)s the day before)", count=count, before=before)


def _notes(digest: Digest, words: Language) -> tuple[str, ...]:
    """What a reader must know before believing the page."""
    notes = []
    if digest.late:
        made = words.moment(digest.made_at, digest.zone)
        notes.append(words.gettext("Late: this digest was made at %(time)s.", time=made))
    if digest.revision > 1:
        notes.append(revision_note(digest, words))
    if digest.today.heard < HEARD_ENOUGH and digest.verdict != "unknown":
        notes.append(words.gettext("Too little was heard: every count below is a lower bound."))
    if digest.days_of_data < 3 and digest.verdict not in ("learning", "empty"):
        notes.append(words.gettext("Still learning what is usual: spikes are not judged in the first 3 heard days."))
    return tuple(notes)


def _more_of_everything(digest: Digest) -> bool:
    """Whether red cards stand under a calm verdict, which then must say why: negative voices rose beyond noise."""
    changes = [c for c in (*digest.against_yesterday, *digest.against_last_week) if c.measure == "negative_voices"]
    return any(c.beyond_noise and digest.today.negative_voices > (c.before or 0) for c in changes)


def _incident(incident: IncidentLine, digest: Digest, words: Language, pages: Mapping[int, str]) -> IncidentView:
    view = incident_view(incident, digest.zone, words, digest.day, pages, counted_to=digest.made_at)
    return replace(view, size=cited(view.size, "incidents"))


def _more_incidents(digest: Digest, words: Language) -> str:
    left = len(digest.incidents) - INCIDENTS_SHOWN
    more = words.ngettext("and %(n)s more incident", "and %(n)s more incidents", left) if left > 0 else ""
    return cited(more, "incidents")


def _more_unsure(digest: Digest, words: Language) -> str:
    left = digest.today.unsure_posts - len(digest.unsure)
    return cited(words.ngettext("and %(n)s more", "and %(n)s more", left), "day") if left > 0 else ""


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
    shown = " · ".join(cited(part, "stories") for part in size)
    return StoryView(quote_view(story.quote, digest.zone, words, digest.day), shown, spread)


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
    known = (
        (digest.corrections, cited(corrected, "corrections")),
        (today.unsure_posts, cited(unsure, "day")),
        (today.unscored_posts, cited(unscored, "day")),
    )
    return tuple(text for n, text in known if n) or (words.gettext("No mention was unsure, unscored or corrected."),)


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

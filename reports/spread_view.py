"""What an incident is about and how it spread, in rows of a name and a value."""

from __future__ import annotations

from datetime import date, datetime

from monitor.model import AlertFacts, Kind, StoryFacts
from reports.arithmetic import local_day
from reports.incident_view import NAME_LENGTH
from reports.language import Language
from reports.safe import line

HOURS_SHOWN = 6
PLATFORMS_SHOWN = 6
TERMS_SHOWN = 8
TERM_LENGTH = 24


def spread(facts: AlertFacts, words: Language) -> tuple[tuple[str, str], ...]:
    """The rows of its story; none where none is known, and none with nothing to say."""
    story, day = facts.story, local_day(facts)
    if story is None:
        return ()
    rows = (
        (
            words.gettext("Words that stand out"),
            words.join([line(t, TERM_LENGTH) for t, _ in story.terms[:TERMS_SHOWN]]),
        ),
        (words.gettext("Spread"), _size(story, words)),
        (words.gettext("First seen"), words.moment(story.first_seen, facts.zone, day)),
        (words.gettext("Platforms, as it reached them"), _platforms(story, facts.zone, day, words)),
        (words.gettext("Posts by hour"), _hours(story, facts.zone, day, words)),
        (words.gettext("Doubles every"), words.length(story.doubling) if story.doubling else ""),
        (words.gettext("Loudest author"), _followers(story.loudest[1], words) if story.loudest else ""),
        (words.gettext("All authors"), _followers(story.reach, words) if story.reach else ""),
    )
    return tuple(row for row in rows if row[1])


def spread_heading(facts: AlertFacts, words: Language) -> str:
    """Which story the rows are of: an incident may have many."""
    if facts.kind is Kind.BURST:
        return words.gettext("The story that spreads: what it is about, and how")
    if facts.kind is Kind.SPIKE and facts.stories > 1:
        return words.ngettext(
            "The loudest of %(n)s story: what it is about, and how it spread",
            "The loudest of %(n)s stories: what it is about, and how it spread", facts.stories,
        )  # fmt: skip
    return words.gettext("What it is about, and how it spread")


def _size(story: StoryFacts, words: Language) -> str:
    posts = words.ngettext("%(n)s post", "%(n)s posts", story.posts)
    copies = words.ngettext("%(n)s copy", "%(n)s copies", story.copies) if story.copies else ""
    return words.join([part for part in (posts, copies) if part])


def _platforms(story: StoryFacts, zone: str, day: date, words: Language) -> str:
    shown = story.platforms[:PLATFORMS_SHOWN]
    said = " → ".join(f"{line(name, NAME_LENGTH)} {words.moment(at, zone, day)}" for name, at in shown)
    return said + (" → …" if len(story.platforms) > PLATFORMS_SHOWN else "")


def _hours(story: StoryFacts, zone: str, day: date, words: Language) -> str:
    return " · ".join(_hour(at, n, zone, day, words) for at, n in story.by_hour[-HOURS_SHOWN:])


def _hour(at: datetime, n: int, zone: str, day: date, words: Language) -> str:
    return words.gettext("%(time)s: %(n)s", time=words.moment(at, zone, day), n=words.number(n))


def _followers(n: int, words: Language) -> str:
    return words.ngettext("%(n)s follower", "%(n)s followers", n)

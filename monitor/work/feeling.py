"""What customers feel, for the digest: themes of complaint, other signals, and how rivals fare."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from sqlite_utils import Database

from monitor import digest as rules
from monitor.config import Brand
from monitor.excerpts import excerpt
from monitor.model import (
    CHART_DAYS,
    RIVAL_DAYS,
    RIVAL_FEWEST,
    Feeling,
    FeelingLine,
    FulfilledWish,
    Quote,
    Rival,
    ThemeLine,
    Totals,
)
from monitor.rivals import Days, better, fulfilled
from monitor.store import feelings as stored
from monitor.store.feelings import Found
from monitor.stories.topics import pairs
from monitor.text import fold, fold_text
from monitor.work.app import App
from monitor.work.quoting import WIDTH

QUOTED = 3
WISH_DAYS = 7
WISHES = 60
PRAISES = 300
"""Wishes and a rival's praises that are compared, the loudest."""

FULFILLED = 3
STAFF = "staff"
"""The theme of praise in which people are named."""

DAY = timedelta(days=1)


def themes(
    app: App, db: Database, brand_id: int, day: date, today: Totals, last_week: Totals | None
) -> tuple[ThemeLine, ...]:  # fmt: skip
    """The day's themes, most voices first, and those of the same weekday last week that went silent."""
    zone = app.config.timezone.key
    start, end = rules.local_day(day, zone)
    days = _days(day, CHART_DAYS)
    series = stored.theme_days(db, brand_id, rules.local_day(days[0], zone)[0], end, days, voices=True)
    counted = stored.themes(db, brand_id, start, end)
    lines = []
    for theme in counted.keys() | {name for name, voices in series.items() if voices[-8]}:
        posts, voices = counted.get(theme, (0, 0))
        before = series.get(theme, [0] * CHART_DAYS)[-8] if last_week else None
        differs = None
        if last_week is not None and before is not None:
            differs = rules.voices_differ(voices, before, today.heard, last_week.heard, level=rules.THEME_LEVEL)
        loudest = stored.loudest(db, brand_id, Feeling.COMPLAINT, start, end, 1, theme)
        lines.append(
            ThemeLine(
                theme, posts, voices, before, differs,
                tuple(series.get(theme, [0] * CHART_DAYS)), _cut(app, loudest[0]) if loudest else None,
            )
        )  # fmt: skip
    return rules.rank_themes(lines)


def feelings(app: App, db: Database, brand_id: int, day: date, yesterday: Totals | None) -> tuple[FeelingLine, ...]:
    """Every kind but complaints, which have their themes; kinds without a post are left out."""
    zone = app.config.timezone.key
    start, end = rules.local_day(day, zone)
    now = stored.posts_with(db, brand_id, start, end)
    before = stored.posts_with(db, brand_id, *rules.local_day(day - DAY, zone)) if yesterday else None
    return tuple(
        FeelingLine(
            kind, now[kind], before.get(kind, 0) if before is not None else None,
            tuple((f.theme, _cut(app, f)) for f in stored.loudest(db, brand_id, kind, start, end, QUOTED)),
        )
        for kind in Feeling if kind in now and kind != Feeling.COMPLAINT
    )  # fmt: skip


def rivals(app: App, db: Database, brand: Brand, brand_id: int, day: date) -> tuple[Rival, ...]:
    """The brand and its competitors over the last four weeks; empty without competitors."""
    others = [b for b in app.config.brands if b.role == "competitor"]
    if not others:
        return ()
    zone, days = app.config.timezone.key, _days(day, RIVAL_DAYS)
    span = rules.local_day(days[0], zone)[0], rules.local_day(day, zone)[1]
    ids = {b.name: app.brands[b.name] for b in (brand, *others)}
    totals = {name: stored.totals(db, i, *span) for name, i in ids.items()}
    told = {
        name: Days(
            stored.mention_days(db, i, *span, days), stored.theme_days(db, i, *span, days, voices=False)
        ) for name, i in ids.items()
    }  # fmt: skip
    ours = told[brand.name]
    comparisons = max(1, len(ours.complaints) * len(others))
    everyone = sum(t.mentions for t in totals.values())
    return tuple(
        Rival(
            name, totals[name], totals[name].mentions / everyone if everyone else 0.0,
            _net(totals[name]),
            better(ours, told[name], comparisons) if name != brand.name else (),
        )
        for name, i in ids.items()
    )  # fmt: skip


def wishes_fulfilled(app: App, db: Database, brand: Brand, brand_id: int, day: date) -> tuple[FulfilledWish, ...]:
    """Wishes of the last week that name a competitor, or of which one is praised; loudest first, each rival's praise
    once."""
    others = [b for b in app.config.brands if b.role == "competitor"]
    if not others:
        return ()
    zone = app.config.timezone.key
    end = rules.local_day(day, zone)[1]
    wishes = stored.loudest(
        db, brand_id, Feeling.WISH, rules.local_day(day - (WISH_DAYS - 1) * DAY, zone)[0], end, WISHES
    )
    if not wishes:
        return ()
    since = rules.local_day(day - (RIVAL_DAYS - 1) * DAY, zone)[0]
    praised = {
        b.name: stored.loudest(db, app.brands[b.name], Feeling.PRAISE, since, end, PRAISES) for b in others
    }  # fmt: skip
    terms = [fold_text(term) for b in app.config.brands for term in (b.name, *b.terms)]
    names = {app.brands[b.name]: b.name for b in others}
    found = [line for wish in wishes if (line := _fulfilled(app, db, wish, brand_id, names, praised, terms))]
    return tuple(found[:FULFILLED])


def _fulfilled(
    app: App, db: Database, wish: Found, brand_id: int, names: dict[int, str], praised: dict[str, list[Found]],
    terms: Sequence[str],
) -> FulfilledWish | None:  # fmt: skip
    named = [names[i] for i in stored.others_named(db, wish.quote.post_id, brand_id) if i in names]
    if wish.theme == "rival" and named:
        return FulfilledWish(_cut(app, wish), named[0], None)
    for rival, praises in praised.items():
        found = fulfilled(pairs(_said(wish)), [_said(praise) for praise in praises], terms)
        if found is not None:
            number, word = found
            return FulfilledWish(_cut(app, wish), rival, _cut(app, praises[number]), _as_written(word, wish))
    return None


def _net(totals: Totals) -> float | None:
    positive, negative = totals.positive_posts, totals.negative_posts
    judged = totals.mentions - totals.unsure_posts - totals.unscored_posts - totals.pending_posts
    return (positive - negative) / judged if judged >= RIVAL_FEWEST else None


def _days(last: date, number: int) -> list[date]:
    return [last - back * DAY for back in range(number - 1, -1, -1)]


def _said(found: Found) -> str:
    return fold_text(found.quote.text[slice(*found.span)])


def _as_written(word: str, found: Found) -> str:
    folded = fold(found.quote.text)
    at = folded.text.find(word)
    return found.quote.text[slice(*folded.span(at, at + len(word)))] if at >= 0 else word


def _cut(app: App, found: Found) -> Quote:
    """The post as a quote, cut around its signal; praise of staff is cut to it, for a name may stand beside it."""
    start, end = found.span
    if found.theme == STAFF and not app.config.privacy.keep_names:
        return replace(found.quote, text=found.quote.text[start:end])
    return replace(found.quote, text=excerpt(found.quote.text, start, end, WIDTH))

"""The stages between collect and watch: match, score, group, count. Each takes a batch from its queue. That of signals
is in ``signalling``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlite_utils import Database

from monitor.matching import Hit
from monitor.portions import LONG
from monitor.sentiment.mentions import MentionScore, Named, score_mentions
from monitor.store import counts, fact, groups, mentions, models, not_us, posts, service, set_fact, writing
from monitor.store.alike import COPIES
from monitor.store.mentions import Scored
from monitor.store.posts import Queued
from monitor.stories import Keys
from monitor.work import signalling
from monitor.work.app import App

BINS = 500
GROUPING = "near copies"
"""How copies are found. Another version's recent posts are grouped again, or what copies them would not find them."""
PLAIN = Queued(0, "", "", "post", "服務很好", None, "", "", 0, ())
"""A post that no stage has trouble with, unless the stage itself is broken."""


def prepare(app: App, db: Database, now: datetime) -> None:
    """Before each round: rules that have changed are applied to all posts, and posts set aside may be tried again."""
    from monitor.text import han_fold

    app.follow_model(db)
    with writing(db):
        if fact(db, "rules") != app.matcher.version:
            posts.enqueue_all(db, "match")
            for stage in ("score", "signal"):
                posts.enqueue(db, stage, mentions.in_portions(db, LONG))
            set_fact(db, "rules", app.matcher.version)
        if fact(db, "grouping") != GROUPING:
            posts.enqueue_since(db, "group", now - COPIES.keep)
            set_fact(db, "grouping", GROUPING)
        signalling.prepare(app, db, now)
        service.retry_failed(db, app.version, posts.STAGES, now)
        service.keep_han_fold(db, han_fold())


def find(app: App, batch: Sequence[Queued]) -> list[list[Hit]]:
    return app.matcher.find_many([post.text for post in batch])


def store_matches(app: App, db: Database, batch: Sequence[Queued], found: dict[int, list[Hit]]) -> None:
    """Mentions by the post's own words, else its root's brands, and those that an import named; answers apart."""
    own = {p.id: brand for p in batch if (brand := app.matcher.own_account(p.author_key)) is not None}
    with writing(db):
        service.clear_failures(db, "match", found)
        # First, because a root that changes puts its replies back into this queue.
        posts.done(db, "match", batch)
        matches = {p.id: _mentions(app, db, p, found[p.id], own.get(p.id)) for p in batch if p.id in found}
        if not_us.any_said(db):
            denied = {i: not_us.brands(db, i) for i in matches}
            matches = {i: [m for m in told if m.brand not in denied[i]] for i, told in matches.items()}
        mentions.replace(db, matches, own)


def _mentions(app: App, db: Database, post: Queued, hits: Sequence[Hit], own: int | None) -> list[mentions.Mention]:
    by_brand = {h.brand: mentions.Mention(h.brand, "term", h.term, (h.start, h.end)) for h in hits}
    if not by_brand and post.root and post.root != post.native_id:
        inherited = mentions.of_root(db, post.platform, post.root)
        by_brand = {b: mentions.Mention(b, "thread") for b in inherited}
    for name in post.named:
        brand = app.brands.get(name)
        if brand is not None:
            by_brand.setdefault(brand, mentions.Mention(brand, "import"))
    if own is not None:
        by_brand.pop(own, None)
    return list(by_brand.values())


def score(app: App, batch: Sequence[Queued]) -> list[list[Scored]]:
    """Each post's own score, and where it is long or speaks of several brands, that of what it says of each."""
    texts = [post.text for post in batch]
    found = app.matcher.find_all_many(texts)
    named = [Named(*each) for each in zip(texts, app.scorer.score_many(texts), found, strict=True)]
    return [
        [Scored(post.id, each.whole), *_of_brands(post.id, each, of_brands)]
        for post, each, of_brands in zip(batch, named, score_mentions(app.scorer, named), strict=True)
    ]


def _of_brands(post: int, named: Named, found: Mapping[int, MentionScore]) -> list[Scored]:
    """Only those that differ: a mention without a score of its own has its post's."""
    return [Scored(post, m.score, brand, m.heaviest) for brand, m in found.items() if m != MentionScore(named.whole)]


def store_scores(
    app: App, db: Database, batch: Sequence[Queued], scores: dict[int, list[Scored]], now: datetime
) -> None:  # fmt: skip
    with writing(db):
        service.clear_failures(db, "score", scores)
        models.use(db, app.scorer.version, now)
        rows = (row for found in scores.values() for row in found)
        mentions.refresh(db, mentions.add_scores(db, rows, app.scorer.version, now))
        posts.done(db, "score", batch)


def tie(_app: App, batch: Sequence[Queued]) -> list[Keys]:
    return [posts.keys_of(post) for post in batch]


def store_groups(_app: App, db: Database, batch: Sequence[Queued], tied: dict[int, Keys], now: datetime) -> None:
    with writing(db):
        service.clear_failures(db, "group", tied)
        groups.assign(db, tied, now)
        not_us.keep_to(db, tied)
        posts.done(db, "group", batch)


def count(app: App, db: Database) -> int:
    """Make dirty bins again and let the calendar cover them; how many bins were made."""
    with writing(db):
        made = counts.recount(db, BINS)
        if made:
            service.cover_calendar(db, app.config.timezone)
    follow_zone(app, db)
    return made


def follow_zone(app: App, db: Database) -> None:
    """Make the calendar anew if the config's time zone is another one by now: days and hours are read from it."""
    if fact(db, "zone") != app.config.timezone.key:
        with writing(db):
            service.cover_calendar(db, app.config.timezone)

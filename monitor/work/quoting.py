"""Quotes for digests and alerts: the part of a long post that speaks of the brand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlite_utils import Database

from monitor.excerpts import excerpt
from monitor.model import Quote
from monitor.store import facts

WIDTH = 160
"""Characters of a quote: a post of a microblog whole, of an article the words around the brand's name."""

AMONG = 50
"""The loudest posts of a story among which different texts are looked for."""

REMOVED = "…"
"""What stands for a text that was purged, where its story is still shown."""


def quotes(db: Database, brand: int, start: datetime, end: datetime, limit: int) -> list[Quote]:
    return [shorten(db, brand, q) for q in facts.negative_quotes(db, brand, start, end, limit)]


def quotes_of_story(db: Database, brand: int, story: int, end: datetime, limit: int) -> list[Quote]:
    """The loudest posts of a story up to ``end``, each text once: a story that is copied is not told three times."""
    found = (shorten(db, brand, q) for q in facts.story_quotes(db, brand, story, end, AMONG))
    return list({quote.text: quote for quote in reversed(list(found))}.values())[::-1][:limit]


def quotes_with(
    db: Database, brand: int, post: int, start: datetime, end: datetime, limit: int
) -> list[Quote]:  # fmt: skip
    """One post, whatever it is labelled, and then the loudest negative ones."""
    found = [*facts.post_quotes(db, brand, post), *facts.negative_quotes(db, brand, start, end, limit)]
    return [shorten(db, brand, q) for q in {q.post_id: q for q in found}.values()][:limit]


def shorten(db: Database, brand: int, quote: Quote) -> Quote:
    span: Sequence[int] | None = facts.span_of(db, quote.post_id, brand)
    start, end = span or (0, 0)
    return replace(quote, text=excerpt(quote.text, start, end, WIDTH) or REMOVED)

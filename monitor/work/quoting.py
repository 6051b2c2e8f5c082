"""Quotes for digests and alerts: the part of a long post that speaks of the brand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlite_utils import Database

from monitor.model import Quote
from monitor.store import facts
from monitor.text import excerpt

WIDTH = 160
"""Characters of a quote: a post of a microblog whole, of an article the words around the brand's name."""

REMOVED = "…"
"""What stands for a text that was purged, where its story is still shown."""


def quotes(db: Database, brand: int, start: datetime, end: datetime, limit: int) -> list[Quote]:
    return [shorten(db, brand, q) for q in facts.negative_quotes(db, brand, start, end, limit)]


def shorten(db: Database, brand: int, quote: Quote) -> Quote:
    span: Sequence[int] | None = facts.span_of(db, quote.post_id, brand)
    start, end = span or (0, 0)
    return replace(quote, text=excerpt(quote.text, start, end, WIDTH) or REMOVED)

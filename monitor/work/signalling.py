"""The stage between score and count that finds what customers feel: signals, by the lexicon and the user's themes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlite_utils import Database

from monitor import signals as lexical
from monitor.model import Signal
from monitor.portions import PORTION_RULES
from monitor.store import fact, posts, service, set_fact, signals, writing
from monitor.store.posts import Queued
from monitor.work.app import App

KEEP = timedelta(days=28)
"""How far back signals are found again when what finds them changes: what the digest's chart and ledger look at."""


@dataclass(frozen=True, slots=True)
class Felt:
    """The signals of one post: of each brand that it names, and all of them, which are those of any other brand."""

    of_brands: dict[int, tuple[Signal, ...]]
    whole: tuple[Signal, ...]


def prepare(app: App, db: Database, now: datetime) -> None:
    """Inside the caller's transaction: another lexicon, or other themes, find the last weeks' signals again."""
    version = f"{lexical.RULES}.{PORTION_RULES}.{app.lexicon.version}.{int(app.config.privacy.keep_names)}"
    if fact(db, "signals") != version:
        signals.find_again(db, now - KEEP)
        set_fact(db, "signals", version)


def find(app: App, batch: Sequence[Queued]) -> list[Felt]:
    places = app.matcher.find_all_many([post.text for post in batch])
    return [_felt(app, post.text, spans) for post, spans in zip(batch, places, strict=True)]


def _felt(app: App, text: str, spans: dict[int, list[tuple[int, int]]]) -> Felt:
    names = [span for places in spans.values() for span in places]
    every = lexical.find(text, app.lexicon, named=names, keep_names=app.config.privacy.keep_names)
    return Felt(lexical.of_brands(text, spans, every), every)


def store(_app: App, db: Database, batch: Sequence[Queued], found: dict[int, Felt]) -> None:
    with writing(db):
        service.clear_failures(db, "signal", found)
        brands = signals.brands_of(db, list(found))
        signals.replace(db, {i: {b: felt.of_brands.get(b, felt.whole) for b in brands[i]} for i, felt in found.items()})
        posts.done(db, "signal", batch)

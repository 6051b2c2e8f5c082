"""Denying: a person says that a post is not about the brand. It and its copies count no more, and its incident is
judged anew; the config's line that would have kept it out is offered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from monitor.doctor import Exclude, Terms, exclude_for
from monitor.errors import UsageError
from monitor.store import incidents as stored
from monitor.store import labels, not_us, posts, rejudge, writing
from monitor.work import stages
from monitor.work.app import App
from monitor.work.naming import the_brand, the_post

DAYS, MENTIONS, SAID = 90, 20_000, 500
"""What a proposed exclude is tried on: the mentions of these days, at most so many of them and of posts denied."""


@dataclass(frozen=True, slots=True)
class Denied:
    """What ``not-us`` did. ``changed`` False: it was so before. ``posts`` lost the mention or have it again; the
    ``incidents`` are judged anew by the next watch. ``exclude``: the line for the config, if one is safe."""

    changed: bool
    says: str
    post: int
    brand: str
    posts: tuple[int, ...] = ()
    incidents: tuple[int, ...] = ()
    exclude: Exclude | None = None
    line: str = ""


def deny(app: App, db: Database, name: str, brand: str, by: str, now: datetime) -> Denied:
    """``name``: see ``labels.find_post``; ``brand`` may be empty where the post mentions only one. UsageError if the
    post or the brand cannot be told."""
    post = the_post(db, name)
    denied = not_us.brands(db, post)
    brand_id, brand = the_brand(app, post, brand, set(labels.brands_of(db, post)) | denied)
    if brand_id in denied and brand_id not in labels.brands_of(db, post):
        return Denied(False, f"post {post} does not count for {brand} already", post, brand)
    proposal, line = _proposal(app, db, post, brand_id, brand, now)
    with writing(db, durable=True):
        every = not_us.copies(db, post)
        lost = not_us.say(db, every, brand_id, by, now)
        doubted = rejudge.doubt(db, brand_id, not_us.first_counted(db, every), rejudge.NOT_US)
        for incident in doubted:
            stored.add_event(db, incident, now, "not_us", f"post {post} is not about {brand}", by=by)
    _count(app, db)
    says = f"post {post} does not count for {brand} any more{_copies(len(lost) - 1)}"
    return Denied(True, says, post, brand, tuple(lost), tuple(doubted), proposal, line)


def take_back(app: App, db: Database, name: str, brand: str) -> Denied:
    """The post and its copies are matched again, as if nobody had said anything."""
    post = the_post(db, name)
    denied = not_us.brands(db, post)
    if not denied:
        raise UsageError(f"POST: nobody said of post {post} that it is not about a brand")
    brand_id, brand = the_brand(app, post, brand, denied)
    with writing(db):
        had = not_us.take_back(db, not_us.copies(db, post), brand_id)
    batch = posts.read(db, had)
    stages.store_matches(app, db, batch, dict(zip(had, stages.find(app, batch), strict=True)))
    _count(app, db)
    return Denied(bool(had), f"post {post} may count for {brand} again", post, brand, tuple(had))


def _copies(n: int) -> str:
    return "" if n < 1 else ", nor does 1 copy" if n == 1 else f", nor do {n} copies"


def _count(app: App, db: Database) -> None:
    while stages.count(app, db):
        pass


def _proposal(app: App, db: Database, post: int, brand_id: int, name: str, now: datetime) -> tuple[Exclude | None, str]:
    brand = app.config.brand(name)
    (read,) = posts.read(db, [post])
    if brand is None or not read.text:
        return None, ""
    terms = Terms(brand.name, brand.terms, brand.require, brand.exclude)
    mine = {p.text for p in posts.read(db, not_us.copies(db, post))}
    mentions = [
        (text, ours) for text, ours in not_us.mentions_of(db, brand_id, now, DAYS, MENTIONS) if text not in mine
    ]  # fmt: skip
    said = [read.text, *(text for text in not_us.texts(db, brand_id, SAID) if text not in mine)]
    found = exclude_for(terms, read.text, said, mentions)
    return found, found.line(terms) if found else ""

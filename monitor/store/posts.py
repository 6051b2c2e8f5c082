"""Posts, their sightings, engagement and revisions, and the queue of work that each stage still has to do."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlite_utils import Database

from monitor.model import Author, Engagement, Post, counted_at, utc_text
from monitor.store import counts
from monitor.stories import Keys, keys

STAGES = ("match", "score", "signal", "group")

BATCH = 500
"""Posts that a stage does in one transaction."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """How posts came in: by which source, when, and whether their arrival must be assumed (imports, backfill)."""

    source: str
    at: datetime
    live_within: timedelta
    assumed: bool = False
    trust_unclaimed: bool = True  # False on a source's first answer: a post without a time may be years old
    late_is_assumed: bool = False  # backfill: what is too late to page is taken to have come when it was written
    heard_to: datetime | None = None  # what this source had seen by then is a known post, and what is older
    seen_by: datetime | None = None  # what it had seen by then, if that is another moment


@dataclass(frozen=True, slots=True)
class Added:
    """What a page brought: posts seen, and of these new to the database.

    ``known``: posts that this source had seen by ``heard_to``, or that are older; ``last_known``: the last one is.
    ``oldest``: how far back the list was read, by the same signs: the time of its last post, or of its second oldest.
    One old post alone may be pinned. ``ids``: of the posts, in their order.
    """

    seen: int
    new: int
    known: int
    last_known: bool
    oldest: datetime | None
    ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Queued:
    """One post as the stages read it."""

    id: int
    platform: str
    native_id: str
    kind: str
    text: str
    author_key: str | None
    parent: str
    root: str
    ticket: int
    named: tuple[str, ...]
    url: str = ""
    page: str = ""


AuthorKey = Callable[[str, str], str]
"""(platform, the platform's author id) -> the keyed hash that is stored."""


def add(
    db: Database, posts: Sequence[Post], arrival: Arrival, author_key: AuthorKey, keep_names: bool = False
) -> Added:
    """Store one page inside the caller's transaction. The same page again adds nothing."""
    ids: list[int] = []
    new: list[int] = []
    known, last_known = 0, False
    times: list[datetime] = []
    for post in map(_storable, posts):
        claimed = counted_at(post.published_at, arrival.at)
        times.append(claimed)
        found = db.execute(
            "SELECT id, text, kind, named, purged_at FROM posts WHERE platform = ? AND native_id = ?",
            [post.platform, post.native_id],
        ).fetchone()
        if found is None:
            identity = _insert(db, post, arrival, claimed, author_key, keep_names)
            new.append(identity)
        elif found[4] is not None:
            identity, post = found[0], replace(post, text="", engagement=Engagement())  # its time here is over
        else:
            identity, text, kind, named, _ = found
            _see_again(db, identity, text, json.loads(named), post, arrival, claimed)
            _change_kind(db, identity, kind, post, arrival.at)
        ids.append(identity)
        old = arrival.heard_to is not None and claimed <= arrival.heard_to
        last_known = (found is not None and _seen_before(db, identity, post, arrival)) or old
        known += last_known
        _engagement(db, identity, post, arrival.at)
    enqueue(db, "match", new)
    oldest = min(times[-1], sorted(times)[:2][-1]) if times else None
    return Added(len(posts), len(new), known, last_known, oldest, tuple(ids))


_SURROGATE = re.compile("[\ud800-\udfff]")


def _storable(post: Post) -> Post:
    """The post with lone surrogates, which JSON may hold and no file can, as U+FFFD: one must not cost its page."""
    author = post.author or Author("")
    every = (post.native_id, post.text, post.url, post.kind, post.parent, post.root, post.page,
             author.id, author.name, author.verified)  # fmt: skip
    if not _SURROGATE.search("\n".join(every)):
        return post
    native_id, text, url, kind, parent, root, page, who, name, verified = (_SURROGATE.sub("\ufffd", s) for s in every)
    author = replace(author, id=who, name=name, verified=verified)
    return replace(
        post, native_id=native_id, text=text, url=url, kind=kind, parent=parent, root=root, page=page,
        author=post.author and author,
    )  # fmt: skip


def _insert(
    db: Database, post: Post, arrival: Arrival, counted: datetime, author_key: AuthorKey, keep_names: bool
) -> int:
    author, root = post.author, _root(db, post)
    late = arrival.at - counted > arrival.live_within
    assumed = arrival.assumed or (arrival.late_is_assumed and late)
    arrived = counted if assumed else arrival.at
    claimed = post.published_at is not None or arrival.trust_unclaimed
    live = claimed and not assumed and not late
    cursor = db.execute(
        """INSERT INTO posts (platform, native_id, url, kind, text, author_key, author_name, followers, verified,
               published_at, counted_at, arrived_at, assumed, live, parent, root, page, named)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        (
            post.platform, post.native_id, post.url, post.kind, post.text,
            author_key(post.platform, author.id) if author and author.id else None,
            author.name if author and keep_names else None,
            author.followers if author else None,
            author.verified if author else "",
            utc_text(post.published_at) if post.published_at else None,
            utc_text(counted), utc_text(arrived), assumed, live,
            post.parent, root, post.page, json.dumps(post.brands, ensure_ascii=False) if post.brands else "[]",
        ),
    )  # fmt: skip
    identity = cursor.lastrowid
    assert identity is not None  # an INSERT that did not raise has a rowid
    _keep_kind(db, identity, post.kind, arrived if live else counted, first=True)
    _sight(db, identity, post, arrival)
    return identity


def _root(db: Database, post: Post) -> str:
    """The start of the thread: where a reply knows only what it answers, that post may know more."""
    if not post.parent or post.root not in ("", post.parent):
        return post.root
    parent = db.execute(
        "SELECT root FROM posts WHERE platform = ? AND native_id = ?", [post.platform, post.parent]
    ).fetchone()
    return (parent[0] if parent else "") or post.parent


def _see_again(
    db: Database, identity: int, text: str, named: list[str], post: Post, arrival: Arrival, counted: datetime
) -> None:
    """A post seen before: an edit keeps both texts, and a brand that another import names is added."""
    edited = _is_edit(text, post.text, _shown_before(db, identity, arrival.source))
    if edited:
        db.execute(
            """INSERT INTO revisions VALUES (?, ?, ?)
               ON CONFLICT DO UPDATE SET text = text || char(10, 10) || excluded.text""",
            [identity, utc_text(arrival.at), text],
        )
        db.execute("UPDATE posts SET text = ? WHERE id = ?", [post.text, identity])
        db.execute("DELETE FROM scores WHERE post = ?", [identity])
    more = [b for b in post.brands if b not in named]
    if more:
        db.execute(
            "UPDATE posts SET named = ? WHERE id = ?", [json.dumps([*named, *more], ensure_ascii=False), identity]
        )
    if not arrival.assumed and arrival.at - counted <= arrival.live_within:
        _arrives(db, identity, arrival.at)
    if more or edited:
        enqueue(db, "match", [identity])
    if edited:
        for stage in ("score", "signal", "group"):
            enqueue(db, stage, [identity])


def _is_edit(text: str, new: str, shown_before: bytes | None) -> bool:
    """Whether a new text takes the place of the kept one; ``shown_before``: the hash of what this source showed.

    The fuller text does, whoever shows it: a feed's first lines give way to the article. Else it is an edit only if the
    same source showed another text before, for a search and a board may show one post cut differently, and would take
    turns at editing it; and a shorter one only if what is kept is what that source showed.
    """
    if text == new or _is_excerpt(text, new):
        return text != new
    changed = shown_before not in (None, _hash(new))
    return changed and (shown_before == _hash(text) or len(new) >= len(text))


def _is_excerpt(text: str, whole: str) -> bool:
    """Whether all of a text, but for spaces and an ellipsis at its end, is in a longer one."""
    short, long = ("".join(one.split()).removesuffix("...").rstrip("…") for one in (text, whole))
    return len(short) < len(long) and short in long


def _change_kind(db: Database, identity: int, kind: str, post: Post, at: datetime) -> None:
    """A complaint has another state than before; "post" says nothing: a source without a word for it."""
    if post.kind not in (kind, "post"):
        db.execute("UPDATE posts SET kind = ? WHERE id = ?", [post.kind, identity])
        _keep_kind(db, identity, post.kind, at)


def _keep_kind(db: Database, identity: int, kind: str, at: datetime, *, first: bool = False) -> None:
    """Since when it is known how a complaint stands on its platform. ``first``: so it was when it was first seen."""
    if kind.partition(":")[0] == "complaint":
        db.execute(
            "INSERT INTO complaint_kinds VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET kind = excluded.kind",
            [identity, utc_text(at), kind, first],
        )


def look_again(db: Database, identity: int, post: Post, arrival: Arrival) -> None:
    """A post as its source shows it when asked again: its counts, and an edit as ``add`` would know it.

    A source that was only told the counts gives back the text it got, which says nothing of what it would itself show.
    """
    found = db.execute("SELECT text, named, kind FROM posts WHERE id = ? AND purged_at IS NULL", [identity]).fetchone()
    if found is None:
        return
    text, post = found[0], _storable(post)
    if post.text and post.text != text:
        _see_again(db, identity, text, json.loads(found[1]), post, arrival, arrival.at)
        _seen_before(db, identity, post, arrival)
    _change_kind(db, identity, found[2], post, arrival.at)
    _engagement(db, identity, post, arrival.at)


def mark_gone(db: Database, identity: int, now: datetime) -> None:
    """The platform says that the post no longer exists. It is kept, and goes on counting: it was said."""
    db.execute("UPDATE posts SET gone_at = ? WHERE id = ? AND gone_at IS NULL", [utc_text(now), identity])


def _arrives(db: Database, identity: int, at: datetime) -> None:
    """What was known from an import is now heard in time by a source, and may page like any other post."""
    changed = db.execute(
        "UPDATE posts SET live = 1, assumed = 0, arrived_at = ? WHERE id = ? AND assumed", [utc_text(at), identity]
    )
    if changed.rowcount:
        counts.mark(db, [identity])


def _shown_before(db: Database, identity: int, source: str) -> bytes | None:
    row = db.execute("SELECT text_hash FROM sightings WHERE post = ? AND source = ?", [identity, source]).fetchone()
    return row[0] if row else None


def _hash(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest()


def _seen_before(db: Database, identity: int, post: Post, arrival: Arrival) -> bool:
    """Note that the source saw the post. True if it had seen it by ``heard_to``: the run has then reached back.

    A post stored later than that, by a run that a crash cut short, proves nothing: pages behind it may be missing.
    """
    key = [identity, arrival.source]
    row = db.execute("SELECT seen_at FROM sightings WHERE post = ? AND source = ?", key).fetchone()
    if row is None:
        _sight(db, identity, post, arrival)
        return False
    db.execute("UPDATE sightings SET text_hash = ? WHERE post = ? AND source = ?", [_hash(post.text), *key])
    seen_by = arrival.seen_by or arrival.heard_to
    return seen_by is not None and bool(row[0] <= utc_text(seen_by))


def _sight(db: Database, identity: int, post: Post, arrival: Arrival) -> None:
    row = [identity, arrival.source, utc_text(arrival.at), _hash(post.text)]
    db.execute("INSERT INTO sightings VALUES (?, ?, ?, ?)", row)


def _engagement(db: Database, identity: int, post: Post, at: datetime) -> None:
    if not post.engagement:
        return
    e = post.engagement
    last = db.execute(
        "SELECT likes, reposts, comments FROM engagement WHERE post = ? ORDER BY seen_at DESC LIMIT 1", [identity]
    ).fetchone()
    if last != (e.likes, e.reposts, e.comments):
        db.execute(
            """INSERT INTO engagement VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE
               SET likes = excluded.likes, reposts = excluded.reposts, comments = excluded.comments""",
            [identity, utc_text(at), e.likes, e.reposts, e.comments],
        )


def enqueue(db: Database, stage: str, ids: Iterable[int]) -> None:
    """Have a stage do these posts, again if it is doing them just now."""
    db.conn.executemany(
        "INSERT INTO queue VALUES (?, ?, random()) ON CONFLICT DO UPDATE SET ticket = excluded.ticket",
        [(stage, i) for i in ids],
    )


def enqueue_all(db: Database, stage: str) -> None:
    """Have a stage do every post again: the rules have changed."""
    db.execute(
        """INSERT INTO queue SELECT ?, id, random() FROM posts WHERE true
           ON CONFLICT DO UPDATE SET ticket = excluded.ticket""",
        [stage],
    )


def enqueue_since(db: Database, stage: str, since: datetime) -> None:
    """Have a stage do every post again that arrived since then."""
    db.execute(
        """INSERT INTO queue SELECT ?, id, random() FROM posts WHERE arrived_at >= ?
           ON CONFLICT DO UPDATE SET ticket = excluded.ticket""",
        [stage, utc_text(since)],
    )


def take(db: Database, stage: str, limit: int) -> list[Queued]:
    """The next posts that a stage has to do, oldest first; they stay queued until ``done``."""
    rows = db.execute(
        """SELECT p.id, p.platform, p.native_id, p.kind, p.text, p.author_key, p.parent, p.root, q.ticket, p.named,
                  p.url, p.page
           FROM queue q JOIN posts p ON p.id = q.post WHERE q.stage = ? ORDER BY q.post LIMIT ?""",
        [stage, limit],
    ).fetchall()
    return [_queued(row) for row in rows]


def read(db: Database, ids: Iterable[int]) -> list[Queued]:
    """Posts by their id, as the stages read them; they need not be queued."""
    one = """SELECT id, platform, native_id, kind, text, author_key, parent, root, 0, named, url, page
             FROM posts WHERE id = ?"""
    rows = [db.execute(one, [i]).fetchone() for i in ids]
    return [_queued(row) for row in rows]


def _queued(row: tuple[Any, ...]) -> Queued:
    named = () if row[9] == "[]" else tuple(json.loads(row[9]))
    return Queued(*(*row[:9], named, *row[10:]))


def keys_of(post: Queued) -> Keys:
    """What ties a post to others."""
    return keys(
        post.platform, post.native_id, post.kind, post.text, post.parent, post.root, url=post.url, page=post.page
    )


def newest_texts(db: Database, limit: int) -> list[tuple[str, bool]]:
    """The newest posts' texts, each with whether its source also brings posts that mention no brand."""
    rows = db.execute(
        """WITH newest AS (SELECT id, text FROM posts WHERE purged_at IS NULL ORDER BY id DESC LIMIT ?),
                seen AS (SELECT n.id, n.text, min(s.source) AS source,
                                EXISTS (SELECT 1 FROM mentions m WHERE m.post = n.id) AS matched
                         FROM newest n LEFT JOIN sightings s ON s.post = n.id GROUP BY n.id)
           SELECT text, avg(matched) OVER (PARTITION BY source) < 0.9 FROM seen""",
        [limit],
    )
    return [(text, bool(unasked)) for text, unasked in rows.fetchall()]


def newest_mentions(db: Database, limit: int) -> list[str]:
    """The texts of the newest posts that mention a brand."""
    rows = db.execute(
        """SELECT p.text FROM posts p WHERE p.purged_at IS NULL
           AND EXISTS (SELECT 1 FROM mentions m WHERE m.post = p.id) ORDER BY p.id DESC LIMIT ?""",
        [limit],
    )
    return [text for (text,) in rows.fetchall()]


def done(db: Database, stage: str, batch: Iterable[Queued]) -> None:
    """Take posts off a stage's queue, except those that were put there again since they were taken."""
    db.conn.executemany(
        "DELETE FROM queue WHERE stage = ? AND post = ? AND ticket = ?", [(stage, p.id, p.ticket) for p in batch]
    )


def waiting(db: Database) -> dict[str, int]:
    """How many posts each stage still has to do."""
    found = dict(db.execute("SELECT stage, count(*) FROM queue GROUP BY stage").fetchall())
    return {stage: found.get(stage, 0) for stage in STAGES}

"""What happened in one complaint, how far it went, and the row that says so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlite_utils import Database

from monitor.complaints import GRAVE, Standing, Turn, TurnKind, platform_turn
from monitor.model import Recovery, from_utc_text, utc_text
from monitor.store import moment
from monitor.store.complaints import COMPLAINS, CORE, DENIED, FIRST, THREAD, who

ELSEWHERE = timedelta(days=30)
"""How long what an author says of the brand outside the thread still speaks of the complaint."""

_GRAVE = "(" + ", ".join(f"'{theme}'" for theme in GRAVE) + ")"

_ALL = f"""FROM complaint_texts t CROSS JOIN group_members gm ON gm."group" = t."group"
    CROSS JOIN mentions m ON m.post = gm.post AND m.brand = t.brand CROSS JOIN posts p ON p.id = m.post
    WHERE t.complaint = :complaint AND NOT {DENIED}"""
"""Every post of a complaint: its texts, and all copies of them."""


@dataclass(frozen=True, slots=True)
class Head:
    """The first post of a complaint. ``kept``: its state, if a post that it rests on was purged: it stays as it is."""

    complaint: int
    brand: int
    post: int
    platform: str
    native_id: str
    thread: str
    author_key: str | None
    author_name: str | None
    first_seen: datetime
    purged: bool
    state: Recovery
    known: bool
    kept: Standing | None


def head(db: Database, complaint: int) -> Head | None:
    """None if nothing is left of it."""
    row = db.execute(
        f"""SELECT t.brand, p.id, p.platform, p.native_id, {THREAD}, p.author_key, p.author_name, p.counted_at,
                   p.purged_at IS NOT NULL {_ALL} ORDER BY {FIRST} LIMIT 1""",
        {"complaint": complaint},
    ).fetchone()
    if row is None:
        return None
    brand, post, platform, native_id, thread, author, name, first, purged = row
    state, posts = db.execute("SELECT state, posts FROM complaints WHERE id = ?", [complaint]).fetchone()
    kept = _standing(db, complaint) if posts and (purged or _rests_on_purged(db, complaint)) else None
    return Head(
        complaint, brand, post, platform, native_id, thread, author, name, from_utc_text(first), bool(purged),
        Recovery(state), bool(posts), kept,
    )  # fmt: skip


def _rests_on_purged(db: Database, complaint: int) -> bool:
    return db.execute(
        """SELECT 1 FROM complaints c JOIN posts p ON p.id IN (c.answer, c.recovery, c.loss)
           WHERE c.id = ? AND p.purged_at IS NOT NULL""",
        [complaint],
    ).fetchone() is not None  # fmt: skip


def _standing(db: Database, complaint: int) -> Standing:
    row = db.execute(
        """SELECT state, since, answered_at, answer, time_to_answer, recovered_at, recovery, time_to_recovery,
                  recovered_by, lost_at, loss FROM complaints WHERE id = ?""",
        [complaint],
    ).fetchone()
    return Standing(
        Recovery(row[0]), from_utc_text(row[1]), moment(row[2]), row[3] or 0, row[4], moment(row[5]), row[6] or 0,
        row[7], row[8], moment(row[9]), row[10] or 0,
    )  # fmt: skip


def turns(db: Database, of: Head) -> list[Turn]:
    """All that happened in it, in no order."""
    found = [Turn(of.first_seen, TurnKind.COMPLAINT, of.post), *_platform(db, of), *_answers(db, of)]
    if of.author_key:
        said = _sayings(db, of)
        happy = {turn.post for turn in said if turn.kind is TurnKind.RECOVERED}
        found += [turn for turn in _again(db, of) if turn.post not in happy] + said
    return found


def _platform(db: Database, of: Head) -> Iterable[Turn]:
    rows = db.execute("SELECT kind, at, first FROM complaint_kinds WHERE post = ?", [of.post]).fetchall()
    for kind, at, first in rows:
        said = max(from_utc_text(at), of.first_seen)
        if (turn := platform_turn(kind, said, first=bool(first))) is not None:
            yield turn


def _again(db: Database, of: Head) -> list[Turn]:
    """Its author's complaints in its thread, the first and later ones."""
    rows = db.execute(
        f"""SELECT p.id, p.counted_at FROM posts p CROSS JOIN mentions m ON m.post = p.id AND m.brand = ?
            WHERE p.author_key = ? AND p.counted_at > ? AND p.platform = ? AND {THREAD} = ? AND {CORE}""",
        [of.brand, of.author_key, utc_text(of.first_seen), of.platform, of.thread],
    ).fetchall()
    return [Turn(from_utc_text(at), TurnKind.COMPLAINT, post) for post, at in rows]


def _sayings(db: Database, of: Head) -> list[Turn]:
    """What its author said of it later: in its thread, or within ``ELSEWHERE`` of the brand anywhere."""
    assert of.author_key is not None
    rows = db.execute(
        f"""SELECT s.kind, s.counted_at, s.post FROM complaint_sayings s JOIN posts p ON p.id = s.post
            WHERE s.who = :who AND s.kind IN ('recovered', 'leaving') AND s.counted_at >= :start
            AND ((p.platform = :platform AND {THREAD} = :thread)
                 OR (s.counted_at <= :until
                     AND EXISTS (SELECT 1 FROM mentions m WHERE m.post = p.id AND m.brand = :brand)))
            AND (s.kind = 'recovered' OR EXISTS (SELECT 1 FROM signals g WHERE g.post = s.post AND g.brand = :brand
                                                 AND g.kind IN ('leaving', 'exit')))""",
        {"who": who("key", of.author_key), "start": utc_text(of.first_seen), "platform": of.platform,
         "thread": of.thread, "until": utc_text(of.first_seen + ELSEWHERE), "brand": of.brand},
    ).fetchall()  # fmt: skip
    kinds = {"recovered": TurnKind.RECOVERED, "leaving": TurnKind.LEAVING}
    return [Turn(from_utc_text(at), kinds[kind], post) for kind, at, post in rows]


_ANSWERS = f"""SELECT a.id, a.counted_at, p.author_key, p.author_name, p.root IN ('', p.native_id) {{before}}
    CROSS JOIN posts a INDEXED BY {{index}} ON a.platform = p.platform AND {{tie}} AND a.own_brand IS NOT NULL
    WHERE t.complaint = :complaint AND NOT {DENIED} AND a.own_brand = t.brand AND a.counted_at >= p.counted_at"""
_BEFORE = _ALL.partition("WHERE")[0]
_TO_POSTS = _ANSWERS.format(before=_BEFORE, index="posts_answering", tie="a.parent = p.native_id")
_IN_THREADS = _ANSWERS.format(
    before=_BEFORE, index="posts_answering_in", tie="a.root = p.native_id AND a.parent = '' AND a.id <> p.id"
)


def _answers(db: Database, of: Head) -> Iterable[Turn]:
    """What the brand's own accounts replied to it: to one of its posts, to a later word of its author in its thread, or
    there by his name. A reply to the whole thread that calls somebody else by name is for that one."""
    named = {"complaint": of.complaint}
    rows = db.execute(_TO_POSTS, named).fetchall() + db.execute(_IN_THREADS, named).fetchall()
    for answer, at, key, name, begins in rows:
        if not begins or (called := _named(db, answer)) == set() or called & _calls(key, name):
            yield Turn(from_utc_text(at), TurnKind.ANSWER, answer)
    if of.author_key is None:
        return
    replies = db.execute(
        """SELECT a.id, a.counted_at FROM posts a INDEXED BY posts_answering_in
           LEFT JOIN posts q ON q.platform = a.platform AND q.native_id = a.parent
           WHERE a.platform = :platform AND a.root = :thread AND a.own_brand IS NOT NULL AND a.own_brand = :brand
           AND a.counted_at >= :start
           AND ((q.author_key = :author AND q.native_id <> :thread AND q.counted_at <= a.counted_at)
                OR EXISTS (SELECT 1 FROM complaint_sayings s WHERE s.post = a.id AND s.kind = 'names'
                           AND s.who IN (:key, :name)))""",
        {"author": of.author_key, "thread": of.thread, "platform": of.platform, "brand": of.brand,
         "start": utc_text(of.first_seen), "key": who("key", of.author_key),
         "name": who("name", of.author_name) if of.author_name else None},
    ).fetchall()  # fmt: skip
    for answer, at in replies:
        yield Turn(from_utc_text(at), TurnKind.ANSWER, answer)


def _named(db: Database, answer: int) -> set[bytes]:
    rows = db.execute("SELECT who FROM complaint_sayings WHERE post = ? AND kind = 'names'", [answer])
    return {name for (name,) in rows.fetchall()}


def _calls(key: str | None, name: str | None) -> set[bytes]:
    return {who(kind, said) for kind, said in (("key", key), ("name", name)) if said}


# -- how far it went -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Extent:
    """How far a complaint went, as last seen. ``reach``: followers of its authors, each once, and engagement; None
    where no platform shows any of these."""

    last_seen: str
    posts: int
    voices: int
    authors: int
    reach: int | None
    likes: int | None
    reposts: int | None
    comments: int | None

    @property
    def engagement(self) -> int:
        return (self.likes or 0) + (self.reposts or 0) + (self.comments or 0)

    @property
    def last(self) -> datetime:
        return from_utc_text(self.last_seen)


_EXTENT = f"""WITH said AS (
        SELECT p.id, p.author_key, p.followers, p.counted_at, m.opens_voice,
               e.likes, e.reposts, e.comments
        {_BEFORE}
        LEFT JOIN engagement e ON e.post = p.id AND e.seen_at = (
            SELECT max(seen_at) FROM engagement WHERE post = p.id AND seen_at < :until)
        WHERE t.complaint = :complaint AND p.counted_at < :until AND NOT {DENIED})
    SELECT max(counted_at), count(*), max(1, sum(opens_voice)), count(DISTINCT author_key),
           iif(count(coalesce(followers, likes, reposts, comments)),
               (SELECT coalesce(sum(most), 0) FROM (SELECT max(followers) AS most FROM said
                                                    GROUP BY coalesce(author_key, id)))
               + coalesce(sum(coalesce(likes, 0) + coalesce(reposts, 0) + coalesce(comments, 0)), 0), NULL),
           sum(likes), sum(reposts), sum(comments)
    FROM said"""
EVER = "9999-12-31T00:00:00Z"


def extent(db: Database, complaint: int, until: str = EVER) -> Extent | None:
    """As it was seen before ``until``; None if nothing of it had been written."""
    row = db.execute(_EXTENT, {"complaint": complaint, "until": until}).fetchone()
    return Extent(*row) if row[1] else None


@dataclass(frozen=True, slots=True)
class Words:
    """What a complaint says. ``themes``: most authors first. ``leaving``: the words by which it leaves or tells others
    to. ``texts``: of the first post of each of its texts.
    ``quoted``: the post to quote, its text and where in it what hurts stands, if that is known."""

    themes: tuple[str, ...]
    leaving: tuple[str, ...]
    texts: tuple[str, ...]
    quoted: tuple[int, str, tuple[int, int] | None]


MOST = 20
"""Texts of one complaint that are read."""


def words(db: Database, of: Head) -> Words:
    named = {"complaint": of.complaint}
    rows = db.execute(
        f"""SELECT iif(s.kind = 'complaint', s.theme, NULL),
                   iif(s.kind = 'complaint', NULL, substr(p.text, s.start + 1, s."end" - s.start)),
                   count(DISTINCT coalesce(p.author_key, p.id))
            {_BEFORE} CROSS JOIN signals s ON s.post = m.post AND s.brand = m.brand
            WHERE t.complaint = :complaint AND NOT {DENIED} AND s.kind IN {COMPLAINS}
            GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2""",
        named,
    ).fetchall()
    texts = db.execute(
        f"""SELECT p.text, min({FIRST.partition(",")[0]}) {_ALL} GROUP BY t."group" ORDER BY 2 LIMIT {MOST}""", named
    ).fetchall()
    return Words(
        tuple(theme for theme, _, _ in rows if theme), tuple(said for _, said, _ in rows if said is not None),
        tuple(text for text, _ in texts), _quoted(db, of),
    )  # fmt: skip


def _quoted(db: Database, of: Head) -> tuple[int, str, tuple[int, int] | None]:
    """The first post that complains by itself and still stands, and of it the gravest signal's place."""
    post, text, start, end = db.execute(
        f"""SELECT p.id, p.text, m.quote_start, m.quote_end {_ALL}
            ORDER BY p.gone_at IS NOT NULL, NOT {CORE}, {FIRST} LIMIT 1""",
        {"complaint": of.complaint},
    ).fetchone()
    row = db.execute(
        f"""SELECT start, "end" FROM signals WHERE post = ? AND brand = ? AND kind IN {COMPLAINS}
            ORDER BY theme NOT IN {_GRAVE}, kind, start LIMIT 1""",
        [post, of.brand],
    ).fetchone()
    span = row or ((start, end) if start is not None else None)
    return post, text, span and (span[0], span[1])


# -- the row ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Entry:
    """What the ledger says of a complaint now."""

    extent: Extent
    themes: Sequence[str]
    severity: int
    quote: tuple[int, int, int]


def write(db: Database, of: Head, entry: Entry) -> None:
    """How far it went and what it says."""
    e = entry.extent
    db.execute(
        """UPDATE complaints SET post = ?, author = ?, first_seen = ?, last_seen = ?, posts = ?, voices = ?,
               authors = ?, reach = ?, likes = ?, reposts = ?, comments = ?, themes = ?, severity = ?, quote_post = ?,
               quote_start = ?, quote_end = ? WHERE id = ?""",
        [of.post, None if of.purged or not of.author_key else who("key", of.author_key), utc_text(of.first_seen),
         e.last_seen, e.posts, e.voices, e.authors, e.reach, e.likes, e.reposts, e.comments,
         ",".join(entry.themes), entry.severity, *entry.quote, of.complaint],
    )  # fmt: skip


def stand(db: Database, of: Head, standing: Standing, by: str, now: datetime) -> None:
    """Its state, with an event if that is another than before. ``by``: the person whose word it is, else empty."""
    times = (standing.answered_at, standing.recovered_at, standing.lost_at)
    answered, recovered, lost = (utc_text(at) if at else None for at in times)
    db.execute(
        """UPDATE complaints SET state = ?, since = ?, answered_at = ?, answer = ?, time_to_answer = ?,
               recovered_at = ?, recovery = ?, time_to_recovery = ?, recovered_by = ?, lost_at = ?, loss = ?,
               corrected_by = ? WHERE id = ?""",
        [standing.state.value, utc_text(standing.since), answered, standing.answer or None, standing.to_answer,
         recovered, standing.recovery or None, standing.to_recovery, standing.recovered_by, lost,
         standing.loss or None, by, of.complaint],
    )  # fmt: skip
    before = of.state if of.known else Recovery.NEW
    if not by and standing.state is not before:
        add_event(db, of.complaint, now, "state", standing.state, "", why(standing, of.first_seen))


def why(standing: Standing, first_seen: datetime) -> str:
    """Of a change by the rules: what it rests on. New again by nothing that was said: so a person's word was undone."""
    said = {
        Recovery.NEW: 0, Recovery.ANSWERED: standing.answer, Recovery.RECOVERED: standing.recovery,
        Recovery.LOST: standing.loss,
    }[standing.state]  # fmt: skip
    if standing.state is Recovery.NEW:
        return "complained again" if standing.since > first_seen else "the rules"
    return f"post {said}" if said else "the platform"


def add_event(
    db: Database, complaint: int, at: datetime, event: str, state: Recovery, by: str, note: str
) -> None:  # fmt: skip
    db.execute(
        'INSERT INTO complaint_events (complaint, at, event, state, "by", note) VALUES (?, ?, ?, ?, ?, ?)',
        [complaint, utc_text(at), event, state.value, by, note],
    )


@dataclass(frozen=True, slots=True)
class Word:
    """What a person said of a complaint, and when."""

    state: Recovery
    by: str
    at: datetime


def word(db: Database, complaint: int) -> Word | None:
    """The newest word of a person that was not taken back."""
    row = db.execute(
        """SELECT event, state, "by", at FROM complaint_events WHERE complaint = ? AND event IN ('person', 'undo')
           ORDER BY at DESC, id DESC LIMIT 1""",
        [complaint],
    ).fetchone()
    return Word(Recovery(row[1]), row[2], from_utc_text(row[3])) if row and row[0] == "person" else None

"""After any sequence of posts, answers, matches, labels, signals, groups and edits, in whatever order they came and
with the process killed between, the ledger equals one that is made from the rows alone.

Which posts are one complaint is also reckoned by an oracle that knows nothing of SQL.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlite_utils import Database

from monitor.complaints import says_recovered
from monitor.model import Author, Engagement, Label, Post, Score, utc_text
from monitor.store import brand_ids, complaints, counts, groups, mentions, models, open_store, posts, writing
from monitor.stories import keys
from monitor.work import complaining

START = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
LATER = START + timedelta(minutes=160)
TEXTS = (
    "退钱",
    "澄嵐氣炸鍋用了不到一個月就冒煙客服還叫我自己寄回去。要告到消保會",
    "澄岚气炸锅用了不到一个月就冒烟客服还叫我自己寄回去。要告到消保会",
    "退款到了，謝謝客服",
    "還沒解決",
    "@b 您好，請私訊我們",
    "澄嵐的客服打來了，問題解決了",
)
KINDS = ("complaint", "leaving", "telling", "praise", "exit")
SAID = ((0.95, Label.NEGATIVE), (0.7, Label.NEGATIVE), (0.2, Label.NEUTRAL), (0.05, Label.POSITIVE))
APP: Any = SimpleNamespace(author_key=lambda platform, author: f"{platform}:{author}", brands={"澄嵐": 1, "霽川": 2})

EXAMPLES = int(os.environ.get("QIANLI_FUZZ", "2000")) // 100


@st.composite
def a_post(draw: st.DrawFn) -> Post:
    """Of two authors and the brand's own, most in two threads of one platform, so that they answer each other."""
    number, root = draw(st.integers(0, 9)), draw(st.sampled_from(["0", "0", "1", ""]))
    author = draw(st.sampled_from(["a", "a", "b", "official", "official", ""]))
    return Post(
        draw(st.sampled_from(["ptt", "ptt", "ptt", "weibo"])), str(number), draw(st.sampled_from(TEXTS)),
        kind=draw(st.sampled_from(["post"] * 6 + ["complaint:replied", "complaint:completed:satisfied"])),
        author=Author(author, author, draw(st.sampled_from([None, 5, 20_000]))) if author else None,
        published_at=START + timedelta(minutes=draw(st.integers(0, 150))), root="" if root == str(number) else root,
        parent=draw(st.sampled_from(["", root, "0", "2", "3"])) if root and root != str(number) else "",
        engagement=Engagement(draw(st.sampled_from([None, 0, 3]))),
    )  # fmt: skip


POSTS = a_post()


def ledger(db: Database) -> list[tuple[object, ...]]:
    """The ledger without the numbers of its rows."""
    rows = db.execute(
        """SELECT c.brand, (SELECT group_concat(post) FROM (
                      SELECT gm.post FROM complaint_texts t JOIN group_members gm ON gm."group" = t."group"
                      WHERE t.complaint = c.id ORDER BY 1)) AS of,
                  c.post, c.author, c.first_seen, c.last_seen, c.posts, c.voices, c.authors, c.reach, c.likes,
                  c.themes, c.severity, c.quote_post, c.quote_start, c.quote_end, c.state, c.since, c.answered_at,
                  c.answer, c.time_to_answer, c.recovered_at, c.recovery, c.time_to_recovery, c.recovered_by,
                  c.lost_at, c.loss
           FROM complaints c WHERE c.posts > 0"""
    ).fetchall()
    return sorted(rows, key=repr)


def sayings(db: Database) -> set[int]:
    """The posts that are stored as saying that it was made good."""
    return {post for (post,) in db.execute("SELECT post FROM complaint_sayings WHERE kind = 'recovered'").fetchall()}


def keep_all(db: Database, limit: int = 500) -> None:
    while complaining.keep(APP, db, LATER, limit):
        pass


def made_anew(db: Database) -> Database:
    """A copy whose ledger is made from the rows alone."""
    copy = Database(memory=True)
    db.conn.backup(copy.conn)
    with writing(copy):
        for table in ("complaint_events", "complaint_texts", "complaints", "complaint_sayings", "complaint_marks"):
            copy.execute(f"DELETE FROM {table}")
        copy.execute("INSERT INTO complaint_marks SELECT 'post', id FROM posts")
    keep_all(copy, 3)
    return copy


def told(db: Database) -> set[tuple[int, frozenset[int]]]:
    """(brand, posts that are one complaint), from the rows."""
    rows = db.execute(
        """SELECT m.brand, g."group", p.id, p.platform, p.native_id, p.root, p.author_key, p.counted_at, p.kind,
                  m.label, m.p_negative
           FROM mentions m JOIN posts p ON p.id = m.post JOIN group_members g ON g.post = p.id
           JOIN brands b ON b.id = m.brand AND b.role = 'own'"""
    ).fetchall()
    people: dict[tuple[int, int], str] = {}
    for post, brand, label in db.execute("SELECT post, brand, label FROM labels ORDER BY brand IS NOT NULL, id"):
        for one in {row[0] for row in rows} if brand is None else {brand}:
            people[post, one] = label
    felt = {
        (post, brand)
        for post, brand, kind in db.execute("SELECT post, brand, kind FROM signals")
        if kind in ("complaint", "leaving", "telling")
    }
    texts: dict[tuple[int, int], list[tuple[Any, ...]]] = defaultdict(list)
    for row in rows:
        if people.get((row[2], row[0])) not in ("neutral", "positive"):
            texts[row[0], row[1]].append(row)

    def complains(row: tuple[Any, ...]) -> bool:
        brand, _, post, *_, kind, label, p = row
        if label is None:
            return False
        if kind.startswith("complaint") or people.get((post, brand)) == "negative":
            return True
        return label != "positive" if (post, brand) in felt else label == "negative" and p >= 0.9

    parts: dict[object, set[int]] = defaultdict(set)
    for (brand, group), said in texts.items():
        if any(map(complains, said)):
            first = min(said, key=lambda r: (r[7], r[3], r[4]))
            voice = (first[3], first[5] or first[4], first[6]) if first[6] else group
            parts[brand, voice] |= {row[2] for row in said}
    return {(key[0], frozenset(part)) for key, part in parts.items()}  # type: ignore[index]


class Complaints(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "qianli.db"
        self.db = open_store(self.path)
        self.own, self.rival = brand_ids(self.db, {"澄嵐": "own", "霽川": "competitor"}).values()

    def teardown(self) -> None:
        self.db.close()
        self.folder.cleanup()

    @contextlib.contextmanager
    def transaction(self, killed: bool):  # type: ignore[no-untyped-def]
        if not killed:
            with writing(self.db):
                yield
            return
        self.db.execute("BEGIN IMMEDIATE")
        yield
        self.db.close()
        self.db = open_store(self.path)

    @rule(pages=st.lists(POSTS, min_size=1, max_size=5), minutes=st.integers(0, 9))
    def store(self, pages, minutes):  # type: ignore[no-untyped-def]
        arrival = posts.Arrival("s", LATER + timedelta(minutes=minutes), timedelta(hours=2))
        with writing(self.db):
            posts.add(self.db, pages, arrival, APP.author_key, keep_names=True)

    @rule(data=st.data(), killed=st.booleans())
    def match(self, data, killed):  # type: ignore[no-untyped-def]
        batch = posts.take(self.db, "match", 9)
        own = {p.id: self.own for p in batch if (p.author_key or "").endswith(":official")}
        chosen = st.sampled_from([[self.own], [self.own], [self.own, self.rival], [self.rival], []])
        found = {p.id: [mentions.Mention(b, "term") for b in data.draw(chosen) if b != own.get(p.id)] for p in batch}
        with self.transaction(killed):
            posts.done(self.db, "match", batch)
            mentions.replace(self.db, found, own)

    @rule(data=st.data())
    def score(self, data):  # type: ignore[no-untyped-def]
        batch = posts.take(self.db, "score", 9)
        scores = [mentions.Scored(p.id, Score(0.5, *data.draw(st.sampled_from(SAID)))) for p in batch]
        with writing(self.db):
            models.use(self.db, "m1", START)
            mentions.refresh(self.db, mentions.add_scores(self.db, scores, "m1", START))
            posts.done(self.db, "score", batch)

    @rule(data=st.data(), kinds=st.lists(st.sampled_from(KINDS), max_size=2, unique=True), killed=st.booleans())
    def feel(self, data, kinds, killed):  # type: ignore[no-untyped-def]
        """The signals of a mention, in place of those before."""
        rows = self.db.execute("SELECT post, brand, counted_at FROM mentions").fetchall()
        if rows:
            post, brand, at = data.draw(st.sampled_from(rows))
            theme = data.draw(st.sampled_from(["refund", "safety", ""]))
            with self.transaction(killed):
                self.db.execute("DELETE FROM signals WHERE post = ? AND brand = ?", [post, brand])
                for kind in kinds:
                    self.db.execute(
                        "INSERT INTO signals VALUES (?, ?, ?, 0, 2, ?, 'r', ?)", [post, brand, kind, theme, at]
                    )

    @initialize(data=st.data(), pages=st.lists(POSTS, min_size=6, max_size=10))
    def begin(self, data, pages):  # type: ignore[no-untyped-def]
        """A database that is not empty: else most runs would end before there is a complaint."""
        self.store(pages, 0)
        self.work(data)

    @rule(data=st.data())
    def work(self, data):  # type: ignore[no-untyped-def]
        self.match(data, False)
        self.score(data)
        self.group()

    @rule()
    def group(self) -> None:
        batch = posts.take(self.db, "group", 9)
        tied = {p.id: keys(p.platform, p.native_id, p.kind, p.text, p.parent, p.root) for p in batch}
        with writing(self.db):
            groups.assign(self.db, tied, START)
            posts.done(self.db, "group", batch)

    @rule(data=st.data(), label=st.sampled_from(list(Label)), killed=st.booleans())
    def label(self, data, label, killed):  # type: ignore[no-untyped-def]
        ids = [i for (i,) in self.db.execute("SELECT id FROM posts")]
        if ids:
            brand = data.draw(st.sampled_from([None, self.own]))
            with self.transaction(killed):
                mentions.add_label(self.db, data.draw(st.sampled_from(ids)), brand, label, "someone", START)

    @rule(data=st.data())
    def not_us(self, data):  # type: ignore[no-untyped-def]
        ids = [i for (i,) in self.db.execute("SELECT post FROM mentions WHERE brand = ?", [self.own])]
        if ids:
            with writing(self.db):
                mentions.remove(self.db, [data.draw(st.sampled_from(ids))], self.own)

    @rule(limit=st.integers(1, 9), killed=st.booleans())
    def keep(self, limit: int, killed: bool) -> None:
        if not killed:
            complaining.keep(APP, self.db, LATER, limit)
            return
        with contextlib.suppress(KeyboardInterrupt), writing(self.db):
            raise KeyboardInterrupt

    @rule()
    def count(self) -> None:
        with writing(self.db):
            while counts.recount(self.db):
                pass

    @rule(role=st.sampled_from(["own", "competitor"]))
    def another_role(self, role: str) -> None:
        brand_ids(self.db, {"霽川": role})

    @invariant()
    def the_ledger_equals_one_made_anew(self) -> None:
        copy = Database(memory=True)
        self.db.conn.backup(copy.conn)
        keep_all(copy)
        anew = made_anew(copy)
        assert ledger(copy) == ledger(anew)
        parts = {(row[0], frozenset(map(int, str(row[1]).split(",")))) for row in ledger(copy)}
        assert parts == {(brand, _with_copies(copy, part)) for brand, part in told(copy)}
        assert copy.execute("PRAGMA foreign_key_check").fetchall() == []
        assert complaints.waiting(copy) == 0
        assert sayings(copy) == {
            post
            for post, text, author, own in copy.execute("SELECT id, text, author_key, own_brand FROM posts").fetchall()
            if author and own is None and says_recovered(text)
        }
        copy.close()
        anew.close()


def _with_copies(db: Database, part: frozenset[int]) -> frozenset[int]:
    rows = db.execute(
        f"""SELECT o.post FROM group_members m JOIN group_members o ON o."group" = m."group"
            WHERE m.post IN ({", ".join(map(str, part))})"""
    )
    return frozenset(post for (post,) in rows.fetchall())


ComplaintsTest = pytest.mark.fuzz(Complaints.TestCase)
ComplaintsTest.settings = settings(
    max_examples=EXAMPLES, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
)


def test_the_machine_can_fail(db: Database) -> None:
    """If a change were not told, it would see that."""
    brand = brand_ids(db, {"澄嵐": "own"})["澄嵐"]
    with writing(db):
        posts.add(db, [Post("ptt", "1", TEXTS[1], published_at=START)], posts.Arrival("s", START, timedelta(hours=2)),
                  APP.author_key)  # fmt: skip
        mentions.replace(db, {1: [mentions.Mention(brand, "term")]}, {})
        models.use(db, "m1", START)
        scored = mentions.Scored(1, Score(0.5, 0.95, Label.NEGATIVE))
        mentions.refresh(db, mentions.add_scores(db, [scored], "m1", START))
        groups.assign(db, {1: keys("ptt", "1", "post", TEXTS[1], "", "")}, START)
    keep_all(db)
    assert len(ledger(db)) == 1
    assert ledger(db) == ledger(made_anew(db))
    with writing(db):
        mentions.add_label(db, 1, brand, Label.NEUTRAL, "Lan", START)
        db.execute("DELETE FROM complaint_marks")
    assert ledger(db) != ledger(made_anew(db))
    assert utc_text(START) == ledger(db)[0][4]

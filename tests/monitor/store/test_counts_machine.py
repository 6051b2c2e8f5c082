"""After any sequence of import, match, score, group, label, edit, re-run and kill, ``counts`` equals a full recount.

The oracle below knows nothing of SQL: it recounts from the rows in plain Python.
"""

from __future__ import annotations

import contextlib
import os
import random
import tempfile
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlite_utils import Database

from monitor.model import Author, Label, Post, Score, bin_start, from_utc_text, utc_text
from monitor.store import brand_ids, counts, groups, mentions, models, open_store, posts, purges, writing
from monitor.stories import keys

START = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
TEXTS = (
    "退钱",
    "澄嵐氣炸鍋用了不到一個月就冒煙客服還叫我自己寄回去",
    "澄岚气炸锅用了不到一个月就冒烟客服还叫我自己寄回去",
    "好用",
    "這個週末澄嵐門市排隊排到馬路上店員還跟客人吵起來真的看不下去",
    "澄嵐氣炸鍋用了不到一個月就冒煙客服還叫我自己寄回去 這個週末澄嵐門市排隊排到馬路上店員還跟客人吵起來真的看不下去",
)
"""The last holds two others word for word: it makes their groups one."""
LABELS = st.sampled_from(list(Label))
MODELS = st.sampled_from(["m1", "m2"])
EXAMPLES = int(os.environ.get("QIANLI_FUZZ", "2000")) // 100


class Killed(Exception):
    pass


def recount(db: Database) -> list[tuple[object, ...]]:
    """The columns of ``counts``, from rows alone."""
    said = db.execute(
        """SELECT m.brand, p.platform, p.counted_at, p.id, m.label, p.live, p.author_key,
                  CASE WHEN p.root = '' THEN p.native_id ELSE p.root END, g."group", m.model
           FROM mentions m JOIN posts p ON p.id = m.post LEFT JOIN group_members g ON g.post = p.id"""
    ).fetchall()
    said.sort(key=lambda r: (r[2], r[3]))
    voices = set()
    heard_groups: set[tuple[int, int]] = set()
    last_by_author: dict[tuple[object, ...], datetime] = {}
    for brand, platform, at, post, label, _, author, thread, group, _ in said:
        if label != "negative":
            continue
        moment = from_utc_text(at)
        who = (brand, platform, author, thread)
        recent = author is not None and who in last_by_author and moment - last_by_author[who] <= HOUR
        copied = group is not None and (brand, group) in heard_groups
        if not recent and not copied:
            voices.add((brand, post))
        if author is not None:
            last_by_author[who] = moment
        if group is not None:
            heard_groups.add((brand, group))
    bins: dict[tuple[int, str, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0, 0])
    spoke: dict[tuple[int, str, str], set[str]] = defaultdict(set)
    for brand, platform, at, post, label, live, *_, model in said:
        key = (brand, platform, utc_text(bin_start(from_utc_text(at))))
        row = bins[key]
        spoke[key].update([model] if model else [])
        opens = (brand, post) in voices
        for i, value in enumerate((True, label == "negative", opens, opens and live, label not in (None, "negative"))):
            row[i] += bool(value)
    return sorted((*key, *row, ",".join(sorted(spoke[key]))) for key, row in bins.items())


def effective(db: Database, post: int, brand: int) -> tuple[object, ...]:
    """(label, P(negative), model) of a mention, from labels and scores alone: a person's word, else the speaking
    model's for the brand, else for the post, else that of whichever spoke last."""
    (speaking,) = db.execute("SELECT max(value) FROM facts WHERE name = 'model'").fetchone()
    said = [
        r
        for r in db.execute("SELECT label, p_negative, model, brand, id FROM scores WHERE post = ?", [post]).fetchall()
        if r[3] in (brand, None)
    ]
    said.sort(key=lambda r: (r[2] == speaking, r[3] is not None, r[4]))
    label, p_negative, model = said[-1][:3] if said else (None, None, None)
    people = db.execute("SELECT label, brand, id FROM labels WHERE post = ?", [post]).fetchall()
    people = sorted((r for r in people if r[1] in (brand, None)), key=lambda r: (r[1] is not None, r[2]))
    return (people[-1][0] if people else label, p_negative, model)


class Counts(RuleBasedStateMachine):
    """Rules do one stage's work on some posts; a killed one does it and then dies before its transaction ends."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "qianli.db"
        self.db = open_store(self.path)
        self.brands = list(brand_ids(self.db, {"澄嵐": "own", "霽川": "competitor"}).values())

    def teardown(self) -> None:
        self.db.close()
        self.folder.cleanup()

    @contextlib.contextmanager
    def transaction(self, killed: bool):  # type: ignore[no-untyped-def]
        """One transaction of a stage; a killed process leaves an open one behind and a new process opens the file."""
        if not killed:
            with writing(self.db):
                yield
            return
        self.db.execute("BEGIN IMMEDIATE")
        yield
        self.db.close()
        self.db = open_store(self.path)

    @initialize()
    def nothing_yet(self) -> None:
        assert counts.stored(self.db) == []

    @rule(
        number=st.integers(0, 11), text=st.sampled_from(TEXTS), author=st.sampled_from(["", "a", "b"]),
        minute=st.integers(0, 150), platform=st.sampled_from(["ptt", "weibo"]), root=st.sampled_from(["", "0", "1"]),
        repost=st.booleans(), assumed=st.booleans(), killed=st.booleans(),
    )  # fmt: skip
    def store(self, number, text, author, minute, platform, root, repost, assumed, killed):  # type: ignore[no-untyped-def]
        post = Post(
            platform, str(number), text, kind="repost" if repost and root else "post",
            author=Author(author) if author else None, published_at=START + timedelta(minutes=minute),
            parent=root if root != str(number) else "", root=root,
        )  # fmt: skip
        arrival = posts.Arrival("s", START + timedelta(minutes=160), timedelta(hours=2), assumed=assumed)
        with self.transaction(killed):
            posts.add(self.db, [post], arrival, lambda p, a: f"{p}:{a}")

    @rule(data=st.data(), killed=st.booleans())
    def match(self, data, killed):  # type: ignore[no-untyped-def]
        batch = posts.take(self.db, "match", 4)
        chosen = st.lists(st.sampled_from(self.brands), unique=True)
        found = {p.id: [mentions.Mention(b, "term") for b in data.draw(chosen)] for p in batch}
        with self.transaction(killed):
            posts.done(self.db, "match", batch)
            mentions.replace(self.db, found, {})

    @rule(data=st.data(), model=MODELS, killed=st.booleans())
    def score(self, data, model, killed):  # type: ignore[no-untyped-def]
        """Of the post as a whole, and perhaps of what it says of a brand."""
        batch = posts.take(self.db, "score", 4)
        parts = st.lists(st.sampled_from(self.brands), unique=True)
        scores = [
            mentions.Scored(p.id, Score(0.5, 0.5, data.draw(LABELS)), brand, (0, 1) if brand else None)
            for p in batch
            for brand in [None, *data.draw(parts)]
        ]
        with self.transaction(killed):
            models.use(self.db, model, START)
            mentions.refresh(self.db, mentions.add_scores(self.db, scores, model, START))
            posts.done(self.db, "score", batch)

    @rule(data=st.data(), model=MODELS, hours=st.integers(-1, 3), killed=st.booleans())
    def another_model(self, data, model, hours, killed):  # type: ignore[no-untyped-def]
        """It scores in silence from some hour on; then it speaks, and nothing is left to count."""
        start = START + hours * HOUR
        with writing(self.db):
            models.use(self.db, model, START)
            ids = models.unscored(self.db, model, start, 0, 50)
            scores = [mentions.Scored(i, Score(0.5, 0.5, data.draw(LABELS))) for i in ids]
            mentions.add_scores(self.db, scores, model, START, beside=True)
        with self.transaction(killed):
            models.switch(self.db, model, start, START)
        assert killed or not self.db.execute("SELECT 1 FROM dirty_bins").fetchone()

    @rule(killed=st.booleans())
    def group(self, killed: bool) -> None:
        batch = posts.take(self.db, "group", 4)
        tied = {p.id: keys(p.platform, p.native_id, p.kind, p.text, p.parent, p.root) for p in batch}
        with self.transaction(killed):
            groups.assign(self.db, tied, START)
            posts.done(self.db, "group", batch)

    @rule(data=st.data(), label=LABELS, killed=st.booleans())
    def label(self, data, label, killed):  # type: ignore[no-untyped-def]
        ids = [i for (i,) in self.db.execute("SELECT id FROM posts")]
        if ids:
            brand = data.draw(st.sampled_from([None, *self.brands]))
            with self.transaction(killed):
                mentions.add_label(self.db, data.draw(st.sampled_from(ids)), brand, label, "someone", START)

    @rule()
    def match_everything_again(self) -> None:
        with writing(self.db):
            posts.enqueue_all(self.db, "match")

    @rule(days=st.integers(0, 2), later=st.booleans(), killed=st.booleans())
    def purge(self, days: int, later: bool, killed: bool) -> None:
        """It changes no number, whoever else wrote in the same thread."""
        at = START + timedelta(minutes=160 + days)
        limits = purges.Limits(at if later else START, at, {"s": at if days == 2 else START})
        found = purges.expired(self.db, limits, 0, 3)
        before = recount(self.db)
        with self.transaction(killed):
            purges.empty(self.db, [p.id for p in found if not p.removable], at)
            purges.remove(self.db, [p.id for p in found if p.removable])
        assert recount(self.db) == before
        assert self.db.execute("PRAGMA foreign_key_check").fetchall() == []
        assert not self.db.execute("SELECT 1 FROM queue JOIN posts ON id = post WHERE purged_at IS NOT NULL").fetchone()

    @rule(limit=st.integers(1, 3), killed=st.booleans())
    def count(self, limit: int, killed: bool) -> None:
        with self.transaction(killed):
            counts.recount(self.db, limit)

    @invariant()
    def counts_equal_a_full_recount_once_nothing_is_dirty(self) -> None:
        """On a copy, so that the run itself keeps its dirty bins."""
        copy = Database(memory=True)
        self.db.conn.backup(copy.conn)
        with writing(copy):
            while counts.recount(copy):
                pass
        assert sorted(counts.stored(copy)) == recount(copy)
        assert counts.recount_all(copy) == counts.stored(copy)
        copy.close()

    @invariant()
    def mentions_know_their_group(self) -> None:
        assert not self.db.execute(
            """SELECT 1 FROM mentions m LEFT JOIN group_members g ON g.post = m.post WHERE m.copies IS NOT g."group" """
        ).fetchone()

    @invariant()
    def every_mention_has_the_effective_label(self) -> None:
        """An edited post keeps the old one until it is scored again."""
        rows = self.db.execute(
            """SELECT post, brand, label, p_negative, model FROM mentions
               WHERE post NOT IN (SELECT post FROM queue WHERE stage = 'score')"""
        ).fetchall()
        assert [row[2:] for row in rows] == [effective(self.db, row[0], row[1]) for row in rows]


CountsTest = pytest.mark.fuzz(Counts.TestCase)
CountsTest.settings = settings(
    max_examples=EXAMPLES, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)


def test_the_oracle_can_fail(db: Database) -> None:
    """If a stage forgot to mark a bin, the machine above would see it."""
    brand = brand_ids(db, {"澄嵐": "own"})["澄嵐"]
    arrival = posts.Arrival("s", START, timedelta(hours=2))
    with writing(db):
        posts.add(db, [Post("ptt", "1", "退钱", published_at=START)], arrival, lambda p, a: a)
        mentions.replace(db, {1: [mentions.Mention(brand, "term")]}, {})
        db.execute("DELETE FROM dirty_bins")
        counts.recount(db)
    assert counts.stored(db) != recount(db)


@pytest.mark.parametrize("text", ["退钱", "澄嵐氣炸鍋用了不到一個月就冒煙客服還叫我自己寄回去"])
def test_thirty_people_are_thirty_voices_and_one_text_pasted_is_one(db: Database, text: str) -> None:
    brand = brand_ids(db, {"澄嵐": "own"})["澄嵐"]
    many = [Post("ptt", str(i), text, author=Author(f"a{i}"), published_at=START) for i in range(30)]
    with writing(db):
        posts.add(db, many, posts.Arrival("s", START, timedelta(hours=2)), lambda p, a: a)
        batch = posts.take(db, "match", 50)
        mentions.replace(db, {p.id: [mentions.Mention(brand, "term")] for p in batch}, {})
        models.use(db, "m1", START)
        bad = [mentions.Scored(p.id, Score(0.1, 0.9, Label.NEGATIVE)) for p in batch]
        mentions.refresh(db, mentions.add_scores(db, bad, "m1", START))
        groups.assign(db, {p.id: keys(p.platform, p.native_id, p.kind, p.text, p.parent, p.root) for p in batch}, START)
        counts.recount(db)
    (row,) = counts.stored(db)
    assert row[3:-1] == ((30, 30, 30, 30, 0) if len(text) < 12 else (30, 30, 1, 1, 0))


def said(dice: random.Random, number: int) -> Post:
    root = dice.choice(["", "", "0", "1"])
    root = root if root != str(number) else ""
    return Post(
        dice.choice(["ptt", "weibo"]), str(number), dice.choice(TEXTS),
        published_at=START + timedelta(minutes=dice.randrange(240)), author=dice.choice([None, *map(Author, "ab")]),
        kind="repost" if root and dice.random() < 0.3 else "post", root=root, parent=root,
    )  # fmt: skip


def change(db: Database, dice: random.Random, brands: list[int]) -> None:
    """One of what happens to posts, each of which marks the bins that it may change."""
    at, some = START + 5 * HOUR, dice.randrange(1, 6)
    arrival = posts.Arrival("s", at, timedelta(hours=2))
    with writing(db):
        match dice.choice(
            ["arrive", "arrive", "edit", "match", "score", "score", "group", "group", "label", "gone", "deny"]
        ):
            case "arrive":
                posts.add(db, [said(dice, dice.randrange(40)) for _ in range(some)], arrival, lambda p, a: f"{p}:{a}")
            case "edit":
                known = db.execute("SELECT platform, native_id FROM posts ORDER BY id").fetchall()
                for platform, native_id in dice.sample(known, min(2, len(known))):
                    text = dice.choice(TEXTS)
                    posts.add(db, [Post(platform, native_id, text)], arrival, lambda p, a: a)
            case "match":
                batch = posts.take(db, "match", some)
                posts.done(db, "match", batch)
                told = {p.id: [mentions.Mention(b, "term") for b in brands if dice.random() < 0.8] for p in batch}
                mentions.replace(db, told, {})
            case "score":
                batch = posts.take(db, "score", some)
                models.use(db, "m1", START)
                labels = [Label.NEGATIVE, Label.NEGATIVE, Label.NEUTRAL]
                found = [mentions.Scored(p.id, Score(0.5, 0.5, dice.choice(labels))) for p in batch]
                mentions.refresh(db, mentions.add_scores(db, found, "m1", START))
                posts.done(db, "score", batch)
            case "group":
                batch = posts.take(db, "group", some)
                tied = {p.id: keys(p.platform, p.native_id, p.kind, p.text, p.parent, p.root) for p in batch}
                groups.assign(db, tied, START)
                posts.done(db, "group", batch)
            case what:
                ids = [i for (i,) in db.execute("SELECT post FROM mentions").fetchall()]
                if ids and what == "label":
                    mentions.add_label(db, dice.choice(ids), None, dice.choice(list(Label)), "someone", START)
                elif ids and what == "gone":
                    posts.mark_gone(db, dice.choice(ids), at)
                elif ids:
                    mentions.remove(db, [dice.choice(ids)], brands[0])


@pytest.mark.parametrize("seed", range(6))
def test_counts_are_those_of_a_full_recount_after_every_change(db: Database, seed: int) -> None:
    """Here each change is counted by itself, so that no other one marks a bin that it forgot."""
    dice = random.Random(seed)
    brands = list(brand_ids(db, {"澄嵐": "own", "霽川": "competitor"}).values())
    for _ in range(300):
        change(db, dice, brands)
        with writing(db):
            while counts.recount(db, 5):
                pass
        assert sorted(counts.stored(db)) == recount(db)
    merged = db.execute("SELECT count(*) FROM groups WHERE merged_into IS NOT NULL").fetchone()[0]
    assert merged > 0, "no two groups became one, which was to be tested"


def test_a_later_copy_marks_no_bin_but_its_own(db: Database) -> None:
    """Or each copy of a text that two thousand have pasted would have all their bins counted again."""
    brand = brand_ids(db, {"澄嵐": "own"})["澄嵐"]
    bad = TEXTS[1]
    for number in range(12):
        at = START + number * HOUR
        with writing(db):
            posts.add(
                db, [Post("ptt", str(number), bad, published_at=at)], posts.Arrival("s", at, HOUR), lambda p, a: a
            )
            batch = posts.take(db, "match", 5)
            mentions.replace(db, {p.id: [mentions.Mention(brand, "term")] for p in batch}, {})
            mentions.add_label(db, batch[0].id, None, Label.NEGATIVE, "someone", at)
            tied = {p.id: keys(p.platform, p.native_id, p.kind, p.text, p.parent, p.root) for p in batch}
            groups.assign(db, tied, at)
            posts.done(db, "match", batch)
            assert counts.dirty(db) == 1
            counts.recount(db)

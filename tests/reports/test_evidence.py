"""Every number on the page equals the documented view's query: the queries are run, and what pages show is held to
them."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlite_utils import Database

from monitor import jobs
from monitor.digest import local_day
from monitor.jobs import Report
from monitor.model import Digest, Feeling, Page, Query, from_utc_text, utc_text
from monitor.work import digesting
from monitor.work.app import App
from reports.citing import cited, linked
from reports.evidence import Proof, literal, proofs
from reports.evidence_view import proof_views
from reports.language import LOCALES, Language, language
from reports.ledger_view import age
from reports.render import digest_page
from reports.safe import inert
from tests.reports import invented_facts as invented
from tests.reports import invented_feelings as felt
from tests.standin import DAY, HOUR, MINUTE, NOW, Words, make_app, post

TODAY = date(2026, 11, 19)
"""The day told of, in Taipei: 18 November 16:00 to 19 November 16:00 UTC."""
START, END = local_day(TODAY, "Asia/Taipei")
RIVAL = "霽川"


def several(query: Query) -> list[Page]:
    """Posts of four weeks, denser on the day: copies, replies of two platforms, a rival, texts without Chinese."""
    posts = [
        post(
            f"old{n}",
            f"澄嵐{'爛' if n % 3 == 0 else '好'}透了,第{n}次光顧還是{'想' * (n % 7)}這樣說",
            START - n * 9 * HOUR,
        )
        for n in range(1, 60)
    ]
    posts += [
        post(f"day{n}", f"澄嵐{'爛' if n % 2 else '香'}得{'很' * n}特別的一杯", START + n * HOUR) for n in range(1, 20)
    ]
    posts += [
        post(f"copy{n}", "澄嵐爛透了還漲價,大家快來看這杯到底值多少錢", START + HOUR + n * MINUTE) for n in range(7)
    ]
    posts += [post(f"latin{n}", "澄嵐", START + 2 * HOUR + n * MINUTE) for n in range(2)]
    posts += [post(f"late{n}", f"澄嵐爛死了{n}號店排隊", END + n * HOUR) for n in range(1, 5)]
    posts += [post(f"rival{n}", f"霽川{'爛' if n % 5 == 0 else '好'}{n}", END - n * 5 * HOUR) for n in range(1, 90)]
    blog = [replace(p, platform="blog", native_id=f"b{p.native_id}") for p in posts[59:70]]
    return [Page((*posts, *blog), exhausted=True)]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[App, Database]]:
    app = make_app(tmp_path_factory.mktemp("evidence"), {"forum": several}, scorer=Words())
    db = app.open_store()
    now = END + 9 * HOUR
    jobs.collect(app, db, now, Report())
    for _ in range(3):
        jobs.process(app, db, now, Report())
    db.execute("INSERT INTO heard VALUES ('forum', ?, ?, 1)", [utc_text(START - 30 * DAY), utc_text(START - DAY)])
    _feel(db)
    _spread(db)
    jobs.ledger(app, db, now, Report())
    _mend(db)
    jobs.travel(app, db, now)
    yield app, db
    db.close()


def _feel(db: Database) -> None:
    """Signals as the lexicon would find them: what is told here is only that they are counted alike."""
    db.execute("DELETE FROM signals")  # of those that the lexicon found in these texts none is needed
    rows = db.execute("SELECT post, brand, counted_at, label FROM v_posts ORDER BY post").fetchall()
    brands = dict(db.execute("SELECT name, id FROM brands").fetchall())
    for post_id, brand, at, label in rows:
        kinds = [("complaint", "waiting")] if label == "negative" else [("praise", "staff")] if post_id % 4 else []
        if label == "negative" and post_id % 3 == 0:
            kinds += [("complaint", "refund"), ("leaving", "")]
        for start, (kind, theme) in enumerate(kinds):
            db.execute(
                """INSERT INTO signals (post, brand, kind, theme, start, "end", rule, counted_at)
                   VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING""",
                [post_id, brands[brand], kind, theme, start, start + 1, "made", at],
            )
    db.conn.commit()


def _spread(db: Database) -> None:
    """Followers of some authors, and counts that rose, some of them after the day."""
    rows = db.execute("SELECT id, counted_at FROM posts WHERE platform = 'forum' ORDER BY id").fetchall()
    for post_id, at in rows:
        if post_id % 3:
            db.execute("UPDATE posts SET followers = ? WHERE id = ?", [100 * post_id, post_id])
        if post_id % 2:
            for hours in (1, 20, 40):
                seen = utc_text(from_utc_text(at) + hours * HOUR)
                db.execute(
                    "INSERT OR REPLACE INTO engagement VALUES (?, ?, ?, NULL, ?)", [post_id, seen, hours, post_id]
                )
    db.conn.commit()


def _mend(db: Database) -> None:
    """Of the day's complaints one is made good on it, and one after it."""
    rows = db.execute(
        "SELECT id FROM complaints WHERE first_seen >= ? AND first_seen < ? AND posts > 0 ORDER BY id LIMIT 2",
        [utc_text(START), utc_text(END)],
    ).fetchall()
    for (complaint,), at in zip(rows, (END - HOUR, END + HOUR), strict=True):
        db.execute(
            "UPDATE complaints SET state = 'recovered', answered_at = ?, recovered_at = ? WHERE id = ?",
            [utc_text(END - 2 * HOUR), utc_text(at), complaint],
        )
    db.conn.commit()


def counted(db: Database, kind: str, theme: str, since: str, until: str) -> tuple[int, int]:
    """Posts and voices, counted by hand."""
    found = {
        (p, voice)
        for p, k, t, at, voice, brand in db.execute(
            "SELECT post, kind, theme, counted_at, opens_voice, brand FROM v_signals"
        )
        if (k, brand) == (kind, "澄嵐") and since <= at < until and theme in ("*", t)
    }
    return len(found), sum(voice for _, voice in found)


def told(app: App, db: Database) -> Digest:
    return digesting.load(app, db, app.config.brands[0], app.brands["澄嵐"], TODAY, END + 9 * HOUR)


class TestOnADatabase:
    def test_each_query_gives_exactly_what_the_page_shows(self, world: tuple[App, Database]) -> None:
        app, db = world
        found = proofs(told(app, db))
        assert {p.key for p in found} >= {
            "day", "day-before", "week-before", "since-midnight", "stories", "days", "platforms", "competitors",
            "themes", "feelings", "rivals", "ledger", "complaints", "answer-times", "travel", "coverage",
        }  # fmt: skip
        for proof in found:
            rows = db.execute(proof.sql).fetchall()
            assert rows, proof.key
            if proof.rows is not None:
                assert tuple(rows) == proof.rows, proof.key

    def test_the_numbers_are_not_all_nothing(self, world: tuple[App, Database]) -> None:
        by_key = {p.key: p.rows or () for p in proofs(told(*world))}
        mentions, negative, voices, share, *_ = by_key["day"][0]
        assert 40 > mentions > negative > voices > 2
        assert share == negative / mentions
        assert len(by_key["platforms"]) == 2
        assert len(by_key["days"]) == 14
        assert max(copies for *_, copies in by_key["stories"]) > 5
        assert {row[0] for row in by_key["themes"]} == {"waiting", "refund"}

    @pytest.mark.parametrize("code", list(LOCALES))
    def test_each_number_that_is_shown_is_one_that_its_query_gives(
        self, code: str, world: tuple[App, Database]
    ) -> None:
        app, db = world
        digest, words = told(app, db), language(code)
        sql = {p.key: p.sql for p in proofs(digest)}
        given = {p.key: [v for row in db.execute(p.sql) for v in row] for p in proofs(digest) if p.rows is not None}
        shown = re.findall(r'<a class="number" href="#proof-([a-z-]+)">(.*?)</a>', digest_page(digest, code))
        assert len({key for key, _ in shown}) > 8
        for key, text in shown:
            if key not in given or text == "–":
                continue  # what was heard: its query shows stretches of time
            said = set()
            values = [v for v in given[key] if isinstance(v, int | float)]
            if key in ("day-before", "week-before"):  # shown with the difference from the day
                values += [now - v for v, now in zip(given[key], given["day"], strict=True) if None not in (v, now)]
            if key == "themes":
                values += [a - b for a in values for b in values]
            if key == "complaints":
                said |= {n for row in db.execute(sql["complaints"]) for n in of_a_line(row, words)}
            if key == "ledger" and digest.ledger is not None:  # "and so many more"
                values += [v - len(digest.ledger.to_answer) for v in values]
            said |= {words.number(abs(v)) for v in values}
            if key.startswith("travel"):
                said |= {words.number(v, 2 if v < 1 else 1 if v < 10 else 0) for v in values}
                said |= {words.rough(round(v)) for v in values if v >= 1}
            said |= {words.percent(abs(v), 1) for v in values} | {words.number(abs(100 * v), 1) for v in values}
            said |= {words.score(abs(v)).lstrip("+±") for v in values}
            for number in re.findall(r"[0-9][0-9,.]*%?", text):
                assert number in said, (key, text)

    def test_a_complaint_is_told_as_of_the_end_of_its_day(self, world: tuple[App, Database]) -> None:
        """Counts that rose later are not in it, though the ledger has them; nor is what was made good later."""
        app, db = world
        (proof,) = (p for p in proofs(told(app, db)) if p.key == "complaints")
        assert proof.rows is not None
        now = {r["complaint"]: r for r in db.query("SELECT * FROM v_complaints")}
        rose = [(row[3], now[row[0]]["reach"]) for row in proof.rows if row[3] is not None]
        assert any(then < later for then, later in rose)  # type: ignore[operator]
        assert len({row[6] for row in proof.rows}) > 3
        assert [row[9] for row in proof.rows if row[9]] == [
            row["recovered_after"] for row in db.query(
                """SELECT strftime('%s', recovered_at) - strftime('%s', first_seen) AS recovered_after
                   FROM v_complaints WHERE recovered_at < ?""", [utc_text(END)])
        ]  # fmt: skip
        assert {row[5] is None for row in proof.rows} == {True, False}

    def test_what_customers_feel_is_counted_as_by_hand(self, world: tuple[App, Database]) -> None:
        app, db = world
        digest = told(app, db)
        day, before = (utc_text(START), utc_text(END)), (utc_text(START - 7 * DAY), utc_text(END - 7 * DAY))
        for line in digest.themes:
            by_hand = *counted(db, "complaint", line.theme, *day), counted(db, "complaint", line.theme, *before)[1]
            assert (line.posts, line.voices, line.before) == by_hand
        assert {line.theme for line in digest.themes} == {"waiting", "refund"}
        assert {line.kind: line.posts for line in digest.feelings} == {
            kind: counted(db, kind, "*", *day)[0] for kind in (Feeling.LEAVING, Feeling.PRAISE)
        }
        assert digest.ledger is not None
        assert digest.ledger.waiting > digest.ledger.arrived > 2

    def test_a_wrong_number_would_be_seen(self, world: tuple[App, Database]) -> None:
        app, db = world
        digest = told(app, db)
        wrong = proofs(replace(digest, today=replace(digest.today, negative_voices=digest.today.negative_voices + 1)))
        assert tuple(db.execute(wrong[0].sql).fetchall()) != wrong[0].rows

    def test_a_correction_is_counted(self, world: tuple[App, Database]) -> None:
        app, db = world
        (post_id,) = db.execute("SELECT post FROM v_posts WHERE native_id = 'day3' AND platform = 'forum'").fetchone()
        db.execute(
            "INSERT INTO labels (post, label, \"by\", at) VALUES (?, 'negative', 'x', ?)", [post_id, utc_text(NOW)]
        )
        (proof,) = (p for p in proofs(told(app, db)) if p.key == "corrections")
        assert tuple(db.execute(proof.sql).fetchall()) == proof.rows == ((1,),)
        db.execute("DELETE FROM labels")
        db.conn.commit()


def of_a_line(row: tuple[int | float | None, ...], words: Language) -> set[str]:
    """What a complaint's line may say of the query's row."""
    _, posts, voices, reach, posts_before, reach_before, an_hour, *times = row
    changes = [
        now - before for now, before in ((posts, posts_before), (reach, reach_before)) if None not in (now, before)
    ]  # type: ignore[operator]
    said = {words.number(abs(n)) for n in (posts, voices, reach, *changes) if n is not None}
    said |= {words.number(an_hour or 0, 1), words.number(24 * (an_hour or 0), 1)}
    lasted = [age(timedelta(seconds=s), words) for s in times if s is not None]
    return said | {number for length in lasted for number in re.findall(r"[0-9][0-9,.]*", length)}


@pytest.mark.parametrize("day", [*invented.DAYS.values(), *felt.FELT.values(), felt.hostile_feelings])
def test_every_query_is_one_statement_that_reads(day: object, db: Database) -> None:
    """Also where names are hostile: what SQLite prepares is one SELECT, whatever stands in it."""
    known = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'view'")}
    reads = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION}
    db.conn.set_authorizer(lambda action, *_: sqlite3.SQLITE_OK if action in reads else sqlite3.SQLITE_DENY)
    with pytest.raises(sqlite3.DatabaseError):
        db.execute("DELETE FROM posts")
    for proof in proofs(day()):  # type: ignore[operator]
        if "v_complaints" not in proof.sql or "v_complaints" in known:
            db.execute(proof.sql).fetchall()  # a second statement would be a ProgrammingError


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


class TestLiterals:
    @given(TEXTS)
    def test_sqlite_reads_what_was_written(self, text: str) -> None:
        assert sqlite3.connect(":memory:").execute(f"SELECT {literal(text)}").fetchone() == (text,)

    @given(TEXTS)
    def test_nothing_of_it_is_lost_where_it_is_shown(self, text: str) -> None:
        assert inert(literal(text)) == literal(text)

    @pytest.mark.parametrize("text", ["'; DROP TABLE posts; --", "a'b", "", "\u202e", "a\nb", "澄嵐"])
    def test_quotes_and_what_cannot_be_seen(self, text: str) -> None:
        assert sqlite3.connect(":memory:").execute(f"SELECT 'x' = {literal(text)}").fetchone() == (0,)
        assert "\u202e" not in literal(text)


class TestCiting:
    def test_a_cited_number_becomes_a_link_and_nothing_else_does(self) -> None:
        text = f"{cited('48 個', 'day')} < {cited('11', 'day-before')}"
        assert linked(text) == (
            '<a class="number" href="#proof-day">48 個</a> &lt; <a class="number" href="#proof-day-before">11</a>'
        )
        assert inert(text) == "48 個 < 11"

    @given(st.text(max_size=60))
    def test_a_stranger_cannot_cite(self, text: str) -> None:
        assert "<a" not in linked(inert(text))
        assert "<a" not in linked(inert(f"\U000e0064{text}\U000e007f"))

    def test_markup_in_a_cited_text_is_escaped(self) -> None:
        assert "<b>" not in linked(cited("<b>", "day"))

    @pytest.mark.parametrize("key", ["", "A", "a b", 'a"', "é", "-a"])
    def test_keys_are_plain(self, key: str) -> None:
        with pytest.raises(ValueError, match="not a key"):
            cited("1", key)


class TestOnThePage:
    @pytest.mark.parametrize("code", list(LOCALES))
    def test_each_proof_has_a_title_of_its_own(self, code: str) -> None:
        views = proof_views(proofs(felt.rich_day()), "", language(code))
        assert len({v.title for v in views}) == len(views) == 20
        assert not [v for v in views if v.title == v.key]
        assert {v.url for v in views} == {""}

    def test_the_analysts_page_runs_it(self) -> None:
        (view, *_) = proof_views(proofs(felt.rich_day()), "https://data.example/qianli/", language("en"))
        assert view.url.startswith("https://data.example/qianli?sql=SELECT%20count")
        assert "澄" not in view.url

    def test_what_is_no_web_address_is_not_linked(self) -> None:
        proof = (Proof("day", "SELECT 1", None),)
        assert proof_views(proof, "javascript:alert(1)//", language("en"))[0].url == ""
        assert (
            proof_views(proof, "https://data.example", language("en"))[0].url == "https://data.example?sql=SELECT%201"
        )


def test_a_month_is_28_local_days() -> None:
    (proof,) = (p for p in proofs(felt.rich_day()) if p.key == "rivals")
    assert utc_text(invented.START - timedelta(days=27)) in proof.sql
    assert utc_text(invented.END) in proof.sql

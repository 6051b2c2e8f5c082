"""A post that is not about the brand: it and its copies, now and later, count no more; the incident is judged anew."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from sqlite_utils import Database

from monitor import jobs
from monitor.doctor import Terms, exclude_for
from monitor.errors import UsageError
from monitor.jobs import Report
from monitor.matching import Matcher
from monitor.model import BIN, Label, Page, Post
from monitor.store import counts, writing
from monitor.work import correcting, denying
from monitor.work.app import App
from tests.monitor.test_life import ALERTS, events, mails, state
from tests.monitor.test_watching import START, put_counts
from tests.standin import HOUR, MINUTE, NOW, make_app, post

LONG = "澄嵐山的步道年久失修，上個週末又有人摔傷，管理處真爛"
shown: list[Post] = []


@pytest.fixture
def app(tmp_path: Path) -> App:
    app = make_app(
        tmp_path, {"forum": lambda query: [Page(tuple(shown))]}, brands=[{"name": "澄嵐", "terms": ["澄嵐"]}]
    )
    return replace(app, collectors=tuple(replace(c, every_seconds=1) for c in app.collectors))


@pytest.fixture
def db(app: App) -> Iterator[Database]:
    database = app.open_store()
    yield database
    database.close()


def bring(app: App, db: Database, at: datetime, *posts: Post) -> None:
    shown[:] = posts
    jobs.collect(app, db, at, Report())
    jobs.process(app, db, at, Report())


def mentioned(db: Database) -> set[str]:
    return {native for (native,) in db.execute("SELECT native_id FROM v_posts WHERE brand = '澄嵐'")}


def unmatched(db: Database) -> set[str]:
    return {native for (native,) in db.execute("SELECT native_id FROM v_posts_unmatched")}


def voices(db: Database) -> int:
    assert counts.recount_all(db) == counts.stored(db)
    return int(db.execute("SELECT coalesce(sum(negative_voices), 0) FROM counts").fetchone()[0])


def test_the_post_and_its_copies_count_no_more(app: App, db: Database) -> None:
    bring(app, db, NOW, post(1, LONG, NOW), post(2, LONG, NOW + MINUTE), post(3, "澄嵐的客服真爛", NOW))
    assert voices(db) == 2
    done = denying.deny(app, db, "forum:1", "", "Lan", NOW + HOUR)
    assert (done.changed, done.brand, len(done.posts)) == (True, "澄嵐", 2)
    assert "nor does 1 copy" in done.says
    assert (mentioned(db), unmatched(db), voices(db)) == ({"3"}, {"1", "2"}, 1)
    again = denying.deny(app, db, "forum:2", "", "Wu", NOW + HOUR)
    assert (again.changed, again.says) == (False, "post 2 does not count for 澄嵐 already")
    assert db.execute('SELECT DISTINCT "by" FROM not_us').fetchall() == [("Lan",)]


def test_a_copy_that_comes_later_loses_the_mention_too(app: App, db: Database) -> None:
    bring(app, db, NOW, post(1, LONG, NOW))
    denying.deny(app, db, "1", "", "Lan", NOW)
    bring(app, db, NOW + HOUR, post(4, LONG + "！", NOW + HOUR), post(5, "澄嵐爛", NOW + HOUR))
    assert mentioned(db) == {"5"}
    with writing(db):
        db.execute("DELETE FROM not_us WHERE post = 1")
    bring(app, db, NOW + 2 * HOUR, post(6, LONG, NOW + 2 * HOUR))
    assert mentioned(db) == {"5"}  # every copy bears the word itself


def test_no_change_of_the_rules_brings_it_back(app: App, db: Database) -> None:
    bring(app, db, NOW, post(1, LONG, NOW), post(2, LONG, NOW))
    denying.deny(app, db, "1", "", "Lan", NOW)
    rule = replace(app.matcher.rules[1], terms=("澄嵐", "步道"))
    other = replace(app, matcher=Matcher([rule]))
    other.__dict__["scorer"] = app.scorer
    bring(other, db, NOW + HOUR)
    assert (mentioned(db), voices(db)) == (set(), 0)


def test_an_edit_does_not_overrule_the_person(app: App, db: Database) -> None:
    bring(app, db, NOW, post(1, LONG, NOW), post(2, LONG, NOW))
    denying.deny(app, db, "1", "", "Lan", NOW)
    bring(app, db, NOW + HOUR, post(1, "澄嵐山封山了，步道要修到明年春天才會開放", NOW))
    assert mentioned(db) == set()
    bring(app, db, NOW + 2 * HOUR, post(7, LONG, NOW))
    assert mentioned(db) == set()


def test_replies_that_spoke_of_it_only_by_their_thread_leave_with_it(app: App, db: Database) -> None:
    reply = post(8, "同意，很爛", NOW, parent="1", root="1")
    bring(app, db, NOW, post(1, LONG, NOW), reply)
    assert mentioned(db) == {"1", "8"}
    denying.deny(app, db, "1", "", "Lan", NOW)
    jobs.process(app, db, NOW, Report())
    assert mentioned(db) == set()


def test_undo_brings_everything_back(app: App, db: Database) -> None:
    bring(app, db, NOW, post(1, LONG, NOW), post(2, LONG, NOW))
    before = db.execute("SELECT post, brand, via, term, span_start, label, opens_voice FROM mentions").fetchall()
    denying.deny(app, db, "1", "", "Lan", NOW)
    done = denying.take_back(app, db, "2", "")
    assert (done.changed, done.posts) == (True, (1, 2))
    assert (
        db.execute("SELECT post, brand, via, term, span_start, label, opens_voice FROM mentions").fetchall() == before
    )
    assert voices(db) == 1
    with pytest.raises(UsageError, match="nobody said of post 1"):
        denying.take_back(app, db, "1", "")


def test_it_holds_for_one_brand(tmp_path: Path, db: Database) -> None:
    app = make_app(tmp_path, {"forum": lambda query: [Page(tuple(shown))]})
    bring(app, db, NOW, post(1, "澄嵐比霽川爛，不是普通的爛，是非常的爛", NOW))
    with pytest.raises(UsageError, match="--brand: post 1 mentions 澄嵐, 霽川; say which one is meant"):
        denying.deny(app, db, "1", "", "Lan", NOW)
    denying.deny(app, db, "1", "霽川", "Lan", NOW)
    assert db.execute("SELECT brand FROM v_posts").fetchall() == [("澄嵐",)]


@pytest.mark.parametrize(
    ("name", "brand", "message"),
    [("99", "", "is no post here"), ("1", "無名", "is no brand of"), ("3", "", "mentions none of the watched brands")],
)
def test_what_cannot_be_told_is_said(app: App, db: Database, name: str, brand: str, message: str) -> None:
    bring(app, db, NOW, post(1, LONG, NOW), post(2, "澄嵐好", NOW), post(3, "天氣好", NOW))
    with pytest.raises(UsageError, match=message):
        denying.deny(app, db, name, brand, "Lan", NOW)


def test_a_denied_post_is_emptied_in_its_time_and_its_copies_are_still_known(app: App, db: Database) -> None:
    from monitor.work import purging

    bring(app, db, NOW, post(1, LONG, NOW))
    denying.deny(app, db, "1", "", "Lan", NOW)
    later = NOW + 40 * 24 * HOUR
    purging.purge(app, db, later)
    assert db.execute("SELECT text FROM posts").fetchall() == [("",)]
    bring(app, db, later, post(9, LONG, later))
    assert mentioned(db) == set()


# -- the line for the config ----------------------------------------------------------------------------------------

OURS = [(f"澄嵐的客服第{i}次不回信", False) for i in range(30)]
BRAND = Terms("澄嵐", ("澄嵐",), (), ("澄嵐街",))


def test_the_shortest_phrase_that_takes_hardly_anything_is_offered() -> None:
    found = exclude_for(BRAND, LONG, [LONG], [*OURS, ("澄嵐山夜景", False)])
    assert found is not None
    assert (found.phrase, found.removes, found.of) == ("澄嵐山", 1, 31)
    assert found.line(BRAND) == 'exclude = ["澄嵐街", "澄嵐山"]'


def test_nothing_that_a_person_confirmed_is_given_up() -> None:
    found = exclude_for(BRAND, "澄嵐山泉水買一送一", ["澄嵐山泉水買一送一"], [*OURS, ("澄嵐山真好", True)])
    assert found is not None
    assert found.phrase != "澄嵐山"
    assert found.removes == 0


def test_nothing_is_offered_where_every_phrase_would_take_ours() -> None:
    assert exclude_for(BRAND, "澄嵐客服", ["澄嵐客服"], [("澄嵐客服不回信", False)] * 30) is None
    assert exclude_for(BRAND, "澄嵐！", ["澄嵐！"], OURS) is None
    assert exclude_for(BRAND, "澄嵐的山", ["澄嵐的山"], OURS) is None  # a particle ends a word


def test_two_denials_outweigh_what_is_not_rare() -> None:
    said = ["澄嵐山夜景", "澄嵐山步道"]
    mentions = [*OURS[:20], *[(f"澄嵐山第{i}天", False) for i in range(5)]]
    assert exclude_for(BRAND, said[0], said[:1], mentions).phrase == "澄嵐山夜"  # type: ignore[union-attr]
    assert exclude_for(BRAND, said[0], said, mentions).phrase == "澄嵐山"  # type: ignore[union-attr]


def test_a_latin_term_takes_the_whole_word_beside_it() -> None:
    brand = Terms("Chenglan", ("Chenglan",))
    found = exclude_for(brand, "turn left at Chenglan Road 12", ["x"], [("Chenglan 客服爛", False)] * 20)
    assert found is not None
    assert found.phrase == "Chenglan Road"


# -- the incident is judged anew ------------------------------------------------------------------------------------


def storm(tmp_path: Path, angry: int, of_others: int) -> tuple[App, Database]:
    """A fortnight counted, then a storm of real posts: some of the brand's, some copies of what is not about it."""
    app = make_app(tmp_path, {"forum": lambda query: [Page(tuple(shown))]}, mail=9, alerts=ALERTS,
                   brands=[{"name": "澄嵐", "terms": ["澄嵐"]}])  # fmt: skip
    db = app.open_store()
    quiet = [(START + i * BIN, int(i % 8 == 0), 2) for i in range(int((NOW - START) / BIN))]
    put_counts(db, quiet, live=True)
    jobs.watch(app, db, NOW)
    mine = [post(f"m{i}", f"澄嵐的客服爛{i}", NOW + i * MINUTE) for i in range(angry)]
    others = [post(f"o{i}", f"澄嵐山{i}號步道爛", NOW + i * MINUTE) for i in range(of_others)]
    bring(app, db, NOW + HOUR, *mine, *others)
    jobs.watch(app, db, NOW + HOUR)
    assert state(db) == "open"
    return app, db


def test_an_incident_that_was_not_about_us_ends_with_one_mail(tmp_path: Path) -> None:
    app, db = storm(tmp_path, 1, 30)
    before = mails(db)
    for i in range(30):
        done = denying.deny(app, db, f"forum:o{i}", "", "Lan", NOW + HOUR + MINUTE)
        assert done.incidents == (1,)
    assert mails(db) == before
    for minutes in (2, 17, 32):
        jobs.watch(app, db, NOW + HOUR + minutes * MINUTE)
    assert (state(db), mails(db)) == ("resolved", before + 1)
    assert db.execute("SELECT ending FROM v_incidents").fetchall() == [("not us",)]
    said = db.execute('SELECT event, reason, "by" FROM incident_events ORDER BY id').fetchall()
    assert said[-1] == ("resolved", "not us", "")
    assert ("not_us", "post 2 is not about 澄嵐", "Lan") in said
    assert events(db).count("resolved") == 1
    assert db.execute("SELECT observed < 5 FROM v_incidents").fetchone() == (1,)
    db.close()


def test_one_that_stands_without_them_goes_on_smaller(tmp_path: Path) -> None:
    app, db = storm(tmp_path, 30, 20)
    (size,) = db.execute("SELECT observed FROM incidents").fetchone()
    for i in range(20):
        denying.deny(app, db, f"forum:o{i}", "", "Lan", NOW + HOUR)
    jobs.watch(app, db, NOW + HOUR + MINUTE)
    assert state(db) == "open"
    assert "resolved" not in events(db)
    assert db.execute("SELECT observed, doubted FROM incidents").fetchone()[0] <= size - 15
    assert db.execute("SELECT doubted FROM incidents").fetchone() == ("",)
    db.close()


def test_posts_that_people_call_positive_have_it_judged_anew_too(tmp_path: Path) -> None:
    app, db = storm(tmp_path, 24, 0)
    for i in range(24):
        correcting.label(app, db, f"forum:m{i}", Label.POSITIVE, "", "Lan", NOW + HOUR)
    jobs.watch(app, db, NOW + HOUR + MINUTE)
    assert state(db) == "resolved"
    assert db.execute("SELECT reason FROM incident_events ORDER BY id DESC LIMIT 1").fetchone() == ("corrected",)
    db.close()


def test_what_comes_after_is_another_incident(tmp_path: Path) -> None:
    app, db = storm(tmp_path, 1, 30)
    for i in range(30):
        denying.deny(app, db, f"forum:o{i}", "", "Lan", NOW + HOUR)
    jobs.watch(app, db, NOW + HOUR + MINUTE)
    bring(app, db, NOW + 3 * HOUR, *(post(f"n{i}", f"澄嵐的貨爛{i}", NOW + 2 * HOUR + i * MINUTE) for i in range(50)))
    jobs.watch(app, db, NOW + 3 * HOUR)
    assert [state(db, i) for i in (1, 2)] == ["resolved", "open"]
    db.close()


def test_counts_hold_after_any_order(app: App, db: Database) -> None:
    same = [post(i, LONG, NOW + i * MINUTE, author="one") for i in range(1, 5)]
    bring(app, db, NOW, *same, post(9, "澄嵐爛", NOW, author="one"))
    denying.deny(app, db, "2", "", "Lan", NOW)
    denying.take_back(app, db, "3", "")
    denying.deny(app, db, "4", "", "Lan", NOW)
    assert voices(db) == 1


def test_nothing_is_judged_before_the_correction_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The service watches while the command is between its two transactions."""
    app, db = storm(tmp_path, 1, 30)
    with monkeypatch.context() as patched:
        patched.setattr("monitor.work.denying._count", lambda app, db: None)
        for i in range(30):
            denying.deny(app, db, f"forum:o{i}", "", "Lan", NOW + HOUR)
    jobs.watch(app, db, NOW + HOUR + MINUTE)
    assert (state(db), "resolved" in events(db)) == ("open", False)
    jobs.process(app, db, NOW + HOUR + MINUTE, Report())
    jobs.watch(app, db, NOW + HOUR + 2 * MINUTE)
    assert (state(db), events(db).count("resolved")) == ("resolved", 1)
    db.close()

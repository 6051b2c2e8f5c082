"""The ledger over real stages: who is one complaint, who answered it, and when it was made good."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from monitor import jobs
from monitor.errors import UsageError
from monitor.jobs import Report
from monitor.model import Author, Engagement, Label, Page, Post, Recovery, utc_text
from monitor.store import complaint_list, complaints, overview, posts, purges, writing
from monitor.work import complaining, correcting, denying, naming, purging
from monitor.work.app import App
from monitor.work.ledger import ledger
from tests.standin import DAY, HOUR, MINUTE, NOW, Words, make_app, post

HURTS = "澄嵐的退款拖了三個禮拜都沒有下文，爛透了。我要找消保會"
LONG = "買了澄嵐的氣炸鍋用不到一個月就冒煙，客服叫我自己付運費寄回去，爛透了"
shown: list[Post] = []


class Nothing:
    """A lexicon that finds nothing: the signals of these tests are those that ``feel`` stores."""

    version = "nothing"

    def candidates(self, _folded: str) -> list[object]:
        return []


@pytest.fixture
def app(tmp_path: Path) -> App:
    return asked_always(tmp_path)


def asked_always(folder: Path, **tables: Any) -> App:
    shown.clear()
    app = make_app(folder, {"forum": lambda query: [Page(tuple(shown))]}, **tables)
    app = replace(app, collectors=tuple(replace(c, every_seconds=1) for c in app.collectors))
    app.__dict__["scorer"] = Words()
    app.__dict__["lexicon"] = Nothing()
    return app


@pytest.fixture
def db(app: App) -> Iterator[Database]:
    database = app.open_store()
    yield database
    database.close()


def feel(db: Database) -> None:
    """The signals of the words that the tests use, as the stage that finds them would store them."""
    rows = db.execute("SELECT m.post, m.brand, p.text, m.counted_at FROM mentions m JOIN posts p ON p.id = m.post")
    found = []
    for identity, brand, text, at in rows.fetchall():
        for word, kind, theme in (("退款拖", "complaint", "refund"), ("冒煙", "complaint", "safety"),
                                  ("不會再買", "leaving", ""), ("大家別買", "telling", ""),
                          ("找消保會", "telling", "")):  # fmt: skip
            if word in text:
                start = text.index(word)
                found.append((identity, brand, kind, start, start + len(word), theme, "t", at))
    db.conn.executemany("INSERT INTO signals VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", found)


def bring(app: App, db: Database, at: datetime, *more: Post) -> None:
    shown[:] = more
    jobs.collect(app, db, at, Report())
    jobs.process(app, db, at, Report())
    with writing(db):
        feel(db)
    jobs.ledger(app, db, at, Report())
    assert db.execute("SELECT count(*) FROM failures").fetchone() == (0,)


def rows(db: Database, *columns: str) -> list[tuple[Any, ...]]:
    return db.execute(f"SELECT {', '.join(columns)} FROM v_complaints ORDER BY complaint").fetchall()


def states(db: Database) -> list[str]:
    return [state for (state,) in rows(db, "state")]


def reply(number: int, text: str, at: datetime, author: str, to: str = "1", root: str = "1") -> Post:
    return post(number, text, at, author=author, parent=to, root=root)


def official(number: int, at: datetime, text: str = "很抱歉，請私訊我們", to: str = "1", root: str = "1") -> Post:
    return reply(number, text, at, "official", to, root)


# -- what is one complaint -------------------------------------------------------------------------------------------


def test_thirty_people_are_thirty_complaints_and_one_text_pasted_is_one(app: App, db: Database) -> None:
    bring(app, db, NOW, *(post(i, "澄嵐退款拖", NOW) for i in range(30)))
    assert len(states(db)) == 30
    many = [Post("forum", f"c{i}", LONG, author=Author(f"c{i}", followers=10), published_at=NOW) for i in range(40)]
    bring(app, db, NOW + MINUTE, *many)
    assert rows(db, "posts", "authors", "reach", "themes", "severity")[30:] == [(40, 40, 400, "safety", 3)]


def test_who_complains_again_in_his_thread_has_one_complaint(app: App, db: Database) -> None:
    bring(app, db, NOW, post(1, HURTS, NOW), reply(2, "澄嵐還在退款拖", NOW + HOUR, "a1"),
          reply(3, "我也是 退款拖", NOW + HOUR, "b"))  # fmt: skip
    assert rows(db, "post", "posts", "severity") == [(1, 2, 2), (3, 1, 1)]
    assert rows(db, "evidence")[0] == ("澄嵐的退款拖了三個禮拜都沒有下文，爛透了。",)


def test_noise_is_no_complaint(app: App, db: Database) -> None:
    bring(app, db, NOW, post(1, "澄嵐新品", NOW), post(2, "霽川爛", NOW), post(3, "澄嵐山退款拖", NOW),
          official(4, NOW, "澄嵐退款拖多久都能辦"))  # fmt: skip
    assert states(db) == []
    bring(app, db, NOW + MINUTE, post(5, "澄嵐爛", NOW))  # P(negative) .9: beyond doubt, though nobody knows of what
    assert rows(db, "themes", "evidence") == [("", "澄嵐爛")]


def test_heimao_is_a_complaint_by_its_kind(app: App, db: Database) -> None:
    bring(app, db, NOW, Post("heimao", "1", "澄嵐 售後", kind="complaint:processing", published_at=NOW))
    assert rows(db, "state", "answered_at") == [("new", None)]
    bring(app, db, NOW + HOUR, Post("heimao", "1", "澄嵐 售後", kind="complaint:replied", published_at=NOW))
    assert rows(db, "state", "time_to_answer", "answered_by") == [("answered", 3600, None)]
    bring(app, db, NOW + DAY, Post("heimao", "1", "澄嵐 售後", kind="complaint:completed", published_at=NOW))
    assert states(db) == ["answered"]
    done = Post("heimao", "1", "澄嵐 售後", kind="complaint:completed:satisfied", published_at=NOW)
    bring(app, db, NOW + 2 * DAY, done)
    assert rows(db, "state", "time_to_recovery", "recovered_by") == [("recovered", 172_800, "platform")]
    bring(app, db, NOW + 3 * DAY, Post("heimao", "2", "澄嵐", kind="complaint:closed:unsatisfied", published_at=NOW))
    assert rows(db, "state", "lost_at")[1] == ("lost", utc_text(NOW))  # since when nobody heard


# -- answers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (official(9, NOW + HOUR), "answered"),
        (official(9, NOW + HOUR, to=""), "answered"),
        (official(9, NOW + HOUR, "@a1 請私訊"), "answered"),
        (official(9, NOW + HOUR, "@b 請私訊"), "new"),
        (official(9, NOW + HOUR, to="2"), "new"),
        (official(9, NOW + HOUR, "@a1 請看私訊", to="2"), "answered"),
        (official(9, NOW + HOUR, to="3"), "answered"),
        (official(9, NOW - HOUR), "new"),
        (post(9, "澄嵐聲明：我們很抱歉", NOW + HOUR, author="official"), "new"),
        (reply(9, "我來回答", NOW + HOUR, "b"), "new"),
        (Post("ptt", "9", "抱歉", author=Author("official"), parent="1", root="1", published_at=NOW + HOUR), "new"),
    ],
    ids=["to it", "in its thread", "by name", "to another's name", "to another's reply", "there, but by his name",
         "to his later word", "before it", "a statement", "somebody else", "elsewhere"],
)  # fmt: skip
def test_who_answers_what(app: App, db: Database, answer: Post, state: str) -> None:
    said = [post(1, HURTS, NOW), reply(2, "推", NOW + MINUTE, "b"), reply(3, "有人知道嗎", NOW + MINUTE, "a1"), answer]
    bring(app, db, NOW + HOUR, *said)
    assert states(db) == [state]


def test_a_reply_that_complains_is_answered_by_parent_or_name(app: App, db: Database) -> None:
    bring(app, db, NOW, post(1, "澄嵐開箱", NOW), reply(2, "退款拖", NOW, "b"), reply(3, "退款拖 同", NOW, "c"))
    bring(app, db, NOW + HOUR, official(8, NOW + HOUR))
    assert states(db) == ["new", "new"]
    bring(app, db, NOW + 2 * HOUR, official(9, NOW + HOUR, to="2"), official(10, NOW + 2 * HOUR, "@c 您好"))
    assert rows(db, "state", "time_to_answer", "answered_by") == [("answered", 3600, 5), ("answered", 7200, 6)]


def test_answered_is_not_recovered(app: App, db: Database) -> None:
    bring(app, db, NOW, post(1, HURTS, NOW), official(2, NOW + MINUTE), official(3, NOW + 2 * MINUTE))
    bring(app, db, NOW + 60 * DAY)
    assert rows(db, "state", "answered_at", "recovered_at") == [("answered", utc_text(NOW + MINUTE), None)]


# -- recovery and loss -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("later", "state"),
    [
        (reply(9, "退款到了，謝謝客服", NOW + HOUR, "a1"), "recovered"),
        (reply(9, "退款到了，謝謝客服", NOW + HOUR, "b"), "answered"),
        (reply(9, "還沒解決", NOW + HOUR, "a1"), "answered"),
        (reply(9, "還沒解決，不會再買", NOW + HOUR, "a1"), "lost"),
        (reply(9, "不會再買", NOW + HOUR, "b"), "answered"),
        (post(9, "澄嵐問題解決了", NOW + 29 * DAY, author="a1"), "recovered"),
        (post(9, "澄嵐問題解決了", NOW + 31 * DAY, author="a1"), "answered"),
        (post(9, "霽川問題解決了", NOW + HOUR, author="a1"), "answered"),
        (reply(9, "問題解決了", NOW + 31 * DAY, "a1"), "recovered"),
        (reply(9, "霽川問題解決了", NOW + HOUR, "a1"), "recovered"),
    ],
    ids=["says so", "somebody else", "not yet", "leaves", "another leaves", "elsewhere", "elsewhere, too late",
         "of another brand", "late in the thread", "in the thread, naming a rival"],
)  # fmt: skip
def test_only_the_one_who_was_hurt_can_say_it(app: App, db: Database, later: Post, state: str) -> None:
    bring(app, db, NOW, post(1, HURTS, NOW), official(2, NOW + MINUTE))
    assert later.published_at
    bring(app, db, later.published_at, later)
    assert states(db)[:1] == [state]


def test_order_of_arrival_does_not_matter(tmp_path: Path) -> None:
    said = (post(1, HURTS, NOW), official(2, NOW + MINUTE), reply(3, "錢退回來了，感謝處理", NOW + HOUR, "a1"),
            post(4, "澄嵐退款拖", NOW + DAY, author="a1"))  # fmt: skip
    found = set()
    for number, order in enumerate(permutations(said)):
        folder = tmp_path / str(number)
        folder.mkdir()
        app = asked_always(folder)
        db = app.open_store()
        for nth, one in enumerate(order):
            bring(app, db, NOW + DAY + nth * MINUTE, one)
        columns = ("first_seen", "state", "answered_at", "time_to_answer", "recovered_at", "evidence", "posts")
        found.add(tuple(sorted(rows(db, *columns))))
        db.close()
    (only,) = found
    assert [row[1] for row in only] == ["recovered", "new"]


def test_a_complaint_after_a_recovery_begins_anew(app: App, db: Database) -> None:
    said = [official(2, NOW + HOUR), reply(3, "問題解決了", NOW + 2 * HOUR, "a1")]
    bring(app, db, NOW + 2 * HOUR, post(1, HURTS, NOW), *said)
    bring(app, db, NOW + DAY, reply(4, "又來了，退款拖", NOW + DAY, "a1"))
    assert rows(db, "state", "since", "answered_at", "recovered_at") == [("new", utc_text(NOW + DAY), None, None)]
    events = db.execute("SELECT event, state, note FROM v_complaint_events").fetchall()
    assert events == [("state", "recovered", "post 3"), ("state", "new", "complained again")]


# -- people ----------------------------------------------------------------------------------------------------------


def test_not_us_and_labels_take_it_out_and_bring_it_back(app: App, db: Database) -> None:
    bring(app, db, NOW, post(1, LONG, NOW), post(2, LONG, NOW + MINUTE), post(3, HURTS, NOW))
    denying.deny(app, db, "1", "", "Lan", NOW)
    jobs.ledger(app, db, NOW, Report())
    assert rows(db, "complaint", "post") == [(2, 3)]
    denying.take_back(app, db, "1", "")
    bring(app, db, NOW + HOUR)
    assert rows(db, "complaint", "post", "posts") == [(1, 1, 2), (2, 3, 1)]
    correcting.label(app, db, "3", Label.NEUTRAL, "", "Lan", NOW)
    jobs.ledger(app, db, NOW, Report())
    assert complaint_list.current(db, 2) is None
    correcting.label(app, db, "3", Label.NEGATIVE, "", "Lan", NOW)
    jobs.ledger(app, db, NOW, Report())
    assert complaint_list.current(db, 2) == 2


def test_a_persons_word_wins_and_can_be_taken_back(app: App, db: Database) -> None:
    bring(app, db, NOW, post(1, HURTS, NOW))
    said = correcting.complaint(db, 1, Recovery.RECOVERED, "Lan", "called her", NOW + DAY)
    assert said == ("new", "recovered")
    assert rows(db, "recovered_by", "corrected_by", "time_to_recovery") == [("person", "Lan", 86_400)]
    bring(app, db, NOW + 2 * DAY, official(2, NOW + 2 * DAY), reply(3, "退款拖 不會再買", NOW + 2 * DAY, "a1"))
    assert states(db) == ["recovered"]
    assert correcting.complaint(db, 1, None, "Wu", "", NOW + 3 * DAY) == ("recovered", "lost")
    assert rows(db, "corrected_by") == [("",)]
    assert [e["event"] for e in complaint_list.events(db, 1)] == ["person", "undo", "state"]


def test_after_a_brand_is_renamed_its_complaints_go_on(app: App, db: Database, tmp_path: Path) -> None:
    """Under the new name, by the old numbers, with what people said; what was emptied stays under the old name."""
    bring(app, db, NOW, post(1, HURTS, NOW), post(2, LONG, NOW))
    bring(app, db, NOW + HOUR, official(3, NOW + HOUR, to="2", root="2"))
    correcting.complaint(db, 1, Recovery.LOST, "Lan", "called her", NOW + HOUR)
    with writing(db):
        purges.empty(db, [2], NOW + HOUR)
    brand = {"name": "澄嵐家電", "terms": ["澄嵐"], "accounts": ["forum:official"]}
    renamed = asked_always(tmp_path, brands=[brand])
    bring(renamed, db, NOW + DAY)
    bring(renamed, db, NOW + DAY)
    columns = ("brand", "state", "corrected_by")
    assert sorted(rows(db, *columns)) == [("澄嵐", "answered", ""), ("澄嵐家電", "lost", "Lan")]
    now = complaint_list.current(db, 1)
    assert now is not None
    assert complaint_list.find(db, now)["brand"] == "澄嵐家電"
    assert [e["note"] for e in complaint_list.events(db, now) if e["by"]] == ["called her"]
    assert [naming.stored_brands(renamed, db, name) for name in ("澄岚", "澄嵐家電")] == [
        ["澄嵐家電", "澄嵐"], ["澄嵐家電"],
    ]  # fmt: skip
    assert complaint_list.count(db, ["澄嵐家電", "澄嵐"], ["lost", "answered"]) == 2
    with pytest.raises(UsageError, match="is no brand of"):
        naming.stored_brands(renamed, db, "無名")


def test_one_saying_weighs_once(app: App, db: Database) -> None:
    """The threat is also a signal of telling others; only another saying adds a point."""
    bring(app, db, NOW, post(1, "澄嵐退款拖，我要找消保會", NOW), post(2, "澄嵐退款拖，大家別買", NOW),
          post(3, "澄嵐退款拖，大家別買，我要找消保會", NOW))  # fmt: skip
    assert rows(db, "severity") == [(2,), (2,), (3,)]
    assert db.execute("SELECT count(*) FROM signals WHERE kind = 'telling'").fetchone() == (4,)


def test_two_that_turn_out_to_be_one_keep_their_numbers(app: App, db: Database) -> None:
    """An edit makes the second a copy of the first: its number leads on, and what was said of it goes along."""
    bring(app, db, NOW, post(1, LONG, NOW), post(2, HURTS, NOW + MINUTE))
    correcting.complaint(db, 2, Recovery.LOST, "Lan", "", NOW)
    bring(app, db, NOW + HOUR, post(2, LONG + "。真的", NOW + MINUTE))
    assert rows(db, "complaint", "posts", "state", "corrected_by") == [(1, 2, "lost", "Lan")]
    assert complaint_list.current(db, 2) == 1


# -- what is no longer there -----------------------------------------------------------------------------------------


def test_a_purge_keeps_the_row_and_drops_the_words(app: App, db: Database) -> None:
    bring(app, db, NOW + 2 * HOUR, Post("forum", "1", HURTS, author=Author("a1", followers=7), published_at=NOW,
                             engagement=Engagement(5)), official(2, NOW + HOUR, "@a1 @b 很抱歉"),
          reply(3, "問題解決了", NOW + 2 * HOUR, "a1"))  # fmt: skip
    columns = ("complaint", "state", "reach", "severity", "time_to_answer", "time_to_recovery", "themes")
    before = rows(db, *columns)
    assert before == [(1, "recovered", 12, 2, 3600, 7200, "refund")]
    purging.purge(app, db, NOW + 500 * DAY)
    jobs.ledger(app, db, NOW + 500 * DAY, Report())
    assert rows(db, *columns) == before
    assert rows(db, "evidence") == [("",)]
    (author,) = db.execute("SELECT author_key FROM posts WHERE native_id = '1'").fetchone()
    assert author.startswith("purged:")
    assert db.execute("SELECT author FROM complaints").fetchone() == (None,)
    assert db.execute("SELECT DISTINCT kind, who FROM complaint_sayings").fetchall() == [("names", b"")]
    correcting.complaint(db, 1, Recovery.LOST, "Lan", "", NOW + 500 * DAY)
    assert states(db) == ["lost"]


def test_notes_go_with_what_they_speak_of_and_names_with_time(app: App, db: Database) -> None:
    bring(app, db, NOW, post(1, HURTS, NOW), post(2, LONG, NOW))
    said = NOW + 300 * DAY
    for number in (1, 2):
        correcting.complaint(db, number, Recovery.LOST, "Lan", "her number is ...", said)
    with writing(db):
        purges.empty(db, [1], NOW + 301 * DAY)
    told = "SELECT note, \"by\", event FROM v_complaint_events WHERE event = 'person' ORDER BY complaint"
    assert db.execute(told).fetchall() == [("", "Lan", "person"), ("her number is ...", "Lan", "person")]
    correcting.complaint(db, 1, Recovery.RECOVERED, "Wu", "later", said + 200 * DAY)
    with writing(db):
        assert purges.empty_notes(db, said, dry_run=True) == purges.empty_notes(db, said) == 2
        assert purges.empty_notes(db, said) == 0
    assert db.execute(told).fetchall() == [
        ("", "someone", "person"), ("later", "Wu", "person"), ("", "someone", "person"),
    ]  # fmt: skip
    assert rows(db, "state", "corrected_by") == [("recovered", "Wu"), ("lost", "someone")]
    bring(app, db, said + 201 * DAY, post(2, LONG + "。", NOW))
    assert rows(db, "state", "corrected_by")[1] == ("lost", "someone")


def test_what_is_gone_is_not_asked_to_be_answered(app: App, db: Database) -> None:
    bring(app, db, NOW, post(1, HURTS, NOW))
    assert len(ledger(db, 1, NOW - DAY, NOW + DAY, NOW + DAY).to_answer) == 1
    with writing(db):
        posts.mark_gone(db, 1, NOW + HOUR)
    jobs.ledger(app, db, NOW, Report())
    found = ledger(db, 1, NOW - DAY, NOW + DAY, NOW + DAY)
    assert (found.waiting, found.to_answer) == (1, ())


# -- the day ---------------------------------------------------------------------------------------------------------


def test_the_day_as_it_was_known_then(app: App, db: Database) -> None:
    bring(app, db, NOW, post(1, HURTS, NOW), post(2, "澄嵐 退款拖", NOW))
    bring(app, db, NOW + 2 * DAY, official(3, NOW + DAY), reply(4, "問題解決了", NOW + DAY + HOUR, "a1"))
    first = ledger(db, 1, NOW - HOUR, NOW + HOUR, NOW + 9 * DAY)
    assert (first.arrived, first.answered, first.waiting, first.unrecovered) == (2, 0, 2, 0)
    assert {line.state for line in first.to_answer} == {Recovery.NEW}
    middle = ledger(db, 1, NOW + HOUR, NOW + DAY + MINUTE, NOW + 9 * DAY)
    assert (middle.arrived, middle.answered, middle.recovered, middle.waiting, middle.unrecovered) == (0, 1, 0, 1, 1)
    last = ledger(db, 1, NOW + DAY + MINUTE, NOW + 2 * DAY, NOW + 9 * DAY)
    assert (last.recovered, last.waiting, last.unrecovered, last.time_to_answer) == (1, 1, 0, None)
    (good,) = last.made_good
    assert (good.complaint_id, good.state, good.answer and good.answer.text) == (
        1, Recovery.RECOVERED, "很抱歉，請私訊我們",
    )  # fmt: skip


def test_what_presses_most_comes_first(app: App, db: Database) -> None:
    def loud(number: int, likes: int, followers: int = 0) -> Post:
        author = Author(f"a{number}", followers=followers)
        return Post("forum", str(number), f"澄嵐退款拖{number}天", author=author, published_at=NOW,
                    url=f"https://f.example/{number}", engagement=Engagement(likes))  # fmt: skip

    bring(app, db, NOW, *(loud(i, i) for i in range(9)), loud(20, 0, 5_000), loud(21, 0, 50_000))
    bring(app, db, NOW + 2 * DAY, *(loud(i, i) for i in range(8)), loud(8, 900))
    found = ledger(db, 1, NOW + DAY, NOW + 3 * DAY, NOW + 3 * DAY)
    assert [line.quote.text for line in found.to_answer[:3]] == ["澄嵐退款拖8天", "澄嵐退款拖21天", "澄嵐退款拖20天"]
    assert len(found.to_answer) == 8
    fast = found.to_answer[0]
    assert (fast.reach_before, fast.reach, fast.posts_before, fast.velocity) == (8, 900, 1, 892 / 24)
    assert (fast.quote.url, fast.quote.likes, fast.severity) == ("https://f.example/8", 900, 1)
    assert [line.posts_before for line in ledger(db, 1, NOW, NOW + HOUR, NOW + HOUR).to_answer] == [None] * 8


def test_reach_that_nobody_shows_is_unknown_and_ranks_as_none(app: App, db: Database) -> None:
    silent = Post("forum", "1", "澄嵐退款拖1天", author=Author("a1"), published_at=NOW, url="https://f.example/1")
    shown = Post("forum", "2", "澄嵐退款拖2天", author=Author("a2"), published_at=NOW, url="https://f.example/2",
                 engagement=Engagement(0))  # fmt: skip
    bring(app, db, NOW, silent, shown)
    lines = {line.quote.url: line for line in ledger(db, 1, NOW, NOW + DAY, NOW + DAY).to_answer}
    assert [lines[f"https://f.example/{n}"].reach for n in (1, 2)] == [None, 0]
    assert [r[0] for r in rows(db, "reach")] == [None, 0]


def test_pruning_loses_nothing(app: App, db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    from monitor.work import ledger as module

    said: Sequence[Post] = [
        Post("forum", str(i), f"澄嵐退款拖{i}天", author=Author(f"a{i}", followers=i * 37 % 100),
             published_at=NOW + i * 7 * HOUR, engagement=Engagement(i * 53 % 61))
        for i in range(40)
    ]  # fmt: skip
    bring(app, db, NOW + 13 * DAY, *said)
    some = ledger(db, 1, NOW + 11 * DAY, NOW + 12 * DAY, NOW + 20 * DAY).to_answer
    monkeypatch.setattr(module, "TO_ANSWER", 1000)
    every = ledger(db, 1, NOW + 11 * DAY, NOW + 12 * DAY, NOW + 20 * DAY).to_answer
    assert len(some) == 8 < len(every)
    assert some == every[:8]


def test_medians_need_five(app: App, db: Database) -> None:
    for i in range(1, 6):
        assert ledger(db, 1, NOW, NOW + DAY, NOW + DAY).time_to_answer is None
        answer = official(100 + i, NOW + i * HOUR, to=str(i), root=str(i))
        bring(app, db, NOW + i * HOUR, post(i, f"澄嵐退款拖{i}天", NOW), answer)
    assert ledger(db, 1, NOW, NOW + DAY, NOW + DAY).time_to_answer == 3 * HOUR


def test_the_digest_has_the_ledger(app: App, db: Database) -> None:
    from monitor.work import digesting

    bring(app, db, NOW, post(1, HURTS, NOW))
    (brand, brand_id) = app.own_brands[0]
    found = digesting.load(app, db, brand, brand_id, NOW.date(), NOW + DAY)
    assert found.ledger
    assert (found.ledger.arrived, found.ledger.waiting) == (1, 1)


def test_a_history_takes_turns_and_what_arrives_goes_first(
    app: App, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.setattr(complaining, "BATCH", 2)
    monkeypatch.setattr(complaining, "LONGEST", 0 * DAY)
    monkeypatch.setattr(complaining.keep, "__defaults__", (2,))
    bring(app, db, NOW, *(post(i, f"澄嵐退款拖{i}天", NOW) for i in range(1, 6)))
    assert [(p,) for p in (4, 5)] == rows(db, "post")
    assert overview.overview(db, [], app.brands, NOW)["queues"]["ledger"] == complaints.waiting(db) == 3
    for _ in range(2):
        jobs.ledger(app, db, NOW, Report())
    assert complaints.waiting(db) == 0
    assert sorted(rows(db, "post")) == [(p,) for p in range(1, 6)]


def test_a_broken_ledger_silences_nothing_else(app: App, db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> int:
        raise RuntimeError("poison")

    shown[:] = [post(1, HURTS, NOW)]
    with monkeypatch.context() as patch:
        patch.setattr(complaining, "keep", broken)
        jobs.cycle(replace(app, keep_going=True), db, NOW)
        assert db.execute("SELECT stage FROM failures").fetchall() == [("ledger",)]
    bring(app, db, NOW + HOUR)
    assert states(db) == ["new"]

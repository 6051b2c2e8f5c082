"""Signals in the pipeline: each mention's own, found again when text, rules or lexicon change, and kept by a purge."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from monitor import jobs
from monitor.config import parse
from monitor.errors import ConfigError
from monitor.jobs import Report
from monitor.model import BIN, Page, Post
from monitor.store import fact, not_us, posts, purges, service, writing
from monitor.work.app import App, own_themes
from tests.standin import DAY, HOUR, NOW, make_app, post

HURT = "澄嵐的客服態度很差,等了兩個小時才送到,再也不買了。"
BOTH = "霽川的店員很親切,服務很好。澄嵐就爛了,客服態度很差,一直不退款。"


def collected(tmp_path: Path, given: list[Post], **tables: Any) -> tuple[App, Database]:
    app = make_app(tmp_path, {"forum": lambda query: [Page(tuple(given))]}, **tables)
    db = app.open_store()
    jobs.collect(app, db, NOW, Report())
    jobs.process(app, db, NOW, Report())
    return app, db


def found(db: Database, columns: str = "kind, theme") -> list[tuple[Any, ...]]:
    return db.execute(f"SELECT {columns} FROM v_signals ORDER BY post, start, kind").fetchall()


def test_a_mention_has_its_signals_with_their_evidence(tmp_path: Path) -> None:
    _, db = collected(tmp_path, [post(1, HURT, NOW - HOUR), post(2, "路過而已", NOW - HOUR)])
    assert found(db) == [("complaint", "service"), ("complaint", "waiting"), ("leaving", "")]
    evidence = [text for (text,) in found(db, "evidence")]
    assert all(text and text in HURT for text in evidence)
    assert "態度很差" in evidence[0]
    assert len({at for (at,) in found(db, "counted_at")}) == 1
    assert posts.waiting(db)["signal"] == 0
    db.close()


def test_each_of_two_brands_has_the_signals_of_what_is_said_of_it(tmp_path: Path) -> None:
    _, db = collected(tmp_path, [post(1, BOTH, NOW - HOUR)])
    assert ("澄嵐", "complaint", "service") in found(db, "brand, kind, theme")
    assert not [row for row in found(db, "brand, kind") if row == ("霽川", "complaint")]
    assert ("霽川", "praise") in found(db, "brand, kind")
    assert not [row for row in found(db, "brand, kind") if row == ("澄嵐", "praise")]
    db.close()


def test_a_reply_that_names_no_brand_has_all_of_its_signals(tmp_path: Path) -> None:
    reply = post(2, "客服態度很差,再也不買了", NOW - HOUR, parent="1", root="1")
    _, db = collected(tmp_path, [post(1, "澄嵐開新店", NOW - HOUR), reply])
    assert found(db, "brand, kind") == [("澄嵐", "complaint"), ("澄嵐", "leaving")]
    db.close()


def test_an_edit_has_other_signals(tmp_path: Path) -> None:
    given = [post(1, HURT, NOW - HOUR)]
    app, db = collected(tmp_path, given)
    given[0] = replace(given[0], text="澄嵐的客服態度很差,後來道歉了,店員很親切,服務很好,謝謝大家幫忙看,不用再問了。")
    jobs.collect(app, db, NOW + HOUR, Report())
    jobs.process(app, db, NOW + HOUR, Report())
    kinds = {kind for (kind,) in found(db, "kind")}
    assert "praise" in kinds
    assert "leaving" not in kinds
    db.close()


def test_another_brand_in_the_config_and_a_word_that_it_is_not_us(tmp_path: Path) -> None:
    alone = [{"name": "霽川", "terms": ["霽川"]}]
    _, db = collected(tmp_path, [post(1, BOTH, NOW - HOUR)], brands=alone)
    assert ("霽川", "complaint") in found(db, "brand, kind")
    db.close()
    app = make_app(tmp_path, brands=[*alone, {"name": "澄嵐", "terms": ["澄嵐"]}])
    db = app.open_store()
    jobs.process(app, db, NOW + BIN, Report())
    assert ("霽川", "complaint") not in found(db, "brand, kind")
    assert ("澄嵐", "complaint") in found(db, "brand, kind")
    with writing(db):
        not_us.say(db, [1], app.brands["澄嵐"], "oncall", NOW)
    assert db.execute("SELECT count(*) FROM signals WHERE brand = ?", [app.brands["澄嵐"]]).fetchone() == (0,)
    jobs.process(app, db, NOW + 2 * BIN, Report())
    assert db.execute("SELECT count(*) FROM signals WHERE brand = ?", [app.brands["澄嵐"]]).fetchone() == (0,)
    db.close()


def test_an_own_theme_is_found_in_the_last_weeks_posts_too(tmp_path: Path) -> None:
    _, db = collected(tmp_path, [post(1, "去澄嵐真的停車超難", NOW - HOUR)])
    assert found(db) == []
    before = fact(db, "signals")
    db.close()
    app = make_app(tmp_path, themes=[{"name": "停車", "words": ["停车(超|很)难"]}])
    db = app.open_store()
    jobs.process(app, db, NOW + BIN, Report())
    assert found(db, "kind, theme, evidence") == [("complaint", "停車", "停車超難")]
    assert fact(db, "signals") != before
    db.close()


def test_a_database_of_the_former_version_gets_signals_of_its_last_weeks(tmp_path: Path) -> None:
    old, new = post(1, HURT, NOW - 40 * DAY), post(2, HURT + "唉", NOW - 2 * DAY)
    app, db = collected(tmp_path, [new, old])
    with writing(db):
        db.execute("DELETE FROM signals")
        db.execute("DELETE FROM facts WHERE name = 'signals'")
    jobs.process(app, db, NOW + HOUR, Report())
    assert db.execute("SELECT DISTINCT p.native_id FROM signals s JOIN posts p ON p.id = s.post").fetchall() == [("2",)]
    db.close()


def test_a_purge_keeps_kind_and_theme_and_no_evidence(tmp_path: Path) -> None:
    _, db = collected(tmp_path, [post(1, HURT, NOW - HOUR)])
    before = found(db)
    with writing(db):
        purges.empty(db, [1], NOW)
    assert found(db) == before
    assert {text for (text,) in found(db, "evidence")} == {""}
    db.close()


def test_a_post_that_breaks_the_stage_is_set_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from monitor import signals

    real = signals.find

    def poisoned(text: str, *given: Any, **options: Any) -> Any:
        if "毒藥" in text:
            raise RuntimeError("poison")
        return real(text, *given, **options)

    monkeypatch.setattr(signals, "find", poisoned)
    given = [post(1, HURT, NOW - HOUR), post(2, "澄嵐毒藥", NOW - HOUR)]
    app = make_app(tmp_path, {"forum": lambda query: [Page(tuple(given))]}, keep_going=True)
    db = app.open_store()
    jobs.cycle(app, db, NOW)
    assert found(db)
    assert [(f["stage"], f["error"]) for f in service.failures(db)] == [("signal", "RuntimeError")]
    db.close()


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({"name": "停車", "word": ["x"], "words": ["停車"]}, 'themes[0].word: unknown key; did you mean "words"?'),
        ({"name": "停車", "words": []}, "themes[0].words"),
        ({"name": "停車", "words": ["停車"], "kind": "anger"}, 'themes[0].kind: must be one of "complaint"'),
    ],
)
def test_a_theme_with_a_mistake_is_refused_by_its_path(table: dict[str, Any], told: str) -> None:
    document = {"brands": [{"name": "澄嵐", "terms": ["澄嵐"]}], "themes": [table]}
    with pytest.raises(ConfigError, match=told.replace("[", r"\[").replace("?", r"\?")):
        parse(document, "c.toml", Path())


@pytest.mark.parametrize("line", ["(停車", "停車)", "{nowhere}停", "…", "停?"])
def test_a_line_that_cannot_be_read_is_refused_by_its_path(line: str) -> None:
    table = {"name": "停車", "words": ["停車難", line]}
    config = parse({"brands": [{"name": "澄嵐", "terms": ["澄嵐"]}], "themes": [table]}, "c.toml", Path())
    with pytest.raises(ConfigError, match=r"c\.toml: themes\[0\]\.words\[1\]: "):
        own_themes(config)

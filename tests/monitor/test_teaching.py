"""From a person's corrections to a model that speaks: labels in, training, the silent rescoring, and the way back."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from sqlite_utils import Database

from monitor import jobs
from monitor.jobs import Report
from monitor.model import Label, Page, Post
from monitor.sentiment import Scorer
from monitor.sentiment.judging import table_lines
from monitor.store import counts, mentions, models, writing
from monitor.work import teaching
from monitor.work.app import App
from tests.monitor.sentiment.test_training import jargon_labels
from tests.standin import DAY, HOUR, NOW, make_app, post

LABELLED = jargon_labels(100)
LATER = [post(f"n{i}", each.text + "。澄嵐", NOW - HOUR) for i, each in enumerate(jargon_labels(20))]


@pytest.fixture(scope="module")
def posts() -> list[Post]:
    return [post(i, f"{each.text} 澄嵐", NOW - DAY - i * HOUR / 20) for i, each in enumerate(LABELLED)]


def opened(tmp_path: Path, shown: list[Post]) -> tuple[App, Database]:
    app = make_app(tmp_path, {"forum": lambda query: [Page(tuple(shown))]})
    app.__dict__["scorer"] = Scorer()
    db = app.open_store()
    jobs.cycle(app, db, NOW)
    return app, db


def correct(db: Database) -> None:
    """Every post gets its true label from a person."""
    ids = dict(db.execute("SELECT native_id, id FROM posts").fetchall())
    with writing(db):
        for i, each in enumerate(LABELLED):
            mentions.add_label(db, ids[str(i)], 1, each.label, "Lan", NOW)


def teach(app: App, db: Database, *, install: bool = True) -> teaching.Taught:
    return teaching.teach(app, db, [], NOW, alone=False, sample=False, install=install)


def test_corrections_become_a_model_that_speaks_after_the_next_cycle(tmp_path: Path, posts: list[Post]) -> None:
    app, db = opened(tmp_path, posts)
    base = app.scorer.version
    correct(db)
    taught = teach(app, db)
    assert taught.outcome.better, taught.outcome.reason
    assert taught.before is not None
    assert taught.after is not None
    assert taught.after > taught.before
    assert (models.speaking(db), taught.version != base) == (base, True)
    jobs.process(app, db, NOW, Report())
    assert models.speaking(db) == taught.version == app.scorer.version
    assert counts.recount_all(db) == counts.stored(db)
    assert db.execute("SELECT count(*) FROM incidents").fetchone() == (0,)
    again = make_app(tmp_path)
    again.__dict__.pop("scorer")
    again.follow_model(db)
    assert again.scorer.version == taught.version  # a new process finds it in the database
    assert teaching.go_back(db)
    jobs.process(app, db, NOW, Report())
    assert models.speaking(db) == base
    assert not teaching.go_back(db)
    db.close()


def test_a_dry_run_and_a_refusal_choose_nothing(tmp_path: Path, posts: list[Post]) -> None:
    app, db = opened(tmp_path, posts)
    nothing = teach(app, db)
    assert not nothing.outcome.better
    assert nothing.outcome.reason
    correct(db)
    assert teach(app, db, install=False).version == ""
    assert models.chosen(db) is None
    db.close()


def test_a_trained_model_of_another_version_gives_way_to_the_shipped(
    tmp_path: Path, posts: list[Post], caplog: pytest.LogCaptureFixture
) -> None:
    app, db = opened(tmp_path, posts[:5])
    shipped = app.scorer.version
    with writing(db):
        models.choose(db, "old", b"{}", b"", NOW)
    app.follow_model(db)
    assert app.scorer.version == shipped
    assert "the trained model is not of this version" in caplog.text
    db.close()


def test_the_words_that_were_scored_are_what_is_learned_from(tmp_path: Path) -> None:
    both = post(1, "霽川的客服很親切。澄嵐就不行了,等了三天。", NOW - HOUR)
    app, db = opened(tmp_path, [both])
    with writing(db):
        mentions.add_label(db, 1, 1, Label.NEGATIVE, "Lan", NOW)
        mentions.add_label(db, 1, 2, Label.POSITIVE, "Lan", NOW)
    known, names = teaching.corrections(app, db)
    assert names == ["澄嵐", "霽川"]
    assert "親切" not in known[0].text
    assert "三天" in known[0].text
    assert "親切" in known[1].text
    rows = teaching.judge(app, db)
    assert {row.name for row in rows} == {"all", "澄嵐", "霽川"}
    assert len(table_lines(rows)) == 7
    db.close()


def labelled_file(folder: Path) -> Path:
    file = folder / "labelled.csv"
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["text", "label"])
        writer.writerows([each.text, each.label.value] for each in LABELLED)
    return file

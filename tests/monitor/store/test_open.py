"""Opening the database: what it is, and what cannot be used is said in one line."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlite_utils import Database

from monitor.errors import StoreError
from monitor.schema import migrations
from monitor.store import SCRATCH_CACHE, counts, fact, models, open_scratch, open_store, set_fact, together, writing


def test_a_new_file_is_migrated_in_wal_mode_and_opens_again(tmp_path: Path) -> None:
    path = tmp_path / "qianli.db"
    for _ in range(2):
        db = open_store(path)
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert db.execute("SELECT count(*) FROM _sqlite_migrations").fetchone() == (
            len(migrations.pending(Database(memory=True))),
        )
        db.close()


def test_a_scratch_store_has_the_same_tables_and_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SQLITE_TMPDIR", str(tmp_path))
    scratch, kept = open_scratch(), open_store(tmp_path / "qianli.db")
    tables = "SELECT sql FROM sqlite_master WHERE type IN ('table', 'view', 'index') ORDER BY name"
    assert scratch.execute(tables).fetchall() == kept.execute(tables).fetchall()
    kept.close()
    there = set(tmp_path.iterdir())
    with writing(scratch):  # more than it holds in memory, so that it grows on the disk
        set_fact(scratch, "long", "x" * 1024 * (SCRATCH_CACHE + 8_192))
    assert set(tmp_path.iterdir()) == there
    assert len(fact(scratch, "long") or "") > 1024 * SCRATCH_CACHE
    scratch.close()


def test_one_made_by_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "qianli.db"
    db = open_store(path)
    db.execute("INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('qianli', 'later', 'x')")
    db.close()
    with pytest.raises(StoreError, match="made by a newer Qianli"):
        open_store(path)


@pytest.mark.parametrize("content", [b"this is no database, but a text of some length\n" * 40])
def test_a_file_that_is_no_database_is_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "qianli.db"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"qianli\.db: cannot be used as the database"):
        open_store(path)
    assert path.read_bytes() == content
    with pytest.raises(StoreError, match="cannot be used as the database"):
        open_store(tmp_path / "nowhere" / "qianli.db")


def test_a_commit_that_fails_leaves_no_transaction_open(tmp_path: Path) -> None:
    """A deferred foreign key is judged at the commit, as a full disk is."""
    db = open_store(tmp_path / "qianli.db")
    db.execute("CREATE TABLE child (post INTEGER REFERENCES posts(id) DEFERRABLE INITIALLY DEFERRED)")
    with pytest.raises(sqlite3.IntegrityError), writing(db):
        db.execute("INSERT INTO child VALUES (99)")
    assert not db.conn.in_transaction
    with writing(db):
        set_fact(db, "a", "b")
    assert db.execute("SELECT count(*) FROM child").fetchone() == (0,)
    db.close()


def test_a_database_of_the_first_version_goes_on_with_the_model_that_spoke(tmp_path: Path) -> None:
    path = tmp_path / "qianli.db"
    old = Database(path)
    migrations.apply(old, stop_before="models_and_portions")
    old.conn.executescript(
        """INSERT INTO brands VALUES (1, 'b', 'own');
           INSERT INTO posts VALUES (1, 'p', '1', '', 'post', 't', NULL, NULL, NULL, '', NULL, '2026-11-20T02:00:00Z',
               '2026-11-20T02:00:00Z', 0, 1, '', '', '', '[]', NULL, NULL);
           INSERT INTO models VALUES ('m1', '2026-11-01T00:00:00Z'), ('m2', '2026-11-19T00:00:00Z');
           INSERT INTO mentions VALUES (1, 1, 'term', 't', 0, 1, '2026-11-20T02:00:00Z', 'negative', .9, 'm2', 0);
           INSERT INTO counts VALUES (1, 'p', '2026-11-20T02:00:00Z', 1, 1, 1, 1, 0);"""
    )
    old.close()
    db = open_store(path)
    assert models.speaking(db) == "m2"
    with writing(db):
        counts.recount(db)
    assert db.execute("SELECT model FROM counts").fetchall() == [("m2",)]
    db.close()


def test_complaints_of_an_older_version_are_read_again(tmp_path: Path) -> None:
    """What was a reach of 0 is unknown until then, and a note on what was emptied goes at once."""
    old = Database(tmp_path / "qianli.db")
    migrations.apply(old, stop_before="ledger_reach_and_notes")
    old.execute("INSERT INTO brands (name, role) VALUES ('澄嵐', 'own')")
    for post, reach, purged in ((1, 0, "2026-11-20T00:00:00Z"), (2, 70, None)):
        old.execute(
            """INSERT INTO posts (id, platform, native_id, url, kind, text, counted_at, arrived_at, assumed, live,
                   parent, root, page, purged_at)
               VALUES (?1, 'ptt', ?1, '', 'post', '', '2026-11-01T00:00:00Z', '2026-11-01T00:00:00Z', 0, 1, '', '', '',
                   ?2)""",
            [post, purged],
        )
        old.execute("INSERT INTO mentions (post, brand, via, term, counted_at) VALUES (?, 1, 'term', '', '')", [post])
        old.execute(
            """INSERT INTO complaints (brand, post, first_seen, last_seen, since, posts, reach)
               VALUES (1, ?, '', '', '', 1, ?)""",
            [post, reach],
        )
        old.execute(
            """INSERT INTO complaint_events (complaint, at, event, state, "by", note)
               VALUES (?, '2026-11-10T00:00:00Z', 'person', 'lost', 'Lan', 'called')""",
            [post],
        )
    old.execute("DELETE FROM complaint_marks")
    old.close()
    db = open_store(tmp_path / "qianli.db")
    assert db.execute("SELECT complaint, reach FROM v_complaints").fetchall() == [(1, None), (2, 70)]
    assert db.execute("SELECT note FROM v_complaint_events").fetchall() == [("",), ("called",)]
    marks = db.execute("SELECT what, id FROM complaint_marks").fetchall()
    assert marks == [("complaint", 1), ("complaint", 2), ("post", 1), ("post", 2)]
    assert db.execute("PRAGMA foreign_key_check").fetchall() == []
    db.close()


def test_what_is_written_together_is_stored_together_or_not_at_all(db: Database) -> None:
    def both() -> None:
        with together(db):
            with writing(db):
                set_fact(db, "one", "1")
            with writing(db, durable=True):
                set_fact(db, "two", "2")
            raise KeyError

    with pytest.raises(KeyError):
        both()
    assert (fact(db, "one"), fact(db, "two")) == (None, None)
    with together(db), writing(db):
        set_fact(db, "one", "1")
    assert fact(db, "one") == "1"
    assert not db.conn.in_transaction

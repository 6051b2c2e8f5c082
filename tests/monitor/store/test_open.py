"""Opening the database: what it is, and what cannot be used is said in one line."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from monitor.errors import StoreError
from monitor.store import open_store, set_fact, writing


def test_a_new_file_is_migrated_in_wal_mode_and_opens_again(tmp_path: Path) -> None:
    path = tmp_path / "qianli.db"
    for _ in range(2):
        db = open_store(path)
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert db.execute("SELECT count(*) FROM _sqlite_migrations").fetchone() == (2,)
        db.close()


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

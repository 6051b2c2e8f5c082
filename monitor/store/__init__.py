"""The only SQL. One module a subject; each function takes the open database and does one thing in its transaction.

``open_store`` gives a migrated database in WAL mode. ``writing`` is the transaction of everything that writes: an
immediate one, because SQLite's default deferred one fails at once, without waiting, when it reads before it writes
and another writer was faster. Functions that only write a part (``posts.add``) must be called inside it.
"""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from weakref import WeakSet

from sqlite_utils import Database

from monitor.errors import StoreError
from monitor.model import from_utc_text
from monitor.schema import migrations, upgrade

BUSY = 120.0
"""Seconds that a writer waits for another one: the switch to another model over a million mentions takes a minute."""

SCRATCH_CACHE = 32_768
"""KiB of a scratch store that are held in memory."""

_WHOLE: WeakSet[Database] = WeakSet()
"""Connections on which a ``together`` is open."""


def open_store(path: Path) -> Database:
    """Open, and bring to this version's schema. StoreError if it is no database or was made by a newer version."""
    connection = None
    try:
        connection = sqlite3.connect(path, timeout=BUSY)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        db = Database(connection)
        _migrate(db, path)
    except (sqlite3.DatabaseError, StoreError) as error:
        if connection is not None:
            connection.close()
        if isinstance(error, StoreError):
            raise
        raise StoreError(f"{path}: cannot be used as the database: {_in_words(error)}") from error
    return db


def open_scratch() -> Database:
    """A store that is gone once it is closed: SQLite holds it in its cache and, where it grows, in a file without a
    name. Nothing of it is to outlive a crash, so SQLite syncs nothing and checks no references; and nobody keeps
    complaints or counts in it, so nothing is marked for that."""
    db = Database(sqlite3.connect(""))
    db.conn.execute(f"PRAGMA cache_size = -{SCRATCH_CACHE}")
    with writing(db):
        upgrade(db)
        for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            db.execute(f"DROP TRIGGER {name}")
    return db


def _in_words(error: sqlite3.Error) -> str:
    """SQLite says neither who may not write nor that it is as often the folder as the file."""
    known = {
        sqlite3.SQLITE_READONLY: "the file or its folder cannot be written by this user",
        sqlite3.SQLITE_CANTOPEN: "the folder is not there, or this user may not open the file",
    }
    return known.get(getattr(error, "sqlite_errorcode", -1) & 0xFF, str(error))


def _migrate(db: Database, path: Path) -> None:
    applied = {m.name for m in migrations.applied(db)}
    ours = _known_steps()
    if applied - ours:
        raise StoreError(f"{path}: made by a newer Qianli (it knows {min(applied - ours)!r}); upgrade this one")
    if applied == ours:
        return
    with writing(db):  # two processes may start at once: the pending list must be read inside the transaction
        upgrade(db)


@functools.cache
def _known_steps() -> frozenset[str]:
    """The names of all migrations of this version: those that an empty database waits for."""
    with closing(sqlite3.connect(":memory:")) as empty:
        return frozenset(m.name for m in migrations.pending(Database(empty)))


@contextmanager
def writing(db: Database, *, durable: bool = False) -> Iterator[None]:
    """One immediate transaction: all of it is stored, or none.

    ``durable``: it is on the disk before this returns, as owed mail must be; a power cut may take back the last
    moments of other transactions, whose work is then done again.
    """
    if db in _WHOLE:
        yield
        return
    run = db.conn.execute  # what ``Database.execute`` adds is for statements outside a transaction
    run(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
    run("BEGIN IMMEDIATE")
    try:
        yield
        run("COMMIT")
    finally:  # also when the commit itself fails, on a full disk: an open transaction would hold up every other writer
        if db.conn.in_transaction:
            db.conn.rollback()


@contextmanager
def together(db: Database, *, durable: bool = False) -> Iterator[None]:
    """Several transactions as one: each ``writing`` inside is a part of it, and an error takes all of them back."""
    with writing(db, durable=durable):
        _WHOLE.add(db)
        try:
            yield
        finally:
            _WHOLE.discard(db)


@contextmanager
def reading(db: Database) -> Iterator[None]:
    """One read transaction: everything read in it is of one moment, whatever other threads commit meanwhile."""
    db.execute("BEGIN")
    try:
        yield
    finally:
        db.conn.rollback()


def moment(text: str | None) -> datetime | None:
    """A stored time that need not be there."""
    return from_utc_text(text) if text else None


def fact(db: Database, name: str) -> str | None:
    row = db.execute("SELECT value FROM facts WHERE name = ?", [name]).fetchone()
    return row[0] if row else None


def set_fact(db: Database, name: str, value: str) -> None:
    db.execute("INSERT INTO facts VALUES (?, ?) ON CONFLICT(name) DO UPDATE SET value = excluded.value", [name, value])


def brand_ids(db: Database, roles: Mapping[str, str]) -> dict[str, int]:
    """Name -> id of every brand named, added where new. A brand once stored stays, so that its history does."""
    with writing(db):
        db.conn.executemany(
            "INSERT INTO brands (name, role) VALUES (?, ?) ON CONFLICT(name) DO UPDATE SET role = excluded.role",
            list(roles.items()),
        )
    known = dict(db.execute("SELECT name, id FROM brands").fetchall())
    return {name: known[name] for name in roles}


def brand_names(db: Database) -> list[str]:
    """Of every brand that was ever watched."""
    return [name for (name,) in db.execute("SELECT name FROM brands ORDER BY id").fetchall()]

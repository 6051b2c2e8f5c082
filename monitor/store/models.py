"""Which model speaks, which is chosen, and the weights of those that the user trained."""

from __future__ import annotations

from datetime import datetime

from sqlite_utils import Database

from monitor.model import utc_text
from monitor.store import counts, fact, mentions, moment, set_fact


def speaking(db: Database) -> str | None:
    """The version whose scores count; None before the first score."""
    return fact(db, "model")


def use(db: Database, version: str, now: datetime) -> None:
    """Note that a version gives scores; the first one of a database speaks at once."""
    db.execute(
        "INSERT INTO models (version, first_used) VALUES (?, ?) ON CONFLICT DO NOTHING", [version, utc_text(now)]
    )
    if speaking(db) is None:
        _speak(db, version, now)


def switch(db: Database, version: str, start: datetime, now: datetime) -> None:
    """Let a version speak that has scored the mentions from ``start`` on; all their counts change in the caller's
    transaction. Bins that were considered before keep what was then said of them."""
    _forget_others(db, version, start)
    _speak(db, version, now)
    mentions.refresh_from(db, start)
    while counts.recount(db):
        pass
    db.execute("DELETE FROM detector_states WHERE bin >= ?", [utc_text(start)])
    db.execute(
        """INSERT INTO holds (brand, learn_from, held_to) SELECT brand, min(?, until), until FROM watches WHERE true
           ON CONFLICT DO UPDATE SET recounted = 1""",
        [utc_text(start)],
    )


def _forget_others(db: Database, version: str, start: datetime) -> None:
    """A post keeps the scores of the one model that speaks of it: from ``start`` on this one, before it the other.

    Else a model that speaks again one day would find its own old scores, of other rules and texts.
    """
    when = "(SELECT counted_at FROM posts WHERE id = scores.post)"
    db.execute(
        f"""DELETE FROM scores WHERE model = ? AND {when} < ?
            AND EXISTS (SELECT 1 FROM scores o WHERE o.post = scores.post AND o.model <> scores.model)""",
        [version, utc_text(start)],
    )
    db.execute(
        f"""DELETE FROM scores WHERE model <> ? AND {when} >= ?
            AND EXISTS (SELECT 1 FROM scores o WHERE o.post = scores.post AND o.model = ?)""",
        [version, utc_text(start), version],
    )


def _speak(db: Database, version: str, now: datetime) -> None:
    set_fact(db, "model", version)
    db.execute("UPDATE models SET spoke_from = ? WHERE version = ?", [utc_text(now), version])


def since(db: Database) -> datetime | None:
    """Since when the model that speaks has done so."""
    row = db.execute("SELECT spoke_from FROM models WHERE version = ?", [speaking(db)]).fetchone()
    return moment(row[0]) if row else None


def unscored(db: Database, version: str, start: datetime, after: int, limit: int) -> list[int]:
    """The next posts with a mention from ``start`` on that this version has not scored; by id, those above ``after``.

    Those that wait for a score are among them: all labels are to switch at once."""
    rows = db.execute(
        """SELECT DISTINCT m.post FROM mentions m
           WHERE m.counted_at >= ? AND m.post > ?
           AND NOT EXISTS (SELECT 1 FROM scores s WHERE s.post = m.post AND s.model = ?)
           AND EXISTS (SELECT 1 FROM posts p WHERE p.id = m.post AND p.purged_at IS NULL)
           ORDER BY m.post LIMIT ?""",
        [utc_text(start), after, version, limit],
    )
    return [post for (post,) in rows.fetchall()]


def chosen(db: Database) -> tuple[bytes, bytes] | None:
    """The files of the trained model that was chosen, ``calibration.json`` and ``ngrams.npz``; None: the shipped."""
    row = db.execute("SELECT calibration, ngrams FROM models WHERE version = ?", [fact(db, "chosen_model")]).fetchone()
    return (row[0], row[1]) if row else None


def choose(db: Database, version: str, calibration: bytes, ngrams: bytes, now: datetime) -> None:
    """Keep a trained model's files, and have it score from now on; it speaks once it has scored the last weeks."""
    db.execute(
        """INSERT INTO models (version, first_used, calibration, ngrams) VALUES (?, ?, ?, ?)
           ON CONFLICT DO UPDATE SET calibration = excluded.calibration, ngrams = excluded.ngrams""",
        [version, utc_text(now), calibration, ngrams],
    )
    set_fact(db, "chosen_model", version)


def choose_shipped(db: Database) -> None:
    db.execute("DELETE FROM facts WHERE name = 'chosen_model'")

"""Signals in posts: what the stages between scoring and counting found in each."""

from __future__ import annotations

SIGNALS = (
    # start, end: characters of the post's text. rule: the lexicon's line that found it.
    """CREATE TABLE signals (
        post INTEGER NOT NULL REFERENCES posts(id), brand INTEGER NOT NULL REFERENCES brands(id),
        kind TEXT NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL, theme TEXT NOT NULL DEFAULT '',
        rule TEXT NOT NULL, counted_at TEXT NOT NULL,
        PRIMARY KEY (post, brand, kind, start)) WITHOUT ROWID""",
    "CREATE INDEX signals_by_time ON signals (brand, kind, counted_at)",
)

"""What the travel index is made of: stories as they stood when their window was over, and what was made of them."""

from __future__ import annotations

TRAVEL = (
    # When a post was looked at because its lot had fallen on it, whatever it says and however it grows: the counts of
    # that age are known of these, and of no others without a bias.
    "CREATE TABLE travel_looks (post INTEGER PRIMARY KEY REFERENCES posts(id), at TEXT NOT NULL)",
    # A story of a brand as far as it came within its window; post: its first. Followers, author, label and the counts
    # that platforms show are read from the post, so that what is forgotten or corrected there is so here.
    """CREATE TABLE travel_stories (
        brand INTEGER NOT NULL REFERENCES brands(id), story INTEGER NOT NULL, post INTEGER NOT NULL,
        first_seen TEXT NOT NULL,
        posts INTEGER NOT NULL, copies INTEGER NOT NULL, replies INTEGER NOT NULL, platforms INTEGER NOT NULL,
        doubling REAL, PRIMARY KEY (brand, story)) WITHOUT ROWID""",
    "CREATE INDEX travel_stories_by_time ON travel_stories (brand, first_seen)",
    # The local days whose stories have been read, and what was counted then in and after them: when that has changed,
    # they are read again.
    """CREATE TABLE travel_read (
        brand INTEGER NOT NULL REFERENCES brands(id), start TEXT NOT NULL, end TEXT NOT NULL, counted TEXT NOT NULL,
        PRIMARY KEY (brand, start)) WITHOUT ROWID""",
    """CREATE TABLE travel (
        brand INTEGER NOT NULL REFERENCES brands(id), day TEXT NOT NULL, days INTEGER NOT NULL, made_at TEXT NOT NULL,
        "from" TEXT NOT NULL, "to" TEXT NOT NULL, window INTEGER NOT NULL,
        negatives INTEGER NOT NULL, positives INTEGER NOT NULL, ratio REAL, low REAL, high REAL,
        verdict TEXT NOT NULL, lack TEXT, needed INTEGER, PRIMARY KEY (brand, day, days)) WITHOUT ROWID""",
    """CREATE TABLE travel_measures (
        brand INTEGER NOT NULL, day TEXT NOT NULL, days INTEGER NOT NULL, measure TEXT NOT NULL,
        negatives INTEGER NOT NULL, positives INTEGER NOT NULL, negative_mean REAL, positive_mean REAL,
        ratio REAL, low REAL, high REAL, PRIMARY KEY (brand, day, days, measure),
        FOREIGN KEY (brand, day, days) REFERENCES travel(brand, day, days)) WITHOUT ROWID""",
)

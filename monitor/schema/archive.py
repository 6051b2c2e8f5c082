"""The archive: what each digest said when it was made, and the weekly roll-ups."""

from __future__ import annotations

ARCHIVE = (
    # What the index shows and a later revision is compared with. NULL: made by a version that did not note it.
    "ALTER TABLE digests ADD COLUMN mentions INTEGER",
    "ALTER TABLE digests ADD COLUMN negative_posts INTEGER",
    "ALTER TABLE digests ADD COLUMN negative_voices INTEGER",
    "ALTER TABLE digests ADD COLUMN heard REAL",
    "ALTER TABLE digests ADD COLUMN incidents INTEGER",
    "ALTER TABLE digests ADD COLUMN corrections INTEGER",
    # hours: negative voices of each local hour, a JSON list of 23 to 25. summary: its first sentences, as they stood.
    "ALTER TABLE digests ADD COLUMN hours TEXT",
    "ALTER TABLE digests ADD COLUMN summary TEXT NOT NULL DEFAULT ''",
    # day: the last of the seven. summary as above.
    """CREATE TABLE weeks (
        brand INTEGER NOT NULL REFERENCES brands(id), day TEXT NOT NULL, revision INTEGER NOT NULL,
        made_at TEXT NOT NULL, late INTEGER NOT NULL, owed INTEGER NOT NULL, file TEXT NOT NULL, verdict TEXT NOT NULL,
        mentions INTEGER NOT NULL, negative_posts INTEGER NOT NULL, negative_voices INTEGER NOT NULL,
        heard REAL NOT NULL, summary TEXT NOT NULL,
        PRIMARY KEY (brand, day, revision)) WITHOUT ROWID""",
    # How many digests and weeks a brand's index and feed tell of: they are written again once there are more.
    "CREATE TABLE archives (brand INTEGER PRIMARY KEY REFERENCES brands(id), pages INTEGER NOT NULL)",
)

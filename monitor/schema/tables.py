"""The tables of the first version. Keys are laid for all stages, tables only for those that fill them."""

from __future__ import annotations

BIN_OF = """substr({0}, 1, 14) || printf('%02d', CAST(substr({0}, 15, 2) AS INTEGER) / 15 * 15) || ':00Z'"""
"""SQL for the 15-minute bin of a stored time; bins are counted from the epoch, so whole quarters in UTC."""

TABLES = (
    # What this database is: zone of its calendar, rules it was matched with, a name of its own for Message-IDs.
    """CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID""",
    """CREATE TABLE brands (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, role TEXT NOT NULL)""",
    """CREATE TABLE posts (
        id INTEGER PRIMARY KEY,
        platform TEXT NOT NULL, native_id TEXT NOT NULL,
        url TEXT NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL,
        author_key TEXT, author_name TEXT, followers INTEGER, verified TEXT NOT NULL DEFAULT '',
        published_at TEXT, counted_at TEXT NOT NULL, arrived_at TEXT NOT NULL,
        assumed INTEGER NOT NULL, live INTEGER NOT NULL,
        parent TEXT NOT NULL, root TEXT NOT NULL, page TEXT NOT NULL,
        named TEXT NOT NULL DEFAULT '[]',
        own_brand INTEGER REFERENCES brands(id),
        gone_at TEXT,
        UNIQUE (platform, native_id))""",
    "CREATE INDEX posts_by_thread ON posts (platform, root, counted_at) WHERE root <> ''",
    "CREATE INDEX posts_by_author ON posts (author_key, counted_at) WHERE author_key IS NOT NULL",
    "CREATE INDEX posts_by_time ON posts (counted_at)",
    """CREATE TABLE sightings (
        post INTEGER NOT NULL REFERENCES posts(id), source TEXT NOT NULL, seen_at TEXT NOT NULL,
        text_hash BLOB NOT NULL, PRIMARY KEY (post, source)) WITHOUT ROWID""",
    "CREATE INDEX sightings_by_source ON sightings (source)",
    """CREATE TABLE engagement (
        post INTEGER NOT NULL REFERENCES posts(id), seen_at TEXT NOT NULL,
        likes INTEGER, reposts INTEGER, comments INTEGER, PRIMARY KEY (post, seen_at)) WITHOUT ROWID""",
    """CREATE TABLE revisions (
        post INTEGER NOT NULL REFERENCES posts(id), seen_at TEXT NOT NULL, text TEXT NOT NULL,
        PRIMARY KEY (post, seen_at)) WITHOUT ROWID""",
    # Work that a stage still has to do. A row is deleted in the transaction that stores the stage's result, and only
    # with the ticket the stage took: a post that was edited meanwhile has a new one, and is done again.
    """CREATE TABLE queue (stage TEXT NOT NULL, post INTEGER NOT NULL REFERENCES posts(id), ticket INTEGER NOT NULL,
        PRIMARY KEY (stage, post)) WITHOUT ROWID""",
    # label and p_negative are the effective ones, written by the one function that picks them (store.mentions);
    # opens_voice is written when the bin is counted (store.counts).
    """CREATE TABLE mentions (
        post INTEGER NOT NULL REFERENCES posts(id), brand INTEGER NOT NULL REFERENCES brands(id),
        via TEXT NOT NULL, term TEXT NOT NULL, span_start INTEGER, span_end INTEGER,
        counted_at TEXT NOT NULL, label TEXT, p_negative REAL, model TEXT, opens_voice INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (post, brand)) WITHOUT ROWID""",
    "CREATE INDEX mentions_by_time ON mentions (brand, counted_at, label)",
    "CREATE TABLE models (version TEXT PRIMARY KEY, first_used TEXT NOT NULL) WITHOUT ROWID",
    """CREATE TABLE scores (
        id INTEGER PRIMARY KEY, post INTEGER NOT NULL REFERENCES posts(id), brand INTEGER REFERENCES brands(id),
        model TEXT NOT NULL REFERENCES models(version), snownlp REAL, p_negative REAL, label TEXT NOT NULL,
        scored_at TEXT NOT NULL)""",
    "CREATE UNIQUE INDEX scores_key ON scores (post, ifnull(brand, 0), model)",
    """CREATE TABLE labels (
        id INTEGER PRIMARY KEY, post INTEGER NOT NULL REFERENCES posts(id), brand INTEGER REFERENCES brands(id),
        label TEXT NOT NULL, "by" TEXT NOT NULL, at TEXT NOT NULL)""",
    "CREATE INDEX labels_by_post ON labels (post, id)",
    "CREATE TABLE stories (id INTEGER PRIMARY KEY, merged_into INTEGER REFERENCES stories(id))",
    """CREATE TABLE groups (
        id INTEGER PRIMARY KEY, story INTEGER NOT NULL REFERENCES stories(id),
        merged_into INTEGER REFERENCES groups(id))""",
    "CREATE INDEX groups_by_story ON groups (story)",
    "CREATE INDEX groups_merged ON groups (merged_into) WHERE merged_into IS NOT NULL",
    "CREATE INDEX stories_merged ON stories (merged_into) WHERE merged_into IS NOT NULL",
    'CREATE TABLE group_members (post INTEGER PRIMARY KEY REFERENCES posts(id), "group" INTEGER NOT NULL)',
    'CREATE INDEX group_members_by_group ON group_members ("group")',
    'CREATE TABLE group_keys (key TEXT PRIMARY KEY, "group" INTEGER NOT NULL REFERENCES groups(id)) WITHOUT ROWID',
    "CREATE TABLE story_keys (key TEXT PRIMARY KEY, story INTEGER NOT NULL REFERENCES stories(id)) WITHOUT ROWID",
    'CREATE INDEX group_keys_by_group ON group_keys ("group")',
    "CREATE INDEX story_keys_by_story ON story_keys (story)",
    """CREATE TABLE counts (
        brand INTEGER NOT NULL REFERENCES brands(id), platform TEXT NOT NULL, bin TEXT NOT NULL,
        mentions INTEGER NOT NULL, negative_posts INTEGER NOT NULL, negative_voices INTEGER NOT NULL,
        live_voices INTEGER NOT NULL, other INTEGER NOT NULL,
        PRIMARY KEY (brand, bin, platform)) WITHOUT ROWID""",
    """CREATE TABLE dirty_bins (
        brand INTEGER NOT NULL REFERENCES brands(id), platform TEXT NOT NULL, bin TEXT NOT NULL,
        PRIMARY KEY (brand, platform, bin)) WITHOUT ROWID""",
    """CREATE TABLE calendar (
        bin TEXT PRIMARY KEY, local_day TEXT NOT NULL, hour INTEGER NOT NULL, weekday INTEGER NOT NULL,
        utc_offset INTEGER NOT NULL, holiday TEXT NOT NULL DEFAULT '') WITHOUT ROWID""",
    "CREATE INDEX calendar_by_day ON calendar (local_day)",
    """CREATE TABLE han_fold (traditional TEXT PRIMARY KEY, simplified TEXT NOT NULL) WITHOUT ROWID""",
    """CREATE TABLE source_runs (
        id INTEGER PRIMARY KEY, source TEXT NOT NULL, started_at TEXT NOT NULL, finished_at TEXT,
        state TEXT NOT NULL, detail TEXT NOT NULL DEFAULT '', pages INTEGER NOT NULL DEFAULT 0,
        seen INTEGER NOT NULL DEFAULT 0, added INTEGER NOT NULL DEFAULT 0, rejected INTEGER NOT NULL DEFAULT 0,
        gap_from TEXT, gap_to TEXT)""",
    "CREATE INDEX source_runs_by_source ON source_runs (source, started_at)",
    """CREATE TABLE cursors (
        source TEXT PRIMARY KEY, cursor TEXT NOT NULL DEFAULT '{}', due_at TEXT NOT NULL,
        refusals INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID""",
    # The key's columns first: SQLite 3.40 calls any other order of a WITHOUT ROWID table damaged.
    """CREATE TABLE heard (
        source TEXT NOT NULL, "from" TEXT NOT NULL, late INTEGER NOT NULL DEFAULT 0, "to" TEXT NOT NULL,
        PRIMARY KEY (source, "from", late)) WITHOUT ROWID""",
    # The share of a brand's volume that each source brings; refreshed now and then, read at every watch.
    """CREATE TABLE shares (
        brand INTEGER NOT NULL REFERENCES brands(id), source TEXT NOT NULL, share REAL NOT NULL, at TEXT NOT NULL,
        PRIMARY KEY (brand, source)) WITHOUT ROWID""",
    # The detector's memory after a bin, so that a watch need not begin at the first bin of history.
    """CREATE TABLE detector_states (
        brand INTEGER NOT NULL REFERENCES brands(id), origin TEXT NOT NULL, bin TEXT NOT NULL,
        settings TEXT NOT NULL, state TEXT NOT NULL, PRIMARY KEY (brand, origin, bin)) WITHOUT ROWID""",
    """CREATE TABLE spikes (
        id INTEGER PRIMARY KEY, brand INTEGER NOT NULL REFERENCES brands(id), bin TEXT NOT NULL, origin TEXT NOT NULL,
        severity TEXT NOT NULL, measured_at TEXT NOT NULL, evidence TEXT NOT NULL, incident INTEGER,
        UNIQUE (brand, bin, origin))""",
    """CREATE TABLE incidents (
        id INTEGER PRIMARY KEY, brand INTEGER NOT NULL REFERENCES brands(id), origin TEXT NOT NULL,
        state TEXT NOT NULL, severity TEXT NOT NULL, onset TEXT NOT NULL, first_bin TEXT NOT NULL,
        last_bin TEXT NOT NULL, opened_at TEXT NOT NULL, resolved_at TEXT, owner TEXT NOT NULL DEFAULT '',
        observed INTEGER NOT NULL, expected REAL NOT NULL, subject_size INTEGER NOT NULL,
        mailed INTEGER NOT NULL DEFAULT 0)""",
    "CREATE INDEX incidents_by_brand ON incidents (brand, state)",
    """CREATE TABLE incident_events (
        id INTEGER PRIMARY KEY, incident INTEGER NOT NULL REFERENCES incidents(id), at TEXT NOT NULL,
        event TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '', "by" TEXT NOT NULL DEFAULT '', evidence TEXT)""",
    "CREATE INDEX incident_events_by_incident ON incident_events (incident)",
    """CREATE TABLE outbox (
        id INTEGER PRIMARY KEY, message_id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, brand INTEGER, incident INTEGER,
        refers_to TEXT NOT NULL DEFAULT '[]', subject TEXT NOT NULL, text TEXT NOT NULL, html TEXT NOT NULL,
        owed_at TEXT NOT NULL)""",
    """CREATE TABLE deliveries (
        outbox INTEGER NOT NULL REFERENCES outbox(id), recipient TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'owed',
        attempts INTEGER NOT NULL DEFAULT 0, next_at TEXT NOT NULL, reply TEXT NOT NULL DEFAULT '', done_at TEXT,
        PRIMARY KEY (outbox, recipient)) WITHOUT ROWID""",
    "CREATE INDEX deliveries_owed ON deliveries (next_at) WHERE state = 'owed'",
    """CREATE TABLE digests (
        brand INTEGER NOT NULL REFERENCES brands(id), day TEXT NOT NULL, revision INTEGER NOT NULL,
        made_at TEXT NOT NULL, late INTEGER NOT NULL, owed INTEGER NOT NULL,
        file TEXT NOT NULL, verdict TEXT NOT NULL,
        PRIMARY KEY (brand, day, revision)) WITHOUT ROWID""",
    """CREATE TABLE failures (
        stage TEXT NOT NULL, item TEXT NOT NULL, error TEXT NOT NULL, version TEXT NOT NULL, trace_id TEXT NOT NULL,
        at TEXT NOT NULL, times INTEGER NOT NULL DEFAULT 1, PRIMARY KEY (stage, item)) WITHOUT ROWID""",
    "CREATE TABLE lease (name TEXT PRIMARY KEY, holder TEXT NOT NULL, until TEXT NOT NULL) WITHOUT ROWID",
)

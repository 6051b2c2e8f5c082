"""The database: migrations, each one transaction, and the views that are the public contract.

All times are UTC text ``2026-11-21T08:00:00Z``. README documents the views column by column; a test holds the two
together. Keys are laid for all stages, tables only for those that fill them.
"""

from __future__ import annotations

from sqlite_utils import Database, Migrations

migrations = Migrations("qianli")

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

MODELS_AND_PORTIONS = (
    # spoke_from: when its labels began to count. The weights are those of a trained model; the shipped one has none.
    "ALTER TABLE models ADD COLUMN spoke_from TEXT",
    "ALTER TABLE models ADD COLUMN calibration BLOB",
    "ALTER TABLE models ADD COLUMN ngrams BLOB",
    "UPDATE models SET spoke_from = first_used",
    "INSERT INTO facts SELECT 'model', version FROM models ORDER BY first_used DESC LIMIT 1",
    # The sentence that weighs most, in characters of the post.
    "ALTER TABLE scores ADD COLUMN quote_start INTEGER",
    "ALTER TABLE scores ADD COLUMN quote_end INTEGER",
    "ALTER TABLE mentions ADD COLUMN quote_start INTEGER",
    "ALTER TABLE mentions ADD COLUMN quote_end INTEGER",
    # Whose labels a bin counts: one version, or several and a comma between them.
    "ALTER TABLE counts ADD COLUMN model TEXT NOT NULL DEFAULT ''",
    "INSERT INTO dirty_bins SELECT brand, platform, bin FROM counts WHERE true ON CONFLICT DO NOTHING",
    # The end of the last bin considered. An older database did not note it: what it had collected it had considered.
    "CREATE TABLE watches (brand INTEGER PRIMARY KEY REFERENCES brands(id), until TEXT NOT NULL)",
    f"""INSERT INTO watches SELECT id, {BIN_OF.format("asked")} FROM brands
        JOIN (SELECT max(started_at) AS asked FROM source_runs) WHERE role = 'own' AND asked IS NOT NULL""",
    # A switch to a new model makes the counts of learn_from .. held_to anew: they are learned from, and never
    # considered a second time.
    """CREATE TABLE holds (
        brand INTEGER NOT NULL REFERENCES brands(id), learn_from TEXT NOT NULL, held_to TEXT NOT NULL,
        PRIMARY KEY (brand, learn_from, held_to)) WITHOUT ROWID""",
    # Of which blind stretch of a source the operator was told, and of its end.
    """CREATE TABLE notices (
        id INTEGER PRIMARY KEY, source TEXT NOT NULL, since TEXT NOT NULL, told_at TEXT NOT NULL, over_at TEXT)""",
    # The last mark (seconds of age) at which a post was looked at again. Not answered: the source failed, or a crash.
    """CREATE TABLE rechecks (
        post INTEGER PRIMARY KEY REFERENCES posts(id), mark INTEGER NOT NULL, tries INTEGER NOT NULL,
        answered INTEGER NOT NULL DEFAULT 0)""",
    # The text, author and counts of a post were removed; what it was counted as stays, so no stage may do it again.
    "ALTER TABLE posts ADD COLUMN purged_at TEXT",
    """CREATE TRIGGER purged_posts_wait_for_no_stage BEFORE INSERT ON queue
        WHEN (SELECT purged_at FROM posts WHERE id = NEW.post) IS NOT NULL BEGIN SELECT RAISE(IGNORE); END""",
    # When each source may be asked to look again, and why it rests. Apart from its runs: a source that cannot look
    # again is not blind.
    """CREATE TABLE recheck_turns (
        source TEXT PRIMARY KEY, due_at TEXT NOT NULL, refusals INTEGER NOT NULL DEFAULT 0,
        detail TEXT NOT NULL DEFAULT '') WITHOUT ROWID""",
)

INCIDENTS_AND_PEOPLE = (
    # What is found besides spikes: a story-burst (subject: its story), a post that takes off (subject: the post).
    "ALTER TABLE spikes RENAME TO spikes_before",
    """CREATE TABLE spikes (
        id INTEGER PRIMARY KEY, brand INTEGER NOT NULL REFERENCES brands(id), bin TEXT NOT NULL, origin TEXT NOT NULL,
        kind TEXT NOT NULL DEFAULT 'spike', subject INTEGER NOT NULL DEFAULT 0,
        severity TEXT NOT NULL, measured_at TEXT NOT NULL, evidence TEXT NOT NULL, incident INTEGER,
        UNIQUE (brand, bin, origin, kind, subject))""",
    """INSERT INTO spikes (id, brand, bin, origin, severity, measured_at, evidence, incident)
        SELECT id, brand, bin, origin, severity, measured_at, evidence, incident FROM spikes_before""",
    "DROP TABLE spikes_before",
    "CREATE INDEX spikes_by_incident ON spikes (incident)",
    # What opened it, and the story it is about where one is known.
    "ALTER TABLE incidents ADD COLUMN kind TEXT NOT NULL DEFAULT 'spike'",
    "ALTER TABLE incidents ADD COLUMN story INTEGER",
    # ``owner`` has taken it since taken_at; nobody has, and it is escalated at escalate_at, or was at escalated_at.
    "ALTER TABLE incidents ADD COLUMN taken_at TEXT",
    "ALTER TABLE incidents ADD COLUMN escalate_at TEXT",
    "ALTER TABLE incidents ADD COLUMN escalated_at TEXT",
    "ALTER TABLE incidents ADD COLUMN reopened_at TEXT",
    # What its last mail said: when, how many voices, which platforms had brought much of the excess (JSON).
    "ALTER TABLE incidents ADD COLUMN mailed_at TEXT",
    "ALTER TABLE incidents ADD COLUMN mailed_size INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE incidents ADD COLUMN mailed_platforms TEXT NOT NULL DEFAULT '[]'",
    # Of one incident, or of a brand (incident NULL). lifted_at: ended before its time.
    """CREATE TABLE silences (
        id INTEGER PRIMARY KEY, brand INTEGER NOT NULL REFERENCES brands(id), incident INTEGER REFERENCES incidents(id),
        since TEXT NOT NULL, until TEXT NOT NULL, "by" TEXT NOT NULL, lifted_at TEXT,
        ended INTEGER NOT NULL DEFAULT 0)""",
    "CREATE INDEX silences_by_brand ON silences (brand, until)",
    # A person said that this post does not speak of the brand: neither do its copies.
    """CREATE TABLE not_us (
        post INTEGER NOT NULL REFERENCES posts(id), brand INTEGER NOT NULL REFERENCES brands(id), "by" TEXT NOT NULL,
        at TEXT NOT NULL, PRIMARY KEY (post, brand)) WITHOUT ROWID""",
    # Answers to alerts. mail: the number of the alert within its incident; each acts once, whoever repeats it.
    """CREATE TABLE replies (
        message_id TEXT PRIMARY KEY, at TEXT NOT NULL, outcome TEXT NOT NULL, incident INTEGER, mail INTEGER,
        action TEXT NOT NULL DEFAULT '', "by" TEXT NOT NULL DEFAULT '') WITHOUT ROWID""",
    "CREATE UNIQUE INDEX replies_act_once ON replies (incident, mail, action) WHERE outcome = 'done'",
    # state 'folded': a newer message of the same incident took its place before it could be delivered.
    "ALTER TABLE deliveries ADD COLUMN folded_into INTEGER REFERENCES outbox(id)",
)

ALERT_MAIL = (
    # Of an alert: where answers go, what happened, how many events its incident had with it, ids of the posts quoted.
    "ALTER TABLE outbox ADD COLUMN reply_to TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE outbox ADD COLUMN event TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE outbox ADD COLUMN number INTEGER",
    "ALTER TABLE outbox ADD COLUMN posts TEXT NOT NULL DEFAULT '[]'",
    "CREATE INDEX outbox_by_incident ON outbox (incident) WHERE incident IS NOT NULL",
    "CREATE INDEX deliveries_folded ON deliveries (folded_into) WHERE folded_into IS NOT NULL",
    # How many events its page tells of: it is written again once there are more.
    "ALTER TABLE incidents ADD COLUMN paged INTEGER NOT NULL DEFAULT 0",
)

LIFE_OF_INCIDENTS = (
    # How it ended ('calm', 'person', 'not us'), and the end of the first calm quarter after its last finding. Only what
    # has been calm can flare up again; what a person ended while it went on is not told anew.
    "ALTER TABLE incidents ADD COLUMN ending TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE incidents ADD COLUMN calm_at TEXT",
    "UPDATE incidents SET ending = 'calm', calm_at = resolved_at WHERE state = 'resolved'",
    "UPDATE incidents SET mailed_at = opened_at, mailed_size = observed WHERE mailed AND state <> 'resolved'",
    # People took posts out of its counts ('not us', 'corrected'): the next watch judges it anew.
    "ALTER TABLE incidents ADD COLUMN doubted TEXT NOT NULL DEFAULT ''",
    "CREATE INDEX silences_going ON silences (brand) WHERE ended = 0",
    "CREATE INDEX not_us_by_brand ON not_us (brand)",
)

NEAR_COPIES = (
    # Marks of texts, by which near-copies are found, and terms of tellings, by which other tellings are.
    # at: when one was last found like it. marks: 4 bytes each, those that lead to the post.
    """CREATE TABLE copy_texts (
        post INTEGER PRIMARY KEY REFERENCES posts(id), at TEXT NOT NULL, marks BLOB NOT NULL)""",
    "CREATE INDEX copy_texts_by_age ON copy_texts (at)",
    "CREATE TABLE copy_marks (mark INTEGER, post INTEGER, PRIMARY KEY (mark, post)) WITHOUT ROWID",
    """CREATE TABLE topic_texts (
        post INTEGER PRIMARY KEY REFERENCES posts(id), at TEXT NOT NULL, marks BLOB NOT NULL)""",
    "CREATE INDEX topic_texts_by_age ON topic_texts (at)",
    "CREATE TABLE topic_marks (mark INTEGER, post INTEGER, PRIMARY KEY (mark, post)) WITHOUT ROWID",
    # Links of the last weeks: when posts first named one, in event time, and when one last came.
    "CREATE TABLE links (link TEXT PRIMARY KEY, first_at TEXT NOT NULL, at TEXT NOT NULL) WITHOUT ROWID",
    "CREATE INDEX links_by_age ON links (at)",
)

BURSTS_AND_REACH = (
    # Bins of own brands whose counts have changed since their copies were last looked at.
    """CREATE TABLE burst_bins (
        brand INTEGER NOT NULL REFERENCES brands(id), bin TEXT NOT NULL, PRIMARY KEY (brand, bin)) WITHOUT ROWID""",
    # The most copies that one story had in three hours of a day (UTC): what is usual. Made again when the day changes.
    """CREATE TABLE burst_days (
        brand INTEGER NOT NULL REFERENCES brands(id), day TEXT NOT NULL, peak INTEGER NOT NULL,
        PRIMARY KEY (brand, day)) WITHOUT ROWID""",
    # Up to which moment looks at posts have been judged.
    """CREATE TABLE reach_watches (
        brand INTEGER PRIMARY KEY REFERENCES brands(id), until TEXT NOT NULL)""",
    # How fast a brand's posts grow, as of a day (UTC): by platform, measure and age; high is what one in ten reaches an
    # hour, tail how fast that rises for rarer ones.
    """CREATE TABLE reach_levels (
        brand INTEGER NOT NULL REFERENCES brands(id), day TEXT NOT NULL, platform TEXT NOT NULL, measure TEXT NOT NULL,
        age INTEGER NOT NULL, posts INTEGER NOT NULL, high REAL NOT NULL, tail REAL NOT NULL,
        PRIMARY KEY (brand, day, platform, measure, age)) WITHOUT ROWID""",
    # As of the same days: negative posts a month, and how many followers the usual author has.
    """CREATE TABLE reach_days (
        brand INTEGER NOT NULL REFERENCES brands(id), day TEXT NOT NULL, platform TEXT NOT NULL,
        negative REAL NOT NULL, followers INTEGER, PRIMARY KEY (brand, day, platform)) WITHOUT ROWID""",
)

VIEWS = {
    "v_posts": """
        SELECT p.id AS post, b.name AS brand, b.role, p.platform, p.native_id, p.url, p.kind, p.text,
               p.author_key, p.author_name, p.followers, p.published_at, p.counted_at, p.arrived_at, p.live, p.gone_at,
               p.purged_at,
               m.via, m.term, m.span_start, m.span_end, m.label, m.p_negative, m.model, m.opens_voice,
               m.quote_start, m.quote_end,
               (SELECT l."by" FROM labels l WHERE l.post = p.id AND (l.brand = m.brand OR l.brand IS NULL)
                ORDER BY l.brand IS NULL, l.id DESC LIMIT 1) AS corrected_by,
               (SELECT s.snownlp FROM scores s WHERE s.post = p.id AND s.brand IS NULL ORDER BY s.id DESC LIMIT 1)
                   AS snownlp,
               g."group" AS copy_group, coalesce(st.merged_into, st.id) AS story,
               (SELECT e.likes FROM engagement e WHERE e.post = p.id ORDER BY e.seen_at DESC LIMIT 1) AS likes,
               (SELECT e.reposts FROM engagement e WHERE e.post = p.id ORDER BY e.seen_at DESC LIMIT 1) AS reposts,
               (SELECT e.comments FROM engagement e WHERE e.post = p.id ORDER BY e.seen_at DESC LIMIT 1) AS comments
        FROM mentions m JOIN posts p ON p.id = m.post JOIN brands b ON b.id = m.brand
        LEFT JOIN group_members g ON g.post = p.id LEFT JOIN groups gr ON gr.id = g."group"
        LEFT JOIN stories st ON st.id = gr.story""",
    "v_posts_unmatched": """
        SELECT p.id AS post, p.platform, p.native_id, p.url, p.kind, p.text, p.counted_at, p.arrived_at,
               p.purged_at, o.name AS answer_of
        FROM posts p LEFT JOIN brands o ON o.id = p.own_brand
        WHERE NOT EXISTS (SELECT 1 FROM mentions m WHERE m.post = p.id)""",
    "v_hourly": """
        SELECT b.name AS brand, k.local_day, k.hour, k.utc_offset, c.platform, min(c.bin) AS first_bin,
               sum(c.mentions) AS mentions, sum(c.negative_posts) AS negative_posts,
               sum(c.negative_voices) AS negative_voices, sum(c.other) AS other,
               group_concat(DISTINCT nullif(c.model, '')) AS models
        FROM counts c JOIN brands b ON b.id = c.brand JOIN calendar k ON k.bin = c.bin
        GROUP BY b.name, k.local_day, k.hour, k.utc_offset, c.platform""",
    "v_daily": """
        SELECT b.name AS brand, k.local_day, k.weekday, c.platform,
               sum(c.mentions) AS mentions, sum(c.negative_posts) AS negative_posts,
               sum(c.negative_voices) AS negative_voices, sum(c.other) AS other,
               group_concat(DISTINCT nullif(c.model, '')) AS models
        FROM counts c JOIN brands b ON b.id = c.brand JOIN calendar k ON k.bin = c.bin
        GROUP BY b.name, k.local_day, k.weekday, c.platform""",
    "v_stories": """
        SELECT coalesce(s.merged_into, s.id) AS story, b.name AS brand, min(p.counted_at) AS first_seen,
               max(p.counted_at) AS last_seen, count(*) AS posts, count(DISTINCT gm."group") AS texts,
               count(*) - count(DISTINCT gm."group") AS copies,
               coalesce(sum(m.label = 'negative'), 0) AS negative_posts, sum(m.opens_voice) AS voices,
               count(DISTINCT p.author_key) AS authors, group_concat(DISTINCT p.platform) AS platforms,
               max(p.followers) AS most_followers
        FROM mentions m JOIN posts p ON p.id = m.post JOIN brands b ON b.id = m.brand
        JOIN group_members gm ON gm.post = p.id JOIN groups g ON g.id = gm."group" JOIN stories s ON s.id = g.story
        GROUP BY 1, m.brand""",
    "v_incidents": """
        SELECT i.id AS incident, b.name AS brand, i.origin, i.state, i.severity, i.onset, i.first_bin, i.last_bin,
               i.opened_at, i.resolved_at, i.owner, i.observed, i.expected, i.kind, i.story, i.ending, i.taken_at,
               i.escalate_at, i.escalated_at, i.reopened_at, i.mailed_at,
               (SELECT max(s.until) FROM silences s WHERE i.state = 'silenced' AND s.ended = 0 AND s.brand = i.brand
                AND (s.incident = i.id OR s.incident IS NULL)) AS silenced_until,
               (SELECT count(*) FROM spikes s WHERE s.incident = i.id) AS spikes,
               (SELECT count(*) FROM outbox o WHERE o.incident = i.id) AS mails_owed,
               (SELECT count(*) FROM outbox o WHERE o.incident = i.id AND NOT EXISTS
                   (SELECT 1 FROM deliveries d WHERE d.outbox = o.id AND d.state <> 'sent')) AS mails_sent
        FROM incidents i JOIN brands b ON b.id = i.brand""",
    "v_incident_events": """
        SELECT e.id AS event_id, e.incident, b.name AS brand, e.at, e.event, e.reason, e."by", e.evidence
        FROM incident_events e JOIN incidents i ON i.id = e.incident JOIN brands b ON b.id = i.brand""",
    "v_coverage": """
        SELECT source, "from", "to", iif(late, 'heard late', 'heard') AS state, '' AS reason FROM heard
        UNION ALL
        SELECT g.source, g."from", g."to",
               iif(EXISTS (SELECT 1 FROM source_runs r WHERE r.source = g.source
                           AND r.gap_from < g."to" AND r.gap_to > g."from")
                   AND NOT EXISTS (SELECT 1 FROM source_runs r WHERE r.source = g.source AND r.pages = 0
                                   AND r.state NOT IN ('ok', 'running', 'interrupted')
                                   AND r.started_at >= g."from" AND r.started_at <= g."to"), 'partial', 'blind'),
               coalesce((SELECT r.state || iif(r.detail = '', '', ': ' || r.detail) FROM source_runs r
                         WHERE r.source = g.source AND r.state NOT IN ('ok', 'running', 'interrupted')
                         AND r.started_at >= g."from" AND r.started_at <= g."to"
                         ORDER BY r.started_at DESC LIMIT 1), '')
        FROM (SELECT source, max("to") OVER w AS "from", lead("from") OVER (PARTITION BY source ORDER BY "from") AS "to"
              FROM heard WINDOW w AS (PARTITION BY source ORDER BY "from")) g
        WHERE g."to" > g."from"
        UNION ALL
        SELECT b.source, b."from", (SELECT max(started_at) FROM source_runs),
               iif(b.some AND NOT b.silent, 'partial', 'blind'), coalesce(b.reason, '')
        FROM (SELECT r.source, coalesce(h.heard_to, (SELECT min(f.started_at) FROM source_runs f
                                                     WHERE f.source = r.source)) AS "from",
                     max(r.gap_to IS NOT NULL) AS some, max(r.state <> 'ok' AND r.pages = 0) AS silent,
                     (SELECT l.state || iif(l.detail = '', '', ': ' || l.detail) FROM source_runs l
                      WHERE l.source = r.source AND l.state NOT IN ('ok', 'running', 'interrupted')
                      AND (h.heard_to IS NULL OR l.started_at > h.heard_to)
                      ORDER BY l.started_at DESC, l.id DESC LIMIT 1) AS reason
              FROM source_runs r
              LEFT JOIN (SELECT source, max("to") AS heard_to FROM heard GROUP BY source) h ON h.source = r.source
              WHERE r.state NOT IN ('running', 'interrupted') AND (r.state <> 'ok' OR r.gap_to IS NOT NULL)
              AND (h.heard_to IS NULL OR r.started_at > h.heard_to)
              GROUP BY r.source) b
        WHERE b.silent OR NOT b.some OR b."from" < (SELECT max(started_at) FROM source_runs)""",
}


@migrations()
def first(db: Database) -> None:
    """The tables of the whole journey."""
    for statement in TABLES:
        db.execute(statement)
    db.execute("INSERT INTO facts VALUES ('uid', lower(hex(randomblob(6))))")


@migrations()
def first_views(db: Database) -> None:
    for name, select in VIEWS.items():
        db.execute(f"CREATE VIEW {name} AS {select}")


@migrations()
def models_and_portions(db: Database) -> None:
    """Which model speaks, the weights of trained ones, scores of a part of a post, and what a watch is done with."""
    for statement in MODELS_AND_PORTIONS:
        db.execute(statement)
    for name, select in VIEWS.items():
        db.execute(f"DROP VIEW IF EXISTS {name}")
        db.execute(f"CREATE VIEW {name} AS {select}")


@migrations()
def coverage_of_silence(db: Database) -> None:
    """``v_coverage`` calls blind what a run gave nothing of, and goes on to the newest round while a source rests."""
    db.execute("DROP VIEW v_coverage")
    db.execute(f"CREATE VIEW v_coverage AS {VIEWS['v_coverage']}")


@migrations()
def incidents_and_people(db: Database) -> None:
    """What people do with incidents, and findings besides spikes."""
    for name in VIEWS:  # first: a view would follow the table that is renamed
        db.execute(f"DROP VIEW IF EXISTS {name}")
    for statement in INCIDENTS_AND_PEOPLE:
        db.execute(statement)
    for name, select in VIEWS.items():
        db.execute(f"CREATE VIEW {name} AS {select}")


LISTS_IN_TURNS = ("ALTER TABLE source_runs ADD COLUMN reach TEXT",)
"""``reach``: since when a run heard the lists that had their turn in it, where there are too many for one."""


@migrations()
def lists_in_turns(db: Database) -> None:
    """Lists that take turns over several runs; ``v_coverage`` says partial where not all have had theirs."""
    for statement in LISTS_IN_TURNS:
        db.execute(statement)
    db.execute("DROP VIEW IF EXISTS v_coverage")
    db.execute(f"CREATE VIEW v_coverage AS {VIEWS['v_coverage']}")


@migrations()
def alert_mail(db: Database) -> None:
    """What answers to an alert need to know of it, and which incidents' pages are to be written."""
    for statement in ALERT_MAIL:
        db.execute(statement)


@migrations()
def life_of_incidents(db: Database) -> None:
    """How incidents end, begin again and are judged anew."""
    for name in VIEWS:
        db.execute(f"DROP VIEW IF EXISTS {name}")
    for statement in LIFE_OF_INCIDENTS:
        db.execute(statement)
    for name, select in VIEWS.items():
        db.execute(f"CREATE VIEW {name} AS {select}")


@migrations()
def near_copies(db: Database) -> None:
    """Near-copies, links and topics of the last weeks, and the view of stories."""
    for statement in NEAR_COPIES:
        db.execute(statement)
    for name, select in VIEWS.items():
        db.execute(f"DROP VIEW IF EXISTS {name}")
        db.execute(f"CREATE VIEW {name} AS {select}")


@migrations()
def bursts_and_reach(db: Database) -> None:
    """What story-bursts and early warnings are judged against, and how far that was done."""
    for statement in BURSTS_AND_REACH:
        db.execute(statement)

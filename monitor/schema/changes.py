"""What later versions added to the tables, each tuple the statements of one migration, in their order."""

from __future__ import annotations

from monitor.schema.tables import BIN_OF

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

LISTS_IN_TURNS = ("ALTER TABLE source_runs ADD COLUMN reach TEXT",)
"""``reach``: since when a run heard the lists that had their turn in it, where there are too many for one."""

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

JUDGED_ONCE = (
    # By detectors of which settings the bins were considered; '' by those of an older version.
    "ALTER TABLE watches ADD COLUMN settings TEXT NOT NULL DEFAULT ''",
    # 0: nothing was counted anew, but another detector has judged.
    "ALTER TABLE holds ADD COLUMN recounted INTEGER NOT NULL DEFAULT 1",
    # What was looked at while no early warnings were given wakes nobody afterwards.
    "INSERT INTO reach_watches SELECT brand, until FROM watches WHERE true ON CONFLICT DO NOTHING",
)

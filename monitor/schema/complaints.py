"""The complaint ledger: each complaint, which texts it is made of, what was said in it, and what changed since."""

from __future__ import annotations

_POST = "INSERT INTO complaint_marks VALUES ('post', {0}) ON CONFLICT DO NOTHING;"
_TEXT = "INSERT INTO complaint_marks VALUES ('group', {0}) ON CONFLICT DO NOTHING;"

COMPLAINTS = (
    # post: the first of its texts. posts 0: nothing of it is a complaint any more (not us, a label); the row stays, and
    # is taken up again if its post is. since: from when on it waits, later than first_seen where it was made good once.
    # A time_to_… is NULL where it was not heard when that happened, only that it had.
    """CREATE TABLE complaints (
        id INTEGER PRIMARY KEY, brand INTEGER NOT NULL REFERENCES brands(id), merged_into INTEGER,
        post INTEGER NOT NULL, author BLOB, first_seen TEXT NOT NULL, last_seen TEXT NOT NULL,
        posts INTEGER NOT NULL DEFAULT 0,
        voices INTEGER NOT NULL DEFAULT 0, authors INTEGER NOT NULL DEFAULT 0, reach INTEGER NOT NULL DEFAULT 0,
        likes INTEGER, reposts INTEGER, comments INTEGER, themes TEXT NOT NULL DEFAULT '',
        severity INTEGER NOT NULL DEFAULT 1, quote_post INTEGER, quote_start INTEGER, quote_end INTEGER,
        state TEXT NOT NULL DEFAULT 'new', since TEXT NOT NULL, answered_at TEXT, answer INTEGER,
        time_to_answer INTEGER, recovered_at TEXT, recovery INTEGER, time_to_recovery INTEGER,
        recovered_by TEXT NOT NULL DEFAULT '', lost_at TEXT, loss INTEGER, corrected_by TEXT NOT NULL DEFAULT '')""",
    "CREATE INDEX complaints_by_time ON complaints (brand, first_seen)",
    "CREATE INDEX complaints_by_post ON complaints (post, brand)",
    "CREATE INDEX complaints_by_author ON complaints (author, brand, first_seen) WHERE author IS NOT NULL",
    "CREATE INDEX complaints_by_answer ON complaints (answer) WHERE answer IS NOT NULL",
    "CREATE INDEX complaints_by_recovery ON complaints (recovery) WHERE recovery IS NOT NULL",
    "CREATE INDEX complaints_answered ON complaints (brand, answered_at) WHERE answered_at IS NOT NULL",
    "CREATE INDEX complaints_recovered ON complaints (brand, recovered_at) WHERE recovered_at IS NOT NULL",
    "CREATE INDEX complaints_lost ON complaints (brand, lost_at) WHERE lost_at IS NOT NULL",
    # Which copy groups complain of a brand, and of which complaint each is a part. voice: a hash of platform, thread
    # and author of its first post; texts with the same are one complaint.
    """CREATE TABLE complaint_texts (
        "group" INTEGER NOT NULL, brand INTEGER NOT NULL REFERENCES brands(id),
        complaint INTEGER NOT NULL REFERENCES complaints(id), voice BLOB,
        PRIMARY KEY ("group", brand)) WITHOUT ROWID""",
    "CREATE INDEX complaint_texts_by_complaint ON complaint_texts (complaint)",
    "CREATE INDEX complaint_texts_by_voice ON complaint_texts (voice, brand) WHERE voice IS NOT NULL",
    # What posts say of complaints: 'recovered' or 'leaving' by their author, 'names' whom a brand's answer names.
    """CREATE TABLE complaint_sayings (
        post INTEGER NOT NULL, kind TEXT NOT NULL, who BLOB NOT NULL, counted_at TEXT NOT NULL,
        PRIMARY KEY (post, kind, who)) WITHOUT ROWID""",
    "CREATE INDEX complaint_sayings_by_author ON complaint_sayings (who, kind, counted_at)",
    # What a platform for complaints says of one (its kind), since when it is known. first: so it was when first seen.
    """CREATE TABLE complaint_kinds (
        post INTEGER NOT NULL, at TEXT NOT NULL, kind TEXT NOT NULL, first INTEGER NOT NULL,
        PRIMARY KEY (post, at)) WITHOUT ROWID""",
    # event: 'state' (by the rules), 'person' (a person says so), 'undo' (and takes it back), 'merged'.
    """CREATE TABLE complaint_events (
        id INTEGER PRIMARY KEY, complaint INTEGER NOT NULL REFERENCES complaints(id), at TEXT NOT NULL,
        event TEXT NOT NULL, state TEXT NOT NULL, "by" TEXT NOT NULL DEFAULT '', note TEXT NOT NULL DEFAULT '')""",
    "CREATE INDEX complaint_events_by_complaint ON complaint_events (complaint)",
    "CREATE INDEX posts_answering ON posts (platform, parent) WHERE own_brand IS NOT NULL",
    "CREATE INDEX posts_answering_in ON posts (platform, root) WHERE own_brand IS NOT NULL",
    # What changed since the ledger was last kept, whoever changed it. what: 'post', 'group', 'complaint'.
    "CREATE TABLE complaint_marks (what TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (what, id)) WITHOUT ROWID",
    f"CREATE TRIGGER complaints_see_posts AFTER INSERT ON posts BEGIN {_POST.format('NEW.id')} END",
    f"""CREATE TRIGGER complaints_see_edits AFTER UPDATE OF
        own_brand, kind, text, author_key, parent, root, gone_at ON posts
        WHEN (OLD.own_brand, OLD.kind, OLD.text, OLD.author_key, OLD.parent, OLD.root, OLD.gone_at)
            IS NOT (NEW.own_brand, NEW.kind, NEW.text, NEW.author_key, NEW.parent, NEW.root, NEW.gone_at)
        BEGIN {_POST.format("NEW.id")} END""",
    f"CREATE TRIGGER complaints_see_mentions AFTER INSERT ON mentions BEGIN {_POST.format('NEW.post')} END",
    f"CREATE TRIGGER complaints_miss_mentions AFTER DELETE ON mentions BEGIN {_POST.format('OLD.post')} END",
    f"""CREATE TRIGGER complaints_see_labels AFTER UPDATE OF label, p_negative, opens_voice, quote_start ON mentions
        WHEN (OLD.label, OLD.p_negative, OLD.opens_voice, OLD.quote_start)
            IS NOT (NEW.label, NEW.p_negative, NEW.opens_voice, NEW.quote_start)
        BEGIN {_POST.format("NEW.post")} END""",
    f"CREATE TRIGGER complaints_see_people AFTER INSERT ON labels BEGIN {_POST.format('NEW.post')} END",
    f"CREATE TRIGGER complaints_see_signals AFTER INSERT ON signals BEGIN {_POST.format('NEW.post')} END",
    f"CREATE TRIGGER complaints_see_changes AFTER UPDATE ON signals BEGIN {_POST.format('NEW.post')} END",
    f"CREATE TRIGGER complaints_miss_signals AFTER DELETE ON signals BEGIN {_POST.format('OLD.post')} END",
    f"CREATE TRIGGER complaints_see_groups AFTER INSERT ON group_members BEGIN {_POST.format('NEW.post')} END",
    f"""CREATE TRIGGER complaints_see_merged AFTER UPDATE OF "group" ON group_members
        BEGIN {_TEXT.format('OLD."group"')} {_TEXT.format('NEW."group"')} END""",
    f"""CREATE TRIGGER complaints_miss_groups AFTER DELETE ON group_members
        BEGIN {_TEXT.format('OLD."group"')} END""",
    *(
        f"""CREATE TRIGGER complaints_{name} AFTER {event} ON engagement BEGIN
            INSERT INTO complaint_marks SELECT 'complaint', t.complaint
            FROM group_members m JOIN complaint_texts t ON t."group" = m."group" WHERE m.post = NEW.post
            ON CONFLICT DO NOTHING; END"""
        for name, event in (("see_counts", "INSERT"), ("see_new_counts", "UPDATE"))
    ),
    """CREATE TRIGGER complaints_see_roles AFTER UPDATE OF role ON brands WHEN OLD.role <> NEW.role BEGIN
        INSERT INTO complaint_marks SELECT 'post', post FROM mentions WHERE brand = NEW.id ON CONFLICT DO NOTHING;
        END""",
    # Who was emptied is not to be found by what he said, nor by who called him.
    """CREATE TRIGGER complaints_forget AFTER UPDATE OF purged_at ON posts WHEN NEW.purged_at IS NOT NULL BEGIN
        DELETE FROM complaint_sayings WHERE post = NEW.id AND kind <> 'names';
        UPDATE OR REPLACE complaint_sayings SET who = x'' WHERE post = NEW.id;
        UPDATE complaint_texts SET voice = NULL WHERE complaint IN (SELECT id FROM complaints WHERE post = NEW.id);
        UPDATE complaints SET author = NULL WHERE post = NEW.id; END""",
    # What was stored before.
    "INSERT INTO complaint_marks SELECT 'post', post FROM mentions WHERE true ON CONFLICT DO NOTHING",
    "INSERT INTO complaint_marks SELECT 'post', id FROM posts WHERE own_brand IS NOT NULL ON CONFLICT DO NOTHING",
    """INSERT INTO complaint_kinds SELECT id, arrived_at, kind, 1 FROM posts
        WHERE kind = 'complaint' OR kind LIKE 'complaint:%'""",
)
"""What people wrote is found again by triggers, so that no writer, of now or later, can forget to tell the ledger."""

"""What the ledger of complaints learned later: a reach that nobody knows, and notes that go with what they speak of."""

from __future__ import annotations

LEDGER = (
    # NULL: no platform shows followers or counts; 0: they show none. What was 0 so far may be either.
    "ALTER TABLE complaints RENAME COLUMN reach TO reach_or_0",
    "ALTER TABLE complaints ADD COLUMN reach INTEGER",
    "UPDATE complaints SET reach = nullif(reach_or_0, 0)",
    "ALTER TABLE complaints DROP COLUMN reach_or_0",
    # What a day's page asks of all that was ever complained of: how many wait, and of which something was heard lately.
    """CREATE INDEX complaints_open ON complaints (brand, since, answered_at, recovered_at, lost_at)
        WHERE posts > 0""",
    "CREATE INDEX complaints_heard ON complaints (brand, last_seen) WHERE posts > 0",
    # Who was emptied is not to be found by what he said, nor by who called him, nor by what a person noted of him.
    "DROP TRIGGER complaints_forget",
    """CREATE TRIGGER complaints_forget AFTER UPDATE OF purged_at ON posts WHEN NEW.purged_at IS NOT NULL BEGIN
        DELETE FROM complaint_sayings WHERE post = NEW.id AND kind <> 'names';
        UPDATE OR REPLACE complaint_sayings SET who = x'' WHERE post = NEW.id;
        UPDATE complaint_texts SET voice = NULL WHERE complaint IN (SELECT id FROM complaints WHERE post = NEW.id);
        UPDATE complaint_events SET note = '' WHERE event <> 'state' AND note <> ''
            AND complaint IN (SELECT id FROM complaints WHERE post = NEW.id);
        UPDATE complaints SET author = NULL WHERE post = NEW.id; END""",
    """UPDATE complaint_events SET note = '' WHERE event <> 'state' AND note <> '' AND EXISTS (
        SELECT 1 FROM complaints c JOIN posts p ON p.id = c.post
        WHERE c.id = complaint_events.complaint AND p.purged_at >= complaint_events.at)""",
    # All is read again: what says that it was made good, what weighs, and whose reach is known.
    "INSERT INTO complaint_marks SELECT 'post', post FROM mentions WHERE true ON CONFLICT DO NOTHING",
    "INSERT INTO complaint_marks SELECT 'complaint', id FROM complaints WHERE posts > 0 ON CONFLICT DO NOTHING",
)

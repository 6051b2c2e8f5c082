"""The copy group of a mention, kept beside it, so that the first negative one of a group is found at once."""

from __future__ import annotations

MENTIONS_OF_COPIES = (
    # The group of the post, as ``group_members`` has it: triggers keep the two the same, whoever writes.
    "ALTER TABLE mentions ADD COLUMN copies INTEGER",
    """CREATE TRIGGER grouped_posts AFTER INSERT ON group_members BEGIN
        UPDATE mentions SET copies = NEW."group" WHERE post = NEW.post; END""",
    """CREATE TRIGGER regrouped_posts AFTER UPDATE OF "group" ON group_members BEGIN
        UPDATE mentions SET copies = NEW."group" WHERE post = NEW.post; END""",
    """CREATE TRIGGER ungrouped_posts AFTER DELETE ON group_members BEGIN
        UPDATE mentions SET copies = NULL WHERE post = OLD.post; END""",
    """CREATE TRIGGER mentions_of_grouped_posts AFTER INSERT ON mentions
        WHEN EXISTS (SELECT 1 FROM group_members WHERE post = NEW.post) BEGIN
        UPDATE mentions SET copies = (SELECT "group" FROM group_members WHERE post = NEW.post)
        WHERE post = NEW.post AND brand = NEW.brand; END""",
    """UPDATE mentions SET copies = (SELECT "group" FROM group_members g WHERE g.post = mentions.post)""",
    """CREATE INDEX negative_copies ON mentions (copies, brand, counted_at, post)
        WHERE label = 'negative' AND copies IS NOT NULL""",
)

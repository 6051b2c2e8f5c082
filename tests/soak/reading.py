"""What a run left, in a form in which two runs can be compared, and what must hold of any run.

Ids of posts, groups and stories follow the order in which three feeds happened to answer, so nothing here names them.
What is drawn at random for each database is taken out: its own name, which is in Message-IDs, and the version of the
rules, which follows from the key that the brand's own accounts are hashed with.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from monitor.demo.mailbox import Mail, mails
from monitor.demo.run import DATABASE, MAILBOX
from monitor.store import counts, fact, open_store, service

Facts = Mapping[str, Counter[Any]]
"""kind of fact -> each fact with how often it is there."""

_QUERIES = {
    "posts": """SELECT p.platform, p.native_id, p.text, p.kind, p.author_key IS NULL, p.published_at, p.counted_at,
                       p.arrived_at, p.live, p.assumed, b.name
                FROM posts p LEFT JOIN brands b ON b.id = p.own_brand""",
    "sightings": """SELECT p.platform, p.native_id, s.source, s.seen_at
                    FROM sightings s JOIN posts p ON p.id = s.post""",
    "mentions": """SELECT p.platform, p.native_id, b.name, m.via, m.term, m.label, m.p_negative, m.model, m.opens_voice
                   FROM mentions m JOIN posts p ON p.id = m.post JOIN brands b ON b.id = m.brand""",
    "scores": """SELECT p.platform, p.native_id, s.brand, s.model, s.snownlp, s.label
                 FROM scores s JOIN posts p ON p.id = s.post""",
    "counts": """SELECT b.name, c.platform, c.bin, c.mentions, c.negative_posts, c.negative_voices, c.live_voices,
                        c.other FROM counts c JOIN brands b ON b.id = c.brand""",
    "heard": """SELECT source, "from", "to", late FROM heard""",
    "gaps": "SELECT source, gap_from, gap_to FROM source_runs WHERE gap_from IS NOT NULL",
    "spikes": """SELECT b.name, s.bin, s.origin, s.severity, s.measured_at, s.incident
                 FROM spikes s JOIN brands b ON b.id = s.brand""",
    "incidents": """SELECT b.name, i.onset, i.first_bin, i.last_bin, i.severity, i.origin, i.state, i.opened_at,
                           i.resolved_at, i.observed, i.expected, i.mailed
                    FROM incidents i JOIN brands b ON b.id = i.brand""",
    "incident events": "SELECT incident, at, event, reason FROM incident_events",
    "deliveries": """SELECT o.message_id, o.kind, o.subject, d.recipient, d.state
                     FROM outbox o JOIN deliveries d ON d.outbox = o.id""",
    "digests": """SELECT b.name, d.day, d.revision, d.made_at, d.late, d.owed, d.verdict
                  FROM digests d JOIN brands b ON b.id = d.brand""",
}


@dataclass(frozen=True)
class Left:
    """What a run left: its facts, what is wrong with it by itself, and how its mail was delivered."""

    facts: Facts
    faults: tuple[str, ...]
    owed_mails: int
    doubled: int
    most_copies: int


_NAMES = "SELECT id, platform, native_id FROM posts"


def read(folder: Path) -> Left:
    db = open_store(folder / DATABASE)
    try:
        drawn = {service.identity(db): "UID", fact(db, "rules") or "": "RULES", str(folder.resolve()): "FOLDER"}
        found = {name: Counter(_plain(row, drawn) for row in db.execute(sql)) for name, sql in _QUERIES.items()}
        found["copy groups"] = _partition(db, 'SELECT post, "group" FROM group_members')
        found["stories"] = _partition(
            db, 'SELECT m.post, g.story FROM group_members m JOIN groups g ON g.id = m."group"'
        )
        taken = Counter(mails(folder / MAILBOX))
        letters = ((m.message_id, m.to, m.subject, _named(db, m.text)) for m in taken)
        found["letters"] = Counter(_plain(letter, drawn) for letter in letters)
        pages = folder.rglob("digests/*/*.html")
        found["pages"] = Counter(_plain((p.parent.name, p.name, _numbered(db, p)), drawn) for p in pages)
        copies = Counter({key: sum(n for m, n in taken.items() if _key(m) == key) for key in map(_key, taken)})
        owed = int(db.execute("SELECT count(*) FROM deliveries").fetchone()[0])
        return Left(found, tuple(_faults(db, folder, taken, copies)), owed,
                    sum(n > 1 for n in copies.values()), max(copies.values(), default=0))  # fmt: skip
    finally:
        db.close()


def differences(wanted: Left, found: Left) -> list[str]:
    """One line for each kind of fact that differs from the undisturbed run, with the first one of each."""
    lines = []
    for name, facts in wanted.facts.items():
        lost, added = facts - found.facts[name], found.facts[name] - facts
        if lost or added:
            example = repr(next(iter(lost or added)))
            lines.append(f"{name}: {lost.total()} lost, {added.total()} too many or other; such as {example[:200]}")
    return lines + [f"fault: {fault}" for fault in found.faults]


def _numbered(db: Database, page: Path) -> str:
    """A page with each post's number, which goes by the order of storing, as its platform and native id."""
    return _named(db, page.read_text("utf-8"))


def _named(db: Database, text: str) -> str:
    names = {i: f"{platform}:{native}" for i, platform, native in db.execute(_NAMES)}
    return re.sub(r"(?<=編號 )\d+|(?<=qianli not-us )\d+", lambda found: names[int(found[0])], text)


def _plain(row: Iterable[object], drawn: Mapping[str, str]) -> object:
    """A row without what was drawn at random."""
    values = list(row)
    for at, value in enumerate(values):
        for word, instead in drawn.items():
            if isinstance(value, str) and word:
                value = value.replace(word, instead)
        values[at] = value
    return tuple(values)


def _partition(db: Database, sql: str) -> Counter[object]:
    """Which posts belong together, each named by its platform and native id."""
    names = {i: (platform, native) for i, platform, native in db.execute(_NAMES)}
    together: dict[int, set[tuple[str, str]]] = defaultdict(set)
    for post, group in db.execute(sql):
        together[group].add(names[post])
    return Counter(tuple(sorted(members)) for members in together.values())


def _key(mail: Mail) -> tuple[str, str]:
    return mail.message_id, mail.to


def _faults(db: Database, folder: Path, taken: Counter[Mail], copies: Counter[tuple[str, str]]) -> Iterable[str]:
    """What may not be so after any run, disturbed or not."""
    if counts.stored(db) != counts.recount_all(db):
        yield "counts differ from a full recount of the rows"
    for table in ("queue", "dirty_bins", "failures", "lease"):
        if left := db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]:
            yield f"{left} rows left in {table}"
    yield from _mail_faults(db, taken, copies)
    for (file,) in db.execute("SELECT file FROM digests"):
        if not Path(file).is_file() or not Path(file).read_text("utf-8").rstrip().endswith("</html>"):
            yield f"the page {file} of a digest is missing or cut"
    yield from (f"half a file left: {path.name}" for path in folder.rglob("*.part"))
    if (said := db.execute("PRAGMA integrity_check").fetchone()[0]) != "ok":
        yield f"integrity_check: {said}"
    if broken := db.execute("PRAGMA foreign_key_check").fetchall():
        yield f"foreign_key_check: {len(broken)} rows"


def _mail_faults(db: Database, taken: Counter[Mail], copies: Counter[tuple[str, str]]) -> Iterable[str]:
    rows = db.execute("SELECT o.message_id, d.recipient, d.state FROM outbox o JOIN deliveries d ON d.outbox = o.id")
    owed = {(message_id, recipient): state for message_id, recipient, state in rows}
    for key, state in owed.items():
        if state != "sent":
            yield f"{key[0]} is {state}, not sent"
        if not copies[key]:
            yield f"{key[0]} to {key[1]} was never delivered"
        if copies[key] > 2:
            yield f"{key[0]} was delivered {copies[key]} times"
    if unknown := [key for key in copies if key not in owed]:
        yield f"{len(unknown)} mails were delivered that the outbox does not know"
    if len(taken) != len(copies):
        yield "a message that was sent again is not the same"

"""The account: what the outbox says was owed, held against the mail server's own ledger; incidents and their turns."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Any

from sqlite_utils import Database

from monitor.model import from_utc_text
from monitor.store import counts, open_store
from tests.bench.posts.world import World
from tests.soak.months.faults import MailFault
from tests.soak.months.mail_server import Key, Taken
from tests.soak.months.run import Ran

FLAP = timedelta(hours=24)
BLIND_AFTER = timedelta(hours=2)


@dataclass
class Account:
    """``wrong``: one line for each thing that may not be so."""

    wrong: list[str] = field(default_factory=list)
    owed: Counter[str] = field(default_factory=Counter)
    sent: int = 0
    twice: int = 0
    refused: int = 0
    folded: int = 0
    late_min: list[float] = field(default_factory=list)
    incidents: int = 0
    resolved: int = 0
    flaps: int = 0
    digests: int = 0
    ops_limit: int = 0

    def told(self) -> dict[str, Any]:
        return {
            "owed_deliveries": dict(self.owed), "sent": self.sent, "delivered_twice": self.twice,
            "refused_for_good_by_the_server": self.refused, "told_by_a_newer_one": self.folded,
            "median_min_owed_to_sent": round(median(self.late_min), 1) if self.late_min else None,
            "longest_h_owed_to_sent": round(max(self.late_min, default=0) / 60, 1),
            "incidents": self.incidents, "resolved": self.resolved, "flaps": self.flaps, "digests": self.digests,
            "ops_mails_allowed": self.ops_limit, "wrong": len(self.wrong),
        }  # fmt: skip


def settle(ran: Ran, world: World, mail: Sequence[MailFault]) -> Account:
    account, db = Account(), open_store(ran.folder / "qianli.db")
    try:
        account.wrong += _deliveries(db, ran, account)
        account.wrong += _turns(db, account)
        account.wrong += _digests(db, ran, account)
        account.wrong += _ops(db, world, ran, account)
        account.wrong += _whole(db)
    finally:
        db.close()
    return account


def _deliveries(db: Database, ran: Ran, account: Account) -> Iterator[str]:
    """Each owed mail was kept once; again only where the server had not said so, or the sender died before it heard.
    One that was folded is told by the newer one that stands for it, which is judged by itself."""
    kept: dict[Key, list[Taken]] = defaultdict(list)
    for taken in ran.ledger.taken:
        kept[taken.key].append(taken)
    deaths = [ran.rounds[number] for _, number in ran.deaths]
    for message_id, kind, owed_at, recipient, state, done_at, newer in db.execute(
        """SELECT o.message_id, o.kind, o.owed_at, d.recipient, d.state, d.done_at, n.state
           FROM outbox o JOIN deliveries d ON d.outbox = o.id
           LEFT JOIN deliveries n ON n.outbox = d.folded_into AND n.recipient = d.recipient"""
    ).fetchall():
        copies = kept.pop((message_id, recipient), [])
        account.owed[kind] += 1
        if state == "failed":
            account.refused += 1
            if (recipient, from_utc_text(done_at)) not in ran.ledger.refused:
                yield f"{message_id} to {recipient} was given up, and the server never refused it"
        elif state == "folded" and newer in ("sent", "failed"):
            account.folded += 1
            if any(taken.said for taken in copies):
                yield f"{message_id} to {recipient} was delivered, and told again by a newer one"
        elif state != "sent":
            yield f"{message_id} to {recipient} is still {state}"
        else:
            account.sent += 1
            account.late_min.append((from_utc_text(done_at) - from_utc_text(owed_at)) / timedelta(minutes=1))
            yield from _copies(message_id, copies, deaths, account)
    for message_id, recipient in kept:
        yield f"{message_id} to {recipient} was delivered, and is in no outbox"


def _copies(name: str, copies: Sequence[Taken], deaths: Sequence[datetime], account: Account) -> Iterator[str]:
    account.twice += len(copies) > 1
    if not copies:
        yield f"{name} counts as sent and was never delivered"
    heard = [c for c in copies if c.said and c.at not in deaths]
    if len(heard) > 1:
        yield f"{name} was delivered {len(copies)} times, {len(heard)} of them with the server's word for it"
    if len({c.digest for c in copies}) > 1:
        yield f"{name} was sent again and was not the same"


def _turns(db: Database, account: Account) -> Iterator[str]:
    """No incident is resolved that has not begun since; how many flapped."""
    events: dict[int, list[str]] = defaultdict(list)
    for incident, event in db.execute("SELECT incident, event FROM incident_events ORDER BY id"):
        events[incident].append(event)
    for incident, told in events.items():
        if told.count("resolved") > 1 + told.count("reopened"):
            yield f"incident {incident} was resolved {told.count('resolved')} times"
        if told[0] != "opened":
            yield f"incident {incident} began with {told[0]!r}"
    rows = db.execute("SELECT brand, opened_at, resolved_at FROM incidents ORDER BY brand, opened_at").fetchall()
    account.incidents, account.resolved = len(rows), sum(end is not None for _, _, end in rows)
    for (brand, _, before), (again, opened, _) in pairwise(rows):
        if brand == again and before is not None:
            account.flaps += from_utc_text(opened) - from_utc_text(before) < FLAP
    letters = db.execute(
        """SELECT incident, count(*) FROM outbox WHERE kind = 'alert'
           GROUP BY incident, subject, text HAVING count(*) > 1"""
    ).fetchall()
    for incident, many in letters:
        yield f"incident {incident} owes the same words {many} times"


def _digests(db: Database, ran: Ran, account: Account) -> Iterator[str]:
    rows = db.execute("SELECT brand, day, count(*) FROM digests GROUP BY brand, day").fetchall()
    account.digests = len(rows)
    yield from (f"the digest of brand {brand}, {day}, was made {n} times" for brand, day, n in rows if n > 1)
    for (brand,) in db.execute("SELECT id FROM brands WHERE role = 'own'").fetchall():
        days = sorted(date.fromisoformat(day) for owner, day, _ in rows if owner == brand)
        missing = [d for d in _days(days) if d not in days]
        if missing:
            yield f"brand {brand} has no digest of {missing[0]}, and {len(missing) - 1} more"


def _days(days: Sequence[date]) -> Iterator[date]:
    if days:
        yield from (days[0] + timedelta(days=n) for n in range((days[-1] - days[0]).days + 1))


def _ops(db: Database, world: World, ran: Ran, account: Account) -> Iterator[str]:
    """At most one mail that a source is deaf and one that it is not, for each outage that is long enough; no other."""
    long = [o for o in world.outages if o.end - o.start >= BLIND_AFTER - timedelta(hours=1)]
    account.ops_limit = 2 * len(long)
    owed = db.execute("SELECT count(*) FROM outbox WHERE kind = 'ops'").fetchone()[0]
    if owed > account.ops_limit:
        yield f"{owed} ops mails are owed for {len(long)} outages"
    if failed := db.execute("SELECT stage, item, error FROM failures").fetchall():
        yield f"failures are left: {failed[:3]}"


def _whole(db: Database) -> Iterator[str]:
    if counts.stored(db) != counts.recount_all(db):
        yield "counts differ from a full recount of the rows"
    for table in ("queue", "dirty_bins"):
        if left := db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]:
            yield f"{left} rows left in {table}"
    if (said := db.execute("PRAGMA integrity_check").fetchone()[0]) != "ok":
        yield f"integrity_check: {said}"

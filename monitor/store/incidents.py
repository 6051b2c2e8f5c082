"""Findings (table ``spikes``), incidents and their events, and the detector's memory between two watches."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlite_utils import Database

from monitor.incidents import Ending, Standing
from monitor.model import Finding, IncidentLine, Kind, Severity, State, from_utc_text, utc_text
from monitor.store import moment, writing
from monitor.store.facts import ENGAGEMENT, LOUDNESS

STATES_BY_DAY, STATES_BY_WEEK = timedelta(days=7), timedelta(days=60)
"""How far back one state a day is kept, and one a week; some 10 kB each."""

_STANDING = """SELECT id, origin, state, severity, onset, last_bin, mailed, kind,
    (SELECT coalesce(t.merged_into, t.id) FROM stories t WHERE t.id = incidents.story), ending, resolved_at, calm_at,
    (SELECT max(bin) FROM spikes WHERE incident = incidents.id AND kind <> 'spike'), doubted FROM incidents"""

HEADLINE = 40
"""Characters of an incident's headline."""


def load_state(
    db: Database, brand: int, origin: str, settings: str, before: datetime
) -> tuple[datetime, str] | None:  # fmt: skip
    """The newest remembered (bin, state) of a detector with these settings. Later bins: a clock had run ahead."""
    row = db.execute(
        """SELECT bin, state FROM detector_states WHERE brand = ? AND origin = ? AND settings = ? AND bin < ?
           ORDER BY bin DESC LIMIT 1""",
        [brand, origin, settings, utc_text(before)],
    ).fetchone()
    return (from_utc_text(row[0]), row[1]) if row else None


def keep_state(db: Database, brand: int, origin: str, settings: str, at: datetime, state: str) -> None:
    """Remember the state after a bin. Of older ones stay the last of each day of a week, of each week of two months,
    and the last before: a post that comes days late takes back what was remembered since it was written, and the
    detector then steps again from the day before, not from the first bin of history.
    """
    db.execute(
        "INSERT INTO detector_states VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET state = excluded.state, "
        "settings = excluded.settings",
        [brand, origin, utc_text(at), settings, state],
    )
    db.execute(
        """DELETE FROM detector_states WHERE brand = :brand AND origin = :origin AND bin < :at AND bin NOT IN (
               SELECT max(bin) FROM detector_states WHERE brand = :brand AND origin = :origin AND bin < :at
               GROUP BY CASE WHEN bin >= :days THEN substr(bin, 1, 10) WHEN bin >= :weeks THEN strftime('%Y %W', bin)
                        ELSE '' END)""",
        {
            "brand": brand,
            "origin": origin,
            "at": utc_text(at),
            "days": utc_text(at - STATES_BY_DAY),
            "weeks": utc_text(at - STATES_BY_WEEK),
        },
    )
    db.execute("DELETE FROM detector_states WHERE brand = ? AND origin = ? AND bin > ?", [brand, origin, utc_text(at)])


@dataclass(frozen=True, slots=True)
class Hold:
    """Bins in [learn_from, held_to) were considered before, and are not a second time: another model has counted them
    anew, or (``recounted`` False) another detector had judged them."""

    learn_from: datetime
    held_to: datetime
    recounted: bool


def holds(db: Database, brand: int) -> list[Hold]:
    """Those of every switch there was, in their order."""
    rows = db.execute("SELECT learn_from, held_to, recounted FROM holds WHERE brand = ? ORDER BY held_to", [brand])
    return [Hold(from_utc_text(start), from_utc_text(end), bool(anew)) for start, end, anew in rows.fetchall()]


def hold_judged(db: Database, brand: int, settings: str, first: datetime) -> None:
    """If detectors of other settings, or of another version, have judged this brand: what they said of the bins from
    ``first`` on stands, and what they remember is forgotten."""
    other = "SELECT 1 FROM watches WHERE brand = ? AND settings <> ?"
    if not db.execute(other, [brand, settings]).fetchone():
        return
    with writing(db):
        db.execute(
            """INSERT INTO holds (brand, learn_from, held_to, recounted)
               SELECT brand, ?, until, 0 FROM watches WHERE brand = ? AND until > ? ON CONFLICT DO NOTHING""",
            [utc_text(first), brand, utc_text(first)],
        )
        db.execute("DELETE FROM detector_states WHERE brand = ? AND settings <> ?", [brand, settings])
        db.execute("UPDATE watches SET settings = ? WHERE brand = ?", [settings, brand])


def watched(db: Database, brand: int, until: datetime, settings: str) -> None:
    """Note that every bin before ``until`` was considered, by a detector of these settings."""
    db.execute(
        """INSERT INTO watches (brand, until, settings) VALUES (?, ?, ?)
           ON CONFLICT DO UPDATE SET until = max(until, excluded.until), settings = excluded.settings""",
        [brand, utc_text(until), settings],
    )


def said_before(db: Database, brand: int, origin: str, at: datetime) -> tuple[datetime, Severity, bool] | None:
    """The last alert of a series before a bin, and whether an incident stood open there; None if there was none."""
    row = db.execute(
        """SELECT bin, severity FROM spikes WHERE brand = ? AND origin = ? AND kind = 'spike' AND bin < ?
           ORDER BY bin DESC LIMIT 1""",
        [brand, origin, utc_text(at)],
    ).fetchone()
    standing = standing_at(db, brand, at)
    return (from_utc_text(row[0]), Severity(row[1]), standing is not None and standing.onset < at) if row else None


def add_spike(db: Database, brand: int, finding: Finding, now: datetime) -> int | None:
    """Store a finding once; its id, or None if this bin's was stored before: it never changes."""
    cursor = db.execute(
        """INSERT INTO spikes (brand, bin, origin, kind, subject, severity, measured_at, evidence)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING""",
        [brand, utc_text(finding.at), finding.origin, finding.kind.value, finding.subject, finding.severity.value,
         utc_text(now), json.dumps(finding.evidence, ensure_ascii=False)],
    )  # fmt: skip
    return cursor.lastrowid if cursor.rowcount == 1 else None


def standing_at(db: Database, brand: int, at: datetime) -> Standing | None:
    """The incident in whose course this bin lies: one not resolved yet, or resolved only after the bin.

    The day before its onset belongs to it: posts that surface late move a spike to before the first one.
    """
    row = db.execute(
        _STANDING
        + """ WHERE brand = ? AND onset <= ? AND (state <> 'resolved' OR resolved_at > ?)
                        ORDER BY first_bin DESC, id DESC LIMIT 1""",
        [brand, utc_text(at + timedelta(days=1)), utc_text(at)],
    ).fetchone()
    return _standing(row) if row else None


def ended_before(db: Database, brand: int, origin: str, at: datetime, since: datetime) -> Standing | None:
    """The last incident of an origin that had ended by ``at`` and may begin again; it was resolved, or calm for the
    first time after a person had ended it, no earlier than ``since``."""
    row = db.execute(
        _STANDING
        + """ WHERE brand = ? AND origin = ? AND state = 'resolved' AND ending <> 'not us'
              AND resolved_at <= ? AND max(resolved_at, coalesce(calm_at, '')) >= ?
               ORDER BY resolved_at DESC, id DESC LIMIT 1""",
        [brand, origin, utc_text(at), utc_text(since)],
    ).fetchone()
    return _standing(row) if row else None


def open_ones(db: Database, brand: int) -> list[Standing]:
    rows = db.execute(_STANDING + " WHERE brand = ? AND state <> 'resolved' ORDER BY id", [brand])
    return [_standing(row) for row in rows.fetchall()]


def ended_by_people(db: Database, brand: int) -> list[Standing]:
    """Those that people ended while they went on, and that have not been calm since."""
    rows = db.execute(
        _STANDING + " WHERE brand = ? AND state = 'resolved' AND ending = 'person' AND calm_at IS NULL ORDER BY id",
        [brand],
    )
    return [_standing(row) for row in rows.fetchall()]


def awaits_calm(db: Database, brand: int) -> bool:
    """Whether a calm means anything to a brand: hardly ever."""
    row = db.execute(
        """SELECT 1 FROM incidents WHERE brand = ? AND (state <> 'resolved' OR (ending = 'person' AND calm_at IS NULL))
           LIMIT 1""",
        [brand],
    ).fetchone()
    return row is not None


def one(db: Database, incident: int) -> Standing | None:
    row = db.execute(_STANDING + " WHERE id = ?", [incident]).fetchone()
    return _standing(row) if row else None


def brand_of(db: Database, incident: int) -> int:
    brand: int = db.execute("SELECT brand FROM incidents WHERE id = ?", [incident]).fetchone()[0]
    return brand


def _standing(row: tuple[Any, ...]) -> Standing:
    identity, origin, state, severity, onset, last_bin, mailed, kind, story, ending, resolved, calm, other, doubted = (
        row
    )
    return Standing(
        identity, origin, State(state), Severity(severity), from_utc_text(onset), from_utc_text(last_bin),
        bool(mailed), Kind(kind), story, Ending(ending), moment(resolved), moment(calm), moment(other), doubted,
    )  # fmt: skip


def open_incident(db: Database, brand: int, finding: Finding, state: State, story: int | None, now: datetime) -> int:
    at = utc_text(finding.at)
    identity = db.execute(
        """INSERT INTO incidents (brand, origin, kind, story, state, severity, onset, first_bin, last_bin, opened_at,
               observed, expected, subject_size) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        [brand, finding.origin, finding.kind.value, story, state.value, finding.severity.value,
         utc_text(finding.onset), at, at, utc_text(now), finding.observed, finding.expected, finding.observed],
    ).lastrowid  # fmt: skip
    assert identity is not None  # an INSERT that did not raise has a rowid
    return identity


def update_incident(db: Database, known: Standing, origin: str, severity: Severity, finding: Finding) -> None:
    """Take in a finding. The size is of its largest wave, in the unit of what opened the incident: voices, copies, or
    what a post's counts rose by."""
    at, same = utc_text(finding.at), finding.kind is known.kind
    row = db.execute("SELECT onset FROM incidents WHERE id = ?", [known.id]).fetchone()
    db.execute(
        """UPDATE incidents SET origin = ?, severity = ?, onset = min(onset, ?), first_bin = min(first_bin, ?),
               last_bin = max(last_bin, ?) WHERE id = ?""",
        [origin, severity.value, utc_text(finding.onset) if same else row[0], at, at, known.id],
    )
    of_a_story = known.kind is Kind.SPIKE and known.story is not None  # its size is that of its story
    if same and not of_a_story:
        earlier = finding.at < known.last_bin  # it was larger since
        another = utc_text(finding.onset) > row[0] or earlier
        update_size(db, known.id, finding.observed, finding.expected, another=another)


def update_size(db: Database, incident: int, observed: int, expected: float, *, another: bool = False) -> None:
    """``another``: of another wave than the one it began with, which counts where it is larger."""
    db.execute(
        """UPDATE incidents SET observed = :observed, expected = :expected
           WHERE id = :id AND (observed < :observed OR NOT :another)""",
        {"observed": observed, "expected": expected, "id": incident, "another": another},
    )


def resolve_incident(
    db: Database, incident: int, at: datetime, ending: Ending = Ending.CALM, by: str = ""
) -> None:  # fmt: skip
    """``by``: the person who ended it, and owns it if nobody did."""
    db.execute(
        """UPDATE incidents SET state = 'resolved', resolved_at = :at, ending = :ending, doubted = '',
               calm_at = iif(:ending = 'calm', :at, NULL), owner = iif(owner = '', :by, owner), escalate_at = NULL
           WHERE id = :incident""",
        {"at": utc_text(at), "ending": ending.value, "by": by, "incident": incident},
    )


def calmed(db: Database, incident: int, at: datetime) -> None:
    """What a person ended while it went on is calm at last."""
    db.execute("UPDATE incidents SET calm_at = ? WHERE id = ?", [utc_text(at), incident])


def reopen(
    db: Database, incident: int, state: State, finding: Finding, story: int | None, now: datetime
) -> None:  # fmt: skip
    """The same incident begins again, with an onset and a size of its own: nobody has taken it, nothing was told."""
    db.execute(
        """UPDATE incidents SET state = ?, reopened_at = ?, resolved_at = NULL, ending = '', calm_at = NULL, owner = '',
               taken_at = NULL, escalate_at = NULL, escalated_at = NULL, mailed_at = NULL, mailed_size = 0,
               mailed_platforms = '[]',
               kind = ?, story = ?, onset = ?, observed = ?, expected = ?, doubted = '' WHERE id = ?""",
        [state.value, utc_text(now), finding.kind.value, story, utc_text(finding.onset), finding.observed,
         finding.expected, incident],
    )  # fmt: skip


def set_state(db: Database, incident: int, state: State) -> None:
    db.execute("UPDATE incidents SET state = ? WHERE id = ?", [state.value, incident])


def take(db: Database, incident: int, state: State, by: str, now: datetime) -> None:
    """A person has it now, and nobody else needs to be called."""
    db.execute(
        "UPDATE incidents SET state = ?, owner = ?, taken_at = ?, escalate_at = NULL WHERE id = ?",
        [state.value, by, utc_text(now), incident],
    )


def escalate(db: Database, incident: int, now: datetime) -> None:
    db.execute(
        "UPDATE incidents SET state = 'escalated', escalated_at = ?, escalate_at = NULL WHERE id = ?",
        [utc_text(now), incident],
    )


def set_mailed(db: Database, incident: int) -> None:
    db.execute("UPDATE incidents SET mailed = 1 WHERE id = ?", [incident])


def add_event(
    db: Database, incident: int, now: datetime, event: str, reason: str = "", spike: int | None = None, *,
    by: str = "", evidence: Mapping[str, Any] | None = None,
) -> int:  # fmt: skip
    """Every change of an incident is a row with its reason; returns how many events the incident now has."""
    if spike is not None:
        db.execute("UPDATE spikes SET incident = ? WHERE id = ?", [incident, spike])
    db.execute(
        """INSERT INTO incident_events (incident, at, event, reason, "by", evidence)
           VALUES (?, ?, ?, ?, ?, coalesce(?, (SELECT evidence FROM spikes WHERE id = ?)))""",
        [incident, utc_text(now), event, reason, by,
         None if evidence is None else json.dumps(evidence, ensure_ascii=False), spike],
    )  # fmt: skip
    count: int = db.execute("SELECT count(*) FROM incident_events WHERE incident = ?", [incident]).fetchone()[0]
    return count


def last_evidence(db: Database, incident: int) -> dict[str, Any]:
    """The arithmetic of the newest event that has one; empty without any."""
    row = db.execute(
        "SELECT evidence FROM incident_events WHERE incident = ? AND evidence IS NOT NULL ORDER BY id DESC LIMIT 1",
        [incident],
    ).fetchone()
    found: dict[str, Any] = json.loads(row[0]) if row else {}
    return found


def findings_of(db: Database, incident: int) -> list[tuple[Kind, int, datetime]]:
    """Kind, subject and bin of everything found that the incident stands on."""
    rows = db.execute("SELECT kind, subject, bin FROM spikes WHERE incident = ? ORDER BY bin, id", [incident])
    return [(Kind(kind), subject, from_utc_text(at)) for kind, subject, at in rows.fetchall()]


def subject_size(db: Database, incident: int) -> int:
    """The size that the subject of the incident's whole thread names: what was observed when it opened."""
    size: int = db.execute("SELECT subject_size FROM incidents WHERE id = ?", [incident]).fetchone()[0]
    return size


def exists(db: Database, incident: int) -> bool:
    return db.execute("SELECT 1 FROM incidents WHERE id = ?", [incident]).fetchone() is not None


def line(db: Database, incident: int) -> IncidentLine:
    return lines(db, "i.id = ?", [incident])[0]


def lines_between(db: Database, brand: int, start: datetime, end: datetime) -> list[IncidentLine]:
    """Incidents of a brand whose course touches [start, end), in the order of their onset."""
    return lines(
        db,
        "i.brand = ? AND min(i.onset, i.first_bin) < ? AND (i.resolved_at IS NULL OR i.resolved_at >= ?)",
        [brand, utc_text(end), utc_text(start)],
    )


def lines(db: Database, where: str, values: Sequence[object]) -> list[IncidentLine]:
    rows = db.execute(
        f"""SELECT i.id, b.name, i.state, i.severity, i.origin, i.onset, i.opened_at, i.resolved_at, i.owner,
                   i.observed, i.expected, i.brand, i.story, i.kind
            FROM incidents i JOIN brands b ON b.id = i.brand WHERE {where} ORDER BY i.onset, i.id""",
        list(values),
    ).fetchall()
    return [
        IncidentLine(
            r[0], r[1], State(r[2]), Severity(r[3]), r[4], from_utc_text(r[5]), from_utc_text(r[6]),
            moment(r[7]), r[8], r[9], r[10], _headline(db, r[11], r[5], r[7], r[12]), Kind(r[13]),
        )
        for r in rows
    ]  # fmt: skip


def _headline(db: Database, brand: int, onset: str, resolved: str | None, story: int | None) -> str:
    """The first words of what the loudest post of its time says of the brand; of its story, where it is about one."""
    row = db.execute(
        f"""SELECT substr(p.text, coalesce(m.quote_start, 0) + 1, 300)
            FROM mentions m JOIN posts p ON p.id = m.post {ENGAGEMENT}
            LEFT JOIN group_members gm ON gm.post = p.id LEFT JOIN groups g ON g.id = gm."group"
            LEFT JOIN stories s ON s.id = :story
            WHERE m.brand = :brand AND m.counted_at >= :onset AND (:resolved IS NULL OR m.counted_at < :resolved)
            AND m.label = 'negative' AND p.purged_at IS NULL
            ORDER BY :story IS NOT NULL AND g.story IS NOT coalesce(s.merged_into, s.id), m.opens_voice DESC,
                {LOUDNESS} DESC, m.p_negative DESC, p.counted_at, p.platform, p.native_id LIMIT 1""",
        {"brand": brand, "onset": onset, "resolved": resolved, "story": story},
    ).fetchone()
    words = " ".join(row[0].split()) if row else ""
    return words if len(words) <= HEADLINE else words[: HEADLINE - 1] + "…"

"""Describing: what an alert, or an incident's page, says of an incident as it stands now."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote as percent

from sqlite_utils import Database

from monitor.incidents import SPREAD_SHARE, grown_at
from monitor.model import AlertFacts, Command, IncidentLine, Kind, NextMail, Quote, Severity, State, StoryFacts
from monitor.store import alerts, coverage, facts
from monitor.store import incidents as stored
from monitor.store.alerts import Situation
from monitor.store.story_facts import story_facts
from monitor.work.app import App
from monitor.work.quoting import quotes, quotes_of_story, quotes_with

QUOTED = 3
SILENCE = "4h"


def alert_facts(
    app: App, db: Database, brand: int, incident: int, event: str, evidence: Mapping[str, Any], now: datetime,
    reply_to: str = "",
) -> AlertFacts:  # fmt: skip
    """The arithmetic of what caused it, or of the last finding where nothing measured did; posts, spread and coverage
    since the onset."""
    line, standing = stored.line(db, incident), alerts.situation(db, incident)
    evidence = evidence or next(reversed(standing.found), {})
    start, end = line.onset, line.resolved_at or now
    spread = facts.spread(db, brand, start, end)
    quoted = _quotes(db, brand, evidence, start, end)
    names = [c.name for c in app.collectors]
    return AlertFacts(
        incident=line, event=event, at=now, zone=app.config.timezone.key, evidence=evidence, kind=standing.kind,
        worst=_worst(standing), subject_size=stored.subject_size(db, incident), quotes=tuple(quoted),
        voices=spread["voices"], authors=spread["authors"] or None, stories=spread["stories"], copies=spread["copies"],
        excess_by_platform=tuple(facts.excess_by_platform(db, brand, start, end).items()),
        coverage=tuple(coverage.of_sources(db, brand, names, max(start, now - timedelta(hours=24)), now)),
        commands=commands(app, line, quoted), by=standing.events[-1].by if standing.events else "",
        silenced_until=standing.silenced_until if line.state == State.SILENCED else None,
        next_mail=next_mail(app, line, standing, now), events=standing.events, reply_to=reply_to,
        page=page_url(app, incident), story=_story(db, brand, standing, evidence, start, end),
    )  # fmt: skip


def page_name(incident: int) -> str:
    return f"incident-{incident}.html"


def page_url(app: App, incident: int) -> str:
    """Where the incident's page is served from; empty without ``service.base_url``."""
    base = app.config.service.base_url.rstrip("/")
    return f"{base}/{percent(page_name(incident))}" if base else ""


def page_links(app: App, incidents: Iterable[IncidentLine], *, mailed: bool) -> dict[int, str]:
    """Where each incident's page lies, for a mail or for a page in a brand's folder; none are written that nobody
    serves."""
    return {i.incident_id: page_url(app, i.incident_id) if mailed else f"../{page_name(i.incident_id)}"
            for i in incidents if app.config.service.base_url}  # fmt: skip


def _quotes(
    db: Database, brand: int, evidence: Mapping[str, Any], start: datetime, end: datetime
) -> Sequence[Quote]:  # fmt: skip
    """Three posts: the one that takes off first, those of the story that spreads, else the loudest."""
    kind = evidence.get("kind", Kind.SPIKE)
    if kind == Kind.TAKEOFF and evidence.get("post"):
        return quotes_with(db, brand, int(evidence["post"]), start, end, QUOTED)
    story = evidence.get("story") if kind == Kind.BURST else None
    told = quotes_of_story(db, brand, int(story), end, QUOTED) if story else []
    return told or quotes(db, brand, start, end, QUOTED)


def _story(
    db: Database, brand: int, standing: Situation, evidence: Mapping[str, Any], start: datetime, end: datetime
) -> StoryFacts | None:  # fmt: skip
    """What it is about: the story of the finding, of the incident, or the loudest one since the onset."""
    story = evidence.get("story") or standing.story
    loudest = [] if story else facts.stories(db, brand, start, end, 1)
    known = int(story) if story else loudest[0].story_id if loudest else None
    return None if known is None else story_facts(db, brand, known, end)


def _worst(standing: Situation) -> Mapping[str, Any]:
    """Of all that was found, and told as growth, what chance explains least: by probability, or by how far above
    usual."""

    def oddness(evidence: Mapping[str, Any]) -> tuple[bool, float, float]:
        spans = [evidence[name] for name in ("hour", "six_hours", "since_onset") if evidence.get(name)]
        of_its_kind = evidence.get("kind", Kind.SPIKE) == standing.kind
        usual = evidence.get("threshold") or evidence.get("usual_max") or 1
        ratio = evidence.get("ratio") or (evidence.get("copies") or 0) / usual
        return of_its_kind, -min((span["p"] for span in spans), default=1.0), ratio

    return max((*standing.found, *standing.measured), key=oddness, default={})


def next_mail(app: App, line: IncidentLine, standing: Situation, now: datetime) -> NextMail:
    """What brings the next mail. A silence holds back all but its own end; an end, all but a new beginning."""
    table = app.config.alerts
    if line.state == State.RESOLVED:
        return NextMail(reopens_within=table.reopen_within)
    if line.state == State.SILENCED:
        return NextMail()
    waits = line.state == State.OPEN and bool(table.escalate_to)  # its clock starts with this mail, if not before
    return NextMail(
        voices=grown_at(line.observed), critical=line.severity is not Severity.CRITICAL, over=True,
        platform_share=SPREAD_SHARE if standing.kind is Kind.SPIKE else None,
        escalates_at=(standing.escalate_at or now + table.escalate_after) if waits else None,
        escalates_to=table.escalate_to if waits else (),
    )  # fmt: skip


def commands(app: App, line: IncidentLine, quoted: Sequence[Quote]) -> tuple[Command, ...]:
    """What a person may type next, in the order in which it is likely; only what makes sense in this state."""
    file, number = Path(app.config.file).name, line.incident_id
    name = "qianli" if file == "config.toml" else f"qianli --config {_word(file)}"
    said = {
        "prepare": preparation(app.config.folder),
        "ack": f"{name} ack {number}",
        "silence": f"{name} silence {number} --for {SILENCE}",
        "not_us": f"{name} not-us {quoted[0].post_id} --brand {_word(line.brand)}" if quoted else "",
        "resolve": f"{name} resolve {number}",
        "look": f"{name} incidents {number}",
    }
    idle = {"acknowledged": ("ack",), "silenced": ("silence",), "resolved": ("ack", "silence", "resolve")}
    return tuple(Command(does, said[does]) for does in said if said[does] and does not in idle.get(line.state, ()))


def preparation(folder: Path) -> str:
    """What makes ``qianli`` be found in a fresh shell: the config's folder, and the program's where it is no usual one.

    Somebody who logs in at night stands in another folder than the service, and has another PATH.
    """
    program, there = Path(sys.executable).with_name("qianli"), f"cd {_word(str(folder.resolve()))}"
    usual = shutil.which("qianli", path="/usr/local/bin:/usr/bin:/bin")
    if usual or not program.exists():
        return there
    return f"{there} && PATH={_word(str(program.parent))}:$PATH"


def _word(text: str) -> str:
    """One word of a shell command; names in Chinese need no quotes, and are read more easily without."""
    return text if re.fullmatch(r"[\w@%+=:,./][\w@%+=:,./-]*", text) else shlex.quote(text)

"""Incidents: what a finding or a calm means for what people already handle. Pure decisions; the caller stores them.

A *live* finding comes from posts that arrived in time; only it opens or raises an incident that mails. One of
*history* comes from imported or late posts: its incident shows in digests and replay, and owes no mail.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from monitor.model import Finding, Severity

LIVE, HISTORY = "live", "history"


@dataclass(frozen=True, slots=True)
class Standing:
    """An incident as it stands; ``last_bin`` is that of its last finding."""

    id: int
    origin: str
    state: str
    severity: Severity
    onset: datetime
    last_bin: datetime
    mailed: bool


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do: ``event`` is opened, raised or continues; new origin and severity; whether it mails, and why."""

    event: str
    origin: str
    severity: Severity
    mail: bool
    reason: str


def on_finding(standing: Standing | None, finding: Finding, minimum: Severity) -> Decision:
    """What one new finding means. ``minimum`` is the least severity that mails (config: alerts.minimum)."""
    origin, severity = finding.origin, finding.severity
    loud = origin == LIVE and severity.rank >= minimum.rank
    if standing is None:
        return Decision("opened", origin, severity, loud, f"first {finding.kind}")
    worst = max(standing.severity, severity, key=lambda s: s.rank)
    if origin == LIVE and standing.origin == HISTORY:
        return Decision("opened", LIVE, worst, loud, "seen live after history")
    if origin == LIVE and severity.rank > standing.severity.rank:
        return Decision("raised", LIVE, severity, loud, f"{standing.severity} to {severity}")
    if origin == HISTORY and standing.origin == HISTORY and severity.rank > standing.severity.rank:
        return Decision("raised", HISTORY, severity, False, f"{standing.severity} to {severity}")
    return Decision("continues", standing.origin, standing.severity, False, f"another {finding.kind}")


def resolves(standing: Standing, at: datetime, calm: bool) -> bool:
    """Whether a bin in which both series are calm ends the incident: only one after its last spike does.

    Both: voices heard late are none to the live series, and its silence during a blind stretch is no all-clear.
    """
    return calm and standing.state != "resolved" and at > standing.last_bin

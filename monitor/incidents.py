"""Incidents: what a spike or a calm means for what people already handle. Pure decisions; the caller stores them.

A *live* spike comes from posts that arrived in time; only it opens or raises an incident that mails. A *history*
spike comes from imported or late posts: its incident shows in digests and replay, and owes no mail.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from monitor.model import Severity

LIVE, HISTORY = "live", "history"


@dataclass(frozen=True, slots=True)
class Standing:
    """An incident as it stands. ``first_bin`` and ``last_bin`` are those of its first and last spike."""

    id: int
    origin: str
    state: str
    severity: Severity
    onset: datetime
    first_bin: datetime
    last_bin: datetime
    mailed: bool
    subject_size: int


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do: ``event`` is opened, raised or continues; new origin and severity; whether it mails, and why."""

    event: str
    origin: str
    severity: Severity
    mail: bool
    reason: str


def on_spike(standing: Standing | None, origin: str, severity: Severity, minimum: Severity) -> Decision:
    """What one new spike means. ``minimum`` is the least severity that mails (config: alerts.minimum)."""
    loud = origin == LIVE and severity.rank >= minimum.rank
    if standing is None:
        return Decision("opened", origin, severity, loud, "first spike")
    worst = max(standing.severity, severity, key=lambda s: s.rank)
    if origin == LIVE and standing.origin == HISTORY:
        return Decision("opened", LIVE, worst, loud, "seen live after history")
    if origin == LIVE and severity.rank > standing.severity.rank:
        return Decision("raised", LIVE, severity, loud, f"{standing.severity} to {severity}")
    if origin == HISTORY and standing.origin == HISTORY and severity.rank > standing.severity.rank:
        return Decision("raised", HISTORY, severity, False, f"{standing.severity} to {severity}")
    return Decision("continues", standing.origin, standing.severity, False, "another spike")


def resolves(standing: Standing, origin: str, at: datetime, calm: bool) -> bool:
    """Whether a calm bin ends the incident: only the series it lives on may end it, and only after its last spike."""
    return calm and standing.state != "resolved" and standing.origin == origin and at > standing.last_bin

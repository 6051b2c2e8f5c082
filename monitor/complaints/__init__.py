"""Complaints: how one stands, how much it weighs, and which sayings in Chinese tell that it was made good."""

from __future__ import annotations

from monitor.complaints.sayings import addressed, escalates, evidence, says_recovered
from monitor.complaints.standing import Standing, Turn, TurnKind, corrected, judge, platform_turn
from monitor.complaints.weight import GRAVE, SURE, pressure, severity

__all__ = [
    "GRAVE",
    "SURE",
    "Standing",
    "Turn",
    "TurnKind",
    "addressed",
    "corrected",
    "escalates",
    "evidence",
    "judge",
    "platform_turn",
    "pressure",
    "says_recovered",
    "severity",
]

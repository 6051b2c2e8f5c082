"""What a spike or a calm means for an incident."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monitor.incidents import HISTORY, LIVE, Decision, Standing, on_finding, resolves
from monitor.model import Finding, Kind, Severity, State

NOTICE, WARNING, CRITICAL = Severity
AT = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)


def on_spike(standing: Standing | None, origin: str, severity: Severity, minimum: Severity) -> Decision:
    return on_finding(standing, Finding(Kind.SPIKE, 0, AT, origin, severity, AT, 9, 1.5, {}), minimum)


OPEN = Standing(1, LIVE, State.OPEN, WARNING, AT, AT, True)


def test_first_live_spike_opens_and_mails_from_the_minimum_on() -> None:
    assert on_spike(None, LIVE, WARNING, WARNING).mail
    assert on_spike(None, LIVE, WARNING, CRITICAL).mail is False
    assert on_spike(None, LIVE, WARNING, CRITICAL).event == "opened"


def test_history_never_mails() -> None:
    for standing in (None, replace(OPEN, origin=HISTORY)):
        assert on_spike(standing, HISTORY, CRITICAL, WARNING).mail is False


def test_a_worse_spike_raises_and_mails_once_more() -> None:
    decision = on_spike(OPEN, LIVE, CRITICAL, WARNING)
    assert (decision.event, decision.severity, decision.mail) == ("raised", CRITICAL, True)
    assert decision.reason == "warning to critical"


@pytest.mark.parametrize("origin", [LIVE, HISTORY])
def test_another_spike_of_the_same_severity_is_silent(origin: str) -> None:
    decision = on_spike(OPEN, origin, WARNING, WARNING)
    assert (decision.event, decision.origin, decision.mail) == ("continues", LIVE, False)


def test_history_does_not_raise_a_live_incident() -> None:
    decision = on_spike(OPEN, HISTORY, CRITICAL, WARNING)
    assert (decision.event, decision.severity, decision.mail) == ("continues", WARNING, False)


def test_history_seen_live_becomes_live_and_mails() -> None:
    decision = on_spike(replace(OPEN, origin=HISTORY), LIVE, WARNING, WARNING)
    assert (decision.event, decision.origin, decision.mail) == ("opened", LIVE, True)


def test_only_calm_after_the_last_spike_resolves() -> None:
    later = AT + timedelta(hours=7)
    assert resolves(OPEN, later, calm=True)
    assert not resolves(OPEN, later, calm=False)
    assert not resolves(OPEN, AT, calm=True)
    assert not resolves(replace(OPEN, state=State.RESOLVED), later, calm=True)

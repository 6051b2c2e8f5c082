"""How a complaint stands by what happened in it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.complaints import Turn, TurnKind, corrected, judge, platform_turn, pressure, severity
from monitor.model import Recovery

START = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
C, A, L, R, B, W = TurnKind  # complaint, answer, leaving, recovered, closed badly, closed well
NEW, ANSWERED, RECOVERED, LOST = Recovery
DAY = timedelta(days=1)


def turns(*kinds: TurnKind) -> list[Turn]:
    """One an hour, each of a post of its own."""
    return [Turn(START + timedelta(hours=i), kind, i + 1) for i, kind in enumerate(kinds)]


@pytest.mark.parametrize(
    ("kinds", "state"),
    [
        ((C,), NEW),
        ((C, A), ANSWERED),
        ((C, A, A, C), ANSWERED),  # an apology is not a recovery, and a second complaint takes no answer back
        ((C, A, R), RECOVERED),
        ((C, R), RECOVERED),
        ((C, L), NEW),  # he leaves before anybody answered: it still waits
        ((C, L, A), ANSWERED),
        ((C, A, L), LOST),
        ((C, A, C, L), LOST),
        ((C, A, L, A), LOST),
        ((C, A, L, R), RECOVERED),
        ((C, R, L), RECOVERED),
        ((C, A, R, C), NEW),
        ((C, A, R, C, A), ANSWERED),
        ((C, W), RECOVERED),
        ((C, B), LOST),
        ((C, A, R, B), LOST),
        ((A, C), NEW),  # what was said before is no answer
        ((R, L, C), NEW),
    ],
)
def test_states(kinds: tuple[TurnKind, ...], state: Recovery) -> None:
    assert judge(turns(*kinds)).state is state


def test_times() -> None:
    stands = judge(turns(C, A, C, R))
    assert (stands.to_answer, stands.to_recovery) == (3600, 3 * 3600)
    assert (stands.answer, stands.recovery, stands.recovered_by) == (2, 4, "author")
    again = judge(turns(C, A, R, C, A))
    assert (again.since, again.to_answer, again.recovered_at) == (START + timedelta(hours=3), 3600, None)


def test_what_nobody_measured_has_no_time() -> None:
    at_once = judge([Turn(START, C, 1), Turn(START, R, 1)])
    assert (at_once.state, at_once.to_recovery) == (RECOVERED, None)
    found_so = judge([Turn(START, C, 1), Turn(START, A, measured=False)])
    assert (found_so.state, found_so.to_answer, found_so.answered_at) == (ANSWERED, None, START)


@given(st.lists(st.sampled_from(list(TurnKind)), max_size=8), st.randoms())
def test_whatever_happens(kinds: list[TurnKind], random: object) -> None:
    said = turns(C, *kinds)
    stands = judge(said)
    shuffled = list(said)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert judge(shuffled) == stands
    assert (stands.state is RECOVERED) == (stands.recovered_at is not None)
    assert (stands.state is LOST) == (stands.lost_at is not None)
    assert stands.state is not ANSWERED or stands.answered_at is not None
    assert stands.state is not NEW or stands.answered_at is None
    for state in Recovery:
        person = corrected(stands, state, START + DAY)
        assert person.state is state
        assert corrected(person, state, START + 2 * DAY) == person
        assert (person.state is RECOVERED) == (person.recovered_at is not None)
        assert (person.state is LOST) == (person.lost_at is not None)
        assert person.state is not NEW or person.answered_at is None


def test_a_person_keeps_what_the_rules_know() -> None:
    stands = corrected(judge(turns(C, A)), RECOVERED, START + DAY)
    assert (stands.to_answer, stands.to_recovery, stands.recovered_by) == (3600, 86_400, "person")
    assert corrected(judge(turns(C, A)), NEW, START + DAY).answered_at is None
    assert corrected(judge(turns(C)), ANSWERED, START + DAY).answered_at == START + DAY
    assert corrected(judge(turns(C, A, R)), ANSWERED, START + DAY).answered_at == START + timedelta(hours=1)


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("complaint", None), ("complaint:accepted", None), ("complaint:closed", None), ("complaint:12", None),
        ("complaint:replied", A), ("complaint:completed", A), ("complaint:completed:satisfied", W),
        ("complaint:closed:unsatisfied", B),
    ],
)  # fmt: skip
def test_what_a_platform_says(kind: str, found: TurnKind | None) -> None:
    turn = platform_turn(kind, START, first=False)
    assert (turn and turn.kind) == found


def test_severity() -> None:
    assert severity((), 0, leaving=False, escalates=False) == 1
    assert severity(("refund",), 9_999, leaving=True, escalates=False) == 2
    assert severity(("hygiene",), 0, leaving=False, escalates=False) == 2
    assert severity(("service", "safety"), 0, leaving=False, escalates=False) == 3
    assert severity(("refund",), 10_000, leaving=False, escalates=True) == 3
    assert severity(("safety",), 10**9, leaving=True, escalates=True) == 3


def test_what_presses() -> None:
    hour, none = timedelta(hours=1), timedelta(0)
    least = pressure(1, 0, 0, none, none)
    assert least == 1
    assert pressure(1, 9, 0, none, none) == 2
    assert pressure(1, 0, 9 / 24, none, none) == 2
    assert pressure(1, 0, 0, DAY, none) == 2
    assert pressure(1, 0, 0, 30 * DAY, none) == 2
    assert pressure(1, 0, 0, hour, none) < pressure(1, 0, 0, 2 * hour, none)
    assert pressure(3, 0, 0, 14 * DAY, 14 * DAY) == 2  # halved after two weeks of silence

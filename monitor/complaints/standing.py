"""How a complaint stands, from what happened in it, in the order of event time. No clock: silence says nothing.

An answer is not a recovery: only the one who was hurt, the platform on which he was satisfied, or a person who knows
says that. A complaint of which nothing more is heard stays *answered*. *Lost* is only what is known: he said that he
leaves after he was answered, or the platform closed it as unsatisfied.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum

from monitor.model import Recovery

SATISFIED, UNSATISFIED = "satisfied", "unsatisfied"


class TurnKind(IntEnum):
    """What happened; of the same second in this order. CLOSED_WELL and CLOSED_BADLY: as the complainant judged it."""

    COMPLAINT = 0
    ANSWER = 1
    LEAVING = 2
    RECOVERED = 3
    CLOSED_BADLY = 4
    CLOSED_WELL = 5


@dataclass(frozen=True, slots=True)
class Turn:
    """``post``: the post that says so. ``measured``: False where it is only known that it had happened by then."""

    at: datetime
    kind: TurnKind
    post: int = 0
    measured: bool = True


@dataclass(frozen=True, slots=True)
class Standing:
    """A complaint's state. ``since``: from when on it waits: its first post, or the first after it was made good.
    ``to_answer`` and ``to_recovery``: seconds since then; None where they were not measured. ``answer``,
    ``recovery`` and ``loss``: the posts that say so, 0 for a platform's or a person's word. ``recovered_by``:
    ``author``, ``platform`` or ``person``."""

    state: Recovery
    since: datetime
    answered_at: datetime | None = None
    answer: int = 0
    to_answer: int | None = None
    recovered_at: datetime | None = None
    recovery: int = 0
    to_recovery: int | None = None
    recovered_by: str = ""
    lost_at: datetime | None = None
    loss: int = 0


def judge(turns: Iterable[Turn]) -> Standing:
    """``turns`` in any order, with one COMPLAINT at least; what is earlier than the first of these does not count."""
    ordered = sorted(turns, key=lambda t: (t.at, t.kind, t.post))
    first = next(t for t in ordered if t.kind is TurnKind.COMPLAINT)
    stands = Standing(Recovery.NEW, first.at)
    first_post = first.post
    for turn in ordered:
        if turn.at < first.at:
            continue
        if turn.kind is TurnKind.COMPLAINT and stands.state is Recovery.RECOVERED:
            stands, first_post = Standing(Recovery.NEW, turn.at), turn.post
        elif turn.kind is TurnKind.ANSWER:
            stands = _answered(stands, turn)
        elif turn.kind in (TurnKind.RECOVERED, TurnKind.CLOSED_WELL):
            stands = _recovered(stands, turn, told_at_once=turn.post == first_post != 0)
        elif turn.kind is TurnKind.CLOSED_BADLY or (
            turn.kind is TurnKind.LEAVING and stands.state is Recovery.ANSWERED
        ):
            stands = replace(_forget_recovery(stands), state=Recovery.LOST, lost_at=turn.at, loss=turn.post)
    return stands


def _answered(stands: Standing, turn: Turn) -> Standing:
    if stands.answered_at is not None:
        return stands
    state = Recovery.ANSWERED if stands.state is Recovery.NEW else stands.state
    return replace(
        stands, state=state, answered_at=turn.at, answer=turn.post,
        to_answer=_seconds(stands.since, turn.at) if turn.measured else None,
    )  # fmt: skip


def _recovered(stands: Standing, turn: Turn, *, told_at_once: bool) -> Standing:
    """``told_at_once``: the post that complains tells of its good end; how long it took nobody measured."""
    if stands.state is Recovery.RECOVERED:
        return stands
    measured = turn.measured and not told_at_once
    return replace(
        stands, state=Recovery.RECOVERED, recovered_at=turn.at, recovery=turn.post, lost_at=None, loss=0,
        to_recovery=_seconds(stands.since, turn.at) if measured else None,
        recovered_by="platform" if turn.kind is TurnKind.CLOSED_WELL else "author",
    )  # fmt: skip


def _forget_recovery(stands: Standing) -> Standing:
    return replace(stands, recovered_at=None, recovery=0, to_recovery=None, recovered_by="")


def corrected(stands: Standing, state: Recovery, at: datetime) -> Standing:
    """What a person said at ``at`` in place of what the rules find; times that they agree on stay."""
    if state is stands.state:
        return stands
    kept = replace(_forget_recovery(stands), state=state, lost_at=None, loss=0)
    if state is Recovery.NEW:
        return replace(kept, answered_at=None, answer=0, to_answer=None)
    if state is Recovery.ANSWERED and kept.answered_at is None:
        return replace(kept, answered_at=at, to_answer=_seconds(kept.since, at))
    if state is Recovery.RECOVERED:
        return replace(kept, recovered_at=at, to_recovery=_seconds(kept.since, at), recovered_by="person")
    return replace(kept, lost_at=at) if state is Recovery.LOST else kept


def platform_turn(kind: str, at: datetime, *, first: bool) -> Turn | None:
    """What a platform for complaints says by a post's kind (``complaint:replied``): 黑猫投诉's 已回复 and 已完成 are
    answers, for the second also follows from silence; 已关闭 says nothing. How the complainant judged it, where he did,
    stands behind: ``complaint:completed:satisfied``."""
    _, _, state = kind.partition(":")
    found = None
    if state.endswith(f":{SATISFIED}"):
        found = TurnKind.CLOSED_WELL
    elif state.endswith(f":{UNSATISFIED}"):
        found = TurnKind.CLOSED_BADLY
    elif state.partition(":")[0] in ("replied", "completed", "answered"):
        found = TurnKind.ANSWER
    return None if found is None else Turn(at, found, measured=not first)


def _seconds(start: datetime, end: datetime) -> int:
    return max(0, int((end - start).total_seconds()))

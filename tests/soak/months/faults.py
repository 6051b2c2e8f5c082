"""What goes wrong in the soak of months, drawn from a seed: the mail server's bad hours, kills and restarts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

DEAD, BUSY, FULL, SENDER, REFUSED, CUT, LOST = "dead", "busy", "full", "sender", "refused", "cut", "lost"
MAIL_FAULTS = (DEAD, BUSY, FULL, SENDER, REFUSED, CUT, LOST)
"""No talk at all; 451 to a recipient; 452 to the message; 550 to our own address, which a config mends; 550 to a
recipient, which is final; the line cut after the message was kept, before the server said so; cut before it was."""

CLOCK, KEPT, RESTART = "clock", "kept", "restart"
"""Kill -9 some moments after a round began; right when the server has kept a mail and not said so; a clean restart."""


@dataclass(frozen=True, slots=True)
class MailFault:
    kind: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Blow:
    """What befalls the process in a round; ``delay`` in seconds."""

    kind: str
    round: int
    delay: float = 0.0


def mail_faults(random: Random, start: datetime, days: int) -> list[MailFault]:
    """Bad hours of each kind in turn, about one in two days, of 20 minutes to ten hours; the dead ones up to 30."""
    found, at, number = [], start + timedelta(hours=random.uniform(8, 40)), random.randrange(len(MAIL_FAULTS))
    while at < start + timedelta(days=days):
        kind = MAIL_FAULTS[number % len(MAIL_FAULTS)]
        hours = random.uniform(0.3, 30 if kind == DEAD else 10)
        found.append(MailFault(kind, at, at + timedelta(hours=hours)))
        at += timedelta(hours=hours + random.uniform(4, 70))
        number += 1
    return found


def blows(random: Random, rounds: Sequence[datetime], kills: int, restarts: int) -> list[Blow]:
    """Spread over all rounds but the last few, never two in one."""
    numbers = random.sample(range(1, len(rounds) - 8), kills + restarts)
    kinds = [KEPT if n % 2 else CLOCK for n in range(kills)] + [RESTART] * restarts
    random.shuffle(kinds)
    return [
        Blow(k, n, random.uniform(0, 0.06) if k == CLOCK else 0.0) for k, n in zip(kinds, sorted(numbers), strict=True)
    ]

"""When a source's time has come, and in which order those are asked whose has. Pure: no clock, no database."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from monitor.model import utc_text

SPREAD = 0.1
"""The most by which a source is asked later than its ``every``, as a share of it."""
FARTHEST = timedelta(minutes=5)
"""The most by which one is asked later, however rarely it is."""

_Item = TypeVar("_Item")


def spread(source: str, due_at: datetime, every: timedelta) -> timedelta:
    """How much later than ``due_at`` a source is asked by the service, each time another.

    Sources that began together would else ask together for ever, all on the full minute like everybody's. It is never
    earlier: a platform's ``Retry-After`` and the user's ``every`` (of which quotas are made) are the least. Drawn from
    name and time, so that a restart draws the same.
    """
    drawn = hashlib.sha256(f"{source}\n{utc_text(due_at)}".encode()).digest()
    return min(every * SPREAD, FARTHEST) * (int.from_bytes(drawn[:4]) / 2**32)


def in_turn(items: Sequence[_Item], host: Callable[[_Item], str], due_at: Callable[[_Item], datetime]) -> list[_Item]:
    """The items so that hosts take turns, the one waiting longest first, and at each host again the longest first.

    Else eight tables of one slow host would hold all workers, while those of other hosts could be asked meanwhile.
    """
    lines: defaultdict[str, list[_Item]] = defaultdict(list)
    for item in sorted(items, key=due_at):
        lines[host(item)].append(item)
    return list(_round_robin(list(lines.values())))


def _round_robin(lines: Sequence[Sequence[_Item]]) -> Iterator[_Item]:
    for place in range(max(map(len, lines), default=0)):
        yield from (line[place] for line in lines if place < len(line))

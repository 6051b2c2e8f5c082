"""How much a complaint weighs, and how much it presses to be answered. (j): judgement, to be weighed by people."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from math import log10

SURE = 0.9
"""P(negative) from which a post without any signal is a complaint (theme unknown). On labelled texts of three kinds
the shipped model gives as much to a fifth to a quarter of the negative ones, and to less than one in 150 of the
positive."""

GRAVE = {"safety": 2, "health": 2, "hygiene": 1, "privacy": 1}
"""Themes of what may hurt others too, in points (j): bodies twice (``health`` is a theme that users may add),
hygiene and what is known of people once."""

FAR = 10_000
"""Followers and engagement from which one complaint is heard by a city: what an early warning calls an author of great
reach (``monitor.takeoff``)."""

DAY, WEEK = timedelta(days=1), timedelta(days=7)


def severity(themes: Collection[str], reach: int, *, leaving: bool, escalates: bool) -> int:
    """1 to 3: one, and a point each for a grave theme (safety two), for leaving or telling others to, for threats of
    authorities or press, and for reach; three at most. ``leaving``: by other words than those that threaten, for one
    saying weighs once."""
    points = max((GRAVE.get(theme, 0) for theme in themes), default=0) + leaving + escalates + (reach >= FAR)
    return min(3, 1 + points)


def pressure(severity: int, reach: int, velocity: float, waiting: timedelta, quiet: timedelta) -> float:
    """How much an unanswered complaint presses, to rank it: severity + log10(1 + reach) + log10(1 + 24 velocity) + age.

    Reach has a heavy tail (the cascades of ``monitor.takeoff``), so each tenfold counts as one. ``velocity``: posts
    and engagement an hour, over a day. Age rises from 0 to 1 over the first day, for customers who complain in
    public expect an answer within hours (Istanbulluoglu 2017, doi:10.1016/j.chb.2017.04.016: one to three on
    Twitter, three to six on Facebook), and the first day decides. ``quiet``: since its last post; after a week of
    it all of the sum halves each week (j): what nobody mentions any more is better answered with the next one.
    """
    age = min(1.0, waiting / DAY)
    fade: float = 0.5 ** max(0.0, (quiet - WEEK) / WEEK)
    return (severity + log10(1 + max(0, reach)) + log10(1 + 24 * max(0.0, velocity)) + age) * fade

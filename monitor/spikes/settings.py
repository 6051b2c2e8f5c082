"""What goes into the detector: one bin of counts, and the numbers that steer it.

Sources of the numbers. (p) the published design the detector started from: seasonal NB CUSUM and Farrington et al.
1996, *A statistical algorithm for the early detection of outbreaks of infectious disease*. (s) chosen on simulated
brands of 2, 20 and 200 posts an hour (seeds 101-110, incidents every 6.5-9.5 and every 14-28 days) so that the second
costs half a false alarm per brand-month. (n) chosen on the mention counts of the Numenta Anomaly Benchmark, as the
middle of a plateau. (j) judgement about what on-call needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from monitor.model import HEARD_ENOUGH

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Bin:
    """One bin of one brand. ``start`` is aware UTC; bins may have any width and need not be aligned to the clock.

    ``count``: negative voices that are tested. ``other``: posts that are not negative. ``learned``: the voices the
    baseline learns from, late and imported ones too (None: ``count``). ``heard``: the share of the brand's usual
    volume that was heard, 0 to 1. Below ``Settings.heard_enough`` the bin is unknown and its counts are the least there
    was: not learned from, never calm, and told only where even they alarm.
    """

    start: datetime
    count: int
    other: int
    learned: int | None = None
    heard: float = 1.0


@dataclass(frozen=True, slots=True)
class Settings:
    """``width``: of every bin. ``zone``: its local hour and weekend make the season. ``raw``: ``count`` is a volume
    of all posts, neither grouped nor told negative, and ``other`` is not used."""

    width: timedelta
    zone: ZoneInfo
    raw: bool = False

    # The baseline: what is usual.
    level_half_life: timedelta = 7 * DAY
    """Heard time after which a bin counts half for the usual volume (p)."""
    shape_half_life: timedelta = 28 * DAY
    """The same for the daily curve and the weekend (p)."""
    share_half_life: timedelta = 4 * DAY
    """The same for the negative share, which drifts faster than the volume (s)."""
    spread_half_life: timedelta = 10 * DAY
    """The same for how far counts scatter round their expectation (s)."""
    heard_enough: float = HEARD_ENOUGH
    """Share of the usual volume below which a bin is unknown (j)."""

    # Today's volume: a busy day explains more negative voices.
    volume_shrink: float = 4.0
    """Posts: how many expected posts today's volume needs to be believed half (s; the Gamma shape of the noise)."""
    volume_floor: float = 0.92
    """A quiet hour lowers the expectation at most to this share of it (s)."""
    echo: float = 0.75
    """Non-negative posts that one negative voice in excess brings along; they are no busy day (s)."""
    busy_allowance: float = 1.0
    """Standard deviations by which the share of the posts there are may speak less loud than the usual volume does: a
    busy day, on which only the share tells, is that rare (s) ..."""
    busy_slope: float = 0.8
    """... less this for each standard deviation of the volume above the usual: then it is no longer rare (s)."""

    # Holidays (monitor.holidays); raw volumes know none.
    dip: float = 0.7
    """On a quiet holiday with less than this share of the usual posts in the last day the expectation falls with
    them ... (j)"""
    rush: float = 1.5
    """... and on any holiday with less than that, or more than this, the day does not teach the usual volume (j)."""

    # K: the NB CUSUM.
    raised: float = 3.0
    """Times the expectation: the raised rate that K tests for (p: rho)."""
    k_threshold: float = 3.5
    """Nats: log-likelihood ratio at which K speaks (p: h)."""
    k_cap: float = 8.0
    """Nats: K rises no further, so that it falls again soon after the end (s)."""
    k_cap_raw: float = 30.0
    """The same for raw volumes, which wander: there K must not fall while F still rises (p, n)."""
    k_block: timedelta = timedelta(minutes=15)
    """What K sums before each of its steps, where bins are narrower (p: its bins were of 15 minutes)."""
    freeze_above: float = 6.0
    """Nats: while K is above, the bins are an incident and not learned from ... (s)"""
    freeze_at_most: timedelta = 36 * HOUR
    """... for at most this long: then it is the new normal (s)."""

    # Z: sliding windows.
    windows: tuple[tuple[timedelta, float], ...] = (
        (1 * HOUR, 0.5),
        (2 * HOUR, 0.3),
        (4 * HOUR, 0.1),
        (6 * HOUR, 0.0),
        (12 * HOUR, 0.0),
    )
    """Lengths, and what is taken off the z of each: short windows get more chances to be wrong (s)."""
    z_threshold: float = 3.4
    """Standard deviations at which Z speaks (s)."""

    # F: the same hours of the days before.
    f_window: timedelta = 3 * HOUR
    """What F sums (n; 2 to 4 hours score alike, 60 minutes 3 points less)."""
    f_days: int = 14
    """Days of references (p)."""
    f_around: timedelta = 1 * HOUR
    """References reach this far to both sides of the same time, in steps of half of it (p)."""
    f_half_life: timedelta = 4 * DAY
    """A reference this old weighs half (n; 3 to 5 days score alike)."""
    f_threshold: float = 4.0
    """Standard deviations at which F speaks for raw volumes (n; 3.75 to 4.5 score alike)."""

    # Alerts.
    warm_up: timedelta = 3 * DAY
    """Heard time without any alert (p)."""
    cooldown: timedelta = 24 * HOUR
    """Between two alerts of a brand, unless the second is more severe (p)."""
    calm_share: float = 0.6
    """K below this share of its threshold ... (p)"""
    usual_p: float = 0.05
    """... or the last six hours at least this likely ... (j)"""
    calm_after: timedelta = 6 * HOUR
    """... for this long is calm (p)."""
    quiet_least: timedelta = 4 * HOUR
    """So is at once one of the windows from this length on, if no more than usual was said in it, by ``usual_p``, and
    the last hour, and ... (s)"""
    quiet_p: float = 0.01
    """... the raised rate would leave so few with less than this chance. A busy brand's silence says so after four
    hours, that of one with a voice in three hours only after twelve (s)."""
    over_after: timedelta = 12 * HOUR
    """K that low for this long: the last alert's matter is over and the next alert is a new one (s)."""
    still_going: timedelta = 72 * HOUR
    """An alert whose matter is not over is not repeated before this (j). Raw volumes are never calm for long: for them
    the cooldown is all."""
    fewest: int = 5
    """Voices within twelve hours below which nothing is mailed (p)."""
    critical_ratio: float = 5.0
    """Critical: at least this many times the expectation ... (p)"""
    critical_p: float = 1e-6
    """... less likely than this ... (p)"""
    critical_posts: int = 20
    """... and at least so many voices, within 60 minutes or 6 hours (p)."""

    def __post_init__(self) -> None:
        if self.width < timedelta(seconds=1):
            raise ValueError("a bin is at least one second wide")

    def slots(self, length: timedelta) -> int:
        """How many bins are nearest to ``length``; at least one."""
        return max(1, round(length / self.width))

"""One reading of the bins: what the last half day held, what was expected of it, and the evidence piled up in it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from math import inf
from typing import Any, NamedTuple

from monitor.holidays import Kind, kinds
from monitor.spikes.baseline import Baseline
from monitor.spikes.cusum import TINY, log_likelihood_ratio, risen
from monitor.spikes.measurement import Span, upper_tail
from monitor.spikes.onset import Stretch, surprise
from monitor.spikes.recent import Recent, Totals
from monitor.spikes.settings import DAY, HOUR, Bin, Settings
from monitor.spikes.windows import (
    BUSY_ECHO,
    FLAT_SHRINK,
    Spread,
    busyness,
    deviation,
    expected_given_volume,
)

HALF_HEARD = 0.5
"""A window counts only if at least this share of it was heard."""

DAY_PRIOR = 10.0
"""Posts that pull the volume of a holiday towards the usual one."""
WORTH_A_LOOK = 1.0
"""Standard deviations below which it does not matter whether the day may be a busy one."""

Spreads = Mapping[int, Spread]
"""Window in slots -> how much its counts scatter."""


class Seen(NamedTuple):
    """A window that ends with this bin. ``expected``: of its count, given today's volume."""

    totals: Totals
    expected: float


class Track:
    """Takes bins in order of time. ``lengths``: of the windows it sums, in slots. ``least``: the counts are only the
    least there was, so few posts are no quiet day."""

    def __init__(self, settings: Settings, lengths: tuple[int, ...], *, least: bool = False) -> None:
        self.settings = settings
        self.lengths = lengths
        self.least = least
        self.block, self.hour = settings.slots(settings.k_block), settings.slots(HOUR)
        self.half_day = settings.slots(12 * HOUR)
        self.day = settings.slots(DAY)
        self.recent = Recent(max(*lengths, self.day))
        self.chains = [0.0] * self.block
        self.known: datetime | None = None
        self.seen: dict[int, Seen] = {}
        self.stretch: Stretch | None = None
        self.floor = settings.volume_floor
        self.odd_holiday = False

    def forget(self) -> None:
        """Begin anew; the last bin taken stays the last."""
        self.recent = Recent(len(self.recent.ring) - 1)
        self.chains = [0.0] * self.block
        self.stretch = None

    def branch(self) -> Track:
        """Another reading of the bins to come, after the same ones: as if what was heard of them were all."""
        made = Track(self.settings, self.lengths, least=True)
        made.restore(self.state())
        return made

    def skipped(self, bin: Bin) -> int:
        """Slots of unknown time since the last bin."""
        known = self.known
        return 0 if known is None else max(1, round((bin.start - known) / self.settings.width)) - 1

    def take(self, bin: Bin, base: Baseline) -> None:
        """Put the bin and what was expected of it into the memory; a gap is unknown time."""
        skipped = self.skipped(bin)
        if skipped >= self.half_day:
            self.chains = [0.0] * self.block
            self.stretch = None
        local = bin.start.astimezone(self.settings.zone)
        own, usual_other = base.usual(local.hour, local.weekday() >= 5, raw=self.settings.raw)
        part = self.settings.width / HOUR * bin.heard
        self.recent.add(bin, own * part, usual_other * part, skipped)
        self.known = bin.start
        self._look_at_the_calendar(local.date())
        for slots in self.lengths:
            seen = self.recent.last(slots)
            self.seen[slots] = Seen(seen, self.expected(seen, seen.voices))

    def _look_at_the_calendar(self, day: date) -> None:
        """A dip or a rush on a holiday: the volume of the last day tells whether this brand has one."""
        self.floor = 1.0 if self.least else self.settings.volume_floor
        self.odd_holiday = False
        today = kinds(day)
        if not today or self.settings.raw or self.least:
            return
        lately = self.recent.last(self.day)
        if lately.heard < HALF_HEARD * self.day or lately.usual_other <= 0:
            return
        volume = (DAY_PRIOR + lately.other) / (DAY_PRIOR + lately.usual_other)
        self.odd_holiday = not self.settings.dip < volume < self.settings.rush
        if Kind.QUIET in today and volume < self.settings.dip:
            self.floor = volume

    def expected(self, seen: Totals, count: int) -> float:
        settings = self.settings
        if settings.raw or seen.usual_other <= 0:
            return seen.own
        return expected_given_volume(
            count,
            seen.own,
            seen.other,
            seen.usual_other,
            shrink=settings.volume_shrink,
            floor=self.floor,
            echo=settings.echo,
        )

    def cusum(self, spreads: Spreads, uncertainty: float) -> float:
        """One step of K (nats) over the last block. Narrow bins run interleaved chains, one per place in the block."""
        settings, block, hour = self.settings, self.seen[self.block].totals, self.seen[self.hour]
        cap = settings.k_cap_raw if settings.raw else settings.k_cap
        expected = block.own * hour.expected / max(hour.totals.own, TINY)
        spread = spreads[self.block].value + uncertainty
        gain = log_likelihood_ratio(block.voices, expected, spread, settings.raised)
        place = self.recent.slot % self.block
        self.chains[place] = risen(self.chains[place], gain, cap)
        return self.chains[place]

    def strongest(
        self, penalties: Mapping[int, float], spreads: Spreads, uncertainty: float
    ) -> tuple[float | None, int]:
        """The greatest z, handicaps taken off, and its window in slots."""
        best, best_slots = None, 0
        for slots, penalty in penalties.items():
            seen, expected = self.seen[slots]
            if seen.heard < HALF_HEARD * slots or seen.own <= TINY:
                continue
            spread = spreads[slots].value + uncertainty
            z = deviation(seen.voices, expected, spread) - penalty
            if z >= WORTH_A_LOOK:
                z = min(z, self._busy_day(seen, spread) - penalty)
            if best is None or z > best:
                best, best_slots = z, slots
        return best, best_slots

    def _busy_day(self, seen: Totals, spread: float) -> float:
        """Standard deviations if it were a busy day, and what is allowed for how rare one is at such a volume.

        A day is usual or busy; both must be unlikely. How many posts a busy day has is not known before, so only the
        share of negative ones tells; but the less was said the less likely such a day is.
        """
        settings, (voices, _, other, _, own, usual_other) = self.settings, seen
        if usual_other <= 0:
            return inf
        expected = expected_given_volume(
            voices, own, other, usual_other, shrink=FLAT_SHRINK, floor=self.floor, echo=BUSY_ECHO * settings.echo
        )
        rarity = settings.busy_slope * busyness(voices, own, other, usual_other, settings.echo)
        allowance = max(0.0, settings.busy_allowance - rarity)
        return deviation(voices, expected, spread + 1 / (FLAT_SHRINK + other)) + allowance

    def span(self, slots: int, spreads: Spreads, uncertainty: float) -> Span:
        seen, expected = self.seen[slots]
        return Span(seen.voices, seen.own, expected, spreads[slots].value + uncertainty)

    # -- since when ----------------------------------------------------------------------------------------------

    def look_back(self, now: datetime, ended: datetime | None, *, fires: bool, told: bool) -> None:
        """Find the stretch that began after ``ended``, the end of the matter before, and that chance explains least;
        within a day, unless it is the one that was told. ``told``: an alert is raised now."""
        known = self.stretch
        if known is not None and ended is not None and known.start < ended.timestamp():
            known = None
        if fires:
            kept = known if known is not None and known.told else None
            known = self._strangest(now, ended, kept)
        self.stretch = known._replace(told=True) if known is not None and told else known

    def _strangest(self, now: datetime, ended: datetime | None, kept: Stretch | None) -> Stretch | None:
        found, most = kept, 0.0 if kept is None else self._surprise(self.recent.now.since(kept.before))
        reach = len(self.recent.ring) - 1
        if ended is not None:
            reach = min(reach, round((now - ended) / self.settings.width) + 1)
        for slots in range(self.block, reach + 1, self.block):
            said = self._surprise(self.recent.last(slots))
            if said > most:
                start = (now + self.settings.width * (1 - slots)).timestamp()
                found, most = Stretch(start, self.recent.back(slots)), said
        return found

    def _surprise(self, seen: Totals) -> float:
        return surprise(seen.voices, self.expected(seen, seen.voices))

    def since_onset(self, spread: float) -> Span | None:
        """All of the stretch up to now; None without one."""
        if self.stretch is None:
            return None
        seen = self.recent.now.since(self.stretch.before)
        return Span(seen.voices, seen.own, self.expected(seen, seen.voices), spread)

    def quiet(self, slots: int, spread: float) -> bool:
        """Whether so many slots hold no more than usual, and so few that the raised rate would be unlikely."""
        seen, expected = self.seen[slots]
        if seen.heard < HALF_HEARD * slots or upper_tail(seen.voices, expected, spread) < self.settings.usual_p:
            return False
        raised = self.settings.raised * expected
        return 1 - upper_tail(seen.voices + 1, raised, spread) < self.settings.quiet_p

    # -- state ---------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """JSON-able; floats are exact."""
        return {
            "slot": self.recent.slot,
            "recent": list(self.recent.ring),
            "chains": self.chains,
            "known": None if self.known is None else self.known.isoformat(),
            "stretch": self.stretch,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self.recent.slot = state["slot"]
        self.recent.ring = [Totals(*totals) for totals in state["recent"]]
        self.chains = list(state["chains"])
        self.known = None if state["known"] is None else datetime.fromisoformat(state["known"])
        stretch = state["stretch"]
        self.stretch = None if stretch is None else Stretch(stretch[0], Totals(*stretch[1]), stretch[2])

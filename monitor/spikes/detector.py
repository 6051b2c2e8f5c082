"""The detector of one brand: a state that takes one bin after the other, and the rules that make an alert of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import astuple, fields
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitor.errors import InputError
from monitor.model import Severity, utc_text
from monitor.spikes.baseline import Baseline, Lesson, Ratio, learn
from monitor.spikes.cusum import QUIET, TINY, Chain, log_likelihood_ratio
from monitor.spikes.farrington import Fortnight, Reference
from monitor.spikes.measurement import Measurement, Span
from monitor.spikes.recent import Recent, Totals
from monitor.spikes.rules import Alarm, severity
from monitor.spikes.settings import DAY, HOUR, Bin, Settings
from monitor.spikes.windows import Spread, deviation, expected_given_volume

STATE_VERSION = 1
HALF_HEARD = 0.5
"""A window counts only if at least this share of it was heard."""


class Seen(NamedTuple):
    """A window that ends with this bin. ``expected``: of its count, given today's volume."""

    totals: Totals
    expected: float


class Detector:
    """Feed bins of one brand in order of time; what ``step`` returns depends on no later bin."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._hours = settings.width / HOUR
        self._lives = [
            life / HOUR
            for life in (
                settings.level_half_life,
                settings.shape_half_life,
                settings.share_half_life,
                settings.spread_half_life,
            )
        ]
        self._freeze_hours, self._warm_up_hours = settings.freeze_at_most / HOUR, settings.warm_up / HOUR
        self._k_cap = settings.k_cap_raw if settings.raw else settings.k_cap
        self._block = settings.slots(settings.k_block)
        self._penalties = _by_slots(settings)
        self._hour, self._six = settings.slots(HOUR), settings.slots(6 * HOUR)
        self._half_day = settings.slots(12 * HOUR)
        lengths = sorted({self._block, self._hour, self._six, *self._penalties})
        self._base = Baseline()
        self._spreads = {length: Spread() for length in lengths}
        self._recent = Recent(max(*lengths, self._half_day))
        self._fortnight = Fortnight(settings)
        self._chains = [QUIET] * self._block
        self._seen: dict[int, Seen] = {}
        self._taught = Totals()
        self._heard_slots = 0
        self._frozen = 0.0
        self._row: datetime | None = None
        self._known: datetime | None = None
        self._alarm = Alarm()

    def go_on(self, said: datetime | None, severity: Severity | None, standing_at: datetime | None) -> None:
        """Keep what is usual, and forget the last hours: their counts are another model's than what people were told.

        ``said``, ``severity``: the last alert that was raised in truth. ``standing_at``: the time now, if its matter
        still stands; it is calm after some hours from here.
        """
        self._recent = Recent(len(self._recent.ring) - 1)
        self._taught = Totals()
        self._chains = [QUIET] * self._block
        self._alarm = Alarm(standing_at, standing_at, said, severity, standing_at is None)

    # -- one bin -------------------------------------------------------------------------------------------------

    def step(self, bin: Bin) -> Measurement:
        """Judge one bin, then learn from it. ``InputError`` where it is not after the bin before."""
        self._check(bin)
        self._row = bin.start
        if bin.heard < self.settings.heard_enough:
            return self._unknown(bin)
        local = bin.start.astimezone(self.settings.zone)
        hour, weekend = local.hour, local.weekday() >= 5
        self._take(bin, hour, weekend)
        uncertainty = self._base.uncertainty(raw=self.settings.raw)
        chain = self._cusum(bin, uncertainty)
        z, z_slots = (None, 0) if self.settings.raw else self._strongest(uncertainty)
        reference = self._farrington(local) if chain.k >= self.settings.k_threshold else None
        found = self._measure(bin, chain, z, z_slots, reference, uncertainty)
        self._learn(hour, weekend, chain, uncertainty)
        return found

    def _check(self, bin: Bin) -> None:
        row = self._row
        if row is not None and bin.start - row < self.settings.width / 2:
            raise InputError(
                f"the bin at {utc_text(bin.start)} is doubled or out of order: the last was {utc_text(row)}"
            )
        if bin.count < 0 or bin.other < 0 or (bin.learned or 0) < 0:
            raise InputError(f"the bin at {utc_text(bin.start)} has a negative count")

    def _take(self, bin: Bin, hour: int, weekend: bool) -> None:
        """Put the bin and what was expected of it into the memories; a gap is unknown time."""
        known = self._known
        skipped = 0 if known is None else max(1, round((bin.start - known) / self.settings.width)) - 1
        if skipped >= self._half_day:
            self._chains = [QUIET] * self._block
        if skipped:
            self._taught = self._recent.now
        part = self._hours * bin.heard
        own, usual_other = self._base.usual(hour, weekend, raw=self.settings.raw)
        self._recent.add(bin, own * part, usual_other * part, skipped)
        self._fortnight.add(bin.count if bin.learned is None else bin.learned, bin.heard, skipped)
        self._known = bin.start
        self._heard_slots += 1
        for slots in self._spreads:
            seen = self._recent.last(slots)
            self._seen[slots] = Seen(seen, self._expected(seen, seen.voices))

    def _expected(self, seen: Totals, count: int) -> float:
        settings = self.settings
        if settings.raw or seen.usual_other <= 0:
            return seen.own
        return expected_given_volume(
            count,
            seen.own,
            seen.other,
            seen.usual_other,
            shrink=settings.volume_shrink,
            floor=settings.volume_floor,
            echo=settings.echo,
        )

    def _cusum(self, bin: Bin, uncertainty: float) -> Chain:
        """One step of K over the last block. Narrow bins run interleaved chains, one per place in the block."""
        settings, block, hour = self.settings, self._seen[self._block].totals, self._seen[self._hour]
        expected = block.own * hour.expected / max(hour.totals.own, TINY)
        spread = self._spreads[self._block].value + uncertainty
        gain = log_likelihood_ratio(block.voices, expected, spread, settings.raised)
        start = (bin.start + settings.width * (1 - self._block)).timestamp()
        place = self._recent.slot % self._block
        chain = self._chains[place].after(gain, self._k_cap, start, (block.voices, block.own, expected))
        self._chains[place] = chain
        return chain

    def _strongest(self, uncertainty: float) -> tuple[float | None, int]:
        """The greatest z, handicaps taken off, and its window in slots."""
        best, best_slots = None, 0
        for slots, penalty in self._penalties.items():
            seen, expected = self._seen[slots]
            if seen.heard < HALF_HEARD * slots or seen.own <= TINY:
                continue
            spread = self._spreads[slots].value + uncertainty
            z = deviation(seen.voices, expected, spread) - penalty
            if best is None or z > best:
                best, best_slots = z, slots
        return best, best_slots

    def _farrington(self, local: datetime) -> Reference | None:
        slots = self._fortnight.window
        seen = self._recent.last(slots)
        return self._fortnight.judge(seen.voices, seen.heard / slots, self._shifts(local))

    def _shifts(self, local: datetime) -> NDArray[np.int64] | None:
        """By how many slots the clocks moved since each day before; None where they did not."""
        here, days = local.utcoffset(), range(self.settings.f_days + 1)
        start, zone = local.astimezone(UTC), self.settings.zone
        if here is None or (start - (self.settings.f_days + 1) * DAY).astimezone(zone).utcoffset() == here:
            return None
        moved = [here - ((start - day * DAY).astimezone(zone).utcoffset() or here) for day in days]
        return np.array([round(change / self.settings.width) for change in moved], np.int64)

    @property
    def _learning(self) -> bool:
        return self._heard_slots * self._hours <= self._warm_up_hours

    # -- the verdict ---------------------------------------------------------------------------------------------

    def _span(self, slots: int, uncertainty: float) -> Span:
        seen, expected = self._seen[slots]
        return Span(seen.voices, seen.own, expected, self._spreads[slots].value + uncertainty)

    def _measure(
        self, bin: Bin, chain: Chain, z: float | None, z_slots: int, reference: Reference | None, uncertainty: float
    ) -> Measurement:
        settings = self.settings
        notice = chain.k >= settings.k_threshold
        hour, six = self._span(self._hour, uncertainty), self._span(self._six, uncertainty)
        calm = self._alarm.listen(bin.start, chain.k, six, settings)
        learning = self._learning
        alert = None
        if notice and not learning and self._far_out(z, reference):
            alert = self._alarm.say(bin.start, severity(settings, hour, six), settings)
        totals = self._seen[self._six].totals
        since = Span(chain.observed, chain.own, chain.expected, six.spread) if chain.onset is not None else None
        return Measurement(
            time=bin.start,
            alert=alert,
            notice=notice,
            known=True,
            learning=learning,
            calm=calm,
            k=chain.k,
            z=z,
            z_hours=None if z is None else z_slots * self._hours,
            f=reference.f if reference else None,
            f_expected=reference.expected if reference else None,
            hour=hour,
            six_hours=six,
            since_onset=since,
            onset=None if chain.onset is None else datetime.fromtimestamp(chain.onset, UTC),
            days_of_data=self._heard_slots * self._hours / 24,
            negative=totals.voices,
            other=totals.other,
            usual_share=self._usual_share(),
        )

    def _far_out(self, z: float | None, reference: Reference | None) -> bool:
        settings = self.settings
        if settings.raw:
            return reference is not None and reference.f >= settings.f_threshold
        return (
            z is not None and z >= settings.z_threshold and self._recent.last(self._half_day).voices >= settings.fewest
        )

    def _usual_share(self) -> float | None:
        if self.settings.raw:
            return None
        odds = self._base.share.value
        return odds / (1 + odds)

    def _unknown(self, bin: Bin) -> Measurement:
        nothing = Span(0, 0.0, 0.0, 0.0)
        learning = self._learning
        return Measurement(
            time=bin.start,
            alert=None,
            notice=False,
            known=False,
            learning=learning,
            calm=False,
            k=0.0,
            z=None,
            z_hours=None,
            f=None,
            f_expected=None,
            hour=nothing,
            six_hours=nothing,
            since_onset=None,
            onset=None,
            days_of_data=self._heard_slots * self._hours / 24,
            negative=0,
            other=0,
            usual_share=None,
        )

    # -- learning ------------------------------------------------------------------------------------------------

    def _learn(self, hour: int, weekend: bool, chain: Chain, uncertainty: float) -> None:
        """Once per block, so that the width of the bins does not matter."""
        if (self._recent.slot + 1) % self._block:
            return
        settings, now = self.settings, self._recent.now
        block, self._taught = now.since(self._taught), now
        heard = block.heard * self._hours
        if heard <= 0:
            return
        first_day = self._heard_slots * self._hours <= 24
        loud = chain.k >= settings.freeze_above and not self._learning
        self._frozen = self._frozen + heard if loud else max(0.0, self._frozen - 4 * heard)
        incident = loud and self._frozen <= self._freeze_hours
        keep = [0.5 ** (heard / life) for life in self._lives]
        if not loud and not first_day:
            self._learn_spreads(4 * block.heard, keep[3])
        recent = self._seen[self._hour].totals
        busy = self._expectation_learned(self._hour) / max(recent.own, TINY)
        echoed = max(0.0, recent.other - settings.echo * max(0.0, recent.learned - recent.own))
        lesson = Lesson(
            hour=hour,
            weekend=weekend,
            hours=heard,
            learned=block.learned,
            other=block.other,
            usual=block.own,
            usual_other=block.usual_other,
            expected=block.own * busy,
            busy=echoed / (recent.heard * self._hours),
            spread=self._spreads[self._block].value + uncertainty,
            incident=incident,
            first=first_day,
        )
        learn(self._base, lesson, (keep[0], keep[1], keep[2]), raw=settings.raw)

    def _learn_spreads(self, heard: float, keep: float) -> None:
        """``heard``: four times the new bins, each of which lies in many windows (s)."""
        for slots, spread in self._spreads.items():
            seen = self._seen[slots].totals
            if seen.heard >= HALF_HEARD * slots and seen.own > TINY:
                spread.learn(seen.learned, self._expectation_learned(slots), heard / slots, keep)

    def _expectation_learned(self, slots: int) -> float:
        """Of all voices learned from, late ones too, which the window's ``expected`` leaves out."""
        seen, expected = self._seen[slots]
        return expected if seen.learned == seen.voices else self._expected(seen, seen.learned)

    # -- state ---------------------------------------------------------------------------------------------------

    def dump(self) -> str:
        """The whole state as JSON; floats are exact."""
        base = self._base
        ratios = [base.negative, base.others, base.share]
        state = {
            "version": STATE_VERSION,
            "settings": _fingerprint(self.settings),
            "base": [[ratio.over, ratio.under] for ratio in ratios],
            "shape": [[part.unit, part.observed, part.expected] for part in (base.hours, base.weekend)],
            "spreads": [[spread.over, spread.under] for spread in self._spreads.values()],
            "slot": self._recent.slot,
            "recent": self._recent.ring,
            "fortnight": self._fortnight.state(),
            "chains": [astuple(chain) for chain in self._chains],
            "taught": self._taught,
            "heard_slots": self._heard_slots,
            "frozen": self._frozen,
            "row": _text(self._row),
            "known": _text(self._known),
            "alarm": self._alarm.state(),
        }
        return json.dumps(state, separators=(",", ":"))

    @classmethod
    def load(cls, settings: Settings, text: str) -> Detector:
        """The detector that ``dump`` wrote down; ``ValueError`` if other settings or another version made it."""
        state = json.loads(text)
        if not isinstance(state, dict) or state.get("version") != STATE_VERSION:
            raise ValueError("the state of the detector was written by another version")
        if state["settings"] != _fingerprint(settings):
            raise ValueError("the state of the detector was made with other settings")
        made = cls(settings)
        made._restore(state)
        return made

    def _restore(self, state: dict[str, Any]) -> None:
        base = self._base
        ratios: list[Ratio | Spread] = [base.negative, base.others, base.share]
        for ratio, (over, under) in zip(
            [*ratios, *self._spreads.values()], [*state["base"], *state["spreads"]], strict=True
        ):
            ratio.over, ratio.under = over, under
        for part, (unit, observed, expected) in zip((base.hours, base.weekend), state["shape"], strict=True):
            part.unit, part.observed, part.expected = unit, observed, expected
        self._recent.slot = state["slot"]
        self._recent.ring = [Totals(*totals) for totals in state["recent"]]
        self._fortnight.restore(state["fortnight"])
        self._chains = [Chain(*chain) for chain in state["chains"]]
        self._taught = Totals(*state["taught"])
        self._heard_slots = state["heard_slots"]
        self._frozen = state["frozen"]
        self._row, self._known = _moment(state["row"]), _moment(state["known"])
        self._alarm = Alarm.restored(state["alarm"])


def detect(bins: Iterable[Bin], settings: Settings) -> Iterator[Measurement]:
    """The measurements that are alerts, in order: ``Detector.step`` over all."""
    detector = Detector(settings)
    for bin in bins:
        found = detector.step(bin)
        if found.alert is not None:
            yield found


def _by_slots(settings: Settings) -> dict[int, float]:
    """Windows in slots -> handicap; of windows that coincide in wide bins the longest counts."""
    return {settings.slots(length): penalty for length, penalty in settings.windows}


def _fingerprint(settings: Settings) -> str:
    return repr(tuple((f.name, str(getattr(settings, f.name))) for f in fields(settings)))


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)

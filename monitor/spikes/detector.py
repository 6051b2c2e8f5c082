"""The detector of one brand: a state that takes one bin after the other, and the rules that make an alert of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.errors import InputError
from monitor.model import Severity, utc_text
from monitor.spikes.baseline import Baseline, Lesson, Ratio, learn
from monitor.spikes.cusum import TINY
from monitor.spikes.farrington import Fortnight, Reference
from monitor.spikes.measurement import Measurement, Span
from monitor.spikes.recent import Totals
from monitor.spikes.rules import Alarm, severity
from monitor.spikes.settings import DAY, HOUR, Bin, Settings
from monitor.spikes.track import HALF_HEARD, Track
from monitor.spikes.windows import Spread

STATE_VERSION = 4


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
        self._block = settings.slots(settings.k_block)
        self._penalties = _by_slots(settings)
        self._hour, self._six = settings.slots(HOUR), settings.slots(6 * HOUR)
        lengths = sorted({self._block, self._hour, self._six, *self._penalties})
        self._base = Baseline()
        self._spreads = {length: Spread() for length in lengths}
        self._track = Track(settings, tuple(lengths))
        self._bound: Track | None = None
        self._bound_since = 0
        self._fortnight = Fortnight(settings)
        self._taught = Totals()
        self._heard_slots = 0
        self._frozen = 0.0
        self._row: datetime | None = None
        self._alarm = Alarm()

    def go_on(
        self, said: datetime | None, severity: Severity | None, standing_at: datetime | None, *, forget: bool = True
    ) -> None:  # fmt: skip
        """Keep what is usual, and go on from what people were told, which is not what this one would have said.

        ``said``, ``severity``: the last alert that was raised in truth. ``standing_at``: the time now, if its matter
        still stands; it is calm after some hours from here. ``forget``: the last hours were counted by another model.
        """
        if forget:
            self._track.forget()
            self._bound = None
            self._taught = Totals()
        self._alarm = Alarm(standing_at, standing_at, said, severity, standing_at is None)

    @property
    def going(self) -> bool:
        """Whether the matter of the last alert is not over."""
        return not self._alarm.over

    # -- one bin -------------------------------------------------------------------------------------------------

    def step(self, bin: Bin) -> Measurement:
        """Judge one bin, then learn from it. ``InputError`` where it is not after the bin before."""
        self._check(bin)
        self._row = bin.start
        if bin.heard < self.settings.heard_enough:
            return self._at_least(bin)
        local = bin.start.astimezone(self.settings.zone)
        self._take(bin)
        uncertainty = self._base.uncertainty(raw=self.settings.raw)
        self._go_on_bounding(bin, uncertainty)
        track = self._track
        k = track.cusum(self._spreads, uncertainty)
        reference = self._farrington(local) if k >= self.settings.k_threshold else None
        found = self._measure(bin, track, k, reference, uncertainty)
        self._learn(local.hour, local.weekday() >= 5, k, uncertainty)
        return found

    def _check(self, bin: Bin) -> None:
        row = self._row
        if row is not None and bin.start - row < self.settings.width / 2:
            raise InputError(
                f"the bin at {utc_text(bin.start)} is doubled or out of order: the last was {utc_text(row)}"
            )
        if bin.count < 0 or bin.other < 0 or (bin.learned or 0) < 0:
            raise InputError(f"the bin at {utc_text(bin.start)} has a negative count")

    def _take(self, bin: Bin) -> None:
        skipped = self._track.skipped(bin)
        if skipped:
            self._taught = self._track.recent.now
        self._track.take(bin, self._base)
        self._fortnight.add(bin.count if bin.learned is None else bin.learned, bin.heard, skipped)
        self._heard_slots += 1

    def _farrington(self, local: datetime) -> Reference | None:
        slots = self._fortnight.window
        seen = self._track.recent.last(slots)
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

    def _measure(
        self, bin: Bin, track: Track, k: float, reference: Reference | None, uncertainty: float, known: bool = True
    ) -> Measurement:
        settings, spreads = self.settings, self._spreads
        z, z_slots = (None, 0) if settings.raw else track.strongest(self._penalties, spreads, uncertainty)
        notice = k >= settings.k_threshold
        hour, six = (track.span(slots, spreads, uncertainty) for slots in (self._hour, self._six))
        learning = self._learning
        fires = notice and not learning and self._far_out(track, z, reference)
        firing = severity(settings, hour, six) if fires else None
        alert = self._alarm.say(bin.start, firing, settings) if firing is not None else None
        calm = self._alarm.listen(bin.start, k, six, lambda: self._quiet(track, hour, uncertainty), settings)
        track.look_back(bin.start, self._alarm.ended, fires=notice, told=alert is not None)
        totals = track.seen[self._six].totals
        return Measurement(
            time=bin.start,
            alert=alert,
            notice=notice,
            known=known,
            learning=learning,
            calm=calm and known and alert is None,
            k=k,
            z=z,
            z_hours=None if z is None else z_slots * self._hours,
            f=reference.f if reference else None,
            f_expected=reference.expected if reference else None,
            hour=hour,
            six_hours=six,
            since_onset=track.since_onset(six.spread),
            onset=None if track.stretch is None else datetime.fromtimestamp(track.stretch.start, UTC),
            days_of_data=self._heard_slots * self._hours / 24,
            negative=totals.voices,
            other=totals.other,
            usual_share=self._usual_share(),
            firing=firing,
        )

    def _far_out(self, track: Track, z: float | None, reference: Reference | None) -> bool:
        settings = self.settings
        if settings.raw:
            return reference is not None and reference.f >= settings.f_threshold
        lately = track.recent.last(track.half_day)
        return z is not None and z >= settings.z_threshold and lately.voices >= settings.fewest

    def _quiet(self, track: Track, hour: Span, uncertainty: float) -> timedelta | None:
        """The shortest window up to now that is sure to be calm."""
        settings = self.settings
        if settings.raw or hour.p < settings.usual_p:
            return None
        for slots in sorted(self._penalties):
            long_enough = slots >= settings.slots(settings.quiet_least)
            if long_enough and track.quiet(slots, self._spreads[slots].value + uncertainty):
                return slots * settings.width
        return None

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

    # -- bins of which too little was heard ------------------------------------------------------------------------

    def _at_least(self, bin: Bin) -> Measurement:
        """Judge a bin whose counts are only the least there was: it can say that there is a storm, and nothing else.

        K and Z over all bins, with what a whole one holds expected of each, are no greater than they would be had
        everything been heard: where they alarm, the storm is there. Nothing is learned, and no end or calm read from
        them. Raw volumes are not judged so: F compares with the same hours of other days, which were heard whole.
        """
        if self.settings.raw or self._learning:
            return self._unknown(bin)
        if self._bound is None:
            self._bound = self._track.branch()
        track, uncertainty = self._bound, self._base.uncertainty(raw=False)
        track.take(replace(bin, heard=1.0, learned=None), self._base)
        self._bound_since = track.recent.slot
        k = track.cusum(self._spreads, uncertainty)
        if k < self.settings.calm_share * self.settings.k_threshold:
            return self._unknown(bin)
        found = self._measure(bin, track, k, None, uncertainty, known=False)
        return found if found.notice else self._unknown(bin)

    def _go_on_bounding(self, bin: Bin, uncertainty: float) -> None:
        """A bin that was heard, after others that were not: their evidence counts until the windows are past them."""
        if self._bound is None:
            return
        self._bound.take(bin, self._base)
        self._bound.cusum(self._spreads, uncertainty)
        if self._bound.recent.slot - self._bound_since >= self._bound.half_day:
            self._bound = None

    # -- learning ------------------------------------------------------------------------------------------------

    def _learn(self, hour: int, weekend: bool, k: float, uncertainty: float) -> None:
        """Once per block, so that the width of the bins does not matter."""
        recent = self._track.recent
        if (recent.slot + 1) % self._block:
            return
        settings, now = self.settings, recent.now
        block, self._taught = now.since(self._taught), now
        heard = block.heard * self._hours
        if heard <= 0:
            return
        first_day = self._heard_slots * self._hours <= 24
        loud = k >= settings.freeze_above and not self._learning
        self._frozen = self._frozen + heard if loud else max(0.0, self._frozen - 4 * heard)
        incident = loud and self._frozen <= self._freeze_hours
        keep = [0.5 ** (heard / life) for life in self._lives]
        if not loud and not first_day:
            self._learn_spreads(4 * block.heard, keep[3])
        lately = self._track.seen[self._hour].totals
        busy = self._expectation_learned(self._hour) / max(lately.own, TINY)
        echoed = max(0.0, lately.other - settings.echo * max(0.0, lately.learned - lately.own))
        lesson = Lesson(
            hour=hour,
            weekend=weekend,
            hours=heard,
            learned=block.learned,
            other=block.other,
            usual=block.own,
            usual_other=block.usual_other,
            expected=block.own * busy,
            busy=echoed / (lately.heard * self._hours),
            spread=self._spreads[self._block].value + uncertainty,
            incident=incident,
            first=first_day,
            odd_day=self._track.odd_holiday and not self._learning,
        )
        learn(self._base, lesson, (keep[0], keep[1], keep[2]), raw=settings.raw)

    def _learn_spreads(self, heard: float, keep: float) -> None:
        """``heard``: four times the new bins, each of which lies in many windows (s)."""
        for slots, spread in self._spreads.items():
            seen = self._track.seen[slots].totals
            if seen.heard >= HALF_HEARD * slots and seen.own > TINY:
                spread.learn(seen.learned, self._expectation_learned(slots), heard / slots, keep)

    def _expectation_learned(self, slots: int) -> float:
        """Of all voices learned from, late ones too, which the window's ``expected`` leaves out."""
        seen, expected = self._track.seen[slots]
        return expected if seen.learned == seen.voices else self._track.expected(seen, seen.learned)

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
            "track": self._track.state(),
            "bound": self._bound.state() if self._bound else None,
            "bound_since": self._bound_since,
            "fortnight": self._fortnight.state(),
            "taught": self._taught,
            "heard_slots": self._heard_slots,
            "frozen": self._frozen,
            "row": _text(self._row),
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
        self._track.restore(state["track"])
        if state["bound"] is not None:
            self._bound = self._track.branch()
            self._bound.restore(state["bound"])
        self._bound_since = state["bound_since"]
        self._fortnight.restore(state["fortnight"])
        self._taught = Totals(*state["taught"])
        self._heard_slots = state["heard_slots"]
        self._frozen = state["frozen"]
        self._row = _moment(state["row"])
        self._alarm = Alarm.restored(state["alarm"])


@cache
def fingerprint(settings: Settings) -> str:
    """Of the detectors whose states can be taken over from one another: same rules, same settings."""
    return hashlib.sha256(f"{STATE_VERSION} {settings!r}".encode()).hexdigest()[:16]


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


@cache
def _fingerprint(settings: Settings) -> str:
    return repr(tuple((f.name, str(getattr(settings, f.name))) for f in fields(settings)))


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)

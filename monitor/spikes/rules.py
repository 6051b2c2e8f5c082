"""When a measurement becomes an alert: how severe it is, and whether it is said now or was said already."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.model import Severity
from monitor.spikes.measurement import Span
from monitor.spikes.settings import Settings


def severity(settings: Settings, *spans: Span) -> Severity:
    """Critical where one of the spans is many times over its expectation, very unlikely, and not small."""
    for span in spans:
        many = span.observed >= settings.critical_posts and span.observed >= settings.critical_ratio * span.expected
        if many and span.p < settings.critical_p:
            return Severity.CRITICAL
    return Severity.WARNING


@dataclass(slots=True)
class Alarm:
    """What was said last, when K was last loud, and when it last was so for a reason still there; None: never.

    ``over``: the last alert's matter is. ``ended``: when it last became calm; None before it ever stirred. ``stirs``:
    it is not calm now.
    """

    loud: datetime | None = None
    raised: datetime | None = None
    alert: datetime | None = None
    severity: Severity | None = None
    over: bool = True
    ended: datetime | None = None
    stirs: bool = False

    def listen(
        self, now: datetime, k: float, lately: Span, quiet: Callable[[], timedelta | None], settings: Settings
    ) -> bool:  # fmt: skip
        """Take in K and the last hours. -> whether it is calm: K has long been low, or loud only of what is past, or
        the hours since the last alert are surely no storm. ``quiet``: how long these are; None: they are not sure.

        K falls as slowly as the brand is quiet, for days where one voice a day is usual; people need not wait for it.
        An alert of this bin is a reason of its own: the first hour of a storm may not show in the last six.
        """
        if k >= settings.calm_share * settings.k_threshold:
            self.loud = now
            if self.alert == now or lately.p < settings.usual_p:
                self.raised = now
        self.over = self.over or self.loud is None or now - self.loud >= settings.over_after
        calm = self.raised is None or now - self.raised >= settings.calm_after
        if not calm and self.alert != now:
            length = quiet()
            calm = length is not None and (self.alert is None or now - self.alert >= length)
        if calm and self.stirs:
            self.ended = now
        self.stirs = not calm
        return calm

    def say(self, now: datetime, found: Severity, settings: Settings) -> Severity | None:
        """-> the alert to raise now; None within the cooldown and while the last is still going, unless it grew."""
        if self.alert is not None and self.severity is not None:
            age = now - self.alert
            ended = settings.raw or self.over or age >= settings.still_going
            if not (ended and age >= settings.cooldown) and found.rank <= self.severity.rank:
                return None
        self.alert, self.severity, self.over, self.raised = now, found, False, now
        return found

    def state(self) -> dict[str, object]:
        """JSON-able."""
        moments = {"loud": self.loud, "raised": self.raised, "alert": self.alert, "ended": self.ended}
        texts = {name: moment.isoformat() if moment else None for name, moment in moments.items()}
        return {**texts, "severity": self.severity, "over": self.over, "stirs": self.stirs}

    @classmethod
    def restored(cls, state: dict[str, str | None]) -> Alarm:
        texts = (state[name] for name in ("loud", "raised", "alert", "ended"))
        loud, raised, alert, ended = (datetime.fromisoformat(text) if text else None for text in texts)
        said = state["severity"]
        return cls(
            loud, raised, alert, Severity(said) if said else None, bool(state["over"]), ended, bool(state["stirs"])
        )

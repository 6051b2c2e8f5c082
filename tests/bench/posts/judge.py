"""What was found, held against what happened, by the rules of the simulator of counts; alerts are mails owed."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import mean, median
from typing import Any

from tests.bench.posts.happenings import Incident
from tests.bench.posts.play import Alert, Played
from tests.bench.posts.rates import BIN
from tests.bench.posts.world import World

AFTER = timedelta(hours=12)
"""An alert so long after an incident's end is still about it."""

RECOVERING = timedelta(hours=6)
"""After an outage's end: what came late is worked through."""

MONTH = timedelta(days=30)
WHERE = ("promo", "holiday", "joke", "outage", "recovering")


def _cells() -> dict[str, list[int]]:
    """Found and all, by name. A function with a name, so that what was judged can leave its process."""
    return defaultdict(_none_of_none)


def _none_of_none() -> list[int]:
    return [0, 0]


@dataclass
class Judged:
    """Sums over worlds."""

    found: dict[str, dict[str, list[int]]] = field(default_factory=lambda: defaultdict(_cells))
    delays: list[float] = field(default_factory=list)
    posts: list[int] = field(default_factory=list)
    mails: list[int] = field(default_factory=list)
    false: int = 0
    false_where: Counter[str] = field(default_factory=Counter)
    false_sizes: Counter[str] = field(default_factory=Counter)
    false_kinds: Counter[str] = field(default_factory=Counter)
    months: float = 0.0
    months_where: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    months_sizes: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    confusion: Counter[tuple[str, str]] = field(default_factory=Counter)
    origins: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    rounds: int = 0
    all_posts: int = 0
    missed: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def add(self, world: World, played: Played) -> None:
        """An alert belongs to an incident of its brand from its first post to ``AFTER`` its end; every other one is
        false. Found: the first one comes before the end."""
        used: set[Alert] = set()
        for incident in world.incidents:
            hits = [a for a in played.alerts if a.brand == incident.brand and _within(a, incident)]
            used.update(hits)
            self._count(incident, hits)
        for alert in played.alerts:
            if alert not in used:
                self._false(world, alert)
        self._sizes(world)
        self.confusion += played.confusion
        self.origins += played.incidents
        self.rounds += played.rounds
        self.all_posts += played.posts
        for job, seconds in played.seconds.items():
            self.seconds[job] += seconds

    def _count(self, incident: Incident, hits: list[Alert]) -> None:
        hit = bool(hits) and hits[0].at < incident.end
        for table, name in (
            ("kind", incident.kind), ("size", f"{incident.rate:g}/h"), ("form", incident.form),
            ("reach", incident.reach), ("all", "all"),
        ):  # fmt: skip
            cell = self.found[table][name]
            cell[0] += hit
            cell[1] += 1
        if hit:
            self.delays.append((hits[0].at - incident.first) / timedelta(minutes=1))
            self.posts.append(bisect_left(incident.times, hits[0].at))
            self.mails.append(len(hits))
        else:
            self.missed.append(f"{incident.first:%m-%d %H:%M} {incident.rate:g}/h {incident.kind} {incident.form}, "
                               f"{len(incident.times)} posts, {incident.reach}")  # fmt: skip

    def _false(self, world: World, alert: Alert) -> None:
        self.false += 1
        brand = next(b for b in world.brands if b.name == alert.brand)
        self.false_sizes[f"{brand.rate:g}/h"] += 1
        self.false_kinds.update(alert.kinds)
        where = [name for name in WHERE if _touches(world, alert.brand, alert.at, name)]
        self.false_where.update(where or ["elsewhere"])
        self.wrong.append(f"{alert.at:%m-%d %H:%M} {brand.rate:g}/h {alert.event} {'+'.join(alert.kinds)} "
                          f"{alert.severity}, {', '.join(where) or 'elsewhere'}")  # fmt: skip

    def _sizes(self, world: World) -> None:
        length = world.days * 96 * BIN / MONTH
        self.months += length * len(world.brands)
        for brand in world.brands:
            self.months_sizes[f"{brand.rate:g}/h"] += length
            self.months_where["promo"] += float(brand.course.promo.sum()) * BIN / MONTH
            self.months_where["holiday"] += float(brand.course.holiday.sum()) * BIN / MONTH

    def figures(self) -> dict[str, Any]:
        found, total = self.found["all"]["all"]
        return {
            "incidents": total,
            "found": round(found / max(total, 1), 3),
            "found_mean_of_sizes": round(mean(a / b for a, b in self.found["size"].values()), 3) if total else None,
            **{f"by_{t}": {k: f"{a}/{b}" for k, (a, b) in sorted(self.found[t].items())}
               for t in ("kind", "size", "form", "reach")},
            "median_delay_min": round(median(self.delays)) if self.delays else None,
            "median_posts_until_alert": median(self.posts) if self.posts else None,
            "mails_per_incident": {"mean": round(sum(self.mails) / len(self.mails), 2), "max": max(self.mails)}
            if self.mails else None,
            "false_per_brand_month": round(self.false / self.months, 2),
            "false_by_size": {k: round(self.false_sizes[k] / m, 2) for k, m in self.months_sizes.items()},
            "false_where": dict(self.false_where),
            "false_kinds": dict(self.false_kinds),
            "brand_months": round(self.months, 1),
            "brand_months_of": {k: round(v, 2) for k, v in self.months_where.items()},
            "incidents_by_origin": dict(self.origins),
            "scorer": scorer(self.confusion),
            "posts": self.all_posts,
            "ms_a_round": {job: round(1000 * s / max(self.rounds, 1), 1) for job, s in self.seconds.items()},
        }  # fmt: skip


def scorer(confusion: Counter[tuple[str, str]]) -> dict[str, float]:
    """How the labels that counted agree with the truth."""

    def share(truth: Iterable[str], said: str) -> float:
        of = {(t, s): n for (t, s), n in confusion.items() if t in truth}
        return round(sum(n for (_, s), n in of.items() if s == said) / max(1, sum(of.values())), 3)

    said = sum(n for (_, s), n in confusion.items() if s == "negative")
    right = confusion["negative", "negative"]
    return {
        "recall": share(["negative"], "negative"), "precision": round(right / max(1, said), 3),
        "neutral_flagged": share(["neutral"], "negative"), "positive_flagged": share(["positive"], "negative"),
        "negative_unsure": share(["negative"], "unsure"),
    }  # fmt: skip


def _within(alert: Alert, incident: Incident) -> bool:
    return incident.first <= alert.at <= incident.end + AFTER


def _touches(world: World, brand: str, at: datetime, what: str) -> bool:
    """Whether something was going on at an alert, or just before it."""
    if what == "joke":
        return any(name == brand and a <= at <= b + AFTER for name, a, b in world.jokes)
    if what == "outage":
        return any(o.start <= at < o.end for o in world.outages)
    if what == "recovering":
        return any(o.end <= at < o.end + RECOVERING for o in world.outages)
    course = next(b for b in world.brands if b.name == brand).course
    mask = course.promo if what == "promo" else course.holiday
    number = int((at - world.start) / BIN)
    return bool(mask[max(0, number - 8) : number + 1].any())

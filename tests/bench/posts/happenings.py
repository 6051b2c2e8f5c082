"""What happens to a brand: incidents of four courses and four forms, and old jokes that are no incident."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.bench.posts.places import LIVELY, MICROBLOG, PAPER, PLACES, Place
from tests.bench.posts.rates import BIN, COPIES, DAY, HOUR, KINDS, incident
from tests.bench.posts.writer import NEGATIVE, NEUTRAL, phrases

if TYPE_CHECKING:
    from tests.bench.posts.world import Brand, Made, Maker

FORMS = (("spread", 0.5), ("thread", 0.25), ("comments", 0.15), ("copied", 0.1))
"""Posts of their own; replies under one or two posts; reposts with a comment; one text that is only passed on."""

OLD = 0.8
"""The share of jokes that were heard before; a text that nobody has heard yet is old to nobody."""

SINGLE = 0.4
"""The share of incidents that stay on one platform."""

ECHO = 0.8
"""Posts that are not negative for each negative voice of an incident: questions, bystanders."""

GAP = (6.5, 9.5)
"""Days between the beginnings of two incidents of a brand."""


@dataclass
class Incident:
    """What happened, in UTC: from its first post to its end; ``times``: of all its negative posts, in order."""

    brand: str
    rate: float
    kind: str
    form: str
    places: tuple[str, ...]
    end: datetime
    times: list[datetime] = field(default_factory=list)

    @property
    def first(self) -> datetime:
        return self.times[0]

    @property
    def reach(self) -> str:
        return f"only {self.places[0]}" if len(self.places) == 1 else "several platforms"


@dataclass
class Happenings:
    """What befalls one brand."""

    maker: Maker
    brand: Brand

    def jokes(self) -> None:
        """Texts that are passed on some dozen to some hundred times in a few hours: one voice each. Four of five are
        old: somebody wrote them eight days before or earlier, as in ``tests/bench/bursts.py``."""
        maker, rng = self.maker, self.maker.rng
        for _ in range(rng.poisson(maker.world.days / 12)):
            at = maker.world.start + int(rng.integers(DAY, maker.world.days * DAY - DAY)) * BIN
            place = PLACES[MICROBLOG]
            text = maker.writer.joke(maker.speaker(self.brand, place))
            if maker.dice.chance(OLD) and maker.world.days > 11:
                at = maker.world.start + (9 * DAY + maker.dice.number(0, (maker.world.days - 10) * DAY)) * BIN
                earlier = at - timedelta(days=8, minutes=maker.dice.number(0, 20 * 60))
                maker.say(self.brand, place, earlier, NEGATIVE, "joke", text)
            first = maker.say(self.brand, place, at, NEGATIVE, "joke", text)
            many = int(min(300, 40 * self.brand.rate**0.4) * rng.uniform(0.5, 1.3))
            last = at
            for hours in rng.exponential(2.0, many):
                again = at + timedelta(seconds=int(3600 * min(hours, 8)) + 1)
                maker.pass_on(self.brand, place, first, again)
                last = max(last, again)
            maker.world.jokes.append((self.brand.name, at, last))

    def incidents(self) -> None:
        """One after the other, of each kind in turn, from the fourth to seventh day on."""
        rng, bins = self.maker.rng, self.maker.world.days * DAY
        number, at = int(rng.integers(0, 4)), int(rng.uniform(4, 7) * DAY)
        while at < bins - 4 * DAY:
            self._incident(KINDS[number % 4], at)
            number += 1
            at += int(rng.uniform(*GAP) * DAY)

    def _incident(self, kind: str, start: int) -> None:
        maker, rng, brand = self.maker, self.maker.rng, self.brand
        form = maker.dice.weighted(FORMS)
        if form == "copied" and kind in ("slow", "small"):
            form = "spread"
        places, weights = self._where(form)
        voices = rng.poisson(incident(kind, brand.rate * brand.course.usual_share) / HOUR / (1 + COPIES))
        matters = [m for m in phrases()["incidents"] if m["domain"] in ("*", brand.domain)]
        matter = maker.dice.pick(matters)
        end = maker.world.start + (start + len(voices)) * BIN
        found = Incident(brand.name, brand.rate, kind, form, places, end)
        telling = _Telling(self, found, matter, dict(zip(places, weights, strict=True)))
        for number, many in enumerate(voices):
            for at in sorted(maker.within(start + number) for _ in range(many)):
                telling.negative(at)
                for _ in range(maker.rng.poisson(ECHO)):
                    telling.other(at + timedelta(minutes=maker.dice.number(0, 20)))
        if found.times:
            found.times.sort()
            maker.world.incidents.append(found)

    def _where(self, form: str) -> tuple[tuple[str, ...], tuple[float, ...]]:
        """The platforms of an incident, and how much is said on each; a thread stays on one."""
        rng = self.maker.rng
        if form == "thread" or rng.random() < SINGLE:
            return (str(rng.choice(LIVELY)) if form not in ("comments", "copied") else MICROBLOG,), (1.0,)
        names = (*LIVELY, PAPER)
        weights = rng.dirichlet([2.0, 2.0, 1.2, 0.15])
        return names, tuple(map(float, weights))


@dataclass
class _Telling:
    """One incident as people tell it."""

    of: Happenings
    incident: Incident
    matter: dict[str, Any]
    places: dict[str, float]
    roots: dict[str, list[Made]] = field(default_factory=dict)

    def negative(self, at: datetime) -> None:
        """A voice, and perhaps somebody who passes it on."""
        made = self._voice(at, self._place())
        self.incident.times.append(at)
        dice = self.of.maker.dice
        if self.incident.form != "copied" and dice.chance(COPIES / (1 + COPIES)) and made.post.kind == "post":
            later = at + timedelta(minutes=dice.number(1, 90))
            self.of.maker.pass_on(self.of.brand, PLACES[made.post.platform], made, later)
            self.incident.times.append(later)

    def _place(self) -> Place:
        return PLACES[self.of.maker.dice.weighted(tuple(self.places.items()))]

    def _voice(self, at: datetime, place: Place) -> Made:
        maker, brand, dice = self.of.maker, self.of.brand, self.of.maker.dice
        about = maker.speaker(brand, place)
        earlier = self.roots.setdefault(place.name, [])
        cause = f"incident {self.incident.kind}"
        if place.papers:
            return maker.say(brand, place, at, NEGATIVE, cause, maker.writer.report(about, self.matter))
        form = self.incident.form
        if earlier and form == "copied":
            return maker.pass_on(brand, place, earlier[0], at)
        if earlier and form == "comments" and dice.chance(0.8):
            to = earlier[0]
            said = maker.writer.reply(about, NEGATIVE)
            text = f"{said}//@{to.post.author.id if to.post.author else ''}：{to.post.text}"
            return maker.say(brand, place, at, NEGATIVE, cause, text, to=to, kind="repost")
        if earlier and dice.chance(0.97 if form == "thread" else place.replies):
            said = maker.writer.reply(about, NEGATIVE)
            return maker.say(brand, place, at, NEGATIVE, cause, said, to=dice.pick(earlier))
        text = maker.writer.appeal(about) if form == "copied" else self._text(about)
        made = maker.say(brand, place, at, NEGATIVE, cause, text)
        if len(earlier) < (2 if form in ("thread", "copied", "comments") else 8):
            earlier.append(made)
        return made

    def _text(self, about: Any) -> str:
        maker = self.of.maker
        if maker.texts is not None and maker.dice.chance(maker.texts.share):
            return maker.texts.draw(maker.dice, NEGATIVE, about.brand)
        return maker.writer.incident(about, self.matter, NEGATIVE)

    def other(self, at: datetime) -> None:
        """Somebody who asks, under a post or by himself."""
        maker, place = self.of.maker, self._place()
        if place.papers:
            return
        about, earlier = maker.speaker(self.of.brand, place), self.roots.get(place.name, [])
        if earlier and maker.dice.chance(0.6):
            to = maker.dice.pick(earlier)
            maker.say(self.of.brand, place, max(at, to.post.published_at or at), NEUTRAL, "bystander",
                      maker.writer.reply(about, NEUTRAL), to=to)  # fmt: skip
        else:
            text = maker.writer.incident(about, self.matter, NEUTRAL)
            maker.say(self.of.brand, place, at, NEUTRAL, "bystander", text)

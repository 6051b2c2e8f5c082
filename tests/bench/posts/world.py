"""An invented world of posts: brands on platforms that each show posts in their own time, and what really happened.

Truth stays here: what each post is (``Made.label``), why it was written (``cause``), and which incidents there were.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import numpy as np

from monitor.demo.dice import Dice
from monitor.model import Author, Post
from tests.bench.posts.happenings import Happenings, Incident
from tests.bench.posts.places import PLACES, Outage, Place, outages
from tests.bench.posts.rates import BIN, COPIES, Course, course, first_moment
from tests.bench.posts.texts import Texts
from tests.bench.posts.writer import DOMAINS, NEGATIVE, NEUTRAL, POSITIVE, Speaker, Writer, phrases

POSITIVE_SHARE = 0.30
"""Of the posts that are not negative; in a promo half as many, for most only pass on the offer."""


@dataclass(slots=True)
class Made:
    """One post, when its platform shows it, and the truth about it."""

    post: Post
    shown_at: datetime
    label: str
    cause: str
    brand: str


@dataclass(frozen=True)
class Brand:
    name: str
    domain: str
    rate: float
    course: Course
    shares: dict[str, float]


@dataclass
class World:
    """``days`` days from local midnight of ``first``."""

    first: date
    days: int
    brands: list[Brand] = field(default_factory=list)
    posts: list[Made] = field(default_factory=list)
    incidents: list[Incident] = field(default_factory=list)
    outages: list[Outage] = field(default_factory=list)
    jokes: list[tuple[str, datetime, datetime]] = field(default_factory=list)

    @property
    def start(self) -> datetime:
        return first_moment(self.first)

    @property
    def end(self) -> datetime:
        return self.start + self.days * 96 * BIN


@dataclass
class Maker:
    """Makes the posts of one world; everything is drawn from ``rng`` and ``dice``, so a seed gives it again."""

    world: World
    rng: np.random.Generator
    dice: Dice
    writer: Writer
    texts: Texts | None = None
    numbers: dict[str, int] = field(default_factory=dict)
    lately: dict[tuple[str, str], deque[Made]] = field(default_factory=dict)

    def say(
        self, brand: Brand, place: Place, at: datetime, label: str, cause: str, text: str = "", *,
        to: Made | None = None, kind: str = "", author: str = "",
    ) -> Made:  # fmt: skip
        """One post. ``to``: the post that it answers or passes on (``kind`` says which)."""
        self.numbers[place.name] = number = self.numbers.get(place.name, 10_000) + 1
        shown = at + timedelta(minutes=self.dice.number(*place.delay)) + timedelta(seconds=self.dice.number(0, 59))
        if self.dice.chance(place.straggle):
            shown = at + timedelta(minutes=self.dice.number(20 * 60, 70 * 60))
        parent = to.post.native_id if to else ""
        root = (to.post.root or parent) if to else ""
        if to is not None:
            shown = max(shown, to.shown_at)
        post = Post(
            place.name, f"{place.prefix}{number}", text, kind=kind or ("comment" if to else "post"),
            author=Author(author or self.writer.nick()), published_at=at, parent=parent, root=root,
        )  # fmt: skip
        made = Made(post, shown, label, cause, brand.name)
        self.world.posts.append(made)
        return made

    def speaker(self, brand: Brand, place: Place) -> Speaker:
        return Speaker(brand.name, brand.domain, self.dice.chance(place.simplified))

    def within(self, bin_number: int) -> datetime:
        return self.world.start + bin_number * BIN + timedelta(seconds=self.dice.number(0, 899))

    def ordinary(self, brand: Brand) -> None:
        """Everything that is said of a brand when nothing happens, promos and holidays too."""
        c = brand.course
        negative = self.rng.poisson(c.volume * c.share / (1 + COPIES))
        other = self.rng.poisson(c.volume * (1 - c.share))
        for number in range(len(c.volume)):
            moments = [(self.within(number), NEGATIVE) for _ in range(negative[number])]
            moments += [(self.within(number), NEUTRAL) for _ in range(other[number])]
            for at, label in sorted(moments):
                self._ordinary_post(brand, at, label, bool(c.promo[number]))

    def _ordinary_post(self, brand: Brand, at: datetime, label: str, promo: bool) -> None:
        dice = self.dice
        place = PLACES[dice.weighted(tuple(brand.shares.items()))]
        if label == NEUTRAL and dice.chance(POSITIVE_SHARE / (2 if promo else 1)) and not place.papers:
            label = POSITIVE
        recent = self.lately.setdefault((brand.name, place.name), deque(maxlen=12))
        about, cause = self.speaker(brand, place), "promo" if promo else "ordinary"
        if recent and dice.chance(place.replies):
            text = self.writer.reply(about, label)
            self.say(brand, place, at, label, cause, text, to=dice.pick(recent))
            return
        if self.texts is not None and dice.chance(self.texts.share):
            text = self.texts.draw(dice, label, about.brand)
        elif promo and label != NEGATIVE and dice.chance(0.7):
            text = self.writer.promo(about)
        else:
            text = self.writer.post(about, label, "news" if place.papers and label == NEUTRAL else "")
        made = self.say(brand, place, at, label, cause, text)
        recent.append(made)
        if label == NEGATIVE and dice.chance(COPIES / (1 + COPIES)):
            self.pass_on(brand, place, made, at + timedelta(minutes=dice.number(2, 180)))

    def pass_on(self, brand: Brand, place: Place, original: Made, at: datetime) -> Made:
        """The same text again: as a repost that the platform marks, or pasted, perhaps with something round it."""
        text = original.post.text
        if self.dice.chance(0.5):
            return self.say(brand, place, at, original.label, original.cause, text, to=original, kind="repost")
        frame = self.dice.pick(("{0}", "{0}", "「{0}」", "{0}👇", "{0}[話筒]", "轉：{0}"))
        return self.say(brand, place, at, original.label, original.cause, frame.format(text))


def make(seed: int, first: date, days: int, rates: Sequence[float], texts: Texts | None = None) -> World:
    """A world with one brand for each rate (posts an hour)."""
    rng, dice = np.random.default_rng([seed, first.toordinal(), days]), Dice(seed * 1000 + first.toordinal())
    world = World(first, days)
    names = [str(n) for n in rng.permutation(phrases()["brands"])]
    for number, rate in enumerate(rates):
        weights = rng.dirichlet([3 * place.weight for place in PLACES.values()])
        shares = dict(zip(PLACES, map(float, weights), strict=True))
        domain = DOMAINS[(number + seed) % len(DOMAINS)]
        world.brands.append(Brand(names[number], domain, rate, course(rng, rate, first, days), shares))
    maker = Maker(world, rng, dice, Writer(dice), texts)
    for brand in world.brands:
        maker.ordinary(brand)
        happenings = Happenings(maker, brand)
        happenings.jokes()
        happenings.incidents()
    world.outages = outages(rng, world.start, days)
    world.posts.sort(key=lambda made: (made.shown_at, made.post.platform, made.post.native_id))
    return world

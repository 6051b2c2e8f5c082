"""Thirty invented days: two brands, three platforms, a promo day and one incident. Pure; the seed decides everything.

Every item says what it is (``about``, ``tone``, ``cause``), so that what Qianli found can be held against what was
planted. None of that is in the feeds.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from monitor.demo.dice import Dice
from monitor.demo.writer import HANS, HANT, NEGATIVE, NEUTRAL, OWN, POSITIVE, RIVAL, Writer, phrases, product_in

SEED = 20
ZONE = ZoneInfo("Asia/Taipei")
FIRST_DAY = date(2026, 10, 22)
DAYS = 30
PROMO_DAY = date(2026, 11, 4)
INCIDENT_START = datetime(2026, 11, 14, 17, 40, tzinfo=ZONE).astimezone(UTC)
STATEMENT_AT = INCIDENT_START + timedelta(hours=16, minutes=20)
"""When the brand's own account answers: at ten the next morning."""

NEWS, FORUM, MICROBLOG = "島讀新聞", "茶水間", "浮萍"
OWN_ACCOUNT = "澄嵐電器官方"
SERVICE_ACCOUNT = "澄嵐電器客服"
"""Answers customers in the forum."""
BACKGROUND, PROMO, INCIDENT, SERVICE, NOISE = "background", "promo", "incident", "service", "noise"


@dataclass(frozen=True, slots=True)
class Item:
    """One invented post. ``at`` is in UTC. ``reply_to`` and ``copy_of`` are ids on the same platform, or empty.

    ``about``: ``own``, ``rival``, or empty for noise. ``tone``: what it was written as. ``cause``: why it was written.
    """

    platform: str
    id: str
    at: datetime
    author: str
    title: str
    text: str
    script: str
    about: str
    tone: str
    cause: str
    reply_to: str = ""
    copy_of: str = ""


@dataclass(eq=False)
class Draft:
    """An item before its place in the order of time gives it an id."""

    platform: str
    at: datetime
    author: str
    text: str
    script: str
    title: str = ""
    about: str = ""
    tone: str = NEUTRAL
    cause: str = BACKGROUND
    answers: Draft | None = None
    copies: Draft | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """How a platform is: posts a day about each, share of Simplified texts, of replies and of reposts, its tones."""

    daily: tuple[tuple[str, float], ...]
    weekend: float
    simplified: float
    replies: float
    reposts: float
    tones: tuple[tuple[str, float], ...]


PLACES = {
    NEWS: Place(
        ((OWN, 12), (RIVAL, 8), ("hiking", 1), ("other", 1)), 0.6, 0.12, 0.0, 0.04,
        ((NEGATIVE, 0.06), (POSITIVE, 0.14), (NEUTRAL, 0.80)),
    ),
    FORUM: Place(
        ((OWN, 32), (RIVAL, 16), ("hiking", 4), ("other", 4)), 1.1, 0.06, 0.45, 0.0,
        ((NEGATIVE, 0.13), (POSITIVE, 0.37), (NEUTRAL, 0.50)),
    ),
    MICROBLOG: Place(
        ((OWN, 42), (RIVAL, 22), ("hiking", 6), ("other", 6)), 1.15, 0.7, 0.2, 0.06,
        ((NEGATIVE, 0.12), (POSITIVE, 0.45), (NEUTRAL, 0.43)),
    ),
}  # fmt: skip

_HOURS = (
    0.70, 0.40, 0.22, 0.14, 0.12, 0.15, 0.32, 0.62, 0.90, 1.00, 1.00, 1.05,
    1.35, 1.15, 0.95, 0.95, 1.00, 1.05, 1.15, 1.30, 1.60, 1.75, 1.65, 1.20,
)  # fmt: skip
_MEAN_HOUR = sum(_HOURS) / 24

# The incident: negative voices in each hour after its start at 17:40. Night falls after the seventh hour, the next
# morning brings a second, lower wave that ends some hours after the brand's statement.
_SECOND_DAY = (0, 0, 0, 1, 4, 5, 4, 3, 2, 2, 1, 1, 1, 1, 1)
_WAVES = {
    FORUM: (4, 8, 13, 15, 13, 10, 7, 3, 1, 1, *_SECOND_DAY),
    MICROBLOG: (0, 2, 8, 16, 19, 15, 9, 4, 2, 1, *_SECOND_DAY),
    NEWS: (0, 0, 0.5, 1.5, 2, 2, 1, 0.5, 0, 0, 0, 0, 0, 0.5, 2, 2, 1, 1, 0.5),
}
_COPIES = (0, 0, 1, 4, 8, 8, 6, 3, 1, 0, 0, 0, 0, 1, 2, 3, 2, 1)
_BYSTANDERS = 0.3
"""Neutral questions for each negative voice."""
_HOUR = timedelta(hours=1)


def world(seed: int = SEED) -> tuple[Item, ...]:
    """All posts in the order of time. The same seed gives the same posts, byte for byte."""
    dice = Dice(seed)
    writer = Writer(dice)
    drafts = [draft for platform in PLACES for draft in _background(dice, writer, platform)]
    drafts += _promo(dice, writer)
    drafts += _incident(dice, writer)
    drafts += _aftermath(dice, writer)
    drafts += _service()
    return _finished(drafts)


def local(day: date, hour: float = 0.0) -> datetime:
    """A moment of a local day, in UTC."""
    return datetime.combine(day, time(), ZONE).astimezone(UTC) + timedelta(hours=hour)


# -- ordinary days ----------------------------------------------------------------------------------------------------


def _background(dice: Dice, writer: Writer, platform: str) -> list[Draft]:
    """Every ordinary post of one platform. A reply or repost takes up one of the last dozen about the same brand."""
    place = PLACES[platform]
    moments = sorted((at, about) for about, daily in place.daily for at in _moments(dice, daily, place.weekend))
    recent: dict[str, deque[Draft]] = {OWN: deque(maxlen=12), RIVAL: deque(maxlen=12)}
    made = []
    for at, about in moments:
        script = HANS if dice.chance(place.simplified) else HANT
        if about not in recent:
            made.append(_noise(writer, platform, at, script, about))
            continue
        draft = Draft(platform, at, writer.nick(), "", script, about=about, tone=dice.weighted(place.tones))
        earlier = recent[about]
        if earlier and dice.chance(place.reposts):
            _copy(dice, draft, dice.pick(earlier))
        elif earlier and dice.chance(place.replies):
            thread = dice.pick(earlier)
            product = product_in(thread.text, thread.script)
            _answer(draft, thread, writer.reply(script, about, draft.tone, product))
        else:
            _write(writer, draft)
            earlier.append(draft)
        made.append(draft)
    return made


def _moments(dice: Dice, daily: float, weekend: float) -> Iterator[datetime]:
    """Times with the rhythm of hours and weekdays; each day is a little louder or calmer than the rhythm says."""
    for number in range(DAYS):
        day = FIRST_DAY + timedelta(days=number)
        level = daily / 24 * (weekend if day.weekday() >= 5 else 1.0) * dice.around_one(0.12)
        for hour, weight in enumerate(_HOURS):
            for _ in range(dice.poisson(level * weight / _MEAN_HOUR)):
                yield _within(dice, local(day, hour))


def _within(dice: Dice, hour: datetime, minutes: int = 60) -> datetime:
    return hour + timedelta(seconds=dice.number(0, 60 * minutes - 1))


def _write(writer: Writer, draft: Draft) -> None:
    """An ordinary text in the manner of its platform."""
    if draft.platform == NEWS:
        draft.author = "島讀編輯部"
        draft.title, draft.text = writer.news(draft.script, draft.about, draft.tone)
    elif draft.platform == FORUM:
        draft.text = writer.opinion(draft.script, draft.about, draft.tone, long=True)
        product = product_in(draft.text, draft.script)
        draft.title = writer.title(draft.script, draft.about, draft.tone, product)
    else:
        said = writer.opinion(draft.script, draft.about, draft.tone, long=False)
        draft.text = said + writer.tail(draft.script, draft.tone)


def _answer(draft: Draft, to: Draft, said: str) -> None:
    """A reply as its platform shows it: a forum repeats the title, a microblog names whom it answers."""
    root = to.answers or to
    draft.answers = root
    if draft.platform == FORUM:
        draft.title, draft.text = f"Re: {root.title}", said
    else:
        draft.text = f"{'回复' if draft.script == HANS else '回覆'}@{to.author}: {said}"


def _copy(dice: Dice, draft: Draft, original: Draft) -> None:
    """The same text again, as people pass it on: verbatim, in quotes, or with an emoji behind it."""
    frame = dice.pick(("{0}", "{0}", "「{0}」", "{0} 👇", "{0}[话筒]"))
    draft.title, draft.text = original.title, frame.format(original.text)
    draft.script, draft.about, draft.tone, draft.cause = (
        original.script, original.about, original.tone, original.cause,
    )  # fmt: skip
    draft.copies = original


def _noise(writer: Writer, platform: str, at: datetime, script: str, about: str) -> Draft:
    text = writer.said([phrases()["noise"][script][about]], script)
    title = phrases()["noise"]["titles"][about] if platform != MICROBLOG else ""
    return Draft(platform, at, writer.nick(), text, script, title=title, cause=NOISE)


# -- the promo day ----------------------------------------------------------------------------------------------------


def _promo(dice: Dice, writer: Writer) -> Iterator[Draft]:
    """Four times the usual volume on top of it, as often negative as ever; one coupon text is passed on again and
    again, and the brand's own account advertises."""
    for platform, place in PLACES.items():
        daily = 4 * dict(place.daily)[OWN]
        for hour, weight in enumerate(_HOURS):
            for _ in range(dice.poisson(daily / 24 * weight / _MEAN_HOUR)):
                yield _promo_post(dice, writer, platform, _within(dice, local(PROMO_DAY, hour)))
    coupon = _coupon(writer, local(PROMO_DAY, 9.2), HANT)
    yield coupon
    for _ in range(30):
        again = _coupon(writer, _within(dice, local(PROMO_DAY, 10), 13 * 60), HANS if dice.chance(0.6) else HANT)
        again.copies = coupon
        yield again
    for hour in (9, 12, 20):
        said = writer.fill(phrases()["promo"][HANT]["official"], HANT)
        yield Draft(MICROBLOG, local(PROMO_DAY, hour), OWN_ACCOUNT, f"澄嵐{said}", HANT, about=OWN, cause=PROMO)


def _promo_post(dice: Dice, writer: Writer, platform: str, at: datetime) -> Draft:
    place = PLACES[platform]
    script = HANS if dice.chance(place.simplified) else HANT
    tone = dice.weighted(place.tones)
    draft = Draft(platform, at, writer.nick(), "", script, about=OWN, tone=tone, cause=PROMO)
    if platform == NEWS or tone == NEGATIVE:
        _write(writer, draft)
        return draft
    draft.tone = POSITIVE if tone == POSITIVE else NEUTRAL
    draft.text = writer.said([phrases()["promo"][script]["voices"], phrases()[script]["closings"]], script, second=0.5)
    if platform == FORUM:
        title = "{b}週年慶{p}" if script == HANT else "{b}周年庆{p}"
        draft.title = writer.fill(title, script, product=product_in(draft.text, script))
    return draft


def _coupon(writer: Writer, at: datetime, script: str) -> Draft:
    return Draft(
        MICROBLOG, at, writer.nick(), phrases()["promo"][script]["coupon"], script, about=OWN, tone=NEUTRAL, cause=PROMO
    )


# -- the incident -----------------------------------------------------------------------------------------------------


@dataclass
class _Talk:
    """The incident on one platform as it grows: its first post and the threads that can be answered."""

    dice: Dice
    writer: Writer
    platform: str
    threads: list[Draft] = field(default_factory=list)
    last: Draft | None = None

    def add(self, at: datetime, kind: str, tone: str) -> Draft:
        """A voice or a question: a post of its own, or an answer; now and then the same person goes on at once."""
        script = HANS if self.dice.chance(PLACES[self.platform].simplified) else HANT
        words = phrases()["incident"][script]
        draft = Draft(self.platform, at, self.writer.nick(), "", script, about=OWN, tone=tone, cause=INCIDENT)
        started = [thread for thread in self.threads if thread.at < at]
        if started and self.dice.chance(0.65 if self.platform == FORUM else 0.25):
            self._answer(draft, words, kind, self.dice.pick(started))
            return draft
        said = self._said(words, kind, script)
        if self.platform == FORUM:
            draft.title, draft.text = self.dice.pick(words["titles"]), said
        else:
            draft.text = said + self.writer.tail(script, tone)
        self.threads.append(draft)
        return draft

    def _answer(self, draft: Draft, words: Mapping[str, Any], kind: str, to: Draft) -> None:
        _answer(draft, to, self._said(words, "replies" if kind == "voices" else kind, draft.script))
        if self.last is not None and self.last.answers is draft.answers and self.dice.chance(0.15):
            draft.author = self.last.author
        self.last = draft

    def _said(self, words: Mapping[str, Any], kind: str, script: str) -> str:
        return self.writer.said([words[kind]] if kind == "questions" else [words[kind], words["details"]], script)


def _incident(dice: Dice, writer: Writer) -> list[Draft]:
    """One person's question in the evening; then the forum, the microblog, the news; then copies of two long texts."""
    words = phrases()["incident"][HANT]
    first = Draft(
        FORUM, INCIDENT_START, writer.nick(), writer.fill(words["first_body"], HANT), HANT, words["first_title"],
        OWN, NEGATIVE, INCIDENT,
    )  # fmt: skip
    made = [first]
    for platform in (FORUM, MICROBLOG):
        talk = _Talk(dice, writer, platform, [first] if platform == FORUM else [])
        for hour, voices in enumerate(_WAVES[platform]):
            start = INCIDENT_START + hour * _HOUR
            planned = [(_within(dice, start), "voices", NEGATIVE) for _ in range(dice.poisson(voices))]
            planned += [(_within(dice, start), "questions", NEUTRAL) for _ in range(dice.poisson(voices * _BYSTANDERS))]
            made += [talk.add(*plan) for plan in sorted(planned)]
    made += _reports(dice, writer)
    made += _passed_on(dice, writer)
    return made


def _reports(dice: Dice, writer: Writer) -> Iterator[Draft]:
    stories = phrases()["incident"][HANT]["news"]
    number = 0
    for hour, reports in enumerate(_WAVES[NEWS]):
        for _ in range(dice.poisson(reports)):
            title, lead = writer.pair(stories[number % len(stories)], HANT)
            at = _within(dice, INCIDENT_START + hour * _HOUR)
            yield Draft(NEWS, at, "島讀編輯部", lead, HANT, title, OWN, NEGATIVE, INCIDENT)
            number += 1


def _passed_on(dice: Dice, writer: Writer) -> Iterator[Draft]:
    """Two long texts that others post again, on the microblog in both scripts."""
    for number in range(2):
        original: Draft | None = None
        for hour, copies in enumerate(_COPIES):
            for at in sorted(_within(dice, INCIDENT_START + hour * _HOUR) for _ in range(dice.poisson(copies))):
                script = HANS if dice.chance(0.6) else HANT
                draft = Draft(
                    MICROBLOG, at, writer.nick(), phrases()["incident"][script]["shared"][number], script, about=OWN,
                    tone=NEGATIVE, cause=INCIDENT, copies=original,
                )  # fmt: skip
                original = original or draft
                yield draft


def _aftermath(dice: Dice, writer: Writer) -> Iterator[Draft]:
    """The brand's statement, and two days in which people tell how the exchange goes."""
    words = phrases()["incident"][HANT]
    yield Draft(MICROBLOG, STATEMENT_AT, OWN_ACCOUNT, f"澄嵐{words['official']}", HANT, about=OWN, cause=INCIDENT)
    for platform in (FORUM, MICROBLOG):
        for _ in range(20):
            hours = 1 + 34 * dice.unit()
            at = STATEMENT_AT + timedelta(seconds=int(3600 * hours))
            if not 8 <= at.astimezone(ZONE).hour <= 23:
                continue
            script = HANS if dice.chance(PLACES[platform].simplified) else HANT
            calm = phrases()["incident"][script]["calm"]
            said = writer.said([calm, phrases()[script]["closings"]], script)
            title = "[情報] 澄嵐退換進度" if platform == FORUM else ""
            yield Draft(platform, at, writer.nick(), said, script, title, OWN, NEUTRAL, INCIDENT)


# -- customers who are answered ----------------------------------------------------------------------------------------


def _service() -> Iterator[Draft]:
    """Two complaints that the brand answers in the forum; one of them is made good, and its author says so."""
    for case in phrases()["service"]:
        days, *hours = case["hours"]
        at = [local(FIRST_DAY + timedelta(days=days), hour) for hour in hours]
        began = Draft(FORUM, at[0], case["author"], case["text"], HANT, case["title"], OWN, NEGATIVE, SERVICE)
        yield began
        yield Draft(
            FORUM, at[1], SERVICE_ACCOUNT, case["answer"], HANT, f"Re: {case['title']}", OWN, NEUTRAL, SERVICE, began
        )
        if case.get("later"):
            yield Draft(
                FORUM, at[2], case["author"], case["later"], HANT, f"Re: {case['title']}", OWN, POSITIVE, SERVICE, began
            )


# -- the order of time ------------------------------------------------------------------------------------------------

_PREFIX = {NEWS: "n", FORUM: "t", MICROBLOG: "w"}


def _finished(drafts: list[Draft]) -> tuple[Item, ...]:
    """Ids by the order of time on each platform, as platforms give them."""
    ordered = sorted(drafts, key=lambda d: (d.at, d.platform, d.author, d.text))
    next_id = dict.fromkeys(_PREFIX, 1000)
    ids: dict[int, str] = {}
    for draft in ordered:
        ids[id(draft)] = f"{_PREFIX[draft.platform]}{next_id[draft.platform]}"
        next_id[draft.platform] += 1
    return tuple(
        Item(
            d.platform, ids[id(d)], d.at, d.author, d.title, d.text, d.script, d.about, d.tone, d.cause,
            reply_to=ids[id(d.answers)] if d.answers else "",
            copy_of=ids[id(d.copies)] if d.copies else "",
        )
        for d in ordered
    )  # fmt: skip

"""The travel index in words: how much farther bad news went than good news, or that nothing can be said of it."""

from __future__ import annotations

from dataclasses import dataclass
from math import log

from monitor.model import (
    TRAVEL_FEWEST,
    Lack,
    Measure,
    Travel,
    TravelMeasure,
    TravelVerdict,
)
from reports.citing import cited
from reports.language import Language

SCALE = 16.0
"""The chart's axis goes from 1 / SCALE to SCALE, in equal steps for equal factors."""


@dataclass(frozen=True, slots=True)
class MeasureView:
    """One measure as a row of a table and a bar of a chart.

    ``low``, ``at`` and ``high`` are places on the chart's axis, 0 to 1, where .5 is a factor of 1; beyond its ends they
    are at the end. All three are None where nothing is known; then ``ratio`` is empty and ``interval`` says why.
    """

    name: str
    ratio: str
    interval: str
    negatives: str
    positives: str
    low: float | None = None
    at: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class TravelView:
    """``sentence`` is the whole finding; ``notes`` say how it was come by; ``measures`` begin with all together."""

    sentence: str
    notes: tuple[str, ...]
    measures: tuple[MeasureView, ...]


def travel_view(travel: Travel, words: Language) -> TravelView:
    return TravelView(travel_sentence(travel, words), _notes(travel, words), _rows(travel, words))


def travel_sentence(travel: Travel, words: Language) -> str:
    """The finding in a sentence or two that need nothing else to be understood."""
    stories = _stories(travel, words)
    if travel.verdict is TravelVerdict.TOO_LITTLE or travel.ratio is None or travel.low is None:
        return _too_little(travel, stories, words)
    within = _interval(travel.low, travel.high, words)
    within = cited(within, "travel")
    values = {"ratio": cited(_factor(travel.ratio, words), "travel"), "interval": within, "stories": stories}
    if travel.verdict is TravelVerdict.FARTHER:
        if travel.high is None:
            return words.gettext(
                "Bad news went at least %(low)s times as far as good news (95%% sure; %(stories)s).",
                low=cited(_factor(travel.low, words), "travel"), stories=stories,
            )  # fmt: skip
        return words.gettext(
            "Bad news went %(ratio)s times as far as good news (95%% interval %(interval)s; %(stories)s).", **values
        )
    if travel.verdict is TravelVerdict.LESS_FAR:
        return words.gettext(
            "Bad news went less far than good news: %(ratio)s times as far (95%% interval %(interval)s; %(stories)s).",
            **values,
        )
    shown = words.gettext(
        "No difference shown between how far bad and good news went (95%% interval of the factor: %(interval)s; "
        "%(stories)s).", **values,
    )  # fmt: skip
    return words.sentences(shown, _could_have_seen(travel, words))


def _could_have_seen(travel: Travel, words: Language) -> str:
    """No difference shown is not the same as no difference: how large a one could have hidden."""
    if travel.needed is not None:
        needed = cited(words.rough(travel.needed), "travel")
        return words.gettext("To see bad news go twice as far would have needed about %(n)s stories.", n=needed)
    if travel.high is None or not travel.low:
        return words.gettext("One side hardly travelled at all, so even a large one might not have shown.")
    return words.gettext("Had bad news gone twice as far, it would most likely have shown.")


def _too_little(travel: Travel, stories: str, words: Language) -> str:
    needed = {
        Lack.STORIES: words.gettext("at least %(n)s of either are needed", n=words.number(TRAVEL_FEWEST)),
        Lack.DAYS: words.gettext("nearly all of them began on a few days, and a few happenings are no habit"),
        Lack.TRAVEL: words.gettext("hardly any of them, good or bad, went anywhere"),
        Lack.ALIKE: words.gettext("hardly any bad one has a good one on the same platform to be compared with"),
    }[travel.lack or Lack.TRAVEL]
    return words.gettext(
        "Too little data to say whether bad news goes farther than good news (%(stories)s): %(needed)s.",
        stories=stories, needed=needed,
    )  # fmt: skip


def _stories(travel: Travel, words: Language) -> str:
    """What it was reckoned from."""
    bad = words.ngettext("%(n)s negative", "%(n)s negative", travel.negatives)
    good = words.ngettext("%(n)s positive story", "%(n)s positive stories", travel.positives)
    return words.gettext(
        "%(negative)s and %(positive)s of %(days)s days",
        negative=cited(bad, "travel"), positive=cited(good, "travel"), days=words.number(travel.days),
    )  # fmt: skip


def _factor(value: float, words: Language) -> str:
    return words.number(value, 2 if value < 1 else 1 if value < 10 else 0)


def _interval(low: float, high: float | None, words: Language) -> str:
    if high is None:
        return words.gettext("%(low)s or more", low=_factor(low, words)) if low else words.gettext("without bounds")
    if not low:
        return words.gettext("up to %(high)s", high=_factor(high, words))
    return f"{_factor(low, words)}–{_factor(high, words)}"


def _notes(travel: Travel, words: Language) -> tuple[str, ...]:
    return (
        words.gettext(
            "Stories are compared on the same platform, with authors of as many followers, at the same hour and in "
            "the same week, each over its first %(hours)s hours.", hours=words.number(travel.window),
        ),
        words.gettext(
            "A story is bad or good by its first post, which the model may judge wrongly; that draws the factor "
            "towards 1."
        ),
    )  # fmt: skip


def _rows(travel: Travel, words: Language) -> tuple[MeasureView, ...]:
    names = {
        Measure.COPIES: words.gettext("Copies heard"),
        Measure.REPOSTS: words.gettext("Reposts shown"),
        Measure.COMMENTS: words.gettext("Comments"),
        Measure.PLATFORMS: words.gettext("Further platforms"),
        Measure.SPEED: words.gettext("Speed of doubling"),
    }
    whole = TravelMeasure(
        Measure.COPIES, travel.negatives, travel.positives, None, None, travel.ratio, travel.low, travel.high
    )
    return (
        _row(words.gettext("Altogether"), whole, "travel", words),
        *(_row(names[m.measure], m, "travel-measures", words) for m in travel.measures),
    )


def _row(name: str, measure: TravelMeasure, key: str, words: Language) -> MeasureView:
    """``key``: the proof of its numbers."""
    sizes = cited(words.number(measure.negatives), key), cited(words.number(measure.positives), key)
    if measure.ratio is None or measure.low is None:
        return MeasureView(name, "", words.gettext("too little data"), *sizes)
    places = [_place(x) for x in (measure.low, measure.ratio, measure.high or SCALE)]
    said = cited(f"×{_factor(measure.ratio, words)}", key), cited(_interval(measure.low, measure.high, words), key)
    return MeasureView(name, *said, *sizes, *places)


def _place(factor: float) -> float:
    if factor <= 1 / SCALE:
        return 0.0
    return min(1.0, 0.5 + log(factor) / (2 * log(SCALE)))

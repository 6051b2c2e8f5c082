"""The digest's four numbers beside those of earlier days, and what a change of them means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.model import HEARD_ENOUGH, Change, Digest, Totals
from reports.citing import cited
from reports.language import Language


@dataclass(frozen=True, slots=True)
class Comparison:
    """A number against an earlier day. ``tone``: worse, better, changed (beyond noise) or flat."""

    against: str
    before: str
    difference: str
    judgement: str
    tone: str


@dataclass(frozen=True, slots=True)
class Figure:
    label: str
    value: str
    comparisons: tuple[Comparison, ...]


def figures(digest: Digest, words: Language) -> tuple[Figure, ...]:
    today = digest.today
    labels = {
        "mentions": words.gettext("Mentions"),
        "negative_posts": words.gettext("Negative posts"),
        "negative_voices": words.gettext("Negative voices"),
        "negative_share": words.gettext("Negative share"),
    }
    against = (
        (words.gettext("Day before"), "day-before", digest.yesterday, digest.against_yesterday),
        (words.gettext("Week before"), "week-before", digest.last_week, digest.against_last_week),
    )
    return tuple(
        Figure(
            label,
            cited(measured(measure, today, words), "day"),
            tuple(comparison(measure, today, *a, words) for a in against),
        )
        for measure, label in labels.items()
    )


def measured(measure: str, totals: Totals | None, words: Language) -> str:
    """One measure of the totals as text, a dash where there is none."""
    number = getattr(totals, measure) if totals is not None else None
    if number is None:
        return "–"
    return words.percent(number, 1) if measure == "negative_share" else words.number(number)


def comparison(
    measure: str, today: Totals, against: str, key: str, earlier: Totals | None, changes: Sequence[Change],
    words: Language,
) -> Comparison:  # fmt: skip
    now = getattr(today, measure)
    before = getattr(earlier, measure) if earlier is not None else None
    if earlier is None or before is None:
        return Comparison(against, "", "", words.gettext("no figures"), "flat")
    shown = cited(measured(measure, earlier, words), key)
    if now is None or min(today.heard, earlier.heard) < HEARD_ENOUGH:
        return Comparison(against, shown, "", words.gettext("not comparable"), "flat")
    difference = _points(now - before, words) if measure == "negative_share" else words.signed(now - before)
    judged = next((c.beyond_noise for c in changes if c.measure == measure), None)
    if not judged:
        judgement = "" if judged is None else words.gettext("within noise")
        return Comparison(against, shown, cited(difference, key), judgement, "flat")
    tone = "changed" if measure == "mentions" else "worse" if now > before else "better"
    return Comparison(against, shown, cited(difference, key), words.gettext("more than noise"), tone)


def _points(difference: float, words: Language) -> str:
    return words.gettext("%(points)s points", points=words.signed(100 * difference, 1))


def counted(totals: Totals, key: str, words: Language) -> str:
    """Voices among mentions, as evidenced by the proof ``key``."""
    voices = words.ngettext("%(n)s negative voice", "%(n)s negative voices", totals.negative_voices)
    mentions = words.ngettext("%(n)s mention", "%(n)s mentions", totals.mentions)
    return words.gettext("%(voices)s among %(mentions)s", voices=cited(voices, key), mentions=cited(mentions, key))


def since_midnight(digest: Digest, words: Language) -> str:
    totals = digest.since_midnight
    if totals is None:
        return ""
    said = words.gettext(
        "Until %(time)s: %(count)s.",
        time=words.clock(digest.made_at, digest.zone),
        count=counted(totals, "since-midnight", words),
    )
    if totals.heard >= HEARD_ENOUGH:
        return said
    share = cited(words.heard(totals.heard), "coverage")
    return words.sentences(said, words.gettext("Only %(share)s of the usual volume was heard in it.", share=share))

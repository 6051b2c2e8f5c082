"""What customers feel, in words: themes of complaint, praise, wishes, and who says that he leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.model import Digest, Feeling, FeelingLine, ThemeLine
from reports.citing import cited
from reports.feeling_words import feeling_word, theme_word
from reports.incident_view import QuoteView, quote_view
from reports.language import Language

THEMES_SHOWN = 8
QUOTES_SHOWN = 3
COPIED = 5
"""Posts of a theme without a voice of its own from which it is shown (j): what is copied this much is heard."""

GOOD = (Feeling.PRAISE, Feeling.MOVED)
UNMET = (Feeling.WISH,)
GOING = (Feeling.LEAVING, Feeling.TELLING, Feeling.EXIT, Feeling.DISAPPOINTMENT)


@dataclass(frozen=True, slots=True)
class ThemeView:
    """``share``: its bar, 0..1 of the largest theme's. ``spark``: 14 heights 0..1 of its own largest day, this one
    last. ``tone`` as in ``Comparison``."""

    name: str
    voices: str
    posts: str
    share: float
    spark: tuple[float, ...]
    spark_words: str
    before: str
    difference: str
    judgement: str
    tone: str
    quote: QuoteView | None


@dataclass(frozen=True, slots=True)
class FeelingView:
    """One kind of signal. ``quotes``: (what of, quote)."""

    key: str
    name: str
    posts: str
    change: str
    quotes: tuple[tuple[str, QuoteView], ...]


def themes(digest: Digest, words: Language) -> tuple[ThemeView, ...]:
    shown = shown_themes(digest.themes)
    most = max((t.voices for t in shown), default=0) or 1
    return tuple(_theme(t, most, digest, words) for t in shown)


def shown_themes(lines: Sequence[ThemeLine]) -> tuple[ThemeLine, ...]:
    """The first that have voices. One without, of a post or two that are neutral or copied, only puzzles."""
    return tuple(line for line in lines if line.voices or line.posts >= COPIED)[:THEMES_SHOWN]


def _theme(theme: ThemeLine, most: int, digest: Digest, words: Language) -> ThemeView:
    top = max(theme.series, default=0) or 1
    before, difference, judgement, tone = _week(theme, words)
    return ThemeView(
        name=theme_word(theme.theme, words),
        voices=cited(words.ngettext("%(n)s voice", "%(n)s voices", theme.voices), "themes"),
        posts=cited(words.ngettext("%(n)s post", "%(n)s posts", theme.posts), "themes"),
        share=theme.voices / most,
        spark=tuple(n / top for n in theme.series),
        spark_words=words.gettext(
            "Voices of the last %(n)s days: %(series)s",
            n=words.number(len(theme.series)),
            series=words.join([words.number(n) for n in theme.series]),
        ),
        before=before,
        difference=difference,
        judgement=judgement,
        tone=tone,
        quote=quote_view(theme.quote, digest.zone, words, digest.day) if theme.quote else None,
    )


def _week(theme: ThemeLine, words: Language) -> tuple[str, str, str, str]:
    """Against the same weekday last week, as ``Comparison`` has it."""
    if theme.before is None:
        return "", "", words.gettext("no figures"), "flat"
    before = cited(words.number(theme.before), "themes")
    if theme.beyond_noise is None:
        return before, "", words.gettext("not comparable"), "flat"
    difference = cited(words.signed(theme.voices - theme.before), "themes")
    if not theme.beyond_noise:
        return before, difference, words.gettext("within noise"), "flat"
    return before, difference, words.gettext("more than noise"), "worse" if theme.voices > theme.before else "better"


def feelings(digest: Digest, kinds: Sequence[Feeling], words: Language) -> tuple[FeelingView, ...]:
    """Those of ``kinds`` that somebody showed on this day, in their order."""
    lines = {line.kind: line for line in digest.feelings if line.posts}
    return tuple(_feeling(lines[kind], digest, words) for kind in kinds if kind in lines)


def _feeling(line: FeelingLine, digest: Digest, words: Language) -> FeelingView:
    change = ""
    if line.before is not None:
        before = cited(words.number(line.before), "feelings")
        change = words.gettext("%(before)s the day before", before=before)
    return FeelingView(
        key=str(line.kind),
        name=feeling_word(line.kind, words),
        posts=cited(words.ngettext("%(n)s post", "%(n)s posts", line.posts), "feelings"),
        change=change,
        quotes=tuple(
            (theme_word(theme, words) if theme else "", quote_view(quote, digest.zone, words, digest.day))
            for theme, quote in line.quotes[:QUOTES_SHOWN]
        ),
    )

"""The own brand beside its competitors, over four weeks, and what they do better."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.model import Digest, FulfilledWish, Rival
from reports.citing import cited
from reports.feeling_words import theme_word
from reports.incident_view import NAME_LENGTH, QuoteView, quote_view
from reports.language import Language
from reports.safe import line

RIVALS_SHOWN = 8
BETTER_SHOWN = 3
WISHES_SHOWN = 3


@dataclass(frozen=True, slots=True)
class RivalView:
    """``share``: of voice, 0..1, the length of its bar."""

    name: str
    own: bool
    mentions: str
    voice: str
    share: float
    net: str


@dataclass(frozen=True, slots=True)
class WishView:
    wish: QuoteView
    said: str
    praise: QuoteView | None


def rivals(digest: Digest, words: Language) -> tuple[RivalView, ...]:
    return tuple(_rival(r, r.brand == digest.brand, words) for r in digest.rivals[:RIVALS_SHOWN])


def _rival(rival: Rival, own: bool, words: Language) -> RivalView:
    return RivalView(
        name=line(rival.brand, NAME_LENGTH),
        own=own,
        mentions=cited(words.number(rival.totals.mentions), "rivals"),
        voice=cited(words.percent(rival.share_of_voice, 1), "rivals"),
        share=rival.share_of_voice,
        net=cited(words.score(rival.net), "rivals") if rival.net is not None else "–",
    )


def better(digest: Digest, words: Language) -> tuple[str, ...]:
    """A sentence for each theme of which a rival's customers complain less than ours, beyond noise."""
    return tuple(
        words.gettext(
            "%(brand)s does better on %(theme)s: %(theirs)s of its mentions complain of it, %(ours)s of ours.",
            brand=line(rival.brand, NAME_LENGTH),
            theme=theme_word(theme, words),
            theirs=cited(words.percent(share, 1), "better"),
            ours=cited(words.percent(ours, 1), "better"),
        )
        for rival in digest.rivals
        for theme, share, ours in rival.better[:BETTER_SHOWN]
    )


def fulfilled(digest: Digest, words: Language) -> tuple[WishView, ...]:
    return tuple(_wish(f, digest, words) for f in digest.fulfilled[:WISHES_SHOWN])


def _wish(found: FulfilledWish, digest: Digest, words: Language) -> WishView:
    rival = line(found.rival, NAME_LENGTH)
    if found.praise is None:
        said = words.gettext("The wish names %(brand)s itself.", brand=rival)
    else:
        said = words.gettext("%(brand)s is praised for it:", brand=rival)
    return WishView(
        wish=quote_view(found.wish, digest.zone, words, digest.day),
        said=said,
        praise=quote_view(found.praise, digest.zone, words, digest.day) if found.praise else None,
    )

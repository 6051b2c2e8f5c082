"""Beside the competitors: themes of which rivals hear less, and wishes of our customers that a rival fulfils. Pure."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

LEAST_COMPLAINTS = 5
"""Complaints of one theme below which ours are not compared with a rival's."""

LEAST_MENTIONS = 50
"""Mentions of a rival below which nothing is said of what it does better."""

LEVEL = 0.05
"""Two-sided p of the whole comparison: it is shared out among all themes and rivals (Bonferroni)."""

CONTENT = 8.0
"""Bits of a pair of characters that says what a wish is about: it stands in fewer than one post in 256."""


@dataclass(frozen=True, slots=True)
class Days:
    """One brand's mentions on each of the same days, and by theme those that complain of it."""

    mentions: Sequence[int]
    complaints: Mapping[str, Sequence[int]]


def better(ours: Days, theirs: Days, comparisons: int) -> tuple[tuple[str, float, float], ...]:
    """(theme, its share, ours): themes of which a smaller share of the rival's mentions complain, largest difference
    first; ``comparisons``: how many themes and rivals are compared in all.

    A day's complaints come in storms, so a day is drawn, not a post: the shares are ratio estimators over days, and
    their variance is that of days about the ratio (Cochran 1977, "Sampling Techniques", section 2.11).
    """
    if sum(theirs.mentions) < LEAST_MENTIONS or len(ours.mentions) < 2:
        return ()
    least = _quantile(1 - LEVEL / comparisons / 2, len(ours.mentions) - 1)
    found = []
    for theme, counted in ours.complaints.items():
        if sum(counted) < LEAST_COMPLAINTS:
            continue
        our_share, our_error = _ratio(counted, ours.mentions)
        their_share, their_error = _ratio(theirs.complaints.get(theme, [0] * len(counted)), theirs.mentions)
        # A rival of whom nobody complains shows no scatter; it has that of a single complaint.
        their_error = max(their_error, 1 / sum(theirs.mentions))
        if our_share - their_share > least * math.hypot(our_error, their_error):
            found.append((theme, their_share, our_share))
    return tuple(sorted(found, key=lambda line: line[1] - line[2]))


def fulfilled(
    wish: Mapping[str, float], praises: Sequence[str], brand_terms: Collection[str]
) -> tuple[int, str] | None:  # fmt: skip
    """Which of a rival's praises names what is wished for, and the word they share; None where none does.

    ``wish``: its pairs of characters and how many bits each weighs in Chinese posts (``stories.topics.pairs``). They
    must share a pair that is rare and no part of a brand's name. All texts are folded.
    """
    wished = {pair: bits for pair, bits in wish.items() if bits >= CONTENT and not _named(pair, brand_terms)}
    best: tuple[float, int, str] | None = None
    for number, praise in enumerate(praises):
        for pair, bits in wished.items():
            if pair in praise and (best is None or bits > best[0]):
                best = bits, number, pair
    return (best[1], best[2]) if best else None


def _named(pair: str, terms: Collection[str]) -> bool:
    return any(char in term for term in terms for char in pair)


def _ratio(counted: Sequence[int], total: Sequence[int]) -> tuple[float, float]:
    """The share and its standard error."""
    all_of_them = sum(total)
    share = sum(counted) / all_of_them if all_of_them else 0.0
    days = len(total)
    squares = sum((y - share * n) ** 2 for y, n in zip(counted, total, strict=True))
    return share, math.sqrt(squares * days / (days - 1)) / all_of_them if all_of_them else 0.0


def _quantile(p: float, degrees: int) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(degrees, p))

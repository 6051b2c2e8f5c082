"""What a story is about: the words that set it apart from a brand's usual talk, and how fast it grows."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from monitor.text import fold

LONGEST_WORD = 5
"""Han characters of a word that is looked for."""

PRIOR = 500.0
"""Words of usual talk that the prior is worth: about as many as a story of forty posts has."""

CLEAR = 2.0
"""Standard errors by which a word must be said more often than usual."""

LEAST_POSTS = 2
"""Posts that must say a word: what one alone says is that one's."""

MOST_WORDS = 600
"""Candidates that are compared, those most said."""

_RUN = re.compile("[\u3400-\u9fff]+|[a-z0-9][a-z0-9.\\-]*[a-z0-9]")
_NOT_SAID = re.compile(r"\b(?i:re|fwd?) ?[:：]|https?://\S+|回复\s?@\S+|@[\w·\-]+|\[[\w ·!?~+]{1,20}\]")
_EDGE = frozenset(
    "的了是我你他她它们在就不也都很还这那有没和与及或但而被把让给到去来说要会能可啊呢吧吗哦呀嘛啦个些么什怎着过得地之其为因所以"
    "从对于向比又再才只最更太真好多少上下里中后前时年月日号第每一二三两几人家看想做用买叫如果并且再已经将"
)
"""Characters at which hardly any word that says something begins or ends: a guess at words without a dictionary."""


def telling_words(
    story: Sequence[str], usual: Sequence[str], own: Collection[str] = (), limit: int = 8
) -> list[tuple[str, float]]:
    """(word as written, z): what posts of ``story`` say more than ``usual`` ones do, most telling first.

    Log-odds with an informative Dirichlet prior (Monroe, Colaresi and Quinn 2008, "Fightin' Words", section 3.5.1):
    both sides are drawn towards what all posts say, by ``PRIOR`` words, and the difference is divided by its standard
    error. A word counts once a post. ``own``: the brand's terms, which tell nothing. Of words within one another the
    longest is shown that is said nearly as often.
    """
    told, heard = _posts_with(story), _posts_with(usual)
    mine = {fold(term).text for term in own}
    candidates = [w for w, n in told.most_common(20 * MOST_WORDS) if n >= LEAST_POSTS and not _is_own(w, mine)]
    scored = {word: z for word, z in log_odds(told, heard, candidates[:MOST_WORDS]).items() if z >= CLEAR}
    chosen: list[str] = []
    for word in sorted(scored, key=lambda w: (-scored[w], -len(w), w)):
        word = _longest(word, told, scored)
        if len(chosen) < limit and not any(_overlap(word, other) for other in chosen):
            chosen.append(word)
    return [(_as_written(word, story), round(scored[word], 2)) for word in chosen]


def log_odds(told: Counter[str], heard: Counter[str], words: Iterable[str]) -> dict[str, float]:
    """word -> z, how much more of ``told`` it is than of ``heard``."""
    n, m = told.total(), heard.total()
    weight = PRIOR / max(1, n + m)
    found = {}
    for word in words:
        prior = weight * (told[word] + heard[word])
        a, b = told[word] + prior, heard[word] + prior
        found[word] = (math.log(a / (n + PRIOR - a)) - math.log(b / (m + PRIOR - b))) / math.sqrt(1 / a + 1 / b)
    return found


def _posts_with(texts: Iterable[str]) -> Counter[str]:
    """In how many texts each possible word stands."""
    found: Counter[str] = Counter()
    for text in texts:
        words: set[str] = set()
        for run in _RUN.findall(_NOT_SAID.sub(" ", fold(text[:1_000]).text)):
            if run[0] < "\u3400":
                words.add(run)
                continue
            for size in range(2, LONGEST_WORD + 1):
                words.update(run[at : at + size] for at in range(len(run) - size + 1))
        found.update(word for word in words if word[0] not in _EDGE and word[-1] not in _EDGE)
    return found


def _is_own(word: str, own: Iterable[str]) -> bool:
    return any(word in term or term in word or _overlap(word, term) for term in own)


def _longest(word: str, told: Counter[str], scored: Collection[str]) -> str:
    """The longest candidate around a word that nearly all who say it say."""
    around = [w for w in scored if word in w and told[w] >= 0.7 * told[word]]
    return max(around, key=lambda w: (len(w), told[w], w))


def _overlap(one: str, other: str) -> bool:
    """Whether two words hold one another, or one ends as the other begins."""
    if one in other or other in one:
        return True
    longest = min(len(one), len(other))
    return any(one.endswith(other[:n]) or other.endswith(one[:n]) for n in range(1, longest))


def _as_written(word: str, texts: Iterable[str]) -> str:
    for text in texts:
        folded = fold(text[:1_000])
        at = folded.text.find(word)
        if at >= 0:
            start, end = folded.span(at, at + len(word))
            return text[start:end]
    return word


def doubling_time(times: Sequence[datetime]) -> timedelta | None:
    """How long the newer half of the posts took to come, by their times in any order: as long as it would take to have
    as many again. None with fewer than four, or where all came at once."""
    if len(times) < 4:
        return None
    ordered = sorted(times)
    took = ordered[-1] - ordered[(len(ordered) - 1) // 2]
    return took or None

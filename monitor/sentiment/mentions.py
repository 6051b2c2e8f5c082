"""The score of each mention of a post: of what the post says of that brand, and not of another.

A short post that names one brand keeps its own score. Else a brand's portions are scored without the brands' names
(P(negative) moves with a name) and combined. Figures: ``tests/bench/blame.py``.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from monitor.model import Label, Score
from monitor.portions import Portion, Stance, needs_portions, portions
from monitor.text import MAX_SCORED

Span = tuple[int, int]

ONLY_COMPARED = {Stance.WORSE: 0.7, Stance.BETTER: 0.08, Stance.MEASURE: 0.2}
"""P(negative) of a mention that is nothing but compared: the shares blamed among such real mentions (46 of 60, 5 of
74, 7 of 37 in ``tests/bench/labels/blame.csv``), the first taken a little lower."""

COMPARED_TOO = {Stance.WORSE: 1.5, Stance.BETTER: -1.0, Stance.MEASURE: 0.0}
"""What a comparison adds to the logit of the rest that is said of the brand, from the same mentions."""

SENTENCES_LIKE_WHOLE = 5
"""With so many sentences the loudest of them weigh as much as the portion as a whole. Posts that are all about one
thing are judged best as a whole (AUC .95, by sentence .92), and one complaint among 12 or 25 plain sentences is seen
in .58 and .46 of cases, as a whole in .31 and .10."""

FARTHEST = 6.0
"""No sentence's logit counts as farther from 0: one that is a word long must not outweigh a whole article."""


class TextScorer(Protocol):
    """What is needed of ``monitor.sentiment.Scorer``."""

    def score_many(self, texts: Sequence[str]) -> list[Score]: ...

    def band(self, p_negative: float, below: Label) -> Label: ...


@dataclass(frozen=True, slots=True)
class Named:
    """A post to be scored for its brands: its text, its own score, and where it names each (``Matcher.find_all``)."""

    text: str
    whole: Score
    spans: Mapping[int, Sequence[Span]]


@dataclass(frozen=True, slots=True)
class MentionScore:
    """A mention's score, and the place in the post that weighs most in it: to be quoted; None is the whole post.

    ``score.snownlp`` is always SnowNLP's number of the whole post.
    """

    score: Score
    heaviest: Span | None = None


@dataclass(slots=True)
class _Case:
    """One mention while it is scored: its portions, and what of them is sent to the scorer."""

    brand: int
    whole: Score
    kept: Sequence[Portion]
    said: dict[int, str] = field(default_factory=dict)
    """Place among ``kept`` -> its words."""


def score_mentions(scorer: TextScorer, posts: Sequence[Named]) -> list[dict[int, MentionScore]]:
    """For each post the score of each brand in its spans. All portions of all posts are scored in one batch.

    A post without a score of its own (no Chinese in it) has none for its mentions either. Never raises.
    """
    cases = [_cases(post) for post in posts]
    asked: dict[str, Score] = dict.fromkeys((text for each in cases for case in each for text in _texts(case)), UNKNOWN)
    asked.update(zip(asked, scorer.score_many(list(asked)), strict=True))
    found = []
    for post, each in zip(posts, cases, strict=True):
        scores = {case.brand: _mention(scorer, case, asked) for case in each}
        found.append(scores or {brand: MentionScore(post.whole) for brand in post.spans})
    return found


UNKNOWN = Score(None, None, Label.UNSCORED)


def _cases(post: Named) -> list[_Case]:
    """Nothing where the post's own score is its mentions'."""
    if post.whole.p_negative is None or not needs_portions(post.text, post.spans):
        return []
    names = _names(post.spans)
    return [
        _Case(brand, post.whole, kept, _said(post.text, kept, names))
        for brand, kept in portions(post.text, post.spans).items()
    ]


def said_of(text: str, spans: Mapping[int, Sequence[Span]], brand: int) -> str:
    """The words that a mention's score is made of: what the post says of the brand, or all of it."""
    if brand not in spans or not needs_portions(text, spans):
        return text
    return "\n".join(_said(text, portions(text, spans)[brand], _names(spans)).values()) or text


def _names(spans: Mapping[int, Sequence[Span]]) -> list[Span]:
    return sorted({span for places in spans.values() for span in places})


def _said(text: str, kept: Sequence[Portion], names: Sequence[Span]) -> dict[int, str]:
    said: dict[int, str] = {}
    room = MAX_SCORED
    for place, portion in enumerate(kept):
        if portion.stance is Stance.SAID and room > 0:
            said[place] = _without_names(text, portion, names)
            room -= portion.end - portion.start
    return said


def _without_names(text: str, portion: Portion, names: Sequence[Span]) -> str:
    """The words of a portion, names left out; as they are where nothing but names is in it."""
    pieces, done = [], portion.start
    for start, end in names[bisect_left(names, (portion.start, 0)) :]:
        if start >= portion.end:
            break
        pieces.append(text[done : max(done, start)])
        done = max(done, min(end, portion.end))
    kept = "".join([*pieces, text[done : portion.end]])
    return kept if any(char.isalnum() for char in kept) else text[portion.start : portion.end]


def _texts(case: _Case) -> list[str]:
    """First all that is said of the brand, then each portion of it."""
    return ["\n".join(case.said.values()), *case.said.values()] if case.said else []


def _mention(scorer: TextScorer, case: _Case, asked: Mapping[str, Score]) -> MentionScore:
    texts = _texts(case)
    joined = asked[texts[0]] if texts else UNKNOWN
    each = {place: asked[text].p_negative for place, text in case.said.items()}
    known = {place: p for place, p in each.items() if p is not None}
    stances = {portion.stance for portion in case.kept}
    compared = next((stance for stance in ONLY_COMPARED if stance in stances), None)
    if joined.p_negative is None and compared is None:
        return MentionScore(Score(case.whole.snownlp, None, Label.UNSCORED))
    p_negative = _combined(joined.p_negative, list(known.values()), compared)
    label = scorer.band(p_negative, _below(joined.label, compared))
    known |= {place: ONLY_COMPARED[p.stance] for place, p in enumerate(case.kept) if p.stance in ONLY_COMPARED}
    return MentionScore(Score(case.whole.snownlp, p_negative, label), _heaviest(case.kept, known, label))


def _combined(joined: float | None, each: Sequence[float], compared: Stance | None) -> float:
    """P(negative) from that of all words together, from those of the sentences, and from a comparison.

    The sentences give the root mean square of their odds: what all say alike, else mostly what the loudest says.
    """
    if joined is None:
        return ONLY_COMPARED[compared or Stance.MEASURE]
    total = _logit(joined)
    if len(each) > 1:
        loudest = 0.5 * math.log(sum(math.exp(2 * _logit(p)) for p in each) / len(each))
        total = (SENTENCES_LIKE_WHOLE * total + len(each) * loudest) / (SENTENCES_LIKE_WHOLE + len(each))
    if compared is not None:
        total += COMPARED_TOO[compared]
    return 1 / (1 + math.exp(-total))


def _logit(p: float) -> float:
    kept = min(max(p, 1e-9), 1 - 1e-9)
    return max(-FARTHEST, min(FARTHEST, math.log(kept / (1 - kept))))


def _below(joined: Label, compared: Stance | None) -> Label:
    """The label of a mention that is neither negative nor unsure: of those put above another 9 of 10 are praised."""
    if compared is Stance.BETTER:
        return Label.POSITIVE
    return Label.POSITIVE if joined is Label.POSITIVE and compared is None else Label.NEUTRAL


def _heaviest(kept: Sequence[Portion], known: Mapping[int, float], label: Label) -> Span:
    """Of a negative mention the portion with the highest P(negative), else the first that names the brand."""
    if label in (Label.NEGATIVE, Label.UNSURE) and known:
        place = max(known, key=lambda place: (known[place], -place))
    else:
        place = next((place for place, portion in enumerate(kept) if portion.named), 0)
    return kept[place].start, kept[place].end

"""The config doctor: what is likely wrong with the rules, told from the posts at hand, each with the line to change.

Pure: it takes rules and texts and gives findings. Nothing here is certain; every finding carries its numbers and
examples, so that a person can judge it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from monitor.excerpts import excerpt
from monitor.matching import Matcher, Rule
from monitor.text import fold_text, han_fold

ENOUGH_POSTS = 200
"""Posts below which nothing is concluded from what a term does not find."""

TOO_MUCH = 0.5
"""A term in more than this share of what a source brought unasked is likely a common word."""

TRAP_SHARE, TRAP_HITS = 0.25, 5
"""A longer word round a term is told from this share of the term's hits, and this many of them."""

EXAMPLES = 3
WIDTH = 60
_NO_PART_OF_A_WORD = frozenset(
    "的了是在和也都很有不就又还被把给跟与及或吗呢吧啊呀嘛哦我你他她它这那个们说要去来买用做到从对为让将会能可没"
)


@dataclass(frozen=True, slots=True)
class Terms:
    """One brand's words as configured."""

    brand: str
    terms: tuple[str, ...]
    require: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sample:
    """A stored post's text. ``unasked``: its source also brings posts that mention nobody: it was not searched for."""

    text: str
    unasked: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that may be wrong: in which table, what, and the line that would change it. ``examples`` are strangers'
    words, still unescaped."""

    where: str
    says: str
    change: str = ""
    examples: tuple[str, ...] = ()


@dataclass
class _Hits:
    """What one term found: posts, those brought unasked, and the words of one or two more letters that it stood in."""

    posts: int = 0
    unasked: int = 0
    around: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)


def examine(brands: Sequence[Terms], posts: Iterable[Sample]) -> list[Finding]:
    """Every finding about the brands' words, those that need posts only where there are enough of them."""
    found = [*_one_inside_another(brands), *_too_short(brands), *_one_script(brands)]
    hits, seen, unasked = _count(brands, posts)
    for brand in brands:
        if seen >= ENOUGH_POSTS:
            found += _never(brand, hits, seen)
        for term in {fold_text(t): t for t in reversed(brand.terms)}.values():  # of two scripts' the first
            if unasked >= ENOUGH_POSTS:
                found += _too_much(brand, term, hits[term], unasked)
            found += _traps(brand, term, hits[term])
    return found


def _where(brand: str) -> str:
    return f'brands "{brand}"'


def _listed(words: Iterable[str]) -> str:
    return "[" + ", ".join(json.dumps(w, ensure_ascii=False) for w in words) + "]"


# -- from the words alone -------------------------------------------------------------------------------------------


def _one_inside_another(brands: Sequence[Terms]) -> list[Finding]:
    """小米 is found in 小米有品: a mention of the one is then one of the other too."""
    found = []
    for brand in brands:
        covered = [fold_text(w) for w in brand.exclude]
        for other in brands:
            if other.brand == brand.brand:
                continue
            inside = [
                (term, longer) for term in brand.terms for longer in other.terms
                if fold_text(term) in fold_text(longer) and fold_text(longer) not in covered
            ]  # fmt: skip
            for term, longer in inside:
                says = (
                    f'"{term}" is part of "{longer}" of {other.brand}: each mention of that is one of {brand.brand} too'
                )
                found.append(Finding(_where(brand.brand), says, f"exclude = {_listed([*brand.exclude, longer])}"))
    return found


def _too_short(brands: Sequence[Terms]) -> list[Finding]:
    found = []
    for brand in brands:
        for term in brand.terms:
            folded = fold_text(term).strip()
            least = 3 if folded.isascii() else 2
            if len(folded) < least and not brand.require:
                says = f'"{term}" is so short that it will be found in much that is not about {brand.brand}'
                found.append(Finding(_where(brand.brand), says, 'require = ["a word of its trade"]'))
    return found


def _one_script(brands: Sequence[Terms]) -> list[Finding]:
    """Matching folds both scripts together; a platform that is searched for the term does not."""
    found = []
    for brand in brands:
        missing = [v for t in brand.terms if (v := _simplified(t)) != t and v not in brand.terms]
        lacking = [t for t in brand.terms if _one_traditional(t) and not _has_other(t, brand.terms)]
        if missing := list(dict.fromkeys(missing)):
            says = f"posts in the other script are matched, but sources are not searched for {_listed(missing)}"
            found.append(Finding(_where(brand.brand), says, f"terms = {_listed([*brand.terms, *missing])}"))
        if lacking:
            says = f"posts in the other script are matched, but sources are searched only for {_listed(lacking)}"
            found.append(Finding(_where(brand.brand), f"{says}: is there a Traditional form?"))
    return found


def _simplified(term: str) -> str:
    return "".join(han_fold().get(char, char) for char in term)


def _has_other(term: str, terms: Sequence[str]) -> bool:
    return any(other != term and fold_text(other) == fold_text(term) for other in terms)


def _one_traditional(term: str) -> bool:
    """Whether a term is Simplified and has characters that Traditional texts write otherwise; which, a person knows:
    范 may be a name or 範, 为 is 為 or 爲."""
    return _simplified(term) == term and any(char in _simplified_ones() for char in term)


@cache
def _simplified_ones() -> frozenset[str]:
    return frozenset(han_fold().values())


# -- from posts -----------------------------------------------------------------------------------------------------


def _count(brands: Sequence[Terms], posts: Iterable[Sample]) -> tuple[Mapping[str, _Hits], int, int]:
    """What each term finds, and in how many posts, and in how many unasked ones."""
    terms = list(dict.fromkeys(term for brand in brands for term in brand.terms))
    matcher = Matcher([Rule(number, (term,)) for number, term in enumerate(terms)])
    hits, seen, unasked = {term: _Hits() for term in terms}, 0, 0
    for post in posts:
        seen += 1
        unasked += post.unasked
        for number, spans in matcher.find_all(post.text).items():
            hits[terms[number]].unasked += post.unasked
            _note(hits[terms[number]], post.text, spans[0])
    return hits, seen, unasked


def _note(hits: _Hits, text: str, span: tuple[int, int]) -> None:
    start, end = span
    hits.posts += 1
    for a, b in ((start, end + 1), (start, end + 2), (start - 1, end), (start - 2, end)):
        added = text[end:b] if b > end else text[max(0, a) : start]
        if a < 0 or b > len(text) or not _part_of_a_word(added):
            continue
        hits.around[text[a:b]] += 1
        _example(hits, text[a:b], text, span)
    _example(hits, "", text, span)


def _part_of_a_word(added: str) -> bool:
    return bool(added) and all("\u4e00" <= c <= "\u9fff" and fold_text(c) not in _NO_PART_OF_A_WORD for c in added)


def _example(hits: _Hits, word: str, text: str, span: tuple[int, int]) -> None:
    kept = hits.examples.setdefault(word, [])
    if len(kept) < EXAMPLES:
        kept.append(excerpt(text, *span, WIDTH))


def _never(brand: Terms, hits: Mapping[str, _Hits], seen: int) -> list[Finding]:
    silent = [term for term in brand.terms if not hits[term].posts]
    if not silent:
        return []
    kept = [term for term in brand.terms if term not in silent]
    says = f"{_listed(silent)} found nothing in {seen} stored posts: a slip of the pen?"
    return [Finding(_where(brand.brand), says, f"terms = {_listed(kept)}" if kept else "terms = [...]")]


def _too_much(brand: Terms, term: str, hits: _Hits, unasked: int) -> list[Finding]:
    if hits.unasked < TOO_MUCH * unasked or brand.require:
        return []
    says = f'"{term}" is in {hits.unasked} of {unasked} posts that were not searched for: is it a common word?'
    return [Finding(_where(brand.brand), says, 'require = ["a word of its trade"]', tuple(hits.examples.get("", ())))]


EXCLUDE_MOST = 8
"""Characters that a proposed exclude may be longer than the term."""

RARELY, EACH_SAID = 0.1, 3
"""A proposed exclude removes at most this share of a brand's mentions, or so many for each post that people said is
about something else and that it hits."""


@dataclass(frozen=True, slots=True)
class Exclude:
    """A phrase that would have kept a post from being a mention; how many stored mentions it would remove, of how
    many."""

    phrase: str
    removes: int
    of: int

    def line(self, terms: Terms) -> str:
        return f"exclude = {_listed([*terms.exclude, self.phrase])}"


def exclude_for(
    brand: Terms, text: str, said: Sequence[str], mentions: Sequence[tuple[str, bool]]
) -> Exclude | None:  # fmt: skip
    """The shortest phrase round the brand's term that keeps this text out and hardly any of the mentions; None if every
    one would take what is the brand's.

    ``said``: texts that people said are about something else. ``mentions``: texts that speak of the brand, each with
    whether a person has confirmed it; those are never given up.
    """
    plain = Matcher([Rule(0, brand.terms, (), brand.exclude)])
    ours_folded = [(fold_text(t), t, ours) for t, ours in mentions]
    said_folded = [fold_text(t) for t in said]
    for phrase in _phrases(text, plain.find_all(text).get(0, [])):
        stricter = Matcher([Rule(0, brand.terms, (), (*brand.exclude, phrase))])
        if stricter.find(text):
            continue  # it is named elsewhere in the text, too
        folded = fold_text(phrase)
        lost = [ours for f, t, ours in ours_folded if folded in f and not stricter.find(t)]
        hits = sum(folded in f for f in said_folded)
        if not any(lost) and len(lost) <= max(RARELY * len(mentions), EACH_SAID * hits * (hits > 1)):
            return Exclude(phrase, len(lost), len(mentions))
    return None


def _phrases(text: str, spans: Sequence[tuple[int, int]]) -> list[str]:
    """The words that the term may be part of, the shortest first; what follows it before what comes before it."""
    found: dict[str, tuple[int, int]] = {}
    for start, end in spans:
        for before in range(EXCLUDE_MOST + 1):
            for after in range(EXCLUDE_MOST + 1 - before):
                a, b = start - before, end + after
                if before + after and a >= 0 and b <= len(text) and _one_word(text, a, start, end, b):
                    found.setdefault(text[a:b], (_letters(text[a:start]) + _letters(text[end:b]), before))
    return sorted(found, key=lambda phrase: found[phrase])


def _letters(added: str) -> int:
    """A Latin word is as good as two Chinese characters, whatever its length."""
    return min(len(added), 2) if added.isascii() else len(added)


def _one_word(text: str, a: int, start: int, end: int, b: int) -> bool:
    """Whether what is added on either side belongs to a word with the term: Chinese characters but no particles, or a
    whole Latin word beside it."""
    left, right = text[a:start], text[end:b]
    return all(not side or _part_of_a_word(side) or _latin_word(text, *place) for side, place in (
        (left, (a, start)), (right, (end, b))
    ))  # fmt: skip


def _latin_word(text: str, a: int, b: int) -> bool:
    added = text[a:b]
    borders = not (_is_letter(text[a - 1 : a]) and _is_letter(added[:1])) and not (
        _is_letter(added[-1:]) and _is_letter(text[b : b + 1])
    )
    return borders and added.strip().isascii() and added.strip().isalnum() and len(added) - len(added.strip()) == 1


def _is_letter(character: str) -> bool:
    return character.isascii() and character.isalnum()


def _traps(brand: Terms, term: str, hits: _Hits) -> list[Finding]:
    """Longer words that the term is often found in; of several round one place the longest that is as frequent."""
    known = {fold_text(w) for w in (*brand.exclude, *brand.terms, brand.brand)}
    often = {
        word: n for word, n in hits.around.items()
        if n >= max(TRAP_HITS, TRAP_SHARE * hits.posts) and fold_text(word) not in known
    }  # fmt: skip
    longest = [
        w for w in often if not any(w in other and often[other] >= 0.8 * often[w] for other in often if other != w)
    ]
    return [
        Finding(
            _where(brand.brand),
            f'"{term}" stands in "{word}" in {often[word]} of {hits.posts} posts: is that {brand.brand}?',
            f"exclude = {_listed([*brand.exclude, word])}",
            tuple(hits.examples[word]),
        )
        for word in sorted(longest, key=lambda w: -often[w])
    ]

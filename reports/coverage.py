"""Coverage in plain words: which source did not hear, and when. Blind is not quiet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from monitor.model import Gap, SourceCoverage
from reports.citing import cited
from reports.language import Language
from reports.safe import line

GAPS_SHOWN = 3
"""Gaps said of one source, the earliest first; the rest is counted."""

GAP_SENTENCES = 12
SOURCES_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Window:
    """The stretch a coverage speaks of, and the local day against which times of day need no date."""

    start: datetime
    end: datetime
    zone: str
    day: date


@dataclass(frozen=True, slots=True)
class CoverageText:
    """``gaps``: one sentence per stretch not heard, the worst source first. ``summary`` names who heard everything.

    ``sources`` are rows of name, posts and heard share of the time.
    """

    summary: str
    gaps: tuple[str, ...]
    sources: tuple[tuple[str, str, str], ...]
    more: str


def coverage_text(sources: Sequence[SourceCoverage], window: Window, words: Language) -> CoverageText:
    ordered = sorted(sources, key=lambda s: (s.heard, s.source))
    gaps = [sentence for source in ordered for sentence in _gap_sentences(source, window, words)]
    rows = [(_name(s.source), words.number(s.posts), words.heard(s.heard)) for s in ordered[:SOURCES_SHOWN]]
    return CoverageText(_summary(ordered, words), tuple(gaps[:GAP_SENTENCES]), tuple(rows), _more(ordered, words))


def _more(sources: Sequence[SourceCoverage], words: Language) -> str:
    left = len(sources) - SOURCES_SHOWN
    return words.ngettext("%(n)s more source", "%(n)s more sources", left) if left > 0 else ""


def _summary(sources: Sequence[SourceCoverage], words: Language) -> str:
    deaf, total = sum(1 for s in sources if _missed(s)), cited(words.number(len(sources)), "coverage")
    if not sources:
        return words.gettext("No source was set up in this time.")
    if not deaf:
        return words.ngettext(
            "The source was heard throughout.", "The %(n)s sources were heard throughout.", len(sources), n=total
        )
    return words.ngettext(
        "%(n)s of %(total)s sources was not heard throughout.",
        "%(n)s of %(total)s sources were not heard throughout.",
        deaf,
        n=cited(words.number(deaf), "coverage"),
        total=total,
    )


def _missed(source: SourceCoverage) -> bool:
    return bool(source.gaps) or round(source.heard, 3) < 1


def _gap_sentences(source: SourceCoverage, window: Window, words: Language) -> list[str]:
    gaps = sorted(source.gaps, key=lambda g: g.start)
    sentences = [_gap_sentence(_name(source.source), gap, window, words) for gap in gaps[:GAPS_SHOWN]]
    if not gaps and _missed(source):
        heard = words.heard(source.heard)
        sentences.append(
            words.gettext("%(source)s was heard for %(share)s of the time.", source=_name(source.source), share=heard)
        )
    if len(gaps) > GAPS_SHOWN:
        left = len(gaps) - GAPS_SHOWN
        sentences.append(
            words.ngettext(
                "%(source)s: %(n)s more gap.", "%(source)s: %(n)s more gaps.", left, source=_name(source.source)
            )
        )
    return sentences


def _gap_sentence(source: str, gap: Gap, window: Window, words: Language) -> str:
    values = {
        "source": source,
        "start": words.moment(max(gap.start, window.start), window.zone, window.day),
        "end": _end(min(gap.end, window.end), window, words),
    }
    whole = gap.start <= window.start and gap.end >= window.end
    if gap.state == "partial":
        sentence = (
            words.gettext("%(source)s was heard only in part, all the time.", **values)
            if whole
            else words.gettext("%(source)s was heard only in part from %(start)s to %(end)s.", **values)
        )
    elif whole:
        sentence = words.gettext("%(source)s was not heard at all.", **values)
    else:
        sentence = words.gettext("%(source)s was not heard from %(start)s to %(end)s.", **values)
    cause, detail = cause_words(gap.cause, words), line(gap.reason, 80)
    both = words.gettext("%(cause)s (%(detail)s)", cause=cause, detail=detail)
    reason = both if cause and detail else cause or detail
    return words.sentences(sentence, words.gettext("Reason: %(reason)s", reason=reason) if reason else "")


def cause_words(cause: str, words: Language) -> str:
    """What kind of trouble a run had, in words of a person who runs no collector."""
    return {
        "failed": words.gettext("no usable answer"),
        "rate_limited": words.gettext("the source asked for fewer questions"),
        "blocked": words.gettext("the source refused us"),
        "needs_credentials": words.gettext("a login is missing"),
    }.get(cause, "")


def _end(moment: datetime, window: Window, words: Language) -> str:
    """The end of the local day is said as 24:00 of that day, not as 00:00 of the next."""
    local = moment.astimezone(ZoneInfo(window.zone))
    midnight = local.date() == window.day + timedelta(days=1) and not (local.hour or local.minute)
    return "24:00" if midnight else words.moment(moment, window.zone, window.day)


def _name(source: str) -> str:
    return line(source, 60)

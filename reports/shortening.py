"""Keeping a mail below the size at which mail readers clip it: fewer quotes, never fewer numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace

from monitor.model import Digest, Ledger, Quote

ROOM = 98_000
"""Bytes of HTML. Gmail clips at 102 kB and hides the rest behind a link."""


@dataclass(frozen=True, slots=True)
class Cut:
    """How much of a digest a mail shows: stories, complaints to answer, quotes for each feeling, and how long a link
    may be (0: any). ``pages``: whether incidents link their own."""

    stories: int
    complaints: int
    quotes: int
    link: int
    pages: bool = True


CUTS = (Cut(5, 15, 3, 0), Cut(3, 3, 0, 0), Cut(3, 3, 0, 600), Cut(1, 1, 0, 300, pages=False))
"""Tried in this order. Even a digest of nothing but the longest and worst words fits the last; a test holds it."""


def shortened(digest: Digest, cut: Cut) -> Digest:
    return replace(
        digest,
        stories=tuple(replace(s, quote=_linked(s.quote, cut)) for s in digest.stories[: cut.stories]),
        feelings=tuple(
            replace(f, quotes=tuple((theme, _linked(q, cut)) for theme, q in f.quotes[: cut.quotes]))
            for f in digest.feelings
        ),
        ledger=_ledger(digest.ledger, cut) if digest.ledger else None,
    )


def _ledger(ledger: Ledger, cut: Cut) -> Ledger:
    waiting = tuple(replace(c, quote=_linked(c.quote, cut)) for c in ledger.to_answer[: cut.complaints])
    return replace(ledger, to_answer=waiting, made_good=())


def _linked(quote: Quote, cut: Cut) -> Quote:
    return replace(quote, url="") if cut.link and len(quote.url) > cut.link else quote

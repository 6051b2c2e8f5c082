"""The index pages of the archive: one a brand, one for each of its years, and one for all brands; and what its feed
says of a digest."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.model import Archive, Digest
from reports.archive_view import archive_view, front_view
from reports.digest_view import digest_view
from reports.language import language
from reports.render import page_of
from reports.safe import inert

SHEETS = ("page.css", "archive.css")


def archive_page(archive: Archive, code: str, year: int | None = None) -> str:
    """A brand's calendar: what ``archive.days`` holds, all of it of ``year`` if that is given."""
    return page_of(code, "archive.html", SHEETS, view=archive_view(archive, language(code), year), year=year)


def front_page(archives: Sequence[Archive], code: str) -> str:
    """The index of all brands that have a digest."""
    words = language(code)
    return page_of(code, "front.html", SHEETS, brands=[front_view(a, words) for a in archives if a.days])


def told(digest: Digest, code: str) -> str:
    """What the feed says of a digest: what must be known before, its verdict, and how much was heard."""
    words = language(code)
    view = digest_view(digest, words)
    return inert(words.sentences(*view.notes, view.sentence, view.heard))

"""The proofs of a page in words, each with the query that an analyst can run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

from reports.evidence import Proof
from reports.language import Language
from reports.safe import http_url


@dataclass(frozen=True, slots=True)
class ProofView:
    """``url`` runs the query on the analysts' page, where one is known."""

    key: str
    title: str
    sql: str
    url: str


def proof_views(found: Iterable[Proof], explore: str, words: Language) -> tuple[ProofView, ...]:
    """``explore``: the address of the database in Datasette, or nothing."""
    return tuple(ProofView(p.key, _title(p.key, words), p.sql, _address(explore, p.sql)) for p in found)


def _address(explore: str, sql: str) -> str:
    return http_url(f"{explore.rstrip('/')}?sql={quote(sql, safe='')}") if explore else ""


def _title(key: str, words: Language) -> str:
    return {
        "day": words.gettext("The day"),
        "day-before": words.gettext("The day before"),
        "week-before": words.gettext("The same weekday of the week before"),
        "since-midnight": words.gettext("Since midnight"),
        "ledger": words.gettext("How complaints stand"),
        "complaints": words.gettext("The complaints shown"),
        "answer-times": words.gettext("Times to answer and to make good"),
        "incidents": words.gettext("Incidents"),
        "stories": words.gettext("Loudest negative stories"),
        "days": words.gettext("The last 14 days"),
        "platforms": words.gettext("By platform"),
        "themes": words.gettext("What they complain of"),
        "rivals": words.gettext("Beside the competitors, four weeks"),
        "better": words.gettext("Shares of mentions that complain"),
        "competitors": words.gettext("Beside the competitors"),
        "feelings": words.gettext("What they feel"),
        "travel": words.gettext("How far bad news travels"),
        "travel-measures": words.gettext("How far bad news travels, by measure"),
        "corrections": words.gettext("Corrections"),
        "coverage": words.gettext("What was heard"),
    }.get(key, key)

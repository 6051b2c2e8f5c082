"""Teaching: what people labelled becomes a model, if it is better; and how well a model does on what they labelled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from monitor.model import Label
from monitor.sentiment import Scorer, shipped
from monitor.sentiment.judging import Row, evaluate
from monitor.sentiment.mentions import said_of
from monitor.sentiment.people import Labelled
from monitor.sentiment.training import Outcome, train
from monitor.store import labels, models, posts, writing
from monitor.work.app import App

PREVIEW = 2_000
"""Posts of the stream that a new model is tried on before it is chosen."""


@dataclass(frozen=True, slots=True)
class Taught:
    """What a training gave. ``version``: of the model now chosen, "" if none. Of the newest ``posts`` posts, ``before``
    and ``after`` are the shares (0..1) that are called negative; None where nothing better was made."""

    outcome: Outcome
    version: str = ""
    posts: int = 0
    before: float | None = None
    after: float | None = None


def corrections(app: App, db: Database) -> tuple[list[Labelled], list[str]]:
    """What people labelled by ``label``, as the words that were scored, and the brand of each ("" : the whole post)."""
    names = {identity: name for name, identity in app.brands.items()}
    found = [c for c in labels.corrected(db) if c.brand is None or c.brand in names]
    texts = [
        c.text if c.brand is None else said_of(c.text, app.matcher.find_all(c.text), c.brand) for c in found
    ]  # fmt: skip
    labelled = [
        Labelled(text, c.label, f"group {c.group}" if c.group else "") for c, text in zip(found, texts, strict=True)
    ]
    return labelled, [names.get(c.brand or 0, "") for c in found]


def teach(
    app: App, db: Database, more: Sequence[Labelled], now: datetime, *, alone: bool, sample: bool, install: bool
) -> Taught:
    """Train on the corrections and on ``more``, from the shipped weights. A better model is chosen if ``install``."""
    known, _ = corrections(app, db)
    outcome = train([*more, *known], shipped(), alone=alone, sample=sample)
    if outcome.files is None:
        return Taught(outcome)
    made = Scorer(trained=outcome.files)
    texts = posts.newest_mentions(db, PREVIEW)
    before, after = (_called(scorer, texts) for scorer in (app.scorer, made))
    if install:
        with writing(db):
            models.choose(db, made.version, *outcome.files, now)
    return Taught(outcome, made.version if install else "", len(texts), before, after)


def _called(scorer: Scorer, texts: Sequence[str]) -> float | None:
    scores = scorer.score_many(texts)
    return sum(s.label is Label.NEGATIVE for s in scores) / len(scores) if scores else None


def go_back(db: Database) -> bool:
    """Have the shipped model score again; whether another one did."""
    if models.chosen(db) is None:
        return False
    with writing(db):
        models.choose_shipped(db)
    return True


def judge(app: App, db: Database) -> list[Row]:
    """The table for the corrections, all together and by brand."""
    known, names = corrections(app, db)
    return evaluate(known, app.scorer, by=names if len(set(names)) > 1 else None)

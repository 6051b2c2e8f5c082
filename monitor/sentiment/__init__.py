"""Sentiment: SnowNLP's own number, and beside it a calibrated P(negative) with a label.

Importing this is light; SnowNLP's model is read when the first ``Scorer`` is built.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from functools import cached_property

from monitor.errors import InputError
from monitor.model import Label, Score
from monitor.sentiment import calibration, lexicon
from monitor.sentiment.features import feature_values
from monitor.sentiment.model_files import ModelFiles, code_digest, digest
from monitor.text import SCORING_RULES, fold_text, for_scoring

UNSCORED = Score(None, None, Label.UNSCORED)

_HAN = re.compile("[\u4e00-\u9fa5]")
"""The characters that SnowNLP takes for Chinese; where there is none it says .5 or worse, and we say nothing."""


def shipped() -> tuple[bytes, bytes]:
    """The bytes of the shipped ``calibration.json`` and ``ngrams.npz``."""
    from monitor.sentiment import ngrams  # not before: it brings numpy

    return calibration.shipped_bytes(), ngrams.shipped_bytes()


class Scorer:
    """Scores texts with the installed SnowNLP model and the shipped weights."""

    def __init__(self, model: ModelFiles | None = None, *, trained: tuple[bytes, bytes] | None = None) -> None:
        """``model``: the user's own SnowNLP model; default that of the installed package. ``trained``: the bytes of
        ``calibration.json`` and ``ngrams.npz`` in place of the shipped; ``InputError`` if this version cannot use them.
        """
        from monitor.sentiment.engine import import_numpy, open_engine

        import_numpy()
        from monitor.sentiment import ngrams

        self._model = model or ModelFiles.installed()
        self._read, weights = trained or shipped()
        self._calibration = calibration.read(self._read)
        if hashlib.sha256(weights).hexdigest() != self._calibration.ngrams:
            raise InputError("ngrams.npz: not the weights that calibration.json was fitted with")
        self._weights = ngrams.read(weights)
        self._engine = open_engine(self._model)

    @cached_property
    def version(self) -> str:
        """The name of the model, as in ``snownlp-0.12.3+cal-3+1a2b3c4d``.

        It changes whenever any number could: with SnowNLP's code or model files, with the rules and the OpenCC that
        make the string it reads, with those that say which words speak of which brand, with the list of judging
        words, and with the calibration and its n-gram weights.
        """
        from importlib import metadata  # slow to import, and a score alone does not need them

        from monitor.portions import PORTION_RULES

        calibrated = hashlib.sha256(self._read + lexicon.lexicon_bytes()).hexdigest()
        rules = f"{SCORING_RULES}.{PORTION_RULES}"
        parts = (digest(self._model), code_digest(), rules, metadata.version("opencc"), calibrated)
        own = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:8]
        return f"snownlp-{metadata.version('snownlp')}+cal-{self._calibration.number}+{own}"

    def score(self, text: str) -> Score:
        """The score of one text; ``UNSCORED`` where it leaves no Han character to judge. Never raises."""
        return self.score_many([text])[0]

    def score_many(self, texts: Sequence[str]) -> list[Score]:
        """The scores of many texts, in their order. Faster than one by one, and the same to the last bit."""
        fed = [for_scoring(text) if isinstance(text, str) else "" for text in texts]
        places = [place for place, each in enumerate(fed) if _HAN.search(each)]
        scores = [UNSCORED] * len(fed)
        numbers = self._engine.score_many([fed[place] for place in places])
        folded = [fold_text(fed[place]) for place in places]
        sums = self._weights.sums(folded)
        for place, fold, (snownlp, words), each in zip(places, folded, numbers, sums, strict=True):
            values = feature_values(texts[place], fed[place], fold, snownlp, words)
            p_negative = self._calibration.p_negative(values, each)
            scores[place] = Score(snownlp, p_negative, self._calibration.label(p_negative, values, each))
        return scores

    def band(self, p_negative: float, below: Label) -> Label:
        """The label of a P(negative) that several texts gave together; ``below`` if it is under the unsure band."""
        if p_negative >= self._calibration.negative:
            return Label.NEGATIVE
        return Label.UNSURE if p_negative >= self._calibration.unsure else below

"""SnowNLP itself: the reference, and what speaks when its model is not of the kind that ``fast`` knows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from monitor.sentiment.model_files import ModelFiles


class Plain:
    """SnowNLP's own code over its own loaded model; 60 to 260 posts a second and 421 MB.

    SnowNLP keeps its model in module globals: a user's own model is loaded there, for the whole process.
    """

    def __init__(self, model: ModelFiles) -> None:
        from snownlp import seg, sentiment

        if model != ModelFiles.installed():
            seg.load(_without_suffix(model.segmenter))
            sentiment.load(_without_suffix(model.classifier))
        self._sentiment: Any = sentiment

    def score_many(self, texts: Sequence[str]) -> list[tuple[float, int]]:
        """For each text ``SnowNLP(text).sentiments`` and how many words it was counted from.

        These are the very steps of ``Sentiment.classify``; taken apart only to see the words.
        """
        return [self._score(text) for text in texts]

    def _score(self, text: str) -> tuple[float, int]:
        classifier = self._sentiment.classifier
        words = classifier.handle(text)
        winner, probability = classifier.classifier.classify(words)
        return (probability if winner == "pos" else 1 - probability), len(words)


def _without_suffix(path: Path) -> str:
    """The name that SnowNLP's ``load`` takes: it adds ".3" itself."""
    return str(path.with_suffix(""))

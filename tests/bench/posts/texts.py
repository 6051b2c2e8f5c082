"""Real texts in place of invented ones, where somebody has labelled some: drawn from a folder, never kept here."""

from __future__ import annotations

import csv
import gzip
from dataclasses import dataclass
from pathlib import Path

from monitor.demo.dice import Dice

MOST = 4_000
"""Texts of each label from each file."""


@dataclass
class Texts:
    """Texts by label; ``share``: how many of the posts are drawn from here, the rest is invented."""

    by_label: dict[str, list[str]]
    share: float = 0.7

    @classmethod
    def read(cls, folder: Path) -> Texts:
        """Of every ``*.csv`` and ``*.csv.gz`` with the columns ``text`` and ``label``: texts of 6 to 200 characters."""
        found: dict[str, list[str]] = {}
        for path in sorted(folder.glob("*.csv*")):
            taken: dict[str, int] = {}
            with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8") as stream:
                for row in csv.DictReader(stream):
                    text, label = (row.get("text") or "").strip(), row.get("label") or ""
                    if 6 <= len(text) <= 200 and taken.get(label, 0) < MOST:
                        taken[label] = taken.get(label, 0) + 1
                        found.setdefault(label, []).append(text)
        missing = {"negative", "neutral", "positive"} - found.keys()
        if missing:
            raise SystemExit(f"{folder}: no texts labelled {', '.join(sorted(missing))}")
        return cls(found)

    def draw(self, dice: Dice, label: str, brand: str) -> str:
        """One of the label, with the brand's name put before it, behind it or as a tag."""
        text = dice.pick(self.by_label[label])
        frame = dice.pick(("{b} {t}", "{b}，{t}", "{t} {b}", "#{b}# {t}", "{b}：{t}", "{t}（{b}）"))
        return frame.format(b=brand, t=text)

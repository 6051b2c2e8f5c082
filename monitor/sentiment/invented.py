"""Labelled texts of the project's own: frames of judging and of plain talk, filled with names, and written posts.

The public sets hold hardly any plain talk of goods, cars or shares, and little complaint that uses no judging word:
without these a fit takes names of things for complaint. No brand or person in them is real.
"""

from __future__ import annotations

import random
from pathlib import Path

from monitor.errors import InputError

NAMES = 1_000
"""Names made up of the file's letters."""

FRAMES = Path(__file__).parents[1] / "data" / "invented.txt"

POSTS = FRAMES.with_name("invented")
"""The folder of the written posts: in its ``*.tsv`` a letter of ``LABELS``, a tab and the text on each line."""

LABELS = {"n": "negative", "u": "neutral", "p": "positive"}


def posts() -> list[tuple[str, str]]:
    """Text and label of the written posts."""
    return [row for path in sorted(POSTS.glob("*.tsv")) for row in _read_posts(path)]


def _read_posts(path: Path) -> list[tuple[str, str]]:
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        letter, _, text = line.partition("\t")
        if letter not in LABELS or not text or "\t" in text:
            raise InputError(f"{path.name}: line {number} is not a label and a text")
        rows.append((text, LABELS[letter]))
    return rows


def sentences(per_label: int) -> list[tuple[str, str]]:
    """Text and label, ``per_label`` of each label: one or two frames about one thing. The same each time."""
    rng = random.Random("invented")
    things, frames = _read(FRAMES.read_text(encoding="utf-8"), rng)
    made = []
    for label in LABELS.values():
        for _ in range(per_label):
            group = rng.choice(sorted(things))
            open_to = frames.get((label, group), []) + frames[label, "*"]
            chosen = rng.sample(open_to, rng.choice((1, 1, 2)))
            made.append(("，".join(frame.replace("{t}", rng.choice(things[group])) for frame in chosen), label))
    return made


def _read(text: str, rng: random.Random) -> tuple[dict[str, list[str]], dict[tuple[str, str], list[str]]]:
    things: dict[str, list[str]] = {}
    frames: dict[tuple[str, str], list[str]] = {}
    for line in text.splitlines():
        if line.startswith("#") or not line:
            continue
        head, _, entries = line.partition(": ")
        kind, group = head.split()
        if kind == "things":
            things[group] = entries.split("|")
        elif kind == "letters":
            letters = entries.split("|")
            things[group] = ["".join(rng.choices(letters, k=rng.choice((2, 2, 3)))) for _ in range(NAMES)]
        else:
            frames[kind, group] = entries.split("|")
    return things, frames

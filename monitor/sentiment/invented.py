"""A labelled set of invented sentences: frames of judging and of plain talk, filled with names of things.

The public sets hardly hold plain talk of goods, cars or shares: without this a fit takes their names for complaint.
"""

from __future__ import annotations

import random
from pathlib import Path

NAMES = 1_000
"""Names made up of the file's letters."""

FILE = Path(__file__).parents[1] / "data" / "invented.txt"


def sentences(per_label: int) -> list[tuple[str, str]]:
    """Text and label, ``per_label`` of each label: one or two frames about one thing. The same each time."""
    rng = random.Random("invented")
    things, frames = _read(FILE.read_text(encoding="utf-8"), rng)
    made = []
    for label in ("negative", "neutral", "positive"):
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

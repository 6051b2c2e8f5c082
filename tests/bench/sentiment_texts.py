"""Texts for the sentiment benches, read from data folders given on the command line."""

from __future__ import annotations

import csv
import gzip
import json
import random
from collections.abc import Iterator
from pathlib import Path


def corpora(folders: list[Path], each: int) -> Iterator[tuple[str, list[str]]]:
    """Name and a seeded choice of at most ``each`` non-empty texts of every ``*.csv.gz`` (column text) and
    ``*.jsonl.gz`` (key text)."""
    for path in sorted(path for folder in folders for path in folder.rglob("*.gz")):
        with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
            if path.name.endswith(".csv.gz"):
                texts = [row["text"] for row in csv.DictReader(stream)]
            elif path.name.endswith(".jsonl.gz"):
                texts = [json.loads(line)["text"] for line in stream]
            else:
                continue
        texts = [text for text in texts if text.strip()]
        random.Random(path.name).shuffle(texts)
        yield path.name.partition(".")[0], texts[:each]

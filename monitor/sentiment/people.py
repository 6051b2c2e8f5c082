"""Labels that people gave: what one is, how a file of them is read, and which of them can be learned from."""

from __future__ import annotations

import csv
import io
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from monitor.errors import InputError, shown
from monitor.model import Label
from monitor.sentiment.files import MAX_CELL, open_scored_file
from monitor.text import fold_text, for_scoring, identity

JUDGED = (Label.NEGATIVE, Label.NEUTRAL, Label.POSITIVE)
"""Labels that say what a post is; ``unsure`` and ``unscored`` say that one cannot tell."""

WORDS = {
    **{label.value: label for label in Label},
    "负面": Label.NEGATIVE,
    "負面": Label.NEGATIVE,
    "中性": Label.NEUTRAL,
    "正面": Label.POSITIVE,
    "不确定": Label.UNSURE,
    "不確定": Label.UNSURE,
}
"""What a label may be called in a file. Numbers are refused: in public sets 1 is positive as often as negative."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """One text and the label a person gave it. ``group`` names its copy group, "" where it has none."""

    text: str
    label: Label
    group: str = ""


@dataclass(frozen=True, slots=True)
class Distinct:
    """What of labelled texts can be learned from, each once: see ``distinct``.

    ``texts``: of each the post, what ``for_scoring`` made of it, and its label. ``groups``: a number for each text;
    copies share one. ``left_out``: why the others are not here, and how many.
    """

    texts: tuple[tuple[str, str, str], ...]
    groups: tuple[int, ...]
    left_out: dict[str, int]


def distinct(labelled: Sequence[Labelled]) -> Distinct:
    """Labels without Chinese to judge, or that do not judge, are left out; of the rest each text counts once.

    The last label of a text counts: give them oldest first. "The same" is what folds alike, signs and punctuation
    included. Of copies (one ``group``, else one ``identity``) with one label the last stays; copies that were
    labelled differently all stay, in one group.
    """
    latest: dict[str, tuple[str, str, Labelled]] = {}
    left_out = Counter({"not judged": 0, "without Chinese": 0, "labelled again": 0, "copies": 0})
    for each in labelled:
        fed = for_scoring(each.text) if isinstance(each.text, str) else ""
        if each.label not in JUDGED:
            left_out["not judged"] += 1
        elif not any("\u4e00" <= char <= "\u9fa5" for char in fed):
            left_out["without Chinese"] += 1
        else:
            folded = " ".join(fold_text(each.text).split())
            left_out["labelled again"] += latest.pop(folded, None) is not None
            latest[folded] = (folded, fed, each)
    kept: dict[tuple[str, str, Label], tuple[str, Labelled]] = {}
    for folded, fed, each in latest.values():
        copies = ("group", each.group) if each.group else ("text", identity(each.text) or folded)
        left_out["copies"] += kept.pop((*copies, each.label), None) is not None
        kept[(*copies, each.label)] = (fed, each)
    numbers = {copies: number for number, copies in enumerate(dict.fromkeys((kind, key) for kind, key, _ in kept))}
    return Distinct(
        tuple((each.text, fed, each.label.value) for fed, each in kept.values()),
        tuple(numbers[kind, key] for kind, key, _ in kept),
        {why: count for why, count in left_out.items() if count},
    )


def read_labelled_csv(path: str | Path) -> list[Labelled]:
    """The labelled texts of a CSV file in UTF-8 with the columns ``text``, ``label`` and, if there, ``group``; ``.gz``
    is unpacked, ``-`` is standard input. A row without a label is skipped. ``InputError`` names file and line.
    """
    with open_scored_file(str(path)) as opened:
        return list(_rows(opened.stream, str(path)))


def _rows(stream: IO[bytes], name: str) -> Iterator[Labelled]:
    csv.field_size_limit(MAX_CELL)
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
    reader = csv.DictReader(text)
    try:
        head = reader.fieldnames or []
        for column in ("text", "label"):
            if column not in head:
                raise InputError(f"{name}: no column {column!r}; it has {', '.join(map(repr, head)) or 'none'}")
        for row in reader:
            if label := (row["label"] or "").strip():
                found = _label(label, f"{name}: line {reader.line_num}")
                yield Labelled(row["text"] or "", found, row.get("group") or "")
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: not UTF-8 after line {reader.line_num}") from error
    except csv.Error as error:
        raise InputError(f"{name}: line {reader.line_num}: {error}") from error
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{name}: cannot be unpacked after line {reader.line_num}") from error
    finally:
        text.detach()  # the stream is closed by whoever opened it


def _label(word: str, where: str) -> Label:
    found = WORDS.get(word.lower())
    if found is not None:
        return found
    if word.lstrip("+-").isdecimal():
        raise InputError(f"{where}: the label {shown(word)} does not say which side it means: write negative, "
                         "neutral or positive")  # fmt: skip
    raise InputError(f"{where}: unknown label {shown(word)}; it must be one of {', '.join(WORDS)}")

"""What a row of a file says of each field. Where that stands is worked out once a file, for a file has many rows."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from sources.columns import Plan
from sources.markup import clean
from sources.sheetxml import Rounded

MISSING = frozenset({"", "(空)", "(跳过)", "(跳過)", "null", "NULL", "None", "NaN"})
"""Cells that hold no answer; 问卷星 writes the ones in brackets (in either width)."""

_IDS = frozenset({"id", "parent", "thread", "page"})
_OF_AUTHORS = ("id", "name", "screen_name", "nickname")


@dataclass(frozen=True, slots=True)
class Field:
    """A field and its places. ``column``: the only one, if that is a column of the rows themselves, as most are."""

    name: str
    places: tuple[tuple[str, ...], ...]
    column: str | None


def fields(plan: Plan) -> list[Field]:
    return [Field(name, places, _only_column(places)) for name, places in plan.items()]


def _only_column(places: tuple[tuple[str, ...], ...]) -> str | None:
    columns = [column for place in places for column in place]
    return columns[0] if len(columns) == 1 and "." not in columns[0] else None


def read_row(row: Mapping[str, object], wanted: list[Field]) -> dict[str, str]:
    """Field -> what the row says of it, "" where that is nothing. Raises ValueError for a cell that is no text."""
    found = {}
    for field in wanted:
        if field.column is None:
            found[field.name] = _first(field.name, row, field.places)
        else:
            value = row.get(field.column)
            found[field.name] = "" if value is None else _text(field.name, value)
    return found


def _first(name: str, row: Mapping[str, object], places: tuple[tuple[str, ...], ...]) -> str:
    """What the first place that holds something holds; of joined columns those that hold something."""
    for columns in places:
        parts = [part for column in columns if (part := _text(name, _inside(row, column)))]
        if parts:
            return "\n".join(parts)
    return ""


def _inside(row: Mapping[str, object], column: str) -> object:
    """What a column holds, or else what a dotted name leads to in nested objects."""
    if column in row:
        return row[column]
    value: object = row
    for key in column.split("."):
        if not isinstance(value, dict) or key not in value:
            return None
        value = value[key]
    return value


def _text(name: str, value: object) -> str:
    if name == "author" and isinstance(value, dict):
        value = next((value[key] for key in _OF_AUTHORS if key in value), None)
    if value is None or (name in _IDS and isinstance(value, Rounded)):
        return ""  # ids that Excel has rounded are no longer apart: the row's content tells them apart
    if isinstance(value, bool | dict | list):
        raise ValueError(f"{name} is not text")
    text = clean(str(value)).strip()
    return "" if len(text) < 6 and unicodedata.normalize("NFKC", text) in MISSING else text

"""``{keyword}`` and ``${TOKEN}`` in what a config says to send."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, tzinfo
from typing import Any

from monitor.errors import NeedsCredentials, nearest
from monitor.model import utc_text

NAMES = (
    *("keyword", "query", "page", "cursor", "offset"),
    *("since_iso", "since_local", "since_ts", "since_ms", "until_iso", "until_local", "until_ts", "until_ms"),
)
"""``query`` is another word for ``keyword``: feeds call it so."""
_PLACE = re.compile(r"\$\{(?P<secret>[A-Za-z_][A-Za-z0-9_]*)\}|\{(?P<name>[A-Za-z_]+)\}")

Value = str | int
Values = Mapping[str, Value]


def names(template: object) -> set[str]:
    """The placeholders in a template: a text, or lists and tables of them. Raises ValueError for one unknown."""
    found = {place["name"] for text in _texts(template) for place in _PLACE.finditer(text) if place["name"]}
    for name in sorted(found - set(NAMES)):
        hint = f"; did you mean ${{{name}}}?" if name.isupper() else nearest(name, NAMES)
        raise ValueError(f"unknown placeholder {{{name}}}{hint}")
    return found


def moments(since: datetime, until: datetime, zone: tzinfo) -> dict[str, Value]:
    """The values of all placeholders for the two ends of a stretch: ``2026-11-21T08:00:00Z``, ``2026-11-21 16:00:00``
    in ``zone``, and Unix seconds and milliseconds.
    """
    found: dict[str, Value] = {}
    for name, moment in (("since", since), ("until", until)):
        found[f"{name}_iso"] = utc_text(moment)
        found[f"{name}_local"] = f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S}"
        found[f"{name}_ts"] = int(moment.timestamp())
        found[f"{name}_ms"] = int(moment.timestamp()) * 1000
    return found


def secret_names(template: object) -> list[str]:
    """The environment variables that a template names."""
    return sorted({place["secret"] for text in _texts(template) for place in _PLACE.finditer(text) if place["secret"]})


def secrets(template: object, host: str) -> dict[str, str]:
    """The values of the environment variables that a template names. Raises NeedsCredentials for one not set."""
    found = {name: os.environ.get(name, "").strip() for name in secret_names(template)}
    for name, value in found.items():
        if not value:
            raise NeedsCredentials(f"{host}: the environment variable {name} is not set")
    return found


def fill(template: str, values: Values, quoted: Callable[[str], str] = str) -> str:
    """``template`` with each placeholder replaced, ``quoted`` for its place; ``${NAME}`` is looked up as ``$NAME``."""
    return _PLACE.sub(lambda place: quoted(str(_value(place, values))), template)


def fill_all(template: Any, values: Values) -> Any:
    """A tree of lists and tables with its texts filled.

    A text that is one number's placeholder alone becomes that number, and one that is an empty value's alone is left
    out of its table: many interfaces refuse an empty cursor.
    """
    if isinstance(template, str):
        alone = _PLACE.fullmatch(template)
        return _value(alone, values) if alone else fill(template, values)
    if isinstance(template, Mapping):
        filled = {key: fill_all(part, values) for key, part in template.items()}
        return {key: part for key, part in filled.items() if part != "" or template[key] == ""}
    return [fill_all(part, values) for part in template] if isinstance(template, list) else template


def _value(place: re.Match[str], values: Values) -> Value:
    return values["$" + place["secret"]] if place["secret"] else values[place["name"]]


def _texts(template: object) -> Iterator[str]:
    if isinstance(template, str):
        yield template
    elif isinstance(template, Mapping):
        for part in template.values():
            yield from _texts(part)
    elif isinstance(template, list | tuple):
        for part in template:
            yield from _texts(part)

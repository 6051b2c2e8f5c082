"""SnowNLP's segmenter as it lies on disk, read without ever holding it as objects.

SnowNLP saves it with ``marshal``: a dictionary whose members ``uni``, ``bi`` and ``tri`` each hold ``none``, ``total``
and ``d``, the counts. ``marshal.loads`` makes some three million objects of them, 430 MB; here each entry of a ``d``
becomes a few whole numbers in an array as it passes by. The format is CPython's own (``Python/marshal.c``), versions
0 to 4; of its types the reader knows those that a model is made of.
"""

from __future__ import annotations

import gzip
import re
import struct
import zlib
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

State = tuple[Any, ...]
"""A character and its tag, as they stand in the file: (char, tag)."""

WIDE = {"uni": 1, "bi": 2, "tri": 3}
"""How many states a key of each table has."""

_BLOCK = 1 << 20
"""Bytes read at once."""

_ENTRY_BYTES = 1 << 12
"""An entry of ``_ENTRY`` is far shorter than this; that many bytes are at hand before one is looked for."""

_DEEPEST = 20
"""Containers inside each other; a model has five."""

# One entry of a table of triples or pairs, as nearly all of them are: states are references to earlier ones, or new
# ones of a character of three bytes in UTF-8 with a tag seen before; counts are references or whole numbers. The bit
# 0x80 of a type says that later references may mean this object.
_STATE = rb"(?:r(.{4})|([)\xa9])\x02([u\xf5])\x03\0\0\0(.{3})r(.{4}))"
_COUNT = rb"(?:r(.{4})|([i\xe9])(.{4}))"
_ENTRY = {
    name: re.compile(rb"([)\xa9])" + bytes([wide]) + _STATE * wide + _COUNT, re.S)
    for name, wide in WIDE.items()
    if wide > 1
}


class NotRead(Exception):
    """The file is not a marshalled model of the kind described above."""


@dataclass(slots=True)
class Counted:
    """One table of counts: for each entry its states, by their places in ``Model.states``, and its count."""

    states: array[int] = field(default_factory=lambda: array("i"))
    counts: array[float] = field(default_factory=lambda: array("d"))


@dataclass(slots=True)
class Model:
    """The whole file. ``members`` is what ``marshal.loads`` gives, without the three ``d``; they are in ``tables``,
    in the order of the file. ``states`` are all states of all tables, in the order in which they were first met."""

    members: dict[str, Any]
    tables: dict[str, Counted]
    states: list[State]


def read_model(path: Path) -> Model:
    """The model in a file, packed with gzip or not. ``NotRead`` if it is damaged or no such model."""
    try:
        with open(path, "rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            stream = cast(IO[bytes], gzip.open(raw)) if packed else raw  # noqa: SIM115
            model = _Reader(stream).model()
            while stream.read(_BLOCK):  # gzip's checksum stands at the end
                pass
            return model
    except (EOFError, OSError, zlib.error, ValueError, TypeError, IndexError, OverflowError) as error:
        raise NotRead(type(error).__name__) from error


class _Reader:
    """Reads one object after the other. References are kept as marshal numbers them: in the order of the types that
    carry the bit 0x80, a container before what it holds."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._bytes, self._at = b"", 0
        self._seen: list[Any] = []
        self._one: dict[Any, Any] = {}  # of equal strings and states only one is kept
        self._places: dict[State, int] = {}

    def model(self) -> Model:
        members: dict[str, Any] = {}
        tables: dict[str, Counted] = {}
        self._dictionary(self._into(members, lambda name: self._member(name, tables)))
        return Model(members, tables, list(self._places))

    def _member(self, name: str, tables: dict[str, Counted]) -> Any:
        if name not in WIDE:
            return self._value(0)
        table: dict[str, Any] = {}

        def part(key: str) -> Any:
            if key != "d":
                return self._value(0)
            tables[name] = self._counts(name)
            return None

        self._dictionary(self._into(table, part))
        return table

    def _into(self, target: dict[str, Any], value: Callable[[Any], Any]) -> Callable[[], None]:
        def take() -> None:
            key = self._value(0)
            target[key] = value(key)

        return take

    def _dictionary(self, take_item: Callable[[], None]) -> None:
        """A dictionary that nothing refers to later; ``take_item`` reads a key and its value."""
        kind = self._take(1)[0]
        if kind & 0x7F != ord("{"):
            raise ValueError("no dictionary")
        if kind & 0x80:
            self._seen.append(None)
        while self._peek() != ord("0"):
            take_item()
        self._at += 1

    # ---- tables of counts

    def _counts(self, name: str) -> Counted:
        """The entries of one ``d``. Those that ``_ENTRY`` knows go a short way, others are read part by part."""
        counted = Counted()
        quick = self._entries(name, counted)

        def take() -> None:
            if not quick():
                key, count = self._value(0), self._value(0)
                states = (key,) if name == "uni" else key
                if not isinstance(states, tuple) or len(states) != WIDE[name]:
                    raise ValueError("a key of another length")
                counted.states.extend([self._place(state) for state in states])
                counted.counts.append(count)

        self._dictionary(take)
        return counted

    def _entries(self, name: str, counted: Counted) -> Callable[[], bool]:
        """A function that reads entries as long as ``_ENTRY`` matches, and says whether it read any."""
        if name not in _ENTRY:
            return lambda: False
        match, wide = _ENTRY[name].match, WIDE[name]
        reference_of, number_of = struct.Struct("<I").unpack, struct.Struct("<i").unpack
        seen, place, new_state = self._seen, self._place, self._new_state
        states, counts = counted.states, counted.counts

        def read() -> bool:
            begun = len(counts)
            while True:
                if len(self._bytes) - self._at < _ENTRY_BYTES:
                    self._fill(_ENTRY_BYTES)
                found = match(self._bytes, self._at)
                if found is None:
                    return len(counts) > begun
                parts = found.groups()
                if parts[0] == b"\xa9":
                    seen.append(None)  # a key: nothing in a model refers to one
                for at in range(1, 5 * wide, 5):
                    reference = parts[at]
                    state = seen[reference_of(reference)[0]] if reference else new_state(parts[at + 1 : at + 5])
                    states.append(place(state))
                reference, kind, value = parts[-3:]
                count = seen[reference_of(reference)[0]] if reference else number_of(value)[0]
                if kind == b"\xe9":
                    seen.append(count)
                counts.append(count)
                self._at = found.end()

        return read

    def _new_state(self, parts: tuple[bytes, ...]) -> State:
        kind, char_kind, char, tag = parts
        place = len(self._seen)
        if kind == b"\xa9":
            self._seen.append(None)
        text = self._kept(char.decode("utf-8", "surrogatepass"))
        if char_kind == b"\xf5":
            self._seen.append(text)
        state: State = self._kept((text, self._seen[struct.unpack("<I", tag)[0]]))
        if kind == b"\xa9":
            self._seen[place] = state
        return state

    def _place(self, state: Any) -> int:
        if type(state) is not tuple:
            raise ValueError("no state")
        return self._places.setdefault(state, len(self._places))

    # ---- single objects

    def _value(self, depth: int) -> Any:
        """One object of a type that models are made of."""
        if depth > _DEEPEST:
            raise ValueError("too deep")
        kind = self._take(1)[0]
        place = -1
        if kind & 0x80:
            place = len(self._seen)
            self._seen.append(None)
        value = self._content(chr(kind & 0x7F), depth)
        if place >= 0:
            self._seen[place] = value
        return value

    def _content(self, kind: str, depth: int) -> Any:
        if kind in _SIMPLE:
            return _SIMPLE[kind]
        if kind in _FIXED:
            return _FIXED[kind].unpack(self._take(_FIXED[kind].size))[0]
        if kind in _TEXT:
            size, encoding = _TEXT[kind]
            return self._kept(self._take(self._length(size)).decode(encoding, "surrogatepass"))
        if kind == "r":
            value = self._seen[self._length(4)]
            if value is None:
                raise ValueError("a reference to nothing that is kept")
            return value
        if kind in ")(":
            parts = tuple([self._value(depth + 1) for _ in range(self._length(1 if kind == ")" else 4))])
            return self._kept(parts) if all(type(part) is str for part in parts) else parts
        raise ValueError("a type that no model holds")

    def _length(self, size: int) -> int:
        return int.from_bytes(self._take(size), "little")

    def _kept(self, value: Any) -> Any:
        return self._one.setdefault(value, value)

    # ---- bytes

    def _take(self, count: int) -> bytes:
        if len(self._bytes) - self._at < count:
            self._fill(count)
        start, self._at = self._at, self._at + count
        taken = self._bytes[start : self._at]
        if len(taken) < count:
            raise EOFError
        return taken

    def _peek(self) -> int:
        byte = self._take(1)[0]
        self._at -= 1
        return byte

    def _fill(self, count: int) -> None:
        """At least ``count`` bytes at hand, unless the stream ends before."""
        pieces = [self._bytes[self._at :]]
        short = count - len(pieces[0])
        while short > 0 and (piece := self._stream.read(_BLOCK)):
            pieces.append(piece)
            short -= len(piece)
        self._bytes, self._at = b"".join(pieces), 0


_SIMPLE = {"N": None, "T": True, "F": False}
_FIXED = {"i": struct.Struct("<i"), "g": struct.Struct("<d")}
_TEXT = {
    **dict.fromkeys("ut", (4, "utf-8")),
    **dict.fromkeys("aA", (4, "ascii")),
    **dict.fromkeys("zZ", (1, "ascii")),
}
"""Kinds of strings: how many bytes tell their length, and their encoding."""

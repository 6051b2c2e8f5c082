"""The tables of a model, kept on disk: building them takes six seconds, reading them a hundredth of one.

Two kinds of files. ``snownlp-DIGEST-FORMAT.npy`` holds the tables of the model with that digest: one record in numpy's
format, with a CRC-32 of it behind. ``digest-NAME.json`` says which digest the files at some paths had when they had a
certain ``stamp``: as long as that is theirs, their twenty megabytes need not be hashed. It is a short cut only. Where
it is missing, damaged, older than the files or not to be trusted, the digest is taken.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import zlib
from collections.abc import Callable
from dataclasses import fields
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from monitor.sentiment.model_files import ModelFiles, digest, stamp
from monitor.sentiment.tables import Tables

FORMAT = 2
"""Raised when ``Tables`` changes, so that files of another format are not read."""

SETTLED_NS = 2_000_000_000
"""A stamp is believed if the file was written this long after the model's files changed. A change within the same
tick of the file system's clock would leave the stamp as it is; FAT's clock ticks every two seconds, others faster."""

_CRC_BYTES = 4

_log = logging.getLogger(__name__)


def cache_folder() -> Path | None:
    """``$XDG_CACHE_HOME/qianli`` or ``~/.cache/qianli``; None for a user without a home."""
    named = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(named):  # the XDG specification: others are ignored
        return Path(named) / "qianli"
    try:
        return Path.home() / ".cache" / "qianli"
    except RuntimeError:
        return None


def tables_of(model: ModelFiles) -> Tables:
    """The model's tables from the cache, or built and put there. Without a writable folder they are built each time.

    The file's name carries the digest of the model, so another model never reads it. Processes that build at once
    write to names of their own, and each moves a whole file into place.
    """
    folder = cache_folder()
    if folder is None:
        return _built(model)
    known = _Digests(model, folder)
    if known.remembered and (kept := _read(_path(folder, known.remembered))):
        return kept
    taken = digest(model)
    path = _path(folder, taken)
    kept = _read(path) if taken != known.remembered else None
    if kept is None:
        kept = _built(model)
        if stamp(model) != known.stamp:  # changed while it was read: what was built belongs to no digest
            return kept
        if not _write(path, lambda stream: _write_tables(kept, stream)):
            return kept
    if taken != known.remembered:
        known.remember(taken)
    return kept


def _built(model: ModelFiles) -> Tables:
    from monitor.sentiment.building import build  # seldom needed

    return build(model.segmenter, model.classifier, model.stop_words)


def _path(folder: Path, model_digest: str) -> Path:
    return folder / f"snownlp-{model_digest[:16]}-{FORMAT}.npy"


class _Digests:
    """The digest that a model's files are remembered to have; ``remembered`` is "" where that is not certain."""

    def __init__(self, model: ModelFiles, folder: Path) -> None:
        self.stamp = stamp(model)
        name = sha256("\n".join(str(path.absolute()) for path in model.paths()).encode("utf-8", "surrogateescape"))
        self._path = folder / f"digest-{name.hexdigest()[:16]}.json"
        self.remembered = self._read()

    def _read(self) -> str:
        try:
            with open(self._path, "rb") as stream:
                kept = json.load(stream)
                written = os.fstat(stream.fileno()).st_mtime_ns
            changed = max(self.stamp[2::5] + self.stamp[1::5])
            believed = kept["stamp"] == list(self.stamp) and written >= changed + SETTLED_NS
            return str(kept["digest"]) if believed else ""
        except (OSError, ValueError, TypeError, KeyError):
            return ""

    def remember(self, taken: str) -> None:
        kept = json.dumps({"stamp": self.stamp, "digest": taken}).encode()
        _write(self._path, lambda stream: stream.write(kept), quietly=True)


def _read(path: Path) -> Tables | None:
    try:
        with open(path, "rb") as stream:
            data = np.fromfile(stream, dtype=np.uint8)
        return _tables(data)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        _log.warning("tables of SnowNLP's model built anew: %s cannot be read (%s)", path, type(error).__name__)
        return None


def _tables(data: NDArray[np.uint8]) -> Tables:
    """The arrays as views of the file's bytes. ``ValueError`` unless each byte is as it was written."""
    body = data[:-_CRC_BYTES]
    if len(data) < _CRC_BYTES or zlib.crc32(body.data) != int.from_bytes(data[-_CRC_BYTES:].tobytes(), "little"):
        raise ValueError("damaged")
    head = io.BytesIO(body[: 1 << 16].tobytes())
    npy.read_magic(head)
    _, _, kinds = npy.read_array_header_1_0(head)
    record: NDArray[Any] = body[head.tell() :].view(kinds).reshape(())
    return Tables(**{field.name: record[field.name] for field in fields(Tables)})


def _write_tables(tables: Tables, stream: IO[bytes]) -> None:
    arrays = tables.arrays()
    kinds = np.dtype([(name, array.dtype, array.shape) for name, array in arrays.items()], align=True)
    record = np.zeros((), dtype=kinds)
    for name, array in arrays.items():
        record[name] = array
    head = io.BytesIO()
    npy.write_array_header_1_0(head, npy.header_data_from_array_1_0(record))
    body = record.tobytes()
    stream.write(head.getvalue())
    stream.write(body)
    stream.write(zlib.crc32(body, zlib.crc32(head.getvalue())).to_bytes(_CRC_BYTES, "little"))


def _write(path: Path, write_to: Callable[[IO[bytes]], object], *, quietly: bool = False) -> bool:
    """Puts a whole file in place or leaves things as they are; says whether it did."""
    import tempfile  # seldom needed

    level = logging.DEBUG if quietly else logging.WARNING
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, own = tempfile.mkstemp(prefix=f"{path.stem}.", suffix=".part", dir=path.parent)
    except OSError as error:
        _log.log(level, "no cache for SnowNLP's tables in %s (%s)", path.parent, error.strerror)
        return False
    try:
        with open(handle, "wb") as stream:
            write_to(stream)
        os.replace(own, path)
    except OSError as error:
        _log.log(level, "SnowNLP's tables not kept in %s (%s)", path.parent, error.strerror)
        with contextlib.suppress(OSError):
            os.unlink(own)
        return False
    return True

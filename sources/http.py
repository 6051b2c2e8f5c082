"""The one HTTP client that all sources share: polite, bounded in time and size, and careful where it connects."""

from __future__ import annotations

import re
import threading
import time
import zlib
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from importlib.metadata import PackageNotFoundError, version
from ipaddress import ip_address
from types import TracebackType
from typing import Self

import httpcore
import httpx

from monitor.errors import ConfigError, SourceError, shown
from sources.faults import FAULTS, reason, refuse
from sources.network import Deadline, JudgedBackend, Resolver, Transport, is_public, private_address, resolve
from sources.politeness import APART, AT_ONCE, ROBOTS_SIZE, Robots, Turns

MAX_BODY = 20_000_000
"""Bytes of a body after decompression."""
MAX_REDIRECTS = 5

_GZIP = zlib.MAX_WBITS | 16
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
# RFC 9309, 2.3.1.3: a host that answers so has no rules; but one that counts our requests has them to tell later.
_NO_ROBOTS = frozenset(range(400, 500)) - {429}
# Any other header that a source sets may carry a token, and is never taken to another host.
_HARMLESS = frozenset({"accept", "accept-language", "if-modified-since", "if-none-match", "referer", "user-agent"})


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer: ``url`` is where the last redirect led, ``headers`` have lower-case names."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    etag: str | None = None
    last_modified: str | None = None

    @property
    def not_modified(self) -> bool:
        return self.status == 304

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "")


@dataclass(frozen=True, slots=True)
class _Ask:
    """What is sent, and how what comes is taken. ``most``: bytes of the body that are read, the rest left unread."""

    now: datetime
    headers: Mapping[str, str]
    body: bytes | None = None
    page: bool = False
    pace: float = 0.0
    expect: Container[int] = ()
    most: int | None = None


class _Run(threading.local):
    """When this thread's run of a source waits no longer for a turn, on the clock of the turns."""

    until: float | None = None


class Http:
    """A thread-safe client. ``contact`` (a mail address or page) stands in the User-Agent; times are in seconds.

    It keeps no cookies, reads no environment variable and tries nothing twice. A request to another machine waits,
    within its deadline, until fewer than ``at_once`` others run at its host and the last began ``apart`` seconds ago,
    or more where a source gives a ``pace``; a server on this machine is the user's own, and is asked at once.
    ``resolver`` and ``connector`` are the two outermost steps of a connection. Raises ConfigError for a contact or
    proxy that cannot be used.
    """

    def __init__(
        self,
        contact: str,
        *,
        proxy: str = "",
        allow_private: bool = False,
        connect: float = 10.0,
        read: float = 20.0,
        deadline: float = 60.0,
        max_body: int = MAX_BODY,
        at_once: int = AT_ONCE,
        apart: float = APART,
        resolver: Resolver = resolve,
        connector: httpcore.NetworkBackend | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._seconds = deadline
        self._turns = Turns(at_once, apart, clock=clock, sleep=sleep)
        self._robots = Robots(self._robots_txt)
        self._max_body = max_body
        self._allow_private = allow_private
        self._behind_proxy = bool(proxy)
        self._deadline = Deadline()
        self._clock = clock
        self._run = _Run()
        proxy_url = _proxy_url(proxy)
        backend = JudgedBackend(
            self._deadline,
            allow_private=allow_private,
            trusted=[proxy_url.host] if proxy_url else [],
            resolver=resolver,
            connector=connector,
        )
        self.user_agent = _user_agent(contact)
        self._client = httpx.Client(
            transport=Transport(backend, proxy_url),
            timeout=httpx.Timeout(read, connect=connect),
            headers={"User-Agent": self.user_agent, "Accept-Encoding": "gzip"},
            cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
            trust_env=False,
            follow_redirects=False,
        )

    def get(
        self,
        url: str,
        *,
        now: datetime,
        etag: str | None = None,
        last_modified: str | None = None,
        headers: Mapping[str, str] | None = None,
        page: bool = False,
        pace: float = 0.0,
        expect: Container[int] = (),
    ) -> Answer:
        """GET ``url``, following at most five redirects; a 304 gives ``Answer.not_modified``.

        ``headers`` other than harmless ones bind the request to its host: a redirect elsewhere is an error. ``now``
        is what a Retry-After date is counted from. ``page``: it is an HTML page made for people, so the host's
        robots.txt is asked first and obeyed. ``pace``: seconds between two requests to this host, where it needs more
        than others; from then on whoever asks it keeps the longest such. ``expect``: statuses of errors or redirects
        whose answer the source reads itself: they are neither raised nor followed. Raises SourceError or one of its
        kinds, with one line that names the host and neither path nor query: NoTurn where others or this run ask too
        much of the host, Blocked where robots.txt does not permit the page.
        """
        sent = dict(headers or {})
        if etag:
            sent["If-None-Match"] = etag
        if last_modified:
            sent["If-Modified-Since"] = last_modified
        with self._deadline.within(self._seconds):
            return self._follow(_web_url(url), _Ask(now, sent, page=page, pace=pace, expect=expect))

    def post(
        self,
        url: str,
        body: bytes,
        content_type: str,
        *,
        now: datetime,
        headers: Mapping[str, str] | None = None,
        pace: float = 0.0,
        expect: Container[int] = (),
    ) -> Answer:
        """POST ``body`` to ``url``. What is sent may be a password, so no redirect is followed. Raises as ``get``."""
        here = _web_url(url)
        sent = {**(headers or {}), "Content-Type": content_type}
        with self._deadline.within(self._seconds):
            found = self._once(here, _Ask(now, sent, body, pace=pace, expect=expect))
        if isinstance(found, httpx.URL):
            raise SourceError(f"{here.host}: redirects to {found.host}; not followed, for the request holds a body")
        return found

    @contextmanager
    def run(self, seconds: float) -> Iterator[None]:
        """One run of a source in this thread: it waits for no turn that comes later than ``seconds`` from now.

        Its requests raise ``NoTurn`` instead, and it can end what it reads where it is.
        """
        self._run.until = self._clock() + seconds
        try:
            yield
        finally:
            self._run.until = None

    def close(self) -> None:
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _follow(self, here: httpx.URL, ask: _Ask) -> Answer:
        for _ in range(MAX_REDIRECTS + 1):
            found = self._once(here, ask)
            if isinstance(found, Answer):
                return found
            _may_follow(here, found, ask.headers)
            ask = ask if found.host == here.host else replace(ask, pace=0.0)
            here = found
        raise SourceError(f"{here.host}: more than {MAX_REDIRECTS} redirects")

    def _robots_txt(self, url: httpx.URL, now: datetime) -> tuple[int, bytes]:
        answer = self._follow(url, _Ask(now, {}, expect=_NO_ROBOTS, most=ROBOTS_SIZE))
        return answer.status, answer.body

    def _judge(self, url: httpx.URL) -> None:
        """Behind a proxy it is the proxy that connects, so all that can be judged here is a literal address."""
        if not self._behind_proxy or self._allow_private:
            return
        try:
            literal = str(ip_address(url.host))
        except ValueError:
            literal = "127.0.0.1" if url.host == "localhost" else ""
        if literal and not is_public(literal):
            raise private_address(url.host, literal)

    def _once(self, url: httpx.URL, ask: _Ask) -> Answer | httpx.URL:
        """One request, when its turn has come: its answer, or where it sends us."""
        self._judge(url)
        delay = self._robots.delay_for(url, ask.now, self._patience()) if ask.page else 0.0
        if _is_this_machine(url.host):
            return self._send(url, ask)
        with self._turns.turn(url.host, self._patience(), max(delay, ask.pace)):
            return self._send(url, ask)

    def _patience(self) -> float:
        """Seconds for which a turn may be waited for: what is left of the request's time, and of the run's."""
        left = self._deadline.left(None) or 0.0
        return left if self._run.until is None else min(left, self._run.until - self._clock())

    def _send(self, url: httpx.URL, ask: _Ask) -> Answer | httpx.URL:
        method = "GET" if ask.body is None else "POST"
        try:
            request = self._client.build_request(method, url, headers=ask.headers, content=ask.body)
        except (ValueError, TypeError) as error:
            raise SourceError(f"{url.host}: a header cannot be sent: {type(error).__name__}") from error
        try:
            response = self._client.send(request, stream=True)
            with closing(response):
                if response.status_code not in ask.expect:
                    if response.status_code in _REDIRECTS and "location" in response.headers:
                        return _web_url(response.headers["location"], url)
                    refuse(response, ask.now)
                content = b"" if response.status_code == 304 else self._body(response, ask.most)
        except FAULTS as error:
            raise self._fault(url, error) from error
        return Answer(
            url=str(url),
            status=response.status_code,
            headers=dict(response.headers),
            body=content,
            etag=response.headers.get("etag"),
            last_modified=response.headers.get("last-modified"),
        )

    def _body(self, response: httpx.Response, most: int | None) -> bytes:
        body = bytearray()
        for piece in _decoded(response, self._max_body):
            body += piece
            if most is not None and len(body) >= most:
                return bytes(body[:most])
            if len(body) > self._max_body:
                raise SourceError(f"{response.url.host}: the body is larger than {self._max_body} bytes")
            if self._deadline.passed():
                raise httpcore.ReadTimeout("deadline")
        return bytes(body)

    def _fault(self, url: httpx.URL, error: Exception) -> SourceError:
        if self._deadline.passed():
            return SourceError(f"{url.host}: no whole answer within {self._seconds:g} s")
        if isinstance(error, httpcore.TimeoutException | httpx.TimeoutException):
            step = re.sub(r"Timeout.*", "", type(error).__name__).lower()
            return SourceError(f"{url.host}: timed out ({step})")
        return SourceError(f"{url.host}: {reason(error)}")


def _decoded(response: httpx.Response, limit: int) -> Iterator[bytes]:
    """The body's bytes without their compression, never more than ``limit`` + 1 at once.

    httpx decodes each piece as a whole, so a few bytes of a bomb would fill the memory before anybody can count.
    """
    host = response.url.host
    coding = response.headers.get("content-encoding", "identity").strip().lower() or "identity"
    if coding == "identity":
        yield from response.iter_raw(65536)
        return
    if coding not in ("gzip", "x-gzip"):
        raise SourceError(f"{host}: unknown compression {shown(coding)}")
    opener = zlib.decompressobj(_GZIP)
    try:
        for piece in response.iter_raw(65536):
            while piece:
                yield opener.decompress(piece, limit + 1)
                piece = opener.unconsumed_tail
                if opener.eof and opener.unused_data.startswith(b"\x1f\x8b"):  # another member follows
                    piece, opener = opener.unused_data, zlib.decompressobj(_GZIP)
    except zlib.error as error:
        raise SourceError(f"{host}: the compressed body cannot be read") from error
    if not opener.eof and response.num_bytes_downloaded:
        raise SourceError(f"{host}: the compressed body is cut short")


def _web_url(text: str, base: httpx.URL | None = None) -> httpx.URL:
    """An absolute http or https address; ``text`` may be relative to ``base``. Raises SourceError."""
    start = f"{base.host}: redirect to " if base else ""
    try:
        url = base.join(text) if base else httpx.URL(text)
    except (httpx.InvalidURL, ValueError, TypeError) as error:
        raise SourceError(f"{start}an address that cannot be read") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise SourceError(f"{start}an address that is not http or https, but {shown(url.scheme)}")
    return url


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _may_follow(here: httpx.URL, there: httpx.URL, headers: Mapping[str, str]) -> None:
    """A source's own headers may be credentials: they go to the host they were meant for, or nowhere."""
    bound = any(name.lower() not in _HARMLESS for name in headers)
    same = here.host == there.host and (
        (here.scheme, here.port) == (there.scheme, there.port) or (here.scheme, there.scheme) == ("http", "https")
    )
    if bound and not same:
        raise SourceError(f"{here.host}: redirects to {there.host}; not followed, for the request holds credentials")


def _proxy_url(proxy: str) -> httpx.URL | None:
    if not proxy:
        return None
    try:
        url = httpx.URL(proxy)
    except httpx.InvalidURL as error:
        raise ConfigError("network.proxy: not an address") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise ConfigError("network.proxy: must be an http or https address")
    return url


def _user_agent(contact: str) -> str:
    if not (contact.isascii() and contact.isprintable()) or set("()") & set(contact):
        raise ConfigError(f"network.contact: must be a mail address or a page's address, not {shown(contact)}")
    try:
        product = f"Qianli/{version('qianli')}"
    except PackageNotFoundError:
        product = "Qianli/0"  # run from a folder that was never installed
    return f"{product} (+{contact})" if contact else product

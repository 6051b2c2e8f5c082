"""The one HTTP client that all sources share: polite, bounded in time and size, and careful where it connects."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from importlib.metadata import PackageNotFoundError, version
from ipaddress import ip_address
from types import TracebackType
from typing import Self

import httpcore
import httpx

from monitor.errors import Blocked, ConfigError, NeedsCredentials, RateLimited, SourceError, shown
from sources.network import Deadline, JudgedBackend, Resolver, is_public, private_address, resolve

MAX_BODY = 20_000_000
"""Bytes of a body after decompression."""
MAX_REDIRECTS = 5
MAX_REST = timedelta(days=1)
"""The longest Retry-After that is believed: a wrong one must not silence a source for years."""

_CONNECTIONS = 100
_GZIP = zlib.MAX_WBITS | 16
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_REFUSALS = frozenset({403, 412, 432, 451})
# Any other header that a source sets may carry a token, and is never taken to another host.
_HARMLESS = frozenset({"accept", "accept-language", "if-modified-since", "if-none-match", "referer", "user-agent"})
_FAULTS = (
    httpx.HTTPError,
    httpx.InvalidURL,
    httpx.StreamError,
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
)


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


class Http:
    """A thread-safe client. ``contact`` (a mail address or page) stands in the User-Agent; times are in seconds.

    It keeps no cookies, reads no environment variable and tries nothing twice. ``resolver`` and ``connector`` are the
    two outermost steps of a connection. Raises ConfigError for a contact or proxy that cannot be used.
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
        resolver: Resolver = resolve,
        connector: httpcore.NetworkBackend | None = None,
    ) -> None:
        self._seconds = deadline
        self._max_body = max_body
        self._allow_private = allow_private
        self._behind_proxy = bool(proxy)
        self._deadline = Deadline()
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
            transport=_Transport(backend, proxy_url),
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
    ) -> Answer:
        """GET ``url``, following at most five redirects; a 304 gives ``Answer.not_modified``.

        ``headers`` other than harmless ones bind the request to its host: a redirect elsewhere is an error. ``now``
        is what a Retry-After date is counted from. Raises SourceError or one of its kinds, with one line that names
        the host and neither path nor query.
        """
        sent = dict(headers or {})
        if etag:
            sent["If-None-Match"] = etag
        if last_modified:
            sent["If-Modified-Since"] = last_modified
        with self._deadline.within(self._seconds):
            return self._follow(url, sent, now)

    def post(
        self, url: str, body: bytes, content_type: str, *, now: datetime, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """POST ``body`` to ``url``. What is sent may be a password, so no redirect is followed. Raises as ``get``."""
        here = _web_url(url)
        sent = {**(headers or {}), "Content-Type": content_type}
        with self._deadline.within(self._seconds):
            self._judge(here)
            found = self._once(here, sent, now, body)
        if isinstance(found, httpx.URL):
            raise SourceError(f"{here.host}: redirects to {found.host}; not followed, for the request holds a body")
        return found

    def close(self) -> None:
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _follow(self, url: str, headers: Mapping[str, str], now: datetime) -> Answer:
        here = _web_url(url)
        for _ in range(MAX_REDIRECTS + 1):
            self._judge(here)
            found = self._once(here, headers, now)
            if isinstance(found, Answer):
                return found
            _may_follow(here, found, headers)
            here = found
        raise SourceError(f"{here.host}: more than {MAX_REDIRECTS} redirects")

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

    def _once(
        self, url: httpx.URL, headers: Mapping[str, str], now: datetime, body: bytes | None = None
    ) -> Answer | httpx.URL:
        """One request: its answer, or where it sends us."""
        method = "GET" if body is None else "POST"
        try:
            request = self._client.build_request(method, url, headers=headers, content=body)
        except (ValueError, TypeError) as error:
            raise SourceError(f"{url.host}: a header cannot be sent: {type(error).__name__}") from error
        try:
            response = self._client.send(request, stream=True)
            with closing(response):
                if response.status_code in _REDIRECTS and "location" in response.headers:
                    return _web_url(response.headers["location"], url)
                _raise_for_status(response, now)
                content = b"" if response.status_code == 304 else self._body(response)
        except _FAULTS as error:
            raise self._fault(url, error) from error
        return Answer(
            url=str(url),
            status=response.status_code,
            headers=dict(response.headers),
            body=content,
            etag=response.headers.get("etag"),
            last_modified=response.headers.get("last-modified"),
        )

    def _body(self, response: httpx.Response) -> bytes:
        body = bytearray()
        for piece in _decoded(response, self._max_body):
            body += piece
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
        return SourceError(f"{url.host}: {_reason(error)}")


class _Transport(httpx.BaseTransport):
    """httpx over a pool of connections that the judged backend makes; httpx's own transport cannot be given one."""

    def __init__(self, backend: JudgedBackend, proxy: httpx.URL | None) -> None:
        context = httpx.create_ssl_context(trust_env=False)
        self._pool: httpcore.ConnectionPool
        if proxy is None:
            self._pool = httpcore.ConnectionPool(context, max_connections=_CONNECTIONS, network_backend=backend)
            return
        secret = (proxy.username, proxy.password) if proxy.username else None
        self._pool = httpcore.HTTPProxy(
            str(proxy.copy_with(username=None, password=None)),
            secret,
            ssl_context=context,
            max_connections=_CONNECTIONS,
            network_backend=backend,
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        assert isinstance(request.stream, httpx.SyncByteStream)
        answer = self._pool.handle_request(
            httpcore.Request(
                request.method,
                httpcore.URL(
                    scheme=request.url.raw_scheme,
                    host=request.url.raw_host,
                    port=request.url.port,
                    target=request.url.raw_path,
                ),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        assert isinstance(answer.stream, Iterable)
        return httpx.Response(
            answer.status, headers=answer.headers, stream=_Body(answer), extensions=dict(answer.extensions)
        )

    def close(self) -> None:
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


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


def _may_follow(here: httpx.URL, there: httpx.URL, headers: Mapping[str, str]) -> None:
    """A source's own headers may be credentials: they go to the host they were meant for, or nowhere."""
    bound = any(name.lower() not in _HARMLESS for name in headers)
    same = here.host == there.host and (
        (here.scheme, here.port) == (there.scheme, there.port) or (here.scheme, there.scheme) == ("http", "https")
    )
    if bound and not same:
        raise SourceError(f"{here.host}: redirects to {there.host}; not followed, for the request holds credentials")


def _raise_for_status(response: httpx.Response, now: datetime) -> None:
    status = response.status_code
    said = f"{response.url.host}: HTTP {status}"
    wait = response.headers.get("retry-after")
    if status == 429 or (status == 503 and wait is not None):
        raise RateLimited(said, retry_after(wait, now))
    if status == 401:
        raise NeedsCredentials(said)
    if status in _REFUSALS:
        raise Blocked(said)
    if status != 304 and not 200 <= status < 300:
        raise SourceError(said)


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


def _reason(error: Exception) -> str:
    """What went wrong below HTTP, in a few words that cannot hold an address's path or query."""
    text = str(error)
    if isinstance(error, httpcore.ConnectError | httpx.ConnectError):
        if found := re.search(r"certificate verify failed: ([\w ,-]+)", text):
            return f"TLS: {found[1].strip()}"
        if "ssl" in text.lower() or "tls" in text.lower():
            return "TLS: the connection cannot be secured"
        return "no connection" + (
            f" ({found[1].lower()})" if (found := re.search(r"Errno -?\d+\] ([\w ]+)", text)) else ""
        )
    if isinstance(error, httpx.InvalidURL) or "URL in location" in text:
        return "redirect to an address that cannot be read"
    if isinstance(error, httpcore.RemoteProtocolError | httpx.RemoteProtocolError):
        if "without sending a response" in text:
            return "no answer came"
        cut = "complete message body" in text or "incomplete" in text
        return "the answer is cut short" if cut else "the answer is not HTTP"
    if isinstance(error, httpcore.ProxyError | httpx.ProxyError):
        return "the proxy refused"
    return f"the connection failed ({type(error).__name__})"


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

"""The lowest step of every request: which address is connected to, and until when bytes are awaited.

An address is judged where the connection is made, so a name that answers differently a moment later, a redirect or a
number in disguise cannot slip past: what was judged is what is connected to. TLS still checks the name.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from ssl import SSLContext
from typing import Any

import httpcore
import httpx

from monitor.errors import SourceError, one_line

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], list[str]]
"""From a host and a port to the addresses that answer for it, as text; raises OSError when there are none."""

CONNECTIONS = 100
"""Connections that are kept open at the same time, to all hosts together."""

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def resolve(host: str, port: int) -> list[str]:
    """The system's answer, in its order of preference. It knows no timeout but the system's own."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Names:
    """Asks ``resolver`` in a thread beside, so that one who waits for a name can stop to.

    The system's look-up cannot be ended, and while its servers are down it may last minutes. A name that is being
    looked up is not asked for a second time: however often a source tries, it keeps one thread.
    """

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._lock = threading.Lock()
        self._asked: dict[tuple[str, int], Future[list[str]]] = {}

    def addresses(self, host: str, port: int, seconds: float | None) -> list[str]:
        """Raises what the resolver does, and TimeoutError when it gave nothing within ``seconds``."""
        key = (host, port)
        with self._lock:
            answer = self._asked.get(key)
            if answer is None:
                answer = self._asked[key] = Future()
                threading.Thread(target=self._ask, args=(key, answer), name="resolver", daemon=True).start()
        return answer.result(seconds)

    def _ask(self, key: tuple[str, int], answer: Future[list[str]]) -> None:
        try:
            answer.set_result(self._resolver(*key))
        except (OSError, UnicodeError) as error:
            answer.set_exception(error)
        finally:
            answer.cancel()  # if it ended in something else, nobody shall wait for it
            with self._lock:
                del self._asked[key]


def is_public(address: str) -> bool:
    """Whether an address belongs to the open internet, also after an IPv4 address wrapped in it is taken out."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    return all(_is_global(part) for part in _inner_addresses(parsed))


def _is_global(address: Address) -> bool:
    outside = address.is_multicast or address.is_reserved or getattr(address, "is_site_local", False)
    return address.is_global and not outside


def _inner_addresses(address: Address) -> list[Address]:
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    if address.ipv4_mapped:
        return [address.ipv4_mapped]
    if address in _NAT64:
        return [ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)]
    if address.sixtofour:
        return [address, address.sixtofour]
    if address.teredo:
        return [address, *address.teredo]
    return [address]


class Deadline(threading.local):
    """The moment until which this thread's request may last, in seconds of the monotonic clock."""

    until: float | None = None

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        self.until = time.monotonic() + seconds
        try:
            yield
        finally:
            self.until = None

    def left(self, timeout: float | None) -> float | None:
        """``timeout``, or what is left until the deadline if that is less; never zero: that means "do not wait"."""
        if self.until is None:
            return timeout
        rest = max(self.until - time.monotonic(), 0.001)
        return rest if timeout is None else min(timeout, rest)

    def passed(self) -> bool:
        return self.until is not None and time.monotonic() >= self.until


class JudgedBackend(httpcore.NetworkBackend):
    """Connects only to addresses of the open internet, unless ``allow_private``, and heeds the deadline.

    ``trusted`` are hosts that are not judged: the proxy that the config names. ``connector`` makes the connection
    to a judged address.
    """

    def __init__(
        self,
        deadline: Deadline,
        *,
        allow_private: bool = False,
        trusted: Iterable[str] = (),
        resolver: Resolver = resolve,
        connector: httpcore.NetworkBackend | None = None,
    ) -> None:
        self._deadline = deadline
        self._allow_private = allow_private
        self._trusted = frozenset(trusted)
        self._names = Names(resolver)
        self._connector = connector or httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        failure: Exception = httpcore.ConnectError("no address")
        for address in self._judged(host, port, self._deadline.left(timeout)):
            if self._deadline.passed():
                raise httpcore.ConnectTimeout("deadline")
            try:
                stream = self._connector.connect_tcp(
                    address, port, self._deadline.left(timeout), local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _TimedStream(stream, self._deadline)
        raise failure

    def _judged(self, host: str, port: int, seconds: float | None) -> list[str]:
        try:
            addresses = self._names.addresses(host, port, seconds)
        except TimeoutError as error:
            raise SourceError(f"{one_line(host)}: its name was not found in time") from error
        except (OSError, UnicodeError) as error:
            raise SourceError(f"{one_line(host)}: the name is not known") from error
        if not self._allow_private and host not in self._trusted:
            for address in addresses:
                if not is_public(address):
                    raise private_address(host, address)
        return addresses


def private_address(host: str, address: str) -> SourceError:
    """The refusal of an address that is not of the open internet."""
    at = "is" if host == address else f"is at {address},"
    return SourceError(f"{one_line(host)}: {at} a private or reserved address; network.allow_private permits it")


class _TimedStream(httpcore.NetworkStream):
    """A connection on which no single byte extends a request past its deadline."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._deadline.passed():
            raise httpcore.ReadTimeout("deadline")
        return self._inner.read(max_bytes, self._deadline.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if self._deadline.passed():
            raise httpcore.WriteTimeout("deadline")
        self._inner.write(buffer, self._deadline.left(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        if self._deadline.passed():
            raise httpcore.ConnectTimeout("deadline")
        secured = self._inner.start_tls(ssl_context, server_hostname, self._deadline.left(timeout))
        return _TimedStream(secured, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class Transport(httpx.BaseTransport):
    """httpx over a pool of connections that the judged backend makes; httpx's own transport cannot be given one."""

    def __init__(self, backend: JudgedBackend, proxy: httpx.URL | None) -> None:
        context = httpx.create_ssl_context(trust_env=False)
        self._pool: httpcore.ConnectionPool
        if proxy is None:
            self._pool = httpcore.ConnectionPool(context, max_connections=CONNECTIONS, network_backend=backend)
            return
        secret = (proxy.username, proxy.password) if proxy.username else None
        self._pool = httpcore.HTTPProxy(
            str(proxy.copy_with(username=None, password=None)),
            secret,
            ssl_context=context,
            max_connections=CONNECTIONS,
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

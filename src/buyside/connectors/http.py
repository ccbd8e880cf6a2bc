"""The way out to sellers: guarded addresses, bounded waits and replies, no proxies, no secrets in what is written down.

Names are resolved once per connection, and the address that was checked is the address that is dialled: a name that
changes its mind between check and use (DNS rebinding) gains nothing. TLS and the Host header still carry the name.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
import ssl
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import httpcore
import httpx

# httpx writes every URL at INFO, and a seller's URL may carry a credential.
logging.getLogger("httpx").setLevel(logging.WARNING)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], Awaitable[Sequence[str]]]

MEBIBYTE = 1024 * 1024
RESPONSE_CAP = 4 * MEBIBYTE
MAX_REDIRECTS = 3
MAX_ADDRESSES = 4

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")
# Listed, not asked of `is_private`, whose answers differ between Python releases. Source: IANA's special registries.
_PRIVATE = tuple(
    map(
        ipaddress.ip_network,
        ("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7"),
    )
)
_NEVER = tuple(
    map(
        ipaddress.ip_network,
        (
            *("0.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15"),
            *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
            *("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),
        ),
    )
)


class ForbiddenAddress(httpx.ConnectError):
    """The endpoint's name leads to an address that this server does not call."""


class Oversized(Exception):
    """The reply is larger than the cap."""


class Garbled(Exception):
    """The reply's content encoding is broken, or one that we did not ask for."""


def _unwrapped(address: Address) -> Address:
    """The IPv4 address inside an IPv4-mapped or NAT64 one; any other as it is."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


@dataclass(frozen=True)
class AddressGuard:
    """Which addresses may be dialled.

    `allow_private` opens loopback, private and carrier-shared ranges. Link-local (where clouds keep their metadata),
    multicast, reserved, documentation and tunnel ranges stay shut either way. `sandbox` names the one host and port
    that may also be reached on loopback: a sandbox seller that this server started itself.
    """

    allow_private: bool = False
    sandbox: tuple[str, int] | None = None

    def refusal(self, host: str, port: int, address: str) -> str | None:
        """Why this address is not called; None when it may be."""
        try:
            found = _unwrapped(ipaddress.ip_address(address.partition("%")[0]))
        except ValueError:
            return f"{host} does not resolve to an IP address"
        if any(found in network for network in _NEVER):
            return f"{host} is at {found}, in a reserved or link-local range"
        if any(found in network for network in _PRIVATE):
            own = self.sandbox == (host.lower(), port) and found.is_loopback
            if self.allow_private or own:
                return None
            return f"{host} is at {found}, a private or loopback address (BUYSIDE_ALLOW_PRIVATE_ENDPOINTS is not set)"
        if found.version == 6 and found not in _GLOBAL_V6:
            return f"{host} is at {found}, which is not a global address"
        return None

    def permitted(self, host: str, port: int, addresses: Iterable[str]) -> list[str]:
        """Those that may be dialled. Raises: ForbiddenAddress when none may."""
        allowed, reason = [], f"{host} has no address"
        for address in addresses:
            refused = self.refusal(host, port, address)
            if refused is None:
                allowed.append(address)
            else:
                reason = refused
        if not allowed:
            raise ForbiddenAddress(f"{reason}; this server does not call it.")
        return allowed[:MAX_ADDRESSES]


async def resolve(host: str, port: int) -> Sequence[str]:
    """Raises: OSError when the name is not known."""
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Dials only addresses that the guard has just passed."""

    def __init__(
        self, guard: AddressGuard, resolver: Resolver = resolve, dial: httpcore.AsyncNetworkBackend | None = None
    ) -> None:
        self._guard, self._resolve, self._dial = guard, resolver, dial or httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = self._guard.permitted(host, port, await self._resolved(host, port, timeout))
        share = None if timeout is None else timeout / len(addresses)
        for address in addresses[:-1]:
            try:
                return await self._dial.connect_tcp(address, port, share, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._dial.connect_tcp(addresses[-1], port, share, local_address, socket_options)

    async def _resolved(self, host: str, port: int, timeout: float | None) -> Sequence[str]:
        try:
            async with asyncio.timeout(timeout):
                return await self._resolve(host, port)
        except TimeoutError as slow:
            raise httpcore.ConnectTimeout(f"{host} did not resolve in time") from slow
        except (OSError, UnicodeError) as unknown:
            raise httpcore.ConnectError(f"{host} does not resolve") from unknown

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.AsyncNetworkStream:
        raise httpcore.ConnectError("Sellers are not called through local sockets.")

    async def sleep(self, seconds: float) -> None:
        await self._dial.sleep(seconds)


_TRANSLATED: tuple[tuple[type[Exception], type[httpx.TransportError]], ...] = (
    (httpcore.ConnectTimeout, httpx.ConnectTimeout),
    (httpcore.PoolTimeout, httpx.PoolTimeout),
    (httpcore.ReadTimeout, httpx.ReadTimeout),
    (httpcore.WriteTimeout, httpx.WriteTimeout),
    (httpcore.ConnectError, httpx.ConnectError),
    (httpcore.ReadError, httpx.ReadError),
    (httpcore.WriteError, httpx.WriteError),
    (httpcore.UnsupportedProtocol, httpx.UnsupportedProtocol),
    (httpcore.LocalProtocolError, httpx.LocalProtocolError),
    (httpcore.RemoteProtocolError, httpx.RemoteProtocolError),
    (httpcore.TimeoutException, httpx.ReadTimeout),
    (httpcore.ProtocolError, httpx.RemoteProtocolError),
    (httpcore.NetworkError, httpx.ReadError),
)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        for theirs, ours in _TRANSLATED:
            if isinstance(error, theirs):
                raise ours(str(error)) from error
        raise


class _Body(httpx.AsyncByteStream):
    def __init__(self, got: httpcore.Response) -> None:
        self._stream, self._close = got.aiter_stream(), got.aclose

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _translated():
            async for part in self._stream:
                yield part

    async def aclose(self) -> None:
        with _translated():
            await self._close()


class GuardedTransport(httpx.AsyncBaseTransport):
    """httpx over a connection pool that dials through the guard (httpx's own transport takes no backend)."""

    def __init__(self, guard: AddressGuard, *, connections: int, resolver: Resolver = resolve) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=_tls(),
            max_connections=connections,
            max_keepalive_connections=connections,
            # Many servers close an idle connection after 5 s: a write that meets the close has no known outcome.
            keepalive_expiry=3.0,
            network_backend=GuardedBackend(guard, resolver),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        asked = httpcore.Request(
            method=request.method,
            url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        with _translated():
            got = await self._pool.handle_async_request(asked)
        return httpx.Response(got.status, headers=got.headers, stream=_Body(got), extensions=got.extensions)

    async def aclose(self) -> None:
        await self._pool.aclose()


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    """One for all: loading the authorities costs some 15 ms and 2 MB each time."""
    return httpx.create_ssl_context(trust_env=False)


def open_client(
    guard: AddressGuard,
    *,
    connect_timeout: float = 5.0,
    connections: int = 32,
    resolver: Resolver = resolve,
) -> httpx.AsyncClient:
    """A client that follows no redirect by itself and reads no proxy from the environment. Timeout in seconds.

    Reads and writes have no timeout of their own: the caller's deadline bounds the whole call.
    """
    return httpx.AsyncClient(
        transport=GuardedTransport(guard, connections=connections, resolver=resolver),
        headers={"User-Agent": "buyside", "Accept-Encoding": "gzip"},
        timeout=httpx.Timeout(None, connect=connect_timeout, pool=connect_timeout),
        follow_redirects=False,
        trust_env=False,
    )


class Departure:
    """Whether the first byte of a request may have left: past it, a failure proves nothing."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = False

    async def watch(self, event: str, _: Mapping[str, Any]) -> None:
        if event.endswith("send_request_headers.started"):
            self.left = True


@asynccontextmanager
async def sending(
    client: httpx.AsyncClient,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    content: bytes | None = None,
    departure: Departure | None = None,
) -> AsyncIterator[httpx.Response]:
    """One request and its unread reply; redirects only to the same origin, and only those that repeat the request.

    A reply of 307 or 308 proves that the request was not carried out, so `departure` starts anew on each hop. A
    redirect that is not followed is yielded as the reply that it is.
    """
    departure = departure or Departure()
    target = httpx.URL(url)
    for hop in range(MAX_REDIRECTS + 1):
        departure.left = False
        request = client.build_request(
            method, target, headers=headers, content=content, extensions={"trace": departure.watch}
        )
        response = await client.send(request, stream=True)
        try:
            onward = _onward(response, target) if hop < MAX_REDIRECTS else None
            if onward is None:
                yield response
                return
        finally:
            await response.aclose()
        target = onward


def _onward(response: httpx.Response, target: httpx.URL) -> httpx.URL | None:
    if response.status_code not in (307, 308):
        return None
    try:
        onward = target.join(response.headers.get("location", ""))
    except (httpx.InvalidURL, ValueError):
        return None
    return onward if origin(onward) == origin(target) else None


def origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or {"http": 80, "https": 443}.get(url.scheme)


async def chunks(response: httpx.Response, cap: int = RESPONSE_CAP) -> AsyncIterator[bytes]:
    """The decoded body. Raises: Oversized past `cap` bytes, before they are held; Garbled."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "", "gzip"):
        raise Garbled(f"The reply is encoded as {encoding!r}.")
    inflate = zlib.decompressobj(wbits=31) if encoding == "gzip" else None
    room = cap
    async for part in response.aiter_raw():
        if inflate is not None:
            try:
                part = inflate.decompress(part, room + 1)
            except zlib.error as error:
                raise Garbled("The reply is not the gzip it claims to be.") from error
        room -= len(part)
        if room < 0:
            raise Oversized(f"The reply is larger than {cap // MEBIBYTE} MiB.")
        if part:
            yield part


async def read(response: httpx.Response, cap: int = RESPONSE_CAP) -> bytes:
    return b"".join([part async for part in chunks(response, cap)])

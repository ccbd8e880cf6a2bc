"""One request over HTTP as both transports make it: sent, bounded, read, and every failure turned into a reply."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from buyside.connectors.adcp.outcome import HTTPRefusal, NoAnswer, NotSent, Reply
from buyside.connectors.adcp.wire import Unreadable, loads
from buyside.connectors.http import (
    RESPONSE_CAP,
    Departure,
    ForbiddenAddress,
    Garbled,
    Oversized,
    read,
    sending,
)

REFUSAL_CAP = 64 * 1024
LARGE = 128 * 1024
"""Bytes of JSON that are read in some milliseconds; more is for a thread, since the event loop has other callers."""
FORBIDDEN = "FORBIDDEN_ADDRESS"
# What a network, a TLS stack or a malformed reply can raise through httpx. Deadlines are the caller's.
FAILURES = (
    *(httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, ssl.SSLError, UnicodeError),
    *(Oversized, Garbled, Unreadable),
)


_WORDS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], str], ...] = (
    (httpx.ConnectTimeout, "it did not take the connection in time"),
    (httpx.PoolTimeout, "too many calls are under way"),
    (httpx.TimeoutException, "it fell silent"),
    (httpx.ConnectError, "it does not take the connection"),
    (httpx.RemoteProtocolError, "it closed the connection"),
    (httpx.LocalProtocolError, "the request is not one that HTTP allows"),
    ((httpx.UnsupportedProtocol, httpx.InvalidURL), "its address is not one that can be called"),
    ((httpx.NetworkError, OSError), "the connection was cut"),
)


def failed(error: Exception, departure: Departure) -> Reply:
    """The reply that a failure amounts to: whether anything had left decides what it proves."""
    if isinstance(error, ForbiddenAddress):
        return NotSent(str(error), code=FORBIDDEN)
    # A request that HTTP itself forbids (a line break in a header) is refused by our own side, at the last moment.
    if departure.left and not isinstance(error, httpx.LocalProtocolError):
        return NoAnswer(f"The connection to the seller failed before it had answered: {_said(error)}.")
    return NotSent(f"The seller could not be reached: {_said(error)}.")


def _said(error: Exception) -> str:
    """In words of ours: what a library says of its own inside helps no buyer, and may quote what was sent."""
    if isinstance(error, (Oversized, Garbled, Unreadable)):
        return str(error).rstrip(".")
    if any(isinstance(each, ssl.SSLError) for each in _causes(error)):
        return "its certificate is not trusted, or it does not speak TLS as it should"
    if any(isinstance(each, socket.gaierror) for each in _causes(error)):
        return "its name does not resolve"
    return next((words for kinds, words in _WORDS if isinstance(error, kinds)), "the connection failed")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


async def parsed(body: bytes) -> Any:
    """JSON of any size, as `loads` reads it. Raises: Unreadable."""
    return loads(body) if len(body) < LARGE else await asyncio.to_thread(loads, body)


class Lines:
    """A client, an endpoint and the headers that every request to it carries."""

    def __init__(self, client: httpx.AsyncClient, endpoint: str, headers: Mapping[str, str]) -> None:
        self.client, self.endpoint, self._headers = client, endpoint, dict(headers)

    @asynccontextmanager
    async def posting(
        self, content: bytes, headers: Mapping[str, str], departure: Departure | None = None
    ) -> AsyncIterator[httpx.Response]:
        both = {**self._headers, "Content-Type": "application/json", **headers}
        async with sending(
            self.client, "POST", self.endpoint, headers=both, content=content, departure=departure
        ) as response:
            yield response

    async def getting(self, url: str, cap: int = RESPONSE_CAP) -> Any:
        """A JSON document. Raises what `FAILURES` lists; Unreadable for any status but 200."""
        headers = {**self._headers, "Accept": "application/json"}
        async with sending(self.client, "GET", url, headers=headers) as response:
            if response.status_code != 200:
                raise Unreadable(f"HTTP {response.status_code}")
            return await parsed(await read(response, cap))

    async def deleting(self, headers: Mapping[str, str]) -> None:
        async with sending(self.client, "DELETE", self.endpoint, headers={**self._headers, **headers}):
            pass


async def refusal(response: httpx.Response) -> HTTPRefusal:
    """A reply that is not a success, with its body where that is JSON of a reasonable size."""
    body: Any = None
    if "json" in response.headers.get("content-type", ""):
        try:
            body = loads(await read(response, REFUSAL_CAP))
        except (Unreadable, Oversized, Garbled, httpx.HTTPError):
            body = None
    return HTTPRefusal(response.status_code, body, retry_after(response.headers))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds, from either form of Retry-After; a date is measured against the seller's own clock."""
    stated = headers.get("retry-after", "").strip()
    if stated.isascii() and stated.isdigit() and len(stated) < 10:
        return float(stated)
    then, now = _date(stated), _date(headers.get("date", ""))
    return None if then is None or now is None else max(0.0, (then - now).total_seconds())


def _date(stated: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(stated)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return found if found.tzinfo is not None else None

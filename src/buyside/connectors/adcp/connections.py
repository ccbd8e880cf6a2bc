"""What is kept open towards sellers: one client, one session, one limit and one breaker per seller and credential."""

from __future__ import annotations

import asyncio
import base64
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from buyside.connectors.adcp.a2a import A2A, NEWER
from buyside.connectors.adcp.breaker import Breaker
from buyside.connectors.adcp.calling import FAILURES, FORBIDDEN, Lines, failed
from buyside.connectors.adcp.mcp import MCP
from buyside.connectors.adcp.outcome import HTTPRefusal, NoAnswer, NotSent, Reply
from buyside.connectors.adcp.redaction import Redactor, is_secret
from buyside.connectors.http import AddressGuard, Departure, Resolver, open_client, origin, resolve
from buyside.domain.storefronts import Auth, AuthKind, Protocol, Seller

MAX_OPEN = 512
"""Sellers times credentials; past it the one unused for longest is closed."""
_HOP_BY_HOP = frozenset({"host", "content-length", "transfer-encoding", "connection", "mcp-session-id", "content-type"})


@dataclass(frozen=True)
class Limits:
    """Seconds, and counts per seller and credential."""

    connect_timeout: float = 5.0
    concurrency: int = 8
    connections: int = 32
    failures: int = 5
    cooldown: float = 30.0


class Connection:
    """One seller, spoken to with one credential."""

    def __init__(self, client: httpx.AsyncClient, dialect: MCP | A2A, breaker: Breaker, concurrency: int) -> None:
        self.client, self.dialect, self.breaker = client, dialect, breaker
        self._places = asyncio.Semaphore(concurrency)
        self.busy = 0

    async def call(self, tool: str, arguments: bytes, timeout: float) -> Reply:
        """Send once and wait at most `timeout` seconds for everything. Raises nothing but cancellation."""
        departure = Departure()

        async def ask() -> Reply:
            return await self.dialect.call(tool, arguments, departure)

        return await self._bounded(ask, departure, timeout)

    async def task(self, task_id: str, timeout: float) -> Reply | None:
        """The transport's own view of a task; None where the transport has none."""
        if isinstance(self.dialect, MCP):
            return None
        departure = Departure()
        dialect = self.dialect

        async def ask() -> Reply:
            found = await dialect.task(task_id, departure)
            return found if found is not None else NoAnswer("The transport has no tasks.")

        return await self._bounded(ask, departure, timeout)

    async def _bounded(self, ask: Callable[[], Any], departure: Departure, timeout: float) -> Reply:
        wait = self.breaker.admit()
        if wait is not None:
            said = f"The seller failed several times in a row; it is tried again in {max(1, round(wait))} s."
            return NotSent(said, code="CIRCUIT_OPEN", retry_after=wait)
        self.busy += 1
        try:
            reply: Reply = await self._within(ask, departure, timeout)
        except asyncio.CancelledError:
            self.breaker.abandoned()
            raise
        finally:
            self.busy -= 1
        self._note(reply)
        return reply

    def _note(self, reply: Reply) -> None:
        """Failures of the transport count against the seller; what our own guard refused does not."""
        if isinstance(reply, NotSent) and reply.code == FORBIDDEN:
            self.breaker.abandoned()
        elif isinstance(reply, NotSent | NoAnswer) or (isinstance(reply, HTTPRefusal) and reply.status >= 500):
            self.breaker.failed()
        else:
            self.breaker.passed()

    async def _within(self, ask: Callable[[], Any], departure: Departure, timeout: float) -> Reply:
        try:
            async with asyncio.timeout(timeout), self._places:
                reply: Reply = await ask()
                return reply
        except TimeoutError:
            if departure.left:
                return NoAnswer(f"The seller did not answer within {timeout:g} s.")
            return NotSent(f"The seller could not be reached within {timeout:g} s.")
        except FAILURES as error:
            return failed(error, departure)

    async def close(self) -> None:
        await self.dialect.close()
        await self.client.aclose()


@dataclass
class Connections:
    """All that is open. Entries live in order of use."""

    allow_private: bool
    clock: Callable[[], float]
    limits: Limits = field(default_factory=Limits)
    resolver: Resolver = resolve
    _open: OrderedDict[object, Connection] = field(default_factory=OrderedDict)
    _closing: set[asyncio.Task[None]] = field(default_factory=set)

    def to(self, seller: Seller) -> Connection:
        key = _key(seller)
        found = self._open.get(key)
        if found is None:
            found = self._open[key] = self.fresh(seller)
            self._trim()
        self._open.move_to_end(key)
        return found

    def fresh(self, seller: Seller, endpoint: str | None = None, version: str | None = None) -> Connection:
        """A connection outside the books, for a probe: its user closes it."""
        profile = seller.profile
        transport = profile.transport if profile else seller.protocol
        lines = self.lines(seller, endpoint or (profile.endpoint if profile else seller.endpoint))
        spoken = version or (profile.protocol_version if profile else NEWER)
        dialect = A2A(lines, spoken) if transport is Protocol.A2A else MCP(lines)
        breaker = Breaker(self.clock, failures=self.limits.failures, cooldown=self.limits.cooldown)
        return Connection(lines.client, dialect, breaker, self.limits.concurrency)

    def lines(self, seller: Seller, endpoint: str) -> Lines:
        client = open_client(
            AddressGuard(self.allow_private, _own_sandbox(seller)),
            connect_timeout=self.limits.connect_timeout,
            connections=self.limits.connections,
            resolver=self.resolver,
        )
        return Lines(client, endpoint, greeting(seller.auth, seller.headers))

    async def forget(self, seller: Seller) -> None:
        for key in [key for key in self._open if isinstance(key, tuple) and key[0] == seller.id]:
            await self._open.pop(key).close()

    async def aclose(self) -> None:
        opened, self._open = list(self._open.values()), OrderedDict()
        await asyncio.gather(*(each.close() for each in opened), *self._closing, return_exceptions=True)

    def _trim(self) -> None:
        for key, each in list(self._open.items())[:-1]:
            if len(self._open) <= MAX_OPEN:
                return
            if not each.busy:
                del self._open[key]
                task = asyncio.get_running_loop().create_task(each.close())
                self._closing.add(task)
                task.add_done_callback(self._closing.discard)


def _key(seller: Seller) -> object:
    profile = seller.profile
    spoken = (profile.transport, profile.endpoint, profile.protocol_version) if profile else None
    return seller.id, seller.endpoint, spoken, seller.auth, tuple(sorted(seller.headers.items())), seller.own_sandbox


def _own_sandbox(seller: Seller) -> tuple[str, int] | None:
    """The host and port that may be on loopback: those of a sandbox seller which this server started."""
    if not seller.own_sandbox:
        return None
    try:
        _, host, port = origin(httpx.URL(seller.endpoint))
    except (httpx.InvalidURL, TypeError):
        return None
    return (host.lower(), port) if port is not None else None


def greeting(auth: Auth, extra: Mapping[str, str]) -> dict[str, str]:
    """The headers that say who we are. What frames the request is ours alone."""
    headers = {name: value for name, value in extra.items() if name.strip().lower() not in _HOP_BY_HOP}
    match auth.kind:
        case AuthKind.BEARER:
            headers["Authorization"] = f"Bearer {auth.token}"
        case AuthKind.HEADER:
            headers[auth.header or "x-adcp-auth"] = auth.token
        case AuthKind.BASIC:
            pair = base64.b64encode(f"{auth.username}:{auth.password}".encode()).decode()
            headers["Authorization"] = f"Basic {pair}"
        case AuthKind.NONE:
            pass
    return headers


def redactor(seller: Seller) -> Redactor:
    """Hides this seller's credentials by their text, and every extra header by its name."""
    auth = seller.auth
    kept = [value for name, value in seller.headers.items() if is_secret(name)]
    names = [*seller.headers, auth.header] if auth.header else list(seller.headers)
    return Redactor((auth.token, auth.password, *kept), names)

"""Asking a seller what it is: which transport answers where, what it declares, what its tools take."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import httpx

from buyside.connectors.adcp.a2a import A2A, NEWER, OLDER
from buyside.connectors.adcp.calling import FAILURES, Lines, failed
from buyside.connectors.adcp.connections import Connection, Connections
from buyside.connectors.adcp.mapping.capabilities import BUYER_TOOLS, declared
from buyside.connectors.adcp.mcp import MCP, SessionRefused
from buyside.connectors.adcp.outcome import HTTPRefusal, NotSent, Reply, decide
from buyside.connectors.adcp.reading import items, text
from buyside.connectors.adcp.shaping import shape_of
from buyside.connectors.http import MEBIBYTE, Departure, origin
from buyside.domain.answers import Outcome
from buyside.domain.storefronts import Protocol, Seller, SellerProfile, Shape

CAPABILITIES = "get_adcp_capabilities"
CAPABILITIES_SECONDS = 20.0
CARD_CAP = MEBIBYTE
_CARDS = ("/.well-known/agent-card.json", "/.well-known/agent.json")


class NotThere(Exception):
    """The seller does not speak this transport at this address. `final`: no other address of it will do better.

    `code` is there when the address was never tried: our own refusal of it.
    """

    def __init__(self, said: str, *, final: bool = False, code: str | None = None) -> None:
        super().__init__(said)
        self.final, self.code = final, code


@dataclass
class Found:
    """A transport that answered, and what it lists."""

    connection: Connection
    transport: Protocol
    endpoint: str
    protocol_version: str
    tools: dict[str, Shape]
    quirks: list[str] = field(default_factory=list)


async def probe(connections: Connections, seller: Seller) -> SellerProfile:
    """Raises: NotThere, saying what was tried."""
    found = await _found(connections, replace(seller, profile=None))
    try:
        capabilities = await _capabilities(found)
        return declared(
            found.transport, found.endpoint, found.protocol_version, found.tools, capabilities, tuple(found.quirks)
        )
    finally:
        await found.connection.close()


async def _found(connections: Connections, seller: Seller) -> Found:
    """The declared transport first, then the other one."""
    other = Protocol.A2A if seller.protocol is Protocol.MCP else Protocol.MCP
    try:
        return await _by(connections, seller, seller.protocol)
    except NotThere as absent:
        if absent.final:
            raise
        try:
            found = await _by(connections, seller, other)
        except NotThere:
            raise absent from None
    found.quirks.append(f"Registered as {seller.protocol.value}, it speaks {other.value}; we use that.")
    return found


async def _by(connections: Connections, seller: Seller, transport: Protocol) -> Found:
    spoken = replace(seller, protocol=transport)
    return await (_by_mcp if transport is Protocol.MCP else _by_a2a)(connections, spoken)


async def _by_mcp(connections: Connections, seller: Seller) -> Found:
    trouble: NotThere | None = None
    for endpoint in mcp_endpoints(seller.endpoint):
        connection = connections.fresh(seller, endpoint)
        try:
            found = await _mcp_at(connection, endpoint)
            if endpoint != seller.endpoint:
                found.quirks.append(f"It answers at {_public(endpoint)}, not at the address that was given.")
            return found
        except NotThere as absent:
            await connection.close()
            if absent.final:
                raise
            trouble = trouble or absent
        except BaseException:
            await connection.close()
            raise
    raise trouble or NotThere("The endpoint is not an http address.", final=True)


async def _mcp_at(connection: Connection, endpoint: str) -> Found:
    dialect = connection.dialect
    assert isinstance(dialect, MCP)
    departure = Departure()
    try:
        session = await dialect.session()
        tools = await dialect.tools()
    except SessionRefused as refused:
        raise _absent(refused.reply) from refused
    except FAILURES as error:
        raise _absent(failed(error, departure)) from error
    names = {name: each for each in tools if (name := text(each, "name"))}
    if not BUYER_TOOLS & set(names):
        raise NotThere("It is an MCP server, but none of its tools are AdCP's.")
    shapes = {
        name: shape_of(each.get("inputSchema")) if name in BUYER_TOOLS else Shape() for name, each in names.items()
    }
    return Found(connection, Protocol.MCP, endpoint, session.version, shapes)


def mcp_endpoints(endpoint: str) -> Iterator[str]:
    """The address as given, then the ones that were probably meant."""
    try:
        url = httpx.URL(endpoint)
    except (httpx.InvalidURL, TypeError):
        return
    if url.scheme not in ("http", "https") or not url.host:
        return
    path = url.path.rstrip("/")
    paths = [url.path, path if url.path.endswith("/") and path else f"{path}/"]
    if not path.endswith("/mcp"):
        paths += [f"{path}/mcp", f"{path}/mcp/"]
    yield endpoint
    for each in dict.fromkeys(paths):
        if each and each != url.path:
            yield str(url.copy_with(path=each))


async def _by_a2a(connections: Connections, seller: Seller) -> Found:
    lines = connections.lines(seller, seller.endpoint)
    try:
        card = await _card(lines, seller.endpoint)
    finally:
        await lines.client.aclose()
    endpoint, quirks = _rpc_address(card, seller.endpoint)
    version = _dialect(card)
    connection = connections.fresh(seller, endpoint, version)
    return Found(connection, Protocol.A2A, endpoint, version, _skills(card, quirks), quirks)


async def _card(lines: Lines, endpoint: str) -> Mapping[str, Any]:
    """The agent card, looked for at the root of the address's origin and below its path."""
    try:
        url = httpx.URL(endpoint)
    except (httpx.InvalidURL, TypeError) as invalid:
        raise NotThere("The endpoint is not an http address.", final=True) from invalid
    trouble: Exception | None = None
    for base in dict.fromkeys(["", url.path.rstrip("/")]):
        for card in _CARDS:
            departure = Departure()
            try:
                found = await lines.getting(str(url.copy_with(path=base + card, query=None)), CARD_CAP)
            except httpx.TransportError as error:
                raise _absent(failed(error, departure)) from error
            except FAILURES as error:
                trouble = error
                continue
            if isinstance(found, Mapping) and ("skills" in found or "url" in found or "supportedInterfaces" in found):
                return found
    raise NotThere(f"No agent card was found ({trouble or 'what is there is none'}).")


def _rpc_address(card: Mapping[str, Any], endpoint: str) -> tuple[str, list[str]]:
    """Where the card says to send messages, if that is the same origin: credentials go nowhere else."""
    named = [each for each in items(card, "supportedInterfaces") if _is_jsonrpc(each)]
    stated = next((url for each in named if (url := text(each, "url"))), None) or text(card, "url")
    if stated is None:
        return endpoint, ["Its agent card names no address; messages go to the one that was given."]
    try:
        there, here = httpx.URL(stated), httpx.URL(endpoint)
    except httpx.InvalidURL:
        return endpoint, ["Its agent card names an address that is none; messages go to the one that was given."]
    if origin(there) == origin(here):
        return stated, []
    moved = str(here.copy_with(path=there.path or "/"))
    said = f"Its agent card points to {_public(stated)}; messages go to {_public(moved)}, at the registered origin."
    return moved, [said]


def _is_jsonrpc(interface: Mapping[str, Any]) -> bool:
    """Cards without a protocolBinding exist; they mean JSON-RPC."""
    return (text(interface, "protocolBinding", "transport") or "JSONRPC").upper().replace("-", "") == "JSONRPC"


def _dialect(card: Mapping[str, Any]) -> str:
    stated = next((v for each in items(card, "supportedInterfaces") if (v := text(each, "protocolVersion"))), None)
    return OLDER if (stated or text(card, "protocolVersion") or NEWER).startswith("0.") else NEWER


def _skills(card: Mapping[str, Any], quirks: list[str]) -> dict[str, Shape]:
    """Skills that are AdCP tools; what they take is not told, so nothing is dropped."""
    named = {said for each in items(card, "skills") for said in (text(each, "id"), text(each, "name")) if said}
    known = {each.replace("-", "_") for each in named} & BUYER_TOOLS
    if not known:
        quirks.append("Its agent card lists no AdCP skills; we assume the usual ones.")
    return {name: Shape() for name in sorted(known or BUYER_TOOLS)}


async def _capabilities(found: Found) -> Mapping[str, Any]:
    if found.transport is Protocol.MCP and CAPABILITIES not in found.tools:
        found.quirks.append("It has no get_adcp_capabilities; we treat it as AdCP 3.0 without idempotency.")
        return {}
    reply = await found.connection.call(CAPABILITIES, b"{}", CAPABILITIES_SECONDS)
    answer = decide(reply, CAPABILITIES)
    if isinstance(found.connection.dialect, A2A):
        found.protocol_version = found.connection.dialect.version
    if answer.outcome is Outcome.ACCEPTED:
        return answer.data
    if not answer.reached or (isinstance(reply, HTTPRefusal) and reply.status in (401, 403)):
        raise _absent(reply)
    found.quirks.append(f"Its capabilities could not be read ({answer.message[:200]}); we assume AdCP 3.0.")
    return {}


def _absent(reply: Reply) -> NotThere:
    answer = decide(reply, CAPABILITIES)
    if isinstance(reply, NotSent):
        return NotThere(answer.message, final=True, code=reply.code)
    barred = isinstance(reply, HTTPRefusal) and reply.status in (401, 403)
    return NotThere(answer.message, final=barred, code="AUTH_REQUIRED" if barred else None)


def _public(endpoint: str) -> str:
    """An address without what may be secret in it."""
    try:
        return str(httpx.URL(endpoint).copy_with(userinfo=b"", query=None, fragment=None))
    except (httpx.InvalidURL, TypeError):
        return "an invalid address"


async def within(connections: Connections, seller: Seller, seconds: float) -> SellerProfile:
    """Raises: NotThere, also when `seconds` have passed."""
    try:
        async with asyncio.timeout(seconds):
            return await probe(connections, seller)
    except TimeoutError as slow:
        raise NotThere(f"It did not answer within {seconds:g} s.", final=True) from slow

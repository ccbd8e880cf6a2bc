"""Reads: asked again when that is harmless, page after page, and raised when they fail."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any

from buyside.connectors.adcp.connections import Connection, redactor
from buyside.connectors.adcp.mapping.requests import KEPT, next_page, version_fields
from buyside.connectors.adcp.outcome import NoAnswer, decide
from buyside.connectors.adcp.shaping import shaped
from buyside.connectors.adcp.wire import freeze
from buyside.domain.answers import Answer, Outcome, SellerError
from buyside.domain.errors import PlatformError, RateLimited, RefusedCredentials, Rejected, Unavailable
from buyside.domain.storefronts import Seller

MAX_PAGES = 50

# How servers name an argument that they did not expect: pydantic, FastMCP, Python, JSON Schema.
_UNEXPECTED = (
    re.compile(r"(\w+)\s*\n\s*(?:Unexpected keyword argument|Extra inputs are not permitted)"),
    re.compile(r"unexpected (?:keyword )?arguments?[:\s]+['\"`]?(\w+)", re.IGNORECASE),
    re.compile(r"['\"`](\w+)['\"`](?:, ['\"`]\w+['\"`])* (?:was|were) unexpected"),
    re.compile(r"unknown (?:field|parameter|argument)s?[:\s]+['\"`]?(\w+)", re.IGNORECASE),
)
_REFUSAL = re.compile(r"unexpected|extra inputs|additional propert|unknown (?:field|parameter|argument)", re.IGNORECASE)
_VERSIONS = frozenset({"adcp_version", "adcp_major_version"})


async def paged(
    connection: Connection, seller: Seller, tool: str, arguments: Mapping[str, Any], timeout: float
) -> list[Mapping[str, Any]]:
    """All pages within `timeout` seconds. Raises: PlatformError."""
    clock = asyncio.get_running_loop().time
    until = clock() + timeout
    pages: list[Mapping[str, Any]] = []
    asked: Mapping[str, Any] | None = arguments
    seen: set[bytes] = set()
    while asked is not None and len(pages) < MAX_PAGES and freeze(asked) not in seen:
        seen.add(freeze(asked))
        pages.append(await answered(connection, seller, tool, asked, max(0.0, until - clock())))
        asked = next_page(arguments, pages[-1])
    return pages


async def answered(
    connection: Connection, seller: Seller, tool: str, arguments: Mapping[str, Any], timeout: float
) -> Mapping[str, Any]:
    """The payload. Raises: PlatformError."""
    answer = await asked(connection, seller, tool, arguments, timeout)
    if answer.outcome is Outcome.ACCEPTED:
        return answer.data
    raise refusal(answer, seller)


async def asked(
    connection: Connection, seller: Seller, tool: str, arguments: Mapping[str, Any], timeout: float
) -> Answer:
    """One read, with at most one second try: after a cut connection, or without the arguments that were refused."""
    clock = asyncio.get_running_loop().time
    until = clock() + timeout
    full = {**arguments, **version_fields(seller.profile, tool)}
    shape = seller.profile.tools.get(tool) if seller.profile else None
    sent, _ = shaped(tool, full, shape)
    reply = await connection.call(tool, freeze(sent), timeout)
    answer = decide(reply, tool)
    if answer.outcome in (Outcome.ACCEPTED, Outcome.PENDING, Outcome.NEEDS_INPUT):
        return answer
    again = {key: each for key, each in sent.items() if key not in refused_arguments(answer.error, sent)}
    left = until - clock()
    cut = isinstance(reply, NoAnswer) and left > timeout / 2
    if left > 0 and (cut or again != sent):
        return decide(await connection.call(tool, freeze(again), left), tool)
    return answer


def refused_arguments(error: SellerError | None, sent: Mapping[str, Any]) -> frozenset[str]:
    """Arguments that a validation error names as unexpected, if the question is the same without them."""
    if error is None:
        return frozenset()
    spoken = error.code == "VERSION_UNSUPPORTED"
    told = "\n".join([error.message, error.suggestion or "", str(error.details)])
    if not spoken and not _REFUSAL.search(told):
        return frozenset()
    named = {found for pattern in _UNEXPECTED for found in pattern.findall(told)}
    named |= {error.field.strip("/").partition(".")[0]} if error.field else set()
    named |= _VERSIONS if spoken else set()
    return frozenset(named & set(sent)) - KEPT


def refusal(answer: Answer, seller: Seller) -> PlatformError:
    """The error that a failed read is raised as; its message holds no secret."""
    error = answer.error or SellerError("UNEXPECTED", "The seller wants more than a read.")
    said = redactor(seller).text(error.message)
    details = {"code": error.code}
    if error.code == "RATE_LIMITED":
        return RateLimited(said, retry_after=error.retry_after)
    if error.code in ("AUTH_REQUIRED", "AUTH_MISSING", "AUTH_INVALID", "PERMISSION_DENIED"):
        return RefusedCredentials(said, details=details)
    if answer.outcome is Outcome.PENDING:
        return Unavailable("The seller wants more time than this read has.", details=details)
    if answer.outcome is Outcome.UNKNOWN or not answer.reached or error.code == "SERVICE_UNAVAILABLE":
        return Unavailable(said, details=details)
    return Rejected(said, field=error.field, details=details)

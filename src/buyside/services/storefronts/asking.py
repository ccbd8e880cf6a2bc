"""Sellers asked what they are, before anything about them is stored. No transaction is open meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from buyside.domain.errors import Invalid, Issue, PlatformError
from buyside.domain.storefronts import ProbeStatus, Seller, SellerProfile
from buyside.services.work import Work

REFUSED_HERE = "FORBIDDEN_ADDRESS"


@dataclass(frozen=True)
class Found:
    """What a seller answered; `refused` when this server does not call that address at all."""

    seller: Seller
    profile: SellerProfile | None = None
    message: str | None = None
    refused: bool = False

    @property
    def status(self) -> ProbeStatus:
        return ProbeStatus.REACHABLE if self.profile else ProbeStatus.UNREACHABLE


async def ask(work: Work, sellers: Sequence[Seller]) -> list[Found]:
    """All at once. Who does not answer in the time of a probe counts as unreachable."""
    return list(await asyncio.gather(*(_one(work, seller) for seller in sellers)))


async def _one(work: Work, seller: Seller) -> Found:
    seconds = work.policy.probe_timeout
    try:
        async with asyncio.timeout(seconds):
            return Found(seller, await work.sellers.probe(seller))
    except TimeoutError:
        return Found(seller, message=f"It did not answer within {seconds:g} s.")
    except PlatformError as failed:
        return Found(seller, message=failed.message, refused=failed.details.get("code") == REFUSED_HERE)


def require_allowed(found: Sequence[tuple[int, Found]]) -> None:
    """Raises: Invalid naming each source (by its place in the request) whose address this server does not call."""
    issues = [
        Issue(("sources", index, "endpointUrl"), each.message or "This server does not call that address.", "forbidden")
        for index, each in found
        if each.refused
    ]
    if issues:
        raise Invalid.of(issues)


def address_issue(index: int, endpoint: str) -> Issue | None:
    """A secret in an address would be shown to everybody who reads it."""
    try:
        parts = urlsplit(endpoint)
        _ = parts.port
    except ValueError:
        return Issue(("sources", index, "endpointUrl"), "This is not an address.")
    if parts.username is not None or parts.password is not None:
        return Issue(("sources", index, "endpointUrl"), "Name and password go into auth, not into the address.")
    if parts.fragment:
        return Issue(("sources", index, "endpointUrl"), "An endpoint has no fragment.")
    return None


def shown(endpoint: str) -> str:
    """The address without the values of its query, which may be secret."""
    bare, mark, _ = endpoint.partition("?")
    return f"{bare}?…" if mark else bare

"""What sellers are: asked over the wire, remembered in their profile."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from buyside.domain.errors import PlatformError, Unavailable
from buyside.domain.storefronts import Seller, SellerProfile
from buyside.services.work import Work


async def meet(work: Work, sellers: Sequence[Seller]) -> list[Seller]:
    """The sellers with their profiles: those without one are probed, all at once. An unreachable one stays without."""
    return list(await asyncio.gather(*(_met(work, seller) for seller in sellers)))


async def _met(work: Work, seller: Seller) -> Seller:
    return seller if seller.profile is not None else await probe(work, seller)


async def refresh(work: Work, sellers: Sequence[Seller]) -> list[Seller]:
    """Each asked anew, all at once."""
    return list(await asyncio.gather(*(probe(work, seller) for seller in sellers)))


async def required(work: Work, seller: Seller) -> Seller:
    """The seller with its profile. Raises: PlatformError, which is why it has none."""
    if seller.profile is not None:
        return seller
    met, error = await _tried(work, seller)
    if met.profile is None and error is not None:
        raise error
    return met


async def probe(work: Work, seller: Seller) -> Seller:
    """Ask the seller what it is and store what it said, or why it said nothing."""
    return (await _tried(work, seller))[0]


async def _tried(work: Work, seller: Seller) -> tuple[Seller, PlatformError | None]:
    profile: SellerProfile | None = None
    refused: PlatformError | None = None
    try:
        async with asyncio.timeout(work.policy.probe_timeout):
            profile = await work.sellers.probe(seller)
    except TimeoutError:
        refused = Unavailable(f"It did not answer within {work.policy.probe_timeout:g} s.")
    except PlatformError as error:
        refused = error
    async with work.writing() as tx:
        await tx.storefronts.save_probe(seller, profile, refused.message if refused else None, work.now())
    return replace(seller, profile=profile or seller.profile), refused

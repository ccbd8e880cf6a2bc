"""What sellers are: asked over the wire, remembered in their profile."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from buyside.domain.errors import PlatformError
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


async def probe(work: Work, seller: Seller) -> Seller:
    """Ask the seller what it is and store what it said, or why it said nothing."""
    profile: SellerProfile | None = None
    message: str | None = None
    try:
        profile = await work.sellers.probe(seller)
    except PlatformError as error:
        message = error.message
    async with work.writing() as tx:
        await tx.storefronts.save_probe(seller, profile, message, work.now())
    return replace(seller, profile=profile or seller.profile)

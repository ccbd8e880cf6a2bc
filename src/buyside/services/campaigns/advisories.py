"""What a buyer is told though nothing is refused: wishes that a seller cannot keep."""

from __future__ import annotations

from buyside.domain import frequency
from buyside.domain.campaigns import Campaign
from buyside.domain.media_buys import LIVE, TERMINAL
from buyside.services.work import Tx


async def caps(tx: Tx, campaign: Campaign) -> tuple[str, ...]:
    """Who does not keep the campaign's frequency caps: sellers that declare no capping, and buys sent before."""
    wanted = campaign.spec.frequency_caps
    if not wanted:
        return ()
    buys = [b for b in await tx.media_buys.of(campaign.id) if b.status not in TERMINAL]
    sellers = await tx.storefronts.agents({b.agent_id for b in buys})
    unable = [s.name for s in sellers.values() if frequency.for_seller(wanted, campaign.spec.flight, s.profile) is None]
    told = [f"frequencyCaps are advice only at {name}: it declares no such capping." for name in unable]
    placed = [b.id for b in buys if b.status in LIVE]
    if placed:
        told.append(f"frequencyCaps hold for buys sent from now on; {', '.join(placed[:5])} keep what they were sent.")
    return tuple(told)

"""Outputs of data deliveries bound to their advertiser's credentials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from buyside.domain import data_delivery
from buyside.domain.data_delivery import Output
from buyside.domain.ids import AdvertiserId
from buyside.services.work import Tx, Work


async def outputs_bound(
    tx: Tx, work: Work, advertiser_id: AdvertiserId, outputs: Sequence[Output], before: Sequence[Output]
) -> tuple[Output, ...]:
    """Raises: Invalid for a credential that is unknown or of another kind."""
    if tuple(outputs) == tuple(before):
        return tuple(outputs)
    bound = data_delivery.bound(outputs, before, await tx.data_delivery.live(advertiser_id), work.now())
    return tuple(replace(each, id=each.id or work.new_id("out", 12)) for each in bound)

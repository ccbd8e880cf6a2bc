"""What a campaign points to: audiences, a catalog, credentials of data deliveries. All of them its advertiser's."""

from __future__ import annotations

from dataclasses import replace

from buyside.domain import audiences
from buyside.domain.audiences import Audience
from buyside.domain.campaigns import CampaignSpec
from buyside.domain.errors import Invalid
from buyside.domain.ids import AdvertiserId
from buyside.services.data_delivery import outputs_bound
from buyside.services.work import Tx, Work


async def settled(
    tx: Tx, work: Work, advertiser_id: AdvertiserId, spec: CampaignSpec, before: CampaignSpec | None = None
) -> CampaignSpec:
    """The spec with ids and moments for what is new in it.

    Raises: Invalid for what the advertiser does not have; NotFound for a catalog that nobody has.
    """
    had, outputs = (before.audiences, before.data_outputs) if before else ((), ())
    if spec.audiences != had:
        known = await audiences_of(tx, advertiser_id, spec)
        audiences.require_known(spec.audiences, had, [each.id for each in known])
        spec = replace(spec, audiences=audiences.stamped(spec.audiences, work.now()))
    attached = spec.catalog_id if before is None or spec.catalog_id != before.catalog_id else None
    if attached is not None and await tx.catalogs.owner_of(attached) != advertiser_id:
        raise Invalid("The catalog belongs to another advertiser.", field="catalogId")
    return replace(spec, data_outputs=await outputs_bound(tx, work, advertiser_id, spec.data_outputs, outputs))


async def audiences_of(tx: Tx, advertiser_id: AdvertiserId, spec: CampaignSpec) -> list[Audience]:
    ids = [link.audience_id for link in spec.audiences if link.enabled]
    return await tx.audiences.of(advertiser_id, ids) if ids else []

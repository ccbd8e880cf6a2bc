"""Creatives over REST."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from buyside.api.envelope import Reply, reply
from buyside.api.paging import TakeSkip
from buyside.api.requests import CampaignPath, CreativePath, Signed, router
from buyside.schemas import asking
from buyside.schemas.creatives import (
    CreateCreativeManifestMetadata,
    CreativeManifestListResponse,
    CreativeManifestResponse,
)
from buyside.schemas.showing import creatives as show
from buyside.services import creatives

routes = router("Creatives")


@routes.post(
    "/campaigns/{campaignId}/creatives/create",
    operation_id="createCreativeManifest",
    status_code=201,
    response_model=CreativeManifestResponse,
)
async def create_creative(
    work: Signed, campaign_id: CampaignPath, body: CreateCreativeManifestMetadata | None = None
) -> Reply:
    """Put a creative on the campaign. No seller is asked before the campaign is executed."""
    asked = body or CreateCreativeManifestMetadata()
    made = await creatives.create(work, campaign_id, asking.creative_spec(asked), asked.name)
    return reply(show.creative(made), 201)


@routes.get(
    "/campaigns/{campaignId}/creatives", operation_id="listCreatives", response_model=CreativeManifestListResponse
)
async def list_creatives(
    work: Signed, campaign_id: CampaignPath, page: TakeSkip, search: Annotated[str | None, Query(max_length=255)] = None
) -> Reply:
    """The campaign's creatives, without their assets."""
    found, total = await creatives.page(work, campaign_id, search=search, limit=page.take, offset=page.skip)
    shown = CreativeManifestListResponse(manifests=[show.summary(each) for each in found], total=total)
    return reply(shown, meta=page.meta(len(found), total))


@routes.get(
    "/campaigns/{campaignId}/creatives/{creativeId}",
    operation_id="getCreativeManifest",
    response_model=CreativeManifestResponse,
)
async def get_creative(work: Signed, campaign_id: CampaignPath, creative_id: CreativePath) -> Reply:
    """One creative with its assets, and which sales agents have it."""
    return reply(show.creative(await creatives.get(work, campaign_id, creative_id)))

"""Campaigns over REST."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import Query

from buyside.api.envelope import Reply, nothing, reply
from buyside.api.paging import CursorPage, read_moment, write_moment
from buyside.api.requests import AdvertiserFilter, CampaignPath, Ignored, Preview, Signed, Words, router
from buyside.domain import campaigns as domain
from buyside.domain import media_buys
from buyside.domain.errors import NotImplementedYet
from buyside.domain.ids import AdvertiserId, MediaBuyId
from buyside.schemas import asking, asking_edits
from buyside.schemas.campaigns import (
    AutoSelectProductsRequest,
    AutoSelectProductsResponse,
    CampaignCascadeResponse,
    CampaignListResponse,
    CampaignMode,
    CampaignProductsResponse,
    CampaignResponse,
    CampaignStatusChangeResponse,
    CampaignStatusListFilter,
    CreateCampaignBody,
    ExecuteCampaignBody,
    UpdateCampaignBody,
)
from buyside.schemas.media_buys import GetAdcpStatusOutput, MediaBuyStatus
from buyside.schemas.previews import PreviewResponse
from buyside.schemas.property_lists import CampaignPropertyListsResponse
from buyside.schemas.showing import campaigns as show
from buyside.schemas.showing import media_buys as show_buys
from buyside.schemas.showing import property_lists as show_lists
from buyside.schemas.showing.previews import preview as show_preview
from buyside.services import campaigns
from buyside.services.campaigns import previewing
from buyside.services.campaigns.reading import wanted
from buyside.services.work import Work

routes = router("Campaigns")
_KIND = "campaigns"

Statuses = Annotated[list[CampaignStatusListFilter] | None, Words, Query(alias="status")]
Modes = Annotated[list[CampaignMode] | None, Words, Query(alias="mode")]
BuyStatuses = Annotated[list[MediaBuyStatus] | None, Words, Query(alias="mediaBuyStatus")]
Management = Annotated[str | None, Query(pattern="^(tracked|managed|all)$")]
Extras = Annotated[
    list[str] | None,
    Words,
    Query(description="geo_metro_names: what metros are called. Other words ask for nothing."),
]
OnlyBuys = Annotated[list[str] | None, Words, Query(alias="mediaBuyId", description="Show only these media buys.")]


@routes.get("/campaigns", operation_id="listCampaigns", response_model=CampaignListResponse)
async def list_campaigns(
    work: Signed,
    page: CursorPage,
    advertiser_id: AdvertiserFilter = None,
    name: Annotated[str | None, Query(max_length=255)] = None,
    status: Statuses = None,
    mode: Modes = None,
    kind: Annotated[list[str] | None, Words, Query(alias="type", include_in_schema=False)] = None,
    management: Management = None,
    media_buy_status: BuyStatuses = None,
    include_archived: Annotated[bool, Query(alias="includeArchived")] = False,
    fields: Extras = None,
) -> Reply:
    """Campaigns, newest first; without a status those that are DRAFT, ACTIVE or PAUSED."""
    modes: list[str] = [*(mode or (m for m in kind or () if m in set(domain.Mode)))]
    asked = wanted(
        statuses=status or (),
        archived=include_archived,
        advertiser_id=AdvertiserId(int(advertiser_id)) if advertiser_id else None,
        name=name,
        modes=tuple(domain.Mode(m) for m in modes),
        buy_statuses=tuple(media_buys.Status(s) for s in media_buy_status or ()),
        none=management == "tracked",
    )
    after = read_moment(_KIND, page.cursor)
    found = await campaigns.page(work, asked, after=after, limit=page.take, offset=page.skip)
    cursor = write_moment(_KIND, *found.next) if found.next else None
    return reply(
        show.page(found, cursor, _metros(work, fields)),
        meta=page.meta(len(found.campaigns), found.total, more=found.more),
    )


@routes.post("/campaigns", operation_id="createCampaign", status_code=201, response_model=CampaignResponse)
async def create_campaign(work: Signed, body: CreateCampaignBody, ignored: Ignored) -> Reply:
    """Make a DRAFT campaign. Nothing is bought before it is executed."""
    return reply(show.campaign(await campaigns.create(work, asking.new_campaign(body)), warnings=ignored), 201)


@routes.get("/campaigns/{campaignId}", operation_id="getCampaign", response_model=CampaignResponse)
async def get_campaign(
    work: Signed,
    campaign_id: CampaignPath,
    media_buy_id: OnlyBuys = None,
    details: Annotated[bool, Query(alias="includeProductDetails")] = True,
    lists: Annotated[bool, Query(alias="includePropertyLists")] = False,
    fields: Extras = None,
    fresh: Annotated[bool, Query(description="Nothing is cached here: accepted and without effect.")] = False,
) -> Reply:
    """The campaign with its media buys, as last known; media-buy-status reads the sellers."""
    only = [MediaBuyId(each) for each in media_buy_id or ()]
    found = await campaigns.get(work, campaign_id, only=() if lists else only)  # the lists are those of every buy
    names = _metros(work, fields)
    return reply(show.campaign(found, only=only, details=details, lists=lists, metros=names))


@routes.put("/campaigns/{campaignId}", operation_id="updateCampaign", response_model=CampaignResponse | PreviewResponse)
async def update_campaign(
    work: Signed, campaign_id: CampaignPath, body: UpdateCampaignBody, ignored: Ignored, preview: Preview = False
) -> Reply:
    """Change what the campaign wants, and its media buys: those that are placed are changed at their sellers.

    What is left out stays as it is. Nothing is done unless all of it may be; what a seller refuses is a warning.
    """
    edit, asked = asking.campaign_edit(body), asking_edits.media_buys(body)
    if preview:
        told = previewing.update(work, campaign_id, edit, expected_revision=body.expected_revision, asked=asked)
        return reply(show_preview(await told))
    done = await campaigns.update(work, campaign_id, edit, expected_revision=body.expected_revision, asked=asked)
    return reply(show.campaign(done, warnings=ignored))


@routes.delete("/campaigns/{campaignId}", operation_id="deleteCampaign", status_code=204)
async def delete_campaign(work: Signed, campaign_id: CampaignPath) -> Reply:
    """Archive the campaign. Refused while a media buy of it runs or waits at its seller."""
    await campaigns.delete(work, campaign_id)
    return nothing()


@routes.post(
    "/campaigns/{campaignId}/execute",
    operation_id="executeCampaign",
    response_model=CampaignStatusChangeResponse | PreviewResponse,
)
async def execute_campaign(
    work: Signed, campaign_id: CampaignPath, body: ExecuteCampaignBody | None = None, preview: Preview = False
) -> Reply:
    """Send every DRAFT media buy to its seller: from here on money is committed. Repeating it buys nothing twice."""
    if preview:
        return reply(show_preview(await previewing.execute(work, campaign_id)))
    debug = bool(body and body.debug)
    return reply(show.executed(await campaigns.execute(work, campaign_id, debug=debug)))


@routes.post(
    "/campaigns/{campaignId}/pause",
    operation_id="pauseCampaign",
    response_model=CampaignCascadeResponse | PreviewResponse,
)
async def pause_campaign(work: Signed, campaign_id: CampaignPath, preview: Preview = False) -> Reply:
    """Stop spending: every ACTIVE media buy is paused at its seller, and none that waits may start."""
    if preview:
        return reply(show_preview(await previewing.pause(work, campaign_id)))
    return reply(show.cascade(await campaigns.pause(work, campaign_id)))


@routes.post(
    "/campaigns/{campaignId}/reactivate",
    operation_id="reactivateCampaign",
    response_model=CampaignCascadeResponse | PreviewResponse,
)
async def reactivate_campaign(work: Signed, campaign_id: CampaignPath, preview: Preview = False) -> Reply:
    """Spend again: media buys that the campaign's pause held are resumed."""
    if preview:
        return reply(show_preview(await previewing.reactivate(work, campaign_id)))
    return reply(show.cascade(await campaigns.reactivate(work, campaign_id)))


@routes.get(
    "/campaigns/{campaignId}/media-buy-status",
    operation_id="getMediaBuyAdcpStatus",
    response_model=GetAdcpStatusOutput,
)
async def media_buy_status(work: Signed, campaign_id: CampaignPath) -> Reply:
    """Read every media buy at its seller, now, and keep what is found."""
    return reply(show_buys.standing(await campaigns.status(work, campaign_id)))


@routes.get(
    "/campaigns/{campaignId}/products", operation_id="getCampaignProducts", response_model=CampaignProductsResponse
)
async def campaign_products(work: Signed, campaign_id: CampaignPath, media_buy_id: OnlyBuys = None) -> Reply:
    """Every product of the campaign: on its media buys, and selected but not on one yet."""
    return reply(show.products(await campaigns.products(work, campaign_id), only=media_buy_id or ()))


@routes.post(
    "/campaigns/{campaignId}/auto-select-products",
    operation_id="autoSelectProducts",
    response_model=AutoSelectProductsResponse,
)
async def auto_select_products(
    work: Signed, campaign_id: CampaignPath, body: AutoSelectProductsRequest | None = None
) -> Reply:
    """Replace the selection by the products that suit the campaign's goals best. Nothing is bought."""
    asked = body or AutoSelectProductsRequest()
    done = await campaigns.auto_select(
        work,
        campaign_id,
        refine=_refinements(asked),
        max_products=asked.max_products,
        min_budget=asked.min_budget_per_product,
    )
    return reply(show.auto_selected(done))


@routes.get(
    "/campaigns/{campaignId}/property-lists",
    operation_id="getCampaignPropertyLists",
    response_model=CampaignPropertyListsResponse,
)
async def property_lists(work: Signed, campaign_id: CampaignPath) -> Reply:
    """The property lists that the packages of the campaign really carry."""
    return reply(show_lists.of_campaign(campaign_id, await campaigns.property_lists(work, campaign_id)))


def _metros(work: Work, fields: Sequence[str] | None) -> show.MetroNames | None:
    return work.policy.metro_names if "geo_metro_names" in (fields or ()) else None


def _refinements(body: AutoSelectProductsRequest) -> list[dict[str, object]]:
    made = []
    for index, item in enumerate(body.refine or ()):
        if item.ask is not None or item.action in {"more_like_this", "moreLikeThis"} or item.scope == "proposal":
            raise NotImplementedYet(
                "Only products that are to be included or omitted are taken into account yet.", field=f"refine[{index}]"
            )
        made.append(item.given())
    return made

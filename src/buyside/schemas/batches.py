"""Buys staged or executed from the answer to a product query, in one call."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from buyside.schemas.campaigns import CampaignStatus, CreateCampaignBody, ExecuteMediaBuyDebugInfo
from buyside.schemas.media_buys import MediaBuyRef
from buyside.schemas.queries import ProductKey, ProposalKey, QueryId
from buyside.schemas.targeting import TargetingOverlay
from buyside.schemas.wire import (
    Amount,
    ClosedRequest,
    Count,
    Given,
    Id,
    Maybe,
    PositiveAmount,
    Request,
    Response,
    wrong,
)


def _exactly_one(value: BatchCampaign) -> BatchCampaign:
    if (value.campaign_id is None) == (value.create is None):
        raise wrong("campaign_choice", "Give campaignId or create, not both", at="campaignId")
    return value


class BatchCampaign(ClosedRequest):
    """An existing campaign, or one to create."""

    campaign_id: Given[Id] = None
    create: Given[CreateCampaignBody] = None


class BatchProposalSelection(ClosedRequest):
    kind: Literal["proposal"]
    proposal_id: ProposalKey
    total_budget: Given[PositiveAmount] = None


class BatchProductSelection(ClosedRequest):
    kind: Literal["product"]
    product_id: ProductKey
    budget: Given[PositiveAmount] = None
    bid_price: Given[Amount] = None
    pricing_option_id: Given[Id] = None
    targeting_overlay: Given[TargetingOverlay] = None


BatchSelection = Annotated[BatchProposalSelection | BatchProductSelection, Field(discriminator="kind")]


class CreateMediaBuysBatchBody(Request):
    product_query_id: QueryId
    campaign: Annotated[BatchCampaign, AfterValidator(_exactly_one)]
    mode: Literal["stage", "execute"]
    selections: Annotated[list[BatchSelection], Field(min_length=1, max_length=100)]
    replace: bool = False
    debug: bool = False


class BatchError(Response):
    media_buy_id: str
    sales_agent_id: str
    message: str
    debug: Maybe[ExecuteMediaBuyDebugInfo] = None


class CreateMediaBuysBatchResponse(Response):
    product_query_id: str
    campaign_id: str
    campaign_created: bool
    mode: Literal["stage", "execute"]
    campaign_status: CampaignStatus
    query_products_selected: Count
    proposals_applied: Count
    media_buys_staged: Count
    media_buys_executed: Count
    media_buy_refs: Annotated[list[MediaBuyRef], Field(max_length=100)]
    media_buy_refs_truncated: bool
    success: bool
    no_op: bool
    errors: Maybe[list[BatchError]] = None
    warnings: Maybe[list[str]] = None

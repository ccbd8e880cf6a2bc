"""Campaigns: what a buyer asks for, what executing it did, and the campaign as it stands."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from buyside.domain.errors import FeatureNotEnabled
from buyside.schemas.advertisers import FeeTerm
from buyside.schemas.audiences import AudienceConfig, CampaignAudience, NewAudienceConfig
from buyside.schemas.data_delivery import DataDelivery, DataDeliveryInput
from buyside.schemas.edits import MediaBuyActions
from buyside.schemas.frequency import FrequencyCap, FrequencyCapsInput
from buyside.schemas.goals import PerformanceConfig
from buyside.schemas.media_buys import CampaignMediaBuy, MediaBuyRef, MediaBuyStatus
from buyside.schemas.pacing import PacingPeriods, PacingPeriodsInput
from buyside.schemas.products import RefinementItem
from buyside.schemas.property_lists import AppliedPropertyLists
from buyside.schemas.targeting import Constraints, ShownConstraints
from buyside.schemas.utm import CampaignUtm
from buyside.schemas.wire import (
    AdvertiserIdIn,
    ApplyMode,
    ClosedRequest,
    Count,
    Currency,
    End,
    Given,
    Id,
    Instant,
    Maybe,
    Name,
    Number,
    Ordinal,
    PositiveAmount,
    Raw,
    Request,
    Response,
    Start,
    StorefrontIdIn,
    snake,
    wrong,
)

CampaignStatus = Literal["DRAFT", "ACTIVE", "PAUSED", "COMPLETED", "CANCELED", "ARCHIVED"]
CampaignStatusListFilter = Literal["DRAFT", "ACTIVE", "PAUSED", "COMPLETED", "CANCELED", "ARCHIVED", "ALL"]
CampaignMode = Literal["discovery", "performance"]
Pacing = Literal["EVEN", "ASAP", "FRONTLOADED"]
Brief = Annotated[str, Field(max_length=5000)]
StorefrontIds = Annotated[list[StorefrontIdIn], Field(max_length=50)]


# ---- requests


class FlightDatesInput(Request):
    start_date: Start
    end_date: End


class CampaignBudgetInput(Request):
    """Gross and all-in, in the advertiser's currency."""

    total: PositiveAmount
    currency: Given[Currency] = None
    daily_cap: Given[PositiveAmount] = None
    pacing: Given[Pacing] = None


class CreateCampaignBody(Request):
    """Without a mode: performance where there is a performanceConfig, else discovery."""

    mode: Given[CampaignMode] = None
    advertiser_id: AdvertiserIdIn
    name: Name
    flight_dates: FlightDatesInput
    budget: CampaignBudgetInput
    brief: Given[Brief] = None
    constraints: Given[Constraints] = None
    storefront_ids: Given[StorefrontIds] = None
    discovery_id: Given[Id] = None
    product_ids: Given[Annotated[list[Id], Field(max_length=1000)]] = None
    performance_config: Given[PerformanceConfig] = None
    optimization_apply_mode: Given[ApplyMode] = None
    pacing_periods: Given[PacingPeriodsInput] = None
    frequency_caps: Given[FrequencyCapsInput] = None
    utm_config: Given[CampaignUtm] = None
    audience_config: Given[NewAudienceConfig] = None
    catalog_id: Given[Ordinal] = None
    data_delivery: Given[DataDeliveryInput] = None

    @model_validator(mode="before")
    @classmethod
    def _not_directed(cls, data: object) -> object:
        if isinstance(data, dict) and data.get("mode") == "directed":
            raise FeatureNotEnabled("Directed campaigns are not enabled on this server.", field="mode")
        return data

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.mode == "performance" and self.performance_config is None:
            raise wrong("performance_config", "mode performance needs performanceConfig", at="performanceConfig")
        if self.product_ids and self.discovery_id is None:
            raise wrong("discovery_missing", "productIds needs discoveryId", at="discoveryId")
        return self


class FlightDatesChange(Request):
    """Either date; the other stays."""

    start_date: Given[Start] = None
    end_date: Given[End] = None


class CampaignBudgetChange(Request):
    """Any part; the rest stays. The currency cannot change; null takes the daily cap or the pacing away."""

    total: Given[PositiveAmount] = None
    currency: Given[Currency] = None
    daily_cap: PositiveAmount | None = None
    pacing: Pacing | None = None


class UpdateCampaignBody(Request):
    """What is left out stays as it is. `constraints` and `frequencyCaps` replace what is set. null clears
    `performanceConfig`, `catalogId` and `pacingPeriods`, which can change only before the first buy is placed."""

    mode: Given[CampaignMode] = None
    name: Given[Name] = None
    brief: Given[Brief] = None
    flight_dates: Given[FlightDatesChange] = None
    budget: Given[CampaignBudgetChange] = None
    constraints: Given[Constraints] = None
    storefront_ids: Given[StorefrontIds] = None
    discovery_id: Given[Id] = None
    performance_config: PerformanceConfig | None = None
    optimization_apply_mode: Given[ApplyMode] = None
    pacing_periods: PacingPeriodsInput | None = None
    frequency_caps: Given[FrequencyCapsInput] = None
    utm_config: Given[CampaignUtm] = None
    audience_config: Given[AudienceConfig] = None
    catalog_id: Ordinal | None = None
    data_delivery: Given[DataDeliveryInput] = None
    media_buys: Given[MediaBuyActions] = None
    expected_revision: Given[Ordinal] = None


class ExecuteCampaignBody(ClosedRequest):
    debug: Given[bool] = None


class AutoSelectProductsRequest(ClosedRequest):
    refine: Given[Annotated[list[RefinementItem], Field(min_length=1, max_length=100)]] = None
    max_products: Given[Ordinal] = None
    min_budget_per_product: Given[PositiveAmount] = None


# ---- the campaign


class FlightDates(Response):
    start_date: Instant
    end_date: Instant


class CampaignBudget(Response):
    total: Number
    currency: str
    daily_cap: Maybe[Number] = None
    pacing: Maybe[Pacing] = None


class CampaignSummaryBudget(Response):
    total: Number
    currency: str


class MediaBudget(Response):
    """What is left of the total after fees."""

    total: Number
    currency: str


class CampaignFee(FeeTerm):
    """One fee carved out of the total."""

    amount: Number
    currency: str


class CampaignStorefrontRef(Response):
    id: Ordinal
    platform_id: str
    name: str


class CampaignProductRef(Response):
    product_id: str


class CreativeFormat(Response):
    model_config = ConfigDict(alias_generator=snake)

    agent_url: Maybe[str] = None
    id: Maybe[str] = None
    format_kind: Maybe[str] = None


class CreativeFormats(Response):
    """Formats that the products demand, those that a creative meets, and those still missing."""

    required: list[CreativeFormat]
    covered: list[CreativeFormat]
    missing: list[CreativeFormat]


class CampaignSummary(Response):
    campaign_id: str
    advertiser_id: str
    name: str
    status: CampaignStatus
    mode: CampaignMode
    management: Literal["managed"]
    flight_dates: Maybe[FlightDates] = None
    constraints: Maybe[ShownConstraints] = None
    product_count: Maybe[Count] = None
    budget: Maybe[CampaignSummaryBudget] = None
    created_at: Instant
    updated_at: Instant


class CampaignListResponse(Response):
    """`totalCapped`: there are more than `total`, which was not counted to its end."""

    campaigns: list[CampaignSummary]
    total: Count
    total_capped: Maybe[Literal[True]] = None
    has_more: bool
    next_cursor: Maybe[str] = None


class Campaign(Response):
    campaign_id: str
    advertiser_id: str
    name: str
    status: CampaignStatus
    mode: CampaignMode
    management: Literal["managed"]
    optimization_apply_mode: ApplyMode
    revision: Ordinal
    created_at: Instant
    updated_at: Instant
    media_buy_refs: Maybe[list[MediaBuyRef]] = None
    brief: Maybe[str] = None
    flight_dates: Maybe[FlightDates] = None
    budget: Maybe[CampaignBudget] = None
    media_budget: Maybe[MediaBudget] = None
    fees: Maybe[list[CampaignFee]] = None
    allocated_budget: Maybe[Number] = None
    unallocated_budget: Maybe[Number] = None
    pacing_periods: Maybe[PacingPeriods] = None
    constraints: Maybe[ShownConstraints] = None
    storefronts: Maybe[list[CampaignStorefrontRef]] = None
    performance_config: Maybe[PerformanceConfig] = None
    discovery_id: Maybe[str] = None
    product_count: Maybe[Count] = None
    products: Maybe[list[CampaignProductRef]] = None
    creative_formats: Maybe[CreativeFormats] = None
    property_lists: Maybe[AppliedPropertyLists] = None
    media_buys: Maybe[list[CampaignMediaBuy]] = None
    catalog_id: Maybe[Ordinal] = None
    audiences: Maybe[list[CampaignAudience]] = None
    data_delivery: Maybe[DataDelivery] = None
    frequency_caps: Maybe[list[FrequencyCap]] = None


class CampaignResponse(Response):
    campaign: Campaign
    warnings: Maybe[list[str]] = None


# ---- what actions did


class ExecuteMediaBuyDebugInfo(Response):
    """What went over the wire, without credentials."""

    request: Maybe[Raw] = None
    response: Maybe[Raw] = None
    debug_logs: Maybe[list[Raw]] = None
    error: Maybe[str] = None


class ExecutionError(Response):
    media_buy_id: str
    sales_agent_id: str
    message: str
    debug: Maybe[ExecuteMediaBuyDebugInfo] = None


class DroppedCreative(Response):
    creative_id: str
    format_id: str
    reason: str


class CreativesDropped(Response):
    type: Literal["creatives_dropped"]
    media_buy_id: str
    dropped: list[DroppedCreative]


class StaleDraft(Response):
    type: Literal["stale_draft"]
    media_buy_ids: list[str]
    hint: str


ExecuteWarning = Annotated[CreativesDropped | StaleDraft, Field(discriminator="type")]


class CampaignStatusChangeResponse(Response):
    campaign_id: str
    previous_status: CampaignStatus
    new_status: CampaignStatus
    success: bool
    media_buys_executed: Count
    reason: Maybe[Literal["no_media_buys_to_execute"]] = None
    errors: Maybe[list[ExecutionError]] = None
    warnings: Maybe[list[ExecuteWarning]] = None


class MediaBuyCascadeResult(Response):
    media_buy_id: str
    name: str
    previous_status: MediaBuyStatus
    success: bool
    error: Maybe[str] = None


class CampaignCascadeResponse(Response):
    campaign_id: str
    campaign_name: str
    previous_status: CampaignStatus
    new_status: CampaignStatus
    success: bool
    media_buy_results: list[MediaBuyCascadeResult]
    total_media_buys: Count
    success_count: Count
    failure_count: Count


# ---- products


class AutoSelectedProduct(Response):
    product_id: str
    name: str
    sales_agent_id: str
    group_id: str
    group_name: str
    cpm: Maybe[Number] = None
    budget: Number
    pricing_option_id: Maybe[str] = None


class AutoSelectBudgetContext(Response):
    campaign_budget: Number
    total_allocated: Number
    remaining_budget: Number
    currency: str


class AutoSelectProductsResponse(Response):
    campaign_id: str
    discovery_id: str
    selected_products: list[AutoSelectedProduct]
    budget_context: AutoSelectBudgetContext
    product_count: Count
    previously_selected_count: Maybe[Count] = None
    selection_rationale: Maybe[str] = None
    selection_method: Maybe[Literal["scoring", "measurability", "cpm_heuristic"]] = None
    test_budget_per_product: Maybe[Number] = None


class ProductSearchContext(Response):
    id: str
    brief: str


class ProductMediaBuy(Response):
    media_buy_id: str
    status: MediaBuyStatus
    name: str
    package_ids: list[str]


class CampaignProductEntry(Response):
    product_id: str
    product_name: Maybe[str] = None
    sales_agent_id: str
    sales_agent_name: Maybe[str] = None
    publisher_domain: Maybe[str] = None
    publisher_name: Maybe[str] = None
    bid_price: Maybe[Number] = None
    budget: Maybe[Number] = None
    pricing_option_id: Maybe[str] = None
    pricing_model: Maybe[str] = None
    selected_at: Instant
    search_context: Maybe[ProductSearchContext] = None
    media_buys: list[ProductMediaBuy]


class CampaignSearchContextSummary(Response):
    id: str
    brief: str
    channels: list[str]
    countries: list[str]
    created_at: Instant
    product_count: Count


class CampaignProductsSummary(Response):
    total_products: Count
    products_on_media_buys: Count
    products_pending: Count


class CampaignProductsResponse(Response):
    campaign_id: str
    discovery_id: str | None
    products: list[CampaignProductEntry]
    search_contexts: list[CampaignSearchContextSummary]
    summary: CampaignProductsSummary

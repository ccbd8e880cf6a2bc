"""Discovery: asking connected sellers for products, and browsing what they answered."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from buyside.schemas.products import BudgetContextResponse, PricingModel, ProductGroup, Proposal, RefinementItem
from buyside.schemas.wire import (
    AdvertiserIdIn,
    Count,
    Country,
    End,
    Given,
    Id,
    Maybe,
    Number,
    Ordinal,
    PositiveAmount,
    Raw,
    Request,
    Response,
    Start,
    StorefrontIdIn,
    Word,
    snake,
)

Channel = Literal[
    "display",
    "olv",
    "social",
    "search",
    "ctv",
    "linear_tv",
    "radio",
    "streaming_audio",
    "podcast",
    "dooh",
    "ooh",
    "print",
    "cinema",
    "email",
    "gaming",
    "retail_media",
    "influencer",
    "affiliate",
    "product_placement",
    "sponsored_intelligence",
]
ChannelIn = Literal[Channel, "video", "audio"]
ALIASES: dict[str, Channel] = {"video": "olv", "audio": "streaming_audio"}
DEFAULT_CHANNELS: tuple[Channel, ...] = ("display", "olv", "ctv", "social")
WaitMode = Literal["quick", "long"]
WaitSeconds = Annotated[int, Field(ge=1, le=210)]
StorefrontName = Annotated[str, Field(max_length=255)]


class DiscoveryFlightDates(Request):
    start_date: Start
    end_date: End


class DiscoverProductsBody(Request):
    """Without a discoveryId a new session begins; with a campaignId what is left out comes from the campaign."""

    advertiser_id: AdvertiserIdIn
    discovery_id: Given[Id] = None
    campaign_id: Given[Id] = None
    channels: Given[Annotated[list[ChannelIn], Field(max_length=22)]] = None
    countries: Given[Annotated[list[Country], Field(max_length=250)]] = None
    brief: Given[Annotated[str, Field(max_length=5000)]] = None
    budget: Given[PositiveAmount] = None
    flight_dates: Given[DiscoveryFlightDates] = None
    publisher_domain: Given[Word] = None
    pricing_model: Given[PricingModel] = None
    wait_mode: WaitMode = "quick"
    wait_seconds: Given[WaitSeconds] = None
    progressive: Given[bool] = None
    storefront_ids: Given[Annotated[list[StorefrontIdIn], Field(max_length=50)]] = None
    storefront_names: Given[Annotated[list[StorefrontName], Field(max_length=50)]] = None
    group_limit: Annotated[int, Field(ge=1, le=10)] = 10
    group_offset: Annotated[int, Field(ge=0, le=10_000)] = 0
    products_per_group: Annotated[int, Field(ge=1, le=15)] = 10
    product_offset: Annotated[int, Field(ge=0, le=1000)] = 0
    debug: Given[bool] = None
    refine: Given[Annotated[list[RefinementItem], Field(min_length=1, max_length=100)]] = None


class PriceRange(Response):
    min: Number | None
    max: Number | None
    avg: Number | None
    currency: Maybe[str] = None


class DiscoverySummary(Response):
    total_products: Count
    publishers_count: Count
    price_range: Maybe[PriceRange] = None


class StorefrontRef(Response):
    storefront_id: str
    storefront_name: str


class IncompleteDiscoveryScope(Response):
    scope: Literal["products", "pricing", "forecast", "proposals", "wholesale_feed"]
    description: Annotated[str, Field(max_length=500)]
    estimated_wait_seconds: Maybe[Ordinal] = None


class IncompleteDiscoveryAgent(Response):
    agent_id: str
    agent_name: str
    storefronts: Maybe[list[StorefrontRef]] = None
    reason: Literal["timeout", "upstream_incomplete"]
    response_time_ms: Maybe[Count] = None
    wait_seconds: Ordinal
    incomplete_scopes: Maybe[list[IncompleteDiscoveryScope]] = None


class ConnectionIssue(Response):
    provider_type: str
    storefront_id: Maybe[str] = None
    storefront_name: Maybe[str] = None


class AgentDebugLog(Response):
    timestamp: Maybe[str] = None
    type: Maybe[str] = None
    message: Maybe[str] = None
    request: Maybe[Raw] = None
    response: Maybe[Raw] = None


class EstimatedWait(Response):
    interval: Number
    unit: Literal["seconds", "minutes", "hours", "days", "campaign"]


class IncompletePart(Response):
    model_config = ConfigDict(alias_generator=snake)

    scope: Literal["products", "pricing", "forecast", "proposals", "wholesale_feed"]
    description: str
    estimated_wait: Maybe[EstimatedWait] = None


class AgentDiscoveryResult(Response):
    """How one sales agent answered; only with `debug`."""

    agent_id: str
    agent_name: str
    response_time_ms: Maybe[Count] = None
    timed_out: Maybe[bool] = None
    storefronts: Maybe[list[StorefrontRef]] = None
    success: bool
    product_count: Count
    error: Maybe[str] = None
    skip_reason: Maybe[str] = None
    incomplete: Maybe[list[IncompletePart]] = None
    raw_response_data: Maybe[Raw] = None
    debug_logs: Maybe[list[AgentDebugLog]] = None


class RefinementApplied(Response):
    scope: Maybe[Literal["request", "product", "proposal"]] = None
    id: Maybe[str] = None
    status: Literal["applied", "partial", "unable"]
    notes: Maybe[str] = None


class PendingDiscoveryAgent(Response):
    agent_id: str
    agent_name: str
    storefronts: Maybe[list[StorefrontRef]] = None


class DiscoveryProgress(Response):
    responded_storefront_count: Count
    total_storefront_count: Count
    wait_seconds: Ordinal


class DiscoverProductsResponse(Response):
    discovery_id: str
    product_groups: list[ProductGroup]
    total_groups: Count
    has_more_groups: bool
    summary: DiscoverySummary
    budget_context: Maybe[BudgetContextResponse] = None
    proposals: Maybe[list[Proposal]] = None
    incomplete_agents: Maybe[list[IncompleteDiscoveryAgent]] = None
    connection_issues: Maybe[list[ConnectionIssue]] = None
    retry_with_longer_wait_available: Maybe[bool] = None
    agent_results: Maybe[list[AgentDiscoveryResult]] = None
    refinement_applied: Maybe[list[RefinementApplied]] = None
    revision: Maybe[Count] = None
    results_complete: Maybe[bool] = None
    pending_agents: Maybe[list[PendingDiscoveryAgent]] = None
    progress: Maybe[DiscoveryProgress] = None
    guidance: Maybe[str] = None

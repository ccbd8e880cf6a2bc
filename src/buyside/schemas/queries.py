"""AdCP's own way in: one product query over all storefronts."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from buyside.schemas.discovery import Channel, StorefrontName, WaitMode, WaitSeconds
from buyside.schemas.targeting import AdcpPart, PostalArea, Proximity
from buyside.schemas.wire import (
    AdvertiserIdIn,
    Amount,
    ClosedRequest,
    Count,
    Country,
    Given,
    Json,
    JsonObject,
    Maybe,
    Number,
    OpenResponse,
    Ordinal,
    Raw,
    Request,
    Response,
    StorefrontIdIn,
    Word,
    snake,
    wrong,
)

QueryId = Annotated[str, Field(min_length=1, max_length=128)]
ProductKey = Annotated[str, Field(pattern=r"^sf1:[1-9]\d*:[A-Za-z0-9_-]+$", max_length=2048)]
ProposalKey = Annotated[str, Field(pattern=r"^sfp1:[1-9]\d*:[A-Za-z0-9_-]+$", max_length=2048)]
Day = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]


class QueryRefinement(AdcpPart):
    scope: Literal["request", "product", "proposal"]
    product_id: Given[ProductKey] = None
    proposal_id: Given[ProposalKey] = None
    action: Given[Literal["include", "omit", "more_like_this", "finalize"]] = None
    ask: Given[Word] = None

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if getattr(self, _TARGETS[self.scope]) is None:
            raise wrong("refine_target", f"scope {self.scope} does not say what", at=_TARGETS[self.scope])
        return self


_TARGETS = {"request": "ask", "product": "product_id", "proposal": "proposal_id"}


class QueryBrand(AdcpPart):
    domain: Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$")]


class FormatFilter(AdcpPart):
    agent_url: Word
    id: Word
    width: Given[Ordinal] = None
    height: Given[Ordinal] = None
    duration_ms: Given[Ordinal] = None


class BudgetRange(AdcpPart):
    min: Given[Amount] = None
    max: Given[Amount] = None
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]


class MetroFilter(AdcpPart):
    system: Literal["nielsen_dma", "uk_itl1", "uk_itl2", "eurostat_nuts2", "custom"]
    code: Word


class KeywordFilter(AdcpPart):
    keyword: Word
    match_type: Given[Literal["broad", "phrase", "exact"]] = None


class ProductFilters(AdcpPart):
    """AdCP product filters, passed on to each seller that takes them. Source: AdCP 3.1 core/product-filters."""

    delivery_type: Given[Literal["guaranteed", "non_guaranteed"]] = None
    exclusivity: Given[Literal["none", "category", "exclusive"]] = None
    is_fixed_price: Given[bool] = None
    pricing_currencies: Given[list[str]] = None
    format_ids: Given[list[FormatFilter]] = None
    standard_formats_only: Given[bool] = None
    min_exposures: Given[Ordinal] = None
    start_date: Given[Day] = None
    end_date: Given[Day] = None
    budget_range: Given[BudgetRange] = None
    countries: Given[list[Country]] = None
    regions: Given[list[str]] = None
    metros: Given[list[MetroFilter]] = None
    channels: Given[list[Channel]] = None
    video_placement_types: Given[list[str]] = None
    audio_distribution_types: Given[list[str]] = None
    sponsored_placement_types: Given[list[str]] = None
    social_placement_surfaces: Given[list[str]] = None
    required_axe_integrations: Given[list[str]] = None
    trusted_match: Given[JsonObject] = None
    required_features: Given[dict[str, bool]] = None
    required_geo_targeting: Given[list[Json]] = None
    signal_targeting: Given[list[Json]] = None
    postal_areas: Given[list[PostalArea]] = None
    geo_proximity: Given[list[Proximity]] = None
    required_performance_standards: Given[list[Json]] = None
    required_metrics: Given[list[str]] = None
    required_vendor_metrics: Given[list[Json]] = None
    keywords: Given[list[KeywordFilter]] = None
    ext: Given[JsonObject] = None


class QueryScope(ClosedRequest):
    """For whom is asked, whom to ask, and how long to wait. With an execution_id: the rest of an earlier answer."""

    model_config = ConfigDict(alias_generator=snake)

    advertiser_id: Given[AdvertiserIdIn] = None
    storefronts: Given[Literal["all_connected"]] = None
    storefront_ids: Given[Annotated[list[StorefrontIdIn], Field(max_length=100)]] = None
    storefront_names: Given[Annotated[list[StorefrontName], Field(max_length=100)]] = None
    execution_id: Given[QueryId] = None
    since_revision: Given[Count] = None
    wait_mode: Given[WaitMode] = None
    wait_seconds: Given[WaitSeconds] = None
    debug: Given[bool] = None


class QueryExtension(AdcpPart):
    interchange: Given[QueryScope] = None


class QueryPagination(AdcpPart):
    max_results: Given[Annotated[int, Field(ge=1, le=100)]] = None
    cursor: Given[str] = None


class GetProductsBody(Request):
    """AdCP get_products, asked of every storefront in scope."""

    model_config = ConfigDict(alias_generator=snake)

    adcp_version: Given[str] = None
    adcp_major_version: Given[Ordinal] = None
    buying_mode: Literal["brief", "wholesale", "refine"]
    brief: Given[Annotated[str, Field(max_length=5000)]] = None
    refine: Given[Annotated[list[QueryRefinement], Field(max_length=100)]] = None
    brand: Given[QueryBrand] = None
    filters: Given[ProductFilters] = None
    pagination: Given[QueryPagination] = None
    context: Given[JsonObject] = None
    ext: Given[QueryExtension] = None


class ProductOrigin(Response):
    """Where a product comes from, and its seller's own id for it."""

    model_config = ConfigDict(alias_generator=snake)

    storefront_id: str
    storefront_name: str
    source_product_id: str
    sales_agent_id: Maybe[str] = None


class ProductOriginExtension(OpenResponse):
    model_config = ConfigDict(alias_generator=snake)

    interchange: ProductOrigin


class InterchangeProduct(OpenResponse):
    """A product in AdCP's own words, as its seller sent it; `product_id` and `ext.interchange` are ours.

    Source: AdCP 3.1 core/product, whose keys these are; a seller may send more.
    """

    model_config = ConfigDict(alias_generator=snake)

    product_id: ProductKey
    name: str
    ext: ProductOriginExtension
    allowed_actions: Maybe[Json] = None
    audio_distribution_types: Maybe[Json] = None
    brief_relevance: Maybe[Json] = None
    cancellation_policy: Maybe[Json] = None
    catalog_match: Maybe[Json] = None
    catalog_types: Maybe[Json] = None
    channels: Maybe[Json] = None
    collection_targeting_allowed: Maybe[Json] = None
    collections: Maybe[Json] = None
    conversion_tracking: Maybe[Json] = None
    creative_policy: Maybe[Json] = None
    data_provider_signals: Maybe[Json] = None
    delivery_measurement: Maybe[Json] = None
    delivery_type: Maybe[Json] = None
    description: Maybe[Json] = None
    enforced_policies: Maybe[Json] = None
    exclusivity: Maybe[Json] = None
    expires_at: Maybe[Json] = None
    forecast: Maybe[Json] = None
    format_ids: Maybe[Json] = None
    format_options: Maybe[Json] = None
    included_signals: Maybe[Json] = None
    installments: Maybe[Json] = None
    is_custom: Maybe[Json] = None
    material_submission: Maybe[Json] = None
    max_optimization_goals: Maybe[Json] = None
    measurement_readiness: Maybe[Json] = None
    measurement_terms: Maybe[Json] = None
    metric_optimization: Maybe[Json] = None
    outcome_measurement: Maybe[Json] = None
    performance_standards: Maybe[Json] = None
    placements: Maybe[Json] = None
    pricing_options: Maybe[Json] = None
    product_card: Maybe[Json] = None
    product_card_detailed: Maybe[Json] = None
    property_targeting_allowed: Maybe[Json] = None
    publisher_properties: Maybe[Json] = None
    reporting_capabilities: Maybe[Json] = None
    signal_targeting_allowed: Maybe[Json] = None
    signal_targeting_options: Maybe[Json] = None
    signal_targeting_rules: Maybe[Json] = None
    social_placement_surfaces: Maybe[Json] = None
    sponsored_placement_types: Maybe[Json] = None
    trusted_match: Maybe[Json] = None
    vendor_metric_optimization: Maybe[Json] = None
    video_placement_types: Maybe[Json] = None


class QueryAllocation(OpenResponse):
    model_config = ConfigDict(alias_generator=snake)

    product_id: ProductKey
    allocation_percentage: Number


class ProposalOrigin(Response):
    """Where a proposal comes from, and its seller's own id for it."""

    model_config = ConfigDict(alias_generator=snake)

    storefront_id: str
    storefront_name: str
    source_proposal_id: str
    sales_agent_id: Maybe[str] = None


class ProposalOriginExtension(Response):
    model_config = ConfigDict(alias_generator=snake)

    interchange: ProposalOrigin


class InterchangeProposal(OpenResponse):
    """A proposal in AdCP's own words; its id and those of its products are ours."""

    model_config = ConfigDict(alias_generator=snake)

    proposal_id: ProposalKey
    name: str
    allocations: list[QueryAllocation]
    ext: ProposalOriginExtension
    description: Maybe[Json] = None
    expires_at: Maybe[Json] = None
    total_budget_guidance: Maybe[Json] = None
    brief_alignment: Maybe[Json] = None
    forecast: Maybe[Json] = None


class StorefrontResult(Response):
    model_config = ConfigDict(alias_generator=snake)

    storefront_id: str
    storefront_name: str
    status: Literal["pending", "completed", "failed", "incomplete"]
    product_count: Count
    response_time_ms: Maybe[Count] = None
    error: Maybe[str] = None
    message: Maybe[str] = None


class QueryStorefrontRef(Response):
    model_config = ConfigDict(alias_generator=snake)

    storefront_id: str
    storefront_name: str


class QueryPendingAgent(Response):
    model_config = ConfigDict(alias_generator=snake)

    agent_id: str
    agent_name: str
    storefronts: Maybe[list[QueryStorefrontRef]] = None


class _NotRun(Response):
    """The hosted service can have proposals judged for a fee. Here that is never done, and this says so."""

    model_config = ConfigDict(alias_generator=snake)

    enabled: Literal[False] = False
    status: Literal["not_run"] = "not_run"
    candidates_evaluated: Literal[0] = 0
    accepted: Literal[0] = 0
    rejected: Literal[0] = 0
    refining: Literal[0] = 0
    refinement_limit_reached: Literal[0] = 0
    estimated_ius: Literal[0] = 0
    charged_ius: Literal[0] = 0
    billing_status: Literal["included"] = "included"


class EvaluationNotRun(_NotRun):
    evaluation_passes: Literal[0] = 0
    ranking_passes: Literal[0] = 0
    candidates_ranked: Literal[0] = 0


class ScreeningNotRun(_NotRun):
    screening_passes: Literal[0] = 0


class QueryExecution(Response):
    """How far the query came. Ask again with the execution_id while results are not complete."""

    model_config = ConfigDict(alias_generator=snake)

    execution_id: str
    revision: Count
    results_complete: bool
    provisional: bool
    candidate_count: Count
    storefront_results: list[StorefrontResult]
    pending_agents: Maybe[list[QueryPendingAgent]] = None
    evaluation: EvaluationNotRun
    screening: ScreeningNotRun
    retry_with_longer_wait_available: Maybe[bool] = None
    poll_after_ms: Maybe[Ordinal] = None
    guidance: Maybe[str] = None


class QueryExecutionExtension(Response):
    model_config = ConfigDict(alias_generator=snake)

    interchange: QueryExecution


class QueryPage(Response):
    model_config = ConfigDict(alias_generator=snake)

    has_more: bool
    cursor: Maybe[str] = None
    total_count: Maybe[Count] = None


class GetProductsResponse(Response):
    model_config = ConfigDict(alias_generator=snake)

    status: Literal["completed"] = "completed"
    adcp_version: Maybe[str] = None
    message: Maybe[str] = None
    context: Maybe[Json] = None
    products: list[InterchangeProduct]
    proposals: Maybe[list[InterchangeProposal]] = None
    errors: Maybe[list[Raw]] = None
    incomplete: Maybe[list[Raw]] = None
    refinement_applied: Maybe[list[Raw]] = None
    pagination: Maybe[QueryPage] = None
    cache_scope: Literal["account"] = "account"
    sandbox: Maybe[bool] = None
    ext: QueryExecutionExtension

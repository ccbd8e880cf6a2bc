"""Products and proposals as discovery shows them, and the products that a buyer selected."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AliasChoices, ConfigDict, Field, model_validator

from buyside.schemas.storefronts import RoutingType
from buyside.schemas.targeting import TargetingOverlay
from buyside.schemas.wire import (
    Amount,
    Count,
    Given,
    Id,
    Instant,
    Int,
    Json,
    Maybe,
    Number,
    OpenResponse,
    PositiveAmount,
    Raw,
    Request,
    Response,
    camel_except,
    snake,
    wrong,
)

DeliveryType = Literal["guaranteed", "non_guaranteed"]
PricingModel = Literal["cpm", "vcpm", "cpc", "cpcv", "cpv", "cpp", "cpa", "flat_rate", "time"]


class PriceGuidance(Response):
    floor: Maybe[Number] = None
    p25: Maybe[Number] = None
    p50: Maybe[Number] = None
    p75: Maybe[Number] = None
    p90: Maybe[Number] = None


class PricingOptionData(Response):
    """`rate` is the fixed price, or in an auction the floor."""

    pricing_option_id: Maybe[str] = None
    pricing_model: Maybe[str] = None
    is_fixed: Maybe[bool] = None
    rate: Maybe[Number] = None
    floor_price: Maybe[Number] = None
    fixed_price: Maybe[Number] = None
    currency: Maybe[str] = None
    price_guidance: Maybe[PriceGuidance] = None


class PublisherProperty(Response):
    publisher_domain: Maybe[str] = None
    property_type: Maybe[str] = None
    name: Maybe[str] = None
    selection_type: Maybe[str] = None
    identifiers: Maybe[list[Raw]] = None


class FormatParams(OpenResponse):
    """What a seller takes in one format, in AdCP's words; there may be more than is named here."""

    model_config = ConfigDict(alias_generator=snake)

    width: Maybe[Json] = None
    height: Maybe[Json] = None
    sizes: Maybe[Json] = None
    min_width: Maybe[Json] = None
    max_width: Maybe[Json] = None
    min_height: Maybe[Json] = None
    max_height: Maybe[Json] = None
    duration_ms_exact: Maybe[Json] = None
    duration_ms_range: Maybe[Json] = None
    containers: Maybe[Json] = None
    video_codecs: Maybe[Json] = None
    audio_codecs: Maybe[Json] = None


class ProductFormatOption(OpenResponse):
    model_config = ConfigDict(alias_generator=camel_except("format_kind", "format_option_id", "display_name"))

    format_kind: Maybe[str] = None
    format_option_id: Maybe[str] = None
    display_name: Maybe[str] = None
    params: Maybe[FormatParams] = None


class Product(Response):
    product_id: str
    name: str
    channel: Maybe[str] = None
    channels: Maybe[list[str]] = None
    inventory_type: Maybe[str] = None
    format_types: Maybe[list[str]] = None
    cpm: Maybe[Number] = None
    currency: Maybe[str] = None
    expires_at: Maybe[Instant] = None
    pricing_scope: Maybe[Literal["public", "account"]] = None
    sales_agent_id: Maybe[str] = None
    sales_agent_name: Maybe[str] = None
    storefront_id: Maybe[str] = None
    storefront_name: Maybe[str] = None
    supported_routing_types: Maybe[list[RoutingType]] = None
    description: Maybe[str] = None
    delivery_type: Maybe[DeliveryType] = None
    brief_relevance: Maybe[str] = None
    pricing_options: Maybe[list[PricingOptionData]] = None
    estimated_exposures: Maybe[Int] = None
    forecast: Maybe[Raw] = None
    bookability: Maybe[str] = None
    publisher_properties: Maybe[list[PublisherProperty]] = None
    is_sandbox: Maybe[bool] = None
    format_options: Maybe[list[ProductFormatOption]] = None


class ProductGroup(Response):
    """The products of one sales agent at one storefront."""

    group_id: str
    group_name: str
    storefront_id: Maybe[str] = None
    storefront_name: Maybe[str] = None
    description: Maybe[str] = None
    products: list[Product]
    product_count: Count
    total_products: Count
    has_more_products: bool


class DiscoveryProductDetail(Response):
    product_id: str
    name: str
    description: Maybe[str] = None
    channel: Maybe[str] = None
    delivery_type: Maybe[DeliveryType] = None
    sales_agent_id: Maybe[str] = None
    sales_agent_name: Maybe[str] = None
    storefront_id: Maybe[str] = None
    storefront_name: Maybe[str] = None
    cpm: Maybe[Number] = None
    currency: Maybe[str] = None


class ProductAllocation(Response):
    product_id: str
    allocation_percentage: Number
    pricing_option_id: Maybe[str] = None
    rationale: Maybe[str] = None
    sequence: Maybe[Int] = None
    tags: Maybe[list[str]] = None


class TotalBudgetGuidance(Response):
    min: Maybe[Number] = None
    recommended: Maybe[Number] = None
    max: Maybe[Number] = None
    currency: Maybe[str] = None


class Proposal(Response):
    proposal_id: str
    name: str
    description: Maybe[str] = None
    brief_alignment: Maybe[str] = None
    sales_agent_id: Maybe[str] = None
    sales_agent_name: Maybe[str] = None
    storefront_id: Maybe[str] = None
    storefront_name: Maybe[str] = None
    supported_routing_types: Maybe[list[RoutingType]] = None
    allocations: list[ProductAllocation]
    expires_at: Maybe[Instant] = None
    total_budget_guidance: Maybe[TotalBudgetGuidance] = None


# ---- selection


class AddProductsProduct(Request):
    """A product to select. What is left out is taken from the session. `cpm` is taken for `bidPrice`."""

    product_id: Id
    sales_agent_id: Given[Id] = None
    group_id: Given[str] = None
    group_name: Given[str] = None
    storefront_id: Given[str] = None
    inventory_source_id: Given[str] = None
    selection_id: Given[Id] = None
    bid_price: Annotated[Given[Amount], Field(validation_alias=AliasChoices("bidPrice", "cpm"))] = None
    budget: Given[PositiveAmount] = None
    pricing_option_id: Given[Id] = None
    targeting_overlay: Given[TargetingOverlay] = None


class AddProductsRequest(Request):
    products: Annotated[list[AddProductsProduct], Field(min_length=1, max_length=100)]
    replace: Given[bool] = None
    campaign_id: Given[Id] = None


class RemoveProductsRequest(Request):
    product_ids: Annotated[list[Id], Field(min_length=1, max_length=1000)]


class ApplyProposalRequest(Request):
    proposal_id: Id
    total_budget: Given[PositiveAmount] = None
    replace: Given[bool] = None


class SelectedProduct(Response):
    product_id: str
    sales_agent_id: str
    selected_at: Instant
    group_id: str
    group_name: str
    storefront_id: Maybe[str] = None
    inventory_source_id: Maybe[str] = None
    selection_id: Maybe[str] = None
    bid_price: Maybe[Number] = None
    budget: Maybe[Number] = None
    targeting_overlay: Maybe[TargetingOverlay] = None


class BudgetContextResponse(Response):
    session_budget: Number | None
    allocated_budget: Number
    remaining_budget: Number | None
    budget_warning: Maybe[str] = None


class SessionProductsResponse(Response):
    discovery_id: str
    products: list[SelectedProduct]
    total_products: Count
    budget_context: Maybe[BudgetContextResponse] = None
    campaign_bound: Maybe[bool] = None
    campaign_warning: Maybe[str] = None


class AppliedProposalSummary(Response):
    proposal_id: str
    name: str
    sales_agent_name: Maybe[str] = None


class ApplyProposalResponse(SessionProductsResponse):
    proposal: AppliedProposalSummary
    total_budget_used: Number
    products_applied: Count
    products_skipped: list[str]


# ---- refinement

Ask = Annotated[str, Field(min_length=1, max_length=2000)]


class RefinementItem(Request):
    """What to change in the offer: about the request as a whole, one product, or one proposal."""

    scope: Literal["request", "product", "proposal"]
    id: Given[Id] = None
    action: Given[Literal["include", "omit", "more_like_this", "moreLikeThis", "finalize"]] = None
    ask: Given[Ask] = None

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self.scope == "request" and self.ask is None:
            raise wrong("refine_ask", "scope request needs ask", at="ask")
        if self.scope != "request" and (self.id is None or self.action is None):
            raise wrong(
                "refine_target", f"scope {self.scope} needs id and action", at="id" if self.id is None else "action"
            )
        if self.action not in _ACTIONS[self.scope]:
            raise wrong("refine_action", f"scope {self.scope} has no such action", at="action")
        return self


_ACTIONS: dict[str, frozenset[str | None]] = {
    "request": frozenset({None}),
    "product": frozenset({"include", "omit", "more_like_this", "moreLikeThis"}),
    "proposal": frozenset({"include", "omit", "finalize"}),
}

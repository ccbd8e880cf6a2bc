"""What a body searches for or selects, as the services take it."""

from __future__ import annotations

from collections.abc import Sequence

from buyside.domain.errors import Invalid, Issue
from buyside.domain.flight import Flight
from buyside.domain.groups import Page, Place, wait_seconds
from buyside.domain.ids import AdvertiserId, AgentId, CampaignId, DiscoveryId, StorefrontId
from buyside.domain.refinements import Refinement, Scope
from buyside.domain.searches import Wish
from buyside.domain.selections import Choice
from buyside.schemas.asking import new_campaign
from buyside.schemas.batches import BatchProposalSelection, BatchSelection, CreateMediaBuysBatchBody
from buyside.schemas.discovery import DiscoverProductsBody
from buyside.schemas.products import AddProductsProduct, RefinementItem
from buyside.schemas.queries import GetProductsBody, QueryRefinement, QueryScope
from buyside.services.batch import Batch, Whole
from buyside.services.discovery import Ask
from buyside.services.products import USUAL, Query


def ask(body: DiscoverProductsBody) -> Ask:
    """Raises: Invalid for a flight that ends before it starts."""
    dates = body.flight_dates
    return Ask(
        AdvertiserId(body.advertiser_id),
        Wish(
            body.brief,
            body.channels or None,
            body.countries or None,
            body.budget,
            Flight(dates.start_date, dates.end_date) if dates else None,
            body.publisher_domain,
            body.pricing_model,
            [StorefrontId(each) for each in body.storefront_ids or ()],
            [each for each in body.storefront_names or () if each.strip()],
        ),
        DiscoveryId(body.discovery_id) if body.discovery_id else None,
        CampaignId(body.campaign_id) if body.campaign_id else None,
        tuple(_refinement(each) for each in body.refine or ()),
        wait_seconds(body.wait_mode, body.wait_seconds),
        bool(body.progressive),
        Page(body.group_limit, body.group_offset, body.products_per_group, body.product_offset),
    )


def _refinement(item: RefinementItem) -> Refinement:
    action = "more_like_this" if item.action == "moreLikeThis" else item.action
    return Refinement(Scope(item.scope), item.ask, item.id, action)


def query(body: GetProductsBody, execution_id: str | None, start: Place | None) -> Query:
    """`execution_id`: of the scope, or of the cursor. Raises: Invalid for a scope that names storefronts twice over."""
    scope = (body.ext.interchange if body.ext else None) or QueryScope()
    filters = body.filters.given() if body.filters else {}
    if scope.storefronts and (scope.storefront_ids or scope.storefront_names):
        raise Invalid("Either all_connected, or those that are named.", field="ext.interchange.storefronts")
    waits = scope.wait_mode is not None or scope.wait_seconds is not None
    return Query(
        body.buying_mode,
        Wish(
            body.brief or None,
            filters.pop("channels", None),
            filters.pop("countries", None),
            storefront_ids=[StorefrontId(each) for each in scope.storefront_ids or ()],
            storefront_names=[each for each in scope.storefront_names or () if each.strip()],
            brand_domain=body.brand.domain if body.brand else None,
            filters=filters,
        ),
        AdvertiserId(scope.advertiser_id) if scope.advertiser_id else None,
        DiscoveryId(execution_id) if execution_id else None,
        tuple(_wish(each) for each in body.refine or ()),
        scope.since_revision,
        wait_seconds(scope.wait_mode or "quick", scope.wait_seconds) if waits else None,
        start,
        (body.pagination and body.pagination.max_results) or USUAL,
    )


def _wish(item: QueryRefinement) -> Refinement:
    return Refinement(Scope(item.scope), item.ask, item.product_id or item.proposal_id, item.action)


def batch(body: CreateMediaBuysBatchBody) -> Batch:
    """Raises: Invalid for a campaign to be created from another session than the query's."""
    create = body.campaign.create
    if create is not None and create.discovery_id not in (None, body.product_query_id):
        raise Invalid("The campaign buys what this product query found.", field="campaign.create.discoveryId")
    campaign = new_campaign(create) if create is not None else CampaignId(body.campaign.campaign_id or "")
    picks = tuple(_pick(each) for each in body.selections)
    return Batch(DiscoveryId(body.product_query_id), campaign, picks, body.replace)


def _pick(each: BatchSelection) -> Choice | Whole:
    if isinstance(each, BatchProposalSelection):
        return Whole(each.proposal_id, each.total_budget)
    return Choice(
        each.product_id,
        bid=each.bid_price,
        budget=each.budget,
        pricing_option_id=each.pricing_option_id,
        targeting=each.targeting_overlay.given() if each.targeting_overlay else {},
    )


def choices(products: Sequence[AddProductsProduct]) -> list[Choice]:
    """Raises: Invalid naming each storefront or source that cannot be one."""
    issues = []
    for index, each in enumerate(products):
        if each.storefront_id is not None and not _is_number(each.storefront_id):
            issues.append(Issue(("products", index, "storefrontId"), f"There is no storefront {each.storefront_id}."))
        if each.inventory_source_id is not None:
            # This server names none: whoever sends one took it from elsewhere.
            said = f"There is no inventory source {each.inventory_source_id}; name the seller by salesAgentId."
            issues.append(Issue(("products", index, "inventorySourceId"), said))
    if issues:
        raise Invalid.of(issues)
    return [_choice(each) for each in products]


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 15


def _choice(each: AddProductsProduct) -> Choice:
    return Choice(
        each.product_id,
        AgentId(each.sales_agent_id) if each.sales_agent_id else None,
        int(each.storefront_id) if each.storefront_id else None,
        each.group_id,
        each.selection_id,
        each.bid_price,
        each.budget,
        each.pricing_option_id,
        each.targeting_overlay.given() if each.targeting_overlay else {},
    )

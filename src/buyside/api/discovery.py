"""Discovery over REST: sellers asked for products, and products picked from what they answered."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from buyside.api.envelope import Reply, reply
from buyside.api.paging import Groups
from buyside.api.requests import DiscoveryPath, ProductPath, Signed, Words, router
from buyside.domain.groups import Page, wait_seconds
from buyside.domain.ids import AgentId, CampaignId, StorefrontId
from buyside.domain.searches import Narrowing
from buyside.schemas import wishes
from buyside.schemas.discovery import (
    DiscoverProductsBody,
    DiscoverProductsResponse,
    StorefrontName,
    WaitMode,
    WaitSeconds,
)
from buyside.schemas.products import (
    AddProductsRequest,
    ApplyProposalRequest,
    ApplyProposalResponse,
    DiscoveryProductDetail,
    PricingModel,
    RemoveProductsRequest,
    SessionProductsResponse,
)
from buyside.schemas.showing import discovery as show
from buyside.schemas.showing import products as show_products
from buyside.schemas.wire import LARGEST_INT, StorefrontIdIn
from buyside.services import discovery

routes = router("Discovery")
_SESSION = "/discovery/{discoveryId}"
_FOUND = DiscoverProductsResponse

Storefronts = Annotated[list[StorefrontIdIn] | None, Words, Query(alias="storefrontIds", max_length=50)]
Names = Annotated[list[StorefrontName] | None, Words, Query(alias="storefrontNames", max_length=50)]
Domain = Annotated[str | None, Query(alias="publisherDomain", min_length=1, max_length=255)]
Since = Annotated[int | None, Query(alias="sinceRevision", ge=0, le=LARGEST_INT)]


@routes.post("/discovery/discover-products", operation_id="discoverProducts", response_model=_FOUND)
async def discover_products(work: Signed, body: DiscoverProductsBody) -> Reply:
    """Ask every connected seller for products. A slow or failing one is named, and holds nobody up."""
    return reply(show.found(await discovery.discover(work, wishes.ask(body)), debug=bool(body.debug)))


@routes.get(_SESSION + "/discover-products", operation_id="browseProducts", response_model=_FOUND)
async def browse_products(
    work: Signed,
    discovery_id: DiscoveryPath,
    part: Groups,
    publisher_domain: Domain = None,
    pricing_model: Annotated[PricingModel | None, Query(alias="pricingModel")] = None,
    storefront_ids: Storefronts = None,
    storefront_names: Names = None,
    debug: bool = False,
    wait_mode: Annotated[WaitMode | None, Query(alias="waitMode")] = None,
    seconds: Annotated[WaitSeconds | None, Query(alias="waitSeconds")] = None,
    since_revision: Since = None,
) -> Reply:
    """What the session holds by now; no seller is asked again. With a wait, until there is something newer."""
    shops = tuple(StorefrontId(each) for each in storefront_ids or ())
    narrowing = Narrowing(publisher_domain, pricing_model, shops, tuple(storefront_names or ()))
    page = Page(part.groups, part.first_group, part.products, part.first_product)
    wait = wait_seconds(wait_mode or "quick", seconds) if wait_mode or seconds else 0
    found = await discovery.browse(
        work, discovery_id, narrowing=narrowing, page=page, since=since_revision, wait_seconds=wait
    )
    return reply(show.found(found, debug=debug))


@routes.get(
    _SESSION + "/products/{productId}/details", operation_id="getProductDetails", response_model=DiscoveryProductDetail
)
async def get_product_details(
    work: Signed,
    discovery_id: DiscoveryPath,
    product_id: ProductPath,
    agent_id: Annotated[str, Query(alias="salesAgentId", min_length=1, max_length=255)],
) -> Reply:
    """One product of the session."""
    return reply(show_products.detail(*await discovery.details(work, discovery_id, product_id, AgentId(agent_id))))


@routes.get(_SESSION + "/products", operation_id="getProducts", response_model=SessionProductsResponse)
async def get_selected_products(work: Signed, discovery_id: DiscoveryPath) -> Reply:
    """The products that are selected in the session."""
    return reply(show_products.selected(await discovery.selected(work, discovery_id)))


@routes.post(_SESSION + "/products", operation_id="addProducts", response_model=SessionProductsResponse)
async def add_products(work: Signed, discovery_id: DiscoveryPath, body: AddProductsRequest) -> Reply:
    """Select products. Nothing is bought before a campaign that is bound to the session is executed."""
    campaign = CampaignId(body.campaign_id) if body.campaign_id else None
    picked = wishes.choices(body.products)
    done = await discovery.add(work, discovery_id, picked, replacing=bool(body.replace), campaign_id=campaign)
    return reply(show_products.selected(done))


@routes.delete(_SESSION + "/products", operation_id="removeProducts", response_model=SessionProductsResponse)
async def remove_products(work: Signed, discovery_id: DiscoveryPath, body: RemoveProductsRequest) -> Reply:
    """Take products out of the selection. What is on a media buy already stays there."""
    return reply(show_products.selected(await discovery.remove(work, discovery_id, body.product_ids)))


@routes.post(_SESSION + "/apply-proposal", operation_id="applyProposal", response_model=ApplyProposalResponse)
async def apply_proposal(work: Signed, discovery_id: DiscoveryPath, body: ApplyProposalRequest) -> Reply:
    """Select what a seller proposes, the total shared out as it says. Nothing is bought yet."""
    done = await discovery.apply_proposal(
        work, discovery_id, body.proposal_id, total=body.total_budget, replacing=bool(body.replace)
    )
    return reply(show_products.applied(done))

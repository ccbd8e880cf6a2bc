"""Values of the domain with the usual filled in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from buyside.domain.campaigns import Budget, Campaign, CampaignSpec, Mode, Status
from buyside.domain.discovery import AgentResult, AgentState, Selection
from buyside.domain.flight import Flight
from buyside.domain.ids import AdvertiserId, AgentId, CampaignId, MediaBuyId, StorefrontId
from buyside.domain.media_buys import MediaBuy, Package
from buyside.domain.media_buys import Status as BuyStatus
from buyside.domain.money import Money
from buyside.domain.orders import ObservedBuy, ObservedPackage
from buyside.domain.products import PricingOption, Product
from buyside.domain.staging import Pick

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
START, END = NOW + timedelta(days=1), NOW + timedelta(days=31)


def usd(amount: str | int) -> Money:
    return Money.of(amount, "USD")


def a_package(ref: str = "p1", budget: str = "100", **more: Any) -> Package:
    given: dict[str, Any] = {
        "product_id": f"prod_{ref}",
        "product_name": "Reach",
        "publisher_name": "north.example",
        "pricing_option_id": "cpm",
        "pricing_model": "cpm",
        "price": Decimal(5),
        "budget": usd(budget),
    }
    return Package(ref, **{**given, **more})


def a_buy(status: BuyStatus = BuyStatus.DRAFT, *packages: Package, **more: Any) -> MediaBuy:
    given: dict[str, Any] = {
        "id": MediaBuyId("mb_1"),
        "campaign_id": CampaignId("cmp_1"),
        "agent_id": AgentId("agent_1"),
        "agent_name": "North",
        "storefront_id": StorefrontId(1),
        "name": "Summer at North",
        "status": status,
        "packages": packages or (a_package(),),
        "currency": "USD",
        "start": START,
        "end": END,
        "fee_percent": Decimal(0),
        "created_at": NOW,
        "updated_at": NOW,
    }
    return MediaBuy(**{**given, **more})


def a_campaign(status: Status = Status.DRAFT, budget: str = "1000", **more: Any) -> Campaign:
    spec = CampaignSpec("Summer", Flight(START, END), Budget(usd(budget)), **more)
    return Campaign(CampaignId("cmp_1"), AdvertiserId(1), spec, status, Mode.DISCOVERY, 1, False, NOW, NOW)


def a_product(product_id: str = "prod_p1", *options: PricingOption) -> Product:
    fixed = PricingOption("cpm", "cpm", "USD", fixed_price=Decimal(5))
    return Product(product_id, "Reach", None, ("display",), "guaranteed", options or (fixed,), ("north.example",))


def a_pick(product: Product | None = None, agent: str = "agent_1", **chosen: Any) -> Pick:
    offered = product or a_product()
    selection = Selection(offered.product_id, AgentId(agent), NOW, **chosen)
    result = AgentResult(
        AgentId(agent), agent.title(), StorefrontId(1), "Shop", AgentState.COMPLETE, 1, products=(offered,)
    )
    return Pick(selection, offered, result)


def observed(buy: MediaBuy, status: str | None = "active", **more: Any) -> ObservedBuy:
    """The buy as a seller that did what was asked reports it."""
    packages = tuple(
        ObservedPackage(f"s_{p.ref}", p.product_id, p.ref, budget=p.budget.major, currency=p.budget.currency)
        for p in buy.packages
    )
    given: dict[str, Any] = {"packages": packages, "currency": buy.currency, "end": buy.end, "start": buy.start}
    return ObservedBuy("seller_1", status, **{**given, **more})

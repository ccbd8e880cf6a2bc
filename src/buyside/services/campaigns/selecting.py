"""Products picked for the buyer from what discovery found (interchange.md 3.8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from buyside.domain.accounts import Right
from buyside.domain.campaigns import Campaign, Status
from buyside.domain.discovery import AgentResult, Discovery, Selection
from buyside.domain.errors import Invalid
from buyside.domain.ids import CampaignId, DiscoveryId
from buyside.domain.money import Money, total
from buyside.domain.pacing import ceiling
from buyside.domain.products import PricingOption, Product
from buyside.services.campaigns.staging import selection
from buyside.services.media_buys import parts
from buyside.services.work import Work

_MOST = 10
"""Products when the caller names no number: few enough to learn from each."""


@dataclass(frozen=True)
class Selected:
    selection: Selection
    agent: AgentResult
    product: Product
    option: PricingOption
    budget: Money


@dataclass(frozen=True)
class AutoSelection:
    campaign: Campaign
    discovery_id: DiscoveryId
    selected: tuple[Selected, ...]
    previously: int
    method: str
    rationale: str
    test_budget: Money | None

    @property
    def allocated(self) -> Money:
        return total([s.budget for s in self.selected], self.campaign.currency)


@dataclass(frozen=True)
class _Candidate:
    agent: AgentResult
    product: Product
    option: PricingOption
    rank: tuple[int, Decimal, str]


async def auto_select(
    work: Work,
    campaign_id: CampaignId,
    *,
    refine: Sequence[Mapping[str, Any]] = (),
    max_products: int | None = None,
    min_budget: Decimal | None = None,
) -> AutoSelection:
    """Replace the session's selection by the best products, with the budget shared evenly over them.

    Measurable products first, then the lower price. Raises: NotFound; Invalid unless the campaign is a DRAFT with
    goals and discovered products.
    """
    work.require(Right.CAMPAIGNS)
    async with work.writing() as tx:
        campaign = await tx.campaigns.lock(campaign_id)
        discovery_id = _require_ready(campaign)
        session = await tx.discoveries.lock(discovery_id)
        chosen = _choose(campaign, session, refine, max_products, min_budget)
        shares = (ceiling(campaign.spec.pacing_periods) or campaign.spec.budget.total).split([1] * len(chosen))
        selected = tuple(
            Selected(_picked(c, share, work), c.agent, c.product, c.option, share)
            for c, share in zip(chosen, shares, strict=True)
        )
        await tx.discoveries.select(discovery_id, [s.selection for s in selected])
        await tx.record(
            "discovery.auto_selected",
            f"{campaign.spec.name}: {len(selected)} products selected",
            replace(parts.campaign_subject(campaign), type="discovery", id=discovery_id),
            before={"products": [s.product_id for s in session.selections]},
            after={"products": [s.product.product_id for s in selected]},
        )
    measured = any(c.rank[0] == 0 for c in chosen)
    return AutoSelection(
        campaign,
        discovery_id,
        selected,
        len(session.selections),
        "measurability" if measured else "cpm_heuristic",
        "Products that can report the campaign's goal come first, then those with the lower price.",
        shares[-1] if shares else None,
    )


def _require_ready(campaign: Campaign) -> DiscoveryId:
    if campaign.status is not Status.DRAFT:
        raise Invalid(f"Products are selected on a DRAFT campaign; this one is {campaign.status.value}.")
    if not campaign.spec.performance_config:
        raise Invalid("Automatic selection needs goals to select for.", field="performanceConfig")
    if campaign.spec.discovery_id is None:
        raise Invalid("Discover products for this campaign first.", field="discoveryId")
    return campaign.spec.discovery_id


def _choose(
    campaign: Campaign,
    session: Discovery,
    refine: Sequence[Mapping[str, Any]],
    max_products: int | None,
    min_budget: Decimal | None,
) -> list[_Candidate]:
    goals = (campaign.spec.performance_config or {}).get("optimizationGoals", [])
    metrics = {goal.get("metric") for goal in goals if goal.get("kind") == "metric"}
    wanted = {r["id"]: r.get("action") for r in refine if r.get("scope") == "product"}
    candidates = [
        _Candidate(agent, product, option, (_measures(product, metrics), option.rate or Decimal(0), product.product_id))
        for agent in session.agents
        for product in agent.products
        if wanted.get(product.product_id) != "omit"
        and (option := product.option(None, campaign.currency)) is not None
        and option.is_fixed
    ]
    if not candidates:
        raise Invalid(f"The session offers nothing at a fixed price in {campaign.currency}.", field="discoveryId")
    candidates.sort(key=lambda c: (wanted.get(c.product.product_id) != "include", c.rank))
    return candidates[: _how_many(campaign, len(candidates), max_products, min_budget)]


def _how_many(campaign: Campaign, offered: int, most: int | None, least_budget: Decimal | None) -> int:
    many = min(offered, most or _MOST)
    if least_budget is not None:
        affordable = int(campaign.spec.budget.total.major / least_budget)
        if affordable == 0:
            raise Invalid("The campaign's budget does not reach for one product.", field="minBudgetPerProduct")
        many = min(many, affordable)
    return many


def _measures(product: Product, metrics: set[Any]) -> int:
    reported = product.raw.get("reporting_capabilities") or {}
    available = set(reported.get("available_metrics") or ()) if isinstance(reported, Mapping) else set()
    return 0 if metrics and metrics <= available else 1


def _picked(candidate: _Candidate, share: Money, work: Work) -> Selection:
    return replace(
        selection(candidate.agent, candidate.product.product_id, work.now()),
        budget=share.major,
        pricing_option_id=candidate.option.pricing_option_id,
    )

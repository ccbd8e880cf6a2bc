"""A discovery session: what was asked of which sellers, what they offered, what the buyer selected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from buyside.domain.ids import AdvertiserId, AgentId, CampaignId, DiscoveryId, StorefrontId
from buyside.domain.products import Product, Proposal


class AgentState(StrEnum):
    PENDING = "pending"
    COMPLETE = "complete"
    TIMEOUT = "timeout"
    FAILED = "failed"


@dataclass(frozen=True)
class AgentResult:
    """How far one sales agent came. Its offer replaces the one before."""

    agent_id: AgentId
    agent_name: str
    storefront_id: StorefrontId
    storefront_name: str
    state: AgentState
    revision: int
    """The session's revision when this result came in: what `sinceRevision` compares with."""
    message: str | None = None
    products: tuple[Product, ...] = ()
    proposals: tuple[Proposal, ...] = ()
    incomplete: tuple[Mapping[str, Any], ...] = ()
    sandbox: bool = False
    duration_ms: int | None = None


@dataclass(frozen=True)
class Selection:
    """One product that the buyer picked, with what was settled about it."""

    product_id: str
    agent_id: AgentId
    selected_at: datetime
    selection_id: str | None = None
    budget: Decimal | None = None
    """Major units of the campaign's currency; None: a share of what is left when the buys are staged."""
    bid: Decimal | None = None
    pricing_option_id: str | None = None
    targeting: Mapping[str, Any] = field(default_factory=dict)
    group_id: str | None = None
    group_name: str | None = None
    proposal_id: str | None = None


@dataclass(frozen=True)
class Discovery:
    id: DiscoveryId
    advertiser_id: AdvertiserId
    campaign_id: CampaignId | None
    request: Mapping[str, Any]
    """What was asked, in the wire's words: brief, channels, countries, budget, flightDates …"""
    revision: int
    created_at: datetime
    updated_at: datetime
    agents: tuple[AgentResult, ...] = ()
    selections: tuple[Selection, ...] = ()

    def agent(self, agent_id: AgentId) -> AgentResult | None:
        return next((a for a in self.agents if a.agent_id == agent_id), None)

    def find(self, product_id: str, agent_id: AgentId | None = None) -> tuple[AgentResult, Product] | None:
        """The product, at the named agent or the first that offers it."""
        for result in self.agents:
            if agent_id is None or result.agent_id == agent_id:
                for product in result.products:
                    if product.product_id == product_id:
                        return result, product
        return None

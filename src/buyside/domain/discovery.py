"""A discovery session: what was asked of which sellers, what they offered, what the buyer selected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Any

from buyside.domain import shelves
from buyside.domain.ids import AdvertiserId, AgentId, CampaignId, DiscoveryId, StorefrontId
from buyside.domain.products import Product, Proposal
from buyside.domain.shelves import Shelf, Tally


class AgentState(StrEnum):
    PENDING = "pending"
    COMPLETE = "complete"
    TIMEOUT = "timeout"
    FAILED = "failed"
    RETIRED = "retired"
    """Not part of the latest question: it stands here only for the products selected from it."""


class Trouble(StrEnum):
    """Why a seller cannot be asked, where somebody can do something about it."""

    CREDENTIALS = "credentials"
    CIRCUIT_OPEN = "circuit_open"
    """It failed several times in a row and is left alone for a while."""


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
    products: Sequence[Product] = ()
    proposals: tuple[Proposal, ...] = ()
    incomplete: tuple[Mapping[str, Any], ...] = ()
    sandbox: bool = False
    duration_ms: int | None = None
    counted: Tally | None = None
    """What the products come to, where they themselves were not loaded."""
    wait_seconds: int | None = None
    """How long the buyer was ready to wait for this answer."""
    until: datetime | None = None
    """When a PENDING answer can no longer come: whoever waited for it is gone."""
    trouble: Trouble | None = None

    @cached_property
    def shelf(self) -> Shelf:
        return Shelf.of(self.products)

    @cached_property
    def tally(self) -> Tally:
        return self.counted if self.counted is not None else shelves.tally(self.shelf.facts)

    @property
    def group_id(self) -> str:
        """One group per (storefront, agent), and an agent has one storefront."""
        return self.agent_id

    @property
    def group_name(self) -> str:
        return self.agent_name

    @property
    def is_partial(self) -> bool:
        return self.state is AgentState.COMPLETE and bool(self.incomplete)

    def as_of(self, now: datetime) -> AgentResult:
        """A wait that nobody keeps any more, since the process that did has ended, is a timeout."""
        if self.state is AgentState.PENDING and self.until is not None and self.until <= now:
            return replace(self, state=AgentState.TIMEOUT, message=f"{self.agent_name} did not answer in time.")
        return self


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
    product: Product | None = field(default=None, compare=False, repr=False)
    """As it was when it was picked: a later search may no longer find it."""

    @property
    def key(self) -> tuple[AgentId, str, str | None]:
        return self.agent_id, self.product_id, self.selection_id


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

    @cached_property
    def _agents(self) -> dict[AgentId, AgentResult]:
        return {each.agent_id: each for each in self.agents}

    def agent(self, agent_id: AgentId) -> AgentResult | None:
        return self._agents.get(agent_id)

    def offering(self, product_id: str) -> list[AgentResult]:
        """The agents whose current offer has a product of that id: ids are each seller's own."""
        return [each for each in self.agents if each.shelf.find(product_id) is not None]

    def find(self, product_id: str, agent_id: AgentId | None = None) -> tuple[AgentResult, Product] | None:
        """The product, at the named agent or the first that offers it; what was selected is found for good."""
        for result in self.agents:
            if agent_id in (None, result.agent_id) and (product := result.shelf.find(product_id)) is not None:
                return result, product
        for each in self.selections:
            if each.product_id == product_id and agent_id in (None, each.agent_id) and each.product is not None:
                result_then = self.agent(each.agent_id)
                return (result_then, each.product) if result_then is not None else None
        return None

"""Products and proposals as sellers offer them, reduced to what a buyer decides by; the seller's own JSON is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from buyside.domain.orders import AccountRef


@dataclass(frozen=True)
class PricingOption:
    """`rate` is the fixed price, or in an auction the floor. Prices are per thousand, per click …, as `model` says."""

    pricing_option_id: str
    model: str
    currency: str
    fixed_price: Decimal | None = None
    floor_price: Decimal | None = None
    min_spend: Decimal | None = None
    """Major units per package."""
    price_guidance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_fixed(self) -> bool:
        return self.fixed_price is not None

    @property
    def rate(self) -> Decimal | None:
        return self.fixed_price if self.fixed_price is not None else self.floor_price


@dataclass(frozen=True)
class Product:
    product_id: str
    name: str
    description: str | None
    channels: tuple[str, ...]
    delivery_type: str | None
    """AdCP: guaranteed, non_guaranteed."""
    pricing_options: tuple[PricingOption, ...]
    publisher_domains: tuple[str, ...] = ()
    format_ids: tuple[Mapping[str, Any], ...] = ()
    format_options: tuple[Mapping[str, Any], ...] = ()
    expires_at: datetime | None = None
    brief_relevance: str | None = None
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The seller's product, nulls taken out, unknown fields kept."""

    def option(self, pricing_option_id: str | None, currency: str | None = None) -> PricingOption | None:
        """The named option; unnamed, the first in `currency`, else None."""
        for each in self.pricing_options:
            if pricing_option_id is None:
                if currency is None or each.currency == currency:
                    return each
            elif each.pricing_option_id == pricing_option_id:
                return each
        return None


@dataclass(frozen=True)
class Allocation:
    product_id: str
    percentage: Decimal
    pricing_option_id: str | None = None
    rationale: str | None = None
    sequence: int | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Proposal:
    proposal_id: str
    name: str
    allocations: tuple[Allocation, ...]
    description: str | None = None
    expires_at: datetime | None = None
    budget_guidance: Mapping[str, Any] = field(default_factory=dict)
    """AdCP total_budget_guidance: min, recommended, max, currency."""
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class ProductQuery:
    """One get_products, in our words. Nothing here is required by every mode."""

    mode: str
    """AdCP buying_mode: brief, wholesale, refine."""
    brief: str | None = None
    brand_domain: str | None = None
    filters: Mapping[str, Any] = field(default_factory=dict)
    """AdCP product filters (channels, countries, start_date, end_date, budget_range, …)."""
    refine: tuple[Mapping[str, Any], ...] = ()
    """AdCP refine entries."""
    account: AccountRef | None = None
    time_budget: int | None = None
    """Seconds within which the buyer would like an answer, be it a partial one; None: as long as it takes."""


@dataclass(frozen=True)
class Offer:
    """What one seller answered to a query."""

    products: tuple[Product, ...]
    proposals: tuple[Proposal, ...] = ()
    incomplete: tuple[Mapping[str, Any], ...] = ()
    """AdCP incomplete[]: what the seller could not finish in time."""
    refinement_applied: tuple[Mapping[str, Any], ...] = ()

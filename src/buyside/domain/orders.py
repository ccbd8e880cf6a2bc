"""What we ask of a seller and what it reports back, in our words: orders go out, observations come in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from buyside.domain.money import Money


@dataclass(frozen=True)
class AccountRef:
    """Whom the seller books and bills: AdCP's natural key, or its own id where it insists (ruling 0.7)."""

    brand_domain: str
    operator_domain: str
    sandbox: bool = False
    account_id: str | None = None


@dataclass(frozen=True)
class PackageOrder:
    """One product of a buy as we want it. `buyer_ref` is our own id for it, echoed back in `context`."""

    buyer_ref: str
    product_id: str
    pricing_option_id: str
    budget: Money
    bid: Decimal | None = None
    pacing: str | None = None
    """AdCP's spelling: even, asap, front_loaded."""
    paused: bool = False
    start: datetime | None = None
    end: datetime | None = None
    targeting: Mapping[str, Any] = field(default_factory=dict)
    """An AdCP targeting_overlay."""
    creative_ids: tuple[str, ...] = ()
    optimization_goals: tuple[Mapping[str, Any], ...] = ()
    """AdCP spelling."""


@dataclass(frozen=True)
class BuyOrder:
    """One create_media_buy."""

    media_buy_id: str
    """Ours; travels in `context` so that we find the buy again by reading."""
    campaign_id: str
    name: str
    account: AccountRef
    start: datetime | None
    """None is "asap" (ruling 0.6)."""
    end: datetime
    packages: tuple[PackageOrder, ...]
    paused: bool = False
    """The campaign is paused: nothing of this buy may serve (ruling 0.2)."""


@dataclass(frozen=True)
class PackageChange:
    """None means: leave as it is."""

    package_id: str
    budget: Money | None = None
    paused: bool | None = None
    canceled: bool | None = None
    bid: Decimal | None = None
    pacing: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    targeting: Mapping[str, Any] | None = None
    """The whole overlay: AdCP replaces it."""
    optimization_goals: tuple[Mapping[str, Any], ...] | None = None
    creative_ids: tuple[str, ...] | None = None


@dataclass(frozen=True)
class BuyChange:
    """One update_media_buy. None means: leave as it is."""

    seller_buy_id: str
    account: AccountRef
    revision: int | None = None
    paused: bool | None = None
    canceled: bool | None = None
    reason: str | None = None
    start: datetime | None = None
    asap: bool = False
    """It is to start as soon as can be; `start` says nothing then."""
    end: datetime | None = None
    packages: tuple[PackageChange, ...] = ()


@dataclass(frozen=True)
class CreativeUpload:
    creative_id: str
    name: str
    format_id: Mapping[str, Any] | None
    """AdCP {agent_url, id, width?, height?, duration_ms?}."""
    assets: Mapping[str, Any]
    """AdCP asset slots: slot id to asset."""


@dataclass(frozen=True)
class CreativeSync:
    """One sync_creatives: creatives, and which of the seller's packages they go on."""

    account: AccountRef
    creatives: tuple[CreativeUpload, ...]
    assignments: tuple[tuple[str, str], ...] = ()
    """(creative id, seller package id)."""


@dataclass(frozen=True)
class CreativeVerdict:
    creative_id: str
    action: str
    """AdCP: created, updated, unchanged, failed, deleted."""
    status: str | None = None
    message: str | None = None

    @property
    def taken(self) -> bool:
        return self.action != "failed" and self.status != "rejected"


@dataclass(frozen=True)
class AccountVerdict:
    """What sync_accounts said of our account. `account_id` is the seller's, where it gave one."""

    account_id: str | None
    status: str
    """AdCP: active, pending_approval, payment_required, suspended, closed, rejected."""
    message: str | None = None


@dataclass(frozen=True)
class ObservedPackage:
    package_id: str
    product_id: str | None = None
    buyer_ref: str | None = None
    status: str | None = None
    paused: bool | None = None
    budget: Decimal | None = None
    """Major units of `currency`; None when the seller did not say."""
    currency: str | None = None
    pricing_option_id: str | None = None
    price: Decimal | None = None
    """The fixed price it says it charges, where it says so."""
    bid: Decimal | None = None
    creative_ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class ObservedBuy:
    """A media buy as its seller reports it: stored beside our own state, never written over it."""

    seller_buy_id: str
    status: str | None
    """AdCP's media buy status (pending_creatives, pending_start, active, …) or whatever word came; None: not said."""
    revision: int | None = None
    packages: tuple[ObservedPackage, ...] = ()
    currency: str | None = None
    total_budget: Decimal | None = None
    start: datetime | None = None
    end: datetime | None = None
    paused: bool | None = None
    confirmed_at: datetime | None = None
    context_id: str | None = None
    """Our media buy id, when the seller echoed our context."""
    valid_actions: tuple[str, ...] = ()
    message: str | None = None
    creative_deadline: datetime | None = None


@dataclass(frozen=True)
class DeliveryRow:
    """What one package (or, with no package id, one buy) delivered so far, or on one day."""

    seller_buy_id: str
    package_id: str | None
    day: date | None
    impressions: int
    clicks: int | None
    spend: Decimal
    """Major units, up to six decimals (ruling 0.1)."""
    currency: str | None = None
    views: int | None = None
    completed_views: int | None = None
    conversions: int | None = None
    leads: int | None = None
    conversion_value: Decimal | None = None
    """Major units."""
    is_final: bool = False
    """The seller will not restate it."""

"""The advertiser: whose brand is promoted, in which currency, at what fee."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from buyside.domain.errors import Conflict, Invalid
from buyside.domain.ids import AdvertiserId


class Status(StrEnum):
    ACTIVE = "ACTIVE"
    ARCHIVED = "ARCHIVED"


class ApplyMode(StrEnum):
    AUTO = "AUTO"
    MANUAL = "MANUAL"


class FeePricing(StrEnum):
    MARGIN = "MARGIN"
    UNIT = "UNIT"


@dataclass(frozen=True)
class FeeTerm:
    """One line of a fee schedule (interchange.md ruling 0.1)."""

    label: str
    pricing: FeePricing
    margin_percent: Decimal | None = None
    unit: str | None = None
    unit_price: Decimal | None = None
    """Major units of the campaign's currency, up to six decimals."""


@dataclass(frozen=True)
class AdvertiserSpec:
    """All that a buyer may edit."""

    name: str
    brand_domain: str | None
    currency: str
    description: str | None = None
    apply_mode: ApplyMode = ApplyMode.MANUAL
    fees: tuple[FeeTerm, ...] = ()
    brand: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Advertiser:
    id: AdvertiserId
    spec: AdvertiserSpec
    status: Status
    sandbox: bool
    """Immutable. A sandbox advertiser never reaches a live seller (ruling 0.7)."""
    currency_locked: bool
    created_at: datetime
    updated_at: datetime

    def require_brand(self) -> str:
        """Its brand domain. Raises: Invalid when it has none: nothing can be bought for nobody."""
        if not self.spec.brand_domain:
            raise Invalid(f"Advertiser {self.id} has no brand domain yet; set one before buying for it.", field="brand")
        return self.spec.brand_domain

    def require_active(self) -> None:
        if self.status is Status.ARCHIVED:
            raise Conflict(f"Advertiser {self.id} is archived; restore it first.")

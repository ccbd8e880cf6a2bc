"""The advertiser: whose brand is promoted, in which currency, at what fee."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from buyside.domain import data_delivery, frequency, utm
from buyside.domain.errors import Conflict, Invalid, Issue
from buyside.domain.ids import AdvertiserId
from buyside.domain.money import RATE_DECIMALS, is_currency

_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"({_LABEL}\.)+(?![0-9]+$){_LABEL}")


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
    fees: tuple[FeeTerm, ...] | None = None
    """None: the schedule of the settings. Empty: no fees."""
    brand: Mapping[str, Any] = field(default_factory=dict)
    utm_params: tuple[utm.Param, ...] | None = None
    """None: the installation's."""
    frequency_caps: tuple[frequency.Cap, ...] = ()
    data_outputs: tuple[data_delivery.Output, ...] = ()


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


def brand_domain(text: str) -> str:
    """The domain in what a person gives as the brand, a domain or an address: "https://www.Acme.com/eu" → "acme.com".

    Raises: Invalid.
    """
    host = re.sub(r"^[a-z][a-z0-9+.-]*://", "", text.strip(), flags=re.IGNORECASE)
    host = re.split(r"[/?#]", host, maxsplit=1)[0].rpartition("@")[2]
    host = re.sub(r":[0-9]*$", "", host).rstrip(".").lower()
    try:
        host = host.encode("idna").decode().removeprefix("www.")
    except UnicodeError:
        host = ""
    if len(host) > 253 or not _DOMAIN.fullmatch(host):
        raise Invalid("A brand is a domain, such as acme.com, or an address on it.", field="brand")
    return host


def require_currency(code: str) -> None:
    """Raises: Invalid for a code that ISO 4217 does not list."""
    if not is_currency(code):
        raise Invalid(f"{code!r} is not an ISO 4217 currency in use.", field="primaryCurrency")


def check_fees(fees: Sequence[FeeTerm]) -> None:
    """Raises: Invalid with every finding: fees that leave nothing to buy for, or rates finer than we count."""
    if issues := list(_fee_issues(fees)):
        raise Invalid.of(issues)


def _fee_issues(fees: Sequence[FeeTerm]) -> Iterator[Issue]:
    for index, fee in enumerate(fees):
        for name, rate in (("marginPercent", fee.margin_percent), ("unitPrice", fee.unit_price)):
            if rate is not None and rate != round(rate, RATE_DECIMALS):
                yield Issue(("fees", index, name), f"A rate has at most {RATE_DECIMALS} decimals.")
    if sum((fee.margin_percent or Decimal(0) for fee in fees), Decimal(0)) >= 100:
        yield Issue(("fees",), "Margins of 100 percent or more leave nothing to buy for.")


def facts(spec: AdvertiserSpec) -> dict[str, Any]:
    """As the decision log writes it, in the wire's words. What is not set is None."""
    return {
        "name": spec.name,
        "brand": spec.brand_domain,
        "primaryCurrency": spec.currency,
        "description": spec.description,
        "optimizationApplyMode": spec.apply_mode.value,
        "fees": None if spec.fees is None else [fee_facts(fee) for fee in spec.fees],
        "utmConfig": None if spec.utm_params is None else utm.facts(spec.utm_params),
        "frequencyCaps": frequency.facts(spec.frequency_caps),
        "dataDelivery": [data_delivery.facts(each) for each in spec.data_outputs],
    }


def fee_facts(fee: FeeTerm) -> dict[str, Any]:
    """Rates as text, so that none is rounded on its way through JSON."""
    return {
        "label": fee.label,
        "pricingType": fee.pricing.value,
        "marginPercent": None if fee.margin_percent is None else str(fee.margin_percent),
        "unit": fee.unit,
        "unitPrice": None if fee.unit_price is None else str(fee.unit_price),
    }


def with_facts(spec: AdvertiserSpec, facts: Mapping[str, Any]) -> AdvertiserSpec:
    """The spec with what `facts` wrote put back."""
    names = {
        "name": "name",
        "brand": "brand_domain",
        "primaryCurrency": "currency",
        "description": "description",
    }
    values: dict[str, Any] = {field: facts[name] for name, field in names.items() if name in facts}
    if "optimizationApplyMode" in facts:
        values["apply_mode"] = ApplyMode(facts["optimizationApplyMode"])
    if "fees" in facts:
        written = facts["fees"]
        values["fees"] = None if written is None else tuple(map(_fee_of, written))
    if "utmConfig" in facts:
        values["utm_params"] = None if facts["utmConfig"] is None else utm.of_facts(facts["utmConfig"])
    if "frequencyCaps" in facts:
        values["frequency_caps"] = frequency.of_facts(facts["frequencyCaps"])
    if "dataDelivery" in facts:
        values["data_outputs"] = data_delivery.of_facts(facts["dataDelivery"])
    return replace(spec, **values)


def _fee_of(written: Mapping[str, Any]) -> FeeTerm:
    def rate(name: str) -> Decimal | None:
        return None if written[name] is None else Decimal(written[name])

    pricing = FeePricing(written["pricingType"])
    return FeeTerm(written["label"], pricing, rate("marginPercent"), written["unit"], rate("unitPrice"))

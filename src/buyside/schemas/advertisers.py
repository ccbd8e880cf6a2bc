"""Advertisers: the brand that is promoted, its currency, its fee terms."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AliasChoices, Field, model_validator

from buyside.schemas.data_delivery import DataDelivery, DataDeliveryInput
from buyside.schemas.frequency import FrequencyCap, FrequencyCapsInput
from buyside.schemas.utm import UtmParams, UtmParamShown
from buyside.schemas.wire import (
    Amount,
    ApplyMode,
    Count,
    Currency,
    Given,
    Instant,
    Maybe,
    Name,
    Number,
    Percent,
    Request,
    Response,
    wrong,
)

AdvertiserStatus = Literal["ACTIVE", "ARCHIVED"]
FeePricing = Literal["MARGIN", "UNIT"]
Brand = Annotated[str, Field(min_length=1, max_length=2048, description="The brand's domain, or its web address.")]
Description = Annotated[str, Field(max_length=1000)]


class FeeTermInput(Request):
    """MARGIN: a share of the budget. UNIT: a price per planned unit."""

    label: Name
    pricing_type: FeePricing
    margin_percent: Given[Percent] = None
    unit: Given[Annotated[str, Field(min_length=1, max_length=32)]] = None
    unit_price: Given[Amount] = None

    @model_validator(mode="after")
    def _priced(self) -> Self:
        if self.pricing_type == "MARGIN" and self.margin_percent is None:
            raise wrong("fee_margin", "A MARGIN fee needs marginPercent", at="marginPercent")
        if self.pricing_type == "UNIT" and (self.unit is None or self.unit_price is None):
            raise wrong(
                "fee_unit", "A UNIT fee needs unit and unitPrice", at="unit" if self.unit is None else "unitPrice"
            )
        return self


Fees = Annotated[list[FeeTermInput], Field(max_length=20)]


class CreateAdvertiserBody(Request):
    """`brandDomain` is taken for `brand`; without a currency the server's default applies. `fees` need an ADMIN key."""

    name: Name
    description: Given[Description] = None
    brand: Annotated[Brand, Field(validation_alias=AliasChoices("brand", "brandDomain"))]
    primary_currency: Given[Currency] = None
    optimization_apply_mode: Given[ApplyMode] = None
    sandbox: bool = False
    fees: Given[Fees] = None
    utm_config: Given[UtmParams] = None
    frequency_caps: Given[FrequencyCapsInput] = None
    data_delivery: Given[DataDeliveryInput] = None


class UpdateAdvertiserBody(Request):
    """What is left out stays as it is. `fees` replaces the schedule, and needs an ADMIN key; `utmConfig` and
    `frequencyCaps` replace what is set."""

    name: Given[Name] = None
    description: Given[Description] = None
    brand: Annotated[Given[Brand], Field(validation_alias=AliasChoices("brand", "brandDomain"))] = None
    primary_currency: Given[Currency] = None
    optimization_apply_mode: Given[ApplyMode] = None
    fees: Given[Fees] = None
    utm_config: Given[UtmParams] = None
    frequency_caps: Given[FrequencyCapsInput] = None
    data_delivery: Given[DataDeliveryInput] = None


class FeeTerm(Response):
    label: str
    pricing_type: FeePricing
    margin_percent: Maybe[Number] = None
    unit: Maybe[str] = None
    unit_price: Maybe[Number] = None


class AdvertiserSummary(Response):
    id: str
    name: str
    status: AdvertiserStatus
    sandbox: bool
    brand: Maybe[str] = None
    primary_currency: str
    currency_locked: bool
    created_at: Instant
    updated_at: Instant
    linked_account_count: Count


class Advertiser(Response):
    id: str
    name: str
    description: Maybe[str] = None
    status: AdvertiserStatus
    sandbox: bool
    brand: Maybe[str] = None
    brand_warning: Maybe[str] = None
    optimization_apply_mode: ApplyMode
    primary_currency: str
    currency_locked: bool
    fees: Maybe[list[FeeTerm]] = None
    utm_config: Maybe[list[UtmParamShown]] = None
    frequency_caps: Maybe[list[FrequencyCap]] = None
    data_delivery: Maybe[DataDelivery] = None
    created_at: Instant
    updated_at: Instant


class AdvertiserListResponse(Response):
    items: list[AdvertiserSummary]
    total: Count
    has_more: bool
    next_offset: Count | None
    current_advertiser_id: Maybe[str] = None

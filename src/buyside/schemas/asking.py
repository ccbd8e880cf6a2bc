"""Requests as the domain asks for them: what a body says, turned into specs and edits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from buyside.domain.advertisers import ApplyMode
from buyside.domain.campaigns import Budget, Campaign, CampaignSpec, Mode, Pacing
from buyside.domain.creatives import CreativeSpec
from buyside.domain.errors import CurrencyMismatch, Invalid
from buyside.domain.flight import Flight
from buyside.domain.ids import AdvertiserId, DiscoveryId, StorefrontId
from buyside.domain.money import Money
from buyside.schemas.campaigns import CampaignBudgetChange, CreateCampaignBody, FlightDatesChange, UpdateCampaignBody
from buyside.schemas.creatives import CreateCreativeManifestMetadata
from buyside.schemas.wire import Request
from buyside.services.campaigns import NewCampaign


def new_campaign(body: CreateCampaignBody) -> NewCampaign:
    def spec_in(currency: str) -> CampaignSpec:
        return CampaignSpec(
            body.name,
            Flight(body.flight_dates.start_date, body.flight_dates.end_date),
            Budget(
                Money.of(body.budget.total, currency, field="budget.total"),
                _cap(body.budget.daily_cap, currency),
                Pacing(body.budget.pacing) if body.budget.pacing else None,
            ),
            body.brief,
            _kept(body.constraints),
            tuple(StorefrontId(each) for each in body.storefront_ids or ()),
            DiscoveryId(body.discovery_id) if body.discovery_id else None,
            _kept(body.performance_config),
            ApplyMode(body.optimization_apply_mode) if body.optimization_apply_mode else None,
        )

    return NewCampaign(
        AdvertiserId(body.advertiser_id),
        spec_in,
        body.budget.currency,
        Mode(body.mode) if body.mode else None,
        tuple(body.product_ids or ()),
    )


def _cap(amount: Decimal | None, currency: str) -> Money | None:
    return None if amount is None else Money.of(amount, currency, field="budget.dailyCap")


def _kept(part: Request | None) -> dict[str, object] | None:
    return None if part is None else part.given()


def campaign_edit(body: UpdateCampaignBody) -> Callable[[Campaign], CampaignSpec]:
    """The edit that a body asks for; what it leaves out stays. The edit raises Invalid, CurrencyMismatch."""
    given = body.model_fields_set

    def edit(campaign: Campaign) -> CampaignSpec:
        spec = campaign.spec
        if body.mode is not None and body.mode != campaign.mode.value:
            raise Invalid(f"The campaign's mode is {campaign.mode.value} and cannot change.", field="mode")
        if body.name is not None:
            spec = replace(spec, name=body.name)
        if body.brief is not None:
            spec = replace(spec, brief=body.brief)
        if body.flight_dates is not None:
            spec = replace(spec, flight=_flight(spec.flight, body.flight_dates))
        if body.budget is not None:
            spec = replace(spec, budget=_budget(spec.budget, body.budget))
        if body.constraints is not None:
            spec = replace(spec, constraints=_kept(body.constraints))
        if body.storefront_ids is not None:
            spec = replace(spec, storefront_ids=tuple(StorefrontId(each) for each in body.storefront_ids))
        if body.discovery_id is not None:
            spec = replace(spec, discovery_id=DiscoveryId(body.discovery_id))
        if body.optimization_apply_mode is not None:
            spec = replace(spec, apply_mode=ApplyMode(body.optimization_apply_mode))
        if "performance_config" in given:
            spec = replace(spec, performance_config=_goals(campaign, body))
        return spec

    return edit


def _goals(campaign: Campaign, body: UpdateCampaignBody) -> dict[str, object] | None:
    if body.performance_config is None and campaign.mode is not Mode.PERFORMANCE:
        raise Invalid("Only a performance campaign has goals to clear.", field="performanceConfig")
    return _kept(body.performance_config)


def _flight(flight: Flight, change: FlightDatesChange) -> Flight:
    start: datetime = change.start_date or flight.start
    return Flight(start, change.end_date or flight.end)


def _budget(budget: Budget, change: CampaignBudgetChange) -> Budget:
    currency = budget.total.currency
    if change.currency is not None and change.currency != currency:
        raise CurrencyMismatch(f"The campaign's currency is {currency} and cannot change.", field="budget.currency")
    return Budget(
        budget.total if change.total is None else Money.of(change.total, currency, field="budget.total"),
        budget.daily_cap if change.daily_cap is None else _cap(change.daily_cap, currency),
        budget.pacing if change.pacing is None else Pacing(change.pacing),
    )


def creative_spec(body: CreateCreativeManifestMetadata) -> CreativeSpec:
    return CreativeSpec(
        body.name or "",
        body.message,
        body.format_id.given() if body.format_id else None,
        body.template_id,
        {"url": body.url_asset.url, "url_type": body.url_asset.url_type} if body.url_asset else None,
    )

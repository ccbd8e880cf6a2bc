"""Requests as the domain asks for them: what a body says, turned into specs and edits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from buyside.domain import audiences, data_delivery, frequency, pacing, utm
from buyside.domain.advertisers import ApplyMode
from buyside.domain.campaigns import Budget, Campaign, CampaignSpec, Mode, Pacing
from buyside.domain.creatives import CreativeSpec
from buyside.domain.errors import CurrencyMismatch, Invalid
from buyside.domain.flight import Flight
from buyside.domain.ids import AdvertiserId, DiscoveryId, StorefrontId
from buyside.domain.money import Money
from buyside.schemas.audiences import AudienceConfig, NewAudienceConfig
from buyside.schemas.campaigns import CampaignBudgetChange, CreateCampaignBody, FlightDatesChange, UpdateCampaignBody
from buyside.schemas.creatives import CreateCreativeManifestMetadata
from buyside.schemas.data_delivery import DataDeliveryInput, DataDeliveryOutputInput
from buyside.schemas.frequency import FrequencyCapInput
from buyside.schemas.pacing import PacingPeriodInput, PacingPeriodsInput
from buyside.schemas.utm import CampaignUtm, UtmParam
from buyside.schemas.wire import Request
from buyside.services.campaigns import NewCampaign

Part = Mapping[str, Any]


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
            pacing_periods(body.pacing_periods, currency),
            caps(body.frequency_caps or ()),
            _utm((), body.utm_config) if body.utm_config else (),
            audiences.linked((), _audiences(body.audience_config)),
            body.catalog_id,
            data_outputs((), body.data_delivery),
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

    def edit(campaign: Campaign) -> CampaignSpec:
        if body.mode is not None and body.mode != campaign.mode.value:
            raise Invalid(f"The campaign's mode is {campaign.mode.value} and cannot change.", field="mode")
        spec = campaign.spec
        for name in body.model_fields_set & _EDITS.keys():
            spec = replace(spec, **_EDITS[name](campaign, body))
        return spec

    return edit


def pacing_periods(
    body: PacingPeriodsInput | None, currency: str, at: str = "pacingPeriods"
) -> pacing.PacingPeriods | None:
    """Raises: Invalid for a budget finer than the currency."""
    if body is None:
        return None
    return pacing.PacingPeriods(
        pacing.Mode(body.mode),
        tuple(
            pacing.Period(
                each.label,
                each.start,
                each.end,
                each.weight if body.mode == "weight" else None,
                _period_budget(each, currency, f"{at}.periods[{index}].budget") if body.mode == "budget" else None,
            )
            for index, each in enumerate(body.periods)
        ),
    )


def caps(given: Sequence[FrequencyCapInput]) -> tuple[frequency.Cap, ...]:
    return tuple(
        frequency.Cap(each.max_impressions, each.window.interval, frequency.Unit(each.window.unit)) for each in given
    )


def utm_params(given: Sequence[UtmParam]) -> tuple[utm.Param, ...]:
    return tuple(utm.Param(each.param_key, each.param_value) for each in given)


def _audiences(body: NewAudienceConfig | None) -> audiences.Wish:
    if body is None:
        return audiences.Wish()
    target, suppress = body.target_audience_ids, body.suppress_audience_ids
    return audiences.Wish(
        None if target is None else tuple(target),
        None if suppress is None else tuple(suppress),
        isinstance(body, AudienceConfig) and bool(body.delete_missing),
    )


def data_outputs(
    now: Sequence[data_delivery.Output], body: DataDeliveryInput | None
) -> tuple[data_delivery.Output, ...]:
    """Raises: Invalid for two deliveries of one type over one credential."""
    if body is None or body.outputs is None:
        return tuple(now)
    return data_delivery.replaced(now, [_output(each) for each in body.outputs])


def _output(given: DataDeliveryOutputInput) -> data_delivery.Output:
    return data_delivery.Output(
        data_delivery.DataType(given.data_delivery_type),
        data_delivery.Cadence(given.cadence),
        given.credential_name,
        data_delivery.Destination(given.delivery_config.type),
        given.delivery_config.path_prefix,
        data_delivery.Format(given.delivery_config.format),
        given.enabled,
        given.sync_weekly_day if given.cadence == "WEEKLY" else None,
    )


def _utm(now: Sequence[utm.Param], body: CampaignUtm | None) -> tuple[utm.Param, ...]:
    if body is None:
        return tuple(now)
    given = utm_params(body.params or ())
    return utm.merged(now, given, replacing=bool(body.delete_missing), at=("utmConfig", "params"))


def _period_budget(period: PacingPeriodInput, currency: str, at: str) -> Money | None:
    return None if period.budget is None else Money.of(period.budget, currency, field=at)


def _goals(campaign: Campaign, body: UpdateCampaignBody) -> dict[str, object] | None:
    if body.performance_config is None and campaign.mode is not Mode.PERFORMANCE:
        raise Invalid("Only a performance campaign has goals to clear.", field="performanceConfig")
    return _kept(body.performance_config)


def _flight(flight: Flight, change: FlightDatesChange) -> Flight:
    start: datetime = change.start_date or flight.start
    return Flight(start, change.end_date or flight.end)


def _budget(budget: Budget, change: CampaignBudgetChange) -> Budget:
    currency, given = budget.total.currency, change.model_fields_set
    if change.currency is not None and change.currency != currency:
        raise CurrencyMismatch(f"The campaign's currency is {currency} and cannot change.", field="budget.currency")
    return Budget(
        budget.total if change.total is None else Money.of(change.total, currency, field="budget.total"),
        _cap(change.daily_cap, currency) if "daily_cap" in given else budget.daily_cap,
        (Pacing(change.pacing) if change.pacing else None) if "pacing" in given else budget.pacing,
    )


def _chosen_budget(campaign: Campaign, body: UpdateCampaignBody) -> Part:
    return {"budget": _budget(campaign.spec.budget, body.budget)} if body.budget else {}


def _chosen_flight(campaign: Campaign, body: UpdateCampaignBody) -> Part:
    return {"flight": _flight(campaign.spec.flight, body.flight_dates)} if body.flight_dates else {}


_EDITS: Mapping[str, Callable[[Campaign, UpdateCampaignBody], Part]] = {
    "name": lambda _, body: {"name": body.name},
    "brief": lambda _, body: {"brief": body.brief},
    "flight_dates": _chosen_flight,
    "budget": _chosen_budget,
    "constraints": lambda _, body: {"constraints": _kept(body.constraints)},
    "storefront_ids": lambda _, body: {"storefront_ids": tuple(StorefrontId(s) for s in body.storefront_ids or ())},
    "discovery_id": lambda _, body: {"discovery_id": DiscoveryId(body.discovery_id or "")},
    "optimization_apply_mode": lambda _, body: {"apply_mode": ApplyMode(body.optimization_apply_mode or "")},
    "pacing_periods": lambda campaign, body: {"pacing_periods": pacing_periods(body.pacing_periods, campaign.currency)},
    "frequency_caps": lambda _, body: {"frequency_caps": caps(body.frequency_caps or ())},
    "utm_config": lambda campaign, body: {"utm_params": _utm(campaign.spec.utm_params, body.utm_config)},
    "audience_config": lambda campaign, body: {
        "audiences": audiences.linked(campaign.spec.audiences, _audiences(body.audience_config))
    },
    "catalog_id": lambda _, body: {"catalog_id": body.catalog_id},
    "data_delivery": lambda campaign, body: {
        "data_outputs": data_outputs(campaign.spec.data_outputs, body.data_delivery)
    },
    "performance_config": lambda campaign, body: {"performance_config": _goals(campaign, body)},
}
"""What each field of the body makes of the spec. A field that cannot be null is there only with a value."""


def creative_spec(body: CreateCreativeManifestMetadata) -> CreativeSpec:
    return CreativeSpec(
        body.name or "",
        body.message,
        body.format_id.given() if body.format_id else None,
        body.template_id,
        {"url": body.url_asset.url, "url_type": body.url_asset.url_type} if body.url_asset else None,
    )

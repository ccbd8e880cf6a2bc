"""Advertisers over REST."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

from fastapi import Header, Query, Response

from buyside.api.envelope import nothing, reply
from buyside.api.paging import AdvertiserPage
from buyside.api.requests import AdvertiserPath, Signed, router
from buyside.domain import advertisers as domain
from buyside.domain import utm
from buyside.domain.advertisers import AdvertiserSpec, ApplyMode, FeePricing, Status
from buyside.domain.data_delivery import resolved
from buyside.schemas import asking
from buyside.schemas.advertisers import (
    Advertiser,
    AdvertiserListResponse,
    AdvertiserSummary,
    CreateAdvertiserBody,
    FeeTerm,
    FeeTermInput,
    UpdateAdvertiserBody,
)
from buyside.schemas.showing.data_delivery import delivery
from buyside.schemas.showing.frequency import caps
from buyside.schemas.utm import UtmParamShown
from buyside.services import advertisers
from buyside.services.advertisers import Filter, Shown

routes = router("Advertisers")

NameQuery = Annotated[str | None, Query(max_length=255, description="Part of the name, in any case.")]
SeatHeader = Annotated[
    str | None,
    Header(alias="X-SCOPE3-SEAT-ID", max_length=255, description="The advertiser that the caller works for now."),
]
BrandQuery = Annotated[bool, Query(alias="includeBrand", description="Also show each one's brand domain.")]


@routes.get("/advertisers", operation_id="listAdvertisers", response_model=AdvertiserListResponse)
async def list_advertisers(
    work: Signed,
    part: AdvertiserPage,
    status: Literal["ACTIVE", "ARCHIVED", "ALL"] = "ACTIVE",
    name: NameQuery = None,
    sandbox: bool | None = None,
    include_brand: BrandQuery = False,
    seat: SeatHeader = None,
) -> Response:
    """List advertisers; archived ones only when they are asked for."""
    current = str(await advertisers.seat(work, seat)) if seat else None
    wanted = Filter(None if status == "ALL" else Status(status), name, sandbox)
    found, total = await advertisers.page(work, wanted, limit=part.take, offset=part.skip)
    items = [_summary_out(each, include_brand) for each in found]
    more, then = part.has_more(len(items), total), part.next_offset(len(items), total)
    answer = AdvertiserListResponse(
        items=items, total=total, has_more=more, next_offset=then, current_advertiser_id=current
    )
    return reply(answer, meta=part.meta(len(items), total))


@routes.post("/advertisers", operation_id="createAdvertiser", status_code=201, response_model=Advertiser)
async def create_advertiser(work: Signed, body: CreateAdvertiserBody) -> Response:
    """Make an advertiser. Whether it is a sandbox is settled here for good; nothing is bought."""
    spec = AdvertiserSpec(
        body.name,
        body.brand,
        body.primary_currency or work.policy.default_currency,
        body.description,
        ApplyMode(body.optimization_apply_mode or "MANUAL"),
        None if body.fees is None else tuple(map(_fee_in, body.fees)),
        utm_params=None if body.utm_config is None else asking.utm_params(body.utm_config),
        frequency_caps=asking.caps(body.frequency_caps or ()),
        data_outputs=asking.data_outputs((), body.data_delivery),
    )
    return reply(_out(await advertisers.create(work, spec, sandbox=body.sandbox)), 201)


@routes.get("/advertisers/{advertiserId}", operation_id="getAdvertiser", response_model=Advertiser)
async def get_advertiser(work: Signed, advertiser_id: AdvertiserPath) -> Response:
    """Show one advertiser, archived or not."""
    return reply(_out(await advertisers.get(work, advertiser_id)))


@routes.put("/advertisers/{advertiserId}", operation_id="updateAdvertiser", response_model=Advertiser)
async def update_advertiser(work: Signed, advertiser_id: AdvertiserPath, body: UpdateAdvertiserBody) -> Response:
    """Change an advertiser; what is left out stays.

    `fees` replaces the fee schedule for buys made from now on and needs an ADMIN key. The currency can change until
    the first campaign.
    """
    return reply(_out(await advertisers.update(work, advertiser_id, lambda spec: _edited(spec, body))))


@routes.delete("/advertisers/{advertiserId}", operation_id="deleteAdvertiser", status_code=204, response_class=Response)
async def delete_advertiser(work: Signed, advertiser_id: AdvertiserPath) -> Response:
    """Archive an advertiser. Refused while a campaign of it may still spend. Needs an ADMIN key."""
    await advertisers.delete(work, advertiser_id)
    return nothing()


@routes.post("/advertisers/{advertiserId}/restore", operation_id="restoreAdvertiser", response_model=Advertiser)
async def restore_advertiser(work: Signed, advertiser_id: AdvertiserPath) -> Response:
    """Take an archived advertiser back. Needs an ADMIN key."""
    return reply(_out(await advertisers.restore(work, advertiser_id)))


def _edited(spec: AdvertiserSpec, body: UpdateAdvertiserBody) -> AdvertiserSpec:
    given: dict[str, Any] = {
        "name": body.name,
        "description": body.description,
        "brand_domain": body.brand,
        "currency": body.primary_currency,
        "apply_mode": body.optimization_apply_mode and ApplyMode(body.optimization_apply_mode),
        "fees": None if body.fees is None else tuple(map(_fee_in, body.fees)),
        "utm_params": None if body.utm_config is None else asking.utm_params(body.utm_config),
        "frequency_caps": None if body.frequency_caps is None else asking.caps(body.frequency_caps),
        "data_outputs": asking.data_outputs(spec.data_outputs, body.data_delivery),
    }
    return replace(spec, **{name: value for name, value in given.items() if value is not None})


def _fee_in(fee: FeeTermInput) -> domain.FeeTerm:
    return domain.FeeTerm(fee.label, FeePricing(fee.pricing_type), fee.margin_percent, fee.unit, fee.unit_price)


def _fee_out(fee: domain.FeeTerm) -> FeeTerm:
    return FeeTerm(
        label=fee.label,
        pricing_type=fee.pricing.value,
        margin_percent=fee.margin_percent,
        unit=fee.unit,
        unit_price=fee.unit_price,
    )


def _param_out(param: utm.Param) -> UtmParamShown:
    return UtmParamShown(param_key=param.key, param_value=param.value, source="advertiser")


def _summary_out(advertiser: domain.Advertiser, with_brand: bool) -> AdvertiserSummary:
    return AdvertiserSummary(
        id=str(advertiser.id),
        name=advertiser.spec.name,
        status=advertiser.status.value,
        sandbox=advertiser.sandbox,
        brand=advertiser.spec.brand_domain if with_brand else None,
        primary_currency=advertiser.spec.currency,
        currency_locked=advertiser.currency_locked,
        created_at=advertiser.created_at,
        updated_at=advertiser.updated_at,
        linked_account_count=0,
    )


def _out(shown: Shown) -> Advertiser:
    advertiser, spec = shown.advertiser, shown.advertiser.spec
    return Advertiser(
        **_summary_out(advertiser, True).model_dump(exclude={"linked_account_count"}),
        description=spec.description,
        brand_warning=shown.brand_warning,
        optimization_apply_mode=spec.apply_mode.value,
        fees=[_fee_out(each) for each in shown.fees] or None,
        utm_config=[_param_out(each) for each in shown.utm_params] or None,
        frequency_caps=caps(shown.frequency_caps),
        data_delivery=delivery(resolved((), spec.data_outputs)),
    )

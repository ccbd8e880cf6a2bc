"""Changes of media buys as the domain asks for them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from buyside.domain.amendments import Start
from buyside.domain.edits import Asked, Do
from buyside.domain.errors import Path, dotted
from buyside.domain.ids import MediaBuyId
from buyside.domain.pacing import PacingPeriods
from buyside.domain.package_edits import Bid, PackageEdit, ProductEdit
from buyside.schemas.asking import pacing_periods
from buyside.schemas.campaigns import UpdateCampaignBody
from buyside.schemas.edits import MediaBuyAction, MediaBuyPackageChange, MediaBuyProductChange, UpdateMediaBuyRequest


def media_buys(body: UpdateCampaignBody) -> list[Asked]:
    return [_action(each, ("mediaBuys", index)) for index, each in enumerate(body.media_buys or ())]


def media_buy(buy_id: MediaBuyId, body: UpdateMediaBuyRequest) -> Asked:
    return _asked(buy_id, body, Do.UPDATE, ())


def _action(body: MediaBuyAction, at: Path) -> Asked:
    return _asked(MediaBuyId(body.media_buy_id), body, Do(body.action or "update"), at)


def _asked(buy_id: MediaBuyId, body: MediaBuyAction | UpdateMediaBuyRequest, action: Do, at: Path) -> Asked:
    more = body if isinstance(body, MediaBuyAction) else None
    return Asked(
        buy_id,
        action,
        body.name,
        _start(body.start_time) if body.start_time is not None else None,
        body.end_time,
        tuple(_package(each) for each in body.packages or ()),
        tuple(_product(each) for each in body.products or ()),
        None if body.optimization_goals is None else tuple(goal.given() for goal in body.optimization_goals),
        None if body.creative_ids is None else tuple(body.creative_ids),
        _schedule(more, at) if more and "pacing_periods" in more.model_fields_set else None,
        tuple(more.package_ids or ()) if more else (),
        (more.reason if more else None) or body.updated_reason,
        more.suggestion_id if more else None,
        at,
    )


def _start(given: object) -> Start:
    return Start(given if isinstance(given, datetime) else None)


def _schedule(body: MediaBuyAction, at: Path) -> Callable[[str], PacingPeriods | None]:
    return lambda currency: pacing_periods(body.pacing_periods, currency, dotted((*at, "pacingPeriods")))


def _bid(body: MediaBuyPackageChange | MediaBuyProductChange) -> Bid | None:
    return Bid(body.bid_price) if "bid_price" in body.model_fields_set else None


def _package(body: MediaBuyPackageChange) -> PackageEdit:
    overlay = body.targeting_overlay
    return PackageEdit(
        body.package_id,
        body.budget,
        body.pacing,
        _bid(body),
        body.start_time,
        body.end_time,
        tuple((overlay and overlay.audience_include) or ()),
        tuple((overlay and overlay.audience_exclude) or ()),
    )


def _product(body: MediaBuyProductChange) -> ProductEdit:
    return ProductEdit(
        body.product_id, body.pricing_option_id, body.budget, body.pacing, _bid(body), remove=bool(body.remove)
    )

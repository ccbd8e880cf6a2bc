from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any, TypeVar

from buyside.domain import delivery, reporting
from buyside.domain.delivery import DeliveryDay
from buyside.domain.media_buys import MediaBuy
from buyside.domain.reporting import Metrics
from buyside.schemas import reporting as wire
from buyside.schemas.showing.media_buys import pace
from buyside.schemas.wire import LARGEST_INT
from buyside.services.reporting import CampaignDelivery, Line, Report

T = TypeVar("T")


def _counts(got: Metrics) -> dict[str, Any]:
    named = ("impressions", "clicks", "views", "completed_views", "conversions", "leads")
    return {name: min(getattr(got, name), LARGEST_INT) for name in named}


def _metrics(got: Metrics) -> wire.ReportingMetrics:
    counts = _counts(got)
    return wire.ReportingMetrics(
        **counts,
        video_completions=counts["completed_views"],
        spend=got.spend,
        conversion_value=got.conversion_value,
        ecpm=got.ecpm,
        cpc=got.cpc,
        ctr=got.ctr,
        completion_rate=got.completion_rate,
        cpa=got.cpa,
        roas=got.roas,
    )


def _sum(lines: Sequence[Line]) -> wire.ReportingMetrics:
    return _metrics(reporting.added(line.metrics for line in lines))


def _totals(found: Report) -> wire.ReportingTotalsMetrics:
    shown = _sum(found.lines).model_dump(by_alias=False)
    if found.mixed:
        shown |= dict.fromkeys(("spend", "conversion_value", "ecpm", "cpc", "cpa", "roas"))
    return wire.ReportingTotalsMetrics.model_validate(shown, by_name=True)


def _by(lines: Sequence[Line], key: Callable[[Line], T]) -> list[list[Line]]:
    """In groups, each where its first line stands."""
    order = {name: place for place, name in enumerate(dict.fromkeys(key(line) for line in lines))}
    ordered = sorted(lines, key=lambda line: order[key(line)])
    return [list(same) for _, same in groupby(ordered, key=key)]


def summary(found: Report) -> wire.ReportingMetricsResponse:
    return wire.ReportingMetricsResponse(
        advertisers=[_advertiser(lines) for lines in _by(found.lines, lambda line: line.advertiser.id)],
        totals=_totals(found),
        totals_currency=found.currency,
        period_start=found.first,
        period_end=found.last,
    )


def _advertiser(lines: Sequence[Line]) -> wire.AdvertiserReporting:
    return wire.AdvertiserReporting(
        advertiser_id=str(lines[0].advertiser.id),
        advertiser_name=lines[0].advertiser.spec.name,
        currency=lines[0].buy.currency,
        metrics=_sum(lines),
        campaigns=[_campaign(same) for same in _by(lines, lambda line: line.campaign.id)],
    )


def _campaign(lines: Sequence[Line]) -> wire.CampaignReporting:
    return wire.CampaignReporting(
        campaign_id=lines[0].campaign.id,
        campaign_name=lines[0].campaign.spec.name,
        management="managed",
        metrics=_sum(lines),
        media_buys=[_buy(same) for same in _by(lines, lambda line: line.buy.id)],
    )


def _buy(lines: Sequence[Line]) -> wire.MediaBuyReporting:
    buy = lines[0].buy
    return wire.MediaBuyReporting(
        media_buy_id=buy.id,
        name=buy.name,
        status=buy.status.value,
        budget=buy.budget.major,
        metrics=_sum(lines),
        packages=[_package(line) for line in lines],
    )


def _package(line: Line) -> wire.PackageReporting:
    return wire.PackageReporting(
        package_id=line.package_id,
        product_id=line.package.product_id if line.package else None,
        product_name=line.package.product_name if line.package else None,
        metrics=_metrics(line.metrics),
    )


def timeseries(found: Report) -> wire.ReportingMetricsTimeseriesResponse:
    return wire.ReportingMetricsTimeseriesResponse(
        timeseries=[_entry(line) for line in found.lines],
        totals=_totals(found),
        totals_currency=found.currency,
        period_start=found.first,
        period_end=found.last,
    )


def _entry(line: Line) -> wire.TimeseriesEntry:
    return wire.TimeseriesEntry(
        date=str(line.day),
        advertiser_id=str(line.advertiser.id),
        advertiser_name=line.advertiser.spec.name,
        currency=line.buy.currency,
        campaign_id=line.campaign.id,
        campaign_name=line.campaign.spec.name,
        management="managed",
        media_buy_id=line.buy.id,
        media_buy_name=line.buy.name,
        media_buy_status=line.buy.status.value,
        package_id=line.package_id,
        product_id=line.package.product_id if line.package else "",
        product_name=(line.package.product_name or "") if line.package else "",
        metrics=_metrics(line.metrics),
    )


# ---- one campaign


def _figures(got: Metrics) -> dict[str, Any]:
    return {**_counts(got), "spend": got.spend}


def campaign_delivery(found: CampaignDelivery) -> wire.CampaignDeliveryResponse:
    lines = found.report.lines
    return wire.CampaignDeliveryResponse(
        campaign_id=found.campaign.id,
        delivery=wire.CampaignDelivery(
            reporting_period=wire.DeliveredPeriod(start=str(found.report.first), end=str(found.report.last)),
            currency=found.campaign.currency,
            aggregated_totals=wire.DeliveredFigures(**_figures(reporting.added(line.metrics for line in lines))),
            media_buy_deliveries=[_delivered(found, same) for same in _by(lines, lambda line: line.buy.id)],
            pacing=pace(found.paced.campaign),
        ),
    )


def _delivered(found: CampaignDelivery, lines: Sequence[Line]) -> wire.DeliveredBuy:
    buy = lines[0].buy
    return wire.DeliveredBuy(
        media_buy_id=buy.id,
        status=buy.status.value,
        currency=buy.currency,
        totals=wire.DeliveredFigures(**_figures(reporting.added(line.metrics for line in lines))),
        by_package=[_package_days(found, same) for same in _by(lines, lambda line: line.package_id)],
        pacing=pace(found.paced.buys.get(buy.id)),
    )


def _package_days(found: CampaignDelivery, lines: Sequence[Line]) -> wire.DeliveredPackage:
    one = lines[0]
    ref = one.package.ref if one.package else delivery.WHOLE
    days = [day for day in found.days.get(one.buy.id, ()) if day.ref == ref]
    return wire.DeliveredPackage(
        **_figures(reporting.added(line.metrics for line in lines)),
        package_id=one.package_id,
        product_id=one.package.product_id if one.package else None,
        daily_breakdown=[_day(one.buy, day) for day in days],
    )


def _day(buy: MediaBuy, day: DeliveryDay) -> wire.DeliveredDay:
    return wire.DeliveredDay(
        **_figures(reporting.of(buy, day.figures)),
        date=day.day.isoformat(),
        is_final=day.final,
        inferred=day.inferred,
    )

"""Reports: what was delivered, by advertiser, campaign, media buy and package, or by day. Spend is gross."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import ConfigDict

from buyside.schemas.media_buys import MediaBuyStatus, PaceShown
from buyside.schemas.wire import Count, Instant, Maybe, Number, Response, snake


class _Ratios(Response):
    ecpm: Number | None
    cpc: Number | None
    ctr: Number | None
    completion_rate: Number | None
    cpa: Number | None
    roas: Number | None


class ReportingMetrics(_Ratios):
    """A ratio whose denominator is 0 is null."""

    impressions: Count
    spend: Number
    clicks: Count
    views: Count
    completed_views: Count
    conversions: Count
    leads: Count
    video_completions: Count
    conversion_value: Number


class ReportingTotalsMetrics(_Ratios):
    """Money, and what is made of it, is null where several currencies would have to be added up."""

    impressions: Count
    spend: Number | None
    clicks: Count
    views: Count
    completed_views: Count
    conversions: Count
    leads: Count
    video_completions: Count
    conversion_value: Number | None


class PackageReporting(Response):
    """Without an id: what the seller does not break down by package."""

    package_id: str
    product_id: str | None
    product_name: str | None
    metrics: ReportingMetrics


class MediaBuyReporting(Response):
    media_buy_id: str
    name: str
    status: MediaBuyStatus
    budget: Number | None
    metrics: ReportingMetrics
    packages: list[PackageReporting]


class CampaignReporting(Response):
    campaign_id: str
    campaign_name: str
    management: Literal["managed"]
    metrics: ReportingMetrics
    media_buys: list[MediaBuyReporting]


class AdvertiserReporting(Response):
    advertiser_id: str
    advertiser_name: str
    currency: str
    metrics: ReportingMetrics
    campaigns: list[CampaignReporting]


class ReportingMetricsResponse(Response):
    advertisers: list[AdvertiserReporting]
    totals: ReportingTotalsMetrics
    totals_currency: str | None
    period_start: date
    period_end: date


class TimeseriesEntry(Response):
    date: str
    advertiser_id: str
    advertiser_name: str
    currency: str
    campaign_id: str
    campaign_name: str
    management: Literal["managed"]
    media_buy_id: str
    media_buy_name: str
    media_buy_status: MediaBuyStatus
    package_id: str
    product_id: str
    product_name: str
    metrics: ReportingMetrics


class ReportingMetricsTimeseriesResponse(Response):
    timeseries: list[TimeseriesEntry]
    totals: ReportingTotalsMetrics
    totals_currency: str | None
    period_start: date
    period_end: date


class ReportingMetricsExportResponse(Response):
    download_url: str
    expires_at: Instant
    file_name: str
    row_count: Count


# ---- one campaign, as AdCP reports delivery


class _Snake(Response):
    model_config = ConfigDict(alias_generator=snake)


class DeliveredFigures(_Snake):
    impressions: Count
    spend: Number
    clicks: Count
    views: Count
    completed_views: Count
    conversions: Count
    leads: Count


class DeliveredDay(DeliveredFigures):
    """`inferred`: the seller gives totals only, and this was new on the day of the reading."""

    date: str
    is_final: bool
    inferred: bool


class DeliveredPackage(DeliveredFigures):
    package_id: str
    product_id: Maybe[str] = None
    daily_breakdown: list[DeliveredDay]


class DeliveredBuy(_Snake):
    media_buy_id: str
    status: MediaBuyStatus
    currency: str
    totals: DeliveredFigures
    by_package: list[DeliveredPackage]
    pacing: Maybe[PaceShown] = None


class DeliveredPeriod(_Snake):
    start: str
    end: str


class CampaignDelivery(_Snake):
    reporting_period: DeliveredPeriod
    currency: str
    aggregated_totals: DeliveredFigures
    media_buy_deliveries: list[DeliveredBuy]
    pacing: Maybe[PaceShown] = None


class CampaignDeliveryResponse(Response):
    campaign_id: str
    delivery: CampaignDelivery

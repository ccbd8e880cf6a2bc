"""Reports over REST."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from buyside.api.envelope import Reply, reply
from buyside.api.requests import BASE, AdvertiserFilter, CampaignPath, Signed, router
from buyside.domain.errors import NotFound
from buyside.domain.ids import AdvertiserId, CampaignId
from buyside.domain.reporting import LONGEST_DAYS, period
from buyside.schemas import reporting as wire
from buyside.schemas.showing import reporting as show
from buyside.services import reporting
from buyside.services.reporting import Asked

routes = router("Reporting")
downloads = APIRouter(include_in_schema=False)
"""Open to whoever holds the link."""

_FILES = f"{BASE}/reporting/downloads"


def _a_day(value: object) -> object:
    if isinstance(value, str) and not (len(value) == 10 and value[4] == value[7] == "-"):
        raise PydanticCustomError("date_parsing", "Input should be a date such as 2026-03-01")
    return value


Day = Annotated[date, BeforeValidator(_a_day)]
Start = Annotated[Day | None, Query(alias="startDate", description="The first day, in UTC.")]
End = Annotated[Day | None, Query(alias="endDate", description="The last day, in UTC; it is included.")]
Days = Annotated[int, Query(ge=0, le=LONGEST_DAYS, description="How many where not both dates are given; 0 is all.")]
Currency = Annotated[
    str | None,
    Query(alias="displayCurrency", pattern="^[A-Za-z]{3}$", description="Refused unless it is what was spent."),
]


async def asked(
    work: Signed,
    advertiser_id: AdvertiserFilter = None,
    campaign_id: Annotated[str | None, Query(alias="campaignId", min_length=1, max_length=255)] = None,
    start: Start = None,
    end: End = None,
    days: Days = 7,
    view: Annotated[Literal["summary", "timeseries"], Query()] = "summary",
    currency: Currency = None,
) -> Asked:
    return Asked(
        period(start, end, days, work.now().date()),
        AdvertiserId(int(advertiser_id)) if advertiser_id else None,
        CampaignId(campaign_id) if campaign_id else None,
        view == "timeseries",
        currency.upper() if currency else None,
    )


@routes.get(
    "/reporting/metrics",
    operation_id="getReportingMetrics",
    response_model=wire.ReportingMetricsResponse
    | wire.ReportingMetricsTimeseriesResponse
    | wire.ReportingMetricsExportResponse,
)
async def get_metrics(
    request: Request, work: Signed, which: Annotated[Asked, Depends(asked)], download: bool = False
) -> Reply:
    """What was delivered, as last read from the sellers; spend is gross. With `download`, a link to a CSV file."""
    if download:
        return reply(_export(request, await reporting.export(work, which)))
    found = await reporting.report(work, which)
    return reply(show.timeseries(found) if which.by_day else show.summary(found))


def _export(request: Request, done: reporting.Export) -> wire.ReportingMetricsExportResponse:
    address = request.app.state.about.public_url or str(request.base_url).rstrip("/")
    return wire.ReportingMetricsExportResponse(
        download_url=f"{address}{_FILES}/{done.token}",
        expires_at=done.expires_at,
        file_name=done.file_name,
        row_count=done.rows,
    )


@routes.get(
    "/campaigns/{campaignId}/delivery",
    operation_id="getDirectedCampaignDelivery",
    response_model=wire.CampaignDeliveryResponse,
)
async def get_campaign_delivery(work: Signed, campaign_id: CampaignPath, start: Start = None, end: End = None) -> Reply:
    """What a campaign delivered by package and day, as last read, and how its spend compares with plan."""
    days = period(start, end, 0, work.now().date())
    return reply(show.campaign_delivery(await reporting.delivered(work, campaign_id, days)))


@downloads.get(_FILES + "/{token}")
async def get_download(request: Request, token: str) -> Response:
    found = await reporting.download(request.app.state.runtime, token)
    if found is None:
        raise NotFound("There is no such file, or its link is over.")
    name, content = found
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
    return Response(content, media_type="text/csv", headers=headers)

"""Reports over REST: what was delivered, added up and by day, in the money it was spent in."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from buyside.api.app import About
from buyside.bootstrap.surface import app_of
from buyside.domain.advertisers import FeePricing, FeeTerm
from buyside.domain.ids import MediaBuyId
from buyside.services import media_buys
from buyside.store.tables import media_buy
from tests.sandbox_server import SandboxHandle
from tests.surfaces.conftest import Rest
from tests.surfaces.steps import Body, a_campaign, a_live_campaign, an_advertiser, ok, refused

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def a_delivering_campaign(rest: Rest, north: SandboxHandle, **more: Any) -> tuple[str, str, str]:
    """Advertiser, campaign and buy, three days on."""
    advertiser = await an_advertiser(rest, **more)
    campaign, buy = await a_live_campaign(rest, north, advertiser=advertiser)
    await north.advance(days=3)
    await media_buys.deliver(rest.world.work(), await media_buys.get(rest.world.work(), MediaBuyId(buy)))
    return advertiser, campaign, buy


async def metrics(rest: Rest, **query: Any) -> Body:
    return ok(await rest.member.get("/reporting/metrics", params={"days": 0, **query}))


class TestSummary:
    async def test_each_floor_is_the_sum_of_the_one_below(self, rest: Rest, north: SandboxHandle) -> None:
        advertiser, campaign, buy = await a_delivering_campaign(rest, north)
        shown = await metrics(rest, advertiserId=advertiser)
        (owner,) = shown["advertisers"]
        (below,) = owner["campaigns"]
        (bought,) = below["mediaBuys"]
        (package,) = bought["packages"]
        assert (owner["advertiserId"], below["campaignId"], bought["mediaBuyId"]) == (advertiser, campaign, buy)
        assert owner["metrics"] == below["metrics"] == bought["metrics"] == package["metrics"] == shown["totals"]
        assert (owner["currency"], shown["totalsCurrency"], bought["budget"]) == ("USD", "USD", 1000)
        got = package["metrics"]
        assert got["spend"] > 0
        assert got["ecpm"] == pytest.approx(got["spend"] * 1000 / got["impressions"], abs=1e-5)
        assert got["cpa"] is None
        (performance,) = [b["performance"] for b in (await shown_campaign(rest, campaign))["mediaBuys"]]
        assert performance["spend"] == got["spend"]
        assert performance["impressions"] == got["impressions"]

    async def test_spend_is_gross(self, rest: Rest, north: SandboxHandle) -> None:
        plain, _, _ = await a_delivering_campaign(rest, north)
        fee = (FeeTerm("Agency", FeePricing.MARGIN, Decimal(20)),)
        advertiser, _, buy = await a_delivering_campaign(rest, north, fees=fee)
        spend = (await metrics(rest, advertiserId=advertiser))["totals"]["spend"]
        media = (await media_buys.get(rest.world.work(), MediaBuyId(buy))).delivered
        assert media is not None
        assert spend == pytest.approx(float(media.spend) / 0.8, abs=1e-5)
        assert plain != advertiser

    async def test_money_of_several_kinds_is_not_added_up(self, rest: Rest, north: SandboxHandle) -> None:
        _, _, dollars = await a_delivering_campaign(rest, north)
        advertiser, campaign, _ = await a_delivering_campaign(rest, north)
        async with rest.world.runtime.database.write.begin() as conn:
            await in_euros(conn, campaign)
        shown = await metrics(rest)
        money = ("spend", "conversionValue", "ecpm", "cpc", "cpa", "roas")
        assert shown["totalsCurrency"] is None
        assert {shown["totals"][name] for name in money} == {None}
        assert shown["totals"]["impressions"] > 0
        assert {a["currency"] for a in shown["advertisers"]} == {"USD", "EUR"}
        refused(
            await rest.member.get("/reporting/metrics", params={"displayCurrency": "eur", "days": 0}),
            501,
            "NOT_IMPLEMENTED",
            "displayCurrency",
        )
        alone = await metrics(rest, advertiserId=advertiser, displayCurrency="eur")
        assert alone["totalsCurrency"] == "EUR"
        assert dollars

    async def test_nothing_is_shown_as_nothing(self, rest: Rest) -> None:
        advertiser = await an_advertiser(rest)
        shown = await metrics(rest, advertiserId=advertiser)
        assert (shown["advertisers"], shown["totalsCurrency"]) == ([], None)
        assert (shown["totals"]["spend"], shown["totals"]["ctr"]) == (0, None)

    async def test_only_the_days_that_were_asked_for_count(self, rest: Rest, north: SandboxHandle) -> None:
        advertiser, _, _ = await a_delivering_campaign(rest, north)
        whole = await metrics(rest, advertiserId=advertiser)
        days = (await metrics(rest, advertiserId=advertiser, view="timeseries"))["timeseries"]
        one = days[1]
        shown = await metrics(rest, advertiserId=advertiser, startDate=one["date"], endDate=one["date"])
        assert (shown["periodStart"], shown["periodEnd"]) == (one["date"], one["date"])
        assert shown["totals"]["impressions"] == one["metrics"]["impressions"] < whole["totals"]["impressions"]

    async def test_what_is_wrong_or_foreign_is_refused(self, rest: Rest, north: SandboxHandle) -> None:
        _, campaign, _ = await a_delivering_campaign(rest, north)
        other = await an_advertiser(rest)

        async def refusal(status: int, code: str, field: str | None = None, **query: Any) -> None:
            refused(await rest.member.get("/reporting/metrics", params=query), status, code, field)

        await refusal(400, "VALIDATION_ERROR", "days", days=91)
        await refusal(400, "VALIDATION_ERROR", "startDate", startDate="yesterday")
        await refusal(400, "VALIDATION_ERROR", "startDate", startDate="2026-02-30")
        await refusal(400, "VALIDATION_ERROR", "endDate", startDate="2026-02-02", endDate="2026-02-01")
        await refusal(400, "VALIDATION_ERROR", "view", view="pie")
        await refusal(400, "VALIDATION_ERROR", "campaignId", campaignId=campaign, advertiserId=other)
        await refusal(404, "NOT_FOUND", campaignId="cmp_1")
        await refusal(404, "NOT_FOUND", advertiserId="999999")
        await refusal(501, "NOT_IMPLEMENTED", "demo", demo="true")
        foreign = await rest.stranger.get("/reporting/metrics", params={"campaignId": campaign})
        refused(foreign, 404, "NOT_FOUND")


class TestByDay:
    async def test_days_rise_and_sum_to_the_totals(self, rest: Rest, north: SandboxHandle) -> None:
        advertiser, campaign, _ = await a_delivering_campaign(rest, north)
        shown = await metrics(rest, campaignId=campaign, view="timeseries")
        days = shown["timeseries"]
        assert [d["date"] for d in days] == sorted(d["date"] for d in days)
        assert len({d["date"] for d in days}) >= 3
        assert sum(d["metrics"]["impressions"] for d in days) == shown["totals"]["impressions"]
        assert {d["advertiserId"] for d in days} == {advertiser}


class TestDownload:
    async def test_a_file_is_fetched_by_its_link_alone_for_seven_days(self, rest: Rest, north: SandboxHandle) -> None:
        _, campaign, _ = await a_delivering_campaign(rest, north)
        for view, columns in (("summary", 20), ("timeseries", 21)):
            done = await metrics(rest, campaignId=campaign, download="true", view=view)
            head, *rows = csv.reader(io.StringIO(await fetched(rest, done["downloadUrl"])))
            assert (len(head), head[0]) == (columns, "Date" if columns == 21 else "Advertiser ID")
            assert len(rows) == done["rowCount"] >= 1
            assert all(len(row) == columns for row in rows)
            assert done["fileName"].endswith(".csv")
        assert await status(rest, done["downloadUrl"] + "x") == 404
        rest.world.clock.pass_by(days=7, seconds=1)
        assert await status(rest, done["downloadUrl"]) == 404
        rest.world.clock.pass_by(days=-7, seconds=-1)

    async def test_a_name_that_begins_like_a_formula_is_text(self, rest: Rest, north: SandboxHandle) -> None:
        _, campaign, _ = await a_delivering_campaign(rest, north)
        ok(await rest.admin.put(f"/campaigns/{campaign}", json={"name": "=1+1"}))
        done = await metrics(rest, campaignId=campaign, download="true")
        assert "'=1+1" in await fetched(rest, done["downloadUrl"])


class TestOneCampaign:
    async def test_its_delivery_is_shown_by_package_and_day_with_its_pace(
        self, rest: Rest, north: SandboxHandle
    ) -> None:
        _, campaign, buy = await a_delivering_campaign(rest, north)
        shown = ok(await rest.member.get(f"/campaigns/{campaign}/delivery"))
        assert shown["campaignId"] == campaign
        (bought,) = shown["delivery"]["media_buy_deliveries"]
        (package,) = bought["by_package"]
        assert (bought["media_buy_id"], bought["status"], bought["currency"]) == (buy, "ACTIVE", "USD")
        assert bought["totals"] == shown["delivery"]["aggregated_totals"]
        days = package["daily_breakdown"]
        assert sum(day["impressions"] for day in days) == package["impressions"] > 0
        assert not any(day["inferred"] for day in days)
        assert bought["pacing"]["verdict"] in {"behind", "on", "ahead"}
        assert shown["delivery"]["pacing"]["budget"] == 1000
        status = ok(await rest.member.get(f"/campaigns/{campaign}/media-buy-status"))
        assert status["pacing"]["spent"] == pytest.approx(package["spend"], abs=0.001)
        one = ok(await rest.member.get(f"/campaigns/{campaign}/delivery", params={"endDate": days[0]["date"]}))
        assert one["delivery"]["reporting_period"]["end"] == days[0]["date"]
        assert one["delivery"]["aggregated_totals"]["impressions"] == days[0]["impressions"]

    async def test_a_draft_delivered_nothing_and_a_foreign_one_is_not_there(self, rest: Rest) -> None:
        campaign = await a_campaign(rest)
        shown = ok(await rest.member.get(f"/campaigns/{campaign}/delivery"))["delivery"]
        assert (shown["media_buy_deliveries"], shown["aggregated_totals"]["spend"]) == ([], 0)
        assert "pacing" not in shown
        refused(await rest.stranger.get(f"/campaigns/{campaign}/delivery"), 404, "NOT_FOUND")
        asked = await rest.member.get(f"/campaigns/{campaign}/delivery", params={"placementBreakdown": "true"})
        refused(asked, 501, "NOT_IMPLEMENTED", "placementBreakdown")


async def shown_campaign(rest: Rest, campaign: str) -> Body:
    shown: Body = ok(await rest.member.get(f"/campaigns/{campaign}"))["campaign"]
    return shown


async def in_euros(conn: Any, campaign: str) -> None:
    """As if the campaign's advertiser had spent in EUR."""
    rows = await conn.execute(select(media_buy.c.id, media_buy.c.body).where(media_buy.c.campaign_id == campaign))
    for row in rows.all():
        body = row.body.replace('"USD"', '"EUR"')
        await conn.execute(update(media_buy).where(media_buy.c.id == row.id).values(body=body))


async def _get(rest: Rest, url: str) -> httpx.Response:
    transport = httpx.ASGITransport(app_of(About("0"), rest.world.runtime))
    async with httpx.AsyncClient(transport=transport) as anybody:
        return await anybody.get(url)


async def fetched(rest: Rest, url: str) -> str:
    response = await _get(rest, url)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/csv")
    return response.text


async def status(rest: Rest, url: str) -> int:
    return (await _get(rest, url)).status_code

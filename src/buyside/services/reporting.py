"""Reports over the days that were read: by advertiser, campaign, media buy and package, or by day."""

from __future__ import annotations

import csv
import io
import secrets
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256

from buyside.domain import delivery, reporting
from buyside.domain.accounts import Right
from buyside.domain.advertisers import Advertiser
from buyside.domain.campaigns import Campaign
from buyside.domain.delivery import DeliveryDay
from buyside.domain.errors import Invalid, NotImplementedYet
from buyside.domain.ids import AdvertiserId, CampaignId, MediaBuyId
from buyside.domain.media_buys import MediaBuy, Package
from buyside.domain.reporting import Metrics, Period
from buyside.services.campaigns import pacing
from buyside.services.campaigns.pacing import Paced
from buyside.services.work import Runtime, Tx, Work
from buyside.store import reports as stored

LINK_LIVES = timedelta(days=7)


@dataclass(frozen=True)
class Line:
    """What one package delivered, on one day where `day` is given. `package` None: the buy as a whole."""

    advertiser: Advertiser
    campaign: Campaign
    buy: MediaBuy
    package: Package | None
    day: date | None
    metrics: Metrics

    @property
    def package_id(self) -> str:
        if self.package is None:
            return ""
        return self.package.package_id or f"{self.buy.id}_{self.package.ref}"


@dataclass(frozen=True)
class Report:
    lines: tuple[Line, ...]
    first: date
    last: date

    @property
    def currency(self) -> str | None:
        """None when there is nothing, or money of several kinds."""
        found = {line.buy.currency for line in self.lines}
        return found.pop() if len(found) == 1 else None

    @property
    def mixed(self) -> bool:
        return len({line.buy.currency for line in self.lines}) > 1


@dataclass(frozen=True)
class Asked:
    period: Period
    advertiser_id: AdvertiserId | None = None
    campaign_id: CampaignId | None = None
    by_day: bool = False
    currency: str | None = None


async def report(work: Work, asked: Asked) -> Report:
    """Raises: NotFound; Invalid when the campaign is another advertiser's; NotImplementedYet when money would have to
    be exchanged."""
    work.require(Right.READ)
    async with work.reading() as tx:
        await _check(tx, asked)
        days = await tx.delivery.between(asked.period, asked.advertiser_id, asked.campaign_id)
        buys = {buy.id: buy for buy in await tx.media_buys.several(list(days))}
        campaigns = {c.id: c for c in await tx.campaigns.several({b.campaign_id for b in buys.values()})}
        owners = {a: await tx.advertisers.get(a) for a in {c.advertiser_id for c in campaigns.values()}}
    lines = []
    for buy in sorted(buys.values(), key=lambda b: (b.created_at, b.id)):
        campaign = campaigns[buy.campaign_id]
        lines += _lines(owners[campaign.advertiser_id], campaign, buy, days[buy.id], by_day=asked.by_day)
    if asked.by_day:
        lines.sort(key=lambda line: line.day or date.min)
    every = [each.day for one in days.values() for each in one]
    today = work.now().date()
    first = asked.period.first or min(every, default=today)
    made = Report(tuple(lines), first, asked.period.last or max([*every, today, first]))
    if asked.currency is not None and lines and (made.mixed or made.currency != asked.currency):
        said = "Amounts are reported in the currencies they were spent in; none is exchanged here."
        raise NotImplementedYet(said, field="displayCurrency")
    return made


async def _check(tx: Tx, asked: Asked) -> None:
    if asked.advertiser_id is not None:
        await tx.advertisers.get(asked.advertiser_id)
    if asked.campaign_id is not None:
        campaign = await tx.campaigns.get(asked.campaign_id)
        if asked.advertiser_id not in (None, campaign.advertiser_id):
            raise Invalid("The campaign belongs to another advertiser.", field="campaignId")


def _lines(
    owner: Advertiser, campaign: Campaign, buy: MediaBuy, days: Iterable[DeliveryDay], *, by_day: bool
) -> list[Line]:
    found: defaultdict[tuple[str, date | None], list[DeliveryDay]] = defaultdict(list)
    for each in days:
        found[each.ref, each.day if by_day else None].append(each)
    packages = {package.ref: package for package in buy.packages}
    return [
        Line(
            owner,
            campaign,
            buy,
            packages.get(ref),
            day,
            reporting.of(buy, delivery.total(each.figures for each in same)),
        )
        for (ref, day), same in found.items()
    ]


@dataclass(frozen=True)
class Export:
    token: str
    """Whoever knows it may fetch the file."""
    file_name: str
    rows: int
    expires_at: datetime


async def export(work: Work, asked: Asked) -> Export:
    """The report as a CSV file behind a link that nobody can guess. Raises: as `report`."""
    made = await report(work, asked)
    token, now = secrets.token_urlsafe(32), work.now()
    name = f"report_{made.first}_{made.last}.csv"
    done = Export(token, name, len(made.lines), now + LINK_LIVES)
    async with work.writing() as tx:
        await tx.reports.clear(now)
        await tx.reports.add(_hidden(token), name, _csv(made, by_day=asked.by_day), done.expires_at)
    return done


async def download(runtime: Runtime, token: str) -> tuple[str, str] | None:
    """The file's name and content; None when there is none, or no longer."""
    async with runtime.database.read.connect() as conn:
        return await stored.fetch(conn, _hidden(token), runtime.clock())


def _hidden(token: str) -> str:
    return sha256(token.encode()).hexdigest()


_HEAD = tuple(
    name.strip()
    for name in """
    Advertiser ID, Advertiser Name, Currency, Campaign ID, Campaign Name, Media Buy ID, Media Buy Name,
    Media Buy Status, Package ID, Product ID, Product Name, Impressions, Spend, Clicks, Views, Completed Views,
    Conversions, Leads, Conversion Value, eCPM
    """.split(",")  # noqa: SIM905
)


def _csv(made: Report, *, by_day: bool) -> str:
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow([*(["Date"] if by_day else []), *_HEAD])
    for line in made.lines:
        day = [str(line.day)] if by_day else []
        rows.writerow([*day, *(_harmless(cell) for cell in _cells(line))])
    return out.getvalue()


def _cells(line: Line) -> Sequence[object]:
    package, got = line.package, line.metrics
    return (
        line.advertiser.id,
        line.advertiser.spec.name,
        line.buy.currency,
        line.campaign.id,
        line.campaign.spec.name,
        line.buy.id,
        line.buy.name,
        line.buy.status.value,
        line.package_id,
        package.product_id if package else "",
        (package.product_name or "") if package else "",
        got.impressions,
        f"{got.spend:f}",
        got.clicks,
        got.views,
        got.completed_views,
        got.conversions,
        got.leads,
        f"{got.conversion_value:f}",
        "" if got.ecpm is None else f"{got.ecpm:f}",
    )


def _harmless(cell: object) -> object:
    """A spreadsheet runs what begins like a formula; a name must not."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in {"=", "+", "-", "@", "\t", "\r"} else cell


@dataclass(frozen=True)
class CampaignDelivery:
    campaign: Campaign
    report: Report
    days: Mapping[MediaBuyId, Sequence[DeliveryDay]]
    paced: Paced


async def delivered(work: Work, campaign_id: CampaignId, period: Period) -> CampaignDelivery:
    """All days of a campaign that were read, and how its spend compares with plan. Raises: NotFound."""
    made = await report(work, Asked(period, campaign_id=campaign_id, by_day=True))
    async with work.reading() as tx:
        campaign = await tx.campaigns.get(campaign_id)
        buys = await tx.media_buys.of(campaign_id, archived=False)
        days = await tx.delivery.between(period, None, campaign_id)
        paced = await pacing.of(tx, campaign, buys, work.now())
    return CampaignDelivery(campaign, made, days, paced)

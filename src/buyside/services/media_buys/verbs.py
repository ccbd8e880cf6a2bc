"""What a person asks of one media buy (interchange.md 3.11)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from buyside.domain.accounts import Right
from buyside.domain.campaigns import Campaign
from buyside.domain.campaigns import Status as CampaignStatus
from buyside.domain.errors import Conflict, PlatformError
from buyside.domain.ids import MediaBuyId
from buyside.domain.media_buys import MICROS, Delivered, ErrorCode, ErrorOwner, MediaBuy, Status, Trouble
from buyside.domain.orders import DeliveryRow
from buyside.services import seller_accounts
from buyside.services.media_buys import changing, parts, planning
from buyside.services.work import Work

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Changed:
    """Before and after a pause or resume, and why it did not come about, if it did not."""

    before: MediaBuy
    after: MediaBuy
    error: str | None


async def get(work: Work, buy_id: MediaBuyId) -> MediaBuy:
    """Raises: NotFound."""
    work.require(Right.READ)
    async with work.reading() as tx:
        return await tx.media_buys.get(buy_id)


async def packages(work: Work, buy_id: MediaBuyId) -> MediaBuy:
    """The buy with what its seller says of delivery now; with what was last read when the seller does not answer.

    Raises: NotFound.
    """
    work.require(Right.READ)
    buy = await get(work, buy_id)
    if buy.seller_buy_id is None or buy.unsettled:
        return buy
    try:
        return await deliver(work, buy)
    except PlatformError:
        return buy


async def deliver(work: Work, buy: MediaBuy) -> MediaBuy:
    """Read all delivery up to now, and keep it. Raises: PlatformError."""
    have = await parts.load(work, buy.id)
    assert buy.seller_buy_id is not None
    now = work.now()
    # Nothing was delivered before it was sent; a day is added at both ends, since sellers' days are not all UTC's.
    first = (buy.forwarded_at or buy.created_at).date() - ONE_DAY
    # A sandbox keeps its own time, which may run ahead of ours.
    last = min((max(now, buy.end) if have.account.sandbox else now).date(), date.max - ONE_DAY) + ONE_DAY
    rows = await work.sellers.delivery(
        have.seller,
        have.account,
        [buy.seller_buy_id],
        start=first,
        end=last,
        timeout=work.policy.read_timeout,
    )
    async with work.writing() as tx:
        _, current = await parts.locked(tx, buy.id)
        return await tx.media_buys.save(delivered(current, rows, now=work.now()), work.now())


async def close(work: Work, buy: MediaBuy) -> MediaBuy:
    """Read what a buy that is over delivered in the end; a seller that reports nothing delivered nothing.

    Raises: PlatformError.
    """
    read = await deliver(work, buy)
    async with work.writing() as tx:
        _, current = await parts.locked(tx, read.id)
        done = replace(current, delivered=current.delivered or Delivered(), check_at=None, checks=0)
        return await tx.media_buys.save(done, work.now())


def delivered(buy: MediaBuy, rows: Iterable[DeliveryRow], *, now: datetime) -> MediaBuy:
    """The buy with these totals. Daily rows only repeat what the totals say."""
    mine = [r for r in rows if r.day is None and r.seller_buy_id == buy.seller_buy_id]
    totals = [r for r in mine if r.currency in (None, buy.currency)]
    if len(totals) < len(mine):
        foreign = next(r.currency for r in mine if r.currency not in (None, buy.currency))
        said = f"The seller reports delivery in {foreign}, the buy is in {buy.currency}: it was left out."
        buy = replace(buy, trouble=Trouble(ErrorCode.PLATFORM_ERROR, ErrorOwner.SELLER, said))
    by_package = {r.package_id: _figures(r) for r in totals if r.package_id is not None}
    whole = next((_figures(r) for r in totals if r.package_id is None), None) or _sum(list(by_package.values()))
    return replace(
        buy,
        packages=tuple(replace(p, delivered=by_package.get(p.package_id or "", p.delivered)) for p in buy.packages),
        delivered=whole or buy.delivered,
        delivered_at=now if totals else buy.delivered_at,
    )


def _figures(row: DeliveryRow) -> Delivered:
    return Delivered(
        row.impressions,
        int((row.spend * MICROS).to_integral_value()),
        row.clicks,
        row.views,
        row.completed_views,
        row.conversions,
        row.leads,
    )


def _sum(figures: Sequence[Delivered]) -> Delivered | None:
    if not figures:
        return None
    return Delivered(
        sum(f.impressions for f in figures),
        sum(f.spend_micros for f in figures),
        _known([f.clicks for f in figures]),
        _known([f.views for f in figures]),
        _known([f.completed_views for f in figures]),
        _known([f.conversions for f in figures]),
        _known([f.leads for f in figures]),
    )


def _known(counts: Sequence[int | None]) -> int | None:
    """The sum of what was said; None when nobody said anything."""
    said = [count for count in counts if count is not None]
    return sum(said) if said else None


async def pause(work: Work, buy_id: MediaBuyId) -> Changed:
    """Raises: NotFound; Conflict unless ACTIVE."""
    return await _change(work, buy_id, paused=True)


async def reactivate(work: Work, buy_id: MediaBuyId) -> Changed:
    """Raises: NotFound; Conflict unless PAUSED, or while its campaign is paused."""
    return await _change(work, buy_id, paused=False)


async def _change(work: Work, buy_id: MediaBuyId, *, paused: bool) -> Changed:
    work.require(Right.CAMPAIGNS)
    async with work.writing() as tx:
        campaign, before = await parts.locked(tx, buy_id)
        _require(campaign, before, paused=paused)
        advertiser = await tx.advertisers.get(campaign.advertiser_id)
        seller = await tx.storefronts.seller(before.agent_id)
        natural = seller_accounts.natural(seller, advertiser, work.policy)
        account = await seller_accounts.numbered(tx, seller, natural)
        purpose = "pause person" if paused else "resume"
        try:
            planned = await planning.pause(tx, work, before, seller, account, paused=paused, purpose=purpose)
        except PlatformError as cannot:
            return Changed(before, before, cannot.message)
    error = await changing.in_time(work, planned)
    return Changed(before, await get(work, buy_id), error)


def _require(campaign: Campaign, buy: MediaBuy, *, paused: bool) -> None:
    buy.require_settled()
    wanted = Status.ACTIVE if paused else Status.PAUSED
    if buy.status is not wanted:
        verb = "paused" if paused else "reactivated"
        raise Conflict(f"Only a buy that is {wanted.value} can be {verb}; this one is {buy.status.value}.")
    if not paused and campaign.status is not CampaignStatus.ACTIVE:
        raise Conflict(f"The campaign is {campaign.status.value}: nothing of it may serve; reactivate it first.")

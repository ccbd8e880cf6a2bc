"""Outside writes planned: the operation row and the mark on the buy, in the caller's transaction, nothing sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from buyside.domain import constraints, frequency, packaging, proposals, settling
from buyside.domain.amendments import Change
from buyside.domain.answers import Prepared
from buyside.domain.campaigns import Campaign, Status
from buyside.domain.creatives import Creative, fits
from buyside.domain.errors import Conflict
from buyside.domain.ids import OperationId
from buyside.domain.media_buys import MediaBuy
from buyside.domain.money import Money
from buyside.domain.operations import Kind, Operation, State
from buyside.domain.orders import (
    AccountRef,
    BuyChange,
    BuyOrder,
    CreativeSync,
    CreativeUpload,
    PackageChange,
    PackageOrder,
)
from buyside.domain.stops import refusal
from buyside.domain.storefronts import Seller
from buyside.services.work import Tx, Work

ASSIGN = "assign"
"""The purpose of a change that puts creatives on packages."""
EDIT, CANCEL, AGAIN = "edit", "cancel", "again"
"""The purposes of what a person asks for; the last word of one that goes out a second time."""


def order(campaign: Campaign, buy: MediaBuy, account: AccountRef, work: Work) -> BuyOrder:
    """The create as it would be sent now (rulings 0.2 and 0.6). Raises: Invalid where pacing periods leave nothing."""
    now = work.now()
    buy = packaging.to_send(campaign, buy, now)
    paused = campaign.status is Status.PAUSED
    return BuyOrder(
        media_buy_id=buy.id,
        campaign_id=campaign.id,
        name=buy.name,
        account=account,
        start=buy.start if buy.start is not None and buy.start > now else None,
        end=buy.end,
        packages=tuple(
            PackageOrder(
                buyer_ref=package.ref,
                product_id=package.product_id,
                pricing_option_id=package.pricing_option_id,
                budget=buy.media_part(package.budget),
                bid=package.bid,
                pacing=package.pacing,
                paused=paused,
                start=package.start if package.start is not None and package.start > now else None,
                end=package.end,
                optimization_goals=buy.goals,
                targeting=constraints.overlay(campaign.spec.constraints, package.targeting, package.frequency_cap),
            )
            for package in buy.packages
        ),
        paused=paused,
    )


async def create(
    tx: Tx, work: Work, campaign: Campaign, buy: MediaBuy, seller: Seller, account: AccountRef
) -> tuple[MediaBuy, Operation]:
    """Plan the create of a DRAFT buy and mark it as on its way."""
    buy = await ready(tx, work, campaign, buy, seller)
    prepared = await _same_again(tx, work, buy, seller, order(campaign, buy, account, work))
    planned = _operation(work, Kind.CREATE, "create", buy, seller, prepared, amount=buy.budget)
    await tx.operations.add(planned)
    marked = replace(settling.dispatched(buy, work.now()), operation_id=planned.id)
    return await tx.media_buys.save(marked, work.now()), planned


async def ready(tx: Tx, work: Work, campaign: Campaign, buy: MediaBuy, seller: Seller) -> MediaBuy:
    """The DRAFT buy as `order` is to be given it: cut along the pacing periods, with the caps that its seller keeps.

    Raises: Invalid where pacing periods leave nothing.
    """
    buy, flight = packaging.to_send(campaign, buy, work.now()), campaign.spec.flight
    advertiser = await tx.advertisers.get(campaign.advertiser_id)
    caps = (*campaign.spec.frequency_caps, *advertiser.spec.frequency_caps)
    cap = frequency.for_seller(caps, flight, seller.profile)
    capped = (replace(p, frequency_cap=frequency.tighter(p.targeting, cap, flight)) for p in buy.packages)
    return replace(buy, packages=tuple(capped))


async def _same_again(tx: Tx, work: Work, buy: MediaBuy, seller: Seller, wanted: BuyOrder) -> Prepared:
    """The create under a new key, or, where an unheard one of the very same bytes is still remembered by the seller,
    under that one's: should the seller have booked it after all, it answers with that booking."""
    for earlier in reversed(await tx.operations.of_buy(buy.id, kind=Kind.CREATE)):
        if earlier.state is State.ABSENT and earlier.remembered(work.now()):
            again = work.sellers.prepare_buy(seller, wanted, earlier.prepared.key)
            if again.body == earlier.prepared.body:
                return again
    return work.sellers.prepare_buy(seller, wanted, work.new_key())


async def pause(
    tx: Tx, work: Work, buy: MediaBuy, seller: Seller, account: AccountRef, *, paused: bool, purpose: str
) -> Operation:
    """Plan a pause, or a resume, of a buy that its seller knows.

    Raises: Conflict while another change of it is under way, as two of them could arrive in the wrong order; Conflict
    for a resume under a stop.
    """
    if buy.stops and not paused:
        raise refusal(buy.stops[0], f"media buy {buy.id}")
    if await tx.operations.of_buy(buy.id, kind=Kind.CHANGE, opened=True):
        raise Conflict(f"A change of media buy {buy.id} is still under way; try again shortly.")
    assert buy.seller_buy_id is not None
    # A buy that was created paused may be paused package by package too: both have to be lifted.
    held = () if paused else tuple(p.package_id for p in buy.packages if p.package_id and p.status == "paused")
    packages = tuple(PackageChange(package_id, paused=False) for package_id in held)
    change = BuyChange(buy.seller_buy_id, account, buy.seller_revision, paused=paused, packages=packages)
    prepared = work.sellers.prepare_change(seller, change, work.new_key())
    planned = _operation(work, Kind.CHANGE, purpose, buy, seller, prepared)
    await tx.operations.add(planned)
    return planned


def told(
    work: Work, campaign: Campaign, buy: MediaBuy, seller: Seller, account: AccountRef, change: Change
) -> Prepared:
    """The change as it would be sent now. Raises: PlatformError, Invalid."""
    return work.sellers.prepare_change(seller, proposals.order(campaign, buy, change, account), work.new_key())


async def amend(
    tx: Tx, work: Work, buy: MediaBuy, seller: Seller, change: Change, prepared: Prepared, *, again: bool = False
) -> tuple[MediaBuy, Operation]:
    """Plan an edit or a cancellation, and mark it on the buy. The amount is what it commits beyond what is committed.

    Raises: Conflict while another change of it is under way.
    """
    if await tx.operations.of_buy(buy.id, kind=Kind.CHANGE, opened=True):
        raise Conflict(f"A change of media buy {buy.id} is still under way; try again shortly.")
    purpose = (CANCEL if change.canceled else EDIT) + (f" {AGAIN}" if again else "")
    more = proposals.applied(buy, change).budget - buy.budget
    planned = _operation(work, Kind.CHANGE, purpose, buy, seller, prepared, amount=more if more.minor > 0 else None)
    await tx.operations.add(planned)
    now = work.now()
    marked = replace(change, operation_id=planned.id, since=change.since or now, revision=buy.seller_revision)
    return await tx.media_buys.save(replace(buy, change=marked), now), planned


async def assign(
    tx: Tx, work: Work, buy: MediaBuy, seller: Seller, account: AccountRef, wanted: Sequence[tuple[str, Sequence[str]]]
) -> Operation:
    """Plan to put creatives on seller packages by a change of the buy. Raises: PlatformError."""
    assert buy.seller_buy_id is not None
    packages = tuple(PackageChange(package_id, creative_ids=tuple(ids)) for package_id, ids in wanted)
    change = BuyChange(buy.seller_buy_id, account, buy.seller_revision, packages=packages)
    prepared = work.sellers.prepare_change(seller, change, work.new_key())
    planned = _operation(work, Kind.CHANGE, ASSIGN, buy, seller, prepared)
    await tx.operations.add(planned)
    return planned


async def creatives(
    tx: Tx, work: Work, campaign: Campaign, buy: MediaBuy, seller: Seller, account: AccountRef
) -> Operation | None:
    """Plan to carry the campaign's creatives to the packages they fit; None when there is nothing (more) to carry."""
    wanted = carriable(await tx.creatives.of(campaign.id), buy)
    if not wanted or (seller.profile is not None and not seller.profile.takes("sync_creatives")):
        return None
    by_id = {creative.id: creative for creative, _ in wanted}
    sync = CreativeSync(
        account,
        tuple(CreativeUpload(c.id, c.spec.name, c.spec.format_id, _assets(c)) for c in by_id.values()),
        tuple((creative.id, package_id) for creative, package_id in wanted),
    )
    prepared = work.sellers.prepare_creatives(seller, sync, work.new_key())
    planned = _operation(work, Kind.CREATIVES, "carry", buy, seller, prepared)
    await tx.operations.add(planned)
    return planned


def carriable(campaign_creatives: Sequence[Creative], buy: MediaBuy) -> list[tuple[Creative, str]]:
    """(creative, seller package) pairs still to be carried: chosen, the format fits, and this seller has not refused
    it."""
    return [
        (creative, package.package_id)
        for creative in campaign_creatives
        if buy.wants_creative(creative.id) and not creative.refused_by(buy.agent_id)
        for package in buy.packages
        if package.package_id is not None
        and not package.is_canceled
        and creative.id not in package.creative_ids
        and fits(creative.spec, package.format_ids)
    ]


def _assets(creative: Creative) -> dict[str, object]:
    assets: dict[str, object] = {}
    if creative.spec.url_asset is not None:
        slot = {"clickthrough": "click_url", "vast": "vast_tag"}.get(creative.spec.url_asset["url_type"], "tracker")
        assets[slot] = {"asset_type": "url", **creative.spec.url_asset}
    if creative.spec.message is not None:
        assets["message"] = {"asset_type": "text", "content": creative.spec.message}
    return assets


def _operation(
    work: Work,
    kind: Kind,
    purpose: str,
    buy: MediaBuy,
    seller: Seller,
    prepared: Prepared,
    *,
    amount: Money | None = None,
) -> Operation:
    now = work.now()
    return Operation(
        id=OperationId(work.new_id("op", 20)),
        kind=kind,
        agent_id=seller.id,
        prepared=prepared,
        state=State.PLANNED,
        created_at=now,
        campaign_id=buy.campaign_id,
        media_buy_id=buy.id,
        amount=amount,
        key_id=work.caller.key,
        actor=work.caller.name,
        purpose=purpose,
        next_at=now + work.policy.lease,
        replay_ttl=seller.profile.replay_ttl if seller.profile else None,
    )

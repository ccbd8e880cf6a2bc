"""Edits of media buys: planned whole, written down with what is asked of sellers, then carried out."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from buyside.domain import proposals
from buyside.domain.advertisers import Advertiser
from buyside.domain.answers import Prepared
from buyside.domain.campaigns import Campaign
from buyside.domain.decisions import changes
from buyside.domain.edits import Asked, Do, Plan, Planned, Scene, merged, plan
from buyside.domain.errors import BuysideError, Conflict, Invalid, NotFound, PlatformError, dotted
from buyside.domain.ids import AgentId, MediaBuyId
from buyside.domain.media_buys import LIVE, MediaBuy, Status
from buyside.domain.money import Money
from buyside.domain.operations import Kind, Operation
from buyside.domain.previews import Call, Refusal
from buyside.domain.products import Product
from buyside.domain.storefronts import Seller
from buyside.services import media_buys, seller_accounts
from buyside.services.media_buys import changing, latecomers, parts, placing, planning
from buyside.services.work import Tx, Work


@dataclass(frozen=True)
class Ready:
    """One edit that its seller can be asked for."""

    entry: Planned
    seller: Seller
    prepared: Prepared

    def call(self) -> Call:
        buy, after = self.entry.before, self.entry.projected
        canceled = self.entry.change is not None and self.entry.change.canceled
        return Call(
            buy.id,
            buy.agent_id,
            buy.storefront_id,
            self.prepared.tool,
            buy.currency,
            self.prepared.arguments,
            buy.budget,
            Money.zero(buy.currency) if canceled else after.budget,
        )


@dataclass(frozen=True)
class Written:
    """What was stored, and what is now to be asked of sellers."""

    operations: tuple[Operation, ...] = ()
    undressed: tuple[MediaBuy, ...] = ()
    """Placed buys with other creatives chosen, of which their sellers may not have heard."""

    @property
    def anything(self) -> bool:
        return bool(self.operations or self.undressed)


async def suspects(work: Work, asked: Sequence[Asked]) -> None:
    """A buy is not thrown away while its seller may have booked it after all. Raises: Conflict."""
    gone = []
    async with work.reading() as tx:
        for each in asked:
            if each.action is Do.DELETE:
                gone += await _found(tx, each)
    doubts = await latecomers.look(work, gone)
    if doubts:
        raise Conflict(next(iter(doubts.values())), details={"mediaBuyIds": list(doubts)})


async def _found(tx: Tx, each: Asked) -> list[MediaBuy]:
    try:
        return [await tx.media_buys.get(each.media_buy_id)]
    except NotFound:
        return []


async def scene(
    tx: Tx, work: Work, campaign: Campaign, asked: Sequence[Asked], buys: Sequence[MediaBuy], *, alone: bool = False
) -> Scene:
    """What the rules look at, read for what is asked."""
    chosen = any(each.creative_ids is not None for each in asked)
    priced = any(edit.pricing_option_id is not None for each in asked for edit in each.products)
    return Scene(
        campaign,
        buys,
        work.now(),
        tuple(await tx.creatives.of(campaign.id)) if chosen else (),
        await _offers(tx, campaign) if priced else {},
        alone,
    )


async def _offers(tx: Tx, campaign: Campaign) -> dict[tuple[AgentId, str], Product]:
    if campaign.spec.discovery_id is None:
        return {}
    session = await tx.discoveries.selected(campaign.spec.discovery_id)
    found = [session.find(chosen.product_id, chosen.agent_id) for chosen in session.selections]
    return {(offer[0].agent_id, offer[1].product_id): offer[1] for offer in found if offer is not None}


@dataclass(frozen=True)
class Amendment:
    """A plan with the calls that it takes, each as its seller would get it, and all that speaks against it."""

    plan: Plan
    ready: tuple[Ready, ...] = ()
    refusals: tuple[Refusal, ...] = ()

    def require(self) -> None:
        """Raises: what is refused."""
        if self.refusals:
            raise merged([refusal.error for refusal in self.refusals])

    def only(self, ids: Collection[MediaBuyId]) -> Amendment:
        """That part of it which is about these buys."""
        entries = tuple(e for e in self.plan.entries if e.before.id in ids)
        return Amendment(replace(self.plan, entries=entries), tuple(r for r in self.ready if r.entry in entries))


async def planned(
    tx: Tx,
    work: Work,
    campaign: Campaign,
    advertiser: Advertiser,
    buys: Sequence[MediaBuy],
    asked: Sequence[Asked],
    *,
    alone: bool = False,
) -> Amendment:
    """What the rules make of it. `campaign`, `buys`: as the campaign's own part of the request leaves them."""
    if not asked:
        return Amendment(Plan())
    made = plan(await scene(tx, work, campaign, asked, buys, alone=alone), asked)
    ready: list[Ready] = []
    refusals = list(made.refusals)
    for entry in made.entries:
        if entry.change is None:
            continue
        try:
            ready.append(await _prepare(tx, work, campaign, advertiser, entry))
        except BuysideError as error:
            refusals.append(Refusal(_named(error, entry), entry.before.id))
    refusals += await _over_limits(tx, work, [each.entry for each in ready])
    return Amendment(made, tuple(ready), tuple(refusals))


async def _prepare(tx: Tx, work: Work, campaign: Campaign, advertiser: Advertiser, entry: Planned) -> Ready:
    assert entry.change is not None
    if await tx.operations.of_buy(entry.before.id, kind=Kind.CHANGE, opened=True):
        raise Conflict(f"A change of media buy {entry.before.id} is still under way; try again shortly.")
    seller = await tx.storefronts.seller(entry.before.agent_id)
    natural = seller_accounts.natural(seller, advertiser, work.policy)
    account = await seller_accounts.numbered(tx, seller, natural)
    return Ready(entry, seller, planning.told(work, campaign, entry.after, seller, account, entry.change))


def _named(error: BuysideError, entry: Planned) -> BuysideError:
    """What its seller does not take, or nobody could serve, told at the entry that asks for it."""
    where = dotted(entry.asked.at) or None
    if isinstance(error, PlatformError | Invalid):
        return Invalid(error.message, field=where, details=error.details)
    return Conflict(error.message, field=where, details=error.details)


async def _over_limits(tx: Tx, work: Work, entries: Sequence[Planned]) -> list[Refusal]:
    """Buys that grow beyond what may be committed (ruling 0.9)."""
    growing = [e for e in entries if e.projected.budget > e.before.budget]
    limits = await tx.accounts.limits() if growing else ()
    if limits:
        await tx.accounts.lock()
    refusals = []
    for limit in limits:
        committed = await tx.accounts.committed_on(work.now().date(), limit)
        for entry in growing:
            buy, after = entry.before, entry.projected
            if not limit.covers(work.caller, buy.agent_id) or buy.currency != limit.currency:
                continue
            try:
                replace(limit, per_day=None).check(after.budget, committed)
                replace(limit, largest_buy=None).check(after.budget - buy.budget, committed)
                committed = committed + (after.budget - buy.budget)
            except BuysideError as over:
                refusals.append(Refusal(over, buy.id))
    return refusals


async def write(tx: Tx, work: Work, campaign: Campaign, amendment: Amendment) -> Written:
    """The rows: buys, operations, log entries. The campaign is locked by the caller."""
    by_buy = {each.entry.before.id: each for each in amendment.ready}
    operations: list[Operation] = []
    undressed: list[MediaBuy] = []
    for entry in amendment.plan.entries:
        await _record(tx, campaign, entry)
        await _deselect(tx, campaign, entry)
        if entry.change is not None:
            each = by_buy[entry.before.id]
            _, sent = await planning.amend(tx, work, entry.after, each.seller, entry.change, each.prepared)
            operations.append(sent)
            continue
        saved = await tx.media_buys.save(entry.after, work.now())
        if saved.status in LIVE and saved.creative_ids != entry.before.creative_ids:
            undressed.append(saved)
    return Written(tuple(operations), tuple(undressed))


async def _record(tx: Tx, campaign: Campaign, entry: Planned) -> None:
    before, after = changes(proposals.facts(entry.before), proposals.facts(entry.projected))
    asked = entry.asked
    action = {Do.CANCEL: "media_buy.cancel_asked", Do.DELETE: "media_buy.deleted"}.get(
        asked.action, "media_buy.edit_asked" if entry.change is not None else "media_buy.edited"
    )
    verb = action.removeprefix("media_buy.").replace("_", " ")
    await tx.record(
        action,
        f"{entry.before.name}: {verb}; {', '.join(after)}",
        parts.subject(campaign, entry.before),
        before=before,
        after=after,
        reason=asked.reason,
        metadata={"suggestionId": asked.suggestion_id} if asked.suggestion_id else None,
    )


async def _deselect(tx: Tx, campaign: Campaign, entry: Planned) -> None:
    """What is not to be bought any more leaves the selection: the next execute would buy it again."""
    if not entry.dropped or campaign.spec.discovery_id is None:
        return
    session = await tx.discoveries.lock(campaign.spec.discovery_id, offers=False)
    gone = {(entry.before.agent_id, product_id) for product_id in entry.dropped}
    kept = [each for each in session.selections if (each.agent_id, each.product_id) not in gone]
    if len(kept) < len(session.selections):
        await tx.discoveries.select(session.id, kept)


async def carry_out(work: Work, written: Written) -> list[str]:
    """Ask the sellers, within an execute's time. What a buyer must know that was not done, or not yet."""
    said = await changing.all_in_time(work, written.operations)
    for buy in written.undressed:
        await placing.refresh(work, buy)
    warnings = []
    for operation, failed in zip(written.operations, said, strict=True):
        assert operation.media_buy_id is not None
        async with work.reading() as tx:
            buy = await tx.media_buys.get(operation.media_buy_id)
        if (warning := _warning(buy, failed)) is not None:
            warnings.append(warning)
        await _read_spent(work, buy)
    return warnings


def _warning(buy: MediaBuy, failed: str | None) -> str | None:
    if buy.change is None:
        return None if failed is None else f"Media buy {buy.id} was left as it is: {failed}"
    if buy.change.task_id is not None:
        return f"The change of media buy {buy.id} waits for its seller's approval."
    if buy.change.is_unknown:
        return f"The seller did not answer whether it changed media buy {buy.id}; it is being found out: {failed}"
    return f"The change of media buy {buy.id} is still under way: {failed or changing.STILL_UNDER_WAY}"


async def _read_spent(work: Work, buy: MediaBuy) -> None:
    """What a package that was just canceled had delivered stays spent: read it while it is fresh."""
    gone = any(package.is_canceled and package.delivered is None for package in buy.packages)
    if not gone or buy.status is Status.DRAFT or buy.seller_buy_id is None:
        return
    try:
        await media_buys.deliver(work, buy)
    except PlatformError:
        return  # until it is read, all of it counts as spent

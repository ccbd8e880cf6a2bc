"""What a write would do, told by the very transaction that would do it, which is taken back (interchange.md 0.17).

No seller is called: what only a call could tell, such as a create that was booked late, is not foreseen.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from buyside.domain import proposals
from buyside.domain.accounts import Right
from buyside.domain.campaigns import Action, Campaign, check, facts
from buyside.domain.decisions import changes
from buyside.domain.edits import Asked
from buyside.domain.errors import BuysideError, Invalid, NotFound, PlatformError, dotted
from buyside.domain.ids import CampaignId, MediaBuyId
from buyside.domain.media_buys import MediaBuy
from buyside.domain.operations import Operation
from buyside.domain.previews import Call, Change, Preview, Refusal
from buyside.services.campaigns import editing, execution, one_buy, pausing
from buyside.services.campaigns.editing import Edit
from buyside.services.media_buys import amending, verbs
from buyside.services.media_buys.amending import Amendment
from buyside.services.work import Tx, Work


@dataclass
class _Told:
    """What has been found out so far."""

    changes: list[Change] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def refused(self, error: BuysideError, buy_id: MediaBuyId | None = None) -> None:
        """Each finding by itself."""
        issues = error.issues if type(error) is Invalid and len(error.issues) > 1 else ()
        each = [Refusal(Invalid(issue.message, field=dotted(issue.path)), buy_id) for issue in issues]
        self.refusals += each or [Refusal(error, buy_id)]

    def changed(self, before: Mapping[str, Any], after: Mapping[str, Any], at: str = "") -> None:
        old, new = changes(before, after)
        self.changes += [Change(f"{at}{name}", old[name], new[name]) for name in new]

    def amended(self, amendment: Amendment) -> None:
        for entry in amendment.plan.entries:
            at = f"mediaBuys.{entry.before.id}."
            self.changed(proposals.facts(entry.before), proposals.facts(entry.projected), at)
        self.calls += [each.call() for each in amendment.ready]
        self.warnings += amendment.plan.warnings

    def preview(self) -> Preview:
        return Preview(tuple(self.changes), tuple(self.calls), tuple(self.refusals), tuple(self.warnings))


@asynccontextmanager
async def _tried(work: Work, told: _Told) -> AsyncIterator[tuple[Tx, Work]]:
    """A transaction that is taken back, and whose refusal is part of what is told. Raises: NotFound."""
    dry = replace(work, dry=True)
    try:
        dry.require(Right.CAMPAIGNS)
        async with dry.writing() as tx:
            yield tx, dry
    except NotFound:
        raise
    except BuysideError as error:
        told.refused(error)


async def update(
    work: Work,
    campaign_id: CampaignId,
    edit: Edit,
    *,
    expected_revision: int | None = None,
    asked: Sequence[Asked] = (),
) -> Preview:
    """What `campaigns.update` would do. Raises: NotFound."""
    told = _Told()
    async with _tried(work, told) as (tx, dry):
        campaign = await tx.campaigns.lock(campaign_id)
        edited = _edited(told, campaign, edit)
        told.changed(facts(campaign.spec), facts(edited.spec))
        advertiser = await tx.advertisers.get(campaign.advertiser_id)
        buys = [editing.followed(campaign, edited, buy) for buy in await tx.media_buys.of(campaign_id)]
        amendment = await amending.planned(tx, dry, edited, advertiser, buys, asked)
        told.amended(amendment)
        told.refusals += amendment.refusals
        if not told.refusals:
            done = await editing.apply(tx, dry, campaign_id, edit, asked, expected_revision=expected_revision)
            told.warnings = list(done.warnings)
    return told.preview()


def _edited(told: _Told, campaign: Campaign, edit: Edit) -> Campaign:
    try:
        spec = edit(campaign)
        check(spec)
        return campaign.edited(spec) if spec != campaign.spec else campaign
    except BuysideError as error:
        told.refused(error)
        return campaign


async def update_media_buy(work: Work, asked: Asked) -> Preview:
    """What a change of one buy by its own address would do. Raises: NotFound."""
    told = _Told()
    async with _tried(work, told) as (tx, dry):
        done = await one_buy.apply(tx, dry, asked)
        told.changed(facts(done.before.spec), facts(done.after.spec))
        told.amended(done.amendment)
    return told.preview()


async def execute(work: Work, campaign_id: CampaignId) -> Preview:
    """What `campaigns.execute` would send. Raises: NotFound."""
    told = _Told()
    async with _tried(work, told) as (tx, dry):
        batch = await execution.prepare(tx, dry, campaign_id, {})
        told.changed({"status": batch.before.status.value}, {"status": batch.after.status.value})
        for operation, have in batch.planned:
            told.calls.append(_call(have.buy, operation, new=True))
        told.warnings += [f"Media buy {each.media_buy_id} would not be sent: {each.message}" for each in batch.failures]
        told.warnings += [f"Media buy {each} is sent as it was staged; the selection changed." for each in batch.stale]
    return told.preview()


async def pause(work: Work, campaign_id: CampaignId) -> Preview:
    """Raises: NotFound."""
    return await _cascade(work, campaign_id, Action.PAUSE)


async def reactivate(work: Work, campaign_id: CampaignId) -> Preview:
    """Raises: NotFound."""
    return await _cascade(work, campaign_id, Action.REACTIVATE)


async def _cascade(work: Work, campaign_id: CampaignId, action: Action) -> Preview:
    told = _Told()
    async with _tried(work, told) as (tx, dry):
        before, after, steps = await pausing.prepare(tx, dry, campaign_id, action)
        told.changed({"status": before.status.value}, {"status": after.status.value})
        told.calls += [_call(step.buy, step.operation) for step in steps if step.operation is not None]
        told.warnings += [f"Media buy {step.buy.id}: {step.error}" for step in steps if step.error is not None]
    return told.preview()


async def pause_media_buy(work: Work, buy_id: MediaBuyId) -> Preview:
    """Raises: NotFound."""
    return await _one(work, buy_id, paused=True)


async def reactivate_media_buy(work: Work, buy_id: MediaBuyId) -> Preview:
    """Raises: NotFound."""
    return await _one(work, buy_id, paused=False)


async def _one(work: Work, buy_id: MediaBuyId, *, paused: bool) -> Preview:
    told = _Told()
    async with _tried(work, told) as (tx, dry):
        buy, planned = await verbs.prepare(tx, dry, buy_id, paused=paused)
        if isinstance(planned, PlatformError):
            told.warnings.append(f"It could not be asked of the seller: {planned.message}")
        else:
            told.changed({"status": buy.status.value}, {"status": "PAUSED" if paused else "ACTIVE"})
            told.calls.append(_call(buy, planned))
    return told.preview()


def _call(buy: MediaBuy, operation: Operation, *, new: bool = False) -> Call:
    amounts = (buy.budget - buy.budget, buy.budget) if new else (None, None)
    return Call(
        buy.id,
        buy.agent_id,
        buy.storefront_id,
        operation.prepared.tool,
        buy.currency,
        operation.prepared.arguments,
        *amounts,
    )

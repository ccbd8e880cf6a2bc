"""What a stop, or undoing one, would do: the same walk, in transactions that are taken back (ruling 0.17)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from buyside.domain.accounts import Right
from buyside.domain.campaigns import Campaign
from buyside.domain.errors import BuysideError
from buyside.domain.ids import StopId
from buyside.domain.media_buys import MediaBuy
from buyside.domain.operations import Operation
from buyside.domain.previews import Call, Change, Preview, Refusal
from buyside.domain.stops import Scope, Stop
from buyside.services.stops import making, spreading
from buyside.services.stops.spreading import Standing, Step
from buyside.services.work import Work

_MOST_COUNTED = 10_000


async def preview_make(work: Work, scope: Scope, reason: str) -> Preview:
    """What `make` would do. Calls no seller, writes nothing."""
    made = Stop(StopId("new"), scope, reason, work.caller.name, work.now())

    def standing(stops: Sequence[Stop], _: Campaign) -> Sequence[Stop]:
        return [*stops, made]

    try:
        work.require(Right.STOP)
        async with work.reading() as tx:
            await making.require_scope(tx, scope)
            drafts = await tx.media_buys.drafts_in(scope, _MOST_COUNTED)
    except BuysideError as refused:
        return Preview(refusals=(Refusal(refused),))
    found = await _walked(work, scope, standing)
    waiting = f"{drafts} DRAFT media buys in its scope are not sent while the stop stands."
    return replace(found, warnings=(waiting,)) if drafts else found


async def preview_undo(work: Work, stop_id: StopId) -> Preview:
    """What `undo` would do. Calls no seller, writes nothing. Raises: NotFound."""

    def standing(stops: Sequence[Stop], _: Campaign) -> Sequence[Stop]:
        return [each for each in stops if each.id != stop_id]

    async with work.reading() as tx:
        stop = await tx.stops.get(stop_id)
    try:
        work.require(Right.STOP)
        stop.undone(work.caller.name, work.now(), ())
    except BuysideError as refused:
        return Preview(refusals=(Refusal(refused),))
    return await _walked(work, stop.scope, standing)


async def _walked(work: Work, scope: Scope, standing: Standing) -> Preview:
    trying, steps = replace(work, dry=True), list[Step]()
    async for campaign_id in spreading.campaigns_in(work, scope):
        async with trying.writing() as tx:
            steps += await spreading.bring(tx, trying, campaign_id, scope, standing)
    return Preview(
        tuple(change for step in steps for change in _changes(step)),
        tuple(call(step.after, step.operation) for step in steps if step.operation),
        tuple(Refusal(step.error, step.after.id) for step in steps if step.error),
    )


def _changes(step: Step) -> list[Change]:
    before, after = step.before.paused_by, step.after.paused_by
    if before is after:
        return []
    path = f"mediaBuys.{step.after.id}.pausedBy"
    return [Change(path, before.value if before else None, after.value if after else None)]


def call(buy: MediaBuy, operation: Operation) -> Call:
    """The operation as a preview shows it: what its seller would get, without our key."""
    told = json.loads(operation.prepared.body)
    told.pop("idempotency_key", None)
    return Call(buy.id, buy.agent_id, buy.storefront_id, operation.prepared.tool, buy.currency, told)

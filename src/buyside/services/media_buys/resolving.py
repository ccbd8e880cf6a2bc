"""What became of a change that a seller was asked for: taken over into the buy, or given up; each with its entry."""

from __future__ import annotations

from dataclasses import replace

from buyside.domain import media_buys, proposals, settling
from buyside.domain.amendments import Change
from buyside.domain.campaigns import Campaign
from buyside.domain.decisions import changes
from buyside.domain.media_buys import ErrorCode, ErrorOwner, MediaBuy, Trouble
from buyside.domain.operations import MIN_LOOKS, OPEN, State
from buyside.domain.orders import ObservedBuy
from buyside.services.media_buys import parts
from buyside.services.work import Tx

WITHDRAWN = "Withdrawn by the buyer."
UNSEEN = "The change got no answer, and the seller does not show it: everything stands as it was."


async def accepted(tx: Tx, campaign: Campaign, buy: MediaBuy, change: Change) -> MediaBuy:
    """The seller has it: from now on it is what we asked for. One that was withdrawn must not run."""
    after = proposals.applied(buy, change)
    action = "media_buy.canceled" if change.canceled else "media_buy.edited"
    before_facts, after_facts = _differences(buy, after, canceled=change.canceled)
    await tx.record(
        action,
        f"{buy.name}: {', '.join(after_facts) or 'nothing'} changed at the seller",
        parts.subject(campaign, buy),
        before=before_facts,
        after=after_facts,
        reason=change.reason,
        metadata={"proposalId": change.operation_id},
    )
    if change.withdrawn:
        return settling.guarded(after, ["a change that had been withdrawn was carried out"])
    return after


def _differences(buy: MediaBuy, after: MediaBuy, *, canceled: bool) -> tuple[dict[str, object], dict[str, object]]:
    old, new = changes(proposals.facts(buy), proposals.facts(after))
    if not canceled:
        old.pop("status", None)
        new.pop("status", None)
    return old, new


async def dropped(tx: Tx, campaign: Campaign, buy: MediaBuy, change: Change, why: str, action: str) -> MediaBuy:
    """The seller does not do it: the buy stays as it is. An earlier change that it had overtaken waits on."""
    old, new = changes(proposals.facts(buy), proposals.facts(proposals.applied(buy, change)))
    await tx.record(
        action,
        f"{buy.name}: not changed; {why}",
        parts.subject(campaign, buy),
        before=new,
        after=old,
        metadata={"proposalId": change.operation_id},
    )
    return replace(buy, change=change.behind)


async def read(tx: Tx, campaign: Campaign, buy: MediaBuy, observed: ObservedBuy) -> MediaBuy:
    """A reading decides on a change whose call is over and that no task answers for."""
    change = buy.change
    if change is None or change.operation_id is None:
        return buy
    asked = await tx.operations.get(change.operation_id)
    if asked.state in OPEN:
        return buy  # its own answer decides
    if proposals.holds(buy, change, observed):
        await tx.operations.save(replace(asked, state=State.DONE))
        return await accepted(tx, campaign, buy, change)
    if buy.status in media_buys.TERMINAL:
        return await dropped(tx, campaign, buy, change, f"The buy is {buy.status.value}.", "media_buy.edit_refused")
    if change.task_id is not None:
        return buy
    if change.looks + 1 < MIN_LOOKS:
        return replace(buy, change=replace(change, looks=change.looks + 1))
    await tx.operations.save(replace(asked, state=State.ABSENT, message=UNSEEN))
    after = await dropped(tx, campaign, buy, change, UNSEEN, "media_buy.edit_absent")
    return replace(after, trouble=Trouble(ErrorCode.SOURCE_UNAVAILABLE, ErrorOwner.SELLER, UNSEEN))

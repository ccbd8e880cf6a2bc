"""Changes on which a seller has still to decide: followed and withdrawn (interchange.md 3.21)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from buyside.domain.accounts import Right
from buyside.domain.errors import Conflict, NotFound
from buyside.domain.ids import MediaBuyId, OperationId
from buyside.domain.media_buys import MediaBuy
from buyside.domain.operations import OPEN, Operation, State
from buyside.services.media_buys import edited, parts, resolving
from buyside.services.work import Tx, Work


class Standing(StrEnum):
    PENDING = "PENDING"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"


@dataclass(frozen=True)
class Proposal:
    """A change as its seller has it to decide on; it goes by the id of the call that asked for it."""

    id: OperationId
    standing: Standing
    media_buy_id: MediaBuyId
    reason: str | None = None
    resolved_at: datetime | None = None


async def get(work: Work, which: OperationId) -> Proposal:
    """Raises: NotFound."""
    work.require(Right.READ)
    async with work.reading() as tx:
        asked = await _asked(tx, which)
        assert asked.media_buy_id is not None
        return _standing(asked, await tx.media_buys.get(asked.media_buy_id))


async def withdraw(work: Work, which: OperationId) -> None:
    """Take back a change on which its seller has not decided. AdCP has no word for that, so the seller may carry it
    out all the same: then the buy is paused, and says why.

    Raises: NotFound; Conflict when it is decided, or is still on its way.
    """
    work.require(Right.CAMPAIGNS)
    async with work.writing() as tx:
        asked = await _asked(tx, which)
        assert asked.media_buy_id is not None
        campaign, buy = await parts.locked(tx, asked.media_buy_id)
        found, change = _standing(asked, buy), buy.change
        if found.standing is not Standing.PENDING or change is None:
            raise Conflict(f"The proposal is {found.standing.value} already.", details={"status": found.standing.value})
        if asked.state in OPEN or change.operation_id != which:
            raise Conflict("The change is on its way to the seller; try again shortly.")
        marked = replace(buy, change=replace(change, withdrawn=True))
        await tx.operations.save(replace(asked, state=State.REFUSED, message=resolving.WITHDRAWN))
        await tx.media_buys.save(marked, work.now())
        await tx.record(
            "media_buy.edit_withdrawn",
            f"{buy.name}: a change that waited for its seller was withdrawn",
            parts.subject(campaign, buy),
            metadata={"proposalId": which},
        )


async def _asked(tx: Tx, which: OperationId) -> Operation:
    try:
        asked = await tx.operations.get(which)
    except NotFound:
        asked = None
    if asked is None or not edited.is_edit(asked) or asked.media_buy_id is None:
        raise NotFound(f"There is no update proposal {which}.")
    return asked


def _standing(asked: Operation, buy: MediaBuy) -> Proposal:
    assert asked.media_buy_id is not None
    waiting = [change for change in (buy.change, buy.change and buy.change.behind) if change]
    pending = any(change.operation_id == asked.id and not change.withdrawn for change in waiting)
    if pending or asked.state in OPEN:
        return Proposal(asked.id, Standing.PENDING, asked.media_buy_id)
    if asked.state is State.DONE:
        return Proposal(asked.id, Standing.APPROVED, asked.media_buy_id)
    return Proposal(asked.id, Standing.REJECTED, asked.media_buy_id, asked.message)

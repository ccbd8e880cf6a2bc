"""The decision log: read, filtered, taken back (interchange.md ruling 0.10)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from buyside.domain.accounts import Right
from buyside.domain.decisions import Decision, Wanted, taken_back
from buyside.domain.errors import BuysideError, Conflict
from buyside.domain.ids import DecisionId
from buyside.domain.previews import Change, Preview, Refusal
from buyside.services.reverting import UNDO, Undo
from buyside.services.work import Reverting, Work

MOST_COUNTED = 10_000


@dataclass(frozen=True)
class Page:
    """`total` is capped: at the cap there may be more."""

    entries: tuple[Decision, ...]
    total: int
    has_more: bool

    @property
    def is_capped(self) -> bool:
        return self.total >= MOST_COUNTED


async def page(
    work: Work, wanted: Wanted, *, after: tuple[datetime, str] | None = None, limit: int, offset: int = 0
) -> Page:
    """Newest first; older than `after` (at, id) where it is given."""
    work.require(Right.READ)
    async with work.reading() as tx:
        found = await tx.decisions.page(wanted, after=after, limit=limit + 1, offset=offset)
        total = await tx.decisions.count(wanted, MOST_COUNTED)
    return Page(tuple(found[:limit]), total, len(found) > limit)


async def get(work: Work, decision_id: DecisionId) -> Decision:
    """Raises: NotFound."""
    work.require(Right.READ)
    async with work.reading() as tx:
        return await tx.decisions.get(decision_id)


async def revert(work: Work, decision_id: DecisionId) -> Decision:
    """Put back what the decision changed, and write that down as a decision of its own, which is returned.

    Raises: NotFound; Conflict when it cannot be taken back, was already, or its subject has changed since; and
    whatever the service raises that makes the change.
    """
    work.require(Right.REVERT)
    entry = await get(work, decision_id)
    undo = _undo(entry)
    await _require_unchanged(work, undo, entry)
    await undo.act(_reverting(work, undo, entry), entry)
    async with work.reading() as tx:
        made = await tx.decisions.reverting(entry.id)
    if made is None:
        raise Conflict("Everything is already as it was before this decision.")
    return made


async def preview_revert(work: Work, decision_id: DecisionId) -> Preview:
    """What `revert` would do and why it would be refused. Calls no seller, writes nothing. Raises: NotFound."""
    work.require(Right.READ)
    entry = await get(work, decision_id)
    try:
        work.require(Right.REVERT)
        return await _previewed(work, _undo(entry), entry)
    except BuysideError as refused:
        return Preview(refusals=(Refusal(refused),))


async def _previewed(work: Work, undo: Undo, entry: Decision) -> Preview:
    before = await _require_unchanged(work, undo, entry)
    changed = tuple(Change(name, (entry.after or {}).get(name), value) for name, value in before.items())
    try:
        if undo.preview is not None:
            found = await undo.preview(work, entry)
            return replace(found, changes=(*changed, *found.changes))
        if undo.calls is None:
            await undo.act(replace(_reverting(work, undo, entry), dry=True), entry)
            return Preview(changed)
        work.require(Right.CAMPAIGNS)
        async with work.reading() as tx:
            return Preview(changed, tuple(await undo.calls(tx, entry)))
    except BuysideError as refused:
        return Preview(changed, refusals=(Refusal(refused),))


def _undo(entry: Decision) -> Undo:
    if entry.reverted_by is not None:
        raise Conflict(f"Decision {entry.id} was taken back by {entry.reverted_by} already.")
    if (undo := UNDO.get(entry.action)) is None:
        raise Conflict(f"What {entry.action} did cannot be taken back; it takes a decision of its own.")
    return undo


async def _require_unchanged(work: Work, undo: Undo, entry: Decision) -> Mapping[str, Any]:
    async with work.reading() as tx:
        return taken_back(entry, await undo.now(tx, entry))


def _reverting(work: Work, undo: Undo, entry: Decision) -> Work:
    reason = work.caller.reason or f"Takes back {entry.id}."
    return replace(work.because(reason), reverting=Reverting(entry, undo.by))

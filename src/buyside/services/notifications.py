"""What people are told without asking: read, and marked as read. Marks are nobody's decision and leave no entry."""

from __future__ import annotations

from dataclasses import dataclass, replace

from buyside.domain.accounts import Right
from buyside.domain.ids import NotificationId
from buyside.domain.notifications import Notification, Wanted
from buyside.services.work import Work

MOST_COUNTED = 10_000


@dataclass(frozen=True)
class Page:
    """`total` and `unread` are counted no further than MOST_COUNTED."""

    notifications: tuple[Notification, ...]
    total: int
    unread: int
    has_more: bool


async def page(work: Work, wanted: Wanted, *, limit: int, offset: int = 0) -> Page:
    """Newest first."""
    work.require(Right.READ)
    async with work.reading() as tx:
        found = await tx.notifications.page(wanted, limit=limit + 1, offset=offset)
        total = await tx.notifications.count(wanted, MOST_COUNTED)
        unread = await tx.notifications.count(replace(wanted, unread=True), MOST_COUNTED)
    return Page(tuple(found[:limit]), total, unread, len(found) > limit)


async def read(work: Work, which: NotificationId) -> None:
    """Raises: NotFound."""
    await _mark(work, which, acknowledged=False)


async def acknowledge(work: Work, which: NotificationId) -> None:
    """Read, and seen to. Raises: NotFound."""
    await _mark(work, which, acknowledged=True)


async def _mark(work: Work, which: NotificationId, *, acknowledged: bool) -> None:
    work.require(Right.READ)
    async with work.writing() as tx:
        await tx.notifications.mark(which, work.now(), acknowledged=acknowledged)


async def read_all(work: Work, advertiser_id: int | None = None) -> None:
    """All of them, or all of one advertiser's."""
    work.require(Right.READ)
    async with work.writing() as tx:
        await tx.notifications.mark_all(Wanted(unread=True, advertiser_id=advertiser_id), work.now())

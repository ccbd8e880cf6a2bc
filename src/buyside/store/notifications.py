from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from buyside.domain.decisions import Subject
from buyside.domain.errors import NotFound
from buyside.domain.ids import AccountId, NotificationId
from buyside.domain.notifications import Notice, Notification, Severity, Wanted
from buyside.store.tables import notification


class NotificationRepository:
    def __init__(self, conn: AsyncConnection, owner: AccountId) -> None:
        self._conn, self._owner = conn, owner

    async def add(self, new: Notification) -> None:
        notice, subject = new.notice, new.subject
        await self._conn.execute(
            insert(notification).values(
                id=new.id,
                account_id=self._owner,
                type=notice.type,
                severity=notice.severity.value,
                topic=notice.topic,
                state=notice.state,
                message=notice.message,
                subject_type=subject.type,
                subject_id=subject.id,
                advertiser_id=subject.advertiser_id,
                campaign_id=subject.campaign_id,
                media_buy_id=subject.media_buy_id,
                created_at=new.created_at,
            )
        )

    async def last_state(self, topic: str) -> str | None:
        """What was last told under a topic."""
        found = (
            select(notification.c.state)
            .where(notification.c.account_id == self._owner, notification.c.topic == topic)
            .order_by(notification.c.created_at.desc(), notification.c.id.desc())
            .limit(1)
        )
        state: str | None = await self._conn.scalar(found)
        return state

    async def page(self, wanted: Wanted, *, limit: int, offset: int = 0) -> list[Notification]:
        """Newest first."""
        rows = await self._conn.execute(
            select(notification)
            .where(*self._chosen(wanted))
            .order_by(notification.c.created_at.desc(), notification.c.id.desc())
            .limit(limit)
            .offset(offset)
        )
        return [_read(row) for row in rows]

    async def count(self, wanted: Wanted, most: int) -> int:
        """How many there are, counted no further than `most`."""
        some = select(notification.c.id).where(*self._chosen(wanted)).limit(most).subquery()
        return await self._conn.scalar(select(func.count()).select_from(some)) or 0

    async def mark(self, which: NotificationId, now: datetime, *, acknowledged: bool) -> None:
        """Read, and acknowledged where asked; the first time counts. Raises: NotFound, also for another account's."""
        mine = [notification.c.account_id == self._owner, notification.c.id == which]
        values: dict[str, Any] = {"read_at": func.coalesce(notification.c.read_at, now)}
        if acknowledged:
            values["acknowledged_at"] = func.coalesce(notification.c.acknowledged_at, now)
        if (await self._conn.execute(update(notification).where(*mine).values(values))).rowcount == 0:
            raise NotFound(f"There is no notification {which}.")

    async def mark_all(self, wanted: Wanted, now: datetime) -> None:
        await self._conn.execute(update(notification).where(*self._chosen(wanted)).values(read_at=now))

    def _chosen(self, wanted: Wanted) -> Sequence[ColumnElement[bool]]:
        columns = {
            "severity": wanted.severity and wanted.severity.value,
            "advertiser_id": wanted.advertiser_id,
            "campaign_id": wanted.campaign_id,
        }
        chosen = [notification.c[name] == value for name, value in columns.items() if value is not None]
        if wanted.unread:
            chosen.append(notification.c.read_at.is_(None))
        if wanted.types:
            chosen.append(notification.c.type.in_(wanted.types))
        if wanted.creative_id is not None:
            chosen += [notification.c.subject_type == "creative", notification.c.subject_id == wanted.creative_id]
        return [notification.c.account_id == self._owner, *chosen]


def _read(row: Row[Any]) -> Notification:
    return Notification(
        NotificationId(row.id),
        Notice(row.type, Severity(row.severity), row.message, row.topic, row.state),
        Subject(row.subject_type, row.subject_id, row.advertiser_id, row.campaign_id, row.media_buy_id),
        row.created_at,
        row.read_at,
        row.acknowledged_at,
    )

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from buyside.domain.frequency import Cap, KeptCap, Level, Unit
from buyside.domain.ids import AccountId
from buyside.store.tables import frequency_cap


class FrequencyCapRepository:
    def __init__(self, conn: AsyncConnection, owner: AccountId) -> None:
        self._conn, self._owner = conn, owner

    async def of(self, level: Level, target: str, *, archived: bool = False) -> list[KeptCap]:
        """In the order they were given; `archived` shows the replaced ones too."""
        where = [*self._on(level, target)]
        if not archived:
            where.append(frequency_cap.c.archived_at.is_(None))
        rows = await self._conn.execute(select(frequency_cap).where(*where).order_by(frequency_cap.c.id))
        return [_read(row) for row in rows]

    async def replace(self, level: Level, target: str, caps: Sequence[Cap], now: datetime) -> None:
        """Archive what is there and keep these instead."""
        await self._conn.execute(
            update(frequency_cap)
            .where(*self._on(level, target), frequency_cap.c.archived_at.is_(None))
            .values(archived_at=now, updated_at=now)
        )
        for cap in caps:
            await self._conn.execute(
                insert(frequency_cap).values(
                    account_id=self._owner,
                    level=level.value,
                    target=target,
                    max_impressions=cap.max_impressions,
                    window_interval=cap.interval,
                    window_unit=cap.unit.value,
                    created_at=now,
                    updated_at=now,
                )
            )

    def _on(self, level: Level, target: str) -> list[Any]:
        return [
            frequency_cap.c.account_id == self._owner,
            frequency_cap.c.level == level.value,
            frequency_cap.c.target == target,
        ]


def _read(row: Row[Any]) -> KeptCap:
    return KeptCap(
        row.id,
        Level(row.level),
        row.target,
        Cap(row.max_impressions, row.window_interval, Unit(row.window_unit)),
        row.created_at,
        row.updated_at,
        row.archived_at,
    )

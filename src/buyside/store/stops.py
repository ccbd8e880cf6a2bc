from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from buyside.domain.errors import NotFound
from buyside.domain.ids import AccountId, AdvertiserId, StopId
from buyside.domain.stops import Stop
from buyside.store import codec
from buyside.store.tables import stop


class StopRepository:
    """Stops of one account. `due_at`: when the clock carries it on; None once all in its scope has been seen to."""

    def __init__(self, conn: AsyncConnection, owner: AccountId) -> None:
        self._conn, self._owner = conn, owner

    async def get(self, stop_id: StopId, *, lock: bool = False) -> Stop:
        """Raises: NotFound, also for another account's."""
        found = select(stop.c.body).where(stop.c.account_id == self._owner, stop.c.id == stop_id)
        row = (await self._conn.execute(found.with_for_update() if lock else found)).first()
        if row is None:
            raise NotFound(f"There is no stop {stop_id}.")
        return _read(row)

    async def standing(self, advertiser_id: AdvertiserId) -> list[Stop]:
        """The stops that stand over this advertiser or some of its buys, the oldest first."""
        rows = await self._conn.execute(
            select(stop.c.body)
            .where(
                stop.c.account_id == self._owner,
                stop.c.standing.is_(True),
                or_(stop.c.advertiser_id.is_(None), stop.c.advertiser_id == advertiser_id),
            )
            .order_by(stop.c.created_at, stop.c.id)
        )
        return [_read(row) for row in rows]

    async def add(self, new: Stop, due_at: datetime) -> None:
        await self._conn.execute(
            insert(stop).values(
                id=new.id,
                account_id=self._owner,
                advertiser_id=new.scope.advertiser_id,
                storefront_id=new.scope.storefront_id,
                created_at=new.made_at,
                **_written(new, due_at),
            )
        )

    async def save(self, changed: Stop, due_at: datetime | None) -> None:
        await self._conn.execute(
            update(stop)
            .where(stop.c.account_id == self._owner, stop.c.id == changed.id)
            .values(**_written(changed, due_at))
        )

    async def carried(self, seen: Stop) -> None:
        """All in its scope has been seen to, as it stood when it was `seen`."""
        await self._conn.execute(
            update(stop)
            .where(stop.c.account_id == self._owner, stop.c.id == seen.id, stop.c.standing.is_(seen.standing))
            .values(due_at=None)
        )

    async def claim(self, stop_id: StopId, now: datetime, until: datetime) -> bool:
        """Whether it is due and now ours to carry on; nobody else does before `until`."""
        done = await self._conn.execute(
            update(stop)
            .where(stop.c.account_id == self._owner, stop.c.id == stop_id, stop.c.due_at <= now)
            .values(due_at=until)
        )
        return done.rowcount == 1

    async def page(self, *, after: tuple[datetime, str] | None = None, limit: int, offset: int = 0) -> list[Stop]:
        """Newest first; up to `limit` older than `after` (at, id)."""
        older = []
        if after is not None:
            at, last = after
            older = [stop.c.created_at <= at, or_(stop.c.created_at < at, stop.c.id < last)]
        rows = await self._conn.execute(
            select(stop.c.body)
            .where(stop.c.account_id == self._owner, *older)
            .order_by(stop.c.created_at.desc(), stop.c.id.desc())
            .limit(limit)
            .offset(offset)
        )
        return [_read(row) for row in rows]

    async def count(self) -> int:
        found = select(func.count()).select_from(stop).where(stop.c.account_id == self._owner)
        return await self._conn.scalar(found) or 0


async def due(conn: AsyncConnection, now: datetime, limit: int) -> Sequence[tuple[AccountId, StopId]]:
    """Stops of any account, and stops undone, that whoever began them has not seen through."""
    rows = await conn.execute(
        select(stop.c.account_id, stop.c.id).where(stop.c.due_at <= now).order_by(stop.c.due_at).limit(limit)
    )
    return [(AccountId(row.account_id), StopId(row.id)) for row in rows]


def _written(value: Stop, due_at: datetime | None) -> dict[str, Any]:
    return {"standing": value.standing, "due_at": due_at, "body": codec.dump(Stop, value)}


def _read(row: Row[Any]) -> Stop:
    found: Stop = codec.load(Stop, row.body)
    return found

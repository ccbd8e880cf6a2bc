from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from buyside.domain.audiences import Audience, Status
from buyside.domain.ids import AccountId, AdvertiserId
from buyside.store.tables import audience


class AudienceRepository:
    """Audiences of one account. Their ids are the buyer's, unique within an advertiser."""

    def __init__(self, conn: AsyncConnection, owner: AccountId) -> None:
        self._conn, self._owner = conn, owner

    async def add(self, new: Audience) -> None:
        await self._conn.execute(
            insert(audience).values(
                account_id=self._owner,
                advertiser_id=new.advertiser_id,
                id=new.id,
                name=new.name,
                status=new.status.value,
                created_at=new.created_at,
                updated_at=new.updated_at,
            )
        )

    async def of(self, advertiser_id: AdvertiserId, ids: Sequence[str]) -> list[Audience]:
        """Those of the given ids that the advertiser has."""
        rows = await self._conn.execute(
            select(audience).where(
                audience.c.account_id == self._owner,
                audience.c.advertiser_id == advertiser_id,
                audience.c.id.in_(ids),
                audience.c.deleted_at.is_(None),
            )
        )
        return [_read(row) for row in rows]


def _read(row: Row[Any]) -> Audience:
    return Audience(
        row.id, AdvertiserId(row.advertiser_id), row.name, Status(row.status), row.created_at, row.updated_at
    )

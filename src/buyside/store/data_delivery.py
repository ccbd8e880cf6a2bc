from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import Row, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from buyside.domain.data_delivery import Credential, Destination
from buyside.domain.ids import AccountId, AdvertiserId
from buyside.store.tables import data_delivery_credential as credential


class DataDeliveryRepository:
    """Credentials that data is delivered with, without their secrets."""

    def __init__(self, conn: AsyncConnection, owner: AccountId) -> None:
        self._conn, self._owner = conn, owner

    async def add(self, new: Credential) -> Credential:
        """With the id that the store gives it."""
        made = await self._conn.scalar(
            insert(credential)
            .values(
                account_id=self._owner,
                advertiser_id=new.advertiser_id,
                name=new.name,
                destination_type=new.destination.value,
                created_at=new.created_at,
                updated_at=new.updated_at,
            )
            .returning(credential.c.id)
        )
        assert made is not None
        return replace(new, id=int(made))

    async def live(self, advertiser_id: AdvertiserId) -> list[Credential]:
        rows = await self._conn.execute(
            select(credential)
            .where(
                credential.c.account_id == self._owner,
                credential.c.advertiser_id == advertiser_id,
                credential.c.archived_at.is_(None),
            )
            .order_by(credential.c.id)
        )
        return [_read(row) for row in rows]


def _read(row: Row[Any]) -> Credential:
    return Credential(
        row.id,
        AdvertiserId(row.advertiser_id),
        row.name,
        Destination(row.destination_type),
        row.created_at,
        row.updated_at,
    )

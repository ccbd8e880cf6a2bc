from __future__ import annotations

from datetime import datetime

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from buyside.domain.errors import NotFound
from buyside.domain.ids import AccountId, AdvertiserId
from buyside.store.tables import catalog


class CatalogRepository:
    def __init__(self, conn: AsyncConnection, owner: AccountId) -> None:
        self._conn, self._owner = conn, owner

    async def add(self, advertiser_id: AdvertiserId, external_id: str, now: datetime, name: str | None = None) -> int:
        """The number that the store gives it."""
        made = await self._conn.scalar(
            insert(catalog)
            .values(
                account_id=self._owner,
                advertiser_id=advertiser_id,
                external_id=external_id,
                name=name,
                created_at=now,
                updated_at=now,
            )
            .returning(catalog.c.id)
        )
        assert made is not None
        return int(made)

    async def owner_of(self, catalog_id: int) -> AdvertiserId:
        """The advertiser that has the catalog. Raises: NotFound, also for another account's."""
        found = await self._conn.scalar(
            select(catalog.c.advertiser_id).where(
                catalog.c.account_id == self._owner, catalog.c.id == catalog_id, catalog.c.archived_at.is_(None)
            )
        )
        if found is None:
            raise NotFound(f"There is no catalog {catalog_id}.", field="catalogId")
        return AdvertiserId(found)

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from buyside.domain import campaigns
from buyside.domain.advertisers import Advertiser, AdvertiserSpec, Status
from buyside.domain.errors import NotFound
from buyside.domain.ids import AccountId, AdvertiserId
from buyside.store import codec
from buyside.store.tables import advertiser, campaign
from buyside.store.text import contains


class AdvertiserRepository:
    def __init__(self, conn: AsyncConnection, owner: AccountId) -> None:
        self._conn, self._owner = conn, owner

    async def get(self, advertiser_id: AdvertiserId) -> Advertiser:
        """Raises: NotFound, also for another account's."""
        return _read(await self._row(advertiser_id, lock=False))

    async def lock(self, advertiser_id: AdvertiserId) -> Advertiser:
        """Held to the end of the transaction: nobody changes it between this look and `save`."""
        return _read(await self._row(advertiser_id, lock=True))

    async def _row(self, advertiser_id: AdvertiserId, *, lock: bool) -> Row[Any]:
        found = select(advertiser).where(advertiser.c.account_id == self._owner, advertiser.c.id == advertiser_id)
        row = (await self._conn.execute(found.with_for_update() if lock else found)).first()
        if row is None:
            raise NotFound(f"There is no advertiser {advertiser_id}.")
        return row

    async def running_campaigns(self, advertiser_id: AdvertiserId) -> int:
        """How many of its campaigns may still spend."""
        running = [s.value for s in (campaigns.Status.ACTIVE, campaigns.Status.PAUSED)]
        found = await self._conn.scalar(
            select(func.count())
            .select_from(campaign)
            .where(
                campaign.c.account_id == self._owner,
                campaign.c.advertiser_id == advertiser_id,
                campaign.c.status.in_(running),
            )
        )
        return found or 0

    async def add(self, new: Advertiser) -> Advertiser:
        """With the id that the store gives it."""
        made = await self._conn.scalar(
            insert(advertiser).values(account_id=self._owner, **_written(new)).returning(advertiser.c.id)
        )
        assert made is not None
        return replace(new, id=AdvertiserId(made))

    async def save(self, changed: Advertiser) -> None:
        await self._conn.execute(
            update(advertiser)
            .where(advertiser.c.account_id == self._owner, advertiser.c.id == changed.id)
            .values(_written(changed))
        )

    async def page(
        self,
        *,
        status: Status | None,
        name: str | None = None,
        sandbox: bool | None = None,
        limit: int,
        offset: int,
    ) -> tuple[list[Advertiser], int]:
        """One page by id, and how many there are in all."""
        wanted = [advertiser.c.account_id == self._owner]
        if status is not None:
            wanted.append(advertiser.c.status == status.value)
        if name:
            wanted.append(contains(advertiser.c.name_folded, name))
        if sandbox is not None:
            wanted.append(advertiser.c.sandbox.is_(sandbox))
        count = await self._conn.scalar(select(func.count()).select_from(advertiser).where(*wanted))
        rows = await self._conn.execute(
            select(advertiser).where(*wanted).order_by(advertiser.c.id).limit(limit).offset(offset)
        )
        return [_read(row) for row in rows], count or 0


def _written(value: Advertiser) -> dict[str, Any]:
    return {
        "name": value.spec.name,
        "name_folded": value.spec.name.casefold(),
        "status": value.status.value,
        "sandbox": value.sandbox,
        "currency_locked": value.currency_locked,
        "spec": codec.dump(AdvertiserSpec, value.spec),
        "created_at": value.created_at,
        "updated_at": value.updated_at,
    }


def _read(row: Row[Any]) -> Advertiser:
    return Advertiser(
        AdvertiserId(row.id),
        codec.load(AdvertiserSpec, row.spec),
        Status(row.status),
        row.sandbox,
        row.currency_locked,
        row.created_at,
        row.updated_at,
    )

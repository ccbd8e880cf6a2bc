from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from buyside.domain.creatives import Creative
from buyside.domain.errors import NotFound
from buyside.domain.ids import AccountId, CampaignId, CreativeId
from buyside.store import codec
from buyside.store.tables import creative
from buyside.store.text import contains


class CreativeRepository:
    def __init__(self, conn: AsyncConnection, owner: AccountId) -> None:
        self._conn, self._owner = conn, owner

    async def get(self, campaign_id: CampaignId, creative_id: CreativeId) -> Creative:
        """Raises: NotFound, also for another account's or another campaign's."""
        found = select(creative.c.body).where(
            creative.c.account_id == self._owner,
            creative.c.campaign_id == campaign_id,
            creative.c.id == creative_id,
            creative.c.archived_at.is_(None),
        )
        row = (await self._conn.execute(found)).first()
        if row is None:
            raise NotFound(f"There is no creative {creative_id} on campaign {campaign_id}.")
        return _read(row)

    async def named(self, campaign_id: CampaignId, name: str) -> Creative | None:
        found = select(creative.c.body).where(
            creative.c.account_id == self._owner,
            creative.c.campaign_id == campaign_id,
            creative.c.name == name,
            creative.c.archived_at.is_(None),
        )
        row = (await self._conn.execute(found)).first()
        return _read(row) if row else None

    async def of(self, campaign_id: CampaignId) -> list[Creative]:
        return await self._listed(self._living(campaign_id))

    async def page(
        self, campaign_id: CampaignId, *, search: str | None = None, limit: int, offset: int
    ) -> tuple[list[Creative], int]:
        wanted = self._living(campaign_id)
        if search:
            wanted.append(contains(creative.c.name_folded, search))
        count = await self._conn.scalar(select(func.count()).select_from(creative).where(*wanted))
        return await self._listed(wanted, limit, offset), count or 0

    def _living(self, campaign_id: CampaignId) -> list[ColumnElement[bool]]:
        return [
            creative.c.account_id == self._owner,
            creative.c.campaign_id == campaign_id,
            creative.c.archived_at.is_(None),
        ]

    async def _listed(
        self, wanted: Sequence[ColumnElement[bool]], limit: int = 10_000, offset: int = 0
    ) -> list[Creative]:
        rows = await self._conn.execute(
            select(creative.c.body)
            .where(*wanted)
            .order_by(creative.c.created_at, creative.c.id)
            .limit(limit)
            .offset(offset)
        )
        return [_read(row) for row in rows]

    async def add(self, new: Creative) -> None:
        await self._conn.execute(insert(creative).values(account_id=self._owner, **_written(new)))

    async def save(self, changed: Creative) -> None:
        await self._conn.execute(
            update(creative)
            .where(creative.c.account_id == self._owner, creative.c.id == changed.id)
            .values(_written(changed))
        )


def _written(value: Creative) -> dict[str, Any]:
    return {
        "id": value.id,
        "advertiser_id": value.advertiser_id,
        "campaign_id": value.campaign_id,
        "name": value.spec.name,
        "name_folded": value.spec.name.casefold(),
        "body": codec.dump(Creative, value),
        "created_at": value.created_at,
        "updated_at": value.updated_at,
        "archived_at": value.archived_at,
    }


def _read(row: Row[Any]) -> Creative:
    found: Creative = codec.load(Creative, row.body)
    return found

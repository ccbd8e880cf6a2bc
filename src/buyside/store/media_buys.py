from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from buyside.domain import campaigns
from buyside.domain.errors import Conflict, NotFound
from buyside.domain.heads import Head, Outline, head
from buyside.domain.ids import AccountId, AgentId, CampaignId, MediaBuyId
from buyside.domain.media_buys import LIVE, MediaBuy, Status
from buyside.domain.money import Money
from buyside.domain.stops import Scope
from buyside.store import codec
from buyside.store.tables import campaign, media_buy


class MediaBuyRepository:
    """One row a buy, its packages inside; what is filtered by is repeated in columns."""

    def __init__(self, conn: AsyncConnection, owner: AccountId) -> None:
        self._conn, self._owner = conn, owner

    async def get(self, buy_id: MediaBuyId) -> MediaBuy:
        """Raises: NotFound, also for another account's."""
        found = select(media_buy.c.body).where(media_buy.c.account_id == self._owner, media_buy.c.id == buy_id)
        row = (await self._conn.execute(found)).first()
        if row is None:
            raise NotFound(f"There is no media buy {buy_id}.")
        return _read(row)

    async def of(
        self, campaign_id: CampaignId, *, archived: bool = True, only: Collection[MediaBuyId] = ()
    ) -> list[MediaBuy]:
        """The campaign's buys in the order in which they were made. `only`: those of them, where any is named."""
        wanted = [media_buy.c.account_id == self._owner, media_buy.c.campaign_id == campaign_id]
        if not archived:
            wanted.append(media_buy.c.status != Status.ARCHIVED.value)
        if only:
            wanted.append(media_buy.c.id.in_(only))
        rows = await self._conn.execute(
            select(media_buy.c.body).where(*wanted).order_by(media_buy.c.created_at, media_buy.c.id)
        )
        return [_read(row) for row in rows]

    async def several(self, wanted: Sequence[MediaBuyId]) -> list[MediaBuy]:
        """Those of them that there are, in no order."""
        found: list[MediaBuy] = []
        for part in range(0, len(wanted), 500):
            chosen = media_buy.c.id.in_(wanted[part : part + 500])
            rows = await self._conn.execute(
                select(media_buy.c.body).where(media_buy.c.account_id == self._owner, chosen)
            )
            found += [_read(row) for row in rows]
        return found

    async def heads(self, campaign_id: CampaignId, currency: str) -> list[Head]:
        """All of the campaign's buys, a line each, in the order in which they were made."""
        columns = media_buy.c.id, media_buy.c.status, media_buy.c.allocated, media_buy.c.outline
        rows = await self._conn.execute(
            select(*columns)
            .where(media_buy.c.account_id == self._owner, media_buy.c.campaign_id == campaign_id)
            .order_by(media_buy.c.created_at, media_buy.c.id)
        )
        found = rows.all()
        outlines = {text: codec.load(Outline, text) for text in {row.outline for row in found}}
        return [
            Head(MediaBuyId(row.id), Status(row.status), Money(row.allocated, currency), outlines[row.outline])
            for row in found
        ]

    async def add(self, new: MediaBuy) -> None:
        await self._conn.execute(insert(media_buy).values(account_id=self._owner, **_written(new)))

    async def save(self, after: MediaBuy, now: datetime) -> MediaBuy:
        """One version further. Raises: Conflict when somebody else saved first."""
        saved = replace(after, version=after.version + 1, updated_at=now)
        done = await self._conn.execute(
            update(media_buy)
            .where(
                media_buy.c.account_id == self._owner,
                media_buy.c.id == after.id,
                media_buy.c.version == after.version,
            )
            .values(_written(saved))
        )
        if done.rowcount != 1:
            raise Conflict(f"Media buy {after.id} was changed meanwhile; read it again.")
        return saved

    async def campaigns_in(self, scope: Scope, *, after: CampaignId | None, limit: int) -> list[CampaignId]:
        """Campaigns with buys in the scope that are placed and not over, by id."""
        rows = await self._conn.execute(
            select(media_buy.c.campaign_id)
            .join(campaign, campaign.c.id == media_buy.c.campaign_id)
            .where(*self._in(scope, LIVE), *([media_buy.c.campaign_id > after] if after else []))
            .distinct()
            .order_by(media_buy.c.campaign_id)
            .limit(limit)
        )
        return [CampaignId(row.campaign_id) for row in rows]

    async def live_in(
        self, scope: Scope, *, after: MediaBuyId | None = None, limit: int
    ) -> list[tuple[MediaBuy, campaigns.Status]]:
        """Buys in the scope that are placed and not over, each with its campaign's status, by id."""
        later = [media_buy.c.id > after] if after else []
        return await self._with_campaigns([*self._in(scope, LIVE), *later], limit)

    async def by_ids(self, ids: Sequence[MediaBuyId]) -> list[tuple[MediaBuy, campaigns.Status]]:
        """Those of them that are this account's, each with its campaign's status, by id."""
        return await self._with_campaigns(
            [media_buy.c.account_id == self._owner, media_buy.c.id.in_(ids)], max(1, len(ids))
        )

    async def drafts_in(self, scope: Scope, limit: int) -> int:
        """How many DRAFT buys of campaigns that could be executed are in the scope, counted up to `limit`."""
        open_ones = [s.value for s in campaigns.LISTED]
        rows = await self._conn.execute(
            select(media_buy.c.id)
            .join(campaign, campaign.c.id == media_buy.c.campaign_id)
            .where(*self._in(scope, {Status.DRAFT}), campaign.c.status.in_(open_ones))
            .limit(limit)
        )
        return len(rows.all())

    async def _with_campaigns(
        self, where: Sequence[ColumnElement[bool]], limit: int
    ) -> list[tuple[MediaBuy, campaigns.Status]]:
        rows = await self._conn.execute(
            select(media_buy.c.body, campaign.c.status)
            .join(campaign, campaign.c.id == media_buy.c.campaign_id)
            .where(*where)
            .order_by(media_buy.c.id)
            .limit(limit)
        )
        return [(_read(row), campaigns.Status(row.status)) for row in rows]

    def _in(self, scope: Scope, statuses: Collection[Status]) -> list[ColumnElement[bool]]:
        where = [media_buy.c.account_id == self._owner, media_buy.c.status.in_(sorted(s.value for s in statuses))]
        if scope.advertiser_id is not None:
            where.append(campaign.c.advertiser_id == scope.advertiser_id)
        if scope.storefront_id is not None:
            where.append(media_buy.c.storefront_id == scope.storefront_id)
        return where

    async def seller_ids(self, agent_id: AgentId) -> set[str]:
        """The seller's ids of all buys of this account at one agent."""
        rows = await self._conn.execute(
            select(media_buy.c.body).where(media_buy.c.account_id == self._owner, media_buy.c.agent_id == agent_id)
        )
        return {buy.seller_buy_id for buy in map(_read, rows) if buy.seller_buy_id is not None}


async def take_due(
    conn: AsyncConnection, now: datetime, until: datetime, limit: int
) -> Sequence[tuple[AccountId, MediaBuyId, AgentId]]:
    """Buys of any account that the watch should look at, the longest due first. They are not due again before `until`:
    whoever took them sets their next look; if that process dies, another finds them then."""
    rows = await conn.execute(
        select(media_buy.c.account_id, media_buy.c.id, media_buy.c.agent_id, media_buy.c.check_at)
        .where(media_buy.c.check_at <= now)
        .order_by(media_buy.c.check_at)
        .limit(limit)
    )
    taken = []
    for row in rows.all():
        mine = update(media_buy).where(media_buy.c.id == row.id, media_buy.c.check_at == row.check_at)
        if (await conn.execute(mine.values(check_at=until))).rowcount:
            taken.append((AccountId(row.account_id), MediaBuyId(row.id), AgentId(row.agent_id)))
    return taken


def _written(value: MediaBuy) -> dict[str, Any]:
    line = head(value)
    return {
        "allocated": line.allocated.minor,
        "outline": codec.dump(Outline, line.outline),
        "id": value.id,
        "campaign_id": value.campaign_id,
        "agent_id": value.agent_id,
        "storefront_id": value.storefront_id,
        "status": value.status.value,
        "version": value.version,
        "check_at": value.check_at,
        "body": codec.dump(MediaBuy, value),
        "created_at": value.created_at,
        "updated_at": value.updated_at,
    }


def _read(row: Row[*tuple[Any, ...]]) -> MediaBuy:
    found: MediaBuy = codec.load(MediaBuy, row.body)
    return found

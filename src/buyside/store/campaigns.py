from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, exists, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from buyside.domain import media_buys
from buyside.domain.campaigns import Campaign, CampaignSpec, Mode, Status
from buyside.domain.errors import Conflict, NotFound
from buyside.domain.ids import AccountId, AdvertiserId, CampaignId, MediaBuyId
from buyside.store import codec
from buyside.store.tables import campaign, campaign_tally, media_buy
from buyside.store.text import contains

COUNT_CAP = 10_000


@dataclass(frozen=True)
class Filter:
    statuses: tuple[Status, ...]
    advertiser_id: AdvertiserId | None = None
    name: str | None = None
    modes: tuple[Mode, ...] = ()
    media_buy_statuses: tuple[media_buys.Status, ...] = ()

    @property
    def by_status_alone(self) -> bool:
        return not (self.advertiser_id or self.name or self.modes or self.media_buy_statuses)


class CampaignRepository:
    def __init__(self, conn: AsyncConnection, owner: AccountId) -> None:
        self._conn, self._owner = conn, owner

    async def get(self, campaign_id: CampaignId) -> Campaign:
        """Raises: NotFound, also for another account's."""
        return await self._one(campaign.c.id == campaign_id, f"campaign {campaign_id}")

    async def several(self, wanted: Collection[CampaignId]) -> list[Campaign]:
        """Those of them that there are, in no order."""
        ids, found = list(wanted), list[Campaign]()
        for part in range(0, len(ids), 500):
            chosen = campaign.c.id.in_(ids[part : part + 500])
            rows = await self._conn.execute(select(campaign).where(campaign.c.account_id == self._owner, chosen))
            found += [_read(row) for row in rows]
        return found

    async def lock(self, campaign_id: CampaignId) -> Campaign:
        """Like get, and nobody else changes the campaign or its buys before the transaction ends.

        Whoever touches buys locks their campaign first: one order, no deadlock.
        """
        return await self._one(campaign.c.id == campaign_id, f"campaign {campaign_id}", lock=True)

    async def lock_of(self, buy_id: MediaBuyId) -> Campaign:
        """The campaign of a buy, locked. Raises: NotFound, also for another account's."""
        its = select(media_buy.c.campaign_id).where(media_buy.c.account_id == self._owner, media_buy.c.id == buy_id)
        return await self._one(campaign.c.id == its.scalar_subquery(), f"media buy {buy_id}", lock=True)

    async def _one(self, which: ColumnElement[bool], called: str, *, lock: bool = False) -> Campaign:
        found = select(campaign).where(campaign.c.account_id == self._owner, which)
        row = (await self._conn.execute(found.with_for_update() if lock else found)).first()
        if row is None:
            raise NotFound(f"There is no {called}.")
        return _read(row)

    async def add(self, new: Campaign) -> None:
        await self._conn.execute(insert(campaign).values(account_id=self._owner, **_written(new)))
        await self._tally(new.status, 1)

    async def save(self, before: Campaign, after: Campaign, now: datetime) -> Campaign:
        """One revision further. Raises: Conflict when somebody else saved first."""
        saved = replace(after, revision=before.revision + 1, updated_at=now)
        done = await self._conn.execute(
            update(campaign)
            .where(
                campaign.c.account_id == self._owner, campaign.c.id == after.id, campaign.c.revision == before.revision
            )
            .values(_written(saved))
        )
        if done.rowcount != 1:
            raise Conflict(f"Campaign {after.id} was changed meanwhile; read it again.", field="expectedRevision")
        if before.status is not after.status:
            await self._tally(before.status, -1)
            await self._tally(after.status, 1)
        return saved

    async def commit(self, held: Campaign) -> None:
        """A buy of it was accepted or left pending. Not an edit: the revision stays."""
        if not held.committed:
            await self._conn.execute(
                update(campaign)
                .where(campaign.c.account_id == self._owner, campaign.c.id == held.id)
                .values(committed=True)
            )

    async def _tally(self, status: Status, step: int) -> None:
        key = [campaign_tally.c.account_id == self._owner, campaign_tally.c.status == status.value]
        done = await self._conn.execute(update(campaign_tally).where(*key).values(count=campaign_tally.c.count + step))
        if done.rowcount == 0:
            await self._conn.execute(
                insert(campaign_tally).values(account_id=self._owner, status=status.value, count=step)
            )

    async def page(
        self, wanted: Filter, *, after: tuple[datetime, str] | None = None, limit: int, offset: int = 0
    ) -> list[Campaign]:
        """Newest first; up to `limit` campaigns older than `after`."""
        where = self._where(wanted)
        if after is not None:
            at, last = after
            # The index is entered at the first condition; with `or` alone everything newer would be read and left out.
            where += [campaign.c.created_at <= at, or_(campaign.c.created_at < at, campaign.c.id < last)]
        rows = await self._conn.execute(
            select(campaign)
            .where(*where)
            .order_by(campaign.c.created_at.desc(), campaign.c.id.desc())
            .limit(limit)
            .offset(offset)
        )
        return [_read(row) for row in rows]

    async def count(self, wanted: Filter) -> tuple[int, bool]:
        """How many there are, and whether that is exact: counting stops at COUNT_CAP unless a tally is kept."""
        if wanted.by_status_alone:
            found = await self._conn.scalar(
                select(func.coalesce(func.sum(campaign_tally.c.count), 0)).where(
                    campaign_tally.c.account_id == self._owner,
                    campaign_tally.c.status.in_([s.value for s in wanted.statuses]),
                )
            )
            return int(found or 0), True
        some = select(campaign.c.id).where(*self._where(wanted)).limit(COUNT_CAP + 1).subquery()
        counted = await self._conn.scalar(select(func.count()).select_from(some)) or 0
        return min(counted, COUNT_CAP), counted <= COUNT_CAP

    def _where(self, wanted: Filter) -> list[ColumnElement[bool]]:
        where: list[ColumnElement[bool]] = [
            campaign.c.account_id == self._owner,
            campaign.c.status.in_([s.value for s in wanted.statuses]),
        ]
        if wanted.advertiser_id is not None:
            where.append(campaign.c.advertiser_id == wanted.advertiser_id)
        if wanted.name:
            where.append(contains(campaign.c.name_folded, wanted.name))
        if wanted.modes:
            where.append(campaign.c.mode.in_([m.value for m in wanted.modes]))
        if wanted.media_buy_statuses:
            statuses = [s.value for s in wanted.media_buy_statuses]
            where.append(exists().where(media_buy.c.campaign_id == campaign.c.id, media_buy.c.status.in_(statuses)))
        return where

    async def any_of(self, advertisers: Sequence[AdvertiserId]) -> bool:
        found = select(campaign.c.id).where(
            campaign.c.account_id == self._owner, campaign.c.advertiser_id.in_(advertisers)
        )
        return (await self._conn.execute(found.limit(1))).first() is not None


async def over(conn: AsyncConnection, now: datetime, limit: int) -> Sequence[tuple[AccountId, CampaignId]]:
    """Running campaigns of any account whose flight has ended."""
    running = [Status.ACTIVE.value, Status.PAUSED.value]
    rows = await conn.execute(
        select(campaign.c.account_id, campaign.c.id)
        .where(campaign.c.status.in_(running), campaign.c.ends_at <= now)
        .order_by(campaign.c.ends_at)
        .limit(limit)
    )
    return [(AccountId(row.account_id), CampaignId(row.id)) for row in rows]


def _written(value: Campaign) -> dict[str, Any]:
    return {
        "id": value.id,
        "advertiser_id": value.advertiser_id,
        "name_folded": value.spec.name.casefold(),
        "status": value.status.value,
        "mode": value.mode.value,
        "revision": value.revision,
        "committed": value.committed,
        "ends_at": value.spec.flight.end,
        "spec": codec.dump(CampaignSpec, value.spec),
        "created_at": value.created_at,
        "updated_at": value.updated_at,
    }


def _read(row: Row[Any]) -> Campaign:
    return Campaign(
        CampaignId(row.id),
        AdvertiserId(row.advertiser_id),
        codec.load(CampaignSpec, row.spec),
        Status(row.status),
        Mode(row.mode),
        row.revision,
        row.committed,
        row.created_at,
        row.updated_at,
    )

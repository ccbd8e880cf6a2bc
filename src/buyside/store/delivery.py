from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from buyside.domain.delivery import DeliveryDay, Key, Reading
from buyside.domain.ids import AccountId, AdvertiserId, CampaignId, MediaBuyId
from buyside.domain.media_buys import Delivered
from buyside.domain.reporting import Period
from buyside.store.tables import campaign, delivery_day, media_buy

_FIGURES = tuple(Delivered.__dataclass_fields__)
_LARGEST = 2**63 - 1


class DeliveryRepository:
    """What was delivered, a row for each package and day. Whoever writes has locked the campaign."""

    def __init__(self, conn: AsyncConnection, owner: AccountId) -> None:
        self._conn, self._owner = conn, owner

    async def days(self, buy_id: MediaBuyId) -> list[DeliveryDay]:
        """All that is known of a buy, the first day first."""
        found = select(delivery_day).where(*self._of(buy_id)).order_by(delivery_day.c.day, delivery_day.c.package_ref)
        return [_read(row) for row in await self._conn.execute(found)]

    async def keep(self, buy_id: MediaBuyId, currency: str, known: Sequence[DeliveryDay], reading: Reading) -> None:
        """Write what a reading changed in what was `known`."""
        there = {each.key for each in known}
        new = [_written(each) for each in reading.days if each.key not in there]
        if new:
            of = {"account_id": self._owner, "media_buy_id": buy_id, "currency": currency}
            await self._conn.execute(insert(delivery_day), [of | each for each in new])
        if moved := [each for each in reading.days if each.key in there]:
            change = update(delivery_day).where(*self._of(buy_id), *_KEY)
            await self._conn.execute(change, [_written(each) | _key(each.key) for each in moved])
        if reading.gone:
            await self._conn.execute(
                delete(delivery_day).where(*self._of(buy_id), *_KEY), [_key(each) for each in reading.gone]
            )

    async def spent_on(self, campaign_id: CampaignId, day: date) -> dict[MediaBuyId, int]:
        """Media micros by buy of a campaign on one day."""
        rows = await self._conn.execute(
            select(delivery_day.c.media_buy_id, delivery_day.c.spend_micros)
            .join(media_buy, media_buy.c.id == delivery_day.c.media_buy_id)
            .where(
                delivery_day.c.account_id == self._owner,
                delivery_day.c.day == day.isoformat(),
                media_buy.c.campaign_id == campaign_id,
            )
        )
        spent: defaultdict[MediaBuyId, int] = defaultdict(int)
        for row in rows:
            spent[MediaBuyId(row.media_buy_id)] += row.spend_micros
        return spent

    async def between(
        self, period: Period, advertiser_id: AdvertiserId | None, campaign_id: CampaignId | None
    ) -> dict[MediaBuyId, list[DeliveryDay]]:
        """By buy, the first day first; of the account, or of one advertiser or campaign."""
        wanted = [delivery_day.c.account_id == self._owner]
        if period.first is not None:
            wanted.append(delivery_day.c.day >= period.first.isoformat())
        if period.last is not None:
            wanted.append(delivery_day.c.day <= period.last.isoformat())
        if campaign_id is not None:
            wanted.append(media_buy.c.campaign_id == campaign_id)
        if advertiser_id is not None:
            wanted.append(campaign.c.advertiser_id == advertiser_id)
        rows = await self._conn.execute(
            select(delivery_day)
            .join(media_buy, media_buy.c.id == delivery_day.c.media_buy_id)
            .join(campaign, campaign.c.id == media_buy.c.campaign_id)
            .where(*wanted)
            .order_by(delivery_day.c.day, delivery_day.c.media_buy_id, delivery_day.c.package_ref)
        )
        found: defaultdict[MediaBuyId, list[DeliveryDay]] = defaultdict(list)
        for row in rows:
            found[MediaBuyId(row.media_buy_id)].append(_read(row))
        return dict(found)

    def _of(self, buy_id: MediaBuyId) -> list[Any]:
        return [delivery_day.c.account_id == self._owner, delivery_day.c.media_buy_id == buy_id]


_KEY = (delivery_day.c.package_ref == bindparam("the_ref"), delivery_day.c.day == bindparam("the_day"))


def _key(key: Key) -> dict[str, Any]:
    return {"the_ref": key[0], "the_day": key[1].isoformat()}


def _written(value: DeliveryDay) -> dict[str, Any]:
    counted = {name: None if n is None else min(n, _LARGEST) for name, n in asdict(value.figures).items()}
    return {
        "package_ref": value.ref,
        "day": value.day.isoformat(),
        **counted,
        "final": value.final,
        "inferred": value.inferred,
        "first_read_at": value.first_read_at,
        "read_at": value.read_at,
    }


def _read(row: Row[Any]) -> DeliveryDay:
    return DeliveryDay(
        row.package_ref,
        date.fromisoformat(row.day),
        Delivered(**{name: getattr(row, name) for name in _FIGURES}),
        row.first_read_at,
        row.read_at,
        row.final,
        row.inferred,
    )

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, insert, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from buyside.domain.decisions import Decision, EntryType
from buyside.domain.errors import Conflict, NotFound
from buyside.domain.ids import AccountId, AdvertiserId, DecisionId
from buyside.store import codec
from buyside.store.tables import decision


class DecisionRepository:
    """The log. Rows are added and read, never changed."""

    def __init__(self, conn: AsyncConnection, owner: AccountId) -> None:
        self._conn, self._owner = conn, owner

    async def add(self, entry: Decision) -> None:
        """Raises: Conflict when it reverts an entry that is reverted already."""
        values = {
            "id": entry.id,
            "account_id": self._owner,
            "at": entry.at,
            "entry_type": entry.entry_type.value,
            "action": entry.action,
            "surface": entry.surface.value,
            "subject_type": entry.subject.type,
            "subject_id": entry.subject.id,
            "advertiser_id": entry.subject.advertiser_id,
            "campaign_id": entry.subject.campaign_id,
            "media_buy_id": entry.subject.media_buy_id,
            "key_id": entry.key,
            "reverts": entry.reverts,
            "body": codec.dump(Decision, entry),
        }
        try:
            async with self._conn.begin_nested():
                await self._conn.execute(insert(decision).values(values))
        except IntegrityError:
            raise Conflict(f"Decision {entry.reverts} is reverted already.") from None

    async def get(self, decision_id: DecisionId) -> Decision:
        """Raises: NotFound, also for another account's."""
        row = (
            await self._conn.execute(
                select(decision).where(decision.c.account_id == self._owner, decision.c.id == decision_id)
            )
        ).first()
        if row is None:
            raise NotFound(f"There is no decision {decision_id}.")
        return (await self._read([row]))[0]

    async def page(
        self,
        *,
        entry_type: EntryType | None = None,
        advertiser_id: AdvertiserId | None = None,
        campaign_id: str | None = None,
        media_buy_id: str | None = None,
        subject: tuple[str, str] | None = None,
        after: tuple[Any, str] | None = None,
        limit: int,
        offset: int = 0,
    ) -> list[Decision]:
        """Newest first; up to `limit` entries older than `after` (at, id)."""
        wanted: list[ColumnElement[bool]] = [decision.c.account_id == self._owner]
        same = {
            "entry_type": entry_type.value if entry_type else None,
            "advertiser_id": advertiser_id,
            "campaign_id": campaign_id,
            "media_buy_id": media_buy_id,
        }
        wanted += [decision.c[name] == value for name, value in same.items() if value is not None]
        if subject is not None:
            wanted += [decision.c.subject_type == subject[0], decision.c.subject_id == subject[1]]
        if after is not None:
            at, last = after
            wanted.append(or_(decision.c.at < at, and_(decision.c.at == at, decision.c.id < last)))
        rows = await self._conn.execute(
            select(decision)
            .where(*wanted)
            .order_by(decision.c.at.desc(), decision.c.id.desc())
            .limit(limit)
            .offset(offset)
        )
        return await self._read(list(rows))

    async def _read(self, rows: list[Row[Any]]) -> list[Decision]:
        ids = [row.id for row in rows]
        reverted = await self._conn.execute(
            select(decision.c.reverts, decision.c.id).where(
                decision.c.account_id == self._owner, decision.c.reverts.in_(ids)
            )
        )
        by_entry = {each.reverts: DecisionId(each.id) for each in reverted}
        return [_with(codec.load(Decision, row.body), by_entry.get(row.id)) for row in rows]


def _with(entry: Decision, reverted_by: DecisionId | None) -> Decision:
    return replace(entry, reverted_by=reverted_by)

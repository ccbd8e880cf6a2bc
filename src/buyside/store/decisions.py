from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, func, insert, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from buyside.domain.decisions import Decision, Wanted
from buyside.domain.errors import Conflict, NotFound
from buyside.domain.ids import AccountId, DecisionId
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
        if entry.reverts is None:
            await self._conn.execute(insert(decision).values(values))
            return
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

    async def reverting(self, decision_id: DecisionId) -> Decision | None:
        """The entry that takes this one back."""
        found = select(decision).where(decision.c.account_id == self._owner, decision.c.reverts == decision_id)
        row = (await self._conn.execute(found)).first()
        return (await self._read([row]))[0] if row else None

    async def page(
        self, wanted: Wanted | None = None, *, after: tuple[datetime, str] | None = None, limit: int, offset: int = 0
    ) -> list[Decision]:
        """Newest first; up to `limit` entries older than `after` (at, id)."""
        rows = await self._conn.execute(
            select(decision)
            .where(*self._chosen(wanted or Wanted()), *_older(after))
            .order_by(decision.c.at.desc(), decision.c.id.desc())
            .limit(limit)
            .offset(offset)
        )
        return await self._read(list(rows))

    async def count(self, wanted: Wanted, most: int) -> int:
        """How many there are, counted no further than `most`."""
        some = select(decision.c.id).where(*self._chosen(wanted)).limit(most).subquery()
        return await self._conn.scalar(select(func.count()).select_from(some)) or 0

    def _chosen(self, wanted: Wanted) -> list[ColumnElement[bool]]:
        columns = {
            "entry_type": wanted.entry_type and wanted.entry_type.value,
            "advertiser_id": wanted.advertiser_id,
            "campaign_id": wanted.campaign_id,
            "media_buy_id": wanted.media_buy_id,
            "subject_type": wanted.subject_type,
            "subject_id": wanted.subject_id,
        }
        named = [decision.c[name] == value for name, value in columns.items() if value is not None]
        return [decision.c.account_id == self._owner, *named]

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


def _older(after: tuple[datetime, str] | None) -> list[ColumnElement[bool]]:
    if after is None:
        return []
    at, last = after
    # The index is entered at the first condition; with `or` alone everything newer would be read and left out.
    return [decision.c.at <= at, or_(decision.c.at < at, decision.c.id < last)]

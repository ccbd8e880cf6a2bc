from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from buyside.domain.ids import AccountId
from buyside.store.tables import report_file


class ReportRepository:
    """Exported files, found by the hash of what stands in their link."""

    def __init__(self, conn: AsyncConnection, owner: AccountId) -> None:
        self._conn, self._owner = conn, owner

    async def add(self, hidden: str, name: str, content: str, expires_at: datetime) -> None:
        values = {"id": hidden, "account_id": self._owner, "name": name, "content": content, "expires_at": expires_at}
        await self._conn.execute(insert(report_file).values(values))

    async def clear(self, now: datetime) -> None:
        """Remove the account's files whose links are over."""
        mine = [report_file.c.account_id == self._owner, report_file.c.expires_at <= now]
        await self._conn.execute(delete(report_file).where(*mine))


async def fetch(conn: AsyncConnection, hidden: str, now: datetime) -> tuple[str, str] | None:
    """Name and content, for whoever has the link."""
    found = select(report_file.c.name, report_file.c.content).where(
        report_file.c.id == hidden, report_file.c.expires_at > now
    )
    row = (await conn.execute(found)).first()
    return (row.name, row.content) if row else None

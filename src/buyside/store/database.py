"""The two databases behind one shape: the same coroutines run on SQLite and on PostgreSQL."""

import asyncio
import contextlib
import json
import os
import sqlite3
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiosqlite
from sqlalchemy import TIMESTAMP, URL, Connection, Dialect, String, Text, event, make_url
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import TypeDecorator, TypeEngine

from buyside.store import outage

OpenConnection = AsyncConnection
"""The name by which layers that do not know SQLAlchemy pass a connection on."""

# A reader or a second process may hold SQLite for a moment; longer than this is an error.
BUSY_MILLISECONDS = 5000
CACHE_KIB = 65536
# A host that swallows packets would hold a caller for minutes; in seconds.
CONNECT_TIMEOUT = 5


@dataclass(frozen=True)
class Database:
    """An open store.

    `read` runs single statements, each on its own snapshot, and opens no transaction: `async with db.read.connect()`.
    `write` is for everything else: `async with db.write.begin()`. Several reads that must agree belong there too.
    On SQLite there is one writer at a time, and a second `write.begin()` inside the first waits for it in vain.
    Everything raises StoreUnavailable while the database is away.
    """

    read: AsyncEngine
    write: AsyncEngine

    @property
    def is_sqlite(self) -> bool:
        return self.write.dialect.name == "sqlite"

    async def dispose(self) -> None:
        """Close every connection. Nothing may use the store after this."""
        await self.read.dispose()
        await self.write.dispose()


def open_database(url: str) -> Database:
    """Open the store at `url`: sqlite:///path, postgresql://… or postgres://….

    An SQLite file that is not there yet is made readable to this user alone, and so is its folder.
    Raises: ValueError when the URL names no database that can be used.
    """
    address = make_url(url)
    match address.get_backend_name():
        case "sqlite":
            return _open_sqlite(address.set(drivername="sqlite+aiosqlite"))
        case "postgresql" | "postgres":
            return _open_postgresql(address.set(drivername="postgresql+psycopg"))
        case other:
            raise ValueError(f"the store is kept in SQLite or PostgreSQL, not in {other}")


def _open_sqlite(url: URL) -> Database:
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        raise ValueError("an SQLite store is a file: sqlite:///path")
    _make_ready(Path(url.database))
    # A read commits by itself, so it never holds back the writer; query_only keeps a stray write out.
    read = create_async_engine(
        url,
        poolclass=outage.Pool,
        pool_size=4,
        max_overflow=0,
        isolation_level="AUTOCOMMIT",
        skip_autocommit_rollback=True,
        connect_args={"async_creator_fn": _connected},
    )
    # One connection: the pool is the queue of writers. A deferred BEGIN would fail where this one waits.
    write = create_async_engine(
        url,
        poolclass=outage.Pool,
        pool_size=1,
        max_overflow=0,
        pool_timeout=30,
        connect_args={"async_creator_fn": _connected},
    )
    _tune(read, "PRAGMA query_only=ON")
    _tune(write, "PRAGMA synchronous=FULL")
    event.listen(write.sync_engine, "begin", _begin_immediate)
    outage.watch(read, write)
    return Database(read, write)


def _open_postgresql(url: URL) -> Database:
    engine = create_async_engine(
        url,
        poolclass=outage.Pool,
        pool_size=10,
        max_overflow=10,
        skip_autocommit_rollback=True,
        json_serializer=canonical,
        connect_args={} if "connect_timeout" in url.query else {"connect_timeout": CONNECT_TIMEOUT},
    )
    outage.watch(engine)
    return Database(engine.execution_options(isolation_level="AUTOCOMMIT"), engine)


def _make_ready(path: Path) -> None:
    """Make the file, private, and give it the journal that lets readers and a writer pass each other.

    The journal stays with the file. Two processes that change it at once do not wait for each other but fail, so it is
    done here, where it can be tried again, and not on each connection.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    until = time.monotonic() + BUSY_MILLISECONDS / 1000
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        while True:
            try:
                connection.execute("PRAGMA journal_mode=WAL")
                return
            except sqlite3.Error as error:
                if "locked" not in str(error) or time.monotonic() > until:
                    raise ValueError(f"{path} cannot be used: {error}") from error
                time.sleep(0.01)


async def _connected(*arguments: Any, **options: Any) -> aiosqlite.Connection:
    """Connect, even when the caller is cancelled meanwhile: aiosqlite would lose the file that its thread opens."""
    connection = aiosqlite.connect(*arguments, **options)
    connection._thread.daemon = True  # as SQLAlchemy has it: a forgotten connection does not keep the process
    connecting = asyncio.ensure_future(connection)
    try:
        return await asyncio.shield(connecting)
    except asyncio.CancelledError:
        connecting.add_done_callback(_given_up)
        raise


def _given_up(connecting: asyncio.Future[aiosqlite.Connection]) -> None:
    if not connecting.cancelled() and connecting.exception() is None:
        connecting.result().stop()


def _tune(engine: AsyncEngine, *more: str) -> None:
    pragmas = (
        f"PRAGMA busy_timeout={BUSY_MILLISECONDS}",
        "PRAGMA foreign_keys=ON",
        f"PRAGMA cache_size=-{CACHE_KIB}",
        *more,
    )

    @event.listens_for(engine.sync_engine, "connect")
    def connected(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # the driver must never BEGIN by itself
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(pragma)
        cursor.close()


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def canonical(value: object) -> str:
    """One text per value: keys sorted, no blanks, no NaN. Equal values give equal bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


class Document(TypeDecorator[Any]):
    """A JSON value: JSONB on PostgreSQL, canonical text on SQLite. None is NULL.

    PostgreSQL keeps neither the order of keys nor the spelling of numbers; whoever needs bytes keeps bytes.
    """

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else JSONB(none_as_null=True))

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return canonical(value) if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return json.loads(value) if value is not None and dialect.name == "sqlite" else value


class Instant(TypeDecorator[datetime]):
    """A moment in UTC, to the microsecond: TIMESTAMPTZ on PostgreSQL, text of one width on SQLite, so that it sorts.

    Raises: ValueError for a datetime that does not say its zone.
    """

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(String(27) if dialect.name == "sqlite" else TIMESTAMP(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value.isoformat()} does not say its time zone")
        moment = value.astimezone(UTC)
        return moment.isoformat(timespec="microseconds").replace("+00:00", "Z") if dialect.name == "sqlite" else moment

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return datetime.fromisoformat(value) if dialect.name == "sqlite" else value.astimezone(UTC)

"""When the database is away: one error for whoever asks, and one line in the log for as long as it lasts."""

from __future__ import annotations

import logging
import sqlite3

import psycopg
from sqlalchemy import AsyncAdaptedQueuePool, PoolProxiedConnection, event
from sqlalchemy.engine.interfaces import ExceptionContext
from sqlalchemy.exc import TimeoutError as NoneFree
from sqlalchemy.ext.asyncio import AsyncEngine

from buyside.domain.errors import StoreUnavailable

log = logging.getLogger(__name__)

# Primary result codes: the file cannot be opened or read, its disk is full, or another process holds it for too long.
_SQLITE = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
}
# Classes of SQLSTATE: no connection, out of resources (its disk is full, say), and told to go away.
_POSTGRESQL = ("08", "53", "57P")


class Pool(AsyncAdaptedQueuePool):
    """A queue for connections in which waiting too long is an outage like any other."""

    def connect(self) -> PoolProxiedConnection:
        try:
            return super().connect()
        except NoneFree as full:
            raise StoreUnavailable("This server is too busy with its store; try again shortly.") from full


# SQLAlchemy's own account of it, connection by connection.
logging.getLogger(f"{__name__}.{Pool.__name__}").setLevel(logging.WARNING)


def watch(*engines: AsyncEngine) -> None:
    """From now on these engines, which share a store, raise StoreUnavailable when it is away.

    It is logged once, unless the store never was there: then whoever wanted to start says so.
    """
    away: bool | None = None

    def failed(context: ExceptionContext) -> None:
        nonlocal away
        error = context.original_exception
        if not _is_outage(error, connected=context.connection is not None, lost=context.is_disconnect):
            return
        cause = _line(error)
        if away is False:
            log.error("the store is away, and what needs it answers 503 until it is back: %s", cause)
            away = True
        raise StoreUnavailable(cause=cause) from error

    def works(*_: object) -> None:
        nonlocal away
        if away:
            log.warning("the store is back")
        away = False

    for engine in {each.sync_engine.pool: each.sync_engine for each in engines}.values():
        event.listen(engine, "handle_error", failed)
        event.listen(engine, "connect", works)
        event.listen(engine, "commit", works)


def _is_outage(error: BaseException, *, connected: bool, lost: bool) -> bool:
    match error:
        case sqlite3.OperationalError():
            return lost or not connected or error.sqlite_errorcode & 0xFF in _SQLITE
        case psycopg.OperationalError():
            return lost or not connected or (error.sqlstate or "").startswith(_POSTGRESQL)
        case OSError():
            return not connected
    return False


def _line(error: BaseException) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)

"""While the database is away: one kind of error for whoever asks, and one line in the log."""

from __future__ import annotations

import contextlib
import logging
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url, text

from buyside.domain.errors import StoreUnavailable
from buyside.store import database as module
from buyside.store.database import Database, open_database
from tests.stores import PostgreSQLStores, SQLiteStores


@contextlib.contextmanager
def away(url: str) -> Iterator[None]:
    """The PostgreSQL database at `url` ends every connection, and takes none."""
    name = make_url(url).database
    server = make_url(url).set(database="postgres").render_as_string(hide_password=False)
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        yield
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true".encode())


async def read(store: Database) -> object:
    async with store.read.connect() as connection:
        return await connection.scalar(text("SELECT 1"))


async def write(store: Database) -> None:
    async with store.write.begin() as connection:
        await connection.execute(text("SELECT 1"))


async def test_a_postgresql_that_goes_and_comes_back_is_one_error_and_two_lines(
    postgresql_stores: PostgreSQLStores, caplog: pytest.LogCaptureFixture
) -> None:
    with postgresql_stores.fresh() as url:
        store = open_database(url)
        await read(store)
        with away(url):
            for _ in range(5):
                for use in (read, write):
                    with pytest.raises(StoreUnavailable) as told:
                        await use(store)
                    assert told.value.cause
                    assert told.value.cause not in told.value.message, "a caller is not shown where the store is"
        await write(store)
        assert await read(store) == 1
        await store.dispose()
    said = [(record.levelno, record.message.partition(",")[0]) for record in caplog.records]
    assert said == [(logging.ERROR, "the store is away"), (logging.WARNING, "the store is back")]


async def test_a_postgresql_that_never_was_there_is_for_the_starter_to_tell(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = open_database("postgresql://me:hunter2@127.0.0.1:1/x")
    for use in (read, write):
        with pytest.raises(StoreUnavailable, match="cannot reach") as told:
            await use(store)
        assert "refused" in told.value.cause
    await store.dispose()
    assert not caplog.records


async def test_an_sqlite_folder_that_is_gone_is_the_same(sqlite_stores: SQLiteStores) -> None:
    with sqlite_stores.fresh() as url:
        store = open_database(url)
        folder = Path(make_url(url).database or "").parent
        elsewhere = shutil.move(folder, f"{folder}-moved")
        for use in (read, write):
            with pytest.raises(StoreUnavailable):
                await use(store)
        shutil.move(elsewhere, folder)
        await write(store)
        assert await read(store) == 1
        await store.dispose()


async def test_an_sqlite_file_that_another_process_holds_is_the_same(
    sqlite_stores: SQLiteStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BUSY_MILLISECONDS", 10)
    with sqlite_stores.fresh() as url:
        store = open_database(url)
        with contextlib.closing(sqlite3.connect(make_url(url).database or "", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreUnavailable):
                await write(store)
            assert await read(store) == 1
            other.execute("ROLLBACK")
        await write(store)
        await store.dispose()


async def test_a_mistake_of_ours_stays_a_mistake(database: Database) -> None:
    with pytest.raises(Exception, match="no_such_table") as told:
        async with database.read.connect() as connection:
            await connection.execute(text("SELECT * FROM no_such_table"))
    assert not isinstance(told.value, StoreUnavailable)

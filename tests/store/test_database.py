"""The two databases keep the same promises."""

import asyncio
import random
import stat
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError

from buyside.store.database import Database, Document, Instant, canonical, open_database

metadata = MetaData()
notes = Table(
    "notes",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("said", String(40)),
    Column("at", Instant),
    Column("content", Document),
)


@pytest.fixture
async def store(database: Database) -> Database:
    async with database.write.begin() as connection:
        await connection.run_sync(metadata.create_all)
    return database


async def ids(store: Database) -> list[int]:
    async with store.read.connect() as connection:
        return list((await connection.scalars(select(notes.c.id).order_by(notes.c.id))).all())


async def test_a_reader_does_not_see_an_open_writer(store: Database) -> None:
    async with store.write.begin() as connection:
        await connection.execute(insert(notes).values(id=1))
        assert await ids(store) == []
    assert await ids(store) == [1]


async def test_an_error_rolls_everything_back(store: Database) -> None:
    async def fail() -> None:
        async with store.write.begin() as connection:
            await connection.execute(insert(notes).values(id=1))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await ids(store) == []


async def test_a_savepoint_keeps_the_transaction_alive_after_a_refused_row(store: Database) -> None:
    async with store.write.begin() as connection:
        await connection.execute(insert(notes).values(id=1))
        with pytest.raises(IntegrityError):
            async with connection.begin_nested():
                await connection.execute(insert(notes).values(id=1))
        await connection.execute(insert(notes).values(id=2))
    assert await ids(store) == [1, 2]


async def test_a_cancelled_writer_leaves_nothing_and_frees_its_place(store: Database) -> None:
    async def write(number: int) -> None:
        async with store.write.begin() as connection:
            await connection.execute(insert(notes).values(id=number))
            await connection.execute(update(notes).where(notes.c.id == number).values(said="never committed"))
            await asyncio.Event().wait()

    chance = random.Random(7)
    for number in range(40):
        writer = asyncio.create_task(write(number))
        for _ in range(chance.randrange(60)):
            await asyncio.sleep(0)
        writer.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writer
    async with store.write.begin() as connection:
        await connection.execute(insert(notes).values(id=1))
    assert await ids(store) == [1]


async def test_writers_at_once_lose_no_update(store: Database) -> None:
    async with store.write.begin() as connection:
        await connection.execute(insert(notes).values(id=1, content={"count": 0}))

    async def count_up() -> None:
        async with store.write.begin() as connection:
            content = (await connection.execute(select(notes.c.content).with_for_update())).scalar_one()
            await connection.execute(update(notes).values(content={"count": content["count"] + 1}))

    await asyncio.gather(*(count_up() for _ in range(20)))
    async with store.read.connect() as reader:
        assert await reader.scalar(select(notes.c.content)) == {"count": 20}


MOMENTS = [
    datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    datetime(2026, 1, 2, 3, 4, 5, 1, tzinfo=UTC),
    datetime(2026, 1, 2, 6, 4, 6, tzinfo=timezone(timedelta(hours=3))),
    datetime(2026, 10, 25, 1, 30, 0, 999999, tzinfo=timezone(timedelta(hours=-5))),
]


async def test_an_instant_comes_back_as_utc_and_sorts_by_time(store: Database) -> None:
    async with store.write.begin() as connection:
        await connection.execute(insert(notes), [{"id": n, "at": moment} for n, moment in enumerate(reversed(MOMENTS))])
    async with store.read.connect() as reader:
        kept = (await reader.scalars(select(notes.c.at).order_by(notes.c.at))).all()
        later = await reader.scalar(select(notes.c.id).where(notes.c.at > MOMENTS[2]))
    assert kept == MOMENTS
    assert {moment.tzinfo for moment in kept} == {UTC}
    assert later == 0


async def test_an_instant_without_a_zone_is_refused(store: Database) -> None:
    naive = datetime(2026, 1, 2)  # noqa: DTZ001
    with pytest.raises(StatementError, match="does not say its time zone"):
        async with store.write.begin() as connection:
            await connection.execute(insert(notes).values(id=1, at=naive))


DOCUMENTS = [{"b": [1, 2.5, None, True], "a": {"ü": "€"}}, [], {}, "text", 0, False, None]


async def test_a_document_comes_back_as_it_went_in(store: Database) -> None:
    async with store.write.begin() as connection:
        await connection.execute(insert(notes), [{"id": n, "content": value} for n, value in enumerate(DOCUMENTS)])
    async with store.read.connect() as reader:
        assert (await reader.scalars(select(notes.c.content).order_by(notes.c.id))).all() == DOCUMENTS
        assert (await reader.scalars(select(notes.c.id).where(notes.c.content.is_(None)))).all() == [6]


def test_equal_documents_have_equal_bytes() -> None:
    assert canonical({"b": 1, "a": [True, "é"]}) == canonical({"a": [True, "é"], "b": 1}) == '{"a":[true,"é"],"b":1}'


async def test_the_reading_side_of_sqlite_refuses_to_write(tmp_path: Path) -> None:
    store = open_database(f"sqlite:///{tmp_path / 'store.sqlite3'}")
    async with store.write.begin() as connection:
        await connection.run_sync(metadata.create_all)
    with pytest.raises(DBAPIError, match="readonly"):
        async with store.read.connect() as connection:
            await connection.execute(insert(notes).values(id=1))
    await store.dispose()


async def test_an_sqlite_store_is_closed_to_other_users(tmp_path: Path) -> None:
    path = tmp_path / "new" / "store.sqlite3"
    store = open_database(f"sqlite:///{path}")
    async with store.write.begin() as connection:
        await connection.execute(text("CREATE TABLE t (x)"))
        files = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert set(files.values()) == {0o600}, files
    await store.dispose()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://localhost/store"])
def test_a_url_without_a_usable_store_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="store is"):
        open_database(url)


def test_a_file_that_is_no_database_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear sirs, this is not a database. " * 100)
    with pytest.raises(ValueError, match=r"letter\.txt cannot be used: file is not a database"):
        open_database(f"sqlite:///{path}")


@pytest.mark.parametrize("url", ["postgres://u:p@h/d", "postgresql://u:p@h/d", "postgresql+psycopg://u:p@h/d"])
async def test_every_spelling_of_a_postgresql_url_is_understood(url: str) -> None:
    store = open_database(url)
    assert store.write.url.render_as_string(hide_password=False) == "postgresql+psycopg://u:p@h/d"
    assert not store.is_sqlite
    await store.dispose()

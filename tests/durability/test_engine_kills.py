"""A job outlives the process that runs it, but not for ever."""

import asyncio
import contextlib
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from buyside.domain.jobs import Job
from buyside.store.database import Database, open_database
from buyside.workflows.engine import open_engine
from buyside.workflows.engine.tasks import MOST_STARTS
from tests.stores import SQLiteStores

pytestmark = pytest.mark.kill

IN_TIME = 30


@contextlib.asynccontextmanager
async def a_process(url: str, *arguments: str) -> AsyncIterator[Process]:
    command = [sys.executable, "-m", "tests.durability.jobs_process", url, *arguments]
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
    try:
        await says(process, "ready")
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def says(process: Process, *wanted: str) -> None:
    assert process.stdout is not None
    async with asyncio.timeout(IN_TIME):
        for word in wanted:
            assert (await process.stdout.readline()).decode().strip() == word


async def ended(process: Process) -> None:
    async with asyncio.timeout(IN_TIME):
        await process.wait()


def url_of(database: Database) -> str:
    return database.write.url.render_as_string(hide_password=False)


async def leave(database: Database, *jobs: Job) -> None:
    engine = open_engine(database.read, database.write, [])
    async with database.write.begin() as connection:
        for job in jobs:
            await engine.later(connection, job)


async def test_a_job_whose_process_is_killed_runs_again_in_the_next(database: Database) -> None:
    await leave(database, Job("work", once="work"))
    async with a_process(url_of(database), "hang") as process:
        await says(process, "hangs")
        process.kill()
        await ended(process)
    async with a_process(url_of(database)) as successor:
        await says(successor, "done")


async def test_a_job_that_kills_its_process_is_given_up_in_the_end(database: Database) -> None:
    await leave(database, Job("die"))
    table, name = ("engine_job", "task") if database.is_sqlite else ("procrastinate_jobs", "task_name")
    async with database.write.begin() as connection:
        almost = text(f"UPDATE {table} SET attempts = :n WHERE {name} = 'die'")
        await connection.execute(almost, {"n": MOST_STARTS - 2})
    for _ in range(2):
        async with a_process(url_of(database)) as process:
            await says(process, "dies")
            await ended(process)
    async with a_process(url_of(database)) as process:
        await leave(database, Job("say", {"what": "alive"}))
        await says(process, "alive")
        await _until_failed(database, table, name)


async def _until_failed(database: Database, table: str, name: str) -> None:
    column = "state" if database.is_sqlite else "status"
    async with asyncio.timeout(IN_TIME), database.read.connect() as connection:
        while await connection.scalar(text(f"SELECT {column} FROM {table} WHERE {name} = 'die'")) != "failed":  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_a_second_process_on_one_sqlite_store_runs_nothing_until_the_first_ends(
    sqlite_stores: SQLiteStores,
) -> None:
    with sqlite_stores.fresh() as url:
        async with a_process(url, "hang") as first, a_process(url) as second:
            database = open_database(url)
            await leave(database, Job("work"))
            await says(first, "hangs")
            first.kill()
            await says(second, "done")
            await leave(database, Job("say", {"what": "goes on"}))
            await says(second, "goes on")
            await database.dispose()

"""Both engines keep the same promises about jobs."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import text

from buyside.domain.jobs import Job
from buyside.store.database import Database, open_database
from buyside.workflows.engine import Engine, Task, local
from buyside.workflows.engine.local import Local
from buyside.workflows.engine.queue import Queue
from tests.stores import PostgreSQLStores, SQLiteStores

IN_TIME = 20


def an_engine(database: Database, *tasks: Task) -> Engine:
    """An engine whose second tries come at once."""

    def at_once(_attempt: int) -> float:
        return 0

    if database.is_sqlite:
        return Local(database.read, database.write, tasks, poll=0.05, backoff=at_once)
    return Queue(database.write, tasks, heartbeat=0.2, dead_after=2, rescue_every=0.5, backoff=at_once)


class Runs:
    """What ran, in order, and an event to wait on."""

    def __init__(self) -> None:
        self.seen: list[Any] = []
        self._changed = asyncio.Condition()

    async def note(self, what: Any = "ran") -> None:
        async with self._changed:
            self.seen.append(what)
            self._changed.notify_all()

    async def until(self, enough: Callable[[list[Any]], bool]) -> list[Any]:
        async with asyncio.timeout(IN_TIME), self._changed:
            await self._changed.wait_for(lambda: enough(self.seen))
        return self.seen


@pytest.fixture
def runs() -> Runs:
    return Runs()


async def leave(database: Database, engine: Engine, *jobs: Job) -> None:
    async with database.write.begin() as connection:
        for job in jobs:
            await engine.later(connection, job)


async def has_begun(database: Database, engine: Engine, runs: Runs) -> None:
    """One that is ended while it still opens the store leaves a thread behind that looks for it."""
    await leave(database, engine, Job("note"))
    await runs.until(lambda seen: len(seen) >= 1)


async def states(database: Database) -> list[tuple[str, int]]:
    table, column = ("engine_job", "state") if database.is_sqlite else ("procrastinate_jobs", "status")
    name = "task" if database.is_sqlite else "task_name"
    query = f"SELECT {column}, attempts FROM {table} WHERE {name} NOT LIKE 'engine.%' ORDER BY id"
    async with database.read.connect() as connection:
        return [(row[0], row[1]) for row in await connection.execute(text(query))]


async def eventually(true: Callable[[], Awaitable[bool]]) -> None:
    """For what another connection writes: there is no event to wait for."""
    async with asyncio.timeout(IN_TIME):
        while not await true():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def until_states(database: Database, wanted: list[tuple[str, int]]) -> None:
    async def reached() -> bool:
        return await states(database) == wanted

    await eventually(reached)


class Refused(Exception):
    pass


async def test_a_committed_job_runs_once_and_a_rolled_back_one_never(database: Database, runs: Runs) -> None:
    engine = an_engine(database, Task("note", runs.note))
    with contextlib.suppress(Refused):
        async with database.write.begin() as connection:
            await engine.later(connection, Job("note", {"what": "rolled back"}))
            raise Refused
    async with engine.running():
        await leave(database, engine, Job("note", {"what": "first"}), Job("note", {"what": "second"}))
        await runs.until(lambda seen: len(seen) == 2)
        await until_states(database, [])
    assert sorted(runs.seen) == ["first", "second"]


async def test_a_job_left_while_nothing_runs_is_run_later(database: Database, runs: Runs) -> None:
    engine = an_engine(database, Task("note", runs.note))
    await leave(database, engine, Job("note"))
    assert runs.seen == []
    async with engine.running():
        await runs.until(lambda seen: seen == ["ran"])


async def test_waiting_jobs_of_one_key_are_one_job(database: Database, runs: Runs) -> None:
    engine = an_engine(database, Task("note", runs.note))
    await leave(database, engine, *(Job("note", {"what": n}, once="same") for n in range(3)))
    await leave(database, engine, Job("note", {"what": 3}, once="same"), Job("note", {"what": "other"}, once="other"))
    async with engine.running():
        await runs.until(lambda seen: len(seen) == 2)
        await until_states(database, [])
    assert sorted(map(str, runs.seen)) == ["0", "other"]


async def test_a_refused_job_keeps_the_rest_of_its_transaction(database: Database, runs: Runs) -> None:
    engine = an_engine(database, Task("note", runs.note))
    async with database.write.begin() as connection:
        await connection.execute(text("CREATE TABLE kept (x INTEGER)"))
        await engine.later(connection, Job("note", once="same"))
        await engine.later(connection, Job("note", once="same"))
        await connection.execute(text("INSERT INTO kept VALUES (1)"))
    async with database.read.connect() as reader:
        assert await reader.scalar(text("SELECT x FROM kept")) == 1
    assert len(await states(database)) == 1


async def test_a_job_may_leave_one_with_its_own_key_while_it_runs(database: Database, runs: Runs) -> None:
    async def again(left: int) -> None:
        await runs.note(left)
        if left:
            await leave(database, engine, Job("again", {"left": left - 1}, once="again"))

    engine = an_engine(database, Task("again", again))
    async with engine.running():
        await leave(database, engine, Job("again", {"left": 2}, once="again"))
        await runs.until(lambda seen: seen == [2, 1, 0])


async def test_a_job_that_fails_is_repeated_and_then_given_up(database: Database, runs: Runs) -> None:
    async def fail() -> None:
        await runs.note()
        raise Refused

    engine = an_engine(database, Task("fail", fail, attempts=3))
    async with engine.running():
        await leave(database, engine, Job("fail"))
        await until_states(database, [("failed", 3)])
    assert len(runs.seen) == 3


async def test_a_job_that_fails_once_is_done_when_it_is_repeated(database: Database, runs: Runs) -> None:
    async def fail_once() -> None:
        await runs.note()
        if len(runs.seen) == 1:
            await leave(database, engine, Job("fail_once", once="key"))  # its repeat must not collide with this one
            raise Refused

    engine = an_engine(database, Task("fail_once", fail_once))
    async with engine.running():
        await leave(database, engine, Job("fail_once", once="key"))
        await runs.until(lambda seen: len(seen) == 3)
        await until_states(database, [])


async def test_a_job_that_no_task_answers_to_is_given_up(database: Database, runs: Runs) -> None:
    engine = an_engine(database, Task("note", runs.note))
    async with engine.running():
        await leave(database, engine, Job("unknown"), Job("note"))
        await runs.until(lambda seen: seen == ["ran"])
        await until_states(database, [("failed", 1)])


async def test_jobs_of_one_lock_run_one_after_another(database: Database, runs: Runs) -> None:
    async def slow(name: str) -> None:
        await runs.note(f"{name} begins")
        await asyncio.sleep(0.05)
        await runs.note(f"{name} ends")

    engine = an_engine(database, Task("slow", slow))
    await leave(database, engine, *(Job("slow", {"name": name}, lock="one") for name in "abc"))
    async with engine.running():
        await runs.until(lambda seen: len(seen) == 6)
    assert runs.seen == [f"{name} {what}" for name in "abc" for what in ("begins", "ends")]


async def test_a_delayed_job_waits_for_its_time(database: Database, runs: Runs) -> None:
    began: list[float] = []

    async def note_time() -> None:
        began.append(time.time())
        await runs.note()

    due = time.time() + 1
    engine = an_engine(database, Task("note_time", note_time), Task("note", runs.note))
    async with engine.running():
        await leave(database, engine, Job("note_time", at=due), Job("note", {"what": "at once"}))
        await runs.until(lambda seen: seen == ["at once", "ran"])
    assert began[0] >= due


async def test_the_clock_ticks_once_a_period_whoever_runs_it(database: Database, runs: Runs) -> None:
    ticks: list[int] = []

    async def tick() -> None:
        ticks.append(int(time.time()))
        await runs.note()

    first, second = (an_engine(database, Task("tick", tick, every=1)) for _ in range(2))
    async with first.running(), second.running():
        await runs.until(lambda seen: len(seen) >= 3)
    assert len(set(ticks)) == len(ticks), ticks


async def test_a_tick_that_fails_comes_again_and_leaves_no_failed_job(
    database: Database, runs: Runs, caplog: pytest.LogCaptureFixture
) -> None:
    async def tick() -> None:
        await runs.note()
        raise Refused

    engine = an_engine(database, Task("tick", tick, every=0.2))
    async with engine.running():
        await runs.until(lambda seen: len(seen) >= 2)
    assert "tick failed" in caplog.text
    assert [state for state, _ in await states(database) if state == "failed"] == []


async def test_jobs_under_way_may_finish_when_the_engine_stops(database: Database, runs: Runs) -> None:
    async def slow() -> None:
        await runs.note("begins")
        await asyncio.sleep(0.2)
        await runs.note("ends")

    engine = an_engine(database, Task("slow", slow))
    async with engine.running():
        await leave(database, engine, Job("slow"))
        await runs.until(lambda seen: seen == ["begins"])
    assert runs.seen == ["begins", "ends"]
    assert await states(database) == []


@contextlib.asynccontextmanager
async def broken(database: Database) -> AsyncIterator[None]:
    """The engine's tables are away, so that every statement of its fails."""
    tables = ["engine_job"] if database.is_sqlite else ["procrastinate_jobs", "procrastinate_workers"]
    for before, after in (("", "_away"), ("_away", "")):
        async with database.write.begin() as connection:
            for table in tables:
                await connection.execute(text(f"ALTER TABLE {table}{before} RENAME TO {table}{after}"))
        if not before:
            yield


@pytest.mark.slow
async def test_the_engine_outlives_a_store_that_fails_for_a_while(
    database: Database, runs: Runs, caplog: pytest.LogCaptureFixture
) -> None:
    said = "trying again" if database.is_sqlite else "starting another"

    async def noticed() -> bool:
        return said in caplog.text

    engine = an_engine(database, Task("note", runs.note))
    async with engine.running():
        async with broken(database):
            await eventually(noticed)
        await leave(database, engine, Job("note"))
        await runs.until(lambda seen: seen == ["ran"])


async def test_the_engines_tables_may_be_brought_up_to_date_twice_at_once(
    stores: SQLiteStores | PostgreSQLStores, runs: Runs
) -> None:
    with stores.fresh(migrated=False) as url:
        database, other = open_database(url), open_database(url)
        engine = an_engine(database, Task("note", runs.note))
        await asyncio.gather(engine.migrate(), an_engine(other).migrate())
        async with engine.running():
            await leave(other, engine, Job("note"))
            await runs.until(lambda seen: seen == ["ran"])
        await other.dispose()
        await database.dispose()


class HardOfHearing(Local):
    """Loses its first cancellation."""

    heard = 0

    def __init__(self, *engines: Any, **how: Any) -> None:
        super().__init__(*engines, **how)
        self.begun = asyncio.Event()

    async def _round(self) -> None:
        self.begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.heard += 1
            if self.heard > 1:
                raise


async def test_an_engine_that_did_not_hear_its_end_is_told_again(
    sqlite_stores: SQLiteStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "_HEARD", 0.05)
    with sqlite_stores.fresh() as url:
        database = open_database(url)
        engine = HardOfHearing(database.read, database.write, [], grace=0)
        async with asyncio.timeout(IN_TIME), engine.running():
            await engine.begun.wait()
        assert engine.heard == 2
        await database.dispose()


class TestWhetherJobsAreRun:
    async def test_it_is_so_while_an_engine_runs_and_not_before_or_after(self, database: Database, runs: Runs) -> None:
        engine = an_engine(database, Task("note", runs.note))
        assert not await engine.runs()
        async with engine.running():
            assert await engine.runs()
            await has_begun(database, engine, runs)

        async def over() -> bool:
            return not await engine.runs()

        await eventually(over)

    async def test_another_process_may_run_them(self, database: Database, runs: Runs) -> None:
        first, second = an_engine(database, Task("note", runs.note)), an_engine(database)
        async with first.running():
            await has_begun(database, first, runs)
            if database.is_sqlite:
                async with second.running():  # it waits for the first to end
                    assert await second.runs()
            else:
                await eventually(second.runs)

    async def test_an_engine_that_has_died_says_so(self, sqlite_stores: SQLiteStores) -> None:
        with sqlite_stores.fresh() as url:
            database = open_database(url)
            engine = Local(database.read, database.write, [])
            async with engine.running():
                assert engine._runner is not None
                engine._runner.cancel()
                await asyncio.wait([engine._runner])
                assert not await engine.runs()
            await database.dispose()

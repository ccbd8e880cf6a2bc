"""The engine on SQLite: jobs in the same file, and one process that runs them."""

import asyncio
import contextlib
import fcntl
import json
import logging
import os
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import (
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    Row,
    Table,
    Text,
    case,
    delete,
    event,
    insert,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from buyside.domain.errors import StoreUnavailable
from buyside.domain.jobs import Job
from buyside.workflows.engine.tasks import MOST_STARTS, TICK_TABLE, Task, backoff, keep_time, log_failure, run_tick

log = logging.getLogger("buyside.jobs")

metadata = MetaData()
jobs = Table(
    "engine_job",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("task", Text, nullable=False),
    Column("args", Text, nullable=False),
    Column("lock", Text),
    Column("once", Text),
    Column("run_at", Float, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("error", Text),
    Index("ix_engine_job_due", "state", "run_at"),
    Index("ix_engine_job_once", "once"),
)


_HEARD = 2
"""Seconds, beyond the grace that jobs have, after which the end is said once more."""


class Local:
    """Runs jobs in this process, if no other process does so already."""

    def __init__(
        self,
        read: AsyncEngine,
        write: AsyncEngine,
        tasks: Iterable[Task],
        *,
        concurrency: int = 8,
        poll: float = 1,
        grace: float = 10,
        backoff: Callable[[int], float] = backoff,
    ) -> None:
        self._read, self._write = read, write
        self._tasks = {task.name: task for task in tasks}
        self._concurrency, self._poll, self._grace, self._backoff = concurrency, poll, grace, backoff
        self._wake = asyncio.Event()
        self._runner: asyncio.Task[None] | None = None
        self._busy = dict[asyncio.Task[None], str | None]()

    async def runs(self) -> bool:
        # One that waits does so because another process runs them.
        return self._runner is not None and not self._runner.done()

    async def migrate(self) -> None:
        async with self._write.begin() as connection:
            await connection.run_sync(metadata.create_all)
            await connection.execute(text(TICK_TABLE))

    async def later(self, connection: AsyncConnection, job: Job) -> None:
        if job.once is not None:
            waiting = select(jobs.c.id).where(jobs.c.once == job.once, jobs.c.state == "todo")
            if (await connection.execute(waiting)).first():
                return
        await connection.execute(
            insert(jobs).values(
                task=job.name,
                args=json.dumps(dict(job.args)),
                lock=job.lock,
                once=job.once,
                run_at=time.time() if job.at is None else job.at,
                attempts=0,
                state="todo",
            )
        )

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        self._runner = runner = asyncio.create_task(self._when_alone())
        with self._woken_by_commits():
            try:
                yield
            finally:
                # Up to Python 3.11 wait_for, by which a free connection is waited for, may lose a cancellation.
                while not runner.done():
                    runner.cancel()
                    await asyncio.wait([runner], timeout=self._grace + _HEARD)
                with contextlib.suppress(asyncio.CancelledError):
                    await runner

    @contextlib.contextmanager
    def _woken_by_commits(self) -> Iterator[None]:
        """A writer that gives its connection back may have left a job. Other processes' jobs are found by polling."""

        def given_back(*_: object) -> None:
            self._wake.set()

        pool = self._write.sync_engine.pool
        event.listen(pool, "checkin", given_back)
        try:
            yield
        finally:
            event.remove(pool, "checkin", given_back)

    async def _when_alone(self) -> None:
        """Two processes would take each other's jobs for left over: the second waits for the first to end."""
        file = os.open(f"{self._write.url.database}-jobs.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            waiting = False
            while not _locked(file):
                if not waiting:
                    log.warning("another process runs the jobs of this store; this one waits for it to end")
                waiting = True
                await asyncio.sleep(self._poll)
            await self._run()
        finally:
            os.close(file)

    async def _run(self) -> None:
        clocks = [
            asyncio.create_task(keep_time(self._write, task, task.every, self.later))
            for task in self._tasks.values()
            if task.every is not None
        ]
        try:
            await self._take_over()
            while True:
                await self._round()
        finally:
            for clock in clocks:
                clock.cancel()
            await self._end()

    async def _take_over(self) -> None:
        """What was under way when the last process died is begun again, within reason."""
        spent = jobs.c.attempts + 1 >= MOST_STARTS
        state = case((spent, "failed"), else_="todo")
        left = update(jobs).where(jobs.c.state == "doing")
        await self._settle(left.values(attempts=jobs.c.attempts + 1, state=state, error="its process ended"))

    async def _round(self) -> None:
        self._wake.clear()
        try:
            for row in await self._claimed(self._concurrency - len(self._busy)):
                run = asyncio.create_task(self._one(row))
                self._busy[run] = row.lock
                run.add_done_callback(self._done)
        except StoreUnavailable:
            await asyncio.sleep(self._poll)
        except Exception:
            log.exception("no job could be taken from the store; trying again")
            await asyncio.sleep(self._poll)
        # Not wait_for: up to Python 3.11 it loses a cancellation that comes together with the event.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._poll):
                await self._wake.wait()

    def _done(self, run: asyncio.Task[None]) -> None:
        del self._busy[run]
        self._wake.set()

    async def _end(self) -> None:
        if self._busy:
            await asyncio.wait(self._busy, timeout=self._grace)
        unfinished = list(self._busy)
        for run in unfinished:
            run.cancel()
        await asyncio.gather(*unfinished, return_exceptions=True)

    async def _claimed(self, room: int) -> Sequence[Row[Any]]:
        if not room:
            return []
        held = {lock for lock in self._busy.values() if lock is not None}
        due = (
            select(jobs)
            .where(jobs.c.state == "todo", jobs.c.run_at <= time.time())
            .where(or_(jobs.c.lock.is_(None), jobs.c.lock.not_in(held)))
            .order_by(jobs.c.id)
            .limit(10 * self._concurrency)
        )
        async with self._read.connect() as connection:
            rows = (await connection.execute(due)).all()
        picked: list[Row[Any]] = []
        for row in rows:
            if len(picked) < room and row.lock not in held:
                picked.append(row)
                held |= {row.lock} - {None}
        if picked:
            # A job that has begun no longer stands for the next one of its key.
            taken = update(jobs).where(jobs.c.id.in_([row.id for row in picked])).values(state="doing", once=None)
            async with self._write.begin() as connection:
                await connection.execute(taken)
        return picked

    async def _one(self, row: Row[Any]) -> None:
        task = self._tasks.get(row.task)
        try:
            if task is None:
                raise LookupError(f"no task is called {row.task}")
            await (run_tick(task) if task.every is not None else task.run(**json.loads(row.args)))
        except Exception as error:
            await self._failed(row, task, error)
        else:
            await self._settle(delete(jobs).where(jobs.c.id == row.id))

    async def _failed(self, row: Row[Any], task: Task | None, error: Exception) -> None:
        attempt = row.attempts + 1
        again = task is not None and attempt < task.attempts
        log_failure(row.task, attempt, error, again=again)
        values: dict[str, Any] = {
            "attempts": attempt,
            "error": repr(error)[:500],
            "state": "todo" if again else "failed",
        }
        await self._settle(
            update(jobs).where(jobs.c.id == row.id).values(**values, run_at=time.time() + self._backoff(attempt))
        )

    async def _settle(self, statement: Any) -> None:
        """What has happened to a job must be written down before anything else of its lock begins."""
        while True:
            try:
                async with self._write.begin() as connection:
                    await connection.execute(statement)
            except StoreUnavailable:
                await asyncio.sleep(self._poll)
            except Exception:
                log.exception("the state of a job could not be written; trying again")
                await asyncio.sleep(self._poll)
            else:
                return


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

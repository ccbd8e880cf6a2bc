"""The engine on PostgreSQL: Procrastinate, with any number of processes. The only module that knows it."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import procrastinate
from procrastinate.exceptions import AlreadyEnqueued, UniqueViolation
from procrastinate.jobs import Job as KeptJob
from procrastinate.jobs import Status
from procrastinate.schema import SchemaManager
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from buyside.domain.errors import StoreUnavailable
from buyside.domain.jobs import Job
from buyside.workflows.engine.tasks import MOST_STARTS, TICK_TABLE, Task, backoff, keep_time, log_failure, run_tick

log = logging.getLogger("buyside.jobs")

ADVISORY_LOCK = 727001
RESCUE = "engine.rescue"


_ALIVE = text("SELECT 1 FROM procrastinate_workers WHERE last_heartbeat > :since LIMIT 1")


class Again(procrastinate.BaseRetryStrategy):
    """When a job that raised is begun again."""

    def __init__(self, attempts: int, backoff: Callable[[int], float]) -> None:
        self._attempts, self._backoff = attempts, backoff

    def get_retry_decision(self, *, exception: BaseException, job: KeptJob) -> procrastinate.RetryDecision | None:
        attempt = job.attempts + 1
        again = attempt < self._attempts
        log_failure(job.task_name, attempt, exception, again=again)
        if not again:
            return None
        return procrastinate.RetryDecision(retry_at=datetime.now(UTC) + timedelta(seconds=self._backoff(attempt)))


class Queue:
    """Jobs in tables of Procrastinate's, in the same database as ours.

    A process whose heartbeat is older than `dead_after` seconds has died; its jobs are begun again. Delayed jobs and
    jobs that wait for their retry hold their lock.
    """

    def __init__(
        self,
        write: AsyncEngine,
        tasks: Iterable[Task],
        *,
        concurrency: int = 20,
        heartbeat: float = 5,
        dead_after: float = 20,
        rescue_every: float = 5,
        grace: float = 10,
        backoff: Callable[[int], float] = backoff,
    ) -> None:
        self._write, self._dead_after, self._backoff, self._grace = write, dead_after, backoff, grace
        self._began: float | None = None
        self._tasks = [*tasks, Task(RESCUE, self._rescue, every=rescue_every)]
        self._worker: dict[str, Any] = {
            "concurrency": concurrency,
            "update_heartbeat_interval": heartbeat,
            "stalled_worker_timeout": dead_after,
            "fetch_job_polling_interval": 1,
            "shutdown_graceful_timeout": grace,
            "install_signal_handlers": False,
            "delete_jobs": "successful",
        }
        conninfo = write.url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._app = procrastinate.App(
            connector=procrastinate.PsycopgConnector(conninfo=conninfo, min_size=1, max_size=4)
        )
        for task in self._tasks:
            self._register(task)
        # It writes several lines per job, with its arguments; what matters is logged here.
        logging.getLogger("procrastinate").setLevel(logging.WARNING)
        logging.getLogger("procrastinate.worker").setLevel(logging.CRITICAL)
        logging.getLogger("procrastinate.worker.worker").setLevel(logging.WARNING)
        # Both say each second that the database is away, with a stack; the store says so once.
        for name in ("procrastinate.utils", "psycopg.pool"):
            logging.getLogger(name).setLevel(logging.CRITICAL)

    def _register(self, task: Task) -> None:
        async def run(context: procrastinate.JobContext, /, **args: Any) -> None:
            if task.every is not None:
                await run_tick(task)
                return
            if context.job.queueing_lock is not None:
                await self._free_key(context.job)
            await task.run(**args)

        retry = Again(task.attempts, self._backoff) if task.every is None else False
        self._app.task(name=task.name, retry=retry, pass_context=True)(run)

    async def _free_key(self, job: KeptJob) -> None:
        """A job that has begun no longer stands for the next one of its key: else its retry could not be written."""
        async with self._write.begin() as connection:
            begun = text("UPDATE procrastinate_jobs SET queueing_lock = NULL WHERE id = :id")
            await connection.execute(begun, {"id": job.id})

    async def runs(self) -> bool:
        """Whether a worker of any process gave a sign of life lately, or one of ours has had no time for it yet."""
        loop = asyncio.get_running_loop()
        if self._began is not None and loop.time() - self._began < self._dead_after:
            return True
        since = {"since": datetime.now(UTC) - timedelta(seconds=self._dead_after)}
        try:
            async with self._write.connect() as connection:
                found = await connection.execute(_ALIVE, since)
                return found.first() is not None
        except (SQLAlchemyError, StoreUnavailable, OSError):
            return False

    async def migrate(self) -> None:
        async with self._write.begin() as connection:
            await connection.run_sync(_upgrade)

    async def later(self, connection: AsyncConnection, job: Job) -> None:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        deferrer = self._app.configure_task(
            job.name,
            lock=job.lock,
            queueing_lock=job.once,
            connection=driver,
            schedule_at=None if job.at is None else datetime.fromtimestamp(job.at, UTC),
        )
        if job.once is None:
            await deferrer.defer_async(**job.args)
            return
        with contextlib.suppress(AlreadyEnqueued):
            async with connection.begin_nested():  # the refusal would abort the caller's transaction
                await deferrer.defer_async(**job.args)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with self._app.open_async():
            clocks = [
                asyncio.create_task(keep_time(self._write, task, task.every, self.later))
                for task in self._tasks
                if task.every is not None
            ]
            worker = asyncio.create_task(self._work())
            self._began = asyncio.get_running_loop().time()
            try:
                yield
            finally:
                self._began = None
                await self._ended({*clocks, worker})

    async def _ended(self, running: set[asyncio.Task[None]]) -> None:
        """Jobs under way are waited for. A worker that lost its database may wait for ever, so it is told twice."""
        for patience in (self._grace + 5, 5):
            for task in running:
                task.cancel()
            _, running = await asyncio.wait(running, timeout=patience)
            if not running:
                return

    async def _work(self) -> None:
        while True:  # the worker ends, by an error or quietly, when the database was away for some seconds
            try:
                await self._app.run_worker_async(**self._worker)
                log.warning("the worker has ended; starting another")
            except Exception as error:
                log.warning("the worker has ended (%s); starting another", error)
            await asyncio.sleep(2)

    async def _rescue(self) -> None:
        kept = self._app.job_manager
        clockwork = {task.name for task in self._tasks if task.every is not None}
        for job in await kept.get_stalled_jobs(seconds_since_heartbeat=self._dead_after):
            try:
                if job.task_name in clockwork:
                    await kept.finish_job(job, Status.FAILED, delete_job=True)
                elif job.attempts + 1 >= MOST_STARTS:
                    log.error("%s ended its process %d times; given up", job.task_name, job.attempts + 1)
                    await kept.finish_job(job, Status.FAILED, delete_job=False)
                else:
                    await kept.retry_job(job)
            except UniqueViolation:
                # Begun but not yet freed of its key, and another job of that key waits: that one will do.
                log.exception("%s could not be begun again", job.task_name)
                await kept.finish_job(job, Status.FAILED, delete_job=False)


def _upgrade(connection: Connection) -> None:
    """Procrastinate ships its schema whole and as steps, and keeps no list of the steps taken: this keeps it."""
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})")
    connection.exec_driver_sql(TICK_TABLE)
    connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS engine_schema (name text PRIMARY KEY)")
    folder = Path(SchemaManager.get_migrations_path())
    steps = sorted(path.name for path in folder.glob("*.sql"))
    if connection.scalar(text("SELECT to_regclass('procrastinate_jobs')")) is None:
        _script(connection, SchemaManager.get_schema())
    else:
        taken = set(connection.scalars(text("SELECT name FROM engine_schema")))
        for step in steps:
            if step not in taken:
                _script(connection, (folder / step).read_text(encoding="utf-8"))
    remembered = text("INSERT INTO engine_schema VALUES (:name) ON CONFLICT DO NOTHING")
    connection.execute(remembered, [{"name": step} for step in steps])


def _script(connection: Connection, sql: str) -> None:
    # Many statements in one text, with per cent signs of their own.
    connection.exec_driver_sql(sql, execution_options={"no_parameters": True})

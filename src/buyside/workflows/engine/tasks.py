"""What both engines agree on: tasks, their second chances, and the clock."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from buyside.domain.errors import StoreUnavailable
from buyside.domain.jobs import Job

Handler = Callable[..., Awaitable[None]]
Later = Callable[[AsyncConnection, Job], Awaitable[None]]

# A job that takes its process down with it would be begun for ever.
MOST_STARTS = 20

log = logging.getLogger("buyside.jobs")


@dataclass(frozen=True)
class Task:
    """A coroutine that jobs name.

    `every` seconds it is run by the clock, without arguments; such a run is not repeated when it fails, as the next
    one comes. Any other job is begun up to `attempts` times as long as it raises.
    """

    name: str
    run: Handler
    every: float | None = None
    attempts: int = 5


def backoff(attempt: int) -> float:
    """Seconds to wait after the failure of that attempt, counted from 1."""
    return float(min(300, 2**attempt))


TICK_TABLE = "CREATE TABLE IF NOT EXISTS engine_tick (task TEXT PRIMARY KEY, at DOUBLE PRECISION NOT NULL)"
_CLAIM = text(
    "INSERT INTO engine_tick (task, at) VALUES (:task, :at)"
    " ON CONFLICT (task) DO UPDATE SET at = excluded.at WHERE engine_tick.at < excluded.at"
)


def log_failure(name: str, attempt: int, error: BaseException, *, again: bool) -> None:
    """A job that raised. An outage needs no stack: the store has said itself what is wrong."""
    level = logging.WARNING if again else logging.ERROR
    stack = None if isinstance(error, StoreUnavailable) else error
    then = "to be repeated" if again else "given up"
    log.log(level, "%s failed, attempt %d, %s", name, attempt, then, exc_info=stack)


async def keep_time(write: AsyncEngine, task: Task, every: float, later: Later) -> None:
    """Leave a job each period. Of several processes one does, and a tick that all missed is not made up for."""
    while True:
        now = time.time()
        due = (now // every + 1) * every
        await asyncio.sleep(due - now)
        try:
            async with write.begin() as connection:
                if (await connection.execute(_CLAIM, {"task": task.name, "at": due})).rowcount:
                    await later(connection, Job(task.name, once=task.name))
        except StoreUnavailable:
            pass  # said once, by the store itself
        except Exception:
            log.exception("a tick of %s is lost", task.name)


async def run_tick(task: Task) -> None:
    try:
        await task.run()
    except StoreUnavailable:
        pass  # said once, by the store itself
    except Exception:
        log.exception("%s failed; it runs again in %g s", task.name, task.every)

"""The durable engine: jobs are kept in the store and run until they are done, whatever dies in between.

Everything behind this module is private to it: on SQLite a runner of our own, on PostgreSQL Procrastinate.
"""

import contextlib
from collections.abc import Iterable
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from buyside.domain.jobs import Job
from buyside.workflows.engine.local import Local
from buyside.workflows.engine.tasks import Handler, Task

__all__ = ["Engine", "Handler", "Task", "open_engine"]


class Engine(Protocol):
    async def later(self, connection: AsyncConnection, job: Job) -> None:
        """Leave a job that exists exactly when the transaction of `connection` commits.

        It runs at least once: a process that dies in a job leaves it to the next one. Handlers are written for that.
        """
        ...

    def running(self) -> contextlib.AbstractAsyncContextManager[None]:
        """Run jobs and keep the clock until the block ends; jobs under way then get some seconds to finish."""
        ...

    async def runs(self) -> bool:
        """Whether some process runs the jobs of this store. Never raises: a store that is away runs none."""
        ...

    async def migrate(self) -> None:
        """Bring the engine's own tables up to date. They are not among our revisions; safe to run twice at once."""
        ...


def open_engine(read: AsyncEngine, write: AsyncEngine, tasks: Iterable[Task]) -> Engine:
    """The engine that fits the store. Nothing runs until `running()`."""
    if write.dialect.name == "sqlite":
        return Local(read, write, tasks)
    # Procrastinate takes a fifth of a second to import, and a laptop has no use for it.
    from buyside.workflows.engine.queue import Queue

    return Queue(write, tasks)

"""What runs by itself and how often, and which job name runs what."""

from __future__ import annotations

from buyside.domain import jobs
from buyside.services import keeping
from buyside.services.work import Runtime
from buyside.workflows.engine import Task

_HOUR = 3600.0


def tasks(runtime: Runtime) -> list[Task]:
    """Everything that the engine must know to run; made once, by bootstrap."""

    async def sweep() -> None:
        await keeping.sweep(runtime)

    async def watch() -> None:
        await keeping.complete(runtime)
        await keeping.watch(runtime)

    async def see_through() -> None:
        await keeping.see_through(runtime)

    async def tidy() -> None:
        await keeping.tidy(runtime)

    async def take_up(account: int, operation: str) -> None:
        await keeping.take_up(runtime, account, operation)

    policy = runtime.policy
    return [
        Task("sweep", sweep, every=policy.sweep_every),
        Task("watch", watch, every=policy.watch_every),
        Task("see_through_stops", see_through, every=policy.watch_every),
        Task("tidy", tidy, every=_HOUR),
        Task(jobs.TAKE_UP, take_up),
    ]

"""What runs by itself and how often, and which job name runs what."""

from __future__ import annotations

from buyside.domain import jobs
from buyside.services import keeping
from buyside.services.work import Runtime
from buyside.workflows.engine import Task


def tasks(runtime: Runtime) -> list[Task]:
    """Everything that the engine must know to run; made once, by bootstrap."""

    async def sweep() -> None:
        await keeping.sweep(runtime)

    async def watch() -> None:
        await keeping.watch(runtime)

    async def dispatch(account: int, operation: str) -> None:
        await keeping.dispatch(runtime, account, operation)

    policy = runtime.policy
    return [
        Task("sweep", sweep, every=_seconds(policy.sweep_every)),
        Task("watch", watch, every=_seconds(policy.watch_every)),
        Task(jobs.DISPATCH, dispatch),
    ]


def _seconds(pause: float) -> int:
    """Periodic tasks tick on whole seconds."""
    return max(1, round(pause))

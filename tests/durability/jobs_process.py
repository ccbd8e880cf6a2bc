"""A process that runs jobs: `python -m tests.durability.jobs_process URL`. It says on stdout what it does."""

import asyncio
import os
import signal
import sys

from buyside.store.database import open_database
from buyside.workflows.engine import Engine, Task
from buyside.workflows.engine.local import Local
from buyside.workflows.engine.queue import Queue


def say(what: str) -> None:
    print(what, flush=True)


async def hang() -> None:
    say("hangs")
    await asyncio.Event().wait()


async def pass_through(what: str) -> None:
    say(what)


async def die() -> None:
    say("dies")
    os.kill(os.getpid(), signal.SIGKILL)


async def main(url: str, hangs: bool) -> None:
    database = open_database(url)
    tasks = [Task("work", hang if hangs else done), Task("say", pass_through), Task("die", die)]
    engine: Engine = (
        Local(database.read, database.write, tasks, poll=0.1, grace=0.1)
        if database.is_sqlite
        else Queue(database.write, tasks, heartbeat=0.2, dead_after=1, rescue_every=0.5, grace=0.1)
    )
    async with engine.running():
        say("ready")
        await asyncio.to_thread(sys.stdin.readline)
    await database.dispose()


async def done() -> None:
    say("done")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], "hang" in sys.argv[2:]))

from __future__ import annotations

import click


@click.command(name="worker")
def command() -> None:
    """Run jobs only: recovery, watching, what was left for later.

    Any number of workers share a PostgreSQL store. On SQLite one process runs the jobs, and serve does so itself: a
    worker there waits until no other does.
    """
    from buyside.bootstrap import load_settings
    from buyside.bootstrap.serving import work_until_stopped
    from buyside.cli.running import finish

    async def run() -> None:
        await work_until_stopped(load_settings(), announce=click.echo)

    finish(run())

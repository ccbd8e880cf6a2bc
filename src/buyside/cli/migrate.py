from __future__ import annotations

import click


async def _migrate() -> bool:
    from buyside import bootstrap

    database = bootstrap.open_store(bootstrap.load_settings())
    try:
        return await bootstrap.migrate_store(database)
    finally:
        await database.dispose()


@click.command(name="migrate")
def command() -> None:
    """Bring the store's schema up to date.

    All or nothing, and safe to run twice. On PostgreSQL stop workers first; an SQLite store is also migrated by serve.
    """
    from buyside.cli.running import finish

    changed = finish(_migrate())
    click.echo("The store is now up to date." if changed else "The store was up to date already.")

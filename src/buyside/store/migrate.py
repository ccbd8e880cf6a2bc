"""Brings a store's schema up to date, from a checkout or from an installed wheel alike."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection

from buyside.store.database import Database

# Any number will do that nothing else on the server takes; two migrators meet on it.
ADVISORY_LOCK = 727000


class StoreIsNewer(Exception):
    """The store was migrated by a newer buyside, which this one cannot read."""


async def migrate(database: Database) -> None:
    """Apply every revision that is missing, all or none. A second migrator waits and then finds nothing to do.

    Raises: StoreIsNewer when the store holds a revision that this version does not know.
    """
    async with database.write.connect() as connection:
        if database.is_sqlite:
            # Alembic alters an SQLite table by copying and dropping it, and a drop would cascade to the rows below it.
            # Inside a transaction the pragma does nothing, so it comes first, past SQLAlchemy.
            await _set_foreign_keys(connection, on=False)
        try:
            async with connection.begin():
                await connection.run_sync(_upgrade)
        finally:
            if database.is_sqlite:
                await _set_foreign_keys(connection, on=True)


async def pending(database: Database) -> bool:
    """Whether `migrate` would change anything."""
    async with database.read.connect() as connection:
        return await connection.run_sync(_is_behind)


def revisions(connection: Connection | None = None) -> Config:
    """Alembic's configuration for the revisions shipped here."""
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("file_template", "r%%(rev)s_%%(slug)s")
    config.set_main_option("path_separator", "os")
    return config


def is_ours(name: str | None, kind: str, _parents: object) -> bool:
    """Whether a table is managed by our revisions. The durable engine keeps its own, and migrates them itself."""
    return kind != "table" or name is None or not name.startswith(("procrastinate_", "engine_"))


def _upgrade(connection: Connection) -> None:
    is_sqlite = connection.dialect.name == "sqlite"
    if not is_sqlite:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})")
    if _is_behind(connection):
        command.upgrade(revisions(connection), "head")
    if is_sqlite and (broken := connection.exec_driver_sql("PRAGMA foreign_key_check").first()):
        raise RuntimeError(f"the migration left a row of {broken[0]} without the row of {broken[2]} that it names")


def _is_behind(connection: Connection) -> bool:
    script = ScriptDirectory.from_config(revisions())
    known = {revision.revision for revision in script.walk_revisions()}
    applied = set(MigrationContext.configure(connection).get_current_heads())
    if foreign := applied - known:
        raise StoreIsNewer(f"the store is at revision {', '.join(foreign)}, which this version does not know: upgrade")
    return applied != set(script.get_heads())


async def _set_foreign_keys(connection: AsyncConnection, *, on: bool) -> None:
    driver = (await connection.get_raw_connection()).driver_connection
    assert driver is not None
    cursor = await driver.execute(f"PRAGMA foreign_keys={'ON' if on else 'OFF'}")
    await cursor.close()

"""A store's schema is what the tables say, whichever way it came there."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import CheckConstraint, Connection, inspect, text

from buyside.store import migrate as migration
from buyside.store.database import Database, open_database
from buyside.store.migrate import StoreIsNewer, is_ours, migrate, pending, revisions
from buyside.store.tables import metadata
from tests.stores import PostgreSQLStores, SQLiteStores


@pytest.fixture
async def empty(stores: SQLiteStores | PostgreSQLStores) -> AsyncIterator[Database]:
    with stores.fresh(migrated=False) as url:
        database = open_database(url)
        yield database
        await database.dispose()


async def tables(database: Database) -> set[str]:
    async with database.read.connect() as connection:
        return set(await connection.run_sync(lambda sync: inspect(sync).get_table_names()))


async def test_the_revisions_lead_to_what_the_tables_say(database: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        options = {"include_name": is_ours, "render_as_batch": True}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))

    async with database.read.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_the_revisions_lead_to_the_checks_that_the_tables_say(database: Database) -> None:
    """Alembic compares no CHECK. PostgreSQL rewrites their text, so the words in quotes are compared."""

    def words(sql: object) -> list[str]:
        return sorted(re.findall(r"'([^']*)'", str(sql)))

    def kept(connection: Connection) -> dict[str, dict[str | None, list[str]]]:
        found = inspect(connection)
        return {
            name: {check["name"]: words(check["sqltext"]) for check in found.get_check_constraints(name)}
            for name in metadata.tables
        }

    said = {
        name: {
            str(check.name): words(check.sqltext) for check in table.constraints if isinstance(check, CheckConstraint)
        }
        for name, table in metadata.tables.items()
    }
    async with database.read.connect() as connection:
        assert await connection.run_sync(kept) == said


async def test_a_store_is_pending_until_it_is_migrated(empty: Database) -> None:
    assert await pending(empty)
    await migrate(empty)
    assert not await pending(empty)
    await migrate(empty)
    assert not await pending(empty)


async def test_two_migrators_at_once_both_end_well(empty: Database) -> None:
    other = open_database(empty.write.url.render_as_string(hide_password=False))
    await asyncio.gather(migrate(empty), migrate(other))
    assert not await pending(other)
    await other.dispose()


async def test_a_migration_that_fails_leaves_nothing_behind(
    empty: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "r0001_half.py").write_text(
        "from alembic import op\nimport sqlalchemy as sa\nrevision = '0001'\ndown_revision = None\n"
        "def upgrade():\n    op.create_table('half', sa.Column('x', sa.Integer))\n    raise ArithmeticError\n"
    )

    def half_way(connection: Connection | None = None) -> Config:
        config = revisions(connection)
        config.set_main_option("version_locations", str(tmp_path))
        return config

    monkeypatch.setattr(migration, "revisions", half_way)
    with pytest.raises(ArithmeticError):
        await migrate(empty)
    assert await tables(empty) == set()


async def test_a_store_of_a_newer_version_is_refused_by_name(database: Database) -> None:
    async with database.write.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreIsNewer, match="9999"):
        await migrate(database)
    with pytest.raises(StoreIsNewer):
        await pending(database)


async def test_foreign_keys_are_watched_again_after_a_migration(tmp_path: Path) -> None:
    store = open_database(f"sqlite:///{tmp_path / 'store.sqlite3'}")
    await migrate(store)
    async with store.write.connect() as connection:
        assert await connection.scalar(text("PRAGMA foreign_keys")) == 1
    await store.dispose()

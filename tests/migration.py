"""Drafts a schema revision from what the tables say and the revisions do not yet: `make migration m="…"`."""

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from alembic import command
from alembic.operations import MigrationScript
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection

from buyside.store.database import open_database
from buyside.store.migrate import migrate, revisions


def _draft(connection: Connection, message: str) -> None:
    config = revisions(connection)
    number = 1 + sum(1 for _ in ScriptDirectory.from_config(config).walk_revisions())

    def drop_if_empty(
        _context: MigrationContext, _revision: Iterable[str | None], scripts: list[MigrationScript]
    ) -> None:
        upgrades = scripts[0].upgrade_ops
        if upgrades is None or upgrades.is_empty():
            scripts.clear()
            print("the revisions already say what the tables say")

    written = command.revision(
        config, message, autogenerate=True, rev_id=f"{number:04d}", process_revision_directives=drop_if_empty
    )
    if isinstance(written, Script):
        file = Path(written.path)
        lines = file.read_text().splitlines(keepends=True)
        file.write_text("".join(line for line in lines if "# ###" not in line))
        subprocess.run([sys.executable, "-m", "ruff", "format", "--quiet", written.path], check=True)


async def draft(message: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(f"sqlite:///{Path(folder) / 'draft.sqlite3'}")
        try:
            await migrate(database)
            async with database.write.begin() as connection:
                await connection.run_sync(_draft, message)
        finally:
            await database.dispose()


if __name__ == "__main__":
    if len(sys.argv) != 2 or not sys.argv[1].strip():
        sys.exit('say what the revision does: make migration m="add the stops table"')
    asyncio.run(draft(sys.argv[1].strip()))

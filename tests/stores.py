"""Fresh stores for tests, fast: each is a copy of one that was migrated once."""

import asyncio
import contextlib
import itertools
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from buyside.store.database import open_database
from buyside.store.migrate import migrate
from buyside.workflows.engine import open_engine


class SQLiteStores:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count(1)
        self._template = folder / "template.sqlite3"
        migrate_now(f"sqlite:///{self._template}")

    @contextlib.contextmanager
    def fresh(self, *, migrated: bool = True) -> Iterator[str]:
        """URL of a store of its own, migrated unless said otherwise."""
        folder = self._folder / str(next(self._numbers))
        folder.mkdir()
        if migrated:
            shutil.copy(self._template, folder / "store.sqlite3")
        yield f"sqlite:///{folder / 'store.sqlite3'}"
        shutil.rmtree(folder)


class PostgreSQLStores:
    def __init__(self, server: str) -> None:
        self._server = server
        self._numbers = itertools.count(1)
        self._template = f"buyside_test_{os.getpid()}_{os.urandom(3).hex()}"
        self._run(f"CREATE DATABASE {self._template} TEMPLATE template0 ENCODING 'UTF8'")
        migrate_now(self._url(self._template))

    @contextlib.contextmanager
    def fresh(self, *, migrated: bool = True) -> Iterator[str]:
        """URL of a store of its own, migrated unless said otherwise."""
        name = f"{self._template}_{next(self._numbers)}"
        self._run(f"CREATE DATABASE {name} TEMPLATE {self._template if migrated else 'template0'}")
        try:
            yield self._url(name)
        finally:
            self._drop(name)

    def close(self) -> None:
        self._drop(self._template)

    def _drop(self, name: str) -> None:
        self._run(f"DROP DATABASE {name} WITH (FORCE)")

    def _run(self, statement: str) -> None:
        with psycopg.connect(self._server, autocommit=True) as connection:
            connection.execute(statement.encode())

    def _url(self, name: str) -> str:
        return make_url(self._server).set(database=name).render_as_string(hide_password=False)


def migrate_now(url: str) -> None:
    """Bring the store at `url` up to date, as `buyside migrate` does. In a thread: a running loop stays as it is."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, _migrate(url)).result()


async def _migrate(url: str) -> None:
    database = open_database(url)
    try:
        await migrate(database)
        await open_engine(database.read, database.write, []).migrate()
    finally:
        await database.dispose()

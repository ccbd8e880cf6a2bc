"""From settings to a running system: the only place where the parts are put together."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from buyside import settings as configuration
from buyside.bootstrap import metros
from buyside.domain.advertisers import FeePricing, FeeTerm
from buyside.domain.errors import BuysideError, StoreUnavailable
from buyside.services import seal
from buyside.services.work import Policy, Runtime
from buyside.settings import Settings
from buyside.store.database import Database, open_database
from buyside.store.migrate import StoreIsNewer, migrate, pending
from buyside.store.vault import Vault, WrongKey, key_file
from buyside.workflows.engine import open_engine

if TYPE_CHECKING:
    from buyside.connectors.platform import Sellers
    from buyside.workflows.engine import Engine

KEY_FILE = "secret.key"
DRAIN_SECONDS = 20


class CannotStart(Exception):
    """Why nothing was started, in one line for whoever typed the command."""


@contextlib.contextmanager
def plainly() -> Iterator[None]:
    """What can be wrong on purpose becomes CannotStart. Anything else is a defect and keeps its stack."""
    try:
        yield
    except (configuration.InvalidSettings, WrongKey, StoreIsNewer) as wrong:
        raise CannotStart(str(wrong)) from None
    except StoreUnavailable as away:
        raise CannotStart(f"The store cannot be used: {away.cause or away.message}") from None
    except BuysideError as refused:
        raise CannotStart(refused.message) from None
    except SQLAlchemyError as failed:
        cause = str(getattr(failed, "orig", None) or failed).strip().partition("\n")[0]
        raise CannotStart(f"The store cannot be used: {cause}") from None


def load_settings() -> Settings:
    """Raises: CannotStart naming the variable."""
    with plainly():
        return configuration.load()


def unknown_variables() -> list[str]:
    """A sentence for each variable that looks like a setting and is none."""
    return [
        f"{variable} is no setting" + (f": {meant} was meant?" if meant else ": it has no effect")
        for variable, meant in configuration.unknown()
    ]


def described(settings: Settings) -> list[configuration.Described]:
    return list(configuration.described(settings))


def policy(settings: Settings) -> Policy:
    """What use cases need of the settings, as values."""
    same = Policy.__dataclass_fields__.keys() & Settings.model_fields.keys()
    return Policy(
        **{name: getattr(settings, name) for name in same},
        default_fees=tuple(
            FeeTerm(fee.label, FeePricing(fee.pricing_type), fee.margin_percent, fee.unit, fee.unit_price)
            for fee in settings.fees
        ),
        key_cache=settings.key_cache_seconds,
        metro_names=_metro_names(settings.metro_names_file),
    )


def _metro_names(path: Path | None) -> metros.Names:
    try:
        return metros.read(path) if path else {}
    except (OSError, ValueError) as wrong:
        raise CannotStart(f"BUYSIDE_METRO_NAMES_FILE: no metro names in {path}: {wrong}") from None


def open_store(settings: Settings) -> Database:
    try:
        return open_database(settings.database_url.get_secret_value())
    except ValueError as wrong:
        raise CannotStart(f"BUYSIDE_DATABASE_URL: {wrong}") from None
    except OSError as wrong:
        if "database_url" in settings.model_fields_set:
            raise CannotStart(f"BUYSIDE_DATABASE_URL: {wrong}") from None
        folder = f"The data folder {settings.data_dir} cannot be used: {wrong.strerror}"
        raise CannotStart(f"{folder}; set BUYSIDE_DATA_DIR to one that this user may write.") from None


async def migrate_store(database: Database) -> bool:
    """Bring the schema up to date, the engine's tables too. Whether anything was missing."""
    behind = await pending(database)
    await migrate(database)
    await open_engine(database.read, database.write, []).migrate()
    return behind


async def unlock(settings: Settings, database: Database) -> Vault:
    """The vault of this store, its key tried.

    Raises: CannotStart without a key where there has to be one; WrongKey when it is not this store's.
    """
    if settings.secret_key is not None:
        vault = Vault(settings.secret_key.get_secret_value().encode())
    elif not database.is_sqlite:
        raise CannotStart("BUYSIDE_SECRET_KEY has to be set when the store is PostgreSQL (openssl rand -base64 32).")
    else:
        path = settings.data_dir / KEY_FILE
        # A new key beside an old store would open nothing: then the key was lost, and is asked for.
        secret = key_file(path, make=not await seal.is_set(database))
        if secret is None:
            raise CannotStart(f"The key file {path} is gone: put it back, or set BUYSIDE_SECRET_KEY to what it held.")
        vault = Vault(secret)
    await seal.check(database, vault)
    return vault


@asynccontextmanager
async def resting(settings: Settings) -> AsyncIterator[Runtime]:
    """A runtime on an open store: use cases work, no job is run. A store of SQLite is migrated first."""
    database = open_store(settings)
    try:
        await _require_schema(database)
        vault = await unlock(settings, database)
        sellers = _sellers(settings)
        engine = open_engine(database.read, database.write, [])
        runtime = Runtime(database, vault, sellers, engine.later, policy(settings))
        try:
            yield runtime
        finally:
            await runtime.background.drain(DRAIN_SECONDS)
            await sellers.aclose()
    finally:
        await database.dispose()


def _sellers(settings: Settings) -> Sellers:
    from buyside.connectors.registry import open_sellers

    return open_sellers(
        allow_private=settings.allow_private_endpoints,
        connect_timeout=settings.connect_timeout,
        concurrency=settings.seller_concurrency,
        connections=settings.seller_connections,
    )


async def _require_schema(database: Database) -> None:
    if database.is_sqlite:
        await migrate_store(database)
    elif await pending(database):
        raise CannotStart("The store's schema is behind this version: run buyside migrate first.")


def engine_of(runtime: Runtime) -> Engine:
    """The engine with every handler and the clock; from now on it takes the runtime's jobs."""
    from buyside.workflows.schedule import tasks

    engine = open_engine(runtime.database.read, runtime.database.write, tasks(runtime))
    runtime.later, runtime.jobs_run = engine.later, engine.runs
    return engine


@asynccontextmanager
async def working(settings: Settings) -> AsyncIterator[Runtime]:
    """A runtime whose jobs run here until the block ends."""
    async with resting(settings) as runtime, engine_of(runtime).running():
        yield runtime

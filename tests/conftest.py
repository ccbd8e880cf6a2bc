"""What every test may ask for: the contract folder, a real server, and a fresh store on either database."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import hypothesis
import pytest

from buyside.store.database import Database, open_database
from tests.postgres import postgres
from tests.stores import PostgreSQLStores, SQLiteStores

pytest_plugins = ["tests.recording"]

hypothesis.settings.register_profile("buyside", deadline=None)
hypothesis.settings.load_profile("buyside")

CONTRACT = Path(os.environ.get("BUYSIDE_CONTRACT_DIR") or Path(__file__).parents[2] / "shared" / "contract")
NO_CONTRACT = f"no contract vectors at {CONTRACT}; set BUYSIDE_CONTRACT_DIR"


def pytest_configure() -> None:
    # No test may see the settings, or the store, of whoever runs it.
    for name in [name for name in os.environ if name.startswith("BUYSIDE_") and name != "BUYSIDE_CONTRACT_DIR"]:
        del os.environ[name]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where the contract is, a skipped vector is a failure."""
    reporter = _reporter(session.config)
    if CONTRACT.is_dir() and reporter is not None and _vectors(reporter, "skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_unconfigure(config: pytest.Config) -> None:
    """The last line of a run says whether the contract was looked at."""
    reporter = _reporter(config)
    if reporter is None:
        return
    ran, skipped = _vectors(reporter, "passed", "failed"), _vectors(reporter, "skipped")
    if skipped:
        why = f"a failure, as {CONTRACT} is there" if CONTRACT.is_dir() else NO_CONTRACT
        reporter.write_line(f"contract: {ran} tests of its vectors run, {skipped} SKIPPED: {why}", red=True)
    elif ran:
        reporter.write_line(f"contract: {ran} tests of its vectors run, none skipped")


def _reporter(config: pytest.Config) -> pytest.TerminalReporter | None:
    found: pytest.TerminalReporter | None = config.pluginmanager.get_plugin("terminalreporter")
    return found


def _vectors(reporter: pytest.TerminalReporter, *outcomes: str) -> int:
    reports = [report for outcome in outcomes for report in reporter.stats.get(outcome, [])]
    return sum("contract" in getattr(report, "keywords", ()) for report in reports)


@pytest.fixture(scope="session")
def contract_dir() -> Path:
    """The folder with the contract's documents, schemas and vectors. Tests that use it bear the mark `contract`."""
    if not CONTRACT.is_dir():
        pytest.skip(NO_CONTRACT)
    return CONTRACT


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of a PostgreSQL server on which databases may be made. Every machine has one: never skipped."""
    with postgres() as url:
        yield url


@pytest.fixture(scope="session")
def sqlite_stores(tmp_path_factory: pytest.TempPathFactory) -> SQLiteStores:
    return SQLiteStores(tmp_path_factory.mktemp("stores"))


@pytest.fixture(scope="session")
def postgresql_stores(postgres_server: str) -> Iterator[PostgreSQLStores]:
    stores = PostgreSQLStores(postgres_server)
    yield stores
    stores.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def stores(request: pytest.FixtureRequest) -> SQLiteStores | PostgreSQLStores:
    """Makes any number of fresh stores; the test runs once for each database."""
    made: SQLiteStores | PostgreSQLStores = request.getfixturevalue(f"{request.param}_stores")
    return made


@pytest.fixture
def database_url(stores: SQLiteStores | PostgreSQLStores) -> Iterator[str]:
    """URL of a fresh, migrated store; the test runs once for each database."""
    with stores.fresh() as url:
        yield url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A fresh, migrated store, open; the test runs once for each database."""
    opened = open_database(database_url)
    yield opened
    await opened.dispose()

"""The counterparts, started when the first test asks for them, and the account of what was done with them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from buyside.services.work import Policy
from buyside.store.database import open_database
from tests.builders import World, a_world
from tests.interop.counterparts import (
    BARE,
    GUARANTEED,
    NON_GUARANTEED,
    OPERATOR,
    Counterpart,
    Example,
    counterpart,
    versions,
)
from tests.stores import SQLiteStores

Tell = Callable[[str], None]
_DONE: list[tuple[str, list[str]]] = []


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Tell:
    """Notes a line of what was done; all are printed at the end, by test."""
    lines: list[str] = []
    _DONE.append((request.node.name.removeprefix("test_").replace("_", " "), lines))
    return lines.append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not _DONE:
        return
    sdk, node = versions()
    terminalreporter.section(f"at sellers that this project did not write: @adcp/sdk {sdk}, node {node}")
    for name, lines in _DONE:
        terminalreporter.write_line(name)
        for line in lines:
            terminalreporter.write_line(f"    {line}")


class Street:
    """The sellers that run so far: each is started once."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._open: dict[tuple[str, bool], Counterpart] = {}

    def at(self, example: Example, *, a2a: bool) -> Counterpart:
        which = (example.script, a2a)
        if which not in self._open:
            self._open[which] = self._stack.enter_context(counterpart(example, a2a=a2a))
        return self._open[which]


@pytest.fixture(scope="session")
def street() -> Iterator[Street]:
    with ExitStack() as stack:
        yield Street(stack)


@pytest.fixture(params=["MCP", "A2A"])
def programmatic(street: Street, request: pytest.FixtureRequest) -> Counterpart:
    """It sells at once, with a fixed price."""
    return street.at(NON_GUARANTEED, a2a=request.param == "A2A")


@pytest.fixture
def bare(street: Street) -> Counterpart:
    """It takes orders and nothing else."""
    return street.at(BARE, a2a=False)


@pytest.fixture
def untouched() -> Iterator[Counterpart]:
    """One of its own, for a test after which it is of no use to others."""
    with counterpart(NON_GUARANTEED) as alone:
        yield alone


@pytest.fixture(params=["MCP", "A2A"])
def reserved(street: Street, request: pytest.FixtureRequest) -> Counterpart:
    """It answers an order with a task, and approves it later."""
    return street.at(GUARANTEED, a2a=request.param == "A2A")


@pytest.fixture
async def world(sqlite_stores: SQLiteStores) -> AsyncIterator[World]:
    """Our server on SQLite, with the times of a real installation."""
    # The first call of each tool lets the SDK compile its schemas: seconds on a busy machine.
    policy = replace(Policy(), operator_domain=OPERATOR, execute_deadline=90, call_timeout=60, read_timeout=60)
    with sqlite_stores.fresh() as url:
        database = open_database(url)
        async with a_world(database, policy=policy) as made:
            yield made
        await database.dispose()

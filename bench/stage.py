"""What a section is given: both databases, the sellers, and how much it is to do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from bench.sellers import Shops
from buyside.store.database import Database, open_database
from tests.stores import PostgreSQLStores, SQLiteStores

Measured = TypeVar("Measured")
Stores = SQLiteStores | PostgreSQLStores


@dataclass(frozen=True)
class Effort:
    rounds: int = 5
    requests: int = 200
    campaigns: int = 100_000
    changes: int = 300
    products: int = 5000
    starts: int = 5


QUICK = Effort(rounds=1, requests=20, campaigns=2000, changes=50, products=500, starts=1)


@dataclass(frozen=True)
class Stage:
    stores: Mapping[str, Stores]
    shops: Shops
    effort: Effort

    async def on_each(self, measure: Callable[[Database], Awaitable[Measured]]) -> dict[str, Measured]:
        """By the database's name; each time in a store of its own."""
        measured = {}
        for kind, stores in self.stores.items():
            with stores.fresh() as url:
                database = open_database(url)
                try:
                    measured[kind] = await measure(database)
                finally:
                    await database.dispose()
        return measured


Section = Callable[[Stage], Awaitable[None]]
"""Measures, and prints its table."""

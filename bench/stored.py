"""The peer of our reads: Starlette over the raw driver, which sends the stored bytes as they are.

It knows the key's digest, as we do after the first request, and fetches the same rows by the same indexes. It parses
nothing, checks no right, sums nothing up.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any

import psycopg
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bench.asgi import BASE
from buyside.store.database import Database

Fetch = Callable[..., Awaitable[list[tuple[Any, ...]]]]

_KEY = "SELECT account_id FROM api_key WHERE digest = %s AND revoked_at IS NULL"
_CAMPAIGN = "SELECT spec FROM campaign WHERE account_id = %s AND id = %s"
_BUYS = "SELECT body FROM media_buy WHERE account_id = %s AND campaign_id = %s ORDER BY created_at, id"
_BUY = "SELECT body FROM media_buy WHERE account_id = %s AND id = %s"
_LIST = (
    "SELECT spec FROM campaign WHERE account_id = %s AND status IN ('DRAFT', 'ACTIVE', 'PAUSED')"
    " ORDER BY created_at DESC, id DESC LIMIT %s"
)


@contextlib.asynccontextmanager
async def stored(database: Database, digest: Callable[[str], bytes]) -> AsyncIterator[Starlette]:
    """`digest`: what is stored of a key's secret part."""
    async with _driver(database) as fetch:
        known: dict[bytes, int] = {}

        async def account(request: Request) -> int:
            secret = digest(request.headers["authorization"].rpartition("_")[2])
            if secret not in known:
                ((known[secret],),) = await fetch(_KEY, secret)
            return known[secret]

        async def campaign(request: Request) -> Response:
            owner, which = await account(request), request.path_params["campaign_id"]
            specs = await fetch(_CAMPAIGN, owner, which)
            only = request.query_params.get("mediaBuyId")
            return _sent(specs, await fetch(_BUY, owner, only) if only else await fetch(_BUYS, owner, which))

        async def campaigns(request: Request) -> Response:
            return _sent(await fetch(_LIST, await account(request), int(request.query_params["take"]) + 1))

        yield Starlette(
            routes=[Route(f"{BASE}/campaigns", campaigns), Route(f"{BASE}/campaigns/{{campaign_id}}", campaign)]
        )


def _sent(*several: Iterable[tuple[str]]) -> Response:
    texts = ",".join(text for rows in several for (text,) in rows)
    return Response(f"[{texts}]", media_type="application/json")


@contextlib.asynccontextmanager
async def _driver(database: Database) -> AsyncIterator[Fetch]:
    """SQLite is read in the loop's own thread: nothing is faster."""
    url = database.read.url
    if database.is_sqlite:
        with contextlib.closing(sqlite3.connect(str(url.database))) as raw:

            async def from_sqlite(statement: str, *parameters: object) -> list[Any]:
                return raw.execute(statement.replace("%s", "?"), parameters).fetchall()

            yield from_sqlite
    else:
        plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
        async with await psycopg.AsyncConnection.connect(plain, autocommit=True) as connection:

            async def from_postgresql(statement: str, *parameters: object) -> list[Any]:
                return await (await connection.execute(statement.encode(), parameters)).fetchall()

            yield from_postgresql

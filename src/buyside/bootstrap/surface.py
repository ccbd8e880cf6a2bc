"""The HTTP surface of a runtime."""

from __future__ import annotations

import importlib.metadata

from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from buyside.api import (
    accounts,
    advertisers,
    campaigns,
    creatives,
    decisions,
    discovery,
    media_buy_batch,
    media_buys,
    notifications,
    products,
    reporting,
    stops,
    storefronts,
    update_proposals,
)
from buyside.api.app import About, create_app
from buyside.api.auth import authenticator
from buyside.api.health import Health
from buyside.domain.errors import StoreUnavailable
from buyside.services.work import Runtime
from buyside.settings import Settings

NOUNS = (
    accounts,
    advertisers,
    campaigns,
    creatives,
    decisions,
    discovery,
    media_buy_batch,
    media_buys,
    notifications,
    products,
    reporting,
    stops,
    storefronts,
    update_proposals,
)
ROUTERS = tuple(noun.routes for noun in NOUNS)


def about(settings: Settings) -> About:
    return About(
        importlib.metadata.version("buyside"),
        settings.public_url,
        envelope=settings.envelope,
        requests_per_minute=settings.rate_limit,
    )


def app_of(said: About, runtime: Runtime) -> FastAPI:
    """The app; the runtime outlives it."""

    async def check() -> Health:
        services = {"database": await _database(runtime), "jobs": await _jobs(runtime)}
        return Health(services, len(runtime.background.tasks), runtime.clock())

    routers = (*ROUTERS, reporting.downloads)
    return create_app(said, routers, authenticate=authenticator(runtime), check=check, runtime=runtime)


async def _jobs(runtime: Runtime) -> str:
    return "ready" if runtime.jobs_run is None or await runtime.jobs_run() else "stopped"


async def _database(runtime: Runtime) -> str:
    try:
        async with runtime.database.read.connect() as conn:
            await conn.execute(text("SELECT 1"))
    except (SQLAlchemyError, StoreUnavailable):
        return "unreachable"
    return "ready"

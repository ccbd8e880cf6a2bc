from __future__ import annotations

import httpx

from buyside.bootstrap.composition import engine_of
from tests.builders import World
from tests.surfaces.conftest import a_client


async def test_health_is_told_to_anyone(transport: httpx.AsyncBaseTransport) -> None:
    async with a_client(transport, None) as client:
        answer = await client.get(client.base_url.join("/health"))
    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"


async def test_a_server_whose_jobs_nobody_runs_is_not_well(
    shared_world: World, transport: httpx.AsyncBaseTransport
) -> None:
    runtime = shared_world.runtime
    later = runtime.later
    try:
        engine_of(runtime)  # and never started
        async with a_client(transport, None) as client:
            answer = await client.get(client.base_url.join("/health"))
    finally:
        runtime.later, runtime.jobs_run = later, None
    assert (answer.status_code, answer.json()["status"]) == (503, "degraded")
    assert answer.json()["services"] == {"database": "ready", "jobs": "stopped"}

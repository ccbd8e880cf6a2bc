from __future__ import annotations

import httpx

from tests.surfaces.conftest import a_client


async def test_health_is_told_to_anyone(transport: httpx.AsyncBaseTransport) -> None:
    async with a_client(transport, None) as client:
        answer = await client.get(client.base_url.join("/health"))
    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"

"""What a caller is told while the store is away."""

from __future__ import annotations

import logging

import pytest

from buyside.domain.accounts import Role
from buyside.store.database import open_database
from tests.builders import a_world
from tests.store.test_outage import away
from tests.stores import PostgreSQLStores
from tests.surfaces.conftest import a_client, recorded, with_key


async def test_a_store_that_is_away_is_503_in_the_usual_shape_and_one_line_in_the_log(
    postgresql_stores: PostgreSQLStores, caplog: pytest.LogCaptureFixture
) -> None:
    with postgresql_stores.fresh() as url:
        database = open_database(url)
        async with a_world(database) as world:
            _, key, _ = await with_key(world, world.account, Role.ADMIN)
            client = a_client(recorded(world.runtime), key)
            with away(url):
                answers = [await client.get("/campaigns") for _ in range(3)]
                answers.append(await client.post("/advertisers", json={"name": "Acme", "brand": "acme.example"}))
                health = await client.get("http://buyside.test/health")
            assert (await client.get("/campaigns")).status_code == 200
        await database.dispose()
    for answer in answers:
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        error = answer.json()["error"]
        assert (error["code"], error["details"]["recovery"]) == ("SERVICE_UNAVAILABLE", "transient")
    assert (health.status_code, health.json()["services"]["database"]) == (503, "unreachable")
    assert [record.levelno for record in caplog.records if record.levelno >= logging.WARNING] == [
        logging.ERROR,
        logging.WARNING,
    ]

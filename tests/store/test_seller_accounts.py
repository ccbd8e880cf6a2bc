"""What sellers say of our account with them."""

from __future__ import annotations

import asyncio

from buyside.domain.ids import AgentId
from buyside.domain.orders import AccountVerdict
from buyside.store.database import Database
from tests.builders import a_world


async def test_two_buys_that_hear_of_a_new_account_at_the_same_moment_both_keep_it(database: Database) -> None:
    async with a_world(database) as world:
        agent, key = AgentId("agent_1"), "northwind.example|northwind.example|live"

        async def told(status: str) -> None:
            async with world.work().writing() as tx:
                await tx.storefronts.set_account_at(agent, key, AccountVerdict("acc_1", status), world.clock())

        async with world.work().writing() as tx:
            await tx.storefronts.set_account_at(agent, key, AccountVerdict("acc_1", "pending_approval"), world.clock())
            second = asyncio.create_task(told("active"))
            await asyncio.wait([second], timeout=0.2)  # it waits for this transaction, on either database
            assert not second.done()
        await second
        async with world.work().reading() as tx:
            assert await tx.storefronts.account_at(agent, key) == AccountVerdict("acc_1", "active")

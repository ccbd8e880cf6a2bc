from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from buyside.sandbox.app import create
from tests.sandbox.buyer import Buyer, Hand


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture
async def buyer(hand: Hand) -> AsyncIterator[Buyer]:
    """A buyer in session with a seller in the same process, whose clock is `hand`."""
    app = create("North", clock=hand)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport) as client:
        one = Buyer(client, "http://north", "North")
        await one.open()
        yield one
    app.state.seller.close()

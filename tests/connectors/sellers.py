"""Sellers and orders for the connector's tests."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from buyside.connectors.platform import Sellers
from buyside.connectors.registry import open_sellers
from buyside.domain.answers import Prepared
from buyside.domain.ids import AgentId, StorefrontId
from buyside.domain.money import Money
from buyside.domain.orders import AccountRef, BuyOrder, PackageOrder
from buyside.domain.storefronts import Protocol, Seller

ACCOUNT = AccountRef("acme.com", "agency.com", sandbox=True)
KEY = "9f1d6c1e-27b2-4a6e-8c57-6a1f0a4f2d11"


def a_seller(endpoint: str, protocol: Protocol = Protocol.MCP, **more: Any) -> Seller:
    return Seller(
        id=AgentId("agent_1"),
        name="North",
        storefront_id=StorefrontId(1),
        storefront_name="North",
        endpoint=endpoint,
        protocol=protocol,
        **more,
    )


def an_order(*, product_id: str = "p1", option: str = "o1", budget: str = "500", **more: Any) -> BuyOrder:
    package = PackageOrder("ref_1", product_id, option, Money.of(budget, "USD"), **more.pop("package", {}))
    fields: dict[str, Any] = {
        "media_buy_id": "mb_ours",
        "campaign_id": "cmp_ours",
        "name": "Spring",
        "account": ACCOUNT,
        "start": None,
        "end": datetime(2030, 1, 1, tzinfo=UTC),
        "packages": (package,),
    }
    return BuyOrder(**{**fields, **more})


def a_write(tool: str = "create_media_buy", body: bytes = b'{"budget":1}') -> Prepared:
    return Prepared(tool, KEY, body, replayable=True)


@contextlib.asynccontextmanager
async def sellers(**options: Any) -> AsyncIterator[Sellers]:
    opened = open_sellers(**{"allow_private": True, **options})
    try:
        yield opened
    finally:
        await opened.aclose()

"""The queries that are asked often enter an index and read no more than they answer."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection

from buyside.domain.accounts import Limit, LimitScope
from buyside.domain.campaigns import Status
from buyside.domain.errors import NotFound
from buyside.domain.ids import AccountId, AdvertiserId, AgentId, CampaignId, DecisionId, MediaBuyId
from buyside.domain.operations import Kind
from buyside.store import campaigns as stored
from buyside.store import media_buys, operations
from buyside.store.accounts import AccountRepository
from buyside.store.campaigns import CampaignRepository, Filter
from buyside.store.database import Database, open_database
from buyside.store.decisions import DecisionRepository
from buyside.store.media_buys import MediaBuyRepository
from buyside.store.operations import OperationRepository
from buyside.store.vault import Vault
from tests.builders import SECRET
from tests.stores import SQLiteStores

OWNER, NOW = AccountId(1), datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
async def sqlite(sqlite_stores: SQLiteStores) -> AsyncIterator[Database]:
    """SQLite keeps no statistics, so its plans are the same for few rows and for many."""
    with sqlite_stores.fresh() as url:
        opened = open_database(url)
        yield opened
        await opened.dispose()


def queries(conn: AsyncConnection) -> dict[str, tuple[Callable[[], Awaitable[object]], str]]:
    """What is asked, and how the plan has to begin its search."""
    campaigns, buys = CampaignRepository(conn, OWNER), MediaBuyRepository(conn, OWNER)
    held, log = OperationRepository(conn, OWNER, Vault(SECRET)), DecisionRepository(conn, OWNER)
    accounts = AccountRepository(conn, OWNER)
    deep, buy = (NOW, "cmp_1"), MediaBuyId("mb_1")
    listed = Filter((Status.DRAFT, Status.ACTIVE, Status.PAUSED))
    mine = replace(listed, advertiser_id=AdvertiserId(1))
    limit = Limit(LimitScope.ACCOUNT, "USD")
    return {
        "due operations": (lambda: operations.due(conn, NOW, 200), "(state=? AND next_at<?)"),
        "due buys": (lambda: media_buys.take_due(conn, NOW, NOW, 200), "(check_at<?)"),
        "campaigns that are over": (lambda: stored.over(conn, NOW, 200), "(status=? AND ends_at<?)"),
        "a page": (lambda: campaigns.page(listed, limit=50), "ix_campaign_recent (account_id=?)"),
        "a deep page": (lambda: campaigns.page(listed, after=deep, limit=50), "(account_id=? AND created_at<?)"),
        "an advertiser's page": (
            lambda: campaigns.page(mine, after=deep, limit=50),
            "(account_id=? AND advertiser_id=? AND created_at<?)",
        ),
        "how many there are": (lambda: campaigns.count(listed), "(account_id=? AND status=?)"),
        "the campaign of a buy": (lambda: campaigns.lock_of(buy), "sqlite_autoindex_campaign_1 (id=?)"),
        "a campaign's buys": (lambda: buys.of(CampaignId("cmp_1")), "ix_media_buy_campaign (campaign_id=?)"),
        "a seller's buys": (lambda: buys.seller_ids(AgentId("agent_1")), "(account_id=? AND agent_id=?)"),
        "a buy's operations": (
            lambda: held.of_buy(buy, kind=Kind.CHANGE, opened=True),
            "(account_id=? AND media_buy_id=?)",
        ),
        "today's money": (lambda: accounts.committed_on(NOW.date(), limit), "(account_id=? AND day=? AND kind=?)"),
        "the log's deep page": (lambda: log.page(after=deep, limit=50), "(account_id=? AND at<?)"),
        "what reverts an entry": (lambda: log.reverting(DecisionId("decentry_1")), "(account_id=? AND reverts=?)"),
    }


async def test_a_query_enters_the_index_that_is_meant_for_it(sqlite: Database) -> None:
    asked: list[tuple[str, Any]] = []

    def noted(_: object, __: object, statement: str, parameters: Any, *___: object) -> None:
        asked.append((statement, parameters))

    event.listen(sqlite.read.sync_engine, "before_cursor_execute", noted)
    async with sqlite.read.connect() as conn:
        raw = (await conn.get_raw_connection()).driver_connection
        assert raw is not None
        for name, (query, expected) in queries(conn).items():
            asked.clear()
            with contextlib.suppress(NotFound):
                await query()
            plan = await raw.execute("EXPLAIN QUERY PLAN " + asked[0][0], asked[0][1])
            steps = "; ".join([row[3] for row in await plan.fetchall()])
            await plan.close()
            assert expected in steps, f"{name}: {steps}"

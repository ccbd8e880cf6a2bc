"""The log: entries come back as they went, newest first, and nothing in it is ever changed."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from buyside.domain.accounts import Surface
from buyside.domain.decisions import CreatedVia, Decision, EntryType, Subject, Wanted
from buyside.domain.errors import Conflict, NotFound
from buyside.domain.ids import DecisionId, KeyId
from buyside.store.accounts import Registry
from buyside.store.database import Database
from buyside.store.decisions import DecisionRepository

NOW = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)


def an_entry(number: int, *, at: datetime = NOW, campaign: str | None = "cmp_1", **more: object) -> Decision:
    plain = Decision(
        DecisionId(f"decentry_{number:03}"),
        at,
        EntryType.EDIT,
        CreatedVia.TOOL,
        "campaign.edited",
        "Renamed.",
        Subject("campaign", "cmp_1", 7, campaign),
        Surface.REST,
        "admin key",
    )
    return replace(plain, **more)  # type: ignore[arg-type]


@asynccontextmanager
async def two_accounts(database: Database) -> AsyncIterator[tuple[DecisionRepository, DecisionRepository]]:
    async with database.write.begin() as conn:
        registry = Registry(conn)
        accounts = [await registry.open(name, NOW) for name in ("Mine", "Other")]
        yield DecisionRepository(conn, accounts[0].id), DecisionRepository(conn, accounts[1].id)


async def test_every_field_comes_back_as_it_went(database: Database) -> None:
    full = an_entry(
        1,
        subject=Subject("media_buy", "mb_1", 7, "cmp_1", "mb_1"),
        key=KeyId(2**53 - 1),
        fingerprint="0123456789ab",
        reason="Büro \U0001f600",
        before={"name": "A", "gone": None, "nested": {"a": [1, 2.5, None, True]}},
        after={"name": "B"},
        outcome={"metric": "ctr", "before": 0.1, "after": 0.2},
        tags=("x", "y"),
        metadata={"raw": {"k": []}},
    )
    async with two_accounts(database) as (mine, _):
        await mine.add(full)
        assert await mine.get(full.id) == full


async def test_an_entry_is_reverted_at_most_once_and_says_so(database: Database) -> None:
    async with two_accounts(database) as (mine, _):
        await mine.add(an_entry(1))
        await mine.add(an_entry(2, reverts=DecisionId("decentry_001")))
        with pytest.raises(Conflict):
            await mine.add(an_entry(3, reverts=DecisionId("decentry_001")))
        assert (await mine.get(DecisionId("decentry_001"))).reverted_by == "decentry_002"
        undo = await mine.reverting(DecisionId("decentry_001"))
        assert undo is not None
        assert undo.id == "decentry_002"
        assert await mine.reverting(undo.id) is None


async def test_another_accounts_entries_are_not_there(database: Database) -> None:
    async with two_accounts(database) as (mine, other):
        await mine.add(an_entry(1))
        await mine.add(an_entry(2, reverts=DecisionId("decentry_001")))
        with pytest.raises(NotFound):
            await other.get(DecisionId("decentry_001"))
        assert await other.page(limit=10) == []
        assert await other.count(Wanted(), 10) == 0
        assert await other.reverting(DecisionId("decentry_001")) is None


async def test_entries_of_one_moment_are_paged_without_gap_or_repeat(database: Database) -> None:
    async with two_accounts(database) as (mine, _):
        for number in range(7):
            await mine.add(an_entry(number, at=NOW + timedelta(seconds=number // 3)))
        seen: list[str] = []
        after = None
        while page := await mine.page(after=after, limit=2):
            seen += [each.id for each in page]
            after = (page[-1].at, page[-1].id)
        assert seen == [f"decentry_{number:03}" for number in range(6, -1, -1)]
        assert await mine.count(Wanted(), 100) == 7
        assert await mine.count(Wanted(), 5) == 5, "counted no further than asked"


async def test_filters_narrow_together(database: Database) -> None:
    async with two_accounts(database) as (mine, _):
        await mine.add(an_entry(1))
        await mine.add(an_entry(2, subject=Subject("advertiser", "7", 7)))
        await mine.add(an_entry(3, entry_type=EntryType.ANOMALY, subject=Subject("media_buy", "mb", 8, "cmp_2", "mb")))

        async def found(**wanted: object) -> list[str]:
            return [each.id[-1] for each in await mine.page(Wanted(**wanted), limit=9)]  # type: ignore[arg-type]

        assert await found() == ["3", "2", "1"]
        assert await found(advertiser_id=7) == ["2", "1"]
        assert await found(advertiser_id=7, campaign_id="cmp_1") == ["1"]
        assert await found(entry_type=EntryType.ANOMALY) == ["3"]
        assert await found(media_buy_id="mb") == ["3"]
        assert await found(subject_type="advertiser", subject_id="7") == ["2"]
        assert await found(subject_type="advertiser", subject_id="8") == []


def test_there_is_no_way_to_change_or_remove_an_entry() -> None:
    verbs = {name for name, _ in inspect.getmembers(DecisionRepository, inspect.isfunction) if not name.startswith("_")}
    assert verbs == {"add", "get", "page", "count", "reverting"}

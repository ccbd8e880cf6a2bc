from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from buyside.domain.advertisers import Advertiser, AdvertiserSpec, ApplyMode, FeePricing, FeeTerm, Status
from buyside.domain.errors import NotFound
from buyside.domain.ids import AdvertiserId
from buyside.store.accounts import Registry
from buyside.store.advertisers import AdvertiserRepository
from buyside.store.database import Database

NOW = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
FULL = AdvertiserSpec(
    name="Ärger & Söhne",
    brand_domain="aerger.example",
    currency="JPY",
    description="Line one\nline two \U0001f600",
    apply_mode=ApplyMode.AUTO,
    fees=(
        FeeTerm("Agency", FeePricing.MARGIN, margin_percent=Decimal("12.500000")),
        FeeTerm("Tech", FeePricing.UNIT, unit="CPM", unit_price=Decimal("0.000001")),
    ),
    brand={"colors": {"primary": "#fff"}, "n": 1},
)


def an_advertiser(spec: AdvertiserSpec = FULL, *, sandbox: bool = False) -> Advertiser:
    return Advertiser(AdvertiserId(0), spec, Status.ACTIVE, sandbox, False, NOW, NOW)


@asynccontextmanager
async def two_accounts(database: Database) -> AsyncIterator[tuple[AdvertiserRepository, AdvertiserRepository]]:
    async with database.write.begin() as conn:
        registry = Registry(conn)
        accounts = [await registry.open(name, NOW) for name in ("Mine", "Other")]
        yield AdvertiserRepository(conn, accounts[0].id), AdvertiserRepository(conn, accounts[1].id)


async def test_every_field_comes_back_as_it_went(database: Database) -> None:
    async with two_accounts(database) as (mine, _):
        made = await mine.add(an_advertiser(sandbox=True))
        assert await mine.get(made.id) == made
        for fees in (None, ()):
            changed = replace(
                made,
                spec=replace(FULL, brand_domain=None, description=None, fees=fees),
                status=Status.ARCHIVED,
                currency_locked=True,
            )
            await mine.save(changed)
            assert await mine.get(made.id) == changed
            assert await mine.lock(made.id) == changed


async def test_another_accounts_advertiser_is_not_there(database: Database) -> None:
    async with two_accounts(database) as (mine, other):
        made = await mine.add(an_advertiser())
        for look in (other.get, other.lock):
            with pytest.raises(NotFound) as foreign:
                await look(made.id)
            with pytest.raises(NotFound) as unknown:
                await look(AdvertiserId(2**53 - 1))
            assert foreign.value.message.replace(str(made.id), "?") == unknown.value.message.replace(
                str(2**53 - 1), "?"
            )
        await other.save(replace(made, spec=replace(FULL, name="Stolen")))
        assert await mine.get(made.id) == made
        assert (await other.page(status=None, limit=10, offset=0))[1] == 0


async def test_pages_count_all_and_find_names_in_any_case(database: Database) -> None:
    names = ["Straße", "50% off", "under_score", "plain"]
    async with two_accounts(database) as (mine, _):
        made = [await mine.add(an_advertiser(replace(FULL, name=name))) for name in names]

        async def found(name: str) -> list[str]:
            rows, _ = await mine.page(status=Status.ACTIVE, name=name, limit=10, offset=0)
            return [each.spec.name for each in rows]

        assert await found("STRASSE") == ["Straße"]
        assert await found("%") == ["50% off"], "a wildcard is a letter like any other"
        assert await found("_") == ["under_score"]
        rows, total = await mine.page(status=None, limit=2, offset=1)
        assert ([each.id for each in rows], total) == ([made[1].id, made[2].id], 4)

"""Lists of very many campaigns: what a page costs, beside the same page of a store that holds a thousand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, insert, select, text

from bench.figures import ms, repeated, show, times
from bench.sellers import Shops
from bench.stage import Stage
from buyside.domain import media_buys
from buyside.domain.campaigns import Status
from buyside.domain.ids import AdvertiserId, CampaignId, MediaBuyId
from buyside.domain.media_buys import MediaBuy
from buyside.services import campaigns
from buyside.services.campaigns.reading import wanted
from buyside.store.campaigns import Filter
from buyside.store.database import Database
from buyside.store.tables import campaign, campaign_tally
from tests.builders import World, a_campaign, a_world, an_advertiser

SMALL = 1000
PAGE = 50
SKIPPED = 900
"""As far as a store of SMALL reaches."""
CHUNK = 5000
OLDEST = 100
TIMES = 50


@dataclass(frozen=True)
class Asked:
    wanted: Filter
    after: tuple[datetime, str] | None = None
    skip: int = 0
    found: int = PAGE
    """Campaigns on the page."""


@dataclass(frozen=True)
class Paged:
    """Seconds a page, by what was asked."""

    small: Mapping[str, float]
    full: Mapping[str, float]


async def section(stage: Stage) -> None:
    many = stage.effort.campaigns
    report(await stage.on_each(lambda database: measure(database, stage.shops, many)), many)


async def measure(database: Database, shops: Shops, many: int) -> Paged:
    async with a_world(database) as world:
        filled = await _begun(world, shops)
        await filled.up_to(SMALL)
        await _paged(world, filled)  # until every connection has prepared its statements
        small = await _paged(world, filled)
        await filled.up_to(many)
        return Paged(small, await _paged(world, filled))


async def _paged(world: World, filled: Filled) -> dict[str, float]:
    return {name: await _page(world, asked) for name, asked in filled.questions().items()}


async def _page(world: World, asked: Asked) -> float:
    async def page() -> None:
        found = await campaigns.page(world.work(), asked.wanted, after=asked.after, limit=PAGE, offset=asked.skip)
        assert len(found.campaigns) == asked.found, len(found.campaigns)

    return (await repeated(page, TIMES)).wall


@dataclass
class Filled:
    """Copies of one campaign, a second apart, the oldest first.

    The oldest hundred are PAUSED and have a media buy; one in a hundred is CANCELED, one in a hundred is another
    advertiser's, and only the very first is called winter.
    """

    world: World
    pattern: Mapping[str, Any]
    buy: MediaBuy
    other: AdvertiserId
    first_at: datetime
    made: int = 0

    def _row(self, n: int) -> dict[str, Any]:
        paused, canceled = n < OLDEST, n % 100 == 99
        status = Status.CANCELED if canceled else Status.PAUSED if paused else Status.ACTIVE
        return {
            **self.pattern,
            "id": _id(n),
            "status": status.value,
            "created_at": self.first_at + timedelta(seconds=n),
            "advertiser_id": self.other if n % 100 == 50 else self.pattern["advertiser_id"],
            "name_folded": f"{'summer' if n else 'winter'} {n}",
        }

    async def up_to(self, many: int) -> None:
        database, tally = self.world.runtime.database, Counter[str]()
        async with database.write.begin() as conn:
            for status, count in await conn.execute(select(campaign_tally.c.status, campaign_tally.c.count)):
                tally[status] = count
            for begin in range(self.made, many, CHUNK):
                rows = [self._row(n) for n in range(begin, min(begin + CHUNK, many))]
                await conn.execute(insert(campaign), rows)
                tally.update(row["status"] for row in rows)
            await conn.execute(delete(campaign_tally))
            account = self.world.account.id
            for status, count in tally.items():
                await conn.execute(insert(campaign_tally).values(account_id=account, status=status, count=count))
        if self.made == 0:
            await self._buys()
        self.made = many
        if not database.is_sqlite:  # what autovacuum does a minute later
            async with database.write.begin() as conn:
                await conn.execute(text("ANALYZE"))

    async def _buys(self) -> None:
        work = self.world.work()
        async with work.writing() as tx:
            for n in range(OLDEST):
                new = replace(self.buy, id=MediaBuyId(work.new_id("mb")), campaign_id=_id(n))
                await tx.media_buys.add(replace(new, status=media_buys.Status.PAUSED))

    def questions(self) -> dict[str, Asked]:
        """What a list may be asked. All that is rare is also old, so that a wrong index shows."""
        rare = min(PAGE, self.made // 100)
        far = self.first_at + timedelta(seconds=OLDEST), "cmp_"
        return {
            "first page": Asked(wanted()),
            "by cursor, at the far end": Asked(wanted(), after=far),
            f"after skipping {SKIPPED}": Asked(wanted(), skip=SKIPPED),
            "status ALL": Asked(wanted(statuses=["ALL"])),
            "a status that 1 in 100 has": Asked(wanted(statuses=["CANCELED"]), found=rare),
            f"a status that only the oldest {OLDEST} have": Asked(wanted(statuses=["PAUSED"])),
            "the same, of two statuses": Asked(wanted(statuses=["PAUSED", "COMPLETED"])),
            "an advertiser of 1 in 100": Asked(wanted(advertiser_id=self.other), found=rare),
            f"a media buy's status, of the oldest {OLDEST}": Asked(wanted(buy_statuses=(media_buys.Status.PAUSED,))),
            "a name that all have": Asked(wanted(name="Summer")),
            "a name that one has": Asked(wanted(name="Winter"), found=1),
        }


def _id(n: int) -> CampaignId:
    return CampaignId(f"cmp_9{n:011d}")


async def _begun(world: World, shops: Shops) -> Filled:
    """With a newest campaign, staged at a seller."""
    sellers = await shops.connect(world)
    other = await an_advertiser(world)
    view = await a_campaign(world, shops.wanted(sellers)[:1])
    async with world.runtime.database.write.begin() as conn:
        pattern = (await conn.execute(select(campaign))).one()._asdict()
    first_at = view.campaign.created_at - timedelta(days=400)
    return Filled(world, pattern, view.buys[0], other.id, first_at)


def report(measured: Mapping[str, Paged], many: int) -> None:
    show(
        f"{many:,} campaigns, pages of {PAGE}, each beside the same page of {SMALL:,}",
        ["", f"of {SMALL:,}", f"of {many:,}", "÷"],
        [
            [f"{name}, {kind}", ms(paged.small[name]), ms(full), times(full / paged.small[name])]
            for kind, paged in measured.items()
            for name, full in paged.full.items()
        ],
        f"Of what 1 in 100 has, the small store fills a page with {SMALL // 100} only.",
    )

"""Advertisers below the surface: what two who write at once do to each other, and what is written down."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from buyside.domain import advertisers as rules
from buyside.domain.advertisers import AdvertiserSpec, ApplyMode, FeePricing, FeeTerm
from buyside.domain.campaigns import Action
from buyside.domain.errors import Conflict
from buyside.services import advertisers, campaigns
from buyside.store.database import Database
from tests.builders import World, a_campaign, a_world, an_advertiser

FEES = (
    FeeTerm("Agency", FeePricing.MARGIN, margin_percent=Decimal("12.5")),
    FeeTerm("Tech", FeePricing.UNIT, unit="CPM", unit_price=Decimal("0.123456")),
)


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    async with a_world(database) as made:
        yield made


def test_what_the_log_keeps_of_an_advertiser_makes_it_again() -> None:
    full = AdvertiserSpec("Acme", "acme.com", "EUR", "Shoes", ApplyMode.AUTO, FEES)
    bare = AdvertiserSpec("Other", None, "USD")
    for spec, onto in ((full, bare), (bare, full)):
        assert rules.with_facts(onto, rules.facts(spec)) == spec


async def test_of_two_edits_at_once_none_is_lost(world: World) -> None:
    made = await an_advertiser(world)

    def rename(spec: AdvertiserSpec) -> AdvertiserSpec:
        return replace(spec, name=f"{spec.name}!")

    await asyncio.gather(*(advertisers.update(world.work(), made.id, rename) for _ in range(8)))
    assert (await advertisers.get(world.work(), made.id)).advertiser.spec.name == "Northwind!!!!!!!!"


async def test_a_first_campaign_and_an_edit_at_once_both_hold(world: World) -> None:
    made = await an_advertiser(world)
    edit: Callable[[AdvertiserSpec], AdvertiserSpec] = lambda spec: replace(spec, description="kept")  # noqa: E731
    await asyncio.gather(a_campaign(world, advertiser=made), advertisers.update(world.work(), made.id, edit))
    after = (await advertisers.get(world.work(), made.id)).advertiser
    assert (after.currency_locked, after.spec.description) == (True, "kept")


async def test_every_write_is_one_decision_with_what_changed(world: World) -> None:
    work = world.work()
    made = (await advertisers.create(work, AdvertiserSpec("Acme", "acme.com", "EUR"))).advertiser
    await advertisers.update(work, made.id, lambda spec: replace(spec, fees=FEES))
    await advertisers.delete(work, made.id)
    await advertisers.restore(work, made.id)
    async with work.reading() as tx:
        entries = await tx.decisions.page(limit=10)
    assert [each.action for each in entries] == [
        "advertiser.restored",
        "advertiser.archived",
        "advertiser.edited",
        "advertiser.created",
    ]
    edited = entries[2]
    assert edited.before == {"fees": None}
    assert edited.after is not None
    assert [each["unitPrice"] for each in edited.after["fees"]] == [None, "0.123456"], "no rate is rounded on its way"


async def test_an_advertiser_whose_campaign_may_spend_is_not_archived(world: World) -> None:
    made = await an_advertiser(world)
    draft = await a_campaign(world, advertiser=made)
    async with world.work().writing() as tx:
        campaign = await tx.campaigns.lock(draft.campaign.id)
        await tx.campaigns.save(campaign, campaign.then(Action.EXECUTE), world.clock())
    with pytest.raises(Conflict):
        await advertisers.delete(world.work(), made.id)
    await campaigns.delete(world.work(), (await a_campaign(world, advertiser=made)).campaign.id)


async def test_nothing_of_a_dry_piece_of_work_stays(world: World) -> None:
    made = await an_advertiser(world)
    dry = replace(world.work(), dry=True)
    shown = await advertisers.update(dry, made.id, lambda spec: replace(spec, name="Tried"))
    assert shown.advertiser.spec.name == "Tried"
    assert (await advertisers.get(world.work(), made.id)).advertiser == made
    async with world.work().reading() as tx:
        assert await tx.decisions.page(limit=5) == []

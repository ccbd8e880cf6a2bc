"""Taking decisions back, below the surface: what is named, what is tried, what the log keeps."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from buyside.domain import campaigns as rules
from buyside.domain.advertisers import AdvertiserSpec, ApplyMode
from buyside.domain.campaigns import Budget, CampaignSpec, Pacing
from buyside.domain.decisions import Wanted, changes, taken_back
from buyside.domain.errors import Conflict, NotFound
from buyside.domain.flight import Flight
from buyside.domain.ids import DecisionId, DiscoveryId, StorefrontId
from buyside.domain.money import Money
from buyside.services import advertisers, campaigns, decisions
from buyside.services.reverting import UNDO
from buyside.store.database import Database
from tests.builders import World, a_campaign, a_world, an_advertiser

FULL = CampaignSpec(
    name="Summer",
    flight=Flight(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 31, 23, 59, 59, tzinfo=UTC)),
    budget=Budget(Money.of("1234567.89", "EUR"), Money.of("10.50", "EUR"), Pacing.FRONTLOADED),
    brief="Shoes",
    constraints={"geo_countries": ["DE"], "n": 1.5},
    storefront_ids=(StorefrontId(1), StorefrontId(2)),
    discovery_id=DiscoveryId("session_1"),
    performance_config={"optimizationGoals": [{"kind": "x"}]},
    apply_mode=ApplyMode.AUTO,
)


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    async with a_world(database) as made:
        yield made


def test_what_the_log_keeps_of_a_campaign_makes_it_again() -> None:
    bare = replace(
        FULL,
        name="Other",
        budget=Budget(Money.of("1", "EUR")),
        brief=None,
        constraints=None,
        storefront_ids=(),
        discovery_id=None,
        performance_config=None,
        apply_mode=None,
    )
    assert {f.name for f in fields(FULL)} == set(rules.facts(FULL))
    for spec, onto in ((FULL, bare), (bare, FULL)):
        before, after = changes(rules.facts(onto), rules.facts(spec))
        assert rules.with_facts(onto, after) == spec
        assert rules.with_facts(spec, before) == onto


@pytest.mark.parametrize("text", ["0.00 EUR", "1,234,567.89 USD", "-5.00 EUR", "1,000 JPY", "0.001 BHD"])
def test_money_reads_what_it_wrote(text: str) -> None:
    assert str(Money.read(text)) == text


async def last(world: World, **wanted: Any) -> DecisionId:
    return (await decisions.page(world.work(), Wanted(**wanted), limit=1)).entries[0].id


async def test_only_what_stands_as_the_decision_left_it_is_taken_back(world: World) -> None:
    made = await an_advertiser(world)
    await advertisers.update(world.work(), made.id, lambda spec: replace(spec, name="Second", description="x"))
    entry = await decisions.get(world.work(), await last(world))
    assert taken_back(entry, {"name": "Second", "description": "x", "brand": "other"}) == {
        "name": "Northwind",
        "description": None,
    }
    for now in ({"name": "Third", "description": "x"}, {"name": "Second"}):
        with pytest.raises(Conflict):
            taken_back(entry, now)


async def test_an_entry_written_by_the_way_does_not_pass_for_the_one_that_takes_back(world: World) -> None:
    view = await a_campaign(world)
    renamed = replace(view.campaign.spec, name="Renamed", budget=Budget(Money.of(5000, "USD")))
    await campaigns.update(world.work(), view.campaign.id, lambda _: renamed)
    entry = await last(world, subject_type="campaign")
    undo = await decisions.revert(world.work(), entry)
    assert (undo.reverts, undo.action, undo.subject.id) == (entry, "campaign.edited", view.campaign.id)
    assert undo.reason == f"Takes back {entry}."
    page = await decisions.page(world.work(), Wanted(), limit=50)
    assert [each.id for each in page.entries if each.reverts] == [undo.id]


async def test_a_preview_raises_only_for_an_entry_that_there_is_not(world: World) -> None:
    await advertisers.create(world.work(), AdvertiserSpec("Acme", "acme.com", "EUR"))
    found = await decisions.preview_revert(world.work(), await last(world))
    assert [each.error.code for each in found.refusals] == ["CONFLICT"]
    with pytest.raises(NotFound):
        await decisions.preview_revert(world.work(), DecisionId("decentry_none"))


async def test_what_the_service_would_refuse_the_preview_refuses(world: World) -> None:
    made = await an_advertiser(world)
    await advertisers.update(world.work(), made.id, lambda spec: replace(spec, currency="EUR"))
    entry = await last(world)
    stored = (await advertisers.get(world.work(), made.id)).advertiser
    await a_campaign(world, advertiser=stored, spec=replace(FULL, storefront_ids=(), discovery_id=None))
    found = await decisions.preview_revert(world.work(), entry)
    assert [(each.error.code, each.error.field) for each in found.refusals] == [("CONFLICT", "primaryCurrency")]
    assert [(each.path, each.before, each.after) for each in found.changes] == [("primaryCurrency", "EUR", "USD")]
    with pytest.raises(Conflict):
        await decisions.revert(world.work(), entry)


async def test_a_total_is_counted_no_further_than_it_is_worth(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decisions, "MOST_COUNTED", 3)
    for number in range(5):
        await advertisers.create(world.work(), AdvertiserSpec(f"A{number}", "acme.com", "EUR"))
        page = await decisions.page(world.work(), Wanted(), limit=2)
        assert (page.total, page.is_capped) == (min(number + 1, 3), number >= 2)
        assert page.has_more is (number >= 2)


def test_what_takes_back_can_itself_be_taken_back_except_an_undone_stop_which_is_made_anew() -> None:
    backs: Mapping[str, str] = {action: undo.by for action, undo in UNDO.items() if action != "stop.made"}
    assert all(backs[by] == action for action, by in backs.items())
    assert UNDO["stop.made"].by not in UNDO

"""Discovery: all sellers asked at once, what one of them does costs the others nothing, and late answers still land."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from functools import partial

import pytest

from buyside.domain.accounts import Role
from buyside.domain.advertisers import Advertiser
from buyside.domain.campaigns import Campaign, CampaignSpec
from buyside.domain.discovery import AgentState, Trouble
from buyside.domain.errors import Conflict, Invalid, NotFound
from buyside.domain.groups import Found, Page
from buyside.domain.ids import DiscoveryId, StorefrontId
from buyside.domain.qualified import product_key
from buyside.domain.refinements import Refinement, Scope, Verdict
from buyside.domain.searches import Narrowing, Wish
from buyside.domain.selections import Choice
from buyside.domain.storefronts import Seller
from buyside.services import campaigns, discovery
from buyside.services.discovery import Ask
from buyside.store.database import Database
from tests.builders import World, a_campaign, a_spec, a_world, an_account, an_advertiser
from tests.services.searching import agents, connected, discover


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    async with a_world(database) as made:
        yield made


async def settled(world: World, session: DiscoveryId, *, revision_above: int = 0) -> Found:
    """The session once nobody is awaited any more."""
    async with asyncio.timeout(10):
        while True:
            found = await discovery.browse(world.work(), session)
            if found.is_complete and found.session.revision > revision_above:
                return found
            await asyncio.sleep(0.02)


def _pinned(campaign: Campaign, ids: tuple[StorefrontId, ...]) -> CampaignSpec:
    return replace(campaign.spec, storefront_ids=ids)


class TestDiscover:
    async def test_every_connected_seller_is_a_group_with_its_products(self, world: World) -> None:
        async with connected(world, "North", "South") as sellers:
            advertiser = await an_advertiser(world)
            found = await discover(world, advertiser)
            assert agents(found) == {"North", "South"}
            assert [group.agent.agent_id for group in found.groups] == [seller.id for _, seller in sellers]
            assert found.total_groups == 2
            assert found.tally.products == sum(group.total for group in found.groups) > 0
            assert found.is_complete
            assert not found.incomplete
            again = await discovery.browse(world.work(), found.session.id)
            assert [(g.agent.agent_id, g.products) for g in again.groups] == [
                (g.agent.agent_id, g.products) for g in found.groups
            ]
            assert again.session.revision == found.session.revision
            assert again.tally == found.tally

    async def test_the_question_carries_brief_brand_dates_countries_budget_and_channels(self, world: World) -> None:
        async with connected(world, "North") as [(north, _)]:
            advertiser = await an_advertiser(world)
            spec = a_spec()
            wish = Wish("running shoes", ["video", "ctv"], ["DE"], Decimal(500), spec.flight)
            found = await discover(world, advertiser, wish)
            asked = (await north.calls("get_products"))[-1]["arguments"]
            assert asked["buying_mode"] == "brief"
            assert asked["brief"] == "running shoes"
            assert asked["brand"] == {"domain": "northwind.example"}
            assert asked["filters"]["channels"] == ["olv", "ctv"]
            assert asked["filters"]["countries"] == ["DE"]
            assert asked["filters"]["start_date"] == spec.flight.start.date().isoformat()
            assert asked["filters"]["budget_range"] == {"max": 500, "currency": "USD"}
            assert {channel for g in found.groups for p in g.products for channel in p.channels} == {"olv", "ctv"}

    async def test_a_seller_is_asked_to_be_done_before_the_buyer_stops_waiting(self, world: World) -> None:
        async with connected(world, "North") as [(north, _)]:
            await discover(world, await an_advertiser(world), wait_seconds=4)
            asked = (await north.calls("get_products"))[-1]["arguments"]
            assert asked["time_budget"] == {"interval": 2, "unit": "seconds"}

    async def test_without_a_brief_the_whole_offer_is_asked_for(self, world: World) -> None:
        async with connected(world, "North") as [(north, _)]:
            await discover(world, await an_advertiser(world), Wish())
            asked = (await north.calls("get_products"))[-1]["arguments"]
            assert asked["buying_mode"] == "wholesale"
            assert "brief" not in asked

    async def test_a_campaign_fills_in_what_is_not_said_and_what_is_said_wins(self, world: World) -> None:
        async with connected(world, "North") as [(north, _)]:
            advertiser = await an_advertiser(world)
            spec = a_spec("750 USD", brief="from the campaign", constraints={"channels": ["ctv"]})
            view = await a_campaign(world, advertiser=advertiser, spec=spec)
            found = await discover(world, advertiser, Wish(budget=Decimal(200)), campaign_id=view.campaign.id)
            asked = (await north.calls("get_products"))[-1]["arguments"]
            assert asked["brief"] == "from the campaign"
            assert asked["filters"]["channels"] == ["ctv"]
            assert asked["filters"]["budget_range"]["max"] == 200
            assert found.budget is not None
            assert found.budget.budget is not None
            assert str(found.budget.budget) == "200.00 USD"
            # The campaign had no session yet: this is now the one that it buys from.
            after = await campaigns.get(world.work(), view.campaign.id)
            assert after.campaign.spec.discovery_id == found.session.id
            assert found.session.campaign_id == view.campaign.id

    async def test_storefronts_are_chosen_by_number_or_part_of_their_name(self, world: World) -> None:
        async with connected(world, "North", "South", "Southwest") as sellers:
            advertiser = await an_advertiser(world)
            north = sellers[0][1].storefront_id
            assert agents(await discover(world, advertiser, Wish(storefront_ids=[north]))) == {"North"}
            assert agents(await discover(world, advertiser, Wish(storefront_names=["south"]))) == {"South", "Southwest"}
            both = Wish(storefront_ids=[north], storefront_names=["SOUTHW"])
            assert agents(await discover(world, advertiser, both)) == {"North", "Southwest"}
            nobody = await discover(world, advertiser, Wish(storefront_ids=[StorefrontId(999)]))
            assert nobody.total_groups == 0
            assert "999" in (nobody.guidance or "")

    async def test_a_campaigns_storefronts_are_the_fallback(self, world: World) -> None:
        async with connected(world, "North", "South") as sellers:
            advertiser = await an_advertiser(world)
            spec = a_spec(storefront_ids=(sellers[1][1].storefront_id,))
            view = await a_campaign(world, advertiser=advertiser, spec=spec)
            found = await discover(world, advertiser, campaign_id=view.campaign.id)
            assert agents(found) == {"South"}

    async def test_a_campaigns_new_storefronts_hold_for_what_it_discovers_from_then_on(self, world: World) -> None:
        async with connected(world, "North", "South") as sellers:
            advertiser = await an_advertiser(world)
            view = await a_campaign(world, advertiser=advertiser)
            for pinned, asked in (((sellers[0][1].storefront_id,), {"North"}), ((), {"North", "South"})):
                edit = partial(_pinned, ids=pinned)
                await campaigns.update(world.work(), view.campaign.id, edit)
                assert agents(await discover(world, advertiser, campaign_id=view.campaign.id)) == asked

    async def test_what_comes_back_is_filtered_too(self, world: World) -> None:
        async with connected(world, "North") as [(north, _)]:
            advertiser = await an_advertiser(world)
            clicks = await discover(world, advertiser, Wish(pricing_model="cpc"))
            assert [p.product_id for g in clicks.groups for p in g.products] == [north.product_id("social_feed")]
            every = await discover(world, advertiser, Wish(), channels=())
            domain = every.groups[0].products[0].publisher_domains[0]
            label = domain.split(".")[0]
            mine = await discover(world, advertiser, Wish(publisher_domain=label), channels=())
            assert {d for g in mine.groups for p in g.products for d in p.publisher_domains} == {domain}
            none = await discover(world, advertiser, Wish(publisher_domain=label[:-1]), channels=())
            assert none.tally.products == 0
            assert "Nothing was found" in (none.guidance or "")

    async def test_twenty_sellers_are_asked_at_once(self, world: World) -> None:
        async with connected(world, *(f"Seller {n}" for n in range(20))) as sellers:
            advertiser = await an_advertiser(world)
            for handle, _ in sellers:
                await handle.hold("get_products")
            asking = asyncio.create_task(discover(world, advertiser, wait_seconds=60))
            # None is let go before the twentieth has begun.
            for handle, _ in sellers:
                await handle.wait("get_products", in_flight=1)
            await asyncio.gather(*(handle.release() for handle, _ in sellers))
            found = await asking
            assert found.tally.products > 0
            assert len(found.agents) == 20
            assert not found.incomplete
            assert len(found.groups) == 10
            assert found.has_more_groups

    async def test_sellers_never_met_are_asked_what_they_are_first(self, world: World) -> None:
        async with connected(world, "North", "South") as sellers:
            for _, seller in sellers:
                await forget(world, seller)
            found = await discover(world, await an_advertiser(world))
            assert agents(found) == {"North", "South"}
            async with world.work().reading() as tx:
                assert all(each.profile is not None for each in await tx.storefronts.sellers())


async def forget(world: World, seller: Seller) -> None:
    async with world.work().writing() as tx:
        shop = await tx.storefronts.get(seller.storefront_id)
        await tx.storefronts.save_source(replace(shop.sources[0], profile=None))


class TestSlowAndBroken:
    async def test_a_slow_seller_is_late_and_its_answer_lands_in_the_session(self, world: World) -> None:
        async with connected(world, "Quick", "Slow") as [_, (slow, _)]:
            await slow.hold("get_products")
            found = await discover(world, await an_advertiser(world), wait_seconds=1)
            assert agents(found) == {"Quick"}
            assert [each.agent_name for each in found.late] == ["Slow"]
            assert found.longer_wait_helps
            assert not found.is_complete
            before = found.session.revision
            await slow.release()
            after = await settled(world, found.session.id, revision_above=before)
            assert agents(after) == {"Quick", "Slow"}
            news = await discovery.browse(world.work(), found.session.id, since=before)
            assert agents(news) == {"Slow"}
            assert news.tally == after.tally

    async def test_a_broken_seller_is_named_and_the_others_are_shown(self, world: World) -> None:
        async with connected(world, "Fine", "Broken") as [_, (broken, _)]:
            await broken.set_faults(http_error=500, tool="get_products")
            found = await discover(world, await an_advertiser(world))
            assert agents(found) == {"Fine"}
            assert [(each.agent_name, each.state) for each in found.incomplete] == [("Broken", AgentState.FAILED)]
            assert found.incomplete[0].message
            assert found.is_complete

    async def test_a_seller_that_is_gone_is_named(self, world: World) -> None:
        async with connected(world, "Fine", "Gone") as [_, (gone, seller)]:
            await forget(world, seller)
            await gone.stop()
            found = await discover(world, await an_advertiser(world))
            assert agents(found) == {"Fine"}
            assert [each.agent_name for each in found.incomplete] == ["Gone"]

    async def test_refused_credentials_are_a_connection_issue(self, world: World) -> None:
        async with connected(world, "Fine", "Locked") as [_, (locked, seller)]:
            await locked.set_faults(require_token="open sesame")
            advertiser = await an_advertiser(world)
            found = await discover(world, advertiser)
            assert [each.trouble for each in found.incomplete] == [Trouble.CREDENTIALS]
            await forget(world, seller)
            never_met = await discover(world, advertiser)
            assert [each.trouble for each in never_met.incomplete] == [Trouble.CREDENTIALS]

    async def test_a_seller_left_alone_for_its_failures_is_a_connection_issue(self, world: World) -> None:
        async with connected(world, "Broken") as [(broken, _)]:
            advertiser = await an_advertiser(world)
            await broken.set_faults(http_error=500, tool="get_products")
            for _ in range(6):
                found = await discover(world, advertiser)
            assert [each.trouble for each in found.incomplete] == [Trouble.CIRCUIT_OPEN]

    async def test_progressive_shows_the_first_wave_and_who_is_awaited(self, world: World) -> None:
        async with connected(world, "Quick", "Slow") as [_, (slow, _)]:
            await slow.hold("get_products")
            found = await discover(world, await an_advertiser(world), progressive=True, wait_seconds=60)
            assert agents(found) == {"Quick"}
            assert [each.agent_name for each in found.pending] == ["Slow"]
            assert not found.late
            assert found.responded == (1, 2)
            assert f"sinceRevision={found.session.revision}" in (found.guidance or "")
            waiting = asyncio.create_task(
                discovery.browse(world.work(), found.session.id, since=found.session.revision, wait_seconds=10)
            )
            await slow.release()
            news = await waiting
            assert agents(news) == {"Slow"}
            assert news.is_complete

    async def test_an_answer_that_nobody_waits_for_any_more_is_a_timeout(self, world: World) -> None:
        async with connected(world, "Slow") as [(slow, _)]:
            await slow.hold("get_products")
            found = await discover(world, await an_advertiser(world), wait_seconds=1)
            world.clock.pass_by(minutes=10)
            later = await discovery.browse(world.work(), found.session.id)
            assert [each.state for each in later.agents] == [AgentState.TIMEOUT]
            assert later.is_complete

    async def test_an_answer_to_the_question_before_does_not_overwrite_the_newer_one(self, world: World) -> None:
        async with connected(world, "North") as [(north, _)]:
            advertiser = await an_advertiser(world)
            await north.hold("get_products")
            first = await discover(world, advertiser, Wish(pricing_model="cpc"), wait_seconds=1)
            again = asyncio.create_task(
                discover(world, advertiser, Wish(pricing_model="cpcv"), channels=(), discovery_id=first.session.id)
            )
            await north.wait("get_products", in_flight=2)
            await north.release()
            newer = await again
            await world.runtime.background.drain(30)
            kept = await discovery.browse(world.work(), first.session.id)
            assert kept.tally == newer.tally
            models = {o.model for g in kept.groups for p in g.products for o in p.pricing_options}
            assert models <= {"cpcv"}

    async def test_a_sandbox_advertiser_asks_only_sandboxes(self, world: World) -> None:
        async with connected(world, "Sandbox", "Live") as [(_, own), (live, seller)]:
            advertiser = await a_sandbox_advertiser(world)
            async with world.work().writing() as tx:
                source = (await tx.storefronts.get(seller.storefront_id)).sources[0]
                assert source.profile is not None
                live_profile = replace(source.profile, sandbox=False)
                await tx.storefronts.save_source(replace(source, own_sandbox=False, profile=live_profile))
            found = await discover(world, advertiser)
            assert [each.agent_id for each in found.agents] == [own.id]
            assert "Live" in (found.guidance or "")
            assert not await live.calls("get_products")


async def a_sandbox_advertiser(world: World) -> Advertiser:
    usual = await an_advertiser(world)
    async with world.work().writing() as tx:
        return await tx.advertisers.add(replace(usual, sandbox=True))


class TestTenancy:
    async def test_another_accounts_sessions_campaigns_and_advertisers_are_unknown(
        self, world: World, database: Database
    ) -> None:
        async with connected(world, "North"):
            advertiser = await an_advertiser(world)
            mine = await discover(world, advertiser)
            other = replace(world, account=await an_account(database, world.clock(), "Southwind"))
            theirs = await an_advertiser(other)
            with pytest.raises(NotFound):
                await discover(other, advertiser)
            with pytest.raises(NotFound):
                await discover(other, theirs, discovery_id=mine.session.id)
            for verb in (discovery.browse, discovery.selected):
                with pytest.raises(NotFound):
                    await verb(other.work(), mine.session.id)
            with pytest.raises(NotFound):
                await discovery.add(other.work(), mine.session.id, [Choice("any")])
            with pytest.raises(NotFound):
                await discovery.remove(other.work(), mine.session.id, ["any"])
            # Sellers are an account's own too.
            assert (await discover(other, theirs)).agents == ()

    async def test_a_session_or_campaign_of_another_advertiser_is_refused(self, world: World) -> None:
        first, second = await an_advertiser(world), await an_advertiser(world)
        found = await discover(world, first)
        view = await a_campaign(world, advertiser=first, spec=a_spec())
        with pytest.raises(Invalid) as refused:
            await discover(world, second, discovery_id=found.session.id)
        assert refused.value.field == "discoveryId"
        with pytest.raises(Invalid) as refused:
            await discover(world, second, campaign_id=view.campaign.id)
        assert refused.value.field == "campaignId"

    async def test_an_archived_advertiser_discovers_nothing(self, world: World) -> None:
        from buyside.domain.advertisers import Status

        usual = await an_advertiser(world)
        async with world.work().writing() as tx:
            archived = await tx.advertisers.add(replace(usual, status=Status.ARCHIVED))
        with pytest.raises(Conflict):
            await discover(world, archived)

    async def test_members_discover_and_select(self, world: World) -> None:
        async with connected(world, "North") as [(north, _)]:
            work = world.work(Role.MEMBER)
            found = await discovery.discover(work, Ask((await an_advertiser(world)).id))
            product = north.product_id("display_reach")
            assert (await discovery.add(work, found.session.id, [Choice(product)])).session.selections


class TestBrowse:
    async def test_groups_and_products_come_in_pages(self, world: World) -> None:
        async with connected(world, "A", "B", "C"):
            found = await discover(world, await an_advertiser(world), Wish(), channels=(), page=Page(2, 0, 3, 0))
            assert len(found.groups) == 2
            assert found.has_more_groups
            assert found.total_groups == 3
            first = found.groups[0]
            assert len(first.products) == 3
            assert first.has_more
            seen: list[str] = []
            for offset in range(0, first.total + 3, 3):
                page = await discovery.browse(world.work(), found.session.id, page=Page(1, 0, 3, offset))
                seen += [each.product_id for each in page.groups[0].products]
                assert page.groups[0].has_more is (offset + 3 < first.total)
            assert len(seen) == len(set(seen)) == first.total
            last = await discovery.browse(world.work(), found.session.id, page=Page(2, 2))
            assert [group.agent.agent_name for group in last.groups] == ["C"]
            assert not last.has_more_groups

    async def test_a_finished_search_is_narrowed_without_asking_again(self, world: World) -> None:
        async with connected(world, "North", "South") as [(north, seller), _]:
            found = await discover(world, await an_advertiser(world), Wish(), channels=())
            calls = len(await north.calls("get_products"))
            clicks = await discovery.browse(world.work(), found.session.id, narrowing=Narrowing(pricing_model="cpc"))
            assert clicks.tally.products == 2
            assert {o.model for g in clicks.groups for p in g.products for o in p.pricing_options} == {"cpc"}
            by_name = await discovery.browse(
                world.work(), found.session.id, narrowing=Narrowing(storefront_names=("nor",))
            )
            assert agents(by_name) == {"North"}
            assert all(agent.agent_id == seller.id for agent, _ in by_name.proposals)
            assert len(await north.calls("get_products")) == calls

    async def test_one_product_in_detail(self, world: World) -> None:
        async with connected(world, "North", "South") as [(north, seller), (_, other)]:
            found = await discover(world, await an_advertiser(world))
            product_id = north.product_id("ctv_premium")
            _, agent, product = await discovery.details(world.work(), found.session.id, product_id, seller.id)
            assert (agent.agent_id, product.product_id) == (seller.id, product_id)
            key = product_key(seller.storefront_id, seller.id, product_id)
            assert (await discovery.details(world.work(), found.session.id, key, seller.id))[2] == product
            for name, agent_id in ((product_id, other.id), ("nothing", seller.id), (key, other.id)):
                with pytest.raises(NotFound):
                    await discovery.details(world.work(), found.session.id, name, agent_id)


class TestRefine:
    async def test_only_the_sellers_concerned_are_asked_and_the_others_keep_their_offer(self, world: World) -> None:
        async with connected(world, "North", "South") as [(north, seller), (south, _)]:
            advertiser = await an_advertiser(world)
            found = await discover(world, advertiser)
            gone = north.product_id("display_reach")
            wishes = (Refinement(Scope.PRODUCT, id=gone, action="omit"),)
            refined = await discover(world, advertiser, Wish(), discovery_id=found.session.id, refine=wishes)
            asked = await north.calls("get_products")
            assert len(asked) == 2
            assert asked[-1]["arguments"]["buying_mode"] == "refine"
            assert asked[-1]["arguments"]["refine"] == [{"scope": "product", "product_id": gone, "action": "omit"}]
            assert "brief" not in asked[-1]["arguments"]
            assert len(await south.calls("get_products")) == 1
            groups = {group.agent.agent_name: group for group in refined.groups}
            before = {group.agent.agent_name: group for group in found.groups}
            assert gone not in [each.product_id for each in groups["North"].products]
            assert [p.product_id for p in groups["South"].products] == [p.product_id for p in before["South"].products]
            assert refined.refined is not None
            assert [each.verdict for each in refined.refined] == [Verdict.APPLIED]
            assert refined.session.revision > found.session.revision
            news = await discovery.browse(world.work(), found.session.id, since=found.session.revision)
            assert [group.agent.agent_id for group in news.groups] == [seller.id]

    async def test_a_wish_about_the_request_goes_to_all_and_more_like_this_to_one(self, world: World) -> None:
        async with connected(world, "North", "South") as [(north, seller), (south, _)]:
            advertiser = await an_advertiser(world)
            found = await discover(world, advertiser)
            liked = product_key(seller.storefront_id, seller.id, north.product_id("ctv_premium"))
            wishes = (
                Refinement(Scope.REQUEST, ask="cheaper, please"),
                Refinement(Scope.PRODUCT, id=liked, action="more_like_this", ask="in the evening"),
            )
            refined = await discover(world, advertiser, Wish(), discovery_id=found.session.id, refine=wishes)
            assert len((await south.calls("get_products"))[-1]["arguments"]["refine"]) == 1
            heard = (await north.calls("get_products"))[-1]["arguments"]["refine"]
            assert heard[1] == {
                "scope": "product",
                "product_id": north.product_id("ctv_premium"),
                "action": "more_like_this",
                "ask": "in the evening",
            }
            assert refined.refined is not None
            assert [each.verdict for each in refined.refined] == [Verdict.PARTIAL, Verdict.APPLIED]

    async def test_a_seller_that_fails_to_refine_keeps_its_offer(self, world: World) -> None:
        async with connected(world, "North") as [(north, _)]:
            advertiser = await an_advertiser(world)
            found = await discover(world, advertiser)
            await north.set_faults(http_error=500, tool="get_products")
            wishes = (Refinement(Scope.REQUEST, ask="cheaper"),)
            refined = await discover(world, advertiser, Wish(), discovery_id=found.session.id, refine=wishes)
            assert refined.tally == found.tally
            assert refined.refined is not None
            assert [each.verdict for each in refined.refined] == [Verdict.UNABLE]
            assert [each.agent_name for each in refined.incomplete] == ["North"]
            assert (await discovery.browse(world.work(), found.session.id)).tally == found.tally

    async def test_what_the_session_does_not_know_cannot_be_refined(self, world: World) -> None:
        async with connected(world, "North"):
            advertiser = await an_advertiser(world)
            found = await discover(world, advertiser)
            wishes = (
                Refinement(Scope.REQUEST, ask="x"),
                Refinement(Scope.PRODUCT, id="nothing", action="omit"),
                Refinement(Scope.PROPOSAL, id="nothing either", action="finalize"),
            )
            with pytest.raises(Invalid) as refused:
                await discover(world, advertiser, discovery_id=found.session.id, refine=wishes)
            assert [issue.path for issue in refused.value.issues] == [("refine", 1, "id"), ("refine", 2, "id")]
            with pytest.raises(Invalid) as refused:
                await discover(world, advertiser, refine=wishes)
            assert refused.value.field == "discoveryId"

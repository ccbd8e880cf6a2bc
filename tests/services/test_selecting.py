"""Selecting: products picked from a session, proposals laid out, and the campaign that buys what was picked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from buyside.domain.errors import CurrencyMismatch, Invalid
from buyside.domain.ids import AgentId
from buyside.domain.qualified import product_key, proposal_key
from buyside.domain.searches import Wish
from buyside.domain.selections import Choice
from buyside.services import campaigns, discovery
from buyside.store.database import Database
from tests.builders import World, a_campaign, a_spec, a_world, an_advertiser
from tests.services.searching import agents, connected, discover


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    async with a_world(database) as made:
        yield made


class TestSelect:
    async def test_products_are_added_kept_replaced_and_removed_and_each_change_is_recorded(self, world: World) -> None:
        async with connected(world, "North") as [(north, seller)]:
            found = await discover(world, await an_advertiser(world), Wish(budget=Decimal(1000)))
            session, work = found.session.id, world.work(reason="the plan of May")
            reach, video = north.product_id("display_reach"), north.product_id("olv_preroll")
            one = await discovery.add(work, session, [Choice(reach, budget=Decimal("250.50"))])
            assert one.budget is not None
            assert str(one.budget.remaining) == "749.50 USD"
            both = await discovery.add(work, session, [Choice(video), Choice(reach, budget=Decimal(300))])
            assert [(s.product_id, s.budget) for s in both.session.selections] == [
                (reach, Decimal(300)),
                (video, None),
            ]
            assert both.session.selections[0].selected_at == one.session.selections[0].selected_at
            assert both.session.selections[0].group_id == seller.id
            again = await discovery.add(work, session, [Choice(video), Choice(reach, budget=Decimal(300))])
            assert again.session.selections == both.session.selections
            left = await discovery.remove(work, session, [reach, "never selected"])
            assert [s.product_id for s in left.session.selections] == [video]
            only = await discovery.add(work, session, [Choice(reach)], replacing=True)
            assert [s.product_id for s in only.session.selections] == [reach]
            assert (await discovery.selected(work, session)).session.selections == only.session.selections
            async with work.reading() as tx:
                entries = [each for each in await tx.decisions.page(limit=20) if each.subject.type == "discovery"]
            assert [each.action for each in reversed(entries)] == [
                "discovery.products_selected",
                "discovery.products_selected",
                "discovery.products_removed",
                "discovery.products_replaced",
            ]
            assert all(each.subject.id == session and each.reason == "the plan of May" for each in entries)

    async def test_every_product_that_cannot_be_selected_is_named(self, world: World) -> None:
        async with connected(world, "North") as [(north, _)]:
            found = await discover(world, await an_advertiser(world))
            reach, auction = north.product_id("display_reach"), north.product_id("display_auction")
            with pytest.raises(Invalid) as refused:
                await discovery.add(
                    world.work(),
                    found.session.id,
                    [
                        Choice("nothing"),
                        Choice(auction),
                        Choice(reach, pricing_option_id="none such"),
                        Choice(reach, budget=Decimal("1.005")),
                        Choice(auction, bid=Decimal("0.01")),
                        Choice(auction, bid=Decimal("9.0000001")),
                        Choice(reach, agent_id=AgentId("agent_elsewhere")),
                    ],
                )
            assert [issue.path for issue in refused.value.issues] == [
                ("products", 0, "productId"),
                ("products", 1, "bidPrice"),
                ("products", 2, "pricingOptionId"),
                ("products", 3, "budget"),
                ("products", 4, "bidPrice"),
                ("products", 5, "bidPrice"),
                ("products", 6, "productId"),
            ]
            assert not (await discovery.selected(world.work(), found.session.id)).session.selections

    async def test_a_price_in_another_currency_is_refused(self, world: World) -> None:
        async with connected(world, "North") as [(north, _)]:
            found = await discover(world, await an_advertiser(world, currency="EUR"))
            with pytest.raises(CurrencyMismatch) as refused:
                await discovery.add(world.work(), found.session.id, [Choice(north.product_id("ctv_auction"))])
            assert refused.value.field == "products[0].pricingOptionId"

    async def test_the_same_id_at_two_sellers_has_to_be_told_apart(self, world: World) -> None:
        async with connected(world, "North", "North") as [(north, first), (_, second)]:
            found = await discover(world, await an_advertiser(world))
            product, session = north.product_id("display_reach"), found.session.id
            with pytest.raises(Invalid) as refused:
                await discovery.add(world.work(), session, [Choice(product)])
            assert refused.value.field == "products[0].salesAgentId"
            key = product_key(second.storefront_id, second.id, product)
            await discovery.add(world.work(), session, [Choice(product, agent_id=first.id)])
            both = await discovery.add(world.work(), session, [Choice(key)])
            assert [s.agent_id for s in both.session.selections] == [first.id, second.id]
            left = await discovery.remove(world.work(), session, [key])
            assert [s.agent_id for s in left.session.selections] == [first.id]
            by_shop = await discovery.add(
                world.work(), session, [Choice(product, storefront_id=second.storefront_id)], replacing=True
            )
            assert [s.agent_id for s in by_shop.session.selections] == [second.id]

    async def test_one_product_several_times_needs_an_id_for_each_instance(self, world: World) -> None:
        async with connected(world, "North") as [(north, _)]:
            found = await discover(world, await an_advertiser(world))
            reach, session = north.product_id("display_reach"), found.session.id
            with pytest.raises(Invalid) as refused:
                await discovery.add(world.work(), session, [Choice(reach), Choice(reach)])
            assert refused.value.field == "products[1].selectionId"
            twice = await discovery.add(world.work(), session, [Choice(reach), Choice(reach, selection_id="evening")])
            assert [s.selection_id for s in twice.session.selections] == [None, "evening"]
            assert not (await discovery.remove(world.work(), session, [reach])).session.selections

    async def test_what_is_selected_survives_a_search_that_no_longer_finds_it(self, world: World) -> None:
        async with connected(world, "North", "South") as [(north, seller), _]:
            advertiser = await an_advertiser(world)
            found = await discover(world, advertiser)
            reach = north.product_id("display_reach")
            await discovery.add(world.work(), found.session.id, [Choice(reach, budget=Decimal(100))])
            other = await discover(world, advertiser, Wish(storefront_names=["South"]), discovery_id=found.session.id)
            assert agents(other) == {"South"}
            assert [each.agent_name for each in other.agents] == ["South"]
            assert [s.product_id for s in other.session.selections] == [reach]
            spec = a_spec(discovery_id=found.session.id)
            view = await a_campaign(world, advertiser=advertiser, spec=spec)
            assert [(buy.agent_id, buy.packages[0].product_id) for buy in view.buys] == [(seller.id, reach)]

    async def test_a_campaign_is_bound_and_another_one_is_refused(self, world: World) -> None:
        async with connected(world, "North") as [(north, _)]:
            advertiser = await an_advertiser(world)
            one = (await a_campaign(world, advertiser=advertiser, spec=a_spec())).campaign
            two = (await a_campaign(world, advertiser=advertiser, spec=a_spec())).campaign
            found = await discover(world, advertiser)
            choice = [Choice(north.product_id("display_reach"))]
            loose = await discovery.add(world.work(), found.session.id, choice)
            assert not loose.binding.is_bound
            bound = await discovery.add(world.work(), found.session.id, choice, campaign_id=one.id)
            assert bound.binding.is_bound
            assert (await campaigns.get(world.work(), one.id)).campaign.spec.discovery_id == found.session.id
            with pytest.raises(Invalid) as refused:
                await discovery.add(world.work(), found.session.id, choice, campaign_id=two.id)
            assert refused.value.field == "campaignId"
            # A campaign that buys from a session in which something is selected keeps it.
            second = await discover(world, advertiser)
            with pytest.raises(Invalid) as refused:
                await discovery.add(world.work(), second.session.id, choice, campaign_id=one.id)
            assert refused.value.field == "campaignId"
            await campaigns.delete(world.work(), one.id)
            archived = await discovery.selected(world.work(), found.session.id)
            assert "archived" in (archived.binding.warning or "")


class TestProposals:
    async def test_the_total_is_shared_out_as_the_seller_allocates_it(self, world: World) -> None:
        async with connected(world, "North") as [(north, seller)]:
            found = await discover(world, await an_advertiser(world), channels=())
            names = {proposal.name for _, proposal in found.proposals}
            assert names == {"Reach first", "Every screen"}
            proposal = f"{north.product_id('screens')}"
            made = await discovery.apply_proposal(world.work(), found.session.id, proposal, total=Decimal("1000.01"))
            shares = {s.product_id: s.budget for s in made.selected.session.selections}
            assert sum(share or 0 for share in shares.values()) == Decimal("1000.01")
            assert shares[north.product_id("ctv_premium")] in (Decimal("500.00"), Decimal("500.01"))
            assert str(made.plan.used) == "1,000.01 USD"
            assert not made.plan.skipped
            assert all(s.proposal_id == proposal for s in made.selected.session.selections)
            key = proposal_key(seller.storefront_id, seller.id, north.product_id("reach"))
            other = await discovery.apply_proposal(world.work(), found.session.id, key, replacing=True)
            assert {s.product_id for s in other.selected.session.selections} == {
                north.product_id("display_reach"),
                north.product_id("olv_preroll"),
            }
            async with world.work().reading() as tx:
                entry = (await tx.decisions.page(limit=1))[0]
            assert entry.action == "discovery.proposal_applied"
            assert entry.metadata["proposalId"] == north.product_id("reach")

    async def test_products_that_were_not_found_are_skipped_and_their_share_stays(self, world: World) -> None:
        async with connected(world, "North") as [(north, _)]:
            advertiser = await an_advertiser(world)
            every = await discover(world, advertiser, channels=())
            screen = every.session.find(north.product_id("ctv_premium"))
            assert screen is not None
            # The seller does not filter by publisher: its proposal still names what was left out here.
            wish = Wish("shoes", publisher_domain=screen[1].publisher_domains[0])
            found = await discover(world, advertiser, wish, channels=())
            proposal = north.product_id("screens")
            shares = {"ctv_premium": 500, "olv_preroll": 300, "audio_stream": 200}
            here = {each.product_id for group in found.groups for each in group.products}
            made = await discovery.apply_proposal(world.work(), found.session.id, proposal, total=Decimal(1000))
            missing = [name for name in shares if north.product_id(name) not in here]
            assert missing
            assert made.plan.skipped == tuple(north.product_id(name) for name in missing)
            assert made.plan.used.major == 1000 - sum(shares[name] for name in missing)

    async def test_a_proposal_that_is_not_there_or_has_no_total_is_refused(self, world: World) -> None:
        async with connected(world, "North") as [(north, _)]:
            found = await discover(world, await an_advertiser(world, currency="EUR"), channels=())
            with pytest.raises(Invalid) as refused:
                await discovery.apply_proposal(world.work(), found.session.id, "nothing")
            assert refused.value.field == "proposalId"
            with pytest.raises(Invalid) as refused:
                await discovery.apply_proposal(world.work(), found.session.id, north.product_id("reach"))
            assert refused.value.field == "totalBudget"
            with pytest.raises(Invalid) as refused:
                await discovery.apply_proposal(
                    world.work(), found.session.id, north.product_id("reach"), total=Decimal("10.001")
                )
            assert refused.value.field == "totalBudget"

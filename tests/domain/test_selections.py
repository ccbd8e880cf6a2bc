"""Picking products: what may be picked, how picks add up, and how a proposal becomes picks."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buyside.domain import selections
from buyside.domain.discovery import AgentResult, AgentState, Discovery, Selection
from buyside.domain.errors import CurrencyMismatch, Invalid
from buyside.domain.ids import AdvertiserId, AgentId, DiscoveryId, StorefrontId
from buyside.domain.money import Money, total
from buyside.domain.products import Allocation, PricingOption, Product, Proposal
from buyside.domain.selections import Choice
from tests.domain.values import NOW, usd

FIXED = PricingOption("fixed", "cpm", "USD", fixed_price=Decimal(5))
AUCTION = PricingOption("auction", "cpm", "USD", floor_price=Decimal("1.5"))
EUROS = PricingOption("euros", "cpm", "EUR", fixed_price=Decimal(4))


def a_product(product_id: str, *options: PricingOption) -> Product:
    return Product(product_id, product_id.title(), None, ("display",), None, options or (FIXED,))


def an_agent(name: str, *products: Product, **more: Any) -> AgentResult:
    shop = StorefrontId(ord(name[0]))
    return AgentResult(AgentId(name), name, shop, name, AgentState.COMPLETE, 1, products=products, **more)


def a_session(*agents: AgentResult, selected: tuple[Selection, ...] = ()) -> Discovery:
    return Discovery(DiscoveryId("disc_1"), AdvertiserId(1), None, {}, 1, NOW, NOW, agents, selected)


def picked(product_id: str, **more: Any) -> Selection:
    return Selection(product_id, AgentId("a"), NOW, **more)


SESSION = a_session(
    an_agent(
        "a",
        a_product("fixed"),
        a_product("auction", AUCTION),
        a_product("both", EUROS, FIXED),
        a_product("euros", EUROS),
    ),
    an_agent("b", a_product("fixed"), a_product("x" * 300)),
)


def refused(*choices: Choice) -> list[str]:
    with pytest.raises(Invalid) as wrong:
        selections.chosen(SESSION, choices, "USD", NOW)
    return [str(issue.path[2]) for issue in wrong.value.issues]


class TestChosen:
    def test_what_is_not_said_is_looked_up(self) -> None:
        (made,) = selections.chosen(SESSION, [Choice("both", budget=Decimal("9.99"))], "USD", NOW)
        assert (made.agent_id, made.group_id, made.group_name, made.budget) == ("a", "a", "a", Decimal("9.99"))
        assert made.product == a_product("both", EUROS, FIXED)

    @pytest.mark.parametrize(
        ("choice", "key"),
        [
            (Choice("nothing"), "productId"),
            (Choice("fixed"), "salesAgentId"),
            (Choice("x" * 300), "productId"),
            (Choice("auction"), "bidPrice"),
            (Choice("auction", bid=Decimal(0)), "bidPrice"),
            (Choice("auction", bid=Decimal("1.49")), "bidPrice"),
            (Choice("auction", bid=Decimal("2.1234567")), "bidPrice"),
            (Choice("both", pricing_option_id="none"), "pricingOptionId"),
            (Choice("both", budget=Decimal("0.001")), "budget"),
            (Choice("both", agent_id=AgentId("b")), "productId"),
            (Choice("both", storefront_id=1), "productId"),
            (Choice("both", group_id="elsewhere"), "productId"),
        ],
    )
    def test_what_cannot_be_picked_is_refused_at_its_field(self, choice: Choice, key: str) -> None:
        assert refused(choice) == [key]

    def test_every_refusal_is_told_at_once(self) -> None:
        assert refused(Choice("nothing"), Choice("auction"), Choice("both")) == ["productId", "bidPrice"]

    def test_another_currency_is_told_apart_from_other_mistakes(self) -> None:
        for choice in (Choice("euros"), Choice("both", pricing_option_id="euros")):
            with pytest.raises(CurrencyMismatch) as wrong:
                selections.chosen(SESSION, [choice], "USD", NOW)
            assert wrong.value.field == "products[0].pricingOptionId"

    def test_a_bid_at_the_floor_is_taken(self) -> None:
        (made,) = selections.chosen(SESSION, [Choice("auction", bid=Decimal("1.5"))], "USD", NOW)
        assert made.bid == Decimal("1.5")

    def test_whose_it_was_is_whose_it_stays(self) -> None:
        mine = Selection("fixed", AgentId("b"), NOW)
        (made,) = selections.chosen(replace(SESSION, selections=(mine,)), [Choice("fixed")], "USD", NOW)
        assert made.agent_id == "b"

    def test_what_was_picked_is_found_after_its_offer_is_gone(self) -> None:
        gone = picked("old", product=a_product("old"))
        session = a_session(an_agent("a"), selected=(gone,))
        assert session.find("old", AgentId("a")) == (session.agents[0], gone.product)
        assert session.find("old", AgentId("b")) is None


keys = st.tuples(st.sampled_from("abc"), st.sampled_from([None, "1", "2"]))
picks = st.lists(keys.map(lambda key: picked(key[0], selection_id=key[1])), max_size=8)


class TestMerged:
    @given(picks, picks)
    def test_adding_keeps_each_instance_once_and_adding_again_changes_nothing(
        self, before: list[Selection], more: list[Selection]
    ) -> None:
        once = selections.merged(selections.merged([], before), more)
        assert len({each.key for each in once}) == len(once)
        assert {each.key for each in once} == {each.key for each in (*before, *more)}
        assert selections.merged(once, more) == once

    @given(picks, picks)
    def test_replacing_leaves_what_is_new_and_nothing_else(
        self, before: list[Selection], more: list[Selection]
    ) -> None:
        made = selections.merged(before, more, replacing=True)
        assert {each.key for each in made} == {each.key for each in more}

    def test_the_moment_of_the_first_pick_stays(self) -> None:
        later = replace(picked("a", budget=Decimal(2)), selected_at=NOW + timedelta(hours=1))
        (made,) = selections.merged([picked("a", budget=Decimal(1))], [later])
        assert (made.budget, made.selected_at) == (Decimal(2), NOW)

    def test_a_product_of_two_proposals_is_bought_for_each(self) -> None:
        one, two = picked("a", proposal_id="one"), picked("a", proposal_id="two")
        both = selections.merged([one], [two])
        assert [(each.proposal_id, each.selection_id) for each in both] == [("one", None), ("two", "two#1")]
        assert selections.merged(both, [two]) == both
        assert selections.merged(both[1:], [two]) == both[1:]
        assert selections.merged([picked("a", budget=Decimal(1))], [two]) == [two]

    def test_too_many_are_refused(self) -> None:
        with pytest.raises(Invalid):
            selections.merged([], [picked(str(n)) for n in range(selections.MOST + 1)])

    def test_taking_out_a_product_takes_out_its_instances_and_passes_over_strangers(self) -> None:
        held = (picked("a"), picked("a", selection_id="1"), picked("b"), Selection("a", AgentId("b"), NOW))
        session = a_session(selected=held)
        assert selections.without(session, ["a", "never picked"]) == [held[2]]


def a_proposal(*shares: tuple[str, str], **more: Any) -> Proposal:
    return Proposal("plan", "Plan", tuple(Allocation(name, Decimal(share)) for name, share in shares), **more)


class TestProposals:
    @given(st.lists(st.decimals(0, 100, places=2), min_size=1, max_size=8), st.integers(1, 10**9))
    def test_the_shares_add_up_to_the_total_exactly(self, percentages: list[Decimal], minor: int) -> None:
        products = [a_product(str(n)) for n in range(len(percentages))]
        proposal = a_proposal(*((str(n), str(each)) for n, each in enumerate(percentages)))
        if not any(percentages):
            return
        plan = selections.allotted(an_agent("a", *products), proposal, Money(minor, "USD"), NOW)
        assert plan.used == Money(minor, "USD")
        amounts = [Money.of(s.budget, "USD") for s in plan.selections if s.budget is not None]
        assert total(amounts, "USD") == plan.used
        assert all(amount.minor > 0 for amount in amounts)

    def test_what_was_not_found_or_cannot_be_bought_is_skipped_with_its_share(self) -> None:
        free = PricingOption("free", "cpm", "USD")
        agent = an_agent("a", a_product("fixed"), a_product("euros", EUROS), a_product("open", free))
        proposal = a_proposal(("fixed", "40"), ("gone", "30"), ("euros", "20"), ("open", "10"), ("fixed", "0"))
        plan = selections.allotted(agent, proposal, usd(100), NOW)
        assert [(s.product_id, s.budget) for s in plan.selections] == [("fixed", Decimal("40.00"))]
        assert plan.skipped == ("gone", "euros", "open", "fixed")
        assert plan.used == usd(40)

    def test_an_auction_is_bid_for_at_its_floor(self) -> None:
        agent = an_agent("a", a_product("auction", AUCTION))
        (made,) = selections.allotted(agent, a_proposal(("auction", "100")), usd(10), NOW).selections
        assert (made.bid, made.pricing_option_id) == (Decimal("1.5"), "auction")

    def test_one_product_twice_in_a_proposal_is_two_instances(self) -> None:
        plan = selections.allotted(an_agent("a", a_product("x")), a_proposal(("x", "70"), ("x", "30")), usd(10), NOW)
        assert [(s.selection_id, s.budget) for s in plan.selections] == [(None, Decimal(7)), ("plan#2", Decimal(3))]

    @pytest.mark.parametrize("proposal", [a_proposal(("x", "0")), a_proposal(("gone", "100"))])
    def test_a_proposal_of_which_nothing_can_be_bought_is_refused(self, proposal: Proposal) -> None:
        with pytest.raises(Invalid) as wrong:
            selections.allotted(an_agent("a", a_product("x")), proposal, usd(10), NOW)
        assert wrong.value.field == "proposalId"

    def test_the_total_is_the_sellers_recommendation_in_the_right_currency(self) -> None:
        said = a_proposal(("x", "100"), budget_guidance={"recommended": 99.999, "currency": "USD"})
        assert selections.recommended(said, "USD") == usd(100)
        for guidance in ({}, {"recommended": 10, "currency": "EUR"}, {"recommended": "much"}, {"recommended": 0}):
            with pytest.raises(Invalid) as wrong:
                selections.recommended(replace(said, budget_guidance=guidance), "USD")
            assert wrong.value.field == "totalBudget"


class TestBudget:
    def test_what_is_left_is_the_budget_without_what_is_allocated(self) -> None:
        found = selections.context([picked("a", budget=Decimal("30.5")), picked("b")], usd(100), "USD")
        assert found is not None
        assert (found.allocated, found.remaining, found.warning) == (usd("30.5"), usd("69.5"), None)
        assert selections.context([], None, "USD") is None
        open_end = selections.context([picked("a")], None, "USD")
        assert open_end is not None
        assert open_end.remaining is None

    def test_too_much_and_too_little_are_said(self) -> None:
        minimum = a_product("a", replace(FIXED, min_spend=Decimal(50)))
        found = selections.context([picked("a", budget=Decimal(30), product=minimum)], usd(20), "USD")
        assert found is not None
        assert found.warning is not None
        assert "more than the budget" in found.warning
        assert "minimum spend: a" in found.warning

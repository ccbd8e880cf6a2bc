"""Searching: what is asked, what is let in, how a session is shown, and how wishes about it are shared out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buyside.domain import groups, qualified, refinements, searches, shelves
from buyside.domain.campaigns import Budget, CampaignSpec
from buyside.domain.discovery import AgentResult, AgentState, Discovery
from buyside.domain.errors import Invalid
from buyside.domain.flight import Flight
from buyside.domain.groups import Page
from buyside.domain.ids import AdvertiserId, AgentId, DiscoveryId, StorefrontId
from buyside.domain.products import Allocation, PricingOption, Product, Proposal
from buyside.domain.refinements import Heard, Part, Refinement, Scope, Verdict
from buyside.domain.searches import Narrowing, Search, Wish
from buyside.domain.shelves import Shelf
from tests.domain.values import END, NOW, START, usd

CPM = PricingOption("cpm", "cpm", "USD", fixed_price=Decimal(5))


def a_product(product_id: str = "p", *options: PricingOption, **more: Any) -> Product:
    given: dict[str, Any] = {"channels": ("display",), "publisher_domains": ("www.north.example",)}
    return Product(
        product_id, product_id, None, **{**given, "delivery_type": None, **more}, pricing_options=options or (CPM,)
    )


def an_agent(name: str = "a", *products: Product, **more: Any) -> AgentResult:
    given: dict[str, Any] = {"state": AgentState.COMPLETE, "revision": 1}
    return AgentResult(
        AgentId(f"agent_{name}"), name, StorefrontId(ord(name[0])), name, **{**given, **more}, products=products
    )


def a_session(*agents: AgentResult, **more: Any) -> Discovery:
    return Discovery(DiscoveryId("disc_1"), AdvertiserId(1), None, {}, 3, NOW, NOW, agents=agents, **more)


class TestWishes:
    def test_what_is_said_wins_over_the_campaign_and_the_campaign_over_the_usual(self) -> None:
        spec = CampaignSpec(
            "Summer",
            Flight(START, END),
            Budget(usd(1000)),
            "the campaign's",
            {"channels": ["ctv"], "geo_countries": ["DE"]},
            (StorefrontId(7),),
        )
        silent = searches.settled(Wish(), currency="USD", campaign=spec)
        assert (silent.brief, silent.channels, silent.countries) == ("the campaign's", ("ctv",), ("DE",))
        assert (silent.budget, silent.flight, silent.storefront_ids) == (Decimal(1000), spec.flight, (7,))
        said = Wish("mine", ["video", "olv"], ["FR"], Decimal(5), storefront_names=["north"])
        spoken = searches.settled(said, currency="USD", campaign=spec)
        assert (spoken.brief, spoken.channels, spoken.countries) == ("mine", ("olv",), ("FR",))
        assert (spoken.budget, spoken.storefront_ids, spoken.storefront_names) == (Decimal(5), (), ("north",))
        assert searches.settled(Wish(), currency="USD").channels == searches.DEFAULT_CHANNELS

    def test_a_refinement_keeps_the_search_that_it_refines(self) -> None:
        before = Search("USD", "shoes", ("ctv",), ("DE",), Decimal(9), None, "north", "cpm", filters={"regions": ["x"]})
        kept = searches.settled(Wish(), currency="USD", before=before)
        assert replace(kept, storefront_ids=(), storefront_names=()) == before

    def test_a_budget_with_too_many_decimals_is_refused(self) -> None:
        with pytest.raises(Invalid) as refused:
            searches.settled(Wish(budget=Decimal("0.001")), currency="USD")
        assert refused.value.field == "budget"

    def test_a_search_comes_back_from_its_session_as_it_went(self) -> None:
        search = Search(
            *("JPY", "shoes", ("ctv",), ("DE",), Decimal("9.5"), Flight(START, END), "north", "cpm"),
            storefront_ids=(StorefrontId(1),),
            storefront_names=("north",),
            brand_domain="brand.example",
            filters={"regions": ["DE-BE"]},
        )
        assert searches.read(searches.shown(search), "USD") == search
        assert searches.read({}, "USD") == Search("USD")

    def test_a_brief_decides_the_buying_mode(self) -> None:
        assert (Search("USD", "shoes").mode, Search("USD").mode) == ("brief", "wholesale")

    @pytest.mark.parametrize(("mode", "seconds", "wait"), [("quick", None, 28), ("long", None, 210), ("quick", 30, 30)])
    def test_the_usual_wait_ends_before_the_vendors_client_gives_up(
        self, mode: str, seconds: int | None, wait: int
    ) -> None:
        assert groups.wait_seconds(mode, seconds) == wait


class TestAdmitted:
    @pytest.mark.parametrize(
        ("domain", "wanted", "found"),
        [
            ("www.hulu.com", "hulu", True),
            ("hulu.com", "HULU.com", True),
            ("ads.www.hulu.com", "www.hulu", True),
            ("xhulu.com", "hulu", False),
            ("hulu.com", "hul", False),
            ("www.hulu.com", "www.com", False),
            ("hulu.com", ".hulu.", True),
        ],
    )
    def test_a_publisher_is_found_by_whole_labels(self, domain: str, wanted: str, found: bool) -> None:
        assert searches.has_labels(domain, wanted) is found

    @pytest.mark.parametrize(
        ("search", "admitted"),
        [
            (Search("USD"), True),
            (Search("USD", channels=("display", "ctv")), True),
            (Search("USD", channels=("ctv",)), False),
            (Search("USD", pricing_model="cpm"), True),
            (Search("USD", pricing_model="cpc"), False),
            (Search("USD", publisher_domain="north"), True),
            (Search("USD", publisher_domain="nort"), False),
            (Search("USD", filters={"is_fixed_price": True}), True),
            (Search("USD", filters={"is_fixed_price": False}), False),
            (Search("USD", filters={"pricing_currencies": ["EUR"]}), False),
            (Search("USD", filters={"delivery_type": "guaranteed"}), True),
        ],
    )
    def test_a_product_is_held_against_what_was_asked(self, search: Search, admitted: bool) -> None:
        assert searches.admits(search, a_product()) is admitted

    def test_what_a_product_is_silent_about_does_not_speak_against_it(self) -> None:
        silent = a_product(channels=(), publisher_domains=(), format_ids=({"id": "who knows"},))
        assert searches.admits(Search("USD", channels=("ctv",)), silent)

    def test_sellers_own_names_of_channels_count(self) -> None:
        assert searches.admits(Search("USD", channels=("olv",)), a_product(channels=("VIDEO",)))

    def test_a_product_whose_every_minimum_is_above_the_budget_is_left_out(self) -> None:
        dear, cheap = replace(CPM, min_spend=Decimal(100)), replace(CPM, min_spend=Decimal(10))
        poor = Search("USD", budget=Decimal(50))
        assert not searches.admits(poor, a_product("p", dear))
        assert searches.admits(poor, a_product("p", dear, cheap))
        assert searches.admits(poor, a_product("p", replace(dear, currency="JPY")))
        asked = Search("USD", filters={"budget_range": {"max": 50, "currency": "USD"}})
        assert not searches.admits(asked, a_product("p", dear))

    def test_sellers_are_asked_with_adcp_filters(self) -> None:
        search = Search("USD", None, ("ctv",), ("DE",), Decimal(9), Flight(START, END), filters={"regions": ["DE-BE"]})
        assert searches.asked_filters(search) == {
            "regions": ["DE-BE"],
            "channels": ["ctv"],
            "countries": ["DE"],
            "start_date": "2026-03-02",
            "end_date": "2026-04-01",
            "budget_range": {"max": Decimal(9), "currency": "USD"},
        }


class TestKeys:
    @given(st.integers(1, 10**14), st.text(min_size=1), st.text(min_size=1))
    def test_a_key_says_where_it_comes_from(self, shop: int, agent: str, own: str) -> None:
        if "\n" in agent or _unwritable(agent + own):
            return
        key = qualified.product_key(StorefrontId(shop), AgentId(agent), own)
        assert qualified.read(key) == qualified.Origin(StorefrontId(shop), AgentId(agent), own)
        assert qualified.read(key, qualified.PROPOSAL) is None

    @given(st.text())
    def test_what_is_no_key_is_none(self, text: str) -> None:
        assert qualified.read(text) is None

    @pytest.mark.parametrize(
        "wrong", ["sf1:0:YQph", "sf1:1:", "sf1:1:YQ", "sf1:01:YQph", "sf1:1:YQph=", "sf1:1:Y\u00e9"]
    )
    def test_a_key_that_we_never_wrote_names_nothing(self, wrong: str) -> None:
        assert qualified.read(wrong) is None


def _unwritable(text: str) -> bool:
    return any(0xD800 <= ord(each) <= 0xDFFF for each in text)


@st.composite
def sessions(draw: st.DrawFn) -> list[AgentResult]:
    counts = draw(st.lists(st.integers(0, 7), max_size=6))
    return [
        an_agent(chr(ord("a") + n), *(a_product(f"{n}-{i}") for i in range(count))) for n, count in enumerate(counts)
    ]


class TestShown:
    @given(sessions(), st.integers(1, 10), st.integers(1, 15))
    def test_pages_show_each_product_once_and_in_order(self, agents: list[AgentResult], wide: int, deep: int) -> None:
        seen: dict[str, list[str]] = {}
        first = 0
        while visible := groups.on_page(groups.shown(agents, Narrowing()), Page(wide, first)):
            for agent in visible:
                offset, more = 0, True
                while more:
                    shown = groups.group(agent, Narrowing(), Page(wide, first, deep, offset))
                    seen.setdefault(agent.agent_id, []).extend(each.product_id for each in shown.products)
                    offset, more = offset + deep, shown.has_more
            first += wide
        assert seen == {a.agent_id: [p.product_id for p in a.products] for a in agents if a.products}

    @given(sessions(), st.integers(1, 9))
    def test_one_row_after_another_is_all_there_is(self, agents: list[AgentResult], count: int) -> None:
        every = [(a.agent_id, n) for a in agents for n in range(len(a.products))]
        seen, start = [], None
        for _ in range(len(every) + 1):
            parts, start = groups.spans(agents, start, count)
            row = [(name, n) for name, part in parts for n in part]
            assert len(row) == count or start is None
            seen += row
            if start is None:
                break
        assert seen == every

    @given(sessions())
    def test_the_sum_of_the_parts_is_the_whole(self, agents: list[AgentResult]) -> None:
        whole = groups.tally(agents, Narrowing())
        assert whole == shelves.tally(shelves.facts(p) for a in agents for p in a.products)

    def test_after_a_revision_only_what_came_later_is_shown_also_when_it_is_nothing(self) -> None:
        agents = [
            an_agent("a", a_product(), revision=1),
            an_agent("b", a_product(), revision=2),
            an_agent("c", revision=3),
            an_agent("d", revision=3, state=AgentState.PENDING),
        ]
        assert [each.agent_name for each in groups.shown(agents, Narrowing(), 1)] == ["b", "c"]
        assert [each.agent_name for each in groups.shown(agents, Narrowing())] == ["a", "b"]

    def test_prices_are_summed_in_the_currency_of_the_session_or_the_most_usual_one(self) -> None:
        euros = replace(CPM, currency="EUR", fixed_price=Decimal(3))
        found = shelves.tally(
            shelves.facts(a_product(str(n), euros, replace(CPM, fixed_price=Decimal(n)))) for n in (2, 4)
        )
        currency, prices = found.range("USD") or ("", None)
        assert prices is not None
        assert currency == "USD"
        assert prices == shelves.Prices(Decimal(2), Decimal(4), Decimal(6), 2)
        assert (found.range("GBP") or [""])[0] in ("EUR", "USD")
        assert shelves.tally([]).range("USD") is None

    def test_a_wait_that_nobody_keeps_is_a_timeout(self) -> None:
        waiting = an_agent("a", state=AgentState.PENDING, until=NOW)
        assert waiting.as_of(NOW - timedelta(seconds=1)).state is AgentState.PENDING
        assert waiting.as_of(NOW).state is AgentState.TIMEOUT

    def test_the_price_per_thousand_is_in_the_sessions_currency_or_the_first(self) -> None:
        euros = replace(CPM, pricing_option_id="e", currency="EUR")
        click = PricingOption("c", "cpc", "USD", fixed_price=Decimal(1))
        product = a_product("p", click, euros, CPM)
        assert shelves.cpm(product, "USD") == CPM
        assert shelves.cpm(product, "JPY") == euros
        assert shelves.cpm(a_product("p", click), "USD") is None


class TestLongOffers:
    def test_of_five_thousand_products_only_those_on_the_page_are_made(self) -> None:
        made: list[int] = []

        def make(position: int) -> Product:
            made.append(position)
            return a_product(str(position))

        facts = [shelves.facts(a_product(str(n))) for n in range(5000)]
        agents = [an_agent(chr(97 + n)) for n in range(20)]
        agents = [
            replace(each, products=Shelf(5000, lambda: facts, make), counted=shelves.tally(facts)) for each in agents
        ]
        found = groups.found(
            a_session(*agents), Search("USD"), agents, Narrowing(), Page(), wait_seconds=1, budget=None
        )
        assert found.tally.products == 100_000
        assert len(made) == 100
        assert agents[0].shelf.find("4999") == a_product("4999")
        assert len(made) == 101

    def test_filters_and_sums_need_no_product_at_all(self) -> None:
        def never(position: int) -> Product:
            raise AssertionError("no product was asked for")

        facts = [shelves.facts(a_product(str(n), replace(CPM, model="cpc") if n % 2 else CPM)) for n in range(5000)]
        agent = replace(an_agent("a"), products=Shelf(5000, lambda: facts, never))
        narrowing = Narrowing(pricing_model="cpc")
        assert groups.tally([agent], narrowing).products == 2500
        assert groups.shown([agent], narrowing) == [agent]
        assert groups.group(agent, narrowing, Page(first_product=2500)).total == 2500

    def test_facts_are_looked_at_once(self) -> None:
        looks: list[int] = []

        def look() -> Sequence[shelves.Facts]:
            looks.append(1)
            return [shelves.facts(a_product("x"))]

        shelf = Shelf(1, look, lambda _: a_product("x"))
        for _ in range(3):
            assert shelf.find("x")
            assert not shelf.find("y")
        assert looks == [1]


class TestRefinements:
    def test_each_seller_hears_what_concerns_it(self) -> None:
        proposal = Proposal("plan", "Plan", (Allocation("p1", Decimal(100)),))
        session = a_session(
            an_agent("a", a_product("p1"), proposals=(proposal,)),
            an_agent("b", a_product("p2")),
            an_agent("c", state=AgentState.RETIRED),
        )
        key = qualified.product_key(StorefrontId(ord("b")), AgentId("agent_b"), "p2")
        plan = refinements.plan(
            [
                Refinement(Scope.REQUEST, "cheaper"),
                Refinement(Scope.PRODUCT, id=key, action="omit"),
                Refinement(Scope.PROPOSAL, "now", "plan", "finalize"),
            ],
            session,
        )
        assert {name: [part.entry() for part in parts] for name, parts in plan.items()} == {
            "agent_a": [
                {"scope": "request", "ask": "cheaper"},
                {"scope": "proposal", "proposal_id": "plan", "action": "finalize", "ask": "now"},
            ],
            "agent_b": [
                {"scope": "request", "ask": "cheaper"},
                {"scope": "product", "product_id": "p2", "action": "omit"},
            ],
        }

    @pytest.mark.parametrize(
        ("said", "verdict"),
        [
            ([["applied"], ["applied"]], Verdict.APPLIED),
            ([["applied"], ["unable"]], Verdict.PARTIAL),
            ([["unable"], None], Verdict.UNABLE),
            ([["applied"], None], Verdict.PARTIAL),
            ([[], []], Verdict.PARTIAL),
            ([["nonsense"]], Verdict.PARTIAL),
            ([], Verdict.UNABLE),
        ],
    )
    def test_what_sellers_say_of_one_wish_is_put_together(self, said: list[list[str] | None], verdict: Verdict) -> None:
        wish = Refinement(Scope.REQUEST, "cheaper")
        heard = [
            Heard("x", (Part(0, wish),), None if each is None else [{"status": word} for word in each]) for each in said
        ]
        assert [each.verdict for each in refinements.applied([wish], heard)] == [verdict]

    def test_each_answer_is_matched_to_its_wish_by_position(self) -> None:
        wishes = [Refinement(Scope.REQUEST, "one"), Refinement(Scope.PRODUCT, id="p", action="include")]
        heard = [
            Heard("a", (Part(0, wishes[0]),), [{"status": "unable", "notes": "no"}]),
            Heard("b", (Part(0, wishes[0]), Part(1, wishes[1], "p")), [{"status": "unable"}, {"status": "applied"}]),
        ]
        found = refinements.applied(wishes, heard)
        assert [(each.verdict, each.notes) for each in found] == [(Verdict.UNABLE, "a: no"), (Verdict.APPLIED, None)]

    def test_an_omission_holds_whatever_the_seller_makes_of_it(self) -> None:
        wish = Refinement(Scope.PRODUCT, id="p", action="omit")
        parts = (Part(0, wish, "p"),)
        assert [each.product_id for each in refinements.left([a_product("p"), a_product("q")], parts)] == ["q"]
        (found,) = refinements.applied([wish], [Heard("a", parts, [{"status": "unable"}])])
        assert found.verdict is Verdict.APPLIED

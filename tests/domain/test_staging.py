from __future__ import annotations

from decimal import Decimal
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buyside.domain.errors import CurrencyMismatch, Invalid
from buyside.domain.ids import MediaBuyId
from buyside.domain.media_buys import MediaBuy, Status
from buyside.domain.money import total
from buyside.domain.products import PricingOption
from buyside.domain.staging import Pick, Staging, gross_room, stage, stale
from tests.domain.values import NOW, a_buy, a_campaign, a_package, a_pick, a_product, usd

AUCTION = PricingOption("auction", "cpm", "USD", floor_price=Decimal(2))
EUROS = PricingOption("eur", "cpm", "EUR", fixed_price=Decimal(4))


def staged(*picks: Pick, buys: tuple[MediaBuy, ...] = (), room: str = "1000", fee: str = "0") -> Staging:
    numbers = count(2)
    return stage(
        a_campaign(),
        picks,
        buys,
        room=usd(room),
        fee_percent=Decimal(fee),
        new_id=lambda: MediaBuyId(f"mb_{next(numbers)}"),
        now=NOW,
    )


def test_each_sales_agent_gets_one_buy_with_a_package_a_product() -> None:
    made = staged(a_pick(a_product("a")), a_pick(a_product("b")), a_pick(a_product("c"), "agent_2"))
    assert [[p.product_id for p in buy.packages] for buy in made.new] == [["a", "b"], ["c"]]
    assert [p.ref for p in made.new[0].packages] == ["p1", "p2"]


def test_a_product_on_a_live_buy_is_not_staged_again_and_one_on_a_finished_buy_is() -> None:
    picks = [a_pick(a_product("prod_p1"))]
    assert staged(*picks, buys=(a_buy(Status.ACTIVE),)) == Staging()
    assert len(staged(*picks, buys=(a_buy(Status.CANCELED),)).new) == 1


def test_a_new_product_joins_the_agents_draft_buy_but_never_one_that_was_sent() -> None:
    more = a_pick(a_product("more"))
    joined = staged(more, buys=(a_buy(Status.DRAFT),))
    assert [p.ref for p in joined.changed[0].packages] == ["p1", "p2"]
    assert len(staged(more, buys=(a_buy(Status.ACTIVE),)).new) == 1


def test_products_without_a_budget_share_what_the_others_leave() -> None:
    (buy,) = staged(a_pick(a_product("a"), budget=Decimal(400)), a_pick(a_product("b")), a_pick(a_product("c"))).new
    assert [p.budget for p in buy.packages] == [usd(400), usd(300), usd(300)]


@given(st.integers(1, 30), st.integers(3000, 10**9))
def test_what_is_shared_adds_up_to_the_room(many: int, minor: int) -> None:
    (buy,) = staged(*(a_pick(a_product(f"p{i}")) for i in range(many)), room=str(Decimal(minor) / 100)).new
    assert total([p.budget for p in buy.packages], "USD").minor == minor


def test_nothing_left_to_share_is_refused() -> None:
    with pytest.raises(Invalid, match="nothing of the campaign's is left"):
        staged(a_pick(a_product("a"), budget=Decimal(1000)), a_pick(a_product("b")))


def test_an_auction_without_a_bid_is_refused_by_field() -> None:
    with pytest.raises(Invalid) as refused:
        staged(a_pick(a_product("a")), a_pick(a_product("b", AUCTION)))
    assert refused.value.field == "products[1].bidPrice"


def test_the_bid_goes_on_the_package() -> None:
    (buy,) = staged(a_pick(a_product("b", AUCTION), bid=Decimal("2.5"))).new
    assert (buy.packages[0].bid, buy.packages[0].price) == (Decimal("2.5"), Decimal(2))


@pytest.mark.parametrize("option", [None, "eur"])
def test_a_product_that_is_not_sold_in_the_campaigns_currency_is_refused(option: str | None) -> None:
    with pytest.raises(CurrencyMismatch):
        staged(a_pick(a_product("a", EUROS), pricing_option_id=option))


def test_without_a_choice_the_first_option_in_the_campaigns_currency_is_taken() -> None:
    dollars = PricingOption("usd", "cpm", "USD", fixed_price=Decimal(3))
    (buy,) = staged(a_pick(a_product("a", EUROS, dollars))).new
    assert buy.packages[0].pricing_option_id == "usd"


def test_an_unknown_pricing_option_is_refused_by_field() -> None:
    with pytest.raises(Invalid) as refused:
        staged(a_pick(pricing_option_id="nope"))
    assert refused.value.field == "products[0].pricingOptionId"


@given(st.integers(0, 10**12), st.decimals(0, "99.9", places=1))
def test_the_gross_room_is_the_largest_amount_whose_media_part_fits(minor: int, fee: Decimal) -> None:
    left = usd(str(Decimal(minor) / 100))
    room = gross_room(left, fee)
    assert room - room.share(fee, Decimal(100)) <= left


def test_a_draft_with_a_product_that_is_no_longer_selected_is_stale() -> None:
    kept, gone = a_buy(Status.DRAFT), a_buy(Status.DRAFT, a_package("p9"), id=MediaBuyId("mb_9"))
    assert stale([kept, gone], [a_pick(a_product("prod_p1")).selection]) == ["mb_9"]

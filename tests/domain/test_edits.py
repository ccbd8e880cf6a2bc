"""The plan of edits: what each rule refuses, by name, and what is left is asked of sellers."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buyside.domain import budgets, proposals
from buyside.domain.amendments import Start
from buyside.domain.campaigns import Status as CampaignStatus
from buyside.domain.edits import Asked, Do, Plan, Scene, plan
from buyside.domain.errors import Conflict, Invalid, NotFound
from buyside.domain.ids import MediaBuyId, OperationId
from buyside.domain.media_buys import MediaBuy, Status
from buyside.domain.orders import AccountRef
from buyside.domain.package_edits import Bid, PackageEdit, ProductEdit
from tests.domain.values import END, NOW, a_buy, a_campaign, a_package, usd

ACCOUNT = AccountRef("northwind.example", "northwind.example")


def placed(status: Status = Status.ACTIVE, **more: Any) -> MediaBuy:
    packages = (
        a_package("p1", package_id="s1"),
        a_package("p2", "50", package_id="s2", bid=Decimal(9), price=Decimal(8)),
    )
    return a_buy(status, *packages, **{"seller_buy_id": "theirs", "seller_revision": 3, **more})


def planned(buy: MediaBuy, campaign: CampaignStatus = CampaignStatus.ACTIVE, alone: bool = False, **asked: Any) -> Plan:
    entry = Asked(buy.id, **{"at": () if alone else ("mediaBuys", 0), **asked})
    return plan(Scene(a_campaign(campaign), [buy], NOW, alone=alone), [entry])


def fields(found: Plan) -> list[str | None]:
    return [refusal.error.field for refusal in found.refusals]


@pytest.mark.parametrize(
    ("status", "action", "may"),
    [
        *[(s, Do.UPDATE, s in {Status.ACTIVE, Status.PAUSED, Status.PENDING_APPROVAL, Status.INPUT_REQUIRED}) for s in
          Status if s is not Status.DRAFT],
        *[(s, Do.CANCEL, s in {Status.ACTIVE, Status.PAUSED, Status.PENDING_APPROVAL, Status.INPUT_REQUIRED}) for s in
          Status],
        *[(s, Do.DELETE, s in {Status.DRAFT, Status.FAILED, Status.REJECTED}) for s in Status
          if s not in {Status.COMPLETED, Status.CANCELED}],
    ],
)  # fmt: skip
def test_each_status_allows_what_the_contract_says(status: Status, action: Do, may: bool) -> None:
    more: dict[str, Any] = {"packages": (PackageEdit("s1", budget=Decimal(70)),)} if action is Do.UPDATE else {}
    found = planned(placed(status), action=action, **more)
    assert (found.refusals == ()) is may
    alone = planned(placed(status), action=action, alone=True, **more)
    assert may or isinstance(alone.refusals[0].error, Conflict)


def test_an_unknown_buy_is_named_and_so_is_one_that_stands_twice() -> None:
    buy = placed()
    asked = [Asked(b, at=("mediaBuys", i)) for i, b in enumerate([buy.id, MediaBuyId("mb_x"), buy.id])]
    found = plan(Scene(a_campaign(CampaignStatus.ACTIVE), [buy], NOW), asked)
    assert [type(r.error) for r in found.refusals] == [NotFound, Invalid]
    assert fields(found) == ["mediaBuys[1].mediaBuyId", "mediaBuys[2].mediaBuyId"]


def test_every_finding_is_told_and_not_the_first_alone() -> None:
    edits = (PackageEdit("s1", budget=Decimal("1.001")), PackageEdit("nobody"), PackageEdit("s2", bid=Bid(Decimal(1))))
    found = planned(placed(), packages=edits, end=END + timedelta(days=1))
    assert fields(found) == [
        "mediaBuys[0].end_time",
        "mediaBuys[0].packages[0].budget",
        "mediaBuys[0].packages[1].packageId",
        "mediaBuys[0].packages[2].bidPrice",
    ]


@pytest.mark.parametrize("over", [CampaignStatus.COMPLETED, CampaignStatus.CANCELED, CampaignStatus.ARCHIVED])
def test_a_campaign_that_is_over_takes_no_edit_of_its_buys(over: CampaignStatus) -> None:
    assert isinstance(planned(placed(), over, name="x").refusals[0].error, Invalid)


def test_a_buy_that_is_being_placed_is_left_alone() -> None:
    under_way = placed(Status.PENDING_APPROVAL, operation_id=OperationId("op_1"))
    assert isinstance(planned(under_way, name="x").refusals[0].error, Conflict)


def test_products_are_for_drafts_and_packages_for_what_is_placed() -> None:
    product = (ProductEdit("prod_p1", budget=Decimal(5)),)
    assert fields(planned(placed(), products=product)) == ["mediaBuys[0].products"]
    assert fields(planned(a_buy(), packages=(PackageEdit("s1", budget=Decimal(5)),))) == ["mediaBuys[0].packages"]
    draft = planned(a_buy(), products=product).entries[0]
    assert (draft.after.budget, draft.change) == (usd(5), None)
    gone = planned(a_buy(), products=(ProductEdit("prod_p1", remove=True),))
    assert fields(gone) == ["mediaBuys[0].products"]


def test_dates_outside_the_flight_are_refused_in_a_list_and_widen_it_alone() -> None:
    early, late = Start(NOW), END + timedelta(days=5)
    assert fields(planned(placed(), start=early, end=late)) == ["mediaBuys[0].start_time", "mediaBuys[0].end_time"]
    assert fields(planned(placed(), start=Start(None))) == ["mediaBuys[0].start_time"]
    widened = planned(placed(), start=early, end=late, alone=True)
    assert widened.flight is not None
    assert (widened.flight.start, widened.flight.end, len(widened.warnings)) == (NOW, late, 1)


def test_what_is_so_already_is_not_asked_for() -> None:
    buy = placed()
    same = (PackageEdit("s1", budget=Decimal(100), pacing=None),)
    assert planned(buy, name=buy.name, end=buy.end, packages=same).entries == ()


def test_only_the_media_part_of_an_amount_is_asked_for() -> None:
    buy = placed(fee_percent=Decimal(10))
    (entry,) = planned(buy, packages=(PackageEdit("s1", budget=Decimal(200)),)).entries
    assert entry.change is not None
    order = proposals.order(a_campaign(), buy, entry.change, ACCOUNT)
    assert [(p.package_id, p.budget) for p in order.packages] == [("s1", usd(180))]
    assert order.revision == 3


def test_every_open_package_canceled_is_the_buy_canceled() -> None:
    some = planned(placed(), action=Do.CANCEL, package_ids=("s1",)).entries[0]
    assert some.change is not None
    assert (some.change.canceled, some.projected.status, some.projected.budget) == (False, Status.ACTIVE, usd(50))
    every = planned(placed(), action=Do.CANCEL, package_ids=("s1", "s2")).entries[0]
    assert every.projected.status is Status.CANCELED
    assert fields(planned(placed(), action=Do.CANCEL, package_ids=("x",))) == ["mediaBuys[0].packageIds[0]"]


@given(st.lists(st.integers(1, 10_000_000), min_size=2, max_size=2), st.integers(0, 90))
def test_while_a_change_is_under_way_the_larger_of_both_is_allocated(amounts: list[int], fee: int) -> None:
    buy = placed(fee_percent=Decimal(fee))
    edits = tuple(PackageEdit(f"s{n}", budget=Decimal(a) / 100) for n, a in enumerate(amounts, start=1))
    found = planned(buy, packages=edits)
    if not found.entries:
        return
    (entry,) = found.entries
    assert entry.change is not None
    under_way = MediaBuy(**{**vars(entry.after), "change": entry.change})
    assert budgets.allocation(under_way) == max(budgets.allocation(buy), budgets.allocation(entry.projected))

"""What stops do to a buy: whatever comes and goes, only what stops alone held is let go."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buyside.domain import settling
from buyside.domain.campaigns import Status as CampaignStatus
from buyside.domain.errors import Conflict
from buyside.domain.ids import AdvertiserId, StopId, StorefrontId
from buyside.domain.media_buys import LIVE, MediaBuy, PausedBy, Status
from buyside.domain.stops import Scope, Stop, under
from tests.domain.values import a_buy

NOW = datetime(2026, 1, 1, tzinfo=UTC)
OWN = frozenset({PausedBy.PERSON, PausedBy.GUARD, PausedBy.SELLER, PausedBy.CAMPAIGN})

buys = st.builds(
    lambda status, by, shop: replace(
        a_buy(status), paused_by=by, storefront_id=StorefrontId(shop), seller_buy_id="seller_1"
    ),
    st.sampled_from(sorted(LIVE)),
    st.sampled_from([None, *sorted(OWN)]),
    st.integers(1, 2),
)
scopes = st.builds(Scope, st.none(), st.one_of(st.none(), st.integers(1, 2).map(StorefrontId)))
turns = st.lists(st.one_of(scopes, st.integers(0, 5)), max_size=12)
"""A scope: a stop is made. A number: the one at that place of those that stand is undone."""


def a_stop(number: int, scope: Scope) -> Stop:
    return Stop(StopId(f"stop_{number}"), scope, "why", "a test", NOW)


def played(buy: MediaBuy, what: list[Scope | int]) -> tuple[MediaBuy, list[Stop]]:
    standing: list[Stop] = []
    for number, turn in enumerate(what):
        if isinstance(turn, Scope):
            standing.append(a_stop(number, turn))
        elif standing:
            standing.pop(turn % len(standing))
        buy = under(buy, standing)
        # What a seller does once it is asked, and what an accepted resume leaves behind.
        if settling.wants_pause(buy, CampaignStatus.ACTIVE) and buy.status is Status.ACTIVE:
            buy = replace(buy, status=Status.PAUSED)
        elif settling.wants_resume(buy, CampaignStatus.ACTIVE):
            buy = replace(buy, status=Status.ACTIVE, paused_by=None)
    return buy, standing


@given(buys, turns)
def test_while_a_stop_covers_it_a_buy_must_not_serve(buy: MediaBuy, what: list[Scope | int]) -> None:
    after, standing = played(buy, what)
    if any(stop.scope.covers(buy) for stop in standing):
        assert settling.wants_pause(after, CampaignStatus.ACTIVE)
        assert not settling.wants_resume(after, CampaignStatus.ACTIVE)
        assert after.status is not Status.ACTIVE


@given(buys, turns)
def test_once_all_are_undone_exactly_what_the_stops_paused_runs_again(buy: MediaBuy, what: list[Scope | int]) -> None:
    before, _ = played(buy, [])
    after, standing = played(buy, what)
    after, _ = played(after, [0] * len(standing)) if not standing else undone(after, standing)
    assert after.stops == ()
    if buy.paused_by in {PausedBy.PERSON, PausedBy.GUARD, PausedBy.SELLER}:
        assert after.paused_by is buy.paused_by
        assert after.status is buy.status or after.status is Status.PAUSED
    elif before.status is Status.ACTIVE:
        assert after.status is Status.ACTIVE


def undone(buy: MediaBuy, standing: list[Stop]) -> tuple[MediaBuy, list[Stop]]:
    buy = under(buy, [])
    if settling.wants_resume(buy, CampaignStatus.ACTIVE):
        buy = replace(buy, status=Status.ACTIVE, paused_by=None)
    return buy, []


@given(buys, scopes)
def test_marking_twice_is_marking_once(buy: MediaBuy, scope: Scope) -> None:
    once = under(buy, [a_stop(1, scope)])
    assert under(once, [a_stop(1, scope)]) is once
    assert under(under(once, []), []) == under(once, [])


def test_a_stop_is_undone_once() -> None:
    over = a_stop(1, Scope(AdvertiserId(1))).undone("a test", NOW, ())
    with pytest.raises(Conflict):
        over.undone("a test", NOW, ())


@pytest.mark.parametrize(
    ("scope", "label"),
    [
        (Scope(), "the whole account"),
        (Scope(AdvertiserId(1)), "advertiser 1"),
        (Scope(AdvertiserId(1), StorefrontId(2)), "advertiser 1 at storefront 2"),
    ],
)
def test_a_scope_is_named_in_words(scope: Scope, label: str) -> None:
    assert scope.label == label

"""Every status with every action: nothing is undecided."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, TypeAlias

import pytest

from buyside.domain import campaigns, lifecycle, media_buys
from buyside.domain.errors import IllegalTransition

TABLES: list[tuple[dict[Any, Any], type[StrEnum], type[StrEnum]]] = [
    (campaigns.TRANSITIONS, campaigns.Status, campaigns.Action),
    (media_buys.TRANSITIONS, media_buys.Status, media_buys.Action),
]
EVERY = [(t, s, a) for t, statuses, actions in TABLES for s in statuses for a in actions]


@pytest.mark.parametrize(("table", "status", "action"), EVERY, ids=lambda v: v.value if isinstance(v, StrEnum) else "")
def test_each_pair_leads_somewhere_or_is_refused_with_what_is_allowed(table: Any, status: Any, action: Any) -> None:
    if (status, action) in table:
        assert lifecycle.after(table, status, action) in type(status)
    else:
        with pytest.raises(IllegalTransition) as refused:
            lifecycle.after(table, status, action)
        assert set(refused.value.allowed) == {a.value for s, a in table if s is status}


S: TypeAlias = campaigns.Status
A: TypeAlias = campaigns.Action


@pytest.mark.parametrize(
    ("status", "action", "after"),
    [
        (S.DRAFT, A.EXECUTE, S.ACTIVE),
        (S.ACTIVE, A.EXECUTE, S.ACTIVE),
        (S.PAUSED, A.EXECUTE, S.PAUSED),
        (S.ACTIVE, A.PAUSE, S.PAUSED),
        (S.PAUSED, A.REACTIVATE, S.ACTIVE),
    ],
)
def test_a_campaign_moves_as_the_contract_has_it(status: S, action: A, after: S) -> None:
    assert lifecycle.after(campaigns.TRANSITIONS, status, action) is after


@pytest.mark.parametrize("status", [S.COMPLETED, S.CANCELED, S.ARCHIVED])
@pytest.mark.parametrize("action", [A.EXECUTE, A.PAUSE, A.REACTIVATE])
def test_a_campaign_that_is_over_is_neither_executed_nor_paused_nor_reactivated(status: S, action: A) -> None:
    assert not lifecycle.may(campaigns.TRANSITIONS, status, action)


@pytest.mark.parametrize("status", sorted(media_buys.TERMINAL))
def test_a_media_buy_that_is_over_can_only_be_deleted_or_turn_out_to_be_alive(status: media_buys.Status) -> None:
    open_actions = {a for s, a in media_buys.TRANSITIONS if s is status}
    assert open_actions <= {media_buys.Action.DELETE, media_buys.Action.REVIVE}


def test_every_word_of_a_seller_is_an_event_that_some_live_status_understands() -> None:
    for word, action in media_buys.SELLER_WORDS.items():
        assert any(lifecycle.may(media_buys.TRANSITIONS, s, action) for s in media_buys.LIVE), word

from __future__ import annotations

import pytest

from buyside.domain.accounts import PERMISSIONS, Caller, Limit, LimitScope, Right, Role, Surface
from buyside.domain.errors import Forbidden
from buyside.domain.ids import AccountId, AgentId, KeyId
from tests.domain.values import usd

CALLER = Caller(AccountId(1), KeyId(7), Role.MEMBER, Surface.REST, "a key")
ADMIN_ONLY = {
    Right.FEES,
    Right.DELETE_ADVERTISERS,
    Right.STOREFRONTS,
    Right.CREDENTIALS,
    Right.LIMITS,
    Right.KEYS,
}


@pytest.mark.parametrize("right", list(Right))
def test_a_member_may_all_but_what_is_an_admins(right: Right) -> None:
    assert right in PERMISSIONS[Role.ADMIN]
    assert (right in PERMISSIONS[Role.MEMBER]) is (right not in ADMIN_ONLY)


def test_a_missing_right_is_named() -> None:
    with pytest.raises(Forbidden, match="set fees"):
        CALLER.require(Right.FEES)


@pytest.mark.parametrize(
    ("amount", "today", "passes"),
    [("100", "0", True), ("100.01", "0", False), ("100", "400", True), ("100", "400.01", False)],
)
def test_both_sides_of_a_limit(amount: str, today: str, passes: bool) -> None:
    limit = Limit(LimitScope.ACCOUNT, "USD", largest_buy=usd(100), per_day=usd(500))
    if passes:
        limit.check(usd(amount), usd(today))
    else:
        with pytest.raises(Forbidden):
            limit.check(usd(amount), usd(today))


def test_a_limit_covers_its_own_scope_alone() -> None:
    agent = AgentId("agent_1")
    assert Limit(LimitScope.ACCOUNT, "USD").covers(CALLER, agent)
    assert Limit(LimitScope.KEY, "USD", key=KeyId(7)).covers(CALLER, agent)
    assert not Limit(LimitScope.KEY, "USD", key=KeyId(8)).covers(CALLER, agent)
    assert Limit(LimitScope.SELLER, "USD", agent=agent).covers(CALLER, agent)
    assert not Limit(LimitScope.SELLER, "USD", agent=AgentId("other")).covers(CALLER, agent)

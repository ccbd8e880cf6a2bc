"""Who may do what: accounts, keys, roles, and the limits on money. The table below is printed in the docs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from buyside.domain.errors import Forbidden
from buyside.domain.ids import AccountId, AgentId, KeyId
from buyside.domain.money import Money


class Role(StrEnum):
    MEMBER = "MEMBER"
    ADMIN = "ADMIN"


class Right(StrEnum):
    """Source: interchange.md ruling 0.9."""

    READ = "read everything"
    CAMPAIGNS = "edit, execute, pause and delete campaigns and media buys"
    CREATIVES = "edit creatives"
    DISCOVERY = "discover and select products"
    ADVERTISERS = "create and edit advertisers"
    STOP = "stop everything that spends, and undo a stop"
    REVERT = "revert what the role could do itself"
    FEES = "set fees"
    DELETE_ADVERTISERS = "delete and restore advertisers"
    STOREFRONTS = "register, change, probe and delete storefronts"
    CREDENTIALS = "give and remove seller credentials"
    LIMITS = "set spending limits"
    KEYS = "make and revoke keys"


_MEMBER = frozenset(
    {Right.READ, Right.CAMPAIGNS, Right.CREATIVES, Right.DISCOVERY, Right.ADVERTISERS, Right.STOP, Right.REVERT},
)
PERMISSIONS: dict[Role, frozenset[Right]] = {Role.MEMBER: _MEMBER, Role.ADMIN: frozenset(Right)}


class Surface(StrEnum):
    REST = "rest"
    MCP = "mcp"
    CLI = "cli"
    SYSTEM = "system"


@dataclass(frozen=True)
class Caller:
    """Whose behalf a piece of work is done on, and through which door it came."""

    account: AccountId
    key: KeyId | None
    role: Role
    surface: Surface
    name: str
    """The key's name, or what the system is doing: shown in the decision log."""
    reason: str | None = None

    def require(self, right: Right) -> None:
        """Raises: Forbidden naming the right and the role that holds it."""
        if right not in PERMISSIONS[self.role]:
            raise Forbidden(f"This key's role, {self.role.value}, may not {right.value}; that needs an ADMIN key.")


@dataclass(frozen=True)
class Account:
    id: AccountId
    company: str
    name: str
    domain: str | None
    created_at: datetime


@dataclass(frozen=True)
class Key:
    id: KeyId
    account: AccountId
    name: str
    role: Role
    created_at: datetime
    revoked_at: datetime | None = None


class LimitScope(StrEnum):
    ACCOUNT = "account"
    KEY = "key"
    SELLER = "seller"


@dataclass(frozen=True)
class Limit:
    """The most that one buy, and all buys committed on one UTC day, may come to within a scope."""

    scope: LimitScope
    currency: str
    key: KeyId | None = None
    agent: AgentId | None = None
    largest_buy: Money | None = None
    per_day: Money | None = None

    def covers(self, caller: Caller, agent: AgentId) -> bool:
        if self.scope is LimitScope.ACCOUNT:
            return True
        return self.key == caller.key if self.scope is LimitScope.KEY else self.agent == agent

    @property
    def label(self) -> str:
        target = {LimitScope.ACCOUNT: "", LimitScope.KEY: f" {self.key}", LimitScope.SELLER: f" {self.agent}"}
        return f"{self.scope.value}{target[self.scope]}"

    def check(self, amount: Money, committed_today: Money) -> None:
        """Raises: Forbidden when `amount`, on top of what was committed today in this scope, is too much."""
        if self.largest_buy is not None and amount > self.largest_buy:
            raise Forbidden(
                f"A buy of {amount} is over the limit of {self.largest_buy} a buy ({self.label}).",
                details={"limit": "largestBuy", "scope": self.scope.value},
            )
        if self.per_day is not None and committed_today + amount > self.per_day:
            raise Forbidden(
                f"{amount} on top of {committed_today} committed today is over the limit of {self.per_day} a day "
                f"({self.label}).",
                details={"limit": "perDay", "scope": self.scope.value},
            )


def limit_facts(limit: Limit) -> dict[str, Any]:
    """As the decision log keeps it."""
    return {
        "scope": limit.scope.value,
        "currency": limit.currency,
        "keyId": limit.key,
        "salesAgentId": limit.agent,
        "largestBuy": str(limit.largest_buy) if limit.largest_buy is not None else None,
        "perDay": str(limit.per_day) if limit.per_day is not None else None,
    }


def limit_of(written: Mapping[str, Any]) -> Limit:
    """What `limit_facts` wrote."""
    return Limit(
        LimitScope(written["scope"]),
        written["currency"],
        written["keyId"],
        written["salesAgentId"],
        written["largestBuy"] and Money.read(written["largestBuy"]),
        written["perDay"] and Money.read(written["perDay"]),
    )

"""What a write would do, and why it would be refused, told before anything is done (interchange.md ruling 0.17)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from buyside.domain.errors import BuysideError
from buyside.domain.ids import AgentId, MediaBuyId, StorefrontId
from buyside.domain.money import Money


@dataclass(frozen=True)
class Change:
    path: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Call:
    """An outside write that would be made."""

    media_buy_id: MediaBuyId
    agent_id: AgentId
    storefront_id: StorefrontId
    tool: str
    currency: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    amount_before: Money | None = None
    amount_after: Money | None = None


@dataclass(frozen=True)
class Refusal:
    error: BuysideError
    media_buy_id: MediaBuyId | None = None


@dataclass(frozen=True)
class Preview:
    changes: tuple[Change, ...] = ()
    calls: tuple[Call, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    warnings: tuple[str, ...] = ()

"""What a sales agent said: five outcomes, an error in AdCP's words, and the exchange for whoever debugs it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    ACCEPTED = "accepted"
    PENDING = "pending"
    """Taken, with a task to follow; nothing is decided yet."""
    NEEDS_INPUT = "needs_input"
    REJECTED = "rejected"
    """An authoritative no, or a failure that provably precedes the seller's commit (`reached` tells which)."""
    UNKNOWN = "unknown"
    """The call may have taken effect: never repeated blindly (ruling 0.3)."""


class Recovery(StrEnum):
    TRANSIENT = "transient"
    CORRECTABLE = "correctable"
    TERMINAL = "terminal"


@dataclass(frozen=True)
class SellerError:
    """Source: AdCP core/error. `code` is an open vocabulary: an unknown one is kept as it came."""

    code: str
    message: str
    recovery: Recovery = Recovery.TRANSIENT
    retry_after: float | None = None
    """Seconds."""
    suggestion: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    assumed: bool = False
    """Neither the seller nor AdCP says how to recover from this code: transient is our assumption."""
    # Last, since it hides dataclasses.field for what follows.
    field: str | None = None


@dataclass(frozen=True)
class Dropped:
    """An argument that this seller does not take, and so did not get."""

    path: str
    reason: str


@dataclass(frozen=True)
class Prepared:
    """A write, frozen before its first byte leaves: repeats carry these very bytes under the same key."""

    tool: str
    key: str = field(repr=False)
    body: bytes = field(repr=False)
    """The arguments as JSON, shaped to the seller, key included where the seller takes one."""
    replayable: bool = False
    """The seller honours the key, so the same bytes may be sent again within its replay window."""
    dropped: tuple[Dropped, ...] = ()

    @property
    def arguments(self) -> dict[str, Any]:
        """What the seller is asked, without the key under which it is asked."""
        return {name: value for name, value in json.loads(self.body).items() if name != "idempotency_key"}


@dataclass(frozen=True)
class Exchange:
    """One call as it went over the wire, redacted: no credential, no authorization header, no whole key."""

    request: Mapping[str, Any]
    response: Mapping[str, Any] | None
    log: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Answer:
    outcome: Outcome
    data: Mapping[str, Any] = field(default_factory=dict)
    """The AdCP payload, nulls taken out, unknown fields kept."""
    error: SellerError | None = None
    task_id: str | None = None
    replayed: bool = False
    """A historical snapshot: read again before deciding anything from it."""
    reached: bool = True
    """False: the seller provably never began (no connection, circuit open, refused at the door)."""
    exchange: Exchange | None = field(default=None, repr=False)

    @property
    def message(self) -> str:
        return self.error.message if self.error else str(self.data.get("message", ""))

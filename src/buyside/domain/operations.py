"""An outside write as a row: frozen before its first byte leaves, settled after its answer, recovered in between."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from buyside.domain.answers import Prepared
from buyside.domain.ids import AgentId, CampaignId, KeyId, MediaBuyId, OperationId
from buyside.domain.money import Money


class Kind(StrEnum):
    ACCOUNT = "account"
    CREATE = "create"
    CHANGE = "change"
    CREATIVES = "creatives"


class State(StrEnum):
    PLANNED = "planned"
    """Committed, and provably not sent."""
    SENT = "sent"
    """Claimed by a process, which may have sent it."""
    UNKNOWN = "unknown"
    """Sent, and no answer: replayed or looked up, never repeated blindly."""
    DONE = "done"
    REFUSED = "refused"
    """The seller said no, or was never reached."""
    ABSENT = "absent"
    """Looked up at the seller, which provably holds nothing of it."""


OPEN = frozenset({State.PLANNED, State.SENT, State.UNKNOWN})
COUNTED = frozenset({State.PLANNED, State.SENT, State.UNKNOWN, State.DONE, State.ABSENT})
"""What counts against a daily limit: money that is, or may be, committed. A seller may book late what it did not hold
when it was asked."""
LATE = timedelta(hours=24)
"""How long a create that was proved absent is looked for all the same."""

REPLAY_MARGIN = timedelta(minutes=5)
MAX_REPLAYS = 6
MIN_LOOKS = 3
"""A buy counts as absent only after so many readings that did not find it, apart in time: a slow seller may commit
after the connection is gone."""


@dataclass(frozen=True)
class Operation:
    id: OperationId
    kind: Kind
    agent_id: AgentId
    prepared: Prepared = field(repr=False)
    state: State
    created_at: datetime
    campaign_id: CampaignId | None = None
    media_buy_id: MediaBuyId | None = None
    amount: Money | None = None
    """What it commits, for the limits: gross."""
    key_id: KeyId | None = None
    actor: str = ""
    purpose: str = ""
    """Why, in a word that settling acts on: "pause", "resume", "guard", "cancel" … for changes."""
    attempts: int = 0
    looks: int = 0
    lease_until: datetime | None = None
    next_at: datetime | None = None
    first_sent_at: datetime | None = None
    replay_ttl: int | None = None
    message: str | None = None

    @property
    def starts(self) -> bool:
        """Whether it lets money be spent that is not being spent now."""
        return self.kind is Kind.CREATE or self.purpose == "resume"

    def may_replay(self, now: datetime) -> bool:
        """Whether the same bytes may go out again: never sent, or within the seller's replay window less a margin."""
        return self.first_sent_at is None or (self.attempts < MAX_REPLAYS and self.remembered(now))

    def remembered(self, now: datetime) -> bool:
        """Whether the seller still knows the key, if it ever saw it."""
        if self.first_sent_at is None or not self.prepared.replayable or self.replay_ttl is None:
            return False
        return now < self.first_sent_at + timedelta(seconds=self.replay_ttl) - REPLAY_MARGIN


def backoff(attempts: int, first: float, longest: float) -> timedelta:
    """Seconds `first`, doubling with each attempt, up to `longest`."""
    return timedelta(seconds=min(longest, first * 2 ** min(attempts, 16)))

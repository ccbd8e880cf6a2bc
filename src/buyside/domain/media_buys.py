"""The media buy: one campaign's order at one sales agent, with a package for each product."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from buyside.domain import lifecycle
from buyside.domain.amendments import Change
from buyside.domain.errors import Conflict
from buyside.domain.ids import AgentId, CampaignId, MediaBuyId, OperationId, StopId, StorefrontId
from buyside.domain.money import Money, total
from buyside.domain.pacing import PacingPeriods


class Status(StrEnum):
    DRAFT = "DRAFT"
    PENDING_APPROVAL = "PENDING_APPROVAL"
    INPUT_REQUIRED = "INPUT_REQUIRED"
    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    COMPLETED = "COMPLETED"
    CANCELED = "CANCELED"
    FAILED = "FAILED"
    REJECTED = "REJECTED"
    ARCHIVED = "ARCHIVED"


TERMINAL = frozenset({Status.COMPLETED, Status.CANCELED, Status.FAILED, Status.REJECTED, Status.ARCHIVED})
RAN = frozenset({Status.COMPLETED, Status.CANCELED})
"""Over, after it may have delivered."""
LIVE = frozenset({Status.PENDING_APPROVAL, Status.INPUT_REQUIRED, Status.ACTIVE, Status.PAUSED})
"""Placed and not over: the seller holds it, or may."""


class Action(StrEnum):
    """Orders of ours, and events at the seller that move a buy (interchange.md 2.3)."""

    DISPATCH = "dispatch"
    WITHDRAW = "withdraw"
    """The seller provably holds nothing: back to DRAFT with the reason."""
    WAIT = "wait"
    ASK = "ask for input"
    ACTIVATE = "activate"
    PAUSE = "pause"
    REACTIVATE = "reactivate"
    DECLINE = "decline"
    FAIL = "fail"
    CANCEL = "cancel"
    COMPLETE = "complete"
    REVIVE = "revive"
    """Its seller called it over, and shows it alive again."""
    DELETE = "delete"


ENDED = (Status.COMPLETED, Status.CANCELED, Status.FAILED, Status.REJECTED)
"""Over by the seller's word."""
_WAITING = (Status.PENDING_APPROVAL, Status.INPUT_REQUIRED)
TRANSITIONS: dict[tuple[Status, Action], Status] = {
    (Status.DRAFT, Action.DISPATCH): Status.PENDING_APPROVAL,
    (Status.PENDING_APPROVAL, Action.WITHDRAW): Status.DRAFT,
    **{(s, Action.WAIT): Status.PENDING_APPROVAL for s in _WAITING},
    **{(s, Action.ASK): Status.INPUT_REQUIRED for s in (*_WAITING, Status.ACTIVE, Status.PAUSED)},
    **{(s, Action.ACTIVATE): Status.ACTIVE for s in (*_WAITING, Status.ACTIVE, Status.PAUSED)},
    **{(s, Action.PAUSE): Status.PAUSED for s in (*_WAITING, Status.ACTIVE, Status.PAUSED)},
    (Status.PAUSED, Action.REACTIVATE): Status.ACTIVE,
    # A running buy may wait again: its creatives were withdrawn, or its start moved.
    (Status.ACTIVE, Action.WAIT): Status.PENDING_APPROVAL,
    (Status.PAUSED, Action.WAIT): Status.PENDING_APPROVAL,
    **{(s, Action.DECLINE): Status.REJECTED for s in (*_WAITING, Status.ACTIVE, Status.PAUSED)},
    **{(s, Action.FAIL): Status.FAILED for s in (*_WAITING, Status.ACTIVE, Status.PAUSED)},
    **{(s, Action.CANCEL): Status.CANCELED for s in LIVE},
    **{(s, Action.COMPLETE): Status.COMPLETED for s in (*_WAITING, Status.ACTIVE, Status.PAUSED)},
    **{(s, Action.REVIVE): Status.ACTIVE for s in ENDED},
    **{
        (s, Action.DELETE): Status.ARCHIVED
        for s in (Status.DRAFT, Status.COMPLETED, Status.CANCELED, Status.FAILED, Status.REJECTED)
    },
}

# A seller's word for a buy, and the event that it reports (interchange.md 2.3). An unknown word changes nothing.
SELLER_WORDS: dict[str, Action] = {
    "active": Action.ACTIVATE,
    "paused": Action.PAUSE,
    "completed": Action.COMPLETE,
    "rejected": Action.DECLINE,
    "canceled": Action.CANCEL,
    "cancelled": Action.CANCEL,
    "expired": Action.COMPLETE,
    "archived": Action.COMPLETE,
    "pending_creatives": Action.WAIT,
    "pending_start": Action.WAIT,
    "pending_activation": Action.WAIT,
    "pending": Action.WAIT,
    "submitted": Action.WAIT,
    "working": Action.WAIT,
    "pending_approval": Action.WAIT,
    "input-required": Action.ASK,
    "input_required": Action.ASK,
    "failed": Action.FAIL,
}


class PendingAt(StrEnum):
    STOREFRONT = "storefront"
    SALES_AGENT = "salesagent"
    UNKNOWN = "unknown"


class PendingReason(StrEnum):
    """Most blocking first (interchange.md 2.3)."""

    NEEDS_CORRECTION = "forward_failed_needs_correction"
    RETRYING = "forward_failed_retrying"
    STOREFRONT_APPROVAL = "awaiting_storefront_approval"
    SOURCE_MODERATION = "awaiting_source_moderation"
    NO_CREATIVES = "no_creatives_attached"
    CREATIVES_REJECTED = "source_rejected_creatives"
    CREATIVE_PROCESSING = "creative_processing_at_source"
    CREATIVE_APPROVAL = "awaiting_creative_approval"
    TRAFFICKING = "accepted_awaiting_trafficking"
    SCHEDULED = "scheduled_not_started"


class ErrorCode(StrEnum):
    PRODUCT_GONE = "product_no_longer_available"
    SOURCE_REJECTED = "source_rejected"
    STOREFRONT_REJECTED = "storefront_rejected"
    SOURCE_UNAVAILABLE = "source_unavailable"
    INVALID_REQUEST = "invalid_request"
    QUOTE_EXPIRED = "quote_expired"
    PLATFORM_ERROR = "platform_error"


class ErrorOwner(StrEnum):
    BUYER_INPUT = "buyer_input"
    PLATFORM = "platform"
    SELLER = "seller"


class PausedBy(StrEnum):
    CAMPAIGN = "campaign"
    PERSON = "person"
    GUARD = "guard"
    """The money guard: what the seller booked is not what was asked."""
    STOP = "stop"
    CAP = "cap"
    """The campaign's daily cap, or its total, is spent."""
    SELLER = "seller"


MICROS = 1_000_000


@dataclass(frozen=True)
class Delivered:
    """What a seller reported so far. `spend_micros`: millionths of a major unit (ruling 0.1)."""

    impressions: int = 0
    spend_micros: int = 0
    clicks: int | None = None
    views: int | None = None
    completed_views: int | None = None
    conversions: int | None = None
    leads: int | None = None
    conversion_value_micros: int | None = None

    @property
    def spend(self) -> Decimal:
        """Major units."""
        return Decimal(self.spend_micros) / MICROS


@dataclass(frozen=True)
class Package:
    """One product of a buy. Amounts are gross; the seller is asked for the media part (`MediaBuy.media_part`)."""

    ref: str
    """Ours; echoed back by the seller in `context`."""
    product_id: str
    product_name: str | None
    publisher_name: str | None
    pricing_option_id: str
    pricing_model: str | None
    price: Decimal | None
    """The fixed price per unit of the model, or in an auction the floor."""
    budget: Money
    bid: Decimal | None = None
    pacing: str | None = None
    targeting: Mapping[str, Any] = field(default_factory=dict)
    format_ids: tuple[Mapping[str, Any], ...] = ()
    format_options: tuple[Mapping[str, Any], ...] = ()
    creative_ids: tuple[str, ...] = ()
    selection_id: str | None = None
    start: datetime | None = None
    """None: the buy's own."""
    end: datetime | None = None
    period: int | None = None
    """Which of the campaign's pacing periods it runs in, from 1; None: it runs the whole flight."""
    period_label: str | None = None
    frequency_cap: Mapping[str, Any] | None = None
    """AdCP's, as its seller is sent it: the tightest of all that hold."""
    whole: Money | None = None
    """The product's budget, of which this is one period's part; None: it was not cut."""
    min_spend: Decimal | None = None
    """The least that the seller takes for one package, in major units."""
    package_id: str | None = None
    """The seller's; None until it booked."""
    status: str | None = None
    """active, paused, canceled."""
    delivered: Delivered | None = None

    @property
    def is_canceled(self) -> bool:
        return self.status == "canceled"


@dataclass(frozen=True)
class Pending:
    at: PendingAt
    reason: PendingReason
    since: datetime


@dataclass(frozen=True)
class Trouble:
    code: ErrorCode
    owner: ErrorOwner
    message: str


@dataclass(frozen=True)
class MediaBuy:
    id: MediaBuyId
    campaign_id: CampaignId
    agent_id: AgentId
    agent_name: str
    storefront_id: StorefrontId
    name: str
    status: Status
    packages: tuple[Package, ...]
    currency: str
    start: datetime | None
    """None is "asap"."""
    end: datetime
    fee_percent: Decimal
    """Margin locked when the buy was made (ruling 0.1)."""
    created_at: datetime
    updated_at: datetime
    version: int = 1
    pacing: PacingPeriods | None = None
    """Periods of its own; None: the campaign's."""
    goals: tuple[Mapping[str, Any], ...] = ()
    """AdCP optimization goals, copied onto every package when it is sent."""
    creative_ids: tuple[str, ...] | None = None
    """Assigned by a person; None: every creative of the campaign that fits."""
    seller_buy_id: str | None = None
    seller_status: str | None = None
    seller_revision: int | None = None
    task_id: str | None = None
    valid_actions: tuple[str, ...] = ()
    operation_id: OperationId | None = None
    """The create that is under way or whose outcome is unknown: while it is set, nothing else may touch the buy."""
    pending: Pending | None = None
    trouble: Trouble | None = None
    paused_by: PausedBy | None = None
    """Who wants it paused; set also on a buy that still waits and must not start."""
    held_until: datetime | None = None
    """When a daily cap no longer holds it."""
    stops: tuple[StopId, ...] = ()
    """The stops that stood over it when it was last touched."""
    forwarded_at: datetime | None = None
    check_at: datetime | None = None
    """When the watch looks at it next."""
    checks: int = 0
    change: Change | None = None
    """What its seller was asked to change and has not taken yet: nothing of it stands in the other fields."""
    absent_at: datetime | None = None
    """When a create that nobody answered was last proved absent: it may be booked late all the same."""
    delivered: Delivered | None = None
    delivered_at: datetime | None = None
    over_at: datetime | None = None
    """When it was first seen to be over: completed or canceled."""
    doubted_until: datetime | None = None
    """Its seller called it over before its end, unasked: until then it is looked at again, and nothing else follows."""
    delivery_read_at: datetime | None = None
    """When the seller last answered how much it delivered, whatever it said."""

    @property
    def budget(self) -> Money:
        """Gross, of the packages that were not canceled."""
        return total([p.budget for p in self.packages if not p.is_canceled], self.currency)

    @property
    def media(self) -> Money:
        """What its seller is asked for: the media parts of the packages, each rounded by itself."""
        return total([self.media_part(p.budget) for p in self.packages if not p.is_canceled], self.currency)

    def media_part(self, gross: Money) -> Money:
        """What is left for media after the fee that this buy was made at; half up on the fee (ruling 0.1)."""
        return gross - gross.share(self.fee_percent, Decimal(100))

    def gross(self, media: Decimal) -> Decimal:
        """What the buyer pays for so much media, at the fee that this buy was made at (ADR 0009); six decimals.

        Units: major. The way back from `media_part`, for spend, which sellers report as media.
        """
        return (media * 100 / (100 - self.fee_percent)).quantize(Decimal("0.000001")).normalize() + 0

    def wants_creative(self, creative_id: str) -> bool:
        """Every one of the campaign, unless a person chose."""
        return self.creative_ids is None or creative_id in self.creative_ids

    @property
    def unsettled(self) -> bool:
        """A create call may have reached the seller and its outcome is not known (rulings 0.3 and 0.5)."""
        return self.operation_id is not None

    def require_settled(self) -> None:
        """Raises: Conflict while a create is under way or its outcome is unknown."""
        if self.unsettled:
            raise Conflict(
                f"Media buy {self.id} is being placed and its outcome is not known yet; "
                "it settles by itself, try again shortly.",
                details={"mediaBuyId": self.id},
            )

    def then(self, action: Action) -> MediaBuy:
        """Raises: IllegalTransition."""
        return replace(self, status=lifecycle.after(TRANSITIONS, self.status, action))

    def may(self, action: Action) -> bool:
        return lifecycle.may(TRANSITIONS, self.status, action)

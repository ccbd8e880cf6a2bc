"""The decision log: who changed what, through which surface, and why (an extension)."""

from __future__ import annotations

from typing import Literal

from buyside.schemas.wire import Count, Instant, Maybe, Raw, Response

SurfaceName = Literal["rest", "mcp", "cli", "system"]
EntryTypeName = Literal["decision", "outcome", "anomaly", "edit"]
SubjectType = Literal[
    "account",
    "advertiser",
    "api_key",
    "campaign",
    "creative",
    "discovery",
    "media_buy",
    "stop",
    "storefront",
]


class DecisionSubject(Response):
    """`type` is the noun: campaign, media_buy, advertiser and so on."""

    type: str
    id: str
    advertiser_id: Maybe[str] = None
    campaign_id: Maybe[str] = None
    media_buy_id: Maybe[str] = None


class Decision(Response):
    """`reverts` and `revertedBy` name the entries that take each other back."""

    decision_id: str
    timestamp: Instant
    entry_type: EntryTypeName
    created_via: Literal["ad_sync", "admin", "tool"]
    action: str
    text: str
    subject: DecisionSubject
    surface: SurfaceName
    actor: str
    key_id: Maybe[str] = None
    caller_fingerprint: Maybe[str] = None
    reason: Maybe[str] = None
    before: Maybe[Raw] = None
    after: Maybe[Raw] = None
    outcome: Maybe[Raw] = None
    tags: Maybe[list[str]] = None
    metadata: Maybe[Raw] = None
    reverts: Maybe[str] = None
    reverted_by: Maybe[str] = None


class DecisionResponse(Response):
    decision: Decision


class DecisionListResponse(Response):
    """`totalCapped`: there are more than `total`, which was not counted to its end."""

    decisions: list[Decision]
    total: Count
    total_capped: Maybe[Literal[True]] = None
    has_more: bool
    next_cursor: Maybe[str] = None

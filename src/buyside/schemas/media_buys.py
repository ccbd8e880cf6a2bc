"""Media buys: one campaign's orders, one at each sales agent, with their packages and what they delivered."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import ConfigDict

from buyside.schemas.pacing import PacingPeriods, PackagePacingPeriod
from buyside.schemas.products import FormatParams
from buyside.schemas.targeting import TargetingOverlay
from buyside.schemas.wire import Count, Instant, Maybe, Number, Raw, Response, camel_except, snake

MediaBuyStatus = Literal[
    "DRAFT",
    "PENDING_APPROVAL",
    "INPUT_REQUIRED",
    "ACTIVE",
    "PAUSED",
    "COMPLETED",
    "CANCELED",
    "FAILED",
    "REJECTED",
    "ARCHIVED",
]
PendingAt = Literal["storefront", "salesagent", "unknown"]
MediaBuyPendingReason = Literal[
    "forward_failed_needs_correction",
    "forward_failed_retrying",
    "awaiting_storefront_approval",
    "awaiting_source_moderation",
    "no_creatives_attached",
    "source_rejected_creatives",
    "creative_processing_at_source",
    "awaiting_creative_approval",
    "accepted_awaiting_trafficking",
    "scheduled_not_started",
]
BuyerMediaBuyErrorCode = Literal[
    "product_no_longer_available",
    "source_rejected",
    "storefront_rejected",
    "source_unavailable",
    "invalid_request",
    "quote_expired",
    "platform_error",
]
MediaBuyErrorOwner = Literal["buyer_input", "platform", "seller"]
PausedBy = Literal["campaign", "person", "guard", "stop", "cap", "seller"]
CreativeReviewStatus = Literal["pending", "approved", "rejected", "revoked"]
StartTime = Annotated[str, "`asap`, or a date and time"]


class MediaBuyRefPendingChange(Response):
    """A change that its seller has not taken yet."""

    status: MediaBuyStatus
    pending_at: Maybe[PendingAt] = None


class MediaBuyRef(Response):
    """A buy by its id and live status."""

    media_buy_id: str
    status: MediaBuyStatus
    pending_at: Maybe[PendingAt] = None
    pending_change: Maybe[MediaBuyRefPendingChange] = None


class PendingText(Response):
    live: Maybe[str] = None
    proposed: Maybe[str] = None


class PendingNumber(Response):
    live: Maybe[Number] = None
    proposed: Maybe[Number] = None


class PendingTexts(Response):
    live: Maybe[list[str]] = None
    proposed: Maybe[list[str]] = None


class MediaBuyDifferences(Response):
    """Only what differs."""

    end_time: Maybe[PendingText] = None
    budget: Maybe[PendingNumber] = None
    creatives: Maybe[PendingTexts] = None


class MediaBuyPendingChange(Response):
    """What was asked of the seller and does not stand yet; everything else that is shown does.

    `proposalId`: under which it can be followed and withdrawn.
    """

    status: MediaBuyStatus
    pending_at: Maybe[PendingAt] = None
    reason: Maybe[str] = None
    differences: MediaBuyDifferences
    proposal_id: Maybe[str] = None


class _State(Response):
    """Where a buy stands: what it waits for, or what went wrong."""

    pending_at: Maybe[PendingAt] = None
    pending_change: Maybe[MediaBuyPendingChange] = None
    pending_reason: Maybe[MediaBuyPendingReason] = None
    pending_since: Maybe[Instant] = None
    error_code: Maybe[BuyerMediaBuyErrorCode] = None
    error_owner: Maybe[MediaBuyErrorOwner] = None
    source_message: Maybe[str] = None
    forwarded_at: Maybe[Instant] = None
    buyer_reference: Maybe[str] = None
    paused_by: Maybe[PausedBy] = None


class BuyerMediaBuy(_State):
    media_buy_id: str
    name: str
    status: MediaBuyStatus
    start_time: Maybe[StartTime] = None
    end_time: Maybe[Instant] = None
    optimization_goals: Maybe[list[Raw]] = None
    created_at: Instant
    updated_at: Instant


class BuyerMediaBuyResponse(Response):
    media_buy: BuyerMediaBuy


class MediaBuyStatusChangeResponse(Response):
    media_buy_id: str
    name: str
    previous_status: MediaBuyStatus
    new_status: MediaBuyStatus
    success: bool
    error: Maybe[str] = None


class BuyerPackageDelivery(Response):
    impressions: Count
    spend: Number
    clicks: Count | None


class BuyerPackage(Response):
    package_id: str
    product_id: str | None
    product_name: Maybe[str] = None
    status: Literal["active", "paused", "canceled"]
    pacing_period: Maybe[PackagePacingPeriod] = None
    start_time: Maybe[Instant] = None
    end_time: Maybe[Instant] = None
    budget: Number | None
    budget_currency: Maybe[str] = None
    pacing: Maybe[str] = None
    delivery: Maybe[BuyerPackageDelivery] = None


class BuyerMediaBuyPackagesResponse(Response):
    media_buy_id: str
    is_paced: bool
    package_count: Count
    packages: list[BuyerPackage]


# ---- inside a campaign


class BudgetBreakdown(Response):
    """The fee split that was locked when the buy was made."""

    model_config = ConfigDict(alias_generator=snake)

    media_budget: Number
    fee_amount: Number
    fee_rate_percent: Number
    effective_gross_cpm: Number | None


class CampaignFormatOption(Response):
    model_config = ConfigDict(alias_generator=snake)

    format_kind: str
    params: FormatParams
    format_option_id: Maybe[str] = None


class CampaignBuyProduct(Response):
    product_id: str
    product_name: Maybe[str] = None
    publisher_name: Maybe[str] = None
    sales_agent_name: Maybe[str] = None
    budget: Maybe[Number] = None
    budget_currency: Maybe[str] = None
    format_options: Maybe[list[CampaignFormatOption]] = None


class FormatId(Response):
    model_config = ConfigDict(alias_generator=snake)

    id: str
    agent_url: str


class SourceSyncStatus(Response):
    agent_id: str
    source_id: str | None
    approval_status: str | None
    rejection_reason: str | None


class CampaignBuyCreative(Response):
    creative_id: str
    name: str
    format_id: FormatId
    status: str
    source_sync_status: list[SourceSyncStatus]
    storefront_review_status: CreativeReviewStatus | None


class CampaignPackage(Response):
    package_id: str
    status: str
    product_ids: list[str]
    budget: Maybe[Number] = None
    budget_currency: Maybe[str] = None
    pacing: Maybe[str] = None
    bid_price: Maybe[Number] = None
    start_time: Maybe[Instant] = None
    end_time: Maybe[Instant] = None
    targeting_overlay: Maybe[TargetingOverlay] = None
    delivery: Maybe[BuyerPackageDelivery] = None
    creatives: Maybe[list[CampaignBuyCreative]] = None


class Performance(Response):
    """What the seller reported so far; `spend` is gross."""

    impressions: Count
    spend: Number
    clicks: Count
    views: Count
    completed_views: Count
    conversions: Count
    leads: Count
    last_updated: Maybe[Instant] = None
    window_start: Maybe[date] = None
    window_end: Maybe[date] = None


class CampaignMediaBuy(_State):
    model_config = ConfigDict(alias_generator=camel_except("budget_denomination", "budget_breakdown"))

    media_buy_id: str
    name: str
    status: MediaBuyStatus
    revision: Maybe[Count] = None
    valid_actions: Maybe[list[str]] = None
    start_time: Maybe[StartTime] = None
    end_time: Maybe[Instant] = None
    budget_denomination: Maybe[Literal["gross"]] = None
    budget_breakdown: Maybe[BudgetBreakdown] = None
    products: Maybe[list[CampaignBuyProduct]] = None
    pacing_periods: Maybe[PacingPeriods] = None
    packages: Maybe[list[CampaignPackage]] = None
    optimization_goals: Maybe[list[Raw]] = None
    performance: Maybe[Performance] = None
    creatives: Maybe[list[CampaignBuyCreative]] = None
    created_at: Instant
    updated_at: Instant


# ---- live status


class PaceShown(Response):
    """Spend beside plan (an extension): gross, in the campaign's currency. `expectedMost` is more than `expectedLeast`
    where a seller may spend as soon as it can."""

    model_config = ConfigDict(alias_generator=snake)

    verdict: Literal["behind", "on", "ahead", "over"]
    budget: Number
    spent: Number
    expected_least: Number
    expected_most: Number


class AdcpStatusEntry(Response):
    model_config = ConfigDict(alias_generator=snake)

    media_buy_id: str
    adcp_media_buy_id: str | None
    internal_status: MediaBuyStatus
    adcp_status: str | None
    operational_status: Literal[
        "not_submitted",
        "pending_creatives",
        "pending_start",
        "active",
        "paused",
        "completed",
        "attention_required",
    ]
    previous_internal_status: MediaBuyStatus
    previous_adcp_status: str | None
    updated: bool
    status_refresh_source: Literal[
        "direct_agent",
        "delegated_adapter",
        "storefront_route_rollup",
        "not_submitted",
        "persisted_terminal",
        "refresh_failed",
    ]
    blockers: list[str]
    pacing: Maybe[PaceShown] = None
    pending_reason: Maybe[MediaBuyPendingReason] = None
    pending_since: Maybe[Instant] = None
    error_code: Maybe[BuyerMediaBuyErrorCode] = None
    error_owner: Maybe[MediaBuyErrorOwner] = None
    source_message: Maybe[str] = None
    forwarded_at: Maybe[Instant] = None
    buyer_reference: Maybe[str] = None


class AdcpStatusError(Response):
    model_config = ConfigDict(alias_generator=snake)

    media_buy_id: str
    error: str
    code: Maybe[str] = None


class AdcpStatusBlocker(Response):
    code: str
    message: str


class GetAdcpStatusOutput(Response):
    model_config = ConfigDict(alias_generator=snake)

    campaign_id: str
    campaign_status: str
    operational_status: Literal[
        "no_media_buys",
        "draft",
        "pending_creatives",
        "pending_start",
        "active",
        "paused",
        "completed",
        "attention_required",
    ]
    media_buys: list[AdcpStatusEntry]
    agents_queried: Count
    errors: list[AdcpStatusError]
    blockers: list[AdcpStatusBlocker]
    pending_creative_reviews: Count
    has_upstream_media_buy: bool
    has_delivery: bool
    pacing: Maybe[PaceShown] = None

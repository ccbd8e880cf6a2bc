"""What a person is told without asking (interchange.md 3.20). Pure: which change of a buy is worth a notification."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from buyside.domain.campaigns import Campaign
from buyside.domain.campaigns import Status as CampaignStatus
from buyside.domain.decisions import Subject
from buyside.domain.ids import NotificationId
from buyside.domain.media_buys import ErrorCode, MediaBuy, PausedBy, Status

LONGEST_PREVIEW = 200


class Severity(StrEnum):
    SUCCESS = "success"
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True)
class Notice:
    """Something to tell. Under one `topic` nothing is told twice while the `state` stays the same."""

    type: str
    """resource.action"""
    severity: Severity
    message: str
    topic: str
    state: str
    quiet_at_first: bool = False
    """The usual state: told only after another one was."""


@dataclass(frozen=True)
class Notification:
    id: NotificationId
    notice: Notice
    subject: Subject
    created_at: datetime
    read_at: datetime | None = None
    acknowledged_at: datetime | None = None

    @property
    def preview(self) -> str:
        text = self.notice.message
        return text if len(text) <= LONGEST_PREVIEW else text[: LONGEST_PREVIEW - 1] + "…"


@dataclass(frozen=True)
class Wanted:
    """Which notifications; None: any."""

    unread: bool = False
    types: tuple[str, ...] = ()
    severity: Severity | None = None
    advertiser_id: int | None = None
    campaign_id: str | None = None
    creative_id: str | None = None


def of_change(before: MediaBuy, after: MediaBuy, action: str) -> Notice | None:
    """What a change of a buy is told as, if it is."""
    said = after.trouble.message if after.trouble else ""
    attempt = str(before.forwarded_at)
    if after.paused_by is PausedBy.GUARD and before.paused_by is not PausedBy.GUARD:
        return _error("media_buy.guarded", after, said, said)
    if action == "media_buy.refused":
        by_seller = after.trouble is not None and after.trouble.code is ErrorCode.SOURCE_REJECTED
        kind = "media_buy.source_rejected" if by_seller else "media_buy.forward_failed"
        return _error(kind, after, f"It was not placed: {said}", attempt)
    if action == "media_buy.unanswered":
        return _notice(
            "media_buy.stuck", Severity.WARNING, after, f"Nobody knows yet whether it is placed: {said}", attempt
        )
    if action == "media_buy.revived":
        message = f"Its seller called it {before.status.value}, and shows it {after.status.value} again."
        return _notice("media_buy.updated", Severity.WARNING, after, message, str(before.over_at))
    if after.status is before.status:
        return None
    if after.status is Status.REJECTED:
        return _error("media_buy.source_rejected", after, said or "The seller declined it.", attempt)
    if after.status is Status.FAILED:
        return _error("media_buy.forward_failed", after, said or "It failed at the seller.", attempt)
    if after.doubted_until is not None:
        message = f"Its seller calls it {after.status.value} before its end. It is looked at again."
        return _notice("media_buy.updated", Severity.WARNING, after, message, str(after.over_at))
    return None


def pause_refused(buy: MediaBuy, message: str) -> Notice:
    """It serves and must not, and its seller does not stop it (ruling 0.2)."""
    return _error(
        "media_buy.pause_refused", buy, f"It must not run, and its seller does not pause it: {message}", message
    )


def campaign_over(campaign: Campaign, why: str) -> Notice:
    kind = f"campaign.{campaign.status.value.lower()}"
    severity = Severity.SUCCESS if campaign.status is CampaignStatus.COMPLETED else Severity.WARNING
    return Notice(kind, severity, f"{campaign.spec.name}: {why}.", f"{kind}:{campaign.id}", campaign.status.value)


def _error(kind: str, buy: MediaBuy, message: str, state: str) -> Notice:
    return _notice(kind, Severity.ERROR, buy, message, state)


def _notice(kind: str, severity: Severity, buy: MediaBuy, message: str, state: str) -> Notice:
    return Notice(kind, severity, f"{buy.name}: {message}", f"{kind}:{buy.id}", state[:255])

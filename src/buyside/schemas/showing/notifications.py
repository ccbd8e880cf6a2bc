from __future__ import annotations

from buyside.domain.decisions import Subject
from buyside.domain.ids import NotificationId
from buyside.domain.notifications import Notification
from buyside.schemas import notifications as wire
from buyside.services.notifications import Page


def page(found: Page) -> wire.NotificationListResponse:
    return wire.NotificationListResponse(
        notifications=[_one(each) for each in found.notifications],
        total_count=found.total,
        unread_count=found.unread,
        has_more=found.has_more,
    )


def _one(each: Notification) -> wire.Notification:
    return wire.Notification(
        id=each.id,
        type=each.notice.type,
        status=each.notice.severity.value,
        read=each.read_at is not None,
        acknowledged=each.acknowledged_at is not None,
        message_preview=each.preview,
        action_url=_address(each.subject),
        created_at=each.created_at,
    )


def _address(subject: Subject) -> str | None:
    """Where to look, below the buyer base."""
    if subject.media_buy_id is not None:
        return f"/media-buys/{subject.media_buy_id}"
    return f"/campaigns/{subject.campaign_id}" if subject.campaign_id is not None else None


def done(which: NotificationId) -> wire.NotificationActionResponse:
    return wire.NotificationActionResponse(success=True, notification_id=which)

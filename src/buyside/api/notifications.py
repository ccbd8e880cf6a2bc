"""Notifications over REST."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query

from buyside.api.envelope import Reply, reply
from buyside.api.paging import NotificationPage
from buyside.api.requests import NotificationPath, Signed, Words, router
from buyside.domain.notifications import Severity, Wanted
from buyside.schemas import notifications as wire
from buyside.schemas.showing import notifications as show
from buyside.services import notifications

routes = router("Notifications")

Advertiser = Annotated[str | None, Query(alias="brandAgentId", pattern=r"^[0-9]{1,15}$")]
Id = Annotated[str | None, Query(min_length=1, max_length=255)]


async def wanted(
    unread: Annotated[bool, Query(alias="unreadOnly")] = False,
    advertiser_id: Advertiser = None,
    types: Annotated[list[str] | None, Words, Query(description="Such as `campaign.completed`.")] = None,
    campaign_id: Annotated[Id, Query(alias="campaignId")] = None,
    creative_id: Annotated[Id, Query(alias="creativeId")] = None,
    status: wire.Severity | None = None,
) -> Wanted:
    severity = Severity(status) if status else None
    owner = int(advertiser_id) if advertiser_id else None
    return Wanted(unread, tuple(types or ()), severity, owner, campaign_id, creative_id)


Which = Annotated[Wanted, Depends(wanted)]


@routes.get("/notifications", operation_id="listNotifications", response_model=wire.NotificationListResponse)
async def list_notifications(work: Signed, which: Which, part: NotificationPage) -> Reply:
    """What happened that somebody should know of, newest first."""
    return reply(show.page(await notifications.page(work, which, limit=part.take, offset=part.skip)))


@routes.post(
    "/notifications/read-all",
    operation_id="readAllNotifications",
    response_model=wire.ReadAllNotificationsResponse,
)
async def read_all_notifications(work: Signed, body: wire.ReadAllNotificationsBody | None = None) -> Reply:
    """Mark all notifications as read, or those of one advertiser."""
    await notifications.read_all(work, body.brand_agent_id if body else None)
    return reply(wire.ReadAllNotificationsResponse(success=True))


@routes.post(
    "/notifications/{notificationId}/read",
    operation_id="readNotification",
    response_model=wire.NotificationActionResponse,
)
async def read_notification(work: Signed, which: NotificationPath) -> Reply:
    """Mark a notification as read."""
    await notifications.read(work, which)
    return reply(show.done(which))


@routes.post(
    "/notifications/{notificationId}/acknowledge",
    operation_id="acknowledgeNotification",
    response_model=wire.NotificationActionResponse,
)
async def acknowledge_notification(work: Signed, which: NotificationPath) -> Reply:
    """Mark a notification as seen to; it counts as read too."""
    await notifications.acknowledge(work, which)
    return reply(show.done(which))

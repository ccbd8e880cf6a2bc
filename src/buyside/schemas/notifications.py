"""Notifications: what happened that somebody should know of."""

from __future__ import annotations

from typing import Literal

from buyside.schemas.wire import AdvertiserIdIn, Count, Given, Instant, Request, Response

Severity = Literal["success", "error", "warning", "info"]


class Notification(Response):
    id: str
    type: str
    status: Severity
    read: bool
    acknowledged: bool
    message_preview: str | None
    action_url: str | None
    created_at: Instant


class NotificationListResponse(Response):
    notifications: list[Notification]
    total_count: Count
    unread_count: Count
    has_more: bool


class NotificationActionResponse(Response):
    success: Literal[True]
    notification_id: str


class ReadAllNotificationsBody(Request):
    brand_agent_id: Given[AdvertiserIdIn] = None


class ReadAllNotificationsResponse(Response):
    success: Literal[True]

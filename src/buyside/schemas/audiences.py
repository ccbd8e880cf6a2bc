"""Audiences on a campaign."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from buyside.schemas.wire import Given, Instant, Request, Response, Word

AudienceIds = Annotated[list[Word], Field(max_length=100)]


class NewAudienceConfig(Request):
    """Who is to see the ads, and who is not."""

    target_audience_ids: Given[AudienceIds] = None
    suppress_audience_ids: Given[AudienceIds] = None


class AudienceConfig(NewAudienceConfig):
    """Added to what is set; with `deleteMissing` in its place, and a list that is left out is empty then."""

    delete_missing: Given[bool] = None


class CampaignAudience(Response):
    audience_id: str
    name: str | None
    status: Literal["PROCESSING", "ERROR", "READY", "TOO_SMALL"]
    type: Literal["TARGET", "SUPPRESS"]
    enabled_at: Instant

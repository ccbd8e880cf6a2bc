"""Stops: everything in a scope kept from spending until the stop is undone (an extension)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from buyside.schemas.wire import AdvertiserIdIn, Count, Given, Instant, Maybe, Request, Response, StorefrontIdIn

Reason = Annotated[str, Field(min_length=1, max_length=1000, pattern=r"\S")]


class MakeStopBody(Request):
    """Without `advertiserId` and `storefrontId` the whole account is stopped; with both, only where both hold."""

    advertiser_id: Given[AdvertiserIdIn] = None
    storefront_id: Given[StorefrontIdIn] = None
    reason: Reason


class UndoStopBody(Request):
    reason: Given[Reason] = None


class StopLine(Response):
    media_buy_id: str
    message: str


class StopSummary(Response):
    """`status`: `standing` until it is undone."""

    stop_id: str
    status: Literal["standing", "undone"]
    advertiser_id: Maybe[str] = None
    storefront_id: Maybe[str] = None
    reason: str
    made_by: str
    created_at: Instant
    undone_by: Maybe[str] = None
    undone_at: Maybe[Instant] = None


class StopResponse(StopSummary):
    """How the media buys in its scope stand now.

    While it stands: `paused` by it, `held`: they wait and will not begin; `refused`: they may still spend.
    Once undone: `resumed`; `kept` paused for another reason; `refused`: they should run again and do not yet.
    """

    paused: list[str]
    held: list[str]
    resumed: list[str]
    kept: list[StopLine]
    refused: list[StopLine]


class StopListResponse(Response):
    stops: list[StopSummary]
    total: Count
    has_more: bool
    next_cursor: Maybe[str] = None

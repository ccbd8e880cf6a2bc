"""Property lists as a campaign's packages carry them."""

from __future__ import annotations

from typing import Literal

from buyside.schemas.wire import Count, Instant, Response


class ViaMediaBuy(Response):
    media_buy_id: str
    package_ids: list[str]


class CampaignPropertyList(Response):
    """A list that this server does not keep is named by its id, and its properties are not counted."""

    list_id: str
    name: str
    purpose: Literal["include", "exclude"]
    property_count: Count
    created_at: Instant
    updated_at: Instant
    via_media_buys: list[ViaMediaBuy]


class PropertyListSummary(Response):
    total_lists: Count
    include_count: Count
    exclude_count: Count


class AppliedPropertyLists(Response):
    """No list at all is an answer too: nothing limits where the ads run."""

    property_lists: list[CampaignPropertyList]
    summary: PropertyListSummary


class CampaignPropertyListsResponse(AppliedPropertyLists):
    campaign_id: str

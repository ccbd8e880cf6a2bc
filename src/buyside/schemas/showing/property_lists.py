from __future__ import annotations

from collections.abc import Sequence

from buyside.domain.property_lists import Applied
from buyside.schemas import property_lists as wire


def applied(lists: Sequence[Applied]) -> wire.AppliedPropertyLists:
    return wire.AppliedPropertyLists(property_lists=[_one(each) for each in lists], summary=_summary(lists))


def of_campaign(campaign_id: str, lists: Sequence[Applied]) -> wire.CampaignPropertyListsResponse:
    return wire.CampaignPropertyListsResponse(
        campaign_id=campaign_id, property_lists=[_one(each) for each in lists], summary=_summary(lists)
    )


def _summary(lists: Sequence[Applied]) -> wire.PropertyListSummary:
    return wire.PropertyListSummary(total_lists=len(lists), include_count=len(lists), exclude_count=0)


def _one(each: Applied) -> wire.CampaignPropertyList:
    return wire.CampaignPropertyList(
        list_id=each.list_id,
        name=each.list_id,
        purpose="include",
        property_count=0,
        created_at=each.since,
        updated_at=each.until,
        via_media_buys=[
            wire.ViaMediaBuy(media_buy_id=buy, package_ids=list(packages)) for buy, packages in each.packages.items()
        ],
    )

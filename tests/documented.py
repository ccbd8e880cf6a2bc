"""Every path that the public documents of the hosted API print in four answers, with the kind of value there.

`s` text, `n` number, `b` true or false. `tests/census.py` counts in which test each of them was seen with a value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

s, n, b = str, float, bool

_VALUES = [{"system": s, "values": [s]}]
_POSTAL = [{"country": s, "system": s, "values": [s]}]
_SPAN = {"interval": n, "unit": s}
_PACING = {"mode": s, "periods": [{"label": s, "start": s, "end": s, "weight": n, "budget": n}]}
_FORMAT = [{"agent_url": s, "id": s}]
_CAP = {
    "max_impressions": n,
    "window": _SPAN,
    "id": s,
    "targetLevel": s,
    "targetId": s,
    "createdAt": s,
    "updatedAt": s,
    "archivedAt": s,
}
_CONSTRAINTS = {
    "geo_countries": [s],
    "geo_countries_exclude": [s],
    "geo_regions": [s],
    "geo_regions_exclude": [s],
    "geo_metros": _VALUES,
    "geo_metros_exclude": _VALUES,
    "geo_postal_areas": _POSTAL,
    "geo_postal_areas_exclude": _POSTAL,
    "language": [s],
    "device_platform": [s],
    "device_type": [s],
    "device_type_exclude": [s],
    "channels": [s],
    "countries": [s],
}
_EVENT_GOAL = {
    "kind": s,
    "eventSources": [{"eventSourceId": s, "eventType": s, "customEventName": s, "valueField": s, "valueFactor": n}],
    "target": {"kind": s, "value": n},
    "attributionWindow": {"postClick": _SPAN, "postView": _SPAN},
    "priority": n,
}
_METRIC_GOAL = {
    "kind": s,
    "metric": s,
    "reach_unit": s,
    "target_frequency": {"window": _SPAN, "min": n, "max": n},
    "view_duration_seconds": n,
    "target": {"kind": s, "value": n},
    "priority": n,
}
_PROPERTY_LISTS = {
    "propertyLists": [
        {
            "listId": s,
            "name": s,
            "purpose": s,
            "propertyCount": n,
            "createdAt": s,
            "updatedAt": s,
            "viaMediaBuys": [{"mediaBuyId": s, "packageIds": [s]}],
        }
    ],
    "summary": {"totalLists": n, "includeCount": n, "excludeCount": n},
}
_PACKAGE = {
    "packageId": s,
    "status": s,
    "productIds": [s],
    "budget": n,
    "budgetCurrency": s,
    "pacing": s,
    "bidPrice": n,
    "delivery": {"impressions": n, "spend": n, "clicks": n},
}
_BUY = {
    "mediaBuyId": s,
    "name": s,
    "status": s,
    "createdAt": s,
    "updatedAt": s,
    "startTime": s,
    "endTime": s,
    "products": [
        {
            "productId": s,
            "productName": s,
            "publisherName": s,
            "salesAgentName": s,
            "budget": n,
            "budgetCurrency": s,
        }
    ],
    "pacingPeriods": _PACING,
    "packages": [_PACKAGE],
    "optimizationGoals": [_METRIC_GOAL],
    "performance": {
        "impressions": n,
        "spend": n,
        "clicks": n,
        "views": n,
        "completedViews": n,
        "conversions": n,
        "leads": n,
        "lastUpdated": s,
    },
}
_OUTPUT = {
    "outputConfigId": s,
    "dataDeliveryType": s,
    "cadence": s,
    "syncWeeklyDay": n,
    "enabled": b,
    "source": s,
    "credentialId": s,
    "credentialName": s,
    "deliveryConfig": {"type": s, "pathPrefix": s, "format": s},
    "createdAt": s,
    "updatedAt": s,
}
CAMPAIGN: Mapping[str, Any] = {
    "campaignId": s,
    "advertiserId": s,
    "name": s,
    "status": s,
    "optimizationApplyMode": s,
    "createdAt": s,
    "updatedAt": s,
    "mediaBuyRefs": [{"mediaBuyId": s, "status": s}],
    "brief": s,
    "flightDates": {"startDate": s, "endDate": s},
    "budget": {"total": n, "currency": s, "dailyCap": n, "pacing": s},
    "mediaBudget": {"total": n, "currency": s},
    "fees": [
        {
            "label": s,
            "amount": n,
            "currency": s,
            "pricingType": s,
            "marginPercent": n,
            "unit": s,
            "unitPrice": n,
        }
    ],
    "allocatedBudget": n,
    "unallocatedBudget": n,
    "pacingPeriods": _PACING,
    "constraints": _CONSTRAINTS,
    "storefronts": [{"id": n, "platformId": s, "name": s}],
    "performanceConfig": {"optimizationGoals": [_EVENT_GOAL]},
    "catalogId": n,
    "discoveryId": s,
    "productCount": n,
    "products": [{"productId": s}],
    "audiences": [{"audienceId": s, "name": s, "status": s, "type": s, "enabledAt": s}],
    "creativeFormats": {"required": _FORMAT, "covered": _FORMAT, "missing": _FORMAT},
    "propertyLists": _PROPERTY_LISTS,
    "mediaBuys": [_BUY],
    "dataDelivery": {"outputs": [_OUTPUT]},
    "frequencyCaps": [_CAP],
}
_FORMAT_ID = {"id": s, "agent_url": s, "width": n, "height": n, "duration_ms": n}
CREATIVE: Mapping[str, Any] = {
    "creative_id": s,
    "name": s,
    "assets": [
        {
            "asset_id": s,
            "name": s,
            "original_filename": s,
            "asset_type": s,
            "content_type": s,
            "file_size": n,
            "public_url": s,
            "asset_source": s,
            "created_at": s,
        }
    ],
    "campaign_id": s,
    "created_at": s,
    "updated_at": s,
    "message": s,
    "brand_domain": s,
    "template_id": s,
    "format_id": _FORMAT_ID,
    "target_format_ids": [_FORMAT_ID],
    "preview_url": s,
    "html_processing": {
        "rewritten_refs": [{"original": s, "cdn_url": s}],
        "unresolved_refs": [s],
        "inserted_macros": [s],
        "processed_html": s,
        "processed_html_url": s,
    },
    "auto_detected_template": {"template_id": s, "template_name": s, "method": s},
    "creative_manifest": dict,
    "sync_status": {"synced": b, "agent_count": n, "last_synced_at": s},
    "tracking": {"supported_macros": [s], "impression_tracker_url": s, "click_tracker_url": s},
    "frequencyCaps": [_CAP],
}
EXECUTED: Mapping[str, Any] = {
    "campaignId": s,
    "success": b,
    "previousStatus": s,
    "newStatus": s,
    "errors": [{"mediaBuyId": s, "salesAgentId": s, "message": s, "debug": {"request": dict, "response": dict}}],
}
ANSWERS: Mapping[str, Mapping[str, Any]] = {
    "executeCampaign": EXECUTED,
    "updateCampaign": {"campaign": CAMPAIGN},
    "getCampaign": {"campaign": CAMPAIGN},
    "createCreativeManifest": CREATIVE,
}
"""Operation to the shape of its success."""
NULL_WHILE_ACTIVE = "archivedAt"
"""The one field whose value is null in every answer: an archived cap is not shown any more."""


def kinds(shape: Any, path: str = "") -> Iterator[tuple[str, type]]:
    """Path to kind, as `mediaBuys[].packages[].budget`."""
    if isinstance(shape, Mapping):
        for name, below in shape.items():
            yield from kinds(below, f"{path}.{name}" if path else name)
    elif isinstance(shape, list):
        yield from kinds(shape[0], f"{path}[]")
    else:
        yield path, shape


def seen(value: Any, shape: Any, path: str = "") -> Iterator[tuple[str, type]]:
    """The documented paths that have a value of their kind in `value`. Raises: AssertionError for another kind."""
    if isinstance(shape, Mapping):
        if value is None:
            return
        assert isinstance(value, dict), f"{path} is {value!r:.80}, not an object"
        for name, below in shape.items():
            if name in value:
                yield from seen(value[name], below, f"{path}.{name}" if path else name)
    elif isinstance(shape, list):
        assert isinstance(value, list), f"{path} is {value!r:.80}, not a list"
        for each in value:
            yield from seen(each, shape[0], f"{path}[]")
    elif value is not None or path.endswith(f".{NULL_WHILE_ACTIVE}"):
        assert value is None or _is(value, shape), f"{path} is {value!r:.80}, not {shape.__name__}"
        yield path, shape


def _is(value: object, kind: type) -> bool:
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, kind)

"""Fields of the contract whose operation works while they do not yet: asking for one is refused, never dropped.

One table per operation. "a.b[].c" is a path in the body, "?x" a query parameter; a path that begins with a body field
of the table covers everything below it. Beside each path stand the values that ask for nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from buyside.domain.errors import NotImplementedYet, dotted

Table = Mapping[str, tuple[object, ...]]

_CAPS: Table = {"frequencyCaps": ([],)}
_ADVERTISER: Table = {
    "saveBrand": (False,),
    "linkedAccounts": ([],),
    "dataDelivery.credentials": ([],),
}

_NO = ("", "false")

UNSUPPORTED: Mapping[str, Table] = {
    "listAdvertisers": {"?linkedAccountPartnerId": ("",)},
    "createAdvertiser": _ADVERTISER,
    "updateAdvertiser": _ADVERTISER,
    "registerSourceCredentials": {"marketplaceAccount": (False,), "auth.privateKey": ()},
    "getReportingMetrics": {"?demo": _NO},
    "getDirectedCampaignDelivery": {"?placementBreakdown": _NO, "?placementLimit": ("",), "?placementSortBy": ("",)},
    "updateCampaign": {
        "mediaBuys[].products[].pageId": (),
        "mediaBuys[].products[].pixelId": (),
        "refresh": (),
    },
    "updateMediaBuy": {"products[].pageId": (), "products[].pixelId": ()},
    "createCreativeManifest": {
        **_CAPS,
        "url_assets": ([],),
        "text_assets": ([],),
        "webhook_asset": (),
        "format_kind": (),
        "format_option_ref": (),
        "industry_identifiers": ([],),
        "assets": ([],),
        "linked_assets": ([],),
        "cards": (),
    },
    "discoverProducts": {"proposalCode": ("",), "screening": (), "evaluation": ()},
    "addProducts": {"products[].pageId": (), "products[].pixelId": ()},
    "getMarketplaceProducts": {
        "brand.brand_id": (),
        "brand.industries": ([],),
        "brand.data_subject_contestation": (),
        "brand.brand_kit_override": (),
        "catalog": (),
        "account": (),
        "preferred_delivery_types": ([],),
        "property_list": (),
        "fields": ([],),
        "time_budget": (),
        "push_notification_config": (),
        "if_wholesale_feed_version": (),
        "if_pricing_version": (),
        "required_policies": ([],),
        "ext.interchange.evaluation": (),
        "ext.interchange.screening": (),
    },
    "createMediaBuysBatch": {
        "selections[].pageId": (),
        "selections[].pixelId": (),
    },
}


def refuse_unsupported(operation_id: str, body: object, query: Mapping[str, Sequence[str]]) -> None:
    """Raises: NotImplementedYet naming the first field that this operation does not support yet."""
    for path, harmless in UNSUPPORTED.get(operation_id, {}).items():
        found = (
            _asked(path[1:], query) if path.startswith("?") else _in_body(body, path.replace("[]", ".[]").split("."))
        )
        for field, value in found:
            if not any(value == each and type(value) is type(each) for each in harmless):
                raise NotImplementedYet(f"{field} is not supported yet.", field=field)


def _asked(name: str, query: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, object]]:
    for value in query.get(name, ()):
        yield name, value


def _in_body(value: object, steps: Sequence[str], walked: tuple[str | int, ...] = ()) -> Iterator[tuple[str, object]]:
    if not steps:
        yield dotted(walked), value
    elif steps[0] == "[]" and isinstance(value, list):
        for index, each in enumerate(value):
            yield from _in_body(each, steps[1:], (*walked, index))
    elif isinstance(value, dict) and steps[0] in value:
        yield from _in_body(value[steps[0]], steps[1:], (*walked, steps[0]))

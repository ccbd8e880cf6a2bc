"""What the seller offers: capabilities, products, formats."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from buyside.sandbox import Doc, codec, proposals
from buyside.sandbox.catalogue import Product
from buyside.sandbox.formats import FORMATS, known
from buyside.sandbox.paging import page
from buyside.sandbox.refusals import Refusal
from buyside.sandbox.seller import REPLAY_TTL_SECONDS, VERSIONS, Request, Seller

_ALWAYS = frozenset(
    {
        "product_id", "name", "description", "publisher_properties", "format_ids", "format_options", "delivery_type",
        "pricing_options", "reporting_capabilities",
    }
)  # fmt: skip


def capabilities(seller: Seller, request: Request) -> Doc:
    """Source: AdCP 3.1, protocol/get-adcp-capabilities-response.json."""
    idempotency: Doc = {"supported": True, "replay_ttl_seconds": REPLAY_TTL_SECONDS, "in_flight_max_seconds": 300}
    if seller.faults.on("no_idempotency"):
        idempotency = {"supported": False}
    versions = {} if seller.faults.on("legacy_status") else {"supported_versions": list(VERSIONS)}
    return {
        "adcp": {"major_versions": [3], **versions, "idempotency": idempotency},
        "supported_protocols": ["media_buy", "creative"],
        "account": {
            "require_operator_auth": False,
            "supported_billing": ["operator", "agent"],
            "required_for_products": False,
            "sandbox": True,
        },
        "media_buy": {
            "supported_pricing_models": ["cpm", "cpc", "cpcv"],
            "buying_modes": ["brief", "wholesale", "refine"],
            "supports_proposals": True,
            "frequency_capping": {
                "supported_per_units": ["devices", "households"],
                "supported_window_units": ["hours", "days", "campaign"],
            },
            "creative_approval_mode": "require_human" if seller.faults.on("creative_review") else "auto_approve",
            "features": {
                "inline_creative_management": True,
                "property_list_filtering": False,
                "catalog_management": False,
                "committed_metrics_supported": False,
            },
            "execution": {"targeting": {"geo_countries": True, "geo_regions": True, "language": True}},
            "portfolio": {
                "publisher_domains": seller.catalogue.domains(),
                "primary_channels": seller.catalogue.channels(),
                "description": f"{seller.name}: a sandbox. Nothing is sold, nothing is spent.",
            },
        },
        # AdCP says which sellers offer a sandbox, not which are nothing else.
        "ext": {"sandbox_only": True},
    }


def _price_kind(product: Product) -> bool:
    return any(not option.auction for option in product.options)


def _by_format(product: Product, refs: Any) -> bool:
    wanted = [known(ref) for ref in refs]
    return any(fmt is not None and product.takes(fmt) for fmt in wanted)


def _by_budget(product: Product, asked: Any) -> bool:
    fits = [option for option in product.options if option.currency == asked.get("currency")]
    most = asked.get("max")
    return bool(fits) and (most is None or any(option.min_spend <= Decimal(most) for option in fits))


_FILTERS: dict[str, Callable[[Product, Any], bool]] = {
    "delivery_type": lambda product, wanted: (
        wanted == ("guaranteed" if product.template.guaranteed else "non_guaranteed")
    ),
    "exclusivity": lambda product, wanted: wanted == "none",
    "is_fixed_price": lambda product, wanted: _price_kind(product) is wanted,
    "pricing_currencies": lambda product, wanted: any(option.currency in wanted for option in product.options),
    "format_ids": _by_format,
    "budget_range": _by_budget,
    "channels": lambda product, wanted: product.template.channel in wanted,
    "required_metrics": lambda product, wanted: (
        set(wanted) <= set(product.doc()["reporting_capabilities"]["available_metrics"])
    ),
}


def _words(text: str) -> set[str]:
    return {word for word in "".join(c if c.isalnum() else " " for c in text.lower()).split() if len(word) > 2}


def _ranked(products: list[Product], brief: str) -> list[tuple[int, Product]]:
    """Those that share words with the brief come first; all are shown, since a brief is a wish and not a filter."""
    wanted = _words(brief)
    scored = [(len(wanted & _words(f"{one.name} {one.template.description} {one.template.channel}")), one)
              for one in products]  # fmt: skip
    return sorted(scored, key=lambda pair: -pair[0])


def _check_mode(arguments: Doc) -> str:
    mode = str(arguments.get("buying_mode") or ("brief" if arguments.get("brief") else "wholesale"))
    wrong = {
        "brief": (not arguments.get("brief"), "brief", "A brief is needed."),
        "wholesale": (bool(arguments.get("brief")), "brief", "Wholesale takes no brief."),
        "refine": (not arguments.get("refine"), "refine", "What is to be refined?"),
    }[mode]
    if wrong[0]:
        raise Refusal("INVALID_REQUEST", wrong[2], field=wrong[1])
    return mode


def products(seller: Seller, request: Request) -> Doc:
    """Source: AdCP 3.1, media-buy/get-products-response.json."""
    arguments = request.arguments
    mode = _check_mode(arguments)
    version = codec.short_hash(seller.name, len(seller.catalogue.products))
    if arguments.get("if_wholesale_feed_version") == version:
        return {"unchanged": True, "wholesale_feed_version": version, "cache_scope": "public", "sandbox": True}
    filters = {name: wanted for name, wanted in (arguments.get("filters") or {}).items() if wanted is not None}
    found = [
        product
        for product in seller.catalogue.products
        if all(_FILTERS[name](product, wanted) for name, wanted in filters.items() if name in _FILTERS)
    ]
    answer: Doc = {"cache_scope": "public", "wholesale_feed_version": version, "sandbox": True}
    offers = [] if mode == "wholesale" else proposals.offered(seller, arguments.get("brief"))
    if mode == "refine":
        found, offers, applied = _refined(seller, found, offers, arguments["refine"])
        answer["refinement_applied"] = applied
    scored = _ranked(found, str(arguments.get("brief") or ""))
    shown, answer["pagination"] = page([_shown(one, score, arguments) for score, one in scored], arguments)
    kept = {product.id for product in found}
    offers = [offer for offer in offers if {row["product_id"] for row in offer["allocations"]} <= kept]
    if offers:
        answer["proposals"] = offers
    if arguments.get("property_list"):
        answer["property_list_applied"] = False
    return {**answer, "products": shown}


def _shown(product: Product, score: int, arguments: Doc) -> Doc:
    doc = product.doc()
    if arguments.get("brief"):
        doc["brief_relevance"] = f"Shares {score} words with the brief." if score else "Not asked for, but available."
    fields = arguments.get("fields")
    return {name: part for name, part in doc.items() if name in _ALWAYS or not fields or name in fields}


def _refined(
    seller: Seller, found: list[Product], offers: list[Doc], asked: list[Doc]
) -> tuple[list[Product], list[Doc], list[Doc]]:
    """Products named to be included are all that is left; `more_like_this` adds what runs on the same channel."""
    chosen: list[str] = []
    gone: set[str] = set()
    applied: list[Doc] = []
    for wish in asked:
        scope, action = wish.get("scope"), wish.get("action") or "include"
        if scope == "request":
            applied.append({"scope": scope, "status": "partial", "notes": "Noted; this seller refines by product."})
            continue
        identity = str(wish.get(f"{scope}_id"))
        ok = seller.catalogue.product(identity) if scope == "product" else _named(offers, identity)
        applied.append({"scope": scope, f"{scope}_id": identity, "status": "applied" if ok else "unable"})
        if action == "omit":
            gone.add(identity)
        elif isinstance(ok, Product):
            chosen.append(identity)
            alike = [one.id for one in found if one.template.channel == ok.template.channel]
            chosen += alike if action == "more_like_this" else []
    kept = [one for one in found if one.id not in gone and (not chosen or one.id in chosen)]
    return kept, [offer for offer in offers if offer["proposal_id"] not in gone], applied


def _named(offers: list[Doc], identity: str) -> Doc | None:
    return next((offer for offer in offers if offer["proposal_id"] == identity), None)


def creative_formats(seller: Seller, request: Request) -> Doc:
    """Source: AdCP 3.1, creative/list-creative-formats-response.json."""
    arguments = request.arguments
    refs, named = arguments.get("format_ids"), str(arguments.get("name_search") or "").lower()
    kinds = arguments.get("asset_types")
    rows = [
        fmt.doc()
        for fmt in FORMATS.values()
        if (refs is None or fmt in [known(ref) for ref in refs])
        and named in fmt.name.lower()
        and (kinds is None or set(kinds) & set(fmt.needs))
    ]
    shown, pagination = page(rows, arguments)
    return {"formats": shown, "pagination": pagination, "sandbox": True}

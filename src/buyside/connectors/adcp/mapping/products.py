"""What a seller offers: get_products, and the product and proposal in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from buyside.connectors.adcp.reading import amount, count, instant, items, mapping, text, texts
from buyside.domain.products import Allocation, Offer, PricingOption, Product, Proposal


def offer(data: Mapping[str, Any]) -> Offer:
    """Products without an id cannot be bought and are left out; unknown formats and models are kept as they came."""
    return Offer(
        products=tuple(one for each in items(data, "products") if (one := product(each)) is not None),
        proposals=tuple(plan for each in items(data, "proposals") if (plan := proposal(each)) is not None),
        incomplete=tuple(items(data, "incomplete")),
        refinement_applied=tuple(items(data, "refinement_applied")),
    )


def product(raw: Mapping[str, Any]) -> Product | None:
    product_id = text(raw, "product_id")
    if product_id is None:
        return None
    return Product(
        product_id=product_id,
        name=text(raw, "name") or product_id,
        description=text(raw, "description"),
        channels=texts(raw, "channels"),
        delivery_type=text(raw, "delivery_type"),
        pricing_options=tuple(
            found for each in items(raw, "pricing_options") if (found := pricing_option(each)) is not None
        ),
        publisher_domains=_domains(raw),
        format_ids=_formats(raw),
        format_options=tuple(items(raw, "format_options")),
        expires_at=instant(raw, "expires_at"),
        brief_relevance=text(raw, "brief_relevance"),
        raw=raw,
    )


_PRICES = ("fixed_price", "floor_price", "rate")


def pricing_option(raw: Mapping[str, Any]) -> PricingOption | None:
    """Older sellers write `rate` with `is_fixed` for what is now fixed_price or floor_price.

    None for one with a price that is no price, such as a negative one: without it it would look like an auction.
    """
    option_id, currency = text(raw, "pricing_option_id"), text(raw, "currency")
    if option_id is None or currency is None:
        return None
    guidance = mapping(raw, "price_guidance")
    if any(raw.get(name) is not None and amount(raw, name) is None for name in _PRICES):
        return None
    older = amount(raw, "rate")
    fixed, floor = amount(raw, "fixed_price"), amount(raw, "floor_price")
    if fixed is None and floor is None:
        floor = amount(guidance, "floor")
        fixed, floor = (None, floor if floor is not None else older) if raw.get("is_fixed") is False else (older, floor)
    return PricingOption(
        pricing_option_id=option_id,
        model=text(raw, "pricing_model") or "unknown",
        currency=currency.upper(),
        fixed_price=fixed,
        floor_price=floor,
        min_spend=amount(raw, "min_spend_per_package"),
        price_guidance=guidance,
    )


def _domains(raw: Mapping[str, Any]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for each in items(raw, "publisher_properties"):
        for domain in (text(each, "publisher_domain"), *texts(each, "publisher_domains")):
            if domain:
                found[domain] = None
    return tuple(found)


def _formats(raw: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """Objects as AdCP 3 has them; a bare string, as older sellers write it, becomes an id without its agent."""
    listed = raw.get("format_ids")
    found: list[Mapping[str, Any]] = []
    for each in listed if isinstance(listed, list) else ():
        if isinstance(each, Mapping):
            found.append(each)
        elif isinstance(each, str):
            found.append({"id": each})
    return tuple(found)


def proposal(raw: Mapping[str, Any]) -> Proposal | None:
    proposal_id = text(raw, "proposal_id")
    if proposal_id is None:
        return None
    return Proposal(
        proposal_id=proposal_id,
        name=text(raw, "name") or proposal_id,
        allocations=tuple(found for each in items(raw, "allocations") if (found := allocation(each)) is not None),
        description=text(raw, "description"),
        expires_at=instant(raw, "expires_at"),
        budget_guidance=mapping(raw, "total_budget_guidance"),
        raw=raw,
    )


def allocation(raw: Mapping[str, Any]) -> Allocation | None:
    product_id, share = text(raw, "product_id"), amount(raw, "allocation_percentage")
    if product_id is None or share is None:
        return None
    return Allocation(
        product_id=product_id,
        percentage=share,
        pricing_option_id=text(raw, "pricing_option_id"),
        rationale=text(raw, "rationale"),
        sequence=count(raw, "sequence"),
        tags=texts(raw, "tags"),
    )

"""A package as it is bought: everything a buyer asks for is checked here, before anything is booked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from buyside.sandbox import Doc, amounts, creatives, formats, pacing, times
from buyside.sandbox.catalogue import PriceOption, Product
from buyside.sandbox.refusals import Refusal
from buyside.sandbox.seller import Request, Seller

_KEPT = ("pacing", "impressions", "targeting_overlay", "optimization_goals", "format_option_refs", "context", "ext")


@dataclass(frozen=True)
class Terms:
    """What all packages of a buy share."""

    start: datetime
    end: datetime
    now: datetime
    currency: str | None = None


def _invalid(text: str, field: str, **details: object) -> Refusal:
    return Refusal("VALIDATION_ERROR", text, field=field, details=details or None)


def chosen(seller: Seller, wanted: Doc, at: str) -> tuple[Product, PriceOption]:
    """Raises: Refusal."""
    product = seller.catalogue.product(wanted["product_id"])
    if product is None:
        text = f"There is no product {wanted['product_id']!r}."
        raise Refusal("PRODUCT_NOT_FOUND", text, field=f"{at}.product_id")
    option = product.option(wanted["pricing_option_id"])
    if option is None:
        known = [option.id for option in product.options]
        text = f"{product.id} has no pricing option {wanted['pricing_option_id']!r}."
        raise _invalid(text, f"{at}.pricing_option_id", pricing_option_ids=known)
    return product, option


def check_budget(option: PriceOption, budget: int, field: str) -> None:
    """Raises: Refusal."""
    least = amounts.minor(option.min_spend, option.currency, field)
    if budget < least or budget == 0:
        minimum = amounts.plain(option.min_spend)
        text = f"The least that can be spent on this package is {minimum} {option.currency}."
        details = {"minimum_budget": minimum, "currency": option.currency}
        raise Refusal("BUDGET_TOO_LOW", text, field=field, details=details)


def bid(option: PriceOption, wanted: Doc, at: str) -> Decimal | None:
    """What is offered in an auction; None where the price is fixed. Raises: Refusal."""
    if not option.auction:
        return None
    if wanted.get("bid_price") is None:
        raise _invalid(f"{option.id} is an auction: a bid is needed.", f"{at}.bid_price")
    offered = amounts.number(wanted["bid_price"], f"{at}.bid_price")
    if offered < option.price:
        floor = amounts.plain(option.price)
        raise _invalid(f"The floor is {floor} {option.currency}.", f"{at}.bid_price", floor_price=floor)
    return offered


def _format_refs(product: Product, wanted: Doc, at: str) -> list[Doc]:
    refs = wanted.get("format_ids") or [fmt.ref for fmt in product.formats]
    for index, ref in enumerate(refs):
        fmt = formats.known(ref)
        if fmt is None or not product.takes(fmt):
            raise _invalid(f"{product.id} does not take this format.", f"{at}.format_ids[{index}]")
    return [{**ref, "agent_url": formats.AGENT_URL} for ref in refs]


def _own_flight(wanted: Doc, terms: Terms, at: str) -> tuple[datetime, datetime]:
    start = times.given(wanted["start_time"], f"{at}.start_time") if wanted.get("start_time") else terms.start
    end = times.given(wanted["end_time"], f"{at}.end_time") if wanted.get("end_time") else terms.end
    if end <= start:
        raise _invalid("A package ends after it starts.", f"{at}.end_time")
    if start < terms.start or end > terms.end:
        raise _invalid("The flight of a package lies within that of its buy.", f"{at}.start_time")
    return start, end


def booked(seller: Seller, request: Request, wanted: Doc, terms: Terms, at: str) -> Doc:
    """The package, not yet live and without creatives. Raises: Refusal."""
    product, option = chosen(seller, wanted, at)
    if terms.currency is not None and option.currency != terms.currency:
        text = f"This buy is in {terms.currency}: a package cannot be in {option.currency}."
        raise _invalid(text, f"{at}.pricing_option_id", currency=terms.currency)
    budget = amounts.minor(wanted["budget"], option.currency, f"{at}.budget")
    check_budget(option, budget, f"{at}.budget")
    offered = bid(option, wanted, at)
    start, end = _own_flight(wanted, terms, at)
    package: Doc = {
        "package_id": seller.new_id("pkg"),
        "product_id": product.id,
        "pricing_option_id": option.id,
        "currency": option.currency,
        "budget": budget,
        "bid": None if offered is None else str(offered),
        "start_time": times.written(start) if wanted.get("start_time") else None,
        "end_time": times.written(end) if wanted.get("end_time") else None,
        "paused": wanted.get("paused") is True and not seller.faults.on("refuse_paused", request.tool),
        "canceled": None,
        "format_ids": _format_refs(product, wanted, at),
        "creative_assignments": [],
        "plans": [],
        "live": [],
        **{name: wanted[name] for name in _KEPT if wanted.get(name) is not None},
    }
    pacing.replan(package, at=terms.now, start=start, end=end)
    return package


def dress(seller: Seller, request: Request, account: Doc, buy: Doc, package: Doc, wanted: Doc, at: str) -> None:
    """Uploads the creatives that came with a package and makes its assignments. Raises: Refusal."""
    for index, creative in enumerate(wanted.get("creatives") or []):
        field = f"{at}.creatives[{index}]"
        row = creatives.save(seller, request, account, creative)
        if row["action"] == "failed":
            raise Refusal("CREATIVE_REJECTED", row["errors"][0]["message"], field=field)
        creatives.assign(seller, buy, package, creative, field)
    for index, assignment in enumerate(wanted.get("creative_assignments") or []):
        creatives.assign(seller, buy, package, assignment, f"{at}.creative_assignments[{index}]")

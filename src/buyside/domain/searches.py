"""What a buyer searches for: said, filled in from the campaign, put to sellers, and held against what they offer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from buyside.domain.campaigns import CampaignSpec
from buyside.domain.flight import Flight
from buyside.domain.ids import StorefrontId
from buyside.domain.money import Money
from buyside.domain.products import PricingOption, Product
from buyside.domain.shelves import Facts
from buyside.domain.storefronts import Seller

# Source: interchange.md 3.12.
DEFAULT_CHANNELS = ("display", "olv", "ctv", "social")
ALIASES = {"video": "olv", "audio": "streaming_audio"}


@dataclass(frozen=True)
class Wish:
    """What a caller said. None: nothing was said of it."""

    brief: str | None = None
    channels: Sequence[str] | None = None
    countries: Sequence[str] | None = None
    budget: Decimal | None = None
    flight: Flight | None = None
    publisher_domain: str | None = None
    pricing_model: str | None = None
    storefront_ids: Sequence[StorefrontId] = ()
    storefront_names: Sequence[str] = ()
    brand_domain: str | None = None
    filters: Mapping[str, Any] = field(default_factory=dict)
    """AdCP product filters beyond the above, passed on to sellers."""


@dataclass(frozen=True)
class Search:
    """What is really searched for. An empty tuple is no limit."""

    currency: str
    brief: str | None = None
    channels: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    budget: Decimal | None = None
    """Major units."""
    flight: Flight | None = None
    publisher_domain: str | None = None
    pricing_model: str | None = None
    storefront_ids: tuple[StorefrontId, ...] = ()
    storefront_names: tuple[str, ...] = ()
    brand_domain: str | None = None
    filters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def mode(self) -> str:
        """AdCP: a brief makes the question; without one the seller shows all that it has."""
        return "brief" if self.brief else "wholesale"


def settled(
    wish: Wish,
    *,
    currency: str,
    campaign: CampaignSpec | None = None,
    before: Search | None = None,
    channels: Sequence[str] = DEFAULT_CHANNELS,
) -> Search:
    """The wish, and where it is silent the campaign, then the search before, then `channels`.

    Raises: Invalid for a budget with more decimals than the currency has.
    """
    if wish.budget is not None:
        Money.of(wish.budget, currency, field="budget")
    known = _of_campaign(campaign)
    pinned = bool(wish.storefront_ids or wish.storefront_names)
    return Search(
        currency=currency,
        brief=_first(wish.brief, known.brief, before and before.brief) or None,
        channels=channel_names(_first(wish.channels, known.channels, before and before.channels, channels) or ()),
        countries=tuple(_first(wish.countries, known.countries, before and before.countries) or ()),
        budget=_first(wish.budget, known.budget, before and before.budget),
        flight=_first(wish.flight, known.flight, before and before.flight),
        publisher_domain=_first(wish.publisher_domain, before and before.publisher_domain),
        pricing_model=_first(wish.pricing_model, before and before.pricing_model),
        storefront_ids=tuple(wish.storefront_ids if pinned else known.storefront_ids),
        storefront_names=tuple(wish.storefront_names),
        brand_domain=_first(wish.brand_domain, before and before.brand_domain),
        filters=wish.filters or (before.filters if before else {}),
    )


def _of_campaign(spec: CampaignSpec | None) -> Wish:
    if spec is None:
        return Wish()
    limits = spec.constraints or {}
    return Wish(
        brief=spec.brief,
        channels=limits.get("channels") or None,
        countries=limits.get("geo_countries") or limits.get("countries") or None,
        budget=spec.budget.total.major,
        flight=spec.flight,
        storefront_ids=spec.storefront_ids,
    )


def _first(*values: Any) -> Any:
    return next((each for each in values if each is not None), None)


def channel_names(words: Iterable[str]) -> tuple[str, ...]:
    """AdCP's names, each once."""
    return tuple(dict.fromkeys(ALIASES.get(word.lower(), word.lower()) for word in words))


def asked_filters(search: Search) -> dict[str, Any]:
    """AdCP product filters. Sellers that do not know one are not sent it; `admits` checks again what comes back."""
    made: dict[str, Any] = dict(search.filters)
    if search.channels:
        made["channels"] = list(search.channels)
    if search.countries:
        made["countries"] = list(search.countries)
    if search.flight is not None:
        made["start_date"] = search.flight.start.astimezone(UTC).date().isoformat()
        made["end_date"] = search.flight.end.astimezone(UTC).date().isoformat()
    if search.budget is not None:
        made.setdefault("budget_range", {"max": search.budget, "currency": search.currency})
    return made


def reaches(search: Search, seller: Seller) -> bool:
    """Whether this seller is to be asked: by number or by part of its name; nothing named, every one."""
    return named(search.storefront_ids, search.storefront_names, seller.storefront_id, seller.storefront_name)


def named(ids: Sequence[StorefrontId], names: Sequence[str], storefront_id: StorefrontId, storefront_name: str) -> bool:
    wanted = [name.casefold() for name in names if name.strip()]
    if not ids and not wanted:
        return True
    return storefront_id in ids or any(name.strip() in storefront_name.casefold() for name in wanted)


def has_labels(domain: str, wanted: str) -> bool:
    """Whether whole labels of the domain are what is wanted: "hulu" is in www.hulu.com, and not in xhulu.com."""
    return f".{wanted.strip().strip('.').lower()}." in f".{domain.strip('.').lower()}."


def admits(search: Search, product: Product) -> bool:
    """Whether an offered product is one that was asked for. What it is silent about does not speak against it."""
    return (
        _on_channel(search, product)
        and (search.publisher_domain is None or _of_publisher(product.publisher_domains, search.publisher_domain))
        and (search.pricing_model is None or any(o.model == search.pricing_model for o in product.pricing_options))
        and _affordable(search, product.pricing_options)
        and _as_filtered(search.filters, product)
    )


def _on_channel(search: Search, product: Product) -> bool:
    return not search.channels or not product.channels or bool({*channel_names(product.channels)} & {*search.channels})


def _of_publisher(domains: Sequence[str], wanted: str) -> bool:
    return any(has_labels(domain, wanted) for domain in domains)


def _affordable(search: Search, options: Sequence[PricingOption]) -> bool:
    """Unless each of its prices has a minimum above the budget."""
    budget = search.budget
    return budget is None or not options or any(_within(budget, search.currency, each) for each in options)


def _within(budget: Decimal, currency: str, option: PricingOption) -> bool:
    return option.min_spend is None or option.currency != currency or option.min_spend <= budget


def _as_filtered(filters: Mapping[str, Any], product: Product) -> bool:
    delivery, fixed = filters.get("delivery_type"), filters.get("is_fixed_price")
    currencies, budget = filters.get("pricing_currencies"), filters.get("budget_range")
    if delivery is not None and product.delivery_type not in (None, delivery):
        return False
    if fixed is not None and product.pricing_options and all(o.is_fixed is not fixed for o in product.pricing_options):
        return False
    if budget and budget.get("max") is not None and product.pricing_options:
        most = Decimal(str(budget["max"]))
        if not any(_within(most, budget["currency"], each) for each in product.pricing_options):
            return False
    return not currencies or any(o.currency in currencies for o in product.pricing_options)


@dataclass(frozen=True)
class Narrowing:
    """What a reader of a finished search wants to see of it."""

    publisher_domain: str | None = None
    pricing_model: str | None = None
    storefront_ids: tuple[StorefrontId, ...] = ()
    storefront_names: tuple[str, ...] = ()

    @property
    def by_product(self) -> bool:
        return self.publisher_domain is not None or self.pricing_model is not None

    def shows(self, each: Facts) -> bool:
        domain = self.publisher_domain
        return (domain is None or _of_publisher(each.domains, domain)) and (
            self.pricing_model is None or self.pricing_model in each.models
        )


# ---- as the session keeps it


def shown(search: Search) -> dict[str, Any]:
    """In the wire's words, what is empty left out."""
    flight = search.flight
    dates = flight and {"startDate": _moment(flight.start), "endDate": _moment(flight.end)}
    made = {
        "currency": search.currency,
        "brief": search.brief,
        "channels": list(search.channels),
        "countries": list(search.countries),
        "budget": None if search.budget is None else str(search.budget),
        "flightDates": dates,
        "publisherDomain": search.publisher_domain,
        "pricingModel": search.pricing_model,
        "storefrontIds": list(search.storefront_ids),
        "storefrontNames": list(search.storefront_names),
        "brandDomain": search.brand_domain,
        "filters": dict(search.filters),
    }
    return {key: value for key, value in made.items() if value not in (None, [], {})}


def read(request: Mapping[str, Any], currency: str) -> Search:
    dates = request.get("flightDates")
    budget = request.get("budget")
    return Search(
        currency=request.get("currency", currency),
        brief=request.get("brief"),
        channels=tuple(request.get("channels", ())),
        countries=tuple(request.get("countries", ())),
        budget=None if budget is None else Decimal(str(budget)),
        flight=Flight(_read_moment(dates["startDate"]), _read_moment(dates["endDate"])) if dates else None,
        publisher_domain=request.get("publisherDomain"),
        pricing_model=request.get("pricingModel"),
        storefront_ids=tuple(StorefrontId(each) for each in request.get("storefrontIds", ())),
        storefront_names=tuple(request.get("storefrontNames", ())),
        brand_domain=request.get("brandDomain"),
        filters=request.get("filters", {}),
    )


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _read_moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))

"""Edits inside a buy: of the packages that its seller holds, and before that of the products it is to be made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from buyside.domain.amendments import PackageTerms
from buyside.domain.errors import BuysideError, CurrencyMismatch, Invalid, Path, dotted
from buyside.domain.ids import AgentId
from buyside.domain.media_buys import MediaBuy, Package
from buyside.domain.money import RATE_DECIMALS, Money
from buyside.domain.products import Product


@dataclass(frozen=True)
class Bid:
    """A price to offer; None takes the offer back."""

    price: Decimal | None


@dataclass(frozen=True)
class PackageEdit:
    """Amounts in major units, gross. None means: leave alone."""

    package_id: str
    budget: Decimal | None = None
    pacing: str | None = None
    bid: Bid | None = None
    start: datetime | None = None
    end: datetime | None = None
    include: tuple[str, ...] = ()
    """Audiences to add to those that the package targets."""
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True)
class ProductEdit:
    """Amounts in major units, gross. None means: leave alone."""

    product_id: str
    pricing_option_id: str | None = None
    budget: Decimal | None = None
    pacing: str | None = None
    bid: Bid | None = None
    remove: bool = False


@dataclass
class Findings:
    """What is wrong with one entry of a request, and what is only worth saying. `at`: where the entry stands."""

    at: Path
    errors: list[BuysideError] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def refuse(self, message: str, *at: str | int) -> None:
        self.errors.append(Invalid(message, field=self.where(*at)))

    def where(self, *at: str | int) -> str | None:
        return dotted((*self.at, *at)) or None

    def amount(self, value: Decimal, currency: str, *at: str | int) -> Money | None:
        try:
            return Money.of(value, currency, field=self.where(*at))
        except Invalid as wrong:
            self.errors.append(wrong)
            return None


# ---- packages


def packages(found: Findings, buy: MediaBuy, edits: Sequence[PackageEdit]) -> list[PackageTerms]:
    """What the packages are to become; without what is so already."""
    if edits and not any(p.package_id is not None for p in buy.packages):
        found.refuse(f"Media buy {buy.id} has no packages before its seller booked it: edit its products.", "packages")
        return []
    made = [_package(found, buy, edit, index) for index, edit in enumerate(edits)]
    for index, edit in enumerate(edits):
        if any(edit.package_id == other.package_id for other in edits[:index]):
            found.refuse(f"Package {edit.package_id} stands here twice.", "packages", index, "packageId")
    return [terms for terms in made if terms is not None]


def _package(found: Findings, buy: MediaBuy, edit: PackageEdit, index: int) -> PackageTerms | None:
    package = next((p for p in buy.packages if p.package_id == edit.package_id), None)
    if package is None:
        found.refuse(f"Media buy {buy.id} has no package {edit.package_id}.", "packages", index, "packageId")
        return None
    if package.is_canceled:
        found.refuse(f"Package {edit.package_id} is canceled.", "packages", index, "packageId")
        return None
    at = ("packages", index)
    budget = None if edit.budget is None else found.amount(edit.budget, buy.currency, *at, "budget")
    bid = _bid(found, package, edit.bid, *at)
    targeting = _merged(package.targeting, edit)
    return PackageTerms(
        package.ref,
        budget=budget if budget != package.budget else None,
        bid=bid if bid != package.bid else None,
        pacing=edit.pacing if edit.pacing != package.pacing else None,
        targeting=targeting if targeting != package.targeting else None,
        start=edit.start if edit.start != package.start else None,
        end=edit.end if edit.end != package.end else None,
    )


def _bid(found: Findings, package: Package, bid: Bid | None, *at: str | int) -> Decimal | None:
    """The offer to make; None where there is nothing to change."""
    if bid is None:
        return None
    name = package.product_name or package.product_id
    if package.bid is None:
        if bid.price is not None:
            found.warnings.append(f"{name} is sold at a fixed price: the bid was not needed and not kept.")
        return None
    if bid.price is None:
        found.refuse(f"{name} is sold in an auction: it needs a bid.", *at, "bidPrice")
    elif bid.price <= 0 or bid.price != round(bid.price, RATE_DECIMALS):
        found.refuse(f"A price is above zero and has at most {RATE_DECIMALS} decimals.", *at, "bidPrice")
    elif package.price is not None and bid.price < package.price:
        found.refuse(f"The seller takes no bid below {package.price}.", *at, "bidPrice")
    else:
        return bid.price
    return None


def _merged(targeting: Mapping[str, Any], edit: PackageEdit) -> Mapping[str, Any]:
    made = dict(targeting)
    for key, more in (("audience_include", edit.include), ("audience_exclude", edit.exclude)):
        if more:
            made[key] = list(dict.fromkeys([*made.get(key, ()), *more]))
    return made


# ---- products

Offers = Mapping[tuple[AgentId, str], Product]


def products(
    found: Findings, offers: Offers, buy: MediaBuy, edits: Sequence[ProductEdit]
) -> tuple[tuple[Package, ...], tuple[str, ...]]:
    """The packages of a DRAFT buy after the edits, and the products that are gone."""
    kept: list[Package] = list(buy.packages)
    for index, edit in enumerate(edits):
        mine = [p for p in kept if p.product_id == edit.product_id]
        if any(edit.product_id == other.product_id for other in edits[:index]):
            found.refuse(f"Product {edit.product_id} stands here twice.", "products", index, "productId")
        elif not mine:
            found.refuse(f"Product {edit.product_id} is not on this media buy.", "products", index, "productId")
        else:
            after = [] if edit.remove else _product(found, offers, buy, mine, edit, index)
            first = kept.index(mine[0])
            kept = [*kept[:first], *after, *(p for p in kept[first:] if p not in mine)]
    if not kept:
        found.refuse("Nothing would be left of the media buy: delete it instead.", "products")
    return tuple(kept), tuple(edit.product_id for edit in edits if edit.remove)


def _product(
    found: Findings, offers: Offers, buy: MediaBuy, mine: Sequence[Package], edit: ProductEdit, index: int
) -> list[Package]:
    """The packages of one product; a budget is shared among them as the old one was."""
    at = ("products", index)
    whole = None if edit.budget is None else found.amount(edit.budget, buy.currency, *at, "budget")
    shares = whole.split([p.budget.minor for p in mine]) if whole is not None else [p.budget for p in mine]
    made = []
    for package, budget in zip(mine, shares, strict=True):
        priced = _priced(found, offers, buy, package, edit, *at)
        bid = _bid(found, priced, edit.bid, *at)
        made.append(
            replace(priced, budget=budget, pacing=edit.pacing or package.pacing, bid=priced.bid if bid is None else bid)
        )
    return made


def _priced(
    found: Findings, offers: Offers, buy: MediaBuy, package: Package, edit: ProductEdit, *at: str | int
) -> Package:
    """The package at the pricing option that is asked for."""
    if edit.pricing_option_id is None or edit.pricing_option_id == package.pricing_option_id:
        return package
    product = offers.get((buy.agent_id, package.product_id))
    option = product.option(edit.pricing_option_id) if product else None
    if option is None:
        found.refuse(f"{package.product_id} is not offered with this pricing option.", *at, "pricingOptionId")
        return package
    if option.currency != buy.currency:
        said = f"Pricing option {option.pricing_option_id} is in {option.currency}, the media buy in {buy.currency}."
        found.errors.append(CurrencyMismatch(said, field=found.where(*at, "pricingOptionId")))
        return package
    offered = edit.bid.price if edit.bid else package.bid
    if not option.is_fixed and offered is None:
        found.refuse("This pricing option is an auction: it needs a bid.", *at, "bidPrice")
    return replace(
        package,
        pricing_option_id=option.pricing_option_id,
        pricing_model=option.model,
        price=option.rate,
        min_spend=option.min_spend,
        bid=None if option.is_fixed else offered or option.rate,
    )

"""What a change makes of a buy: applied, told to its seller, and looked for in what the seller shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from buyside.domain import constraints, settling
from buyside.domain.amendments import Change, PackageTerms
from buyside.domain.campaigns import Campaign
from buyside.domain.media_buys import Action, MediaBuy, Package
from buyside.domain.money import Money
from buyside.domain.orders import AccountRef, BuyChange, ObservedBuy, ObservedPackage, PackageChange


def applied(buy: MediaBuy, change: Change) -> MediaBuy:
    """The buy as the change wants it, with nothing left to wait for."""
    after = replace(
        buy,
        packages=tuple(_applied(package, change.terms(package.ref)) for package in buy.packages),
        start=change.start.at if change.start else buy.start,
        end=change.end or buy.end,
        goals=buy.goals if change.goals is None else change.goals,
        creative_ids=buy.creative_ids if change.creative_ids is None else change.creative_ids,
        change=None,
    )
    return replace(after.then(Action.CANCEL), pending=None) if change.canceled and after.may(Action.CANCEL) else after


def _applied(package: Package, terms: PackageTerms | None) -> Package:
    if terms is None:
        return package
    return replace(
        package,
        budget=terms.budget or package.budget,
        bid=package.bid if terms.bid is None else terms.bid,
        pacing=terms.pacing or package.pacing,
        targeting=package.targeting if terms.targeting is None else terms.targeting,
        start=terms.start or package.start,
        end=terms.end or package.end,
        status="canceled" if terms.canceled else package.status,
        creative_ids=package.creative_ids if terms.creative_ids is None else terms.creative_ids,
    )


def proposed(buy: MediaBuy) -> Iterator[MediaBuy]:
    """What the buy may yet become: by the change that is under way, and by one that it has overtaken."""
    change = buy.change
    while change is not None:
        yield applied(buy, change)
        change = change.behind


def order(campaign: Campaign, buy: MediaBuy, change: Change, account: AccountRef) -> BuyChange:
    """The change as its seller is asked for it: the media part of amounts, targeting and goals whole."""
    assert buy.seller_buy_id is not None
    asked = [_asked(campaign, buy, package, change) for package in buy.packages if not package.is_canceled]
    return BuyChange(
        buy.seller_buy_id,
        account,
        buy.seller_revision,
        canceled=True if change.canceled else None,
        reason=change.reason,
        start=change.start.at if change.start else None,
        asap=change.start is not None and change.start.at is None,
        end=change.end,
        packages=() if change.canceled else tuple(each for each in asked if each is not None),
    )


def _asked(campaign: Campaign, buy: MediaBuy, package: Package, change: Change) -> PackageChange | None:
    terms = change.terms(package.ref) or PackageTerms(package.ref)
    if package.package_id is None or (terms.is_empty and change.goals is None):
        return None
    if terms.canceled:
        return PackageChange(package.package_id, canceled=True)
    targeting = terms.targeting
    return PackageChange(
        package.package_id,
        budget=None if terms.budget is None else buy.media_part(terms.budget),
        bid=terms.bid,
        pacing=terms.pacing,
        start=terms.start,
        end=terms.end,
        targeting=None
        if targeting is None
        else constraints.overlay(campaign.spec.constraints, targeting, package.frequency_cap),
        optimization_goals=change.goals,
        creative_ids=terms.creative_ids,
    )


def holds(buy: MediaBuy, change: Change, observed: ObservedBuy) -> bool | None:
    """Whether the seller holds what was asked; None when nothing that it shows tells."""
    said = [each for each in _told(buy, change, observed) if each is not None]
    if said:
        return all(said)
    if observed.revision is None or change.revision is None:
        return None
    return observed.revision != change.revision


def _told(buy: MediaBuy, change: Change, observed: ObservedBuy) -> Iterator[bool | None]:
    if change.canceled:
        yield None if observed.status is None else observed.status in {"canceled", "cancelled"}
    if change.end is not None:
        yield None if observed.end is None else not settling.apart(observed.end, change.end)
    if change.start is not None and change.start.at is not None:
        yield None if observed.start is None else not settling.apart(observed.start, change.start.at)
    for package in buy.packages:
        terms, their = change.terms(package.ref), settling.counterpart(package, buy.packages, observed.packages)
        if terms is not None and their is not None:
            yield from _package_told(buy, terms, their)


def _package_told(buy: MediaBuy, terms: PackageTerms, their: ObservedPackage) -> Iterator[bool | None]:
    if terms.canceled:
        yield their.status == "canceled"
    if terms.budget is not None and their.budget is not None:
        yield Money.rounded(their.budget, buy.currency) == buy.media_part(terms.budget)
    if terms.bid is not None and their.bid is not None:
        yield their.bid == terms.bid
    if terms.creative_ids is not None and (their.creative_ids or not terms.creative_ids):
        yield set(their.creative_ids) == set(terms.creative_ids)


def attached(buy: MediaBuy) -> list[str]:
    """Every creative on the buy's packages, each once."""
    return list(dict.fromkeys(each for package in buy.packages for each in package.creative_ids))


def facts(buy: MediaBuy) -> dict[str, Any]:
    """What a buyer may change of a buy, as the decision log keeps it: flat, so that each value can be put back."""
    made: dict[str, Any] = {
        "status": buy.status.value,
        "name": buy.name,
        "startTime": _moment(buy.start) or "asap",
        "endTime": _moment(buy.end),
        "optimizationGoals": [dict(goal) for goal in buy.goals],
        "creativeIds": None if buy.creative_ids is None else list(buy.creative_ids),
    }
    for package in buy.packages:
        made |= {f"packages.{package.ref}.{name}": value for name, value in _package_facts(package).items()}
    return made


def _package_facts(package: Package) -> Mapping[str, Any]:
    return {
        "productId": package.product_id,
        "pricingOptionId": package.pricing_option_id,
        "budget": str(package.budget),
        "bidPrice": None if package.bid is None else str(package.bid),
        "pacing": package.pacing,
        "startTime": _moment(package.start),
        "endTime": _moment(package.end),
        "targetingOverlay": dict(package.targeting),
        "canceled": package.is_canceled,
    }


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat().replace("+00:00", "Z")

"""Property lists that packages really carry: what a campaign is limited to, read from its media buys (2.11)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from buyside.domain.ids import MediaBuyId
from buyside.domain.media_buys import MediaBuy, Package


@dataclass(frozen=True)
class Applied:
    """A list and the packages that carry it. AdCP's property_list names where ads may run, so each one includes."""

    list_id: str
    packages: Mapping[MediaBuyId, tuple[str, ...]]
    since: datetime
    until: datetime
    """When the first, and the last, of its buys was made or changed."""


def applied(buys: Sequence[MediaBuy]) -> list[Applied]:
    """In the order in which they first appear. A DRAFT buy has no packages yet: nothing is applied by it."""
    found: dict[str, list[tuple[MediaBuy, str]]] = {}
    for buy in buys:
        for list_id, package_id in _carried(buy):
            found.setdefault(list_id, []).append((buy, package_id))
    return [_one(list_id, uses) for list_id, uses in found.items()]


def _carried(buy: MediaBuy) -> Iterator[tuple[str, str]]:
    for package in buy.packages:
        if package.package_id is not None and (list_id := _list_of(package)) is not None:
            yield list_id, package.package_id


def _list_of(package: Package) -> str | None:
    reference = package.targeting.get("property_list")
    named = reference.get("list_id") if isinstance(reference, Mapping) else None
    return named if isinstance(named, str) and named else None


def _one(list_id: str, uses: Sequence[tuple[MediaBuy, str]]) -> Applied:
    packages: dict[MediaBuyId, tuple[str, ...]] = {}
    for buy, package_id in uses:
        packages[buy.id] = (*packages.get(buy.id, ()), package_id)
    return Applied(list_id, packages, min(buy.created_at for buy, _ in uses), max(buy.updated_at for buy, _ in uses))

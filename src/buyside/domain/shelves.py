"""Offers of many products, of which few are looked at: facts at hand for all, a product made when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import NamedTuple, overload

from buyside.domain.products import PricingOption, Product

PER_THOUSAND = "cpm"


class Facts(NamedTuple):
    """What filters, sums and lookups need to know of a product."""

    product_id: str
    models: tuple[str, ...]
    domains: tuple[str, ...]
    cpms: tuple[tuple[str, Decimal], ...]
    """(currency, price per thousand), at most one a currency."""


def facts(product: Product) -> Facts:
    cpms: dict[str, Decimal] = {}
    for option in product.pricing_options:
        if option.model == PER_THOUSAND and option.rate is not None:
            cpms.setdefault(option.currency, option.rate)
    models = dict.fromkeys(option.model for option in product.pricing_options)
    return Facts(product.product_id, tuple(models), product.publisher_domains, tuple(cpms.items()))


def cpm(product: Product, currency: str) -> PricingOption | None:
    """The price per thousand in that currency, else in the first that the seller names."""
    per_thousand = [o for o in product.pricing_options if o.model == PER_THOUSAND and o.rate is not None]
    return next((o for o in per_thousand if o.currency == currency), per_thousand[0] if per_thousand else None)


class Shelf(Sequence[Product]):
    """The products of one offer. `make` gives the one at a position; the facts come from `look` when first needed.

    `names`: the ids alone, where they are cheaper to have than all facts.
    """

    def __init__(
        self,
        length: int,
        look: Callable[[], Sequence[Facts]],
        make: Callable[[int], Product],
        names: Callable[[], Sequence[str]] | None = None,
    ) -> None:
        self._length, self._look, self._make, self._names = length, look, make, names

    @classmethod
    def of(cls, products: Sequence[Product]) -> Shelf:
        if isinstance(products, Shelf):
            return products
        return cls(len(products), lambda: [facts(each) for each in products], lambda position: products[position])

    @cached_property
    def facts(self) -> Sequence[Facts]:
        return self._look()

    @cached_property
    def _positions(self) -> dict[str, int]:
        names = self._names() if self._names else [each.product_id for each in self.facts]
        positions: dict[str, int] = {}
        for position, name in enumerate(names):
            positions.setdefault(name, position)
        return positions

    def find(self, product_id: str) -> Product | None:
        position = self._positions.get(product_id)
        return None if position is None else self._make(position)

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: int) -> Product: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Product]: ...
    def __getitem__(self, index: int | slice) -> Product | Sequence[Product]:
        positions = range(self._length)[index]
        return [self._make(each) for each in positions] if isinstance(positions, range) else self._make(positions)


@dataclass(frozen=True)
class Prices:
    """Prices per thousand in one currency, in major units."""

    low: Decimal
    high: Decimal
    sum: Decimal
    count: int

    def __add__(self, other: Prices) -> Prices:
        return Prices(
            min(self.low, other.low), max(self.high, other.high), self.sum + other.sum, self.count + other.count
        )


@dataclass(frozen=True)
class Tally:
    """How many products there are, of whom, and at what price."""

    products: int = 0
    publishers: tuple[str, ...] = ()
    """Domains, sorted."""
    prices: Mapping[str, Prices] = field(default_factory=dict)
    """By currency."""

    def range(self, currency: str) -> tuple[str, Prices] | None:
        """The prices in that currency; none in it: in the currency that most products are sold in."""
        if not self.prices:
            return None
        chosen = currency if currency in self.prices else max(self.prices, key=lambda each: self.prices[each].count)
        return chosen, self.prices[chosen]


def tally(of: Iterable[Facts]) -> Tally:
    count = 0
    publishers: set[str] = set()
    prices: dict[str, list[Decimal]] = {}
    for each in of:
        count += 1
        publishers.update(each.domains)
        for currency, price in each.cpms:
            prices.setdefault(currency, []).append(price)
    sums = {code: Prices(min(found), max(found), sum(found, Decimal(0)), len(found)) for code, found in prices.items()}
    return Tally(count, tuple(sorted(publishers)), sums)


def together(tallies: Iterable[Tally]) -> Tally:
    count = 0
    publishers: set[str] = set()
    prices: dict[str, Prices] = {}
    for each in tallies:
        count += each.products
        publishers.update(each.publishers)
        for currency, found in each.prices.items():
            prices[currency] = prices[currency] + found if currency in prices else found
    return Tally(count, tuple(sorted(publishers)), prices)

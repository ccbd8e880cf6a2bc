"""An offer as text: one line a product, so that those on a page are read and the thousands beside them are not."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

from buyside.domain.products import PricingOption, Product
from buyside.domain.shelves import Facts, Shelf
from buyside.store import codec


class Offered(NamedTuple):
    """Both of a seller's columns. `facts` has one entry a product, in the order of the lines of `products`."""

    facts: str
    products: str


NOTHING = Offered("[]", "")


def written(products: Sequence[Product]) -> Offered:
    """Pure, and slow for thousands of products: for a thread of its own, before a transaction begins."""
    shelf = Shelf.of(products)
    return Offered(json.dumps(shelf.facts, default=str), "\n".join(line(each) for each in shelf))


def read(stored: Offered, length: int) -> Shelf:
    @cache
    def rows() -> list[list[Any]]:
        found: list[list[Any]] = json.loads(stored.facts)
        return found

    def look() -> list[Facts]:
        return [_facts(each) for each in rows()]

    def names() -> list[str]:
        return [each[0] for each in rows()]

    @cache
    def begins() -> list[int]:
        return [0, *(found.end() for found in re.finditer("\n", stored.products)), len(stored.products) + 1]

    @cache
    def make(position: int) -> Product:
        return parsed(stored.products[begins()[position] : begins()[position + 1] - 1])

    return Shelf(length, look, make, names)


def _facts(stored: list[Any]) -> Facts:
    product_id, models, domains, cpms = stored
    return Facts(product_id, tuple(models), tuple(domains), tuple((code, Decimal(price)) for code, price in cpms))


def line(product: Product) -> str:
    # json.dumps of plain dicts is several times as fast as a walk through the seller's JSON in Python.
    fields = {**vars(product), "pricing_options": [_option(each) for each in product.pricing_options]}
    if product.expires_at is not None:
        fields["expires_at"] = product.expires_at.isoformat()
    return json.dumps(fields, default=_plain, separators=(",", ":"))


def parsed(text: str) -> Product:
    product: Product = codec.load(Product, text)
    return product


def _option(option: PricingOption) -> dict[str, Any]:
    prices = {name: str(value) for name, value in vars(option).items() if isinstance(value, Decimal)}
    return {**vars(option), **prices}


def _plain(value: object) -> object:
    """Inside the seller's own JSON."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not JSON")

"""What a seller says of itself in get_adcp_capabilities, reduced to what a directory shows. Nothing here is checked.

Source: AdCP 3.1.19 protocol/get-adcp-capabilities-response.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from buyside.domain.storefronts import SellerProfile


@dataclass(frozen=True)
class Declared:
    """`reporting` and `offline` are None where the seller is silent; empty elsewhere means the same."""

    publisher_domains: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    description: str | None = None
    policies: str | None = None
    protocols: tuple[str, ...] = ()
    extensions: tuple[str, ...] = ()
    features: Mapping[str, Any] = field(default_factory=dict)
    reporting: tuple[str, ...] | None = None
    offline: tuple[str, ...] | None = None


def declared(profile: SellerProfile | None) -> Declared:
    """Whatever is not of the declared kind is left out: sellers' answers are not always what the schema says."""
    if profile is None:
        return Declared()
    capabilities = profile.capabilities
    buying = _object(capabilities, "media_buy")
    portfolio = _object(buying, "portfolio")
    return Declared(
        publisher_domains=_words(portfolio, "publisher_domains"),
        channels=_words(portfolio, "primary_channels"),
        countries=tuple(c.upper() for c in _words(portfolio, "primary_countries") if len(c) == 2),
        description=_text(portfolio, "description"),
        policies=_text(portfolio, "advertising_policies"),
        protocols=_words(capabilities, "supported_protocols"),
        extensions=_words(capabilities, "extensions_supported"),
        features=_object(buying, "features"),
        reporting=_known(buying, "reporting_delivery_methods", {"webhook", "offline"}),
        offline=_known(buying, "offline_delivery_protocols", {"s3", "gcs", "azure_blob"}),
    )


def together(*lists: Iterable[str]) -> tuple[str, ...]:
    """Each word once, in the order of first mention."""
    return tuple(dict.fromkeys(word for each in lists for word in each))


def _object(of: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = of.get(name)
    return found if isinstance(found, Mapping) else {}


def _text(of: Mapping[str, Any], name: str) -> str | None:
    found = of.get(name)
    return found if isinstance(found, str) and found.strip() else None


def _words(of: Mapping[str, Any], name: str) -> tuple[str, ...]:
    found = of.get(name)
    return together(word for word in found if isinstance(word, str) and word) if isinstance(found, list) else ()


def _known(of: Mapping[str, Any], name: str, words: set[str]) -> tuple[str, ...] | None:
    return tuple(word for word in _words(of, name) if word in words) if name in of else None

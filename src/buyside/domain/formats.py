"""Which creative formats a product takes, as far as they can be told. An unknown one is kept and marked, never lost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from buyside.domain.creatives import same_format
from buyside.domain.products import Product

# Source: AdCP 3.1, core/canonical-format-kind.json.
_KINDS = (
    "image html5 display_tag image_carousel video_hosted video_vast audio_hosted audio_daast sponsored_placement "
    "native_in_feed responsive_creative agent_placement custom"
)
CANONICAL = frozenset(_KINDS.split())


def kinds(product: Product) -> tuple[str, ...]:
    """The canonical kinds that the product names, each once."""
    named = (option.get("format_kind") for option in product.format_options)
    return tuple(dict.fromkeys(kind for kind in named if isinstance(kind, str) and kind in CANONICAL))


def is_resolved(option: Mapping[str, Any]) -> bool:
    kind = option.get("format_kind")
    return isinstance(kind, str) and kind in CANONICAL


def unresolved(product: Product) -> list[Mapping[str, Any]]:
    """Named formats (AdCP 3.0) of which no format option of the product says what they are."""
    explained = [ref for option in product.format_options for ref in _refs(option)]
    return [each for each in product.format_ids if not any(same_format(each, ref) for ref in explained)]


def _refs(option: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    listed = option.get("v1_format_ref")
    return [each for each in listed if isinstance(each, Mapping)] if isinstance(listed, list) else []

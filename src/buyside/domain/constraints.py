"""The campaign's constraints as one package's targeting: includes narrow, excludes add up (interchange.md 2.6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from buyside.domain.errors import Invalid

_NOT_TARGETING = frozenset({"channels", "countries"})
"""What discovery searches by; sellers take geo_countries."""


def overlay(
    constraints: Mapping[str, Any] | None, own: Mapping[str, Any], cap: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """An AdCP targeting_overlay from the campaign's constraints, the package's own targeting and its frequency cap.

    Raises: Invalid where the two leave nothing to serve to.
    """
    made: dict[str, Any] = {k: v for k, v in (constraints or {}).items() if k not in _NOT_TARGETING and v}
    for key, value in own.items():
        made[key] = _joined(key, made[key], value) if key in made else value
    if cap is not None:
        made["frequency_cap"] = dict(cap)
    return made


def _joined(key: str, outer: Any, inner: Any) -> Any:
    if not (isinstance(outer, list) and isinstance(inner, list)):
        return inner
    if key.endswith("_exclude"):
        return outer + [each for each in inner if each not in outer]
    both = [each for each in outer if each in inner]
    if not both:
        # An empty list would read as "no limit".
        raise Invalid(f"The campaign's {key} and the product's own have nothing in common.", field=f"constraints.{key}")
    return both

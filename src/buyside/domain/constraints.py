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


def _areas(outer: list[Any], inner: list[Any], *, adding: bool) -> list[Any]:
    """Metros or postal areas, whose codes count within their system, and for some systems within their country."""
    ours, theirs = _by_system(outer), _by_system(inner)
    if adding:
        systems = dict.fromkeys((*ours, *theirs))
        codes = {s: list(dict.fromkeys((*ours.get(s, ()), *theirs.get(s, ())))) for s in systems}
    else:
        codes = {s: [code for code in ours[s] if code in theirs[s]] for s in ours if s in theirs}
    return [{**dict(system), "values": values} for system, values in codes.items() if values]


def _by_system(areas: list[Any]) -> dict[tuple[tuple[str, Any], ...], list[Any]]:
    found: dict[tuple[tuple[str, Any], ...], list[Any]] = {}
    for area in areas:
        system = tuple((name, area[name]) for name in ("country", "system") if area.get(name) is not None)
        found.setdefault(system, []).extend(area["values"])
    return found


def _joined(key: str, outer: Any, inner: Any) -> Any:
    if not (isinstance(outer, list) and isinstance(inner, list)):
        return inner
    if all(isinstance(each, Mapping) and "values" in each for each in (*outer, *inner)):
        both = _areas(outer, inner, adding=key.endswith("_exclude"))
    elif key.endswith("_exclude"):
        both = outer + [each for each in inner if each not in outer]
    else:
        both = [each for each in outer if each in inner]
    if not both:
        # An empty list would read as "no limit".
        raise Invalid(f"The campaign's {key} and the product's own have nothing in common.", field=f"constraints.{key}")
    return both

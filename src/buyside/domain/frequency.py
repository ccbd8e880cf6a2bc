"""How often one person may see an ad: caps on an advertiser or a campaign, and the one that a seller is sent.

Caps of all levels hold at once; AdCP takes one for each package, so sellers that can cap are sent the tightest and the
rest is advice (interchange.md 2.7).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from typing import Any

from buyside.domain.flight import Flight
from buyside.domain.storefronts import SellerProfile


class Unit(StrEnum):
    SECONDS = "seconds"
    MINUTES = "minutes"
    HOURS = "hours"
    DAYS = "days"
    CAMPAIGN = "campaign"
    """As long as the campaign lasts, whatever the interval."""


class Level(StrEnum):
    ADVERTISER = "ADVERTISER"
    CAMPAIGN = "CAMPAIGN"
    CREATIVE = "CREATIVE"


@dataclass(frozen=True)
class Cap:
    max_impressions: int
    interval: int
    unit: Unit


@dataclass(frozen=True)
class KeptCap:
    """A cap as it is stored: replaced ones are archived, never deleted."""

    id: int
    level: Level
    target: str
    cap: Cap
    created_at: datetime
    updated_at: datetime
    archived_at: datetime | None = None


_SECONDS = {Unit.SECONDS: 1, Unit.MINUTES: 60, Unit.HOURS: 3600, Unit.DAYS: 86_400}
# AdCP enums/reach-unit.json, the nearest to a person first.
_PER = ("individuals", "households", "accounts", "devices", "cookies", "custom")


def seconds(cap: Cap, flight: Flight) -> int:
    if cap.unit is Unit.CAMPAIGN:
        return max(1, int((flight.end - flight.start).total_seconds()))
    return cap.interval * _SECONDS[cap.unit]


def tightest(caps: Iterable[Cap], flight: Flight) -> list[Cap]:
    """The one that lets the fewest impressions through over time first."""
    return sorted(caps, key=lambda cap: Fraction(cap.max_impressions, seconds(cap, flight)))


def declared(profile: SellerProfile | None) -> Mapping[str, Any] | None:
    """What a seller says of capping; None: it does not cap.

    Source: AdCP 3.1.19 get_adcp_capabilities, media_buy.frequency_capping.
    """
    buying = profile.capabilities.get("media_buy") if profile is not None else None
    found = buying.get("frequency_capping") if isinstance(buying, Mapping) else None
    return found if isinstance(found, Mapping) else None


def for_seller(caps: Sequence[Cap], flight: Flight, profile: SellerProfile | None) -> dict[str, Any] | None:
    """AdCP's frequency_cap: the tightest whose window the seller counts in; None where it can keep none of them."""
    able = declared(profile)
    if able is None:
        return None
    units, pers = _words(able, "supported_window_units"), _words(able, "supported_per_units")
    per = next((each for each in _PER if not pers or each in pers), None)
    for cap in tightest(caps, flight):
        window = _window(cap, units)
        if window is not None and per is not None:
            return {"max_impressions": cap.max_impressions, "per": per, "window": window}
    return None


def _words(able: Mapping[str, Any], name: str) -> list[str]:
    found = able.get(name)
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []


def _window(cap: Cap, units: Sequence[str]) -> dict[str, Any] | None:
    """The same span in a unit that the seller knows, its own if possible."""
    if not units or cap.unit.value in units:
        return {"interval": cap.interval, "unit": cap.unit.value}
    if cap.unit is Unit.CAMPAIGN:
        return None
    span = cap.interval * _SECONDS[cap.unit]
    for unit, length in sorted(_SECONDS.items(), key=lambda each: -each[1]):
        if unit.value in units and span % length == 0:
            return {"interval": span // length, "unit": unit.value}
    return None


def tighter(own: Mapping[str, Any], cap: Mapping[str, Any] | None, flight: Flight) -> dict[str, Any] | None:
    """AdCP's frequency_cap for a package with this targeting: the given cap, unless the package's own is tighter. What
    else its own says, such as a pause between two views, stays."""
    if cap is None:
        return None
    mine = own.get("frequency_cap")
    if not isinstance(mine, Mapping):
        return dict(cap)
    theirs, ours = of_adcp(cap), of_adcp(mine)
    keeps = theirs is not None and ours is not None and tightest([ours, theirs], flight)[0] == ours
    return dict(mine) if keeps else {**mine, **cap}


def of_adcp(cap: Mapping[str, Any]) -> Cap | None:
    window, most = cap.get("window"), cap.get("max_impressions")
    if not isinstance(window, Mapping) or not isinstance(most, int):
        return None
    try:
        return Cap(most, int(window["interval"]), Unit(window["unit"]))
    except (KeyError, ValueError, TypeError):
        return None


def facts(caps: Sequence[Cap]) -> list[dict[str, Any]]:
    return [
        {"max_impressions": c.max_impressions, "window": {"interval": c.interval, "unit": c.unit.value}} for c in caps
    ]


def of_facts(written: Sequence[Mapping[str, Any]]) -> tuple[Cap, ...]:
    return tuple(cap for cap in map(of_adcp, written) if cap is not None)

"""The campaign: what the buyer wants (CampaignSpec), and where that stands (Campaign)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from buyside.domain import audiences, data_delivery, frequency, lifecycle, pacing, utm
from buyside.domain.advertisers import ApplyMode
from buyside.domain.audiences import Link
from buyside.domain.errors import CurrencyMismatch, IllegalTransition, Invalid
from buyside.domain.flight import Flight
from buyside.domain.ids import AdvertiserId, CampaignId, DiscoveryId, StorefrontId
from buyside.domain.money import Money
from buyside.domain.pacing import PacingPeriods


class Status(StrEnum):
    DRAFT = "DRAFT"
    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    COMPLETED = "COMPLETED"
    CANCELED = "CANCELED"
    ARCHIVED = "ARCHIVED"


class Action(StrEnum):
    EXECUTE = "execute"
    PAUSE = "pause"
    REACTIVATE = "reactivate"
    COMPLETE = "complete"
    CANCEL = "cancel"
    DELETE = "delete"


# Source: interchange.md 2.2. Execute on a paused campaign submits and does not resume.
TRANSITIONS: dict[tuple[Status, Action], Status] = {
    (Status.DRAFT, Action.EXECUTE): Status.ACTIVE,
    (Status.ACTIVE, Action.EXECUTE): Status.ACTIVE,
    (Status.PAUSED, Action.EXECUTE): Status.PAUSED,
    (Status.ACTIVE, Action.PAUSE): Status.PAUSED,
    (Status.PAUSED, Action.REACTIVATE): Status.ACTIVE,
    (Status.ACTIVE, Action.COMPLETE): Status.COMPLETED,
    (Status.PAUSED, Action.COMPLETE): Status.COMPLETED,
    (Status.ACTIVE, Action.CANCEL): Status.CANCELED,
    (Status.PAUSED, Action.CANCEL): Status.CANCELED,
    **{(status, Action.DELETE): Status.ARCHIVED for status in Status},
}
LISTED = (Status.DRAFT, Status.ACTIVE, Status.PAUSED)
"""What a list shows when no status is asked for."""


class Mode(StrEnum):
    DISCOVERY = "discovery"
    PERFORMANCE = "performance"


class Pacing(StrEnum):
    EVEN = "EVEN"
    ASAP = "ASAP"
    FRONTLOADED = "FRONTLOADED"


# AdCP enums/pacing.json.
SELLER_PACING = {Pacing.EVEN: "even", Pacing.ASAP: "asap", Pacing.FRONTLOADED: "front_loaded"}


@dataclass(frozen=True)
class Budget:
    """Gross and all-in: fees are carved out of `total`, never added (interchange.md 2.4)."""

    total: Money
    daily_cap: Money | None = None
    pacing: Pacing | None = None


@dataclass(frozen=True)
class CampaignSpec:
    """All that a buyer may edit. JSON-shaped parts keep the wire's keys."""

    name: str
    flight: Flight
    budget: Budget
    brief: str | None = None
    constraints: Mapping[str, Any] | None = None
    storefront_ids: tuple[StorefrontId, ...] = ()
    """Sellers that discovery asks; empty: all connected ones."""
    discovery_id: DiscoveryId | None = None
    performance_config: Mapping[str, Any] | None = None
    apply_mode: ApplyMode | None = None
    """None: the advertiser's."""
    pacing_periods: PacingPeriods | None = None
    frequency_caps: tuple[frequency.Cap, ...] = ()
    utm_params: tuple[utm.Param, ...] = ()
    """Over the advertiser's, key by key."""
    audiences: tuple[Link, ...] = ()
    """Those taken off too."""
    catalog_id: int | None = None
    data_outputs: tuple[data_delivery.Output, ...] = ()


@dataclass(frozen=True)
class Campaign:
    id: CampaignId
    advertiser_id: AdvertiserId
    spec: CampaignSpec
    status: Status
    mode: Mode
    revision: int
    committed: bool
    """A buy of it was once accepted or left pending: what is DRAFT-only is over (ruling 0.4)."""
    created_at: datetime
    updated_at: datetime

    @property
    def currency(self) -> str:
        return self.spec.budget.total.currency

    def then(self, action: Action) -> Campaign:
        """Raises: IllegalTransition."""
        return replace(self, status=lifecycle.after(TRANSITIONS, self.status, action))

    def require(self, action: Action) -> None:
        """Raises: IllegalTransition, in the words that the action's route promises."""
        if not lifecycle.may(TRANSITIONS, self.status, action):
            raise IllegalTransition(
                self.status.value, action.value, sorted(a.value for s, a in TRANSITIONS if s is self.status)
            )

    def edited(self, spec: CampaignSpec) -> Campaign:
        """The campaign with a new spec. Raises: CurrencyMismatch, Invalid."""
        if spec.budget.total.currency != self.currency:
            raise CurrencyMismatch(
                f"The campaign's currency is {self.currency} and cannot change.", field="budget.currency"
            )
        if self.committed and spec.discovery_id != self.spec.discovery_id:
            raise Invalid("discoveryId can change only before the first buy is placed.", field="discoveryId")
        if self.committed and spec.pacing_periods != self.spec.pacing_periods:
            raise Invalid("pacingPeriods can change only before the first buy is placed.", field="pacingPeriods")
        if self.status not in LISTED and replace(spec, name=self.spec.name) != self.spec:
            raise Invalid(f"The campaign is {self.status.value}: it can only be renamed.")
        return replace(self, spec=spec)


def check_budget(budget: Budget) -> None:
    """Raises: Invalid for an amount that is not above zero."""
    if budget.total.minor <= 0:
        raise Invalid("The total must be above zero.", field="budget.total")
    if budget.daily_cap is not None and budget.daily_cap.minor <= 0:
        raise Invalid("The daily cap must be above zero.", field="budget.dailyCap")


def check(spec: CampaignSpec) -> None:
    """What must hold between the parts of a spec. Raises: Invalid."""
    check_budget(spec.budget)
    if spec.pacing_periods is not None:
        pacing.check(spec.pacing_periods, spec.flight, spec.budget.total)


def warnings(budget: Budget) -> tuple[str, ...]:
    if budget.daily_cap is not None and budget.daily_cap > budget.total:
        return (f"budget.dailyCap ({budget.daily_cap}) is above budget.total ({budget.total}).",)
    return ()


def facts(spec: CampaignSpec) -> dict[str, Any]:
    """The spec as the decision log keeps it: field to plain value."""
    return {f.name: plain(getattr(spec, f.name)) for f in fields(spec)}


def plain(value: Any) -> Any:
    match value:
        case Money():
            return str(value)
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case Flight():
            return {"start": plain(value.start), "end": plain(value.end)}
        case Budget():
            return {"total": plain(value.total), "dailyCap": plain(value.daily_cap), "pacing": plain(value.pacing)}
        case PacingPeriods():
            return pacing.facts(value)
        case frequency.Cap():
            return frequency.facts([value])[0]
        case Link():
            return audiences.facts(value)
        case data_delivery.Output():
            return data_delivery.facts(value)
        case utm.Param():
            return utm.facts([value])[0]
        case StrEnum():
            return value.value
        case tuple():
            return [plain(each) for each in value]
    return value


def with_facts(spec: CampaignSpec, written: Mapping[str, Any]) -> CampaignSpec:
    """The spec with what `facts` wrote put back."""
    return replace(spec, **{name: _READ.get(name, _as_is)(value) for name, value in written.items()})


def _as_is(value: Any) -> Any:
    return value


def _budget(written: Mapping[str, Any]) -> Budget:
    cap, pacing = written["dailyCap"], written["pacing"]
    return Budget(Money.read(written["total"]), cap and Money.read(cap), pacing and Pacing(pacing))


_READ: Mapping[str, Callable[[Any], Any]] = {
    "flight": lambda w: Flight(datetime.fromisoformat(w["start"]), datetime.fromisoformat(w["end"])),
    "budget": _budget,
    "storefront_ids": tuple,
    "apply_mode": lambda w: ApplyMode(w) if w else None,
    "frequency_caps": frequency.of_facts,
    "utm_params": utm.of_facts,
    "audiences": audiences.of_facts,
    "data_outputs": data_delivery.of_facts,
    "pacing_periods": lambda w: pacing.of_facts(w) if w else None,
}

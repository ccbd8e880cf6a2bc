"""A change of a placed buy that its seller was asked for and has not taken yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from buyside.domain.ids import OperationId
from buyside.domain.money import Money


@dataclass(frozen=True)
class Start:
    """When to begin; `at` None is "asap"."""

    at: datetime | None


@dataclass(frozen=True)
class PackageTerms:
    """What one package is to become. None means: as it is."""

    ref: str
    budget: Money | None = None
    """Gross."""
    bid: Decimal | None = None
    pacing: str | None = None
    targeting: Mapping[str, Any] | None = None
    """The package's own, whole."""
    start: datetime | None = None
    end: datetime | None = None
    canceled: bool = False
    creative_ids: tuple[str, ...] | None = None
    """Those that its seller has and that are to be on it."""

    @property
    def is_empty(self) -> bool:
        return self == PackageTerms(self.ref)


@dataclass(frozen=True)
class Change:
    """What a buy is to become, in our terms; `operation_id` names the call that asked for it, and so the proposal."""

    packages: tuple[PackageTerms, ...] = ()
    start: Start | None = None
    end: datetime | None = None
    goals: tuple[Mapping[str, Any], ...] | None = None
    creative_ids: tuple[str, ...] | None = None
    canceled: bool = False
    reason: str | None = None
    """A person's, for the seller in a cancellation, else for the log."""
    operation_id: OperationId | None = None
    since: datetime | None = None
    revision: int | None = None
    """The seller's, when it was asked."""
    task_id: str | None = None
    """The seller took it, to decide later."""
    is_unknown: bool = False
    """The call got no answer."""
    looks: int = 0
    withdrawn: bool = False
    """The buyer wants it no more; the seller may still carry it out."""
    behind: Change | None = None
    """An earlier one that waits for the seller's decision while this cancellation overtakes it."""

    @property
    def asks_nothing(self) -> bool:
        """Nothing of it is for the seller."""
        dates = self.start is None and self.end is None
        return dates and not self.packages and self.goals is None and not self.canceled

    def terms(self, ref: str) -> PackageTerms | None:
        return next((each for each in self.packages if each.ref == ref), None)

"""When a campaign runs. Days are UTC days (interchange.md ruling 0.6)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from buyside.domain.errors import Invalid


@dataclass(frozen=True)
class Flight:
    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("a flight is in aware time")
        if self.end <= self.start:
            raise Invalid("The flight's end must be after its start.", field="flightDates.endDate")

    def is_over(self, now: datetime) -> bool:
        return self.end <= now

    def start_to_send(self, now: datetime) -> datetime | None:
        """The start as a seller is told it: None ("asap") once it has passed (ruling 0.6)."""
        return self.start if self.start > now else None

    def holds(self, start: datetime | None, end: datetime | None) -> bool:
        """Whether the window lies inside this flight; an open side counts as the flight's own."""
        return (start is None or start >= self.start) and (end is None or end <= self.end)

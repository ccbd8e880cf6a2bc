"""The seller's own time: starts at the real one, can be put forward, and can run faster."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from buyside.sandbox import Doc, times
from buyside.sandbox.ledger import Ledger


class SimulatedClock:
    def __init__(self, real: Callable[[], datetime], ledger: Ledger) -> None:
        self.real = real
        self._ledger = ledger

    def _anchor(self) -> tuple[datetime, datetime, float]:
        doc = self._ledger.get("clock", "anchor")
        if doc is None:
            now = self.real()
            return now, now, 1
        return times.read(doc["real"]), times.read(doc["simulated"]), float(doc["speed"])

    def now(self) -> datetime:
        real, simulated, speed = self._anchor()
        return simulated + (self.real() - real) * speed

    def _set(self, simulated: datetime, speed: float) -> None:
        doc: Doc = {"real": times.written(self.real()), "simulated": times.written(simulated), "speed": speed}
        self._ledger.put("clock", "anchor", doc)

    def move(self, *, to: datetime | None = None, by: timedelta = timedelta(0), speed: float | None = None) -> datetime:
        """Only forward: delivery that was reported cannot be unreported. Raises: ValueError."""
        now = self.now()
        target = (to or now) + by
        pace = self._anchor()[2] if speed is None else speed
        if target < now or pace < 0:
            raise ValueError("the clock only goes forward")
        self._set(target, pace)
        return target

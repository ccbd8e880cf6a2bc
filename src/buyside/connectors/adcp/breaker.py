"""A circuit breaker: after several failures in a row a seller is left alone for a while, so that it holds nobody up."""

from __future__ import annotations

from collections.abc import Callable


class Breaker:
    """Open after `failures` in a row, for `cooldown` seconds; then one call at a time tries whether it is over."""

    def __init__(self, clock: Callable[[], float], *, failures: int = 5, cooldown: float = 30.0) -> None:
        self._clock, self._failures, self._cooldown = clock, failures, cooldown
        self._row = 0
        self._until: float | None = None
        self._trying = False

    def admit(self) -> float | None:
        """None: go ahead. Else: refused, and how many seconds until the next try."""
        if self._until is None:
            return None
        remaining = self._until - self._clock()
        if remaining > 0:
            return remaining
        if self._trying:
            return self._cooldown
        self._trying = True
        return None

    def passed(self) -> None:
        self._row, self._until, self._trying = 0, None, False

    def failed(self) -> None:
        self._row += 1
        self._trying = False
        if self._row >= self._failures:
            self._until = self._clock() + self._cooldown

    def abandoned(self) -> None:
        """The call was cancelled: it says nothing about the seller."""
        self._trying = False

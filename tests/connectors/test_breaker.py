"""A seller that keeps failing is left alone, and tried again later."""

from __future__ import annotations

from buyside.connectors.adcp.breaker import Breaker


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def opened(clock: Clock) -> Breaker:
    breaker = Breaker(clock, failures=3, cooldown=30)
    for _ in range(3):
        assert breaker.admit() is None
        breaker.failed()
    return breaker


def test_it_opens_after_so_many_failures_in_a_row() -> None:
    clock = Clock()
    breaker = Breaker(clock, failures=3, cooldown=30)
    for outcome in ("failed", "failed", "passed", "failed", "failed"):
        assert breaker.admit() is None
        getattr(breaker, outcome)()
    assert breaker.admit() is None
    breaker.failed()
    assert breaker.admit() == 30


def test_open_it_says_when_the_next_try_is() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 12
    assert breaker.admit() == 18


def test_after_the_cooldown_one_call_tries_and_the_others_wait() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 30
    assert breaker.admit() is None
    assert breaker.admit() == 30


def test_a_try_that_passes_closes_it_and_one_that_fails_opens_it_again() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 30
    assert breaker.admit() is None
    breaker.failed()
    assert breaker.admit() == 30
    clock.now += 30
    assert breaker.admit() is None
    breaker.passed()
    assert breaker.admit() is None
    assert breaker.admit() is None


def test_a_try_that_was_cancelled_leaves_the_place_to_the_next() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 30
    assert breaker.admit() is None
    breaker.abandoned()
    assert breaker.admit() is None

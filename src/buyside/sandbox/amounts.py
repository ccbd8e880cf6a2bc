"""Amounts: integer minor units inside, JSON numbers in major units on the wire."""

from __future__ import annotations

from decimal import Decimal

from buyside.sandbox.refusals import Refusal

PLACES = {"USD": 2, "EUR": 2, "JPY": 0}
LARGEST = 10**15


def number(value: object, field: str) -> Decimal:
    """A number that a buyer sent. Raises: Refusal."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not 0 <= value < LARGEST:
        raise Refusal("VALIDATION_ERROR", f"{field} is not an amount.", field=field)
    return Decimal(value)


def minor(value: object, currency: str, field: str) -> int:
    """Raises: Refusal, also for more decimals than the currency has."""
    scaled = number(value, field).scaleb(PLACES[currency])
    if scaled != scaled.to_integral_value():
        raise Refusal("VALIDATION_ERROR", f"{field} has more decimals than {currency}.", field=field)
    return int(scaled)


def major(amount: int, currency: str) -> int | float:
    """For the wire only."""
    return plain(Decimal(amount).scaleb(-PLACES[currency]))


def plain(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def shares(total: int, weights: list[Decimal]) -> list[int]:
    """`total` by weight, without loss: what is left over goes to the largest remainders, the first of equals."""
    whole = sum(weights, Decimal(0))
    exact = [total * weight / whole for weight in weights]
    parts = [int(part) for part in exact]
    order = sorted(range(len(parts)), key=lambda index: (parts[index] - exact[index], index))
    for index in order[: total - sum(parts)]:
        parts[index] += 1
    return parts

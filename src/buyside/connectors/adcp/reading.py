"""Taking values out of foreign JSON: what is not of the kind looked for counts as not said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from buyside.connectors.adcp.wire import decimal

MAX_COUNT = 2**53
_MICRO = Decimal("0.000001")


def text(value: Any, *keys: str) -> str | None:
    """The first non-empty string among `keys`; numbers that stand for ids are taken as text."""
    for key in keys:
        found = value.get(key) if isinstance(value, Mapping) else None
        if isinstance(found, str) and found:
            return found
        if isinstance(found, int) and not isinstance(found, bool):
            return str(found)
    return None


def number(value: Any, *keys: str) -> Decimal | None:
    """The first finite number among `keys`, with its own digits; strings that are numbers count."""
    for key in keys:
        found = value.get(key) if isinstance(value, Mapping) else None
        if isinstance(found, int | float | Decimal) and not isinstance(found, bool):
            exact = decimal(found)
        elif isinstance(found, str) and len(found) <= 32:
            try:
                exact = Decimal(found)
            except ArithmeticError:
                continue
        else:
            continue
        if exact.is_finite() and abs(exact) <= MAX_COUNT:
            return exact
    return None


def amount(value: Any, *keys: str) -> Decimal | None:
    """A number that is never negative, to six decimals."""
    found = number(value, *keys)
    return None if found is None or found < 0 else found.quantize(_MICRO, ROUND_HALF_UP).normalize() + 0


LARGEST_COUNT = 2**53 - 1
"""What JSON can carry exactly; a larger count is no count."""


def count(value: Any, *keys: str) -> int | None:
    found = number(value, *keys)
    return None if found is None or not 0 <= found <= LARGEST_COUNT else int(found)


def flag(value: Any, key: str) -> bool | None:
    found = value.get(key) if isinstance(value, Mapping) else None
    return found if isinstance(found, bool) else None


def mapping(value: Any, key: str) -> Mapping[str, Any]:
    found = value.get(key) if isinstance(value, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def items(value: Any, key: str) -> Iterator[Mapping[str, Any]]:
    """The objects of a list; whatever else stands in it is passed over."""
    found = value.get(key) if isinstance(value, Mapping) else None
    for each in found if isinstance(found, list | tuple) else ():
        if isinstance(each, Mapping):
            yield each


def texts(value: Any, key: str) -> tuple[str, ...]:
    found = value.get(key) if isinstance(value, Mapping) else None
    return tuple(each for each in found if isinstance(each, str)) if isinstance(found, list | tuple) else ()


def instant(value: Any, *keys: str) -> datetime | None:
    """An ISO 8601 time in UTC; one without a zone is taken as UTC."""
    for key in keys:
        found = value.get(key) if isinstance(value, Mapping) else None
        if isinstance(found, str):
            try:
                parsed = datetime.fromisoformat(found)
                return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
            except (ValueError, OverflowError):
                continue
    return None


def day(value: Any, key: str) -> date | None:
    found = value.get(key) if isinstance(value, Mapping) else None
    try:
        return date.fromisoformat(found[:10]) if isinstance(found, str) else None
    except ValueError:
        return None

"""JSON as it comes in, before any schema: exact numbers, and nothing that the store could not keep."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import NoReturn

from buyside.domain.errors import BadRequest, Invalid, Issue, Path

DEEPEST = 64
_INT64 = 2**63
_LARGEST_EXPONENT = 30
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def parse(text: bytes) -> object:
    """Decimals stay exact, whole numbers become int.

    Raises: BadRequest when it is not JSON, Invalid when it holds what no store keeps (NUL, huge numbers, …).
    """
    try:
        value = json.loads(text, parse_float=_number, parse_constant=_constant)
    except (ValueError, RecursionError) as problem:
        where = (
            f" at line {problem.lineno}, column {problem.colno}" if isinstance(problem, json.JSONDecodeError) else ""
        )
        raise BadRequest(f"The body is not valid JSON{where}.") from None
    issues = list(_unstorable(value))
    if issues:
        raise Invalid.of(issues)
    return value


def storable(text: str) -> bool:
    """PostgreSQL keeps neither NUL nor half a surrogate pair."""
    return _UNSTORABLE.search(text) is None


def _number(token: str) -> int | Decimal:
    number = Decimal(token)
    if number == 0:
        return 0
    if abs(number.adjusted()) <= _LARGEST_EXPONENT and number == number.to_integral_value():
        return int(number)
    return number


def _constant(token: str) -> NoReturn:
    raise ValueError(f"{token} is not JSON")


def _unstorable(value: object) -> Iterator[Issue]:
    waiting: list[tuple[Path, object]] = [((), value)]
    while waiting:
        path, each = waiting.pop()
        if len(path) > DEEPEST:
            yield Issue(path[:8], f"nested more than {DEEPEST} levels deep", "too_deep")
            return
        if problem := _problem(each):
            yield Issue(path, *problem)
        elif isinstance(each, dict):
            for key, inner in each.items():
                if not storable(key):
                    yield Issue(path, "a key holds a character that cannot be stored", "string_unicode")
                else:
                    waiting.append(((*path, key), inner))
        elif isinstance(each, list):
            waiting.extend(((*path, index), inner) for index, inner in enumerate(each))


def _problem(value: object) -> tuple[str, str] | None:
    if isinstance(value, str):
        return None if storable(value) else ("holds a character that cannot be stored", "string_unicode")
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return None if -_INT64 <= value < _INT64 else ("is too large a number", "number_too_large")
    if isinstance(value, Decimal) and abs(value.adjusted()) > _LARGEST_EXPONENT:
        return "is too large or too small a number", "number_too_large"
    return None

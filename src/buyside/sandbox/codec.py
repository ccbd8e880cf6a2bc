"""JSON in and out. Numbers with a point are read as Decimal, so that no amount ever is a float inside."""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from typing import Any


def _decimal(text: str) -> Decimal:
    number = Decimal(text)
    if float(number) in (float("inf"), float("-inf")):
        raise ValueError("a number is out of range")
    return number


def _refuse(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")


def loads(text: str | bytes) -> Any:
    """Raises: ValueError."""
    return json.loads(text, parse_float=_decimal, parse_constant=_refuse)


def _plain(value: object) -> float:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{type(value).__name__} does not travel")


def dumps(value: object) -> str:
    return json.dumps(value, default=_plain, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _whole(value: object) -> object:
    return int(value) if isinstance(value, Decimal) and value == value.to_integral_value() else _plain(value)


def fingerprint(value: object) -> str:
    """Equal for equal JSON: neither the order of keys nor 100 written as 100.0 makes a difference."""
    canonical = json.dumps(value, default=_whole, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def short_hash(*parts: object, length: int = 12) -> str:
    return hashlib.sha256("|".join(str(part) for part in parts).encode()).hexdigest()[:length]

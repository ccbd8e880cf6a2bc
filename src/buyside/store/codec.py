"""Domain values to JSON text and back. Amounts stay integers or exact decimals; keys come back as they went."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Any

from pydantic import TypeAdapter


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def dump(kind: Any, value: object) -> str:
    return _adapter(kind).dump_json(_plain(value) if isinstance(value, Mapping) else value).decode()


def load(kind: Any, text: str | bytes) -> Any:
    return _adapter(kind).validate_json(text)


def _plain(value: Any) -> Any:
    """Free-form JSON: a Decimal inside becomes the number that a reader of JSON would see."""
    match value:
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case Mapping():
            return {k: _plain(v) for k, v in value.items()}
        case list() | tuple():
            return [_plain(v) for v in value]
    return value


def plain(value: Mapping[str, Any]) -> dict[str, Any]:
    """For free-form parts of a value (`Product.raw`), before they are stored."""
    made = _plain(value)
    assert isinstance(made, dict)
    return made

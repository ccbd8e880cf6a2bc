"""AdCP's JSON, read tolerantly and written strictly.

Read: nulls are taken out, text that no database stores is mended, numbers keep the digits they came with. Written: one
canonical form, so that a frozen request is the same bytes each time.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

MAX_DEPTH = 120
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_REPLACEMENT = "�"
# The exact types that json gives; a call for each number and flag of a large reply would cost more than all the rest.
_MENDABLE = frozenset({str, dict, list})


class Unreadable(Exception):
    """What came is not JSON that can be used."""


class Exact(float):
    """A JSON number that remembers its digits, and is an ordinary float to whoever does not ask for them."""

    __slots__ = ("digits",)
    digits: str

    def __new__(cls, digits: str) -> Exact:
        number = super().__new__(cls, digits)
        number.digits = digits
        return number


def _fraction(digits: str) -> Exact | None:
    number = Exact(digits)
    return number if math.isfinite(number) and len(digits) <= 64 else None


def _nothing(_: str) -> None:
    """NaN and the infinities are not JSON, and not amounts either."""


def loads(body: bytes | str) -> Any:
    """Raises: Unreadable."""
    try:
        found = json.loads(body, parse_float=_fraction, parse_constant=_nothing)
        return cleaned(found)
    except (ValueError, RecursionError) as error:
        raise Unreadable("The reply is not JSON.") from error


def cleaned(value: Any, depth: int = 0) -> Any:
    """Without nulls, and with text that can be stored. Raises: Unreadable when nested too deeply."""
    kind = type(value)
    if kind is str:
        return _mended(value)
    if kind is not dict and kind is not list:
        return value
    if depth > MAX_DEPTH:
        raise Unreadable(f"The reply is nested more than {MAX_DEPTH} levels deep.")
    if kind is dict:
        return {
            _mended(key): cleaned(each, depth + 1) if type(each) in _MENDABLE else each
            for key, each in value.items()
            if each is not None
        }
    return [cleaned(each, depth + 1) if type(each) in _MENDABLE else each for each in value if each is not None]


def _mended(text: str) -> str:
    return text if "\x00" not in text and text.isascii() else _UNSTORABLE.sub(_REPLACEMENT, text)


def freeze(value: Any) -> bytes:
    """Canonical JSON: keys sorted, no spaces, ASCII only, decimals with their own digits, absent instead of null."""
    return _written(value).encode("ascii")


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(_mended(value))
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float | Decimal):
        return _digits(value)
    if isinstance(value, Mapping):
        kept = {_mended(str(key)): each for key, each in value.items() if each is not None}
        return "{" + ",".join(f"{json.dumps(key)}:{_written(kept[key])}" for key in sorted(kept)) + "}"
    if isinstance(value, Sequence):
        return "[" + ",".join(_written(each) for each in value if each is not None) + "]"
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _digits(number: float | Decimal) -> str:
    exact = decimal(number)
    if not exact.is_finite():
        raise ValueError("only finite numbers have a JSON form")
    if not exact:
        return "0"
    text = format(exact, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def decimal(number: float | Decimal | int) -> Decimal:
    """Exactly what was written: the digits that came, else the shortest text that means this float."""
    if isinstance(number, Exact):
        return Decimal(number.digits)
    return Decimal(repr(number)) if isinstance(number, float) else Decimal(number)

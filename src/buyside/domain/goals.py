"""A campaign's optimization goals in AdCP's spelling, as media buys carry them (interchange.md 2.8)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_CAPITAL = re.compile(r"[A-Z]")


def for_packages(performance_config: Mapping[str, Any] | None) -> tuple[Mapping[str, Any], ...]:
    """What a new buy of the campaign is optimized for. Source: AdCP 3.1.19 core/optimization-goal."""
    return tuple(_snake(goal) for goal in (performance_config or {}).get("optimizationGoals", ()))


def _snake(value: Any) -> Any:
    """The two spellings differ in their keys alone."""
    if isinstance(value, Mapping):
        return {_CAPITAL.sub(lambda m: "_" + m[0].lower(), key): _snake(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_snake(each) for each in value]
    return value

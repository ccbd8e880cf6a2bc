"""State machines as dicts: what an action makes of a status, and which actions are open."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from buyside.domain.errors import IllegalTransition

S = TypeVar("S", bound=StrEnum)
A = TypeVar("A", bound=StrEnum)


def may(table: Mapping[tuple[S, A], S], status: S, action: A) -> bool:
    return (status, action) in table


def after(table: Mapping[tuple[S, A], S], status: S, action: A) -> S:
    """The status that `action` leads to. Raises: IllegalTransition naming the actions that `status` allows."""
    if (status, action) in table:
        return table[status, action]
    raise IllegalTransition(status.value, action.value, sorted(a.value for s, a in table if s is status))

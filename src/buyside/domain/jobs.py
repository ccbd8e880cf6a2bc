"""What can be asked for later: a job is left in the transaction of the rows it speaks of, and run once they exist."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Job:
    name: str
    args: Mapping[str, Any] = field(default_factory=dict)
    """JSON values."""
    lock: str | None = None
    """Jobs of one lock run one after another. Never on a delayed job: it holds its lock while it waits."""
    once: str | None = None
    """At most one waiting job with this key."""
    at: float | None = None
    """Not before, in seconds since the epoch; None: at once."""


DISPATCH = "dispatch_operation"


def dispatch(account: int, operation: str) -> Job:
    """Carry out an operation that its transaction planned: nobody waits for it inline."""
    return Job(DISPATCH, {"account": account, "operation": operation}, once=f"{DISPATCH}:{operation}")

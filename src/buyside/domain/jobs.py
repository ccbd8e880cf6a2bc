"""What can be asked for later: a job is left in the transaction of the rows it speaks of, and run once they exist."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
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


TAKE_UP = "take_up_operation"
PATIENCE = timedelta(seconds=5)
"""How long whoever planned an operation is given to carry it out itself."""


def take_up(account: int, operation: str, now: datetime) -> Job:
    """See to an operation that must not wait for the sweep: a buy that serves and must not."""
    at = (now + PATIENCE).timestamp()
    return Job(TAKE_UP, {"account": account, "operation": operation}, once=f"{TAKE_UP}:{operation}", at=at)

"""Which connector speaks to what; the one place that names them."""

from __future__ import annotations

import time
from collections.abc import Callable

from buyside.connectors.adcp.connections import Connections, Limits
from buyside.connectors.adcp.platform import AdCPSellers
from buyside.connectors.http import Resolver, resolve
from buyside.connectors.platform import Sellers


def open_sellers(
    *,
    allow_private: bool = False,
    connect_timeout: float = 5.0,
    concurrency: int = 8,
    connections: int = 32,
    failures: int = 5,
    cooldown: float = 30.0,
    clock: Callable[[], float] = time.monotonic,
    resolver: Resolver = resolve,
) -> Sellers:
    """Sellers over AdCP. Times in seconds, counts per seller and credential; `clock` only ever measures spans."""
    limits = Limits(connect_timeout, concurrency, connections, failures, cooldown)
    return AdCPSellers(Connections(allow_private, clock, limits, resolver))

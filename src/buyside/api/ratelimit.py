"""How often one account may ask, and the headers that say so. Each process counts for itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

WINDOW = 60.0
"""Seconds."""
NO_LIMIT = 1_000_000
"""Shown when the limit is off, since the headers are always there."""


@dataclass(frozen=True)
class Standing:
    limit: int
    remaining: int
    reset: float
    """Seconds until the window begins anew."""
    exceeded: bool = False


@dataclass
class RateLimit:
    """`per_minute` requests in each fixed window, by account; 0 switches it off."""

    per_minute: int = 0
    clock: Callable[[], float] = time.monotonic
    _window: int = 0
    _counts: dict[int, int] = field(default_factory=dict)

    def untouched(self) -> Standing:
        """What a caller is shown whom nothing was counted against."""
        limit = self.per_minute or NO_LIMIT
        return Standing(limit, limit, WINDOW - self.clock() % WINDOW)

    def count(self, account: int) -> Standing:
        if not self.per_minute:
            return self.untouched()
        now = self.clock()
        window = int(now // WINDOW)
        if window != self._window:
            self._window, self._counts = window, {}
        used = self._counts[account] = self._counts.get(account, 0) + 1
        left = max(0, self.per_minute - used)
        return Standing(self.per_minute, left, WINDOW - now % WINDOW, used > self.per_minute)


class RateHeaders:
    """RateLimit-* on every answer (IETF draft 7)."""

    def __init__(self, app: ASGIApp, limit: RateLimit) -> None:
        self._app, self._limit = app, limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                standing: Standing = scope.get("rate") or self._limit.untouched()
                headers = MutableHeaders(raw=message["headers"])
                headers["RateLimit-Limit"] = str(standing.limit)
                headers["RateLimit-Remaining"] = str(standing.remaining)
                headers["RateLimit-Reset"] = str(max(1, round(standing.reset)))
            await send(message)

        await self._app(scope, receive, with_headers)

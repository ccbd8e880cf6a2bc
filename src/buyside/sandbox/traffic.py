"""Who is calling now: the log of calls, how many are in flight, and calls held open on request."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

from buyside.sandbox import Doc, codec
from buyside.sandbox.ledger import Ledger

# Arguments under these names can carry a credential; they never reach the log.
_SECRET = frozenset({"credentials", "authentication", "token", "auth_token", "bank"})


def without_credentials(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_credentials(part) for name, part in value.items() if name not in _SECRET}
    if isinstance(value, list):
        return [without_credentials(part) for part in value]
    return value


class Traffic:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._changed = asyncio.Event()
        self._held: dict[str, str] = {}
        self.closing = False
        self.arrived: Counter[str] = Counter()
        self.finished: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.most_at_once = 0

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def in_flight(self, tool: str | None = None) -> int:
        if tool is not None:
            return self.arrived[tool] - self.finished[tool]
        return self.arrived.total() - self.finished.total()

    def arrive(self, protocol: str, tool: str, arguments: Doc, at: str) -> int:
        shown = without_credentials(arguments)
        body = {"at": at, "protocol": protocol, "arguments": shown, "arguments_sha256": codec.fingerprint(arguments)}
        n = self._ledger.open_call(tool, body)
        self.arrived[tool] += 1
        self.most[tool] = max(self.most[tool], self.in_flight(tool))
        self.most_at_once = max(self.most_at_once, self.in_flight())
        self._tell()
        return n

    def leave(self, n: int, tool: str, outcome: str, duration_ms: int) -> None:
        self._ledger.close_call(n, outcome, duration_ms)
        self.finished[tool] += 1
        self._tell()

    def hold(self, tool: str, when: str = "before") -> None:
        """Calls of the tool stop, before or after they commit, until they are released."""
        self._held[tool] = when

    def release(self, tool: str | None = None) -> None:
        for name in [tool] if tool else list(self._held):
            self._held.pop(name, None)
        self._tell()

    def held(self) -> dict[str, str]:
        return dict(self._held)

    async def pass_hold(self, tool: str, when: str) -> None:
        await self.until(lambda: self._held.get(tool) != when)

    async def until(self, true: Callable[[], bool], seconds: float | None = None) -> bool:
        """False when `seconds` passed, or the seller closes, first."""
        try:
            async with asyncio.timeout(seconds):
                while not self.closing and not true():
                    await self._changed.wait()
        except TimeoutError:
            return False
        return not self.closing

    async def pause(self, seconds: float) -> None:
        """A wait that ends early when the seller closes."""
        await self.until(lambda: False, seconds)

    def close(self) -> None:
        self.closing = True
        self._tell()

    def reset(self) -> None:
        self.release()
        self.most = Counter({tool: self.in_flight(tool) for tool in self.arrived})
        self.most_at_once = self.in_flight()

    def doc(self) -> Doc:
        tools = sorted(self.arrived)
        return {
            "in_flight": self.in_flight(),
            "max_in_flight": self.most_at_once,
            "in_flight_by_tool": {tool: self.in_flight(tool) for tool in tools},
            "max_in_flight_by_tool": {tool: self.most[tool] for tool in tools},
            "held": self.held(),
        }

"""One seller: its catalogue, its clock, its memory and its faults, in one hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from buyside.sandbox import Doc, times
from buyside.sandbox.catalogue import Catalogue, slug
from buyside.sandbox.clock import SimulatedClock
from buyside.sandbox.codec import short_hash
from buyside.sandbox.faults import Fault, Faults
from buyside.sandbox.ledger import Ledger
from buyside.sandbox.traffic import Traffic

VERSIONS = ("3.0", "3.1")
REPLAY_TTL_SECONDS = 86400


@dataclass(frozen=True)
class Request:
    """One call of a tool. `principal` stands for the credential, and is none."""

    tool: str
    arguments: Doc
    protocol: str = "MCP"
    principal: str = "anonymous"
    products: frozenset[str] = field(default_factory=frozenset)


class Seller:
    def __init__(self, name: str, *, state: Path | None, faults: Sequence[str], clock: Callable[[], datetime]) -> None:
        self.name = name
        self.catalogue = Catalogue(name)
        self.ledger = Ledger(state)
        self.clock = SimulatedClock(clock, self.ledger)
        self.faults = Faults(faults)
        self.traffic = Traffic(self.ledger)

    def now(self) -> datetime:
        return self.clock.now()

    def stamp(self) -> str:
        return times.written(self.now())

    def new_id(self, prefix: str) -> str:
        """Never seen before, not even by a seller of this name that has lost its memory."""
        number = self.ledger.next_number(prefix)
        mark = short_hash(self.name, prefix, number, self.clock.real().isoformat(), length=10)
        return f"{prefix}_{slug(self.name)[:16]}_{mark}"

    def strikes(self, name: str, request: Request) -> Fault | None:
        return self.faults.take(name, request.tool, request.products)

    def reset(self) -> None:
        with self.ledger.transaction():
            self.ledger.clear()
        self.faults.reset()
        self.traffic.reset()

    def close(self) -> None:
        self.traffic.close()
        self.ledger.close()

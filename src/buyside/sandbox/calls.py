"""One call of a tool, from its arrival to its answer: faults, idempotency, one transaction, and the log."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from buyside.sandbox import Doc, approvals, arguments, codec, nulls, times
from buyside.sandbox.faults import MUTATIONS
from buyside.sandbox.ledger import Stored
from buyside.sandbox.refusals import Refusal
from buyside.sandbox.seller import REPLAY_TTL_SECONDS, VERSIONS, Request, Seller
from buyside.sandbox.tools import TOOLS

LEGACY = ("media_buy_id", "packages", "affected_packages")


class Cut(Exception):
    """The connection closes without an answer."""


class HTTPError(Exception):
    """An HTTP status instead of an answer."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@dataclass(frozen=True)
class Answer:
    doc: Doc
    is_error: bool = False

    @property
    def state(self) -> str:
        """The task status of the AdCP envelope."""
        return "failed" if self.is_error else str(self.doc.get("status", "completed"))


Gone = Callable[[], Awaitable[None]]
"""Returns when the client has gone away."""


class Calls:
    def __init__(self, seller: Seller) -> None:
        self._seller = seller
        self._in_flight: dict[tuple[str, str, str], str] = {}

    async def place(self, request: Request, gone: Gone) -> Answer:
        """Raises: Cut, HTTPError."""
        seller, traffic = self._seller, self._seller.traffic
        request = replace(request, products=_products(seller, request))
        n = traffic.arrive(request.protocol, request.tool, request.arguments, seller.stamp())
        since, outcome = asyncio.get_running_loop().time(), "cut"
        try:
            answer = await self._served(request, gone)
            outcome = _outcome(answer)
            return answer
        except HTTPError as error:
            outcome = f"http {error.status}"
            raise
        finally:
            if not traffic.closing:
                milliseconds = (asyncio.get_running_loop().time() - since) * 1000
                traffic.leave(n, request.tool, outcome, int(milliseconds))

    async def _served(self, request: Request, gone: Gone) -> Answer:
        seller = self._seller
        await self._pass(request.tool, "before")
        if fault := seller.strikes("http_error", request):
            raise HTTPError(int(fault.value))
        try:
            if fault := seller.strikes("rate_limit", request):
                raise Refusal("RATE_LIMITED", "Too many calls.", retry_after=max(1, round(fault.seconds)))
            self._check(request)
            doc = await self._booked(request)
        except Refusal as refusal:
            return Answer(self._enveloped(request, _refused(refusal)), is_error=True)
        await self._after_commit(request, gone)
        return Answer(self._enveloped(request, doc))

    async def _pass(self, tool: str, when: str) -> None:
        await self._seller.traffic.pass_hold(tool, when)
        if self._seller.traffic.closing:
            raise Cut

    def _check(self, request: Request) -> None:
        """Raises: Refusal."""
        faults = self._seller.faults
        version = request.arguments.get("adcp_version")
        major = request.arguments.get("adcp_major_version")
        if (version is not None and version not in VERSIONS) or major not in (None, 3):
            details = {"supported_versions": list(VERSIONS), "supported_majors": [3]}
            raise Refusal("VERSION_UNSUPPORTED", "This version is not spoken here.", details=details)
        narrow = faults.on("unknown_argument_rejection", request.tool) and request.protocol == "MCP"
        keys = not faults.on("no_idempotency")
        arguments.check(request.tool, request.arguments, arguments.schema(request.tool, narrow=narrow, keys=keys))

    async def _booked(self, request: Request) -> Doc:
        """Does it, or repeats what was answered under this key. Raises: Refusal, Cut."""
        key = request.arguments.get("idempotency_key")
        if request.tool not in MUTATIONS or not key or self._seller.faults.on("no_idempotency"):
            return await self._carried_out(request, None)
        claim = (request.principal, request.tool, str(key))
        mark = codec.fingerprint(_payload(request.arguments))
        if (other := self._in_flight.get(claim)) is not None:
            if other != mark:
                raise _reused()
            raise Refusal("IDEMPOTENCY_IN_FLIGHT", "The first call is still under way.", retry_after=1)
        stored = self._seller.ledger.recall(*claim)
        if stored is not None:
            return self._replayed(request, stored, mark)
        self._in_flight[claim] = mark
        try:
            return await self._carried_out(request, mark)
        finally:
            del self._in_flight[claim]

    def _replayed(self, request: Request, stored: Stored, mark: str) -> Doc:
        """Raises: Refusal."""
        seller = self._seller
        # By the real clock: putting the simulated one forward a week is no week in which a key can grow old.
        age = seller.clock.real() - times.read(stored.at)
        if seller.strikes("idempotency_expired", request) or age > timedelta(seconds=REPLAY_TTL_SECONDS):
            raise Refusal("IDEMPOTENCY_EXPIRED", "The answer is no longer kept.", field="idempotency_key")
        if stored.fingerprint != mark:
            raise _reused()
        return {**stored.answer, "replayed": True}

    async def _carried_out(self, request: Request, mark: str | None) -> Doc:
        seller = self._seller
        if fault := seller.strikes("slow", request):
            await seller.traffic.pause(fault.seconds)
        if seller.strikes("cut_before_commit", request) or seller.traffic.closing:
            raise Cut
        if fault := seller.strikes("completed_with_errors", request):
            return {"status": "completed", "errors": [Refusal(fault.value, "It was not done.").doc()]}
        refusal: Refusal | None = None
        doc: Doc = {}
        with seller.ledger.transaction():
            try:
                approvals.settle(seller)
                doc = TOOLS[request.tool](seller, request)
            except Refusal as raised:
                if not raised.commits:
                    raise
                refusal = raised
            if mark is not None and refusal is None:
                stored = Stored(mark, doc, times.written(seller.clock.real()))
                seller.ledger.remember(request.principal, request.tool, request.arguments["idempotency_key"], stored)
        if refusal is not None:
            raise refusal
        return doc

    async def _after_commit(self, request: Request, gone: Gone) -> None:
        seller = self._seller
        await self._pass(request.tool, "after_commit")
        if fault := seller.strikes("slow_commit", request):
            await seller.traffic.pause(fault.seconds)
        if seller.strikes("cut_after_commit", request):
            raise Cut
        if fault := seller.strikes("timeout_after_commit", request):
            seconds = fault.seconds if fault.value else None
            waits = [asyncio.ensure_future(gone()), asyncio.ensure_future(seller.traffic.pause(seconds or 86400))]
            _, left = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for wait in left:
                wait.cancel()
            raise Cut

    def _enveloped(self, request: Request, doc: Doc) -> Doc:
        """Source: AdCP 3.1, core/protocol-envelope.json."""
        faults = self._seller.faults
        answer: Doc = {"status": "completed", **doc}
        if faults.on("legacy_status", request.tool) and doc.get("media_buy_status"):
            answer = {name: doc[name] for name in LEGACY if name in doc} | {"status": doc["media_buy_status"]}
            answer |= {"replayed": True} if doc.get("replayed") else {}
        elif not faults.on("legacy_status", request.tool):
            answer["adcp_version"] = request.arguments.get("adcp_version") or VERSIONS[-1]
        if request.arguments.get("context") is not None:
            answer["context"] = request.arguments["context"]
        return nulls.filled(request.tool, answer) if faults.on("null_filled", request.tool) else answer


def _reused() -> Refusal:
    text = "The key was used for another request."
    return Refusal("IDEMPOTENCY_CONFLICT", text, field="idempotency_key")


def _refused(refusal: Refusal) -> Doc:
    return {"status": "failed", "adcp_error": refusal.doc(), "errors": [refusal.doc()]}


def _outcome(answer: Answer) -> str:
    errors = answer.doc.get("errors") or []
    if answer.is_error:
        return str(answer.doc["adcp_error"]["code"])
    if errors and len(answer.doc) <= len({"status", "errors", "adcp_version", "context"}):
        return str(errors[0]["code"])
    return "replayed" if answer.doc.get("replayed") else str(answer.doc.get("status"))


def _payload(given: Doc) -> Doc:
    """What a repeat must have in common with the first call: neither the key nor what is only echoed."""
    return {name: value for name, value in given.items() if name not in ("idempotency_key", "context")}


def _products(seller: Seller, request: Request) -> frozenset[str]:
    """The products that a call is about, for faults that strike one product only."""
    given: dict[str, Any] = request.arguments
    rows = [*_dicts(given.get("packages")), *_dicts(given.get("new_packages"))]
    found = {str(row["product_id"]) for row in rows if row.get("product_id")}
    buy = seller.ledger.get("media_buy", str(given.get("media_buy_id")))
    if buy is not None:
        found |= {package["product_id"] for package in buy["packages"]}
    for proposal in seller.catalogue.proposals():
        if proposal["proposal_id"] == given.get("proposal_id"):
            found |= {row["product_id"] for row in proposal["allocations"]}
    return frozenset(found)


def _dicts(rows: Any) -> list[Doc]:
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []

"""/_sandbox: how a test, or a person, steers the seller and looks inside. No buyer speaks to this."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request as HTTPRequest
from starlette.responses import Response
from starlette.routing import Route

from buyside.sandbox import Doc, approvals, codec, faults, pacing, standing, times
from buyside.sandbox.refusals import Refusal
from buyside.sandbox.seller import Seller
from buyside.sandbox.wire import json_response

_WAIT_SECONDS = 10.0


async def _body(request: HTTPRequest) -> Doc:
    """Raises: ValueError."""
    raw = await request.body()
    body = codec.loads(raw) if raw else {}
    if not isinstance(body, dict):
        raise ValueError("the body is an object")
    return body


class Control:
    def __init__(self, seller: Seller) -> None:
        self._seller = seller

    def routes(self) -> list[Route]:
        named: list[tuple[str, Callable[[HTTPRequest], Awaitable[Doc]], list[str]]] = [
            ("state", self.state, ["GET"]),
            ("log", self.log, ["GET"]),
            ("faults", self.faults, ["GET", "POST"]),
            ("clock", self.clock, ["GET", "POST"]),
            ("decide", self.decide, ["POST"]),
            ("hold", self.hold, ["POST"]),
            ("release", self.release, ["POST"]),
            ("reset", self.reset, ["POST"]),
        ]
        routes = [Route(f"/_sandbox/{name}", _told(act), methods=methods) for name, act, methods in named]
        return [*routes, Route("/_sandbox/wait", self.wait, methods=["GET"])]

    async def state(self, request: HTTPRequest) -> Doc:
        seller = self._seller
        with seller.ledger.transaction():
            approvals.settle(seller)
        now = seller.now()
        return {
            "name": seller.name,
            "now": times.written(now),
            "media_buys": [self._buy(buy, now) for buy in seller.ledger.all("media_buy")],
            "creatives": seller.ledger.all("creative"),
            "accounts": seller.ledger.all("account"),
            "tasks": seller.ledger.all("task"),
            "counts": seller.ledger.counts(),
            "faults": seller.faults.listed(),
        }

    def _buy(self, buy: Doc, now: datetime) -> Doc:
        """All that is held; budgets and what was spent are in minor units here."""
        packages = [{**one, "spent": pacing.spent(one, now)} for one in buy["packages"]]
        return {**buy, "status": standing.status(self._seller, buy, now), "packages": packages}

    async def log(self, request: HTTPRequest) -> Doc:
        since = int(request.query_params.get("since", "0"))
        return {"calls": self._seller.ledger.calls(since), **self._seller.traffic.doc()}

    async def faults(self, request: HTTPRequest) -> Doc:
        body = await _body(request) if request.method == "POST" else {}
        wanted = body.get("set") or {}
        rows = wanted.items() if isinstance(wanted, dict) else [(name, True) for name in wanted]
        times_, tool, product = body.get("times"), body.get("tool"), body.get("product_id")
        made = [faults.make(name, value, tool=tool, times=times_, product_id=product) for name, value in rows]
        self._seller.faults.clear(body.get("clear") or [])
        for fault in made:
            self._seller.faults.set(fault)
        return {"faults": self._seller.faults.listed()}

    async def clock(self, request: HTTPRequest) -> Doc:
        if request.method == "POST":
            body = await _body(request)
            to = times.given(body["now"], "now") if body.get("now") else None
            speed = float(body["speed"]) if body.get("speed") is not None else None
            self._seller.clock.move(to=to, by=timedelta(seconds=float(body.get("advance_seconds") or 0)), speed=speed)
        return {"now": self._seller.stamp()}

    async def decide(self, request: HTTPRequest) -> Doc:
        body = await _body(request)
        with self._seller.ledger.transaction():
            return approvals.decide(self._seller, body)

    async def hold(self, request: HTTPRequest) -> Doc:
        body = await _body(request)
        tool, when = str(body.get("tool")), str(body.get("when") or "before")
        if tool not in faults.TOOLS or when not in ("before", "after_commit"):
            raise ValueError("hold names a tool, and 'before' or 'after_commit'")
        self._seller.traffic.hold(tool, when)
        return {"held": self._seller.traffic.held()}

    async def release(self, request: HTTPRequest) -> Doc:
        self._seller.traffic.release((await _body(request)).get("tool"))
        return {"held": self._seller.traffic.held()}

    async def reset(self, request: HTTPRequest) -> Doc:
        self._seller.reset()
        return {}

    async def wait(self, request: HTTPRequest) -> Response:
        """Answers when so many calls are in flight (`in_flight`), or were finished since the start (`finished`)."""
        asked, traffic = request.query_params, self._seller.traffic
        tool = asked.get("tool")
        try:
            seconds = float(asked.get("timeout", _WAIT_SECONDS))
            least = {name: int(asked[name]) for name in ("in_flight", "finished") if name in asked}
        except ValueError:
            return json_response({"detail": "in_flight, finished and timeout are numbers"}, 400)

        def reached() -> bool:
            done = traffic.finished[tool] if tool else traffic.finished.total()
            held = {"in_flight": traffic.in_flight(tool), "finished": done}
            return all(held[name] >= number for name, number in least.items())

        return json_response(traffic.doc(), 200 if await traffic.until(reached, seconds) else 408)


def _told(act: Callable[[HTTPRequest], Awaitable[Doc]]) -> Callable[[HTTPRequest], Awaitable[Response]]:
    async def endpoint(request: HTTPRequest) -> Response:
        try:
            doc: Any = await act(request)
        except (ValueError, Refusal) as refusal:
            return json_response({"detail": str(refusal)}, 400)
        return json_response(doc)

    return endpoint

"""The sandbox seller as an ASGI app."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request as HTTPRequest
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from buyside.sandbox.a2a import A2AEndpoint
from buyside.sandbox.calls import Calls
from buyside.sandbox.control import Control
from buyside.sandbox.mcp import MCPEndpoint
from buyside.sandbox.seller import Seller
from buyside.sandbox.wire import json_response

DEFAULT_NAME = "Sandbox Seller"


class Door:
    """What concerns every request: a seller that is down, and pages in a browser that try to reach it."""

    def __init__(self, app: ASGIApp, seller: Seller) -> None:
        self._app = app
        self._seller = seller

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._app
        if scope["type"] == "http":
            app = self._refusal(HTTPRequest(scope)) or app
        await app(scope, receive, send)

    def _refusal(self, request: HTTPRequest) -> Response | None:
        origin = request.headers.get("origin")
        if origin is not None and origin.partition("://")[2] != request.headers.get("host"):
            return json_response({"detail": "Not from another origin"}, 403)
        if self._seller.faults.on("down") and not request.url.path.startswith("/_sandbox/"):
            return json_response({"detail": "Service Unavailable"}, 503, {"retry-after": "1"})
        return None


def create(
    name: str = DEFAULT_NAME,
    *,
    state: Path | None = None,
    faults: Sequence[str] = (),
    clock: Callable[[], datetime],
) -> Starlette:
    """A seller of that name. With `state` it remembers everything across restarts, else only while it runs.

    Raises: ValueError for a fault that there is not.
    """
    seller = Seller(name, state=state, faults=faults, clock=clock)
    calls = Calls(seller)
    a2a = A2AEndpoint(seller, calls)
    mcp = MCPEndpoint(seller, calls)

    async def health(request: HTTPRequest) -> Response:
        return json_response({"status": "ok", "name": seller.name})

    async def post_a2a(request: HTTPRequest) -> Response:
        return await a2a(request)

    async def any_mcp(request: HTTPRequest) -> Response:
        return await mcp(request)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        seller.close()

    every = ["GET", "POST", "DELETE", "PUT", "PATCH"]
    routes = [
        *[Route(path, any_mcp, methods=every) for path in ("/mcp", "/mcp/")],
        *[Route(path, post_a2a, methods=["POST"]) for path in ("/a2a", "/a2a/")],
        *[Route(f"/.well-known/{file}", a2a.card, methods=["GET"]) for file in ("agent-card.json", "agent.json")],
        *Control(seller).routes(),
        Route("/health", health, methods=["GET"]),
    ]
    app = Starlette(routes=routes, middleware=[Middleware(Door, seller=seller)], lifespan=lifespan)
    app.state.seller = seller
    return app

"""The HTTP surface, put together from what bootstrap hands in."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from fastapi import APIRouter, FastAPI
from starlette.datastructures import MutableHeaders
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from buyside.api import docs, errors, health, not_built, openapi
from buyside.api.envelope import Envelope
from buyside.api.ratelimit import RateHeaders, RateLimit
from buyside.api.requests import BASE, Authenticate
from buyside.domain.errors import TooLarge

MEBIBYTE = 1024 * 1024
_REQUEST_ID = re.compile(rb"[A-Za-z0-9_.:-]{1,128}")

# Paths that other documents of the hosted service write without the persona (interchange.md 1.1).
_ALIASES = {
    "/api/buyer": BASE,
    "/api/v2/accounts": f"{BASE}/accounts",
    "/api/v2/notifications": f"{BASE}/notifications",
    "/api/v2/billing/account": f"{BASE}/billing/account",
}


@dataclass(frozen=True)
class About:
    """What the surface says of itself, and how it behaves where nobody asks otherwise."""

    version: str
    public_url: str | None = None
    commit: str = ""
    envelope: Envelope = "bare"
    requests_per_minute: int = 0
    """By account; 0: no limit."""
    largest_body: int = 8 * MEBIBYTE
    """Bytes."""


class Lifespan(Protocol):
    def __call__(self, app: FastAPI) -> AbstractAsyncContextManager[None]: ...


def create_app(
    about: About,
    routers: Sequence[APIRouter],
    *,
    authenticate: Authenticate,
    check: health.Check,
    runtime: object = None,
    lifespan: Lifespan | None = None,
) -> FastAPI:
    """The ASGI app. `runtime` is kept as `app.state.runtime` for `authenticate`; nothing here looks into it."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, lifespan=lifespan, redirect_slashes=False)
    app.state.about, app.state.envelope = about, about.envelope
    app.state.authenticate, app.state.health, app.state.runtime = authenticate, check, runtime
    app.state.rate_limit = RateLimit(about.requests_per_minute)
    built = [route for router in (*routers, health.router, openapi.router, docs.router) for route in router.routes]
    app.router.routes.extend(sorted([*built, *not_built.shadowed(built)], key=_literal_first))
    errors.install(app)
    # The last one added is the outermost.
    app.add_middleware(errors.Unexpected)
    app.add_middleware(SizeLimit, largest=about.largest_body)
    app.add_middleware(RateHeaders, limit=app.state.rate_limit)
    app.add_middleware(RequestId)
    app.add_middleware(Aliases)
    return app


def _literal_first(route: BaseRoute) -> list[bool]:
    """So that /storefronts/credentials is never taken for a storefront called credentials."""
    return [segment.startswith("{") for segment in route.path.split("/")] if isinstance(route, Route) else []


class Aliases:
    """Other addresses of the same operations: other beginnings, and a slash at the end."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (path := _real(scope["path"])) != scope["path"]:
            scope = {**scope, "path": path}
            scope.pop("raw_path", None)
        await self._app(scope, receive, send)


def _real(path: str) -> str:
    if path.endswith("/") and path != "/":
        path = path[:-1]
    if path.startswith(BASE):
        return path
    for alias, real in _ALIASES.items():
        if path == alias or path.startswith(alias + "/"):
            return real + path[len(alias) :]
    return path


class RequestId:
    """`X-Request-Id` on every answer: the caller's own, if it sent a sensible one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
        known = given.decode() if _REQUEST_ID.fullmatch(given) else f"req_{secrets.token_hex(10)}"
        scope["request_id"] = known

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(raw=message["headers"])["X-Request-Id"] = known
            await send(message)

        await self._app(scope, receive, marked)


class SizeLimit:
    """Refuses a body that is too large: by its announced length, or as soon as too much of it has come."""

    def __init__(self, app: ASGIApp, largest: int) -> None:
        self._app, self._largest = app, largest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if announced.isdigit() and int(announced) > self._largest:
            await errors.refusal(self._refused())(scope, receive, send)
            return
        come = 0

        async def counted() -> Message:
            nonlocal come
            message = await receive()
            come += len(message.get("body", b""))
            if come > self._largest:
                raise self._refused()
            return message

        await self._app(scope, counted, send)

    def _refused(self) -> TooLarge:
        return TooLarge(f"The body is larger than {self._largest} bytes.", details={"largest": self._largest})

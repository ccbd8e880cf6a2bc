"""Who asks over REST: the key from the request's headers, and why they ask."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import Request
from starlette.datastructures import Headers

from buyside.api.requests import Authenticate
from buyside.domain.accounts import Surface
from buyside.domain.errors import BadRequest, Unauthorized
from buyside.schemas.reading import storable
from buyside.services import accounts
from buyside.services.work import Runtime, Work

LONGEST_REASON = 1000


def authenticator(runtime: Runtime) -> Authenticate:
    """`Authorization: Bearer <key>` or `x-scope3-api-key: <key>`; `X-Reason` goes into the decision log."""

    async def authenticate(request: Request) -> Work:
        for key in _keys(request.headers):
            if caller := await accounts.caller_of(runtime, key, Surface.REST):
                return Work(runtime, caller).because(_reason(request.headers))
        raise Unauthorized("A valid API key is required: send it as Authorization: Bearer buyside_….")

    return authenticate


def _keys(headers: Headers) -> Iterator[str]:
    scheme, _, key = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        yield key.strip()
    if other := headers.get("x-scope3-api-key"):
        yield other.strip()


def _reason(headers: Headers) -> str | None:
    given = headers.get("x-reason")
    if given is None or not given.strip():
        return None
    try:
        text = given.encode("latin-1").decode()  # headers are read as Latin-1; people write UTF-8
    except UnicodeDecodeError:
        text = given
    text = text.strip()
    if len(text) > LONGEST_REASON or not storable(text):
        raise BadRequest(f"X-Reason has at most {LONGEST_REASON} characters.", field="X-Reason")
    return text

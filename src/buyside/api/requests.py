"""How a request is taken in: the caller first, then the body, strictly, before a route sees either."""

from __future__ import annotations

import math
import re
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Annotated, Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.routing import APIRoute
from pydantic import BeforeValidator
from starlette.routing import Match
from starlette.types import Scope

from buyside.api.ratelimit import RateLimit
from buyside.domain.errors import BadRequest, NotFound, NotImplementedYet, TooManyRequests
from buyside.domain.ids import (
    AdvertiserId,
    CampaignId,
    CreativeId,
    DecisionId,
    DiscoveryId,
    MediaBuyId,
    NotificationId,
    StorefrontId,
)
from buyside.schemas.ignored import ignored, names, sentence
from buyside.schemas.reading import parse, storable
from buyside.schemas.unsupported import refuse_unsupported
from buyside.schemas.wire import LARGEST_INT
from buyside.services.work import Work

BASE = "/api/v2/buyer"
_UNPRINTED = re.compile(r"[^\x21-\x7e]|,")
"""What a header cannot hold, or would split a list in it."""

Authenticate = Callable[[Request], Awaitable[Work]]
"""Reads the credential of a request. Raises: Unauthorized."""


async def identify(request: Request) -> Work:
    """The caller of this request, counted against the account's rate. Raises: Unauthorized, TooManyRequests."""
    authenticate: Authenticate = request.app.state.authenticate
    limit: RateLimit = request.app.state.rate_limit
    work = await authenticate(request)
    standing = limit.count(work.caller.account)
    request.scope["rate"] = standing
    if standing.exceeded:
        raise TooManyRequests(math.ceil(standing.reset))
    request.state.work = work
    return work


class Operation(APIRoute):
    """One operation of the API."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **rest: Any) -> None:
        super().__init__(path, endpoint, **rest)
        self._head, self._depth = path.partition("{")[0], path.count("/")

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        # Most routes differ in their beginning or their depth, which is a tenth of the price of trying the pattern.
        path = scope["path"]
        if not scope.get("root_path") and (path.count("/") != self._depth or not path.startswith(self._head)):
            return Match.NONE, {}
        return super().matches(scope)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def first(request: Request) -> Response:
            await identify(request)
            _refuse_unstorable(request.scope)
            body = await _read(request) if self.body_field is not None else None
            refuse_unsupported(self.operation_id or "", body, _asked(request))
            overlooked = self._overlooked(request, body)
            response = await handle(request)
            if overlooked:
                response.headers["X-Ignored-Fields"] = ", ".join(
                    _UNPRINTED.sub("?", path)[:100] or "?" for path in overlooked
                )
            return response

        return first

    def _overlooked(self, request: Request, body: object) -> list[str]:
        request.state.ignored = ()
        if not isinstance(body, dict) or self.body_field is None:
            return []
        kind: Any = self.body_field.field_info.annotation
        found = ignored(kind, body)
        request.state.ignored = [sentence(path, names(kind)) for path in found]
        return found


def router(tag: str) -> APIRouter:
    """Routes of one noun under the buyer base, each an `Operation`."""
    return APIRouter(prefix=BASE, tags=[tag], route_class=Operation, strict_content_type=False)


async def _work(request: Request) -> Work:
    work: Work = request.state.work
    return work


Signed = Annotated[Work, Depends(_work)]
"""The caller's work, in a route's parameters."""


async def _ignored(request: Request) -> Sequence[str]:
    said: Sequence[str] = request.state.ignored
    return said


Ignored = Annotated[Sequence[str], Depends(_ignored)]
"""A sentence for each field of the body that is not known, for answers that have warnings."""


def _refuse_unstorable(scope: Scope) -> None:
    query: bytes = scope.get("query_string", b"")
    if not storable(scope["path"]) or b"%00" in query or b"\0" in query:
        raise BadRequest("The address holds a character that cannot be stored.")


async def _read(request: Request) -> object:
    """The JSON body, exact, kept where FastAPI will look for it. None when there is none."""
    text = await request.body()
    if not text.strip():
        request._body = b""
        return None
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        raise NotImplementedYet("Uploading files is not supported yet; send JSON.")
    if kind and kind != "application/json" and not kind.endswith("+json"):
        raise BadRequest("Send JSON, with Content-Type: application/json.")
    request._json = parse(text)
    return request._json


def _asked(request: Request) -> dict[str, list[str]]:
    query = request.scope.get("query_string", b"")
    return parse_qs(query.decode("latin-1"), keep_blank_values=True) if query else {}


# ---- what a path may name


def _advertiser(value: object) -> object:
    # A word that is no number names no advertiser: the same answer as for an unknown number.
    text = str(value)
    if not (text.isascii() and text.isdecimal()) or not 1 <= len(text) <= 15:
        raise NotFound(f"There is no advertiser {text[:100]}.")
    return int(text)


AdvertiserPath = Annotated[AdvertiserId, BeforeValidator(_advertiser), Path(alias="advertiserId")]
CampaignPath = Annotated[CampaignId, Path(alias="campaignId", min_length=1, max_length=255)]
MediaBuyPath = Annotated[MediaBuyId, Path(alias="mediaBuyId", min_length=1, max_length=255)]
DiscoveryPath = Annotated[DiscoveryId, Path(alias="discoveryId", min_length=1, max_length=255)]
CreativePath = Annotated[CreativeId, Path(alias="creativeId", min_length=1, max_length=255)]
DecisionPath = Annotated[DecisionId, Path(alias="decisionId", min_length=1, max_length=255)]
NotificationPath = Annotated[NotificationId, Path(alias="notificationId", min_length=1, max_length=255)]
StorefrontPath = Annotated[StorefrontId, Path(alias="storefrontId", ge=1, le=LARGEST_INT)]
ProductPath = Annotated[str, Path(alias="productId", min_length=1, max_length=1024)]
SourcePath = Annotated[str, Path(alias="sourceId", min_length=1, max_length=255)]


# ---- what a query may ask


def _words(value: object) -> object:
    """Repeated keys and comma lists alike."""
    if isinstance(value, list):
        return [word.strip() for each in value for word in str(each).split(",") if word.strip()]
    return value


Words = BeforeValidator(_words)
"""In a query: `Annotated[list[X] | None, Words, Query(alias="x")] = None`."""
AdvertiserFilter = Annotated[str | None, Query(alias="advertiserId", pattern=r"^[0-9]{1,15}$")]
Preview = Annotated[bool, Query(description="Only show what would be done: nothing is called, nothing is written.")]

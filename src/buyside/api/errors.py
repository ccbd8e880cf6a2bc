"""What an error is on the wire: one table from class to status, one shape for all."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Sequence
from decimal import Decimal
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from buyside.api import not_built
from buyside.api.requests import identify
from buyside.domain import errors
from buyside.domain.errors import BuysideError, Invalid, Issue, Path
from buyside.schemas.errors import error_body
from buyside.schemas.wire import as_number

log = logging.getLogger(__name__)

STATUS: dict[type[BuysideError], int] = {
    errors.Invalid: 400,
    errors.IllegalTransition: 400,
    errors.CurrencyMismatch: 400,
    errors.BadRequest: 400,
    errors.Unauthorized: 401,
    errors.Forbidden: 403,
    errors.FeatureNotEnabled: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.InsufficientMediaBudget: 409,
    errors.TooLarge: 413,
    errors.TooManyRequests: 429,
    errors.NotImplementedYet: 501,
    errors.ServiceUnavailable: 503,
    errors.StoreUnavailable: 503,
    errors.RateLimited: 503,
    errors.Rejected: 422,
    errors.RefusedCredentials: 422,
    errors.Unavailable: 503,
    errors.OutcomeUnknown: 503,
}
UNEXPECTED = error_body("INTERNAL_ERROR", "Something went wrong on this server; it has been logged.", "transient")


def status_of(error: BuysideError) -> int:
    return next(STATUS[each] for each in type(error).__mro__ if each in STATUS)


def refusal(error: BuysideError) -> Response:
    details = dict(error.details)
    if error.issues:
        details["issues"] = [{"code": i.code, "path": list(i.path), "message": i.message} for i in error.issues]
    body = error_body(error.code, error.message, error.recovery, field=error.field, details=details)
    headers = {}
    if isinstance(error, errors.Unauthorized):
        headers["WWW-Authenticate"] = "Bearer"
    if (wait := getattr(error, "retry_after", None)) is not None:
        headers["Retry-After"] = str(max(1, math.ceil(wait)))
    return _json(body, status_of(error), headers)


def _json(body: dict[str, Any], status: int, headers: dict[str, str] | None = None) -> Response:
    text = json.dumps(body, default=_shown, ensure_ascii=False)
    return Response(text.encode("utf-8", "replace"), status, headers, media_type="application/json")


def _shown(value: object) -> object:
    return as_number(value) if isinstance(value, Decimal) else str(value)


# ---- the body against its schema


def findings(problems: Sequence[Any], body: object = None) -> Invalid:
    """Every finding of a validation, under the names that the caller used."""
    return Invalid.of([_issue(each, body) for each in problems])


def _issue(problem: Any, body: object) -> Issue:
    place, *steps = problem["loc"]
    message = str(problem["msg"]).removeprefix("Value error, ")
    if place != "body":
        path: Path = tuple(steps)
    else:
        path = _walked(steps, body)
        if (at := problem.get("ctx", {}).get("at")) is not None:
            path = (*path, at)
        if not steps and problem["type"] == "missing":
            message = "A JSON body is required"
    return Issue(path, message, str(problem["type"]))


def _has(body: Any, step: str | int) -> bool:
    if isinstance(body, list):
        return isinstance(step, int) and step < len(body)
    return isinstance(body, dict) and step in body


_A_KEY = "[key]"
"""How pydantic says that it is the name itself, not its value, that is wrong."""


def _walked(steps: Sequence[str | int], body: Any) -> Path:
    """The steps that are in the body, and a last one that is missing from it; union tags between them left out.

    A tag may be called like a field beside it: nothing is below a field that holds no object and no list.
    """
    path: list[str | int] = []
    if steps and steps[-1] == _A_KEY:
        steps = steps[:-1]
    for index, step in enumerate(steps):
        last = index == len(steps) - 1
        if _has(body, step) and (last or isinstance(body[step], dict | list)):
            body = body[step]
        elif not last or not isinstance(body, dict):
            continue
        path.append(step)
    return tuple(path)


# ---- handlers


async def _expected(request: Request, error: Exception) -> Response:
    assert isinstance(error, BuysideError)
    return refusal(error)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return refusal(findings(error.errors(), error.body))


async def _http(request: Request, error: Exception) -> Response:
    """What the framework refuses: an address that is nobody's, or another method than the address has."""
    assert isinstance(error, HTTPException)
    if error.status_code in {404, 405}:
        return await _nowhere(request)
    phrase = HTTPStatus(error.status_code).phrase
    code = "BAD_REQUEST" if error.status_code < 500 else "INTERNAL_ERROR"
    return _json(error_body(code, phrase, "correctable"), error.status_code, dict(error.headers or {}))


async def _nowhere(request: Request) -> Response:
    here = not_built.at(request.method, request.url.path)
    if here is not None:
        try:
            await identify(request)
        except BuysideError as refused:
            return refusal(refused)
        return refusal(not_built.answer(here))
    allowed = not_built.methods(request)
    if allowed:
        body = error_body("METHOD_NOT_ALLOWED", f"This address takes {', '.join(allowed)}.", "correctable")
        return _json(body, 405, {"Allow": ", ".join(allowed)})
    return refusal(errors.NotFound("There is nothing at this address."))


def install(app: FastAPI) -> None:
    app.add_exception_handler(BuysideError, _expected)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


class Unexpected:
    """An error that nobody foresaw: logged with its stack, answered without a word about it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except BuysideError as expected:
            # Raised outside the routes, such as by the size limit while a body is read.
            if started:
                raise
            await refusal(expected)(scope, receive, send)
        except Exception:
            log.exception("%s %s failed", scope["method"], scope["path"])
            if started:
                raise
            await _json(UNEXPECTED, 500)(scope, receive, send)

"""The one shape of every refusal."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from buyside.schemas.wire import Maybe, Response

Recovery = Literal["transient", "correctable", "terminal"]


class ErrorIssue(Response):
    code: str
    path: list[str | int]
    message: str


class ErrorDetails(Response):
    """What is known beyond the message. `recovery` says whether to wait, to change the request, or to give up."""

    model_config = ConfigDict(extra="allow")

    recovery: Recovery
    issues: Maybe[list[ErrorIssue]] = None


class ApiError(Response):
    code: Annotated[str, Field(description="Stable word for programs, such as VALIDATION_ERROR.")]
    message: Annotated[str, Field(description="A sentence for people; safe to show.")]
    field: Annotated[Maybe[str], Field(description="Dotted path of the first offending field.")] = None
    details: ErrorDetails


class ErrorResponse(Response):
    data: None = None
    error: ApiError


class PaginationMeta(Response):
    skip: int
    take: int
    total: int
    has_more: bool


def error_body(
    code: str, message: str, recovery: Recovery, *, field: str | None = None, details: dict[str, Any] | None = None
) -> dict[str, Any]:
    error: dict[str, Any] = {"code": code, "message": message}
    if field:
        error["field"] = field
    return {"data": None, "error": {**error, "details": {**(details or {}), "recovery": recovery}}}

"""Answers. A payload travels bare, or wrapped in {data, error} by setting or by `X-Envelope` (interchange.md 1.3)."""

from __future__ import annotations

import json
from typing import Literal

from pydantic import BaseModel
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from buyside.api.paging import PageMeta

Envelope = Literal["bare", "wrapped"]


class Reply(Response):
    """JSON bytes that are wrapped on the way out, where wrapping is asked for, without being read again."""

    media_type = "application/json"

    def __init__(self, payload: bytes, status: int = 200, meta: PageMeta | None = None) -> None:
        super().__init__(payload, status)
        self._meta = meta

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.status_code != 204 and _mode(scope) == "wrapped":
            meta = b"" if self._meta is None else b',"meta":' + json.dumps({"pagination": self._meta}).encode()
            self.body = b"".join((b'{"data":', self.body, b',"error":null', meta, b"}"))
            self.headers["content-length"] = str(len(self.body))
        await super().__call__(scope, receive, send)


def _mode(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-envelope":
            asked = value.decode("latin-1").strip().lower()
            if asked in {"bare", "wrapped"}:
                return str(asked)
    default: str = scope["app"].state.envelope
    return default


def reply(payload: BaseModel, status: int = 200, *, meta: PageMeta | None = None) -> Reply:
    """The payload as the contract declares it. `meta` is shown in wrapped mode only."""
    return Reply(payload.__pydantic_serializer__.to_json(payload, by_alias=True), status, meta)


def reply_json(payload: bytes, status: int = 200, *, meta: PageMeta | None = None) -> Reply:
    """The same for bytes that are JSON already, such as stored ones."""
    return Reply(payload, status, meta)


def nothing() -> Reply:
    """204."""
    return Reply(b"", 204)

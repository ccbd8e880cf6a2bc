"""The public API over HTTP, and the sandbox sellers' own switches. Nothing here knows the server's code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import httpx

from demo.checks import Failed

Doc = dict[str, Any]
_SECONDS = 60


class REST:
    """JSON over HTTP. Amounts are read as Decimal or int, never as float."""

    def __init__(self, base: str, headers: Mapping[str, str] | None = None) -> None:
        self.base = base
        # A proxy of the user's has no business on loopback.
        self._client = httpx.Client(timeout=_SECONDS, headers=headers, trust_env=False)

    def get(self, path: str, **query: str | int) -> Doc:
        return self._sent("GET", path, params=query)

    def post(self, path: str, body: Doc | None = None, *, because: str | None = None) -> Doc:
        """`because`: the reason that the decision log keeps."""
        return self._sent("POST", path, json=body, headers={"X-Reason": because} if because else None)

    def _sent(self, method: str, path: str, **options: Any) -> Doc:
        try:
            response = self._client.request(method, self.base + path, **options)
            answer = json.loads(response.content, parse_float=Decimal)
        except (httpx.HTTPError, ValueError) as error:
            raise Failed(f"{method} {path} got no answer to read: {error!r}") from None
        if response.is_error or not isinstance(answer, dict):
            raise Failed(f"{method} {path} answered {response.status_code}: {response.text[:600]}")
        return answer

"""One call at a time: the key in a header, either envelope, and every failure in words that hold no secret."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

BASE = "/api/v2/buyer"
PATIENCE = 60.0
"""Seconds that an answer may take: more than the server gives its sellers."""
CONNECT = 5.0


class ClientError(Exception):
    """Why there is no answer to show, in one sentence."""


class Unheard(ClientError):
    """Nobody answered, or not in the API's words. What was asked for may have been done all the same."""


class Refused(ClientError):
    """The server said no."""

    def __init__(self, status: int, code: str, message: str, at: str | None, details: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.field, self.details = status, code, message, at, details


@dataclass
class Client:
    """A connection to one server with one key. Use it as a context manager."""

    url: str
    key: str = field(repr=False)
    timeout: float = PATIENCE
    transport: httpx.BaseTransport | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise ClientError("The server's address should be like https://buyside.example.com.")
        if parts.username is not None or parts.password is not None:
            raise ClientError("The server's address should hold no user or password; the key goes with each call.")
        if not self.key or not all("!" <= letter <= "~" for letter in self.key):
            raise ClientError("The API key is empty, or holds a character that no key has.")
        self._http = httpx.Client(
            base_url=self.url.rstrip("/") + BASE,
            headers={"Authorization": f"Bearer {self.key}", "Accept": "application/json"},
            timeout=httpx.Timeout(self.timeout, connect=min(CONNECT, self.timeout)),
            transport=self.transport,
            trust_env=not _is_loopback(parts.hostname),
            follow_redirects=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def call(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, **query: str | int | bool | None
    ) -> dict[str, Any]:
        """The payload, out of its envelope if it came in one. Raises: Refused, Unheard."""
        asked = {name: value for name, value in query.items() if value is not None}
        try:
            answer = self._http.request(method, path, json=body, params=asked)
        except httpx.ConnectTimeout:
            raise Unheard(f"No connection to {self.url} within {min(CONNECT, self.timeout):g} seconds.") from None
        except httpx.TimeoutException:
            raise Unheard(
                f"{self.url} did not answer within {self.timeout:g} seconds; what was asked for may have been done."
            ) from None
        except httpx.ConnectError:
            raise Unheard(f"Nobody answers at {self.url}: is the server running there?") from None
        except httpx.HTTPError:
            raise Unheard(
                f"The connection to {self.url} was cut before the answer came; what was asked for may have been done."
            ) from None
        return self._payload(answer)

    def _payload(self, answer: httpx.Response) -> dict[str, Any]:
        try:
            body = answer.json()
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise Unheard(f"{self.url} answered {answer.status_code}, but not as a buyside server does.")
        if answer.is_success:
            wrapped = set(body) - {"meta"} == {"data", "error"}
            payload = body["data"] if wrapped else body
            if isinstance(payload, dict):
                return payload
            raise Unheard(f"{self.url} answered {answer.status_code}, but not as a buyside server does.")
        error = body.get("error")
        if not isinstance(error, dict):
            raise Unheard(f"{self.url} answered {answer.status_code}, but not as a buyside server does.")
        raise Refused(
            answer.status_code,
            str(error.get("code") or "ERROR"),
            str(error.get("message") or f"The server answered {answer.status_code}."),
            str(error["field"]) if error.get("field") else None,
            error["details"] if isinstance(error.get("details"), dict) else {},
        )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

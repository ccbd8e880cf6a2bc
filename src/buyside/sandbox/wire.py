"""What MCP and A2A share on the wire: JSON-RPC envelopes, credentials, and answers that break off."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request as HTTPRequest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from buyside.sandbox import Doc, codec
from buyside.sandbox.calls import Gone
from buyside.sandbox.seller import Seller

PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS = -32700, -32600, -32601, -32602


def json_response(doc: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(codec.dumps(doc), status, headers, media_type="application/json")


def result(identity: object, doc: object) -> Doc:
    return {"jsonrpc": "2.0", "id": identity, "result": doc}


def error(identity: object, code: int, message: str, data: object = None) -> Doc:
    body: Doc = {"code": code, "message": message}
    return {"jsonrpc": "2.0", "id": identity, "error": {**body, "data": data} if data is not None else body}


class BrokenOff(Response):
    """An answer that promises a body and never brings it: the server then closes the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"application/json"), (b"content-length", b"65536")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})


@dataclass(frozen=True)
class Message:
    """One JSON-RPC message; without an id it is a notification, without a method a response."""

    id: Any
    method: str
    params: Doc


class NotJSONRPC(ValueError):
    """The body is no JSON-RPC message. `answer` is what to say to that."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.answer = error(None, code, text)


async def message(request: HTTPRequest) -> Message:
    """Raises: NotJSONRPC."""
    try:
        body = codec.loads(await request.body())
    except ValueError:
        raise NotJSONRPC(PARSE_ERROR, "The body is not JSON.") from None
    if not isinstance(body, dict) or body.get("jsonrpc") != "2.0":
        raise NotJSONRPC(INVALID_REQUEST, "The body is not one JSON-RPC 2.0 message.")
    params = body.get("params") or {}
    if not isinstance(params, dict):
        raise NotJSONRPC(INVALID_REQUEST, "params is an object.")
    return Message(body.get("id"), str(body.get("method") or ""), params)


def principal(request: HTTPRequest) -> str:
    """Stands for the credential that was presented, without being it."""
    presented = request.headers.get("authorization") or request.headers.get("x-adcp-auth")
    return hashlib.sha256(presented.encode()).hexdigest()[:16] if presented else "anonymous"


def gone(request: HTTPRequest) -> Gone:
    async def until_gone() -> None:
        # The body was read whole, so the next thing there is to receive is that the client went away.
        await request.receive()

    return until_gone


def refused_at_the_door(seller: Seller, request: HTTPRequest) -> Response | None:
    """401 when what is required of every caller is not presented."""
    faults, headers = seller.faults, request.headers
    if faults.on("unauthorized"):
        return _unauthorized("AUTH_INVALID")
    if fault := faults.find("require_token"):
        presented = headers.get("authorization", "").removeprefix("Bearer ") or headers.get("x-adcp-auth")
        if presented != fault.value:
            return _unauthorized("AUTH_INVALID" if presented else "AUTH_REQUIRED")
    if fault := faults.find("require_headers"):
        for pair in fault.value.split(";"):
            name, _, value = pair.partition(":")
            if headers.get(name.strip()) != value.strip():
                return _unauthorized("AUTH_REQUIRED")
    return None


def _unauthorized(code: str) -> Response:
    text = "Credentials are missing or wrong."
    recovery = "terminal" if code == "AUTH_INVALID" else "correctable"
    body = error(None, -32028, text, {"adcp_error": {"code": code, "message": text, "recovery": recovery}})
    return json_response(body, 401, {"www-authenticate": "Bearer"})

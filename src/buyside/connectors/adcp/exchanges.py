"""One call as it went over the wire, for whoever debugs it, without secrets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from buyside.connectors.adcp.connections import redactor
from buyside.connectors.adcp.outcome import HTTPRefusal, NoAnswer, NotSent, Reply, RPCError, TaskResult, ToolResult
from buyside.connectors.adcp.wire import loads
from buyside.domain.answers import Dropped, Exchange
from buyside.domain.storefronts import Seller


def exchange(seller: Seller, tool: str, body: bytes, reply: Reply, dropped: tuple[Dropped, ...]) -> Exchange:
    hide = redactor(seller)
    profile = seller.profile
    request = {
        "protocol": (profile.transport if profile else seller.protocol).value,
        "endpoint": _address(profile.endpoint if profile else seller.endpoint),
        "headers": {name: "[redacted]" for name in sorted(seller.headers)},
        "tool": tool,
        "arguments": loads(body),
    }
    log: list[Mapping[str, Any]] = [{"event": "dropped", "path": each.path, "reason": each.reason} for each in dropped]
    shown = _shown(reply)
    if shown is None:
        log.append({"event": "failed", "message": hide.text(getattr(reply, "reason", ""))})
    return Exchange(hide.value(request), hide.value(shown), tuple(log))


def _shown(reply: Reply) -> dict[str, Any] | None:
    match reply:
        case NotSent() | NoAnswer():
            return None
        case HTTPRefusal(status, body, retry_after):
            return {"status": status, "body": body, "retryAfter": retry_after}
        case RPCError(code, message, data):
            return {"error": {"code": code, "message": message, "data": data}}
        case ToolResult(result) | TaskResult(result):
            return {"result": result}


def _address(endpoint: str) -> str:
    """Without user and query: both may be secrets."""
    bare = endpoint.partition("?")[0].partition("#")[0]
    scheme, slashes, rest = bare.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{slashes}{host.rpartition('@')[2]}{slash}{path}" if slashes else bare

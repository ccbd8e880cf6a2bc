"""What a reply means: the one place where the outcome of a call to a seller is decided.

Pure. The order of evidence (AdCP transport errors and error handling): the transport's own failure, `adcp_error`,
`errors[]` without an artifact, a task to follow, input wanted, and only then an artifact. A status word alone proves
nothing: "completed" is said of refusals too. For a write, what does not prove either way is UNKNOWN.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from buyside.connectors.adcp.codes import UNSETTLED, is_guess, recovery_of
from buyside.connectors.adcp.reading import items, mapping, number, text
from buyside.connectors.adcp.wire import Unreadable, freeze, loads
from buyside.domain.answers import Answer, Outcome, Recovery, SellerError

MAX_ERROR_BYTES = 4096
MAX_MESSAGE = 2000
MAX_RETRY_AFTER = 3600.0
"""Seconds; a seller that names more is not obeyed further (AdCP transport errors)."""


@dataclass(frozen=True)
class NotSent:
    """The request never left, or provably never began."""

    reason: str
    code: str = "UNREACHABLE"
    retry_after: float | None = None


@dataclass(frozen=True)
class NoAnswer:
    """The request may have left, and nothing that can be read came back."""

    reason: str


@dataclass(frozen=True)
class HTTPRefusal:
    status: int
    body: Any = None
    retry_after: float | None = None


@dataclass(frozen=True)
class RPCError:
    code: int
    message: str = ""
    data: Any = None


@dataclass(frozen=True)
class ToolResult:
    """The result of an MCP tools/call."""

    result: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TaskResult:
    """The result of an A2A SendMessage or GetTask: a task, a wrapped task, or a message."""

    result: Mapping[str, Any] = field(default_factory=dict)


Reply = NotSent | NoAnswer | HTTPRefusal | RPCError | ToolResult | TaskResult

# What each write answers with when it took effect. `update_media_buy` echoes the id in refusals too.
_ARTIFACTS = {
    "create_media_buy": ("media_buy_id",),
    "update_media_buy": (
        *("revision", "affected_packages", "packages", "media_buy_status", "implementation_date", "valid_actions"),
        *("available_actions", "total_budget"),
    ),
    "sync_creatives": ("creatives",),
    "sync_accounts": ("accounts",),
}
WRITES = frozenset(_ARTIFACTS)
FOLLOWED = "a followed task"
"""In place of a tool's name, for the result of a task whose tool is not known: anything beyond the envelope will do."""

# Statuses with which an HTTP server turns a request away before anything behind it has begun. 400 and 422 have been
# read by the seller, and refused.
_AT_THE_DOOR = frozenset({301, 307, 308, 401, 403, 404, 405, 406, 410, 411, 413, 414, 415, 421, 426, 429, 431})
_UNREAD = frozenset({400, 422})
# JSON-RPC's own refusals, AdCP's transport-level ones (-32027 … -32029), and A2A's (-32004, -32005, -32009).
_RPC_REFUSALS = frozenset({-32700, -32600, -32601, -32602, -32027, -32028, -32029, -32004, -32005, -32009})
_RPC_WORDS = {-32029: "RATE_LIMITED", -32028: "AUTH_REQUIRED", -32027: "SERVICE_UNAVAILABLE"}
_HTTP_WORDS = {401: "AUTH_REQUIRED", 403: "PERMISSION_DENIED", 429: "RATE_LIMITED", 503: "SERVICE_UNAVAILABLE"}
# How MCP servers word that the arguments were refused before the tool ran.
_PRE_EXECUTION = re.compile(
    r"unexpected keyword argument|validation errors? for call\[|input validation error|unknown tool|tool .* not found"
    r"|extra inputs are not permitted",
    re.IGNORECASE,
)
_FAILED = frozenset({"failed", "rejected", "canceled", "cancelled"})


def decide(reply: Reply, tool: str) -> Answer:
    """The outcome of one call of `tool`."""
    match reply:
        case NotSent(reason, code, retry_after):
            error = SellerError(code, reason, Recovery.TRANSIENT, retry_after)
            return Answer(Outcome.REJECTED, error=error, reached=False)
        case NoAnswer(reason):
            return Answer(Outcome.UNKNOWN, error=SellerError("NO_ANSWER", reason))
        case HTTPRefusal():
            return _of_http(reply)
        case RPCError():
            return _of_rpc(reply)
        case ToolResult(result):
            return _of_tool(result, tool)
        case TaskResult(result):
            return _of_task(result, tool)


def _of_http(reply: HTTPRefusal) -> Answer:
    body = reply.body if isinstance(reply.body, Mapping) else {}
    stated = valid_error(body.get("adcp_error")) or _rpc_error(body)
    at_the_door = reply.status in _AT_THE_DOOR
    if stated is not None:
        return replace(refused_by(seller_error(stated), {}), reached=not at_the_door)
    code = _HTTP_WORDS.get(reply.status, f"HTTP_{reply.status}")
    said = text(mapping(body, "error"), "message") or text(body, "message", "error_description", "detail", "error")
    message = f"The seller answered HTTP {reply.status}" + (f": {said}" if said else ".")
    guessed = {"code": code} if code in _HTTP_WORDS.values() else {"code": code, "recovery": "correctable"}
    error = seller_error({**guessed, "message": message, "retry_after": reply.retry_after})
    if at_the_door:
        return Answer(Outcome.REJECTED, error=error, reached=False)
    return Answer(Outcome.REJECTED if reply.status in _UNREAD else Outcome.UNKNOWN, error=error)


def _of_rpc(reply: RPCError) -> Answer:
    stated = valid_error(reply.data.get("adcp_error")) if isinstance(reply.data, Mapping) else None
    if stated is not None:
        return refused_by(seller_error(stated), {})
    code = _RPC_WORDS.get(reply.code, f"JSONRPC_{reply.code}")
    guessed = {} if reply.code in _RPC_WORDS else {"recovery": "correctable"}
    error = seller_error({"code": code, "message": reply.message or f"JSON-RPC error {reply.code}", **guessed})
    settled = reply.code in _RPC_REFUSALS or _PRE_EXECUTION.search(reply.message)
    return Answer(Outcome.REJECTED if settled else Outcome.UNKNOWN, error=error)


def _of_tool(result: Mapping[str, Any], tool: str) -> Answer:
    if result.get("isError") is True:
        stated = mcp_error(result)
        payload = _tool_payload(result)
        if stated is not None:
            return refused_by(seller_error(stated), payload)
        return of_errors(payload) or _generic(_said(result), payload)
    data = mcp_data(result)
    if data is None:
        return Answer(Outcome.UNKNOWN, error=unproved(_said(result) or "The reply has no content."))
    return of_payload(data, tool, None)


def _of_task(result: Mapping[str, Any], tool: str) -> Answer:
    task = _unwrapped(result)
    if task is None:
        return Answer(Outcome.UNKNOWN, error=unproved("The reply is not a task."))
    state, task_id = task_state(task), text(task, "id", "taskId")
    data = a2a_data(result)
    payload = data or {}
    match state:
        case "failed" | "rejected" | "canceled":
            stated = a2a_error(result)
            if stated is not None:
                return refused_by(seller_error(stated), payload)
            return of_errors(payload) or _generic(_task_said(task), payload, settled=state != "failed")
        case "submitted" | "working":
            return Answer(Outcome.PENDING, payload, task_id=text(payload, "task_id") or task_id)
        case "input-required" | "auth-required":
            return Answer(Outcome.NEEDS_INPUT, {"message": _task_said(task), **payload}, task_id=task_id)
    if data is None:
        return Answer(Outcome.UNKNOWN, error=unproved(_task_said(task) or "The task has no data."))
    return of_payload(data, tool, task_id)


def of_payload(data: Mapping[str, Any], tool: str, task_id: str | None) -> Answer:
    """From the AdCP payload of a reply that its transport calls a success."""
    status, artifact = text(data, "status"), has_artifact(data, tool)
    followed = text(data, "task_id") or task_id
    if not artifact:
        stated = valid_error(data.get("adcp_error")) if status in _FAILED else None
        refused = refused_by(seller_error(stated), data) if stated else of_errors(data)
        if refused is not None and status not in ("submitted", "working", "input-required"):
            return refused
        if status in ("rejected", "canceled", "cancelled"):
            return _generic(text(data, "message", "reason") or f"The seller answered {status}.", data, settled=True)
        if status == "failed":
            return _generic(text(data, "message") or "The seller answered failed.", data)
    if status == "submitted" or (status == "working" and followed):
        return Answer(Outcome.PENDING, data, task_id=followed)
    if status in ("input-required", "auth-required"):
        return Answer(Outcome.NEEDS_INPUT, data, task_id=followed)
    if not artifact:
        return Answer(Outcome.UNKNOWN, data, error=unproved(_unsaid(data, status)))
    return _of_artifact(data, tool, status)


def _of_artifact(data: Mapping[str, Any], tool: str, status: str | None) -> Answer:
    replayed = data.get("replayed") is True
    if tool == "create_media_buy" and "rejected" in (status, data.get("media_buy_status")):
        said = text(data, "rejection_reason", "message") or "The seller rejected the media buy."
        return Answer(Outcome.REJECTED, data, SellerError("REJECTED", said, Recovery.CORRECTABLE), replayed=replayed)
    if status == "failed" and (tool in WRITES or tool == FOLLOWED):
        said = text(data, "message") or "The seller answered failed, and yet names a result."
        return Answer(Outcome.UNKNOWN, data, unproved(said), replayed=replayed)
    return Answer(Outcome.ACCEPTED, data, replayed=replayed)


def _unsaid(data: Mapping[str, Any], status: str | None) -> str:
    stated = valid_error(data.get("adcp_error"))
    said = text(stated, "message") if stated else text(data, "message")
    return said or f"The seller answered {status or 'without a status'}, but with no result."


def has_artifact(data: Mapping[str, Any], tool: str) -> bool:
    """Whether the payload holds what the tool is there to give. A read may rightly answer with nothing."""
    if tool == FOLLOWED:
        return set(data) - _ENVELOPE != set()
    if tool not in _ARTIFACTS:
        status, errors = data.get("status"), data.get("errors")
        return set(data) - _ENVELOPE != set() or not (errors or status in _FAILED | {"submitted", "working"})
    wanted = _ARTIFACTS[tool]
    if tool == "update_media_buy" and not data.get("errors") and text(data, "media_buy_id"):
        return True
    return any(data.get(key) not in (None, "", []) for key in wanted)


_ENVELOPE_FIELDS = """
status task_id message context_id context timestamp replayed adcp_error errors ext adcp_version adcp_major_version
sandbox success
"""
_ENVELOPE = frozenset(_ENVELOPE_FIELDS.split())


def refused_by(error: SellerError, data: Mapping[str, Any]) -> Answer:
    return Answer(Outcome.UNKNOWN if error.code in UNSETTLED else Outcome.REJECTED, data, error)


def of_errors(data: Mapping[str, Any]) -> Answer | None:
    for each in items(data, "errors"):
        if (stated := valid_error(each)) is not None:
            return refused_by(seller_error(stated), data)
    if data.get("errors"):
        return _generic(text(data, "message") or "The seller answered errors that cannot be read.", data)
    return None


def _generic(said: str | None, data: Mapping[str, Any], *, settled: bool = False) -> Answer:
    """A failure without a code: settled only when it says that the tool never ran."""
    message = said or "The seller reports a failure and does not say which."
    if settled or _PRE_EXECUTION.search(message):
        error = seller_error({"code": "SELLER_ERROR", "message": message, "recovery": "correctable"})
        return Answer(Outcome.REJECTED, data, error)
    return Answer(Outcome.UNKNOWN, data, error=unproved(message))


def unproved(message: str) -> SellerError:
    return SellerError("UNREADABLE_ANSWER", message[:MAX_MESSAGE])


# Extraction. Source: AdCP transport errors and response extraction, as its test vectors have it.


def mcp_data(result: Mapping[str, Any]) -> dict[str, Any] | None:
    """The AdCP payload of a successful tool result; None when there is none, or only an error."""
    if result.get("isError") is True:
        return None
    payload = _tool_payload(result, default=None)
    return None if payload is None or set(payload) == {"adcp_error"} else payload


def mcp_error(message: Mapping[str, Any]) -> dict[str, Any] | None:
    """The AdCP error of a tool result that is one, or of a JSON-RPC error response."""
    if isinstance(message.get("error"), Mapping):
        return _rpc_error(message)
    if message.get("isError") is not True:
        return None
    structured = message.get("structuredContent")
    if isinstance(structured, Mapping) and (stated := valid_error(structured.get("adcp_error"))):
        return stated
    return next((e for e in (valid_error(p.get("adcp_error")) for p in _text_payloads(message)) if e), None)


def _rpc_error(message: Mapping[str, Any]) -> dict[str, Any] | None:
    return valid_error(mapping(mapping(message, "error"), "data").get("adcp_error"))


def _tool_payload(result: Mapping[str, Any], default: Any = {}) -> Any:  # noqa: B006 - never written to
    structured = result.get("structuredContent")
    if isinstance(structured, Mapping):
        return dict(structured)
    return next(_text_payloads(result), default)


def _text_payloads(result: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for part in items(result, "content"):
        said = part.get("text")
        if isinstance(said, str) and said.lstrip().startswith("{"):
            try:
                payload = loads(said)
            except Unreadable:
                continue
            if isinstance(payload, dict):
                yield payload


def a2a_data(result: Mapping[str, Any]) -> dict[str, Any] | None:
    """The AdCP payload of a task: from its first artifact when it has ended, else from its status message."""
    task = _unwrapped(result)
    if task is None:
        return None
    if "parts" in task:
        found = _data_parts(task)
    else:
        ended = task_state(task) not in ("submitted", "working", "input-required", "auth-required")
        artifact = next(items(task, "artifacts"), {}) if ended else {}
        found = _data_parts(artifact) or _data_parts(mapping(mapping(task, "status"), "message"))
    payload = found[-1] if found else None
    return None if payload is None or is_wrapper(payload) else payload


def is_wrapper(payload: Mapping[str, Any]) -> bool:
    """`{"response": {…}}`: a mistake that AdCP forbids readers to forgive."""
    return set(payload) == {"response"} and isinstance(payload["response"], Mapping)


def a2a_error(result: Mapping[str, Any]) -> dict[str, Any] | None:
    """The AdCP error of a task that failed."""
    task = _unwrapped(result)
    if task is None or task_state(task) not in ("failed", "rejected", "canceled"):
        return None
    places = (*items(task, "artifacts"), mapping(mapping(task, "status"), "message"))
    for part in (part for place in places for part in _data_parts(place)):
        if stated := valid_error(part.get("adcp_error")):
            return stated
    return None


def _unwrapped(result: Mapping[str, Any]) -> Mapping[str, Any] | None:
    for key in ("task", "statusUpdate", "message"):
        if isinstance(result.get(key), Mapping) and "status" not in result:
            return mapping(result, key)
    return result if "status" in result or "parts" in result else None


def task_state(task: Mapping[str, Any]) -> str:
    """A2A 1.0's TASK_STATE_INPUT_REQUIRED and 0.3's input-required are one word here; a bare message has completed."""
    stated = text(mapping(task, "status"), "state")
    if stated is None:
        return "completed" if "parts" in task else "unknown"
    return stated.removeprefix("TASK_STATE_").lower().replace("_", "-").replace("cancelled", "canceled")


def _data_parts(place: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [part["data"] for part in items(place, "parts") if isinstance(part.get("data"), dict)]


def _said(result: Mapping[str, Any]) -> str | None:
    return next((said for part in items(result, "content") if (said := text(part, "text"))), None)


def _task_said(task: Mapping[str, Any]) -> str:
    places = (mapping(mapping(task, "status"), "message"), *items(task, "artifacts"), task)
    return next((said for place in places for part in items(place, "parts") if (said := text(part, "text"))), "")


def valid_error(stated: Any) -> dict[str, Any] | None:
    """An error object with a code, not larger than AdCP allows; anything else counts as none."""
    if not isinstance(stated, Mapping) or not isinstance(stated.get("code"), str) or not stated["code"]:
        return None
    return dict(stated) if len(freeze(stated)) <= MAX_ERROR_BYTES else None


def seller_error(stated: Mapping[str, Any]) -> SellerError:
    """Our form of an error that a seller states."""
    wait = number(stated, "retry_after")
    details = dict(mapping(stated, "details"))
    if issues := list(items(stated, "issues")):
        details.setdefault("issues", issues)
    return SellerError(
        code=str(stated.get("code"))[:255],
        message=(text(stated, "message") or str(stated.get("code")))[:MAX_MESSAGE],
        recovery=recovery_of(stated),
        retry_after=None if wait is None or wait < 0 else min(float(wait), MAX_RETRY_AFTER),
        field=text(stated, "field"),
        suggestion=text(stated, "suggestion"),
        details=details,
        assumed=is_guess(stated),
    )

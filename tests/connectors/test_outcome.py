"""What a reply proves about a write, and what it does not (ruling 0.3)."""

from __future__ import annotations

from typing import Any

import pytest

from buyside.connectors.adcp.outcome import (
    MAX_ERROR_BYTES,
    HTTPRefusal,
    NoAnswer,
    NotSent,
    Reply,
    RPCError,
    TaskResult,
    ToolResult,
    decide,
)
from buyside.connectors.adcp.tasks import followed, standing
from buyside.domain.answers import Answer, Outcome, Recovery

CREATE, UPDATE = "create_media_buy", "update_media_buy"


def tool(structured: dict[str, Any], **more: Any) -> ToolResult:
    return ToolResult({"content": [], "structuredContent": structured, **more})


def refusal(code: str, **more: Any) -> dict[str, Any]:
    return {"adcp_error": {"code": code, "message": "No.", **more}}


BOOKED = {"status": "completed", "media_buy_id": "mb_1", "packages": []}


@pytest.mark.parametrize(
    ("reply", "reached"),
    [
        (NotSent("no route"), False),
        *[(HTTPRefusal(status), False) for status in (401, 403, 404, 405, 406, 413, 415, 429, 307, 308)],
        *[(HTTPRefusal(status), True) for status in (400, 422)],
        *[(RPCError(code), True) for code in (-32700, -32600, -32601, -32602, -32027, -32028, -32029)],
        (HTTPRefusal(500, refusal("PRODUCT_NOT_FOUND")), True),
        (tool(refusal("BUDGET_TOO_LOW"), isError=True), True),
        (tool({"status": "completed", "errors": [{"code": "CONFLICT", "message": "stale"}]}), True),
        (tool({"status": "rejected", "media_buy_id": "mb_1", "rejection_reason": "sold out"}), True),
        (tool({"status": "completed", "media_buy_status": "rejected", "media_buy_id": "mb_1"}), True),
        (tool({"status": "rejected", "message": "no"}), True),
        (tool({"status": "failed", **refusal("POLICY_VIOLATION")}), True),
        (ToolResult({"isError": True, "content": [{"type": "text", "text": "Unknown tool: create_media_buy"}]}), True),
        (
            ToolResult(
                {
                    "isError": True,
                    "content": [
                        {"type": "text", "text": "1 validation error for call[x]\nname\n  Unexpected keyword argument"}
                    ],
                }
            ),
            True,
        ),
    ],
)
def test_a_create_is_rejected_only_on_proof(reply: Reply, reached: bool) -> None:
    answer = decide(reply, CREATE)
    assert (answer.outcome, answer.reached) == (Outcome.REJECTED, reached)
    assert answer.message


@pytest.mark.parametrize(
    "reply",
    [
        NoAnswer("cut"),
        *[HTTPRefusal(status) for status in (500, 502, 503, 504, 408, 409, 302, 303, 418)],
        *[RPCError(code) for code in (-32603, -32000, -32001, 0, 17)],
        ToolResult({}),
        tool({}),
        tool({"status": "completed"}),
        tool({"status": "completed", "message": "All done!"}),
        tool({"status": "working"}),
        tool({"status": "failed", "media_buy_id": "mb_1"}),
        tool(refusal("RATE_LIMITED")),
        ToolResult({"isError": True, "content": [{"type": "text", "text": "connection to database lost"}]}),
        ToolResult({"isError": True, "content": []}),
        ToolResult({"content": [{"type": "text", "text": "Your media buy was created."}]}),
        *[
            tool(refusal(code), isError=True)
            for code in (
                *("IDEMPOTENCY_IN_FLIGHT", "IDEMPOTENCY_EXPIRED", "IDEMPOTENCY_CONFLICT"),
                *("COMMITTED_RESOURCE_PURGED", "INTERNAL_ERROR"),
            )
        ],
        tool(refusal("X", message="m" * MAX_ERROR_BYTES), isError=True),
        TaskResult({"id": "t", "status": {"state": "failed"}}),
        TaskResult({"id": "t", "status": {"state": "completed"}}),
        TaskResult({"id": "t", "status": {"state": "unknown"}}),
        TaskResult({"kind": "nonsense"}),
    ],
)
def test_what_proves_nothing_leaves_a_create_unknown(reply: Reply) -> None:
    answer = decide(reply, CREATE)
    assert answer.outcome is Outcome.UNKNOWN
    assert answer.reached
    assert answer.message


@pytest.mark.parametrize(
    ("structured", "outcome"),
    [
        (BOOKED, Outcome.ACCEPTED),
        ({"status": "pending_creatives", "media_buy_id": "mb_1"}, Outcome.ACCEPTED),
        ({"media_buy_id": "mb_1"}, Outcome.ACCEPTED),
        ({**BOOKED, "errors": [{"code": "FORMAT_PROJECTION_FAILED", "message": "x"}]}, Outcome.ACCEPTED),
        ({"status": "submitted", "task_id": "t1"}, Outcome.PENDING),
        ({"status": "submitted", "task_id": "t1", "errors": [{"code": "ADVISORY", "message": "x"}]}, Outcome.PENDING),
        ({"status": "submitted"}, Outcome.PENDING),
        ({"status": "working", "task_id": "t1"}, Outcome.PENDING),
        ({"status": "input-required", "message": "Approve?"}, Outcome.NEEDS_INPUT),
        ({"status": "auth-required"}, Outcome.NEEDS_INPUT),
    ],
)
def test_a_result_is_judged_by_what_it_holds(structured: dict[str, Any], outcome: Outcome) -> None:
    assert decide(tool(structured), CREATE).outcome is outcome


def test_an_update_that_only_echoes_the_id_beside_errors_is_refused() -> None:
    stale = {"media_buy_id": "mb_1", "errors": [{"code": "CONFLICT", "message": "stale revision"}]}
    assert decide(tool(stale), UPDATE).outcome is Outcome.REJECTED
    assert decide(tool({"media_buy_id": "mb_1", "status": "canceled"}), UPDATE).outcome is Outcome.ACCEPTED
    assert decide(tool({"media_buy_id": "mb_1"}), UPDATE).outcome is Outcome.ACCEPTED


def test_a_read_may_rightly_answer_with_nothing() -> None:
    assert decide(tool({}), "get_media_buys").outcome is Outcome.ACCEPTED
    assert decide(tool({"status": "completed"}), "get_media_buys").outcome is Outcome.ACCEPTED
    assert decide(tool({"products": [], "errors": [{"code": "X", "message": "y"}]}), "get_products").outcome is (
        Outcome.ACCEPTED
    )


def test_a_replay_is_marked_as_history() -> None:
    assert decide(tool({**BOOKED, "replayed": True}), CREATE).replayed
    assert not decide(tool({**BOOKED, "replayed": "yes"}), CREATE).replayed


def error_of(stated: dict[str, Any]) -> Answer:
    return decide(tool({"adcp_error": stated}, isError=True), CREATE)


@pytest.mark.parametrize(
    ("stated", "recovery"),
    [
        ({"code": "RATE_LIMITED", "recovery": "terminal"}, Recovery.TERMINAL),
        ({"code": "X_OWN", "recovery": "correctable"}, Recovery.CORRECTABLE),
        ({"code": "ACCOUNT_SUSPENDED"}, Recovery.TERMINAL),
        ({"code": "VALIDATION_ERROR"}, Recovery.CORRECTABLE),
        ({"code": "X_OWN"}, Recovery.TRANSIENT),
        ({"code": "X_OWN", "recovery": "eventually"}, Recovery.TERMINAL),
    ],
)
def test_recovery_is_what_the_seller_says_then_what_the_code_implies(
    stated: dict[str, Any], recovery: Recovery
) -> None:
    error = error_of(stated).error
    assert error is not None
    assert (error.code, error.recovery) == (stated["code"], recovery)


def test_an_error_of_the_wrong_types_is_read_as_far_as_it_can_be() -> None:
    stated = {"code": "X", "message": 7, "field": [], "retry_after": "soon", "details": "d", "issues": [1, {"a": 1}]}
    error = error_of(stated).error
    assert error is not None
    assert (error.message, error.field, error.retry_after) == ("7", None, None)
    assert error.details == {"issues": [{"a": 1}]}


@pytest.mark.parametrize(("wait", "taken"), [(5, 5.0), (1.5, 1.5), (86400, 3600.0), (-1, None), ("9", 9.0)])
def test_a_wait_is_clamped_to_an_hour(wait: object, taken: float | None) -> None:
    error = error_of({"code": "RATE_LIMITED", "retry_after": wait}).error
    assert error is not None
    assert error.retry_after == taken


def test_retry_after_of_an_http_refusal_is_handed_on() -> None:
    error = decide(HTTPRefusal(429, None, 12.0), CREATE).error
    assert error is not None
    assert (error.code, error.recovery, error.retry_after) == ("RATE_LIMITED", Recovery.TRANSIENT, 12.0)


def test_an_a2a_task_that_only_holds_a_submitted_payload_is_pending_under_the_payloads_task() -> None:
    payload = {"status": "submitted", "task_id": "adcp_task"}
    task = {"id": "a2a_task", "status": {"state": "completed"}, "artifacts": [{"parts": [{"data": payload}]}]}
    assert decide(TaskResult({"task": task}), CREATE).task_id == "adcp_task"
    bare = {"id": "a2a_task", "status": {"state": "TASK_STATE_SUBMITTED"}}
    assert decide(TaskResult(bare), CREATE).task_id == "a2a_task"


def test_a_message_in_place_of_a_task_is_read_too() -> None:
    message = {"messageId": "m", "role": "ROLE_AGENT", "parts": [{"data": BOOKED}]}
    assert decide(TaskResult({"message": message}), CREATE).outcome is Outcome.ACCEPTED
    assert decide(TaskResult({"kind": "message", **message}), CREATE).data == BOOKED


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ({"status": "working"}, Outcome.PENDING),
        ({"status": "submitted"}, Outcome.PENDING),
        ({}, Outcome.PENDING),
        ({"status": "input-required", "message": "Sign the order."}, Outcome.NEEDS_INPUT),
        ({"status": "completed", "task_type": CREATE, "result": BOOKED}, Outcome.ACCEPTED),
        ({"status": "completed", "media_buy_id": "mb_1"}, Outcome.ACCEPTED),
        ({"status": "completed", "task_type": CREATE}, Outcome.UNKNOWN),
        ({"status": "completed", "task_type": CREATE, "result": {"status": "completed"}}, Outcome.UNKNOWN),
        ({"status": "failed", "error": {"code": "POLICY_VIOLATION", "message": "no"}}, Outcome.REJECTED),
        ({"status": "failed", "result": {"errors": [{"code": "X", "message": "no"}]}}, Outcome.REJECTED),
        ({"status": "rejected"}, Outcome.REJECTED),
        ({"status": "canceled", "message": "withdrawn"}, Outcome.REJECTED),
    ],
)
def test_a_followed_task_answers_for_the_call_that_started_it(status: dict[str, Any], outcome: Outcome) -> None:
    answer = standing(status, "t1")
    assert answer.outcome is outcome
    if outcome in (Outcome.PENDING, Outcome.NEEDS_INPUT):
        assert answer.task_id == "t1"


def test_a_followed_a2a_task_keeps_the_id_it_is_followed_by() -> None:
    assert followed(TaskResult({"status": {"state": "working"}}), "t1").task_id == "t1"

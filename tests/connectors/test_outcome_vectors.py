"""AdCP's own vectors: what a reply holds, which error it states, and what that error allows."""

from __future__ import annotations

import pytest

from buyside.connectors.adcp import outcome
from buyside.connectors.adcp.codes import RECOVERY
from buyside.connectors.adcp.outcome import RPCError, TaskResult, ToolResult
from buyside.domain.answers import Outcome
from buyside.domain.retries import Next, Tries, decide
from tests.connectors.vectors import Doc, vectors

pytestmark = pytest.mark.contract


@vectors("mcp-response-extraction.json")
def test_mcp_success_data_is_extracted(vector: Doc) -> None:
    assert outcome.mcp_data(vector["response"]) == vector["expected_data"]


@vectors("mcp-response-extraction.json")
def test_an_mcp_result_without_data_is_never_accepted(vector: Doc) -> None:
    answer = outcome.decide(ToolResult(vector["response"]), "get_products")
    if vector["expected_data"] is None:
        assert answer.outcome in (Outcome.REJECTED, Outcome.UNKNOWN)
    elif answer.outcome is Outcome.ACCEPTED:
        assert answer.data == vector["expected_data"]


@vectors("a2a-response-extraction.json")
def test_a2a_data_is_extracted(vector: Doc) -> None:
    assert outcome.a2a_data(vector["response"]) == vector["expected_data"]


@vectors("a2a-response-extraction.json")
def test_an_a2a_state_becomes_an_outcome(vector: Doc) -> None:
    expected = {
        "completed": (Outcome.UNKNOWN if vector["expected_data"] is None else Outcome.ACCEPTED,),
        "submitted": (Outcome.PENDING,),
        "working": (Outcome.UNKNOWN,) if "artifactUpdate" in vector["response"] else (Outcome.PENDING,),
        "input-required": (Outcome.NEEDS_INPUT,),
        "auth-required": (Outcome.NEEDS_INPUT,),
        "failed": (Outcome.REJECTED, Outcome.UNKNOWN),
        "rejected": (Outcome.REJECTED,),
        "canceled": (Outcome.REJECTED,),
    }[vector["status"]]
    answer = outcome.decide(TaskResult(vector["response"]), "get_products")
    assert answer.outcome in expected


@vectors("a2a-response-extraction.json")
def test_only_wrapped_data_is_called_a_wrapper(vector: Doc) -> None:
    parts = [
        part["data"]
        for artifact in vector["response"].get("artifacts", [])
        for part in artifact["parts"]
        if isinstance(part.get("data"), dict)
    ]
    assert any(map(outcome.is_wrapper, parts)) == (vector.get("expected_error_type") == "wrapper_detected")


def _error(vector: Doc) -> Doc | None:
    read = outcome.mcp_error if vector["transport"] == "mcp" else outcome.a2a_error
    return read(vector["response"])


@vectors("transport-error-mapping.json")
def test_the_stated_error_is_extracted_as_it_came(vector: Doc) -> None:
    assert _error(vector) == vector["expected_error"]


ACTIONS = {Next.RETRY: "retry", Next.CORRECT: "surface_to_caller", Next.ESCALATE: "escalate_to_human"}


@vectors("transport-error-mapping.json")
def test_the_stated_error_decides_what_happens_next(vector: Doc) -> None:
    stated = _error(vector)
    action = "generic_error" if stated is None else ACTIONS[decide(outcome.seller_error(stated), None).next]
    assert action == vector["expected_action"]


@vectors("transport-error-mapping.json")
def test_no_mapped_error_is_read_as_a_booking(vector: Doc) -> None:
    response = vector["response"]
    if "error" in response:
        reply: outcome.Reply = RPCError(
            response["error"]["code"], response["error"]["message"], response["error"].get("data")
        )
    else:
        reply = (ToolResult if vector["transport"] == "mcp" else TaskResult)(response)
    answer = outcome.decide(reply, "create_media_buy")
    assert answer.outcome in (Outcome.REJECTED, Outcome.UNKNOWN)
    assert answer.error is not None
    if vector["expected_error"]:
        assert answer.error.code == vector["expected_error"]["code"]


@vectors("error-recovery/vectors.json")
def test_an_error_is_retried_corrected_or_escalated(vector: Doc) -> None:
    error, expected, state = outcome.seller_error(vector["error"]), vector["expected"], vector["retry_state"]
    decision = decide(error, Tries(state["retries_attempted"], state["max_retries"]))
    assert (vector["error"]["code"] in RECOVERY) == expected["code_known"]
    assert error.recovery == expected["effective_recovery"]
    assert decision.next == expected["action"]
    assert (decision.next is Next.RETRY) == expected["automatic_retry"]
    if expected["schedule"] is not None:
        assert decision.wait == expected["schedule"].get("minimum_delay_seconds")

"""Where an asynchronous task stands, as the answer to the call that started it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from buyside.connectors.adcp.outcome import (
    FOLLOWED,
    WRITES,
    TaskResult,
    decide,
    of_errors,
    of_payload,
    refused_by,
    seller_error,
    unproved,
    valid_error,
)
from buyside.connectors.adcp.reading import mapping, text
from buyside.domain.answers import Answer, Outcome, Recovery, SellerError

# What a task status says of the task itself; the rest, where there is no `result`, is the result.
_FIELDS = """
task_id task_type protocol status message created_at updated_at completed_at has_webhook progress history error
errors context context_id timestamp ext adcp_version adcp_major_version domain
"""
_BOOKKEEPING = frozenset(_FIELDS.split())


def standing(data: Mapping[str, Any], task_id: str) -> Answer:
    """From a task status answer (get_task_status, tasks/get)."""
    status, named = text(data, "status"), text(data, "task_type")
    result = mapping(data, "result") or {key: each for key, each in data.items() if key not in _BOOKKEEPING}
    match status:
        case "completed":
            if not result:
                said = text(data, "message") or "The task is completed, and the seller gives no result."
                return Answer(Outcome.UNKNOWN, data, error=unproved(said))
            return of_payload(result, named if named in WRITES else FOLLOWED, None)
        case "failed" | "rejected" | "canceled":
            return _failed(data, result, status)
        case "input-required" | "auth-required":
            return Answer(Outcome.NEEDS_INPUT, {"message": text(data, "message") or "", **result}, task_id=task_id)
    return Answer(Outcome.PENDING, result, task_id=task_id)


def _failed(data: Mapping[str, Any], result: Mapping[str, Any], status: str) -> Answer:
    """The end of a task is the seller's own word, so it settles the call."""
    places = (data.get("error"), data.get("adcp_error"), result.get("adcp_error"))
    stated = next((found for each in places if (found := valid_error(each))), None)
    if stated is not None:
        return refused_by(seller_error(stated), result)
    listed = of_errors(data) or of_errors(result)
    if listed is not None and listed.outcome is Outcome.REJECTED:
        return listed
    said = text(mapping(data, "error"), "message") or text(data, "message") or f"The seller's task ended {status}."
    return Answer(Outcome.REJECTED, result, SellerError(f"TASK_{status.upper()}", said, Recovery.CORRECTABLE))


def followed(reply: TaskResult, task_id: str) -> Answer:
    """From the transport's own task (A2A)."""
    answer = decide(reply, FOLLOWED)
    return replace(answer, task_id=answer.task_id or task_id) if answer.outcome is Outcome.PENDING else answer

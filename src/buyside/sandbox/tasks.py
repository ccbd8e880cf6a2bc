"""Orders that take a person: the buyer holds a task id and asks how it stands."""

from __future__ import annotations

from datetime import datetime

from buyside.sandbox import Doc, times
from buyside.sandbox.paging import page
from buyside.sandbox.refusals import Refusal
from buyside.sandbox.seller import Request, Seller

OPEN = ("submitted", "input-required")
_SHOWN = ("task_id", "task_type", "status", "created_at", "updated_at", "completed_at", "message", "error")


def open_task(
    seller: Seller,
    request: Request,
    *,
    state: str,
    message: str = "The order waits for approval.",
    due: datetime | None = None,
    buy: Doc | None = None,
) -> Doc:
    """Keeps the order until it is decided on. Returns what the buyer is told."""
    stamp = seller.stamp()
    task: Doc = {
        "task_id": seller.new_id("task"),
        "task_type": request.tool,
        "principal": request.principal,
        "status": state,
        "message": message,
        "created_at": stamp,
        "updated_at": stamp,
        "buy": buy,
        "arguments": request.arguments,
    }
    seller.ledger.put("task", task["task_id"], task, owner=request.principal)
    if due is not None:
        seller.ledger.put("due", task["task_id"], {"task_id": task["task_id"], "at": times.written(due)})
    return {"status": state, "task_id": task["task_id"], "message": message}


def close_task(seller: Seller, task: Doc, state: str, at: datetime, **outcome: object) -> None:
    stamp = times.written(at)
    done = {} if state in OPEN else {"completed_at": stamp}
    seller.ledger.put("task", task["task_id"], {**task, "status": state, "updated_at": stamp, **done, **outcome})


def doc(task: Doc, *, result: bool, history: bool = False) -> Doc:
    """Source: AdCP 3.1, core/tasks-get-response.json."""
    shown = {name: task[name] for name in _SHOWN if task.get(name) is not None}
    shown |= {"protocol": "media_buy", "has_webhook": False}
    if history:
        asked = {"timestamp": task["created_at"], "type": "request", "data": task["arguments"]}
        shown["history"] = [asked]
    return {**shown, "result": task["result"]} if result and task.get("result") else shown


def status(seller: Seller, request: Request) -> Doc:
    arguments = request.arguments
    task = seller.ledger.get("task", str(arguments["task_id"]))
    if task is None or task["principal"] != request.principal:
        raise Refusal("REFERENCE_NOT_FOUND", "There is no such task.", field="task_id")
    return doc(task, result=arguments.get("include_result") is True, history=arguments.get("include_history") is True)


def listed(seller: Seller, request: Request) -> Doc:
    wanted = (request.arguments.get("filters") or {}).get("statuses")
    rows = [
        doc(task, result=False)
        for task in reversed(seller.ledger.all("task", owner=request.principal))
        if not wanted or task["status"] in wanted
    ]
    shown, pagination = page(rows, request.arguments)
    summary = {"total_matching": len(rows), "returned": len(shown)}
    return {"query_summary": summary, "tasks": shown, "pagination": pagination}

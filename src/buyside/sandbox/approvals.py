"""Deciding on what waits for a person: tasks, buys and creatives. By hand through /_sandbox, or when a task is due."""

from __future__ import annotations

from datetime import datetime

from buyside.sandbox import Doc, buys, changes, creatives, standing, tasks, times
from buyside.sandbox.refusals import Refusal
from buyside.sandbox.seller import Request, Seller

DECISIONS = ("approve", "reject", "input")


def settle(seller: Seller) -> None:
    """Approves what has become due by the simulated clock, as of the moment when it was."""
    now = seller.now()
    for due in seller.ledger.all("due"):
        if times.read(due["at"]) > now:
            continue
        seller.ledger.drop("due", due["task_id"])
        task = seller.ledger.get("task", due["task_id"])
        if task is not None and task["status"] == "submitted":
            _decide_task(seller, task, "approve", "", times.read(due["at"]))


def decide(seller: Seller, asked: Doc) -> Doc:
    """`asked` names a task_id, a media_buy_id or a creative_id. Raises: ValueError."""
    decision, message = str(asked.get("decision")), str(asked.get("message") or "")
    if decision not in DECISIONS:
        raise ValueError(f"decision is one of {', '.join(DECISIONS)}")
    now = seller.now()
    if task_id := asked.get("task_id"):
        task = seller.ledger.get("task", str(task_id))
        if task is None or task["status"] not in tasks.OPEN:
            raise ValueError(f"no open task {task_id!r}")
        return _decide_task(seller, task, decision, message, now)
    if buy_id := asked.get("media_buy_id"):
        buy = seller.ledger.get("media_buy", str(buy_id))
        if buy is None:
            raise ValueError(f"no media buy {buy_id!r}")
        return _decide_buy(seller, buy, decision, message, now)
    return _decide_creatives(seller, str(asked.get("creative_id")), decision)


def _decide_task(seller: Seller, task: Doc, decision: str, message: str, at: datetime) -> Doc:
    if decision == "input":
        tasks.close_task(seller, task, "input-required", at, message=message or "A person must look at this order.")
    elif decision == "reject":
        error = Refusal("POLICY_VIOLATION", message or "The order was declined.").doc()
        tasks.close_task(seller, task, "rejected", at, message=error["message"], error=error)
    else:
        _carry_out(seller, task, message, at)
    kept = seller.ledger.get("task", task["task_id"])
    assert kept is not None
    return tasks.doc(kept, result=True)


def _carry_out(seller: Seller, task: Doc, message: str, at: datetime) -> None:
    request = Request(task["task_type"], task["arguments"], principal=task["principal"])
    try:
        if task["buy"] is not None:
            buy = {**task["buy"], "confirmed_at": times.written(at), "updated_at": times.written(at)}
            standing.refresh(seller, buy, at)
            result = buys.created(seller, buy)
        else:
            buy = buys.find(seller, request)
            result = changes.applied(seller, request, buy, buy["account"], at)
    except Refusal as refusal:
        tasks.close_task(seller, task, "failed", at, message=refusal.message, error=refusal.doc())
        return
    context = {"context": task["arguments"]["context"]} if task["arguments"].get("context") else {}
    result = {"status": "completed", **result, **context}
    tasks.close_task(seller, task, "completed", at, message=message or "Approved.", result=result)


def _decide_buy(seller: Seller, buy: Doc, decision: str, message: str, at: datetime) -> Doc:
    """A buy that is paused stays so when it is approved."""
    if decision == "approve":
        buy |= {"approval": "approved", "confirmed_at": buy["confirmed_at"] or times.written(at)}
    elif decision == "reject":
        buy |= {"approval": "rejected", "rejection_reason": message or "The order was declined."}
    else:
        raise ValueError("a media buy can be approved or rejected")
    standing.note(buy, f"{decision}d" if decision == "approve" else "rejected", message, at=at, actor="seller")
    standing.refresh(seller, buy, at)
    return {"media_buy_id": buy["media_buy_id"], "media_buy_status": standing.status(seller, buy, at)}


def _decide_creatives(seller: Seller, creative_id: str, decision: str) -> Doc:
    status = {"approve": "approved", "reject": "rejected"}.get(decision)
    found = [creative for creative in seller.ledger.all("creative") if creative["creative_id"] == creative_id]
    if status is None or not found:
        raise ValueError(f"no creative {creative_id!r} to {decision}")
    for creative in found:
        seller.ledger.put("creative", f"{creative['account_id']}/{creative_id}", {**creative, "status": status})
        creatives.refresh_buys(seller, creative["account_id"], [creative_id])
    return {"creative_id": creative_id, "status": status}

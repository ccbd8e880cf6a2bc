"""Selling: create_media_buy, by packages or by proposal, and reading buys back."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from buyside.sandbox import Doc, accounts, amounts, codec, packages, proposals, standing, tasks, times, views
from buyside.sandbox.packages import Terms
from buyside.sandbox.paging import page
from buyside.sandbox.refusals import Refusal
from buyside.sandbox.seller import Request, Seller

# A buyer's clock may lag, and "today" began some hours ago; what lies further back is a mistake.
_LATE = timedelta(days=1)


def _flight(arguments: Doc, now: datetime) -> tuple[datetime, datetime]:
    start = now if arguments["start_time"] == "asap" else times.given(arguments["start_time"], "start_time")
    end = times.given(arguments["end_time"], "end_time")
    clock = f"this seller's clock says {times.written(now)}"
    if end <= start:
        raise Refusal("VALIDATION_ERROR", "A buy ends after it starts.", field="end_time")
    if end <= now:
        raise Refusal("VALIDATION_ERROR", f"end_time is past: {clock}.", field="end_time")
    if start < now - _LATE:
        raise Refusal("VALIDATION_ERROR", f"start_time is past: {clock}.", field="start_time")
    return start, end


def _wanted(seller: Seller, request: Request, now: datetime) -> list[Doc]:
    """The packages that are asked for, spelled out where a proposal stands for them. Raises: Refusal."""
    arguments = request.arguments
    if arguments.get("proposal_id"):
        if arguments.get("packages"):
            raise Refusal("VALIDATION_ERROR", "Buy packages or a proposal, not both.", field="proposal_id")
        return proposals.packages(seller, arguments, now)
    if not arguments.get("packages"):
        raise Refusal("VALIDATION_ERROR", "packages or proposal_id is required.", field="packages")
    return list(arguments["packages"])


def _check_total(arguments: Doc, currency: str, ordered: int) -> None:
    total = arguments.get("total_budget")
    if not total or arguments.get("proposal_id"):
        return
    if total["currency"] != currency:
        text = f"The packages are in {currency}."
        raise Refusal("VALIDATION_ERROR", text, field="total_budget.currency")
    if ordered > amounts.minor(total["amount"], currency, "total_budget.amount"):
        raise Refusal("BUDGET_EXCEEDED", "The packages cost more than the total.", field="total_budget.amount")


def _drafted(seller: Seller, request: Request, account: Doc) -> Doc:
    """The buy as it would be booked; nothing of it is kept yet, but creatives that came along. Raises: Refusal."""
    arguments, now = request.arguments, seller.now()
    start, end = _flight(arguments, now)
    wanted = _wanted(seller, request, now)
    currency = packages.chosen(seller, wanted[0], "packages[0]")[1].currency
    terms = Terms(start, end, now, currency)
    made = [packages.booked(seller, request, one, terms, f"packages[{n}]") for n, one in enumerate(wanted)]
    _check_total(arguments, currency, sum(one["budget"] for one in made))
    stamp = times.written(now)
    buy: Doc = {
        "media_buy_id": seller.new_id("mb"),
        "principal": request.principal,
        "account_id": account["account_id"],
        "account": account,
        "brand": arguments["brand"],
        "currency": currency,
        "start_time": times.written(start),
        "end_time": times.written(end),
        "paused": arguments.get("paused") is True and not seller.strikes("refuse_paused", request),
        "canceled": None,
        "approval": "approved",
        "rejection_reason": None,
        "confirmed_at": stamp,
        "revision": 1,
        "created_at": stamp,
        "updated_at": stamp,
        "history": [{"revision": 1, "timestamp": stamp, "actor": "buyer", "action": "created", "summary": "Ordered."}],
        "idempotency_fingerprint": codec.short_hash(arguments.get("idempotency_key") or ""),
        "packages": made,
        **{
            name: arguments[name]
            for name in ("name", "po_number", "proposal_id", "context", "ext")
            if arguments.get(name) is not None
        },
    }
    for number, one in enumerate(wanted):
        packages.dress(seller, request, account, buy, made[number], one, f"packages[{number}]")
    return buy


def _spoil(seller: Seller, request: Request, buy: Doc) -> None:
    """Books something other than was asked, where a fault says so."""
    if fault := seller.strikes("wrong_budget", request):
        for one in buy["packages"]:
            asked = one["budget"]
            one["budget"] = amounts.minor(Decimal(fault.value), buy["currency"], "wrong_budget") if fault.value else (
                asked + max(asked // 10, 1)
            )  # fmt: skip
            one["plans"][-1]["amount"] = one["budget"]
    if fault := seller.strikes("wrong_currency", request):
        other = fault.value or ("USD" if buy["currency"] == "EUR" else "EUR")
        buy["currency"] = other
        for one in buy["packages"]:
            one["currency"] = other
    if seller.strikes("wrong_dates", request):
        end = times.read(buy["end_time"]) + timedelta(days=1)
        buy["end_time"] = times.written(end)


def create(seller: Seller, request: Request) -> Doc:
    if fault := seller.strikes("reject", request):
        raise Refusal(fault.value, "The seller does not take this order.")
    account = accounts.resolve(seller, request)
    buy = _drafted(seller, request, account)
    _spoil(seller, request, buy)
    if fault := seller.strikes("needs_input", request):
        return tasks.open_task(seller, request, state="input-required", message=fault.value, buy=buy)
    if fault := seller.strikes("approval_after", request):
        due = seller.now() + timedelta(seconds=fault.seconds)
        return tasks.open_task(seller, request, state="submitted", due=due, buy=buy)
    if seller.strikes("approval", request):
        return tasks.open_task(seller, request, state="submitted", buy=buy)
    if seller.strikes("pending", request):
        buy |= {"approval": "pending", "confirmed_at": None}
    standing.refresh(seller, buy, seller.now())
    return created(seller, buy)


def created(seller: Seller, buy: Doc) -> Doc:
    """Source: AdCP 3.1, media-buy/create-media-buy-response.json."""
    state = standing.status(seller, buy, seller.now())
    return {
        "media_buy_id": buy["media_buy_id"],
        "account": accounts.doc(buy["account"]),
        "media_buy_status": state,
        "confirmed_at": buy["confirmed_at"],
        "revision": buy["revision"],
        "currency": buy["currency"],
        "total_budget": views.total(buy),
        "valid_actions": standing.valid_actions(state),
        "packages": [views.package(buy, one) for one in buy["packages"]],
        "sandbox": True,
    }


def chosen(seller: Seller, request: Request) -> list[Doc]:
    """The buys that the arguments speak of: by id, else by status, else the active ones. Raises: Refusal."""
    arguments, now = request.arguments, seller.now()
    account = accounts.find(seller, request)
    ids, asked = arguments.get("media_buy_ids"), arguments.get("status_filter")
    mine = [
        buy
        for buy in _candidates(seller, ids, account)
        if buy["principal"] == request.principal and (account is None or buy["account_id"] == account["account_id"])
    ]
    wanted = [asked] if isinstance(asked, str) else asked
    if ids is None and wanted is None:
        wanted = ["active"]
    return [buy for buy in mine if wanted is None or standing.status(seller, buy, now) in wanted]


def _candidates(seller: Seller, ids: list[str] | None, account: Doc | None) -> list[Doc]:
    if ids is None:
        return seller.ledger.all("media_buy", owner=account["account_id"] if account else None)
    found = (seller.ledger.get("media_buy", str(identity)) for identity in dict.fromkeys(ids))
    return [buy for buy in found if buy is not None]


def listed(seller: Seller, request: Request) -> Doc:
    arguments, now = request.arguments, seller.now()
    found, pagination = page(chosen(seller, request), arguments)
    snapshot, history = arguments.get("include_snapshot") is True, int(arguments.get("include_history") or 0)
    rows = [views.media_buy(seller, buy, now, snapshot=snapshot, history=history) for buy in found]
    return {"media_buys": rows, "pagination": pagination, "sandbox": True, **missing(seller, request)}


def missing(seller: Seller, request: Request) -> Doc:
    """Ids that are not the caller's to see; an error beside the rows, not instead of them."""
    ids = request.arguments.get("media_buy_ids") or []
    known = {buy["media_buy_id"] for buy in _candidates(seller, ids, None) if buy["principal"] == request.principal}
    gone = [name for name in ids if name not in known]
    rows = [
        Refusal("MEDIA_BUY_NOT_FOUND", f"There is no media buy {name!r}.", field="media_buy_ids").doc() for name in gone
    ]
    return {"errors": rows} if rows else {}


def find(seller: Seller, request: Request) -> Doc:
    """The buy that the arguments name. Raises: Refusal."""
    identity = str(request.arguments.get("media_buy_id"))
    buy = seller.ledger.get("media_buy", identity)
    if buy is None or buy["principal"] != request.principal:
        raise Refusal("MEDIA_BUY_NOT_FOUND", f"There is no media buy {identity!r}.", field="media_buy_id")
    return buy

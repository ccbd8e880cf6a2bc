"""update_media_buy: everything that one call asks for, or nothing of it."""

from __future__ import annotations

from datetime import datetime

from buyside.sandbox import Doc, accounts, amounts, buys, pacing, packages, standing, tasks, times, views
from buyside.sandbox.packages import Terms
from buyside.sandbox.refusals import Overtaken, Refusal
from buyside.sandbox.seller import Request, Seller

_REPLACED = ("pacing", "impressions", "targeting_overlay", "optimization_goals", "ext")


def update(seller: Seller, request: Request) -> Doc:
    buy = buys.find(seller, request)
    account = accounts.find(seller, request)
    if account is not None and account["account_id"] != buy["account_id"]:
        raise Refusal("MEDIA_BUY_NOT_FOUND", "The media buy is not of this account.", field="media_buy_id")
    if fault := seller.strikes("refuse_update", request):
        raise Refusal(fault.value, "The seller does not take this change.")
    if seller.strikes("stale_revision", request):
        standing.note(buy, "update_pacing", "The seller changed it first.", at=seller.now(), actor="seller")
        standing.refresh(seller, buy, seller.now())
        raise _conflict(buy)
    asked = request.arguments.get("revision")
    if asked is not None and asked != buy["revision"]:
        raise _conflict(buy)
    for name in ("approval", "approval_after"):
        if fault := seller.strikes(name, request):
            due = times.after(seller.now(), fault.seconds) if name == "approval_after" else None
            return tasks.open_task(seller, request, state="submitted", due=due)
    return applied(seller, request, buy, buy["account"], seller.now())


def _conflict(buy: Doc) -> Refusal:
    text = f"The media buy is at revision {buy['revision']}: read it again."
    return Overtaken("CONFLICT", text, field="revision", details={"current_revision": buy["revision"]})


def applied(seller: Seller, request: Request, buy: Doc, account: Doc, now: datetime) -> Doc:
    """Makes the change. `buy` is a copy of what is kept, so that a Refusal on the way leaves no trace."""
    arguments = request.arguments
    state = standing.status(seller, buy, now)
    if state in standing.FINAL:
        code = "NOT_CANCELLABLE" if arguments.get("canceled") else "INVALID_STATE"
        raise Refusal(code, f"The media buy is {state}.", field="media_buy_id")
    done: list[str] = []
    touched: list[str] = []
    if arguments.get("canceled"):
        buy["canceled"] = _cancellation(arguments, now)
        done.append("cancel")
    if _reflight(buy, arguments, now):
        done.append("update_dates")
        for one in standing.open_packages(buy):
            _replan(buy, one, now)
    for index, change in enumerate(arguments.get("packages") or []):
        touched.append(_change_package(seller, request, account, buy, change, f"packages[{index}]", now))
        done.append("update_packages")
    for index, wanted in enumerate(arguments.get("new_packages") or []):
        touched.append(_add_package(seller, request, account, buy, wanted, f"new_packages[{index}]", now))
        done.append("add_packages")
    if arguments.get("paused") is not None:
        buy["paused"] = arguments["paused"]
        done.append("pause" if buy["paused"] else "resume")
    if not done:
        raise Refusal("INVALID_REQUEST", "The update changes nothing.")
    standing.note(buy, done[0], ", ".join(dict.fromkeys(done)), at=now)
    standing.refresh(seller, buy, now)
    return _answer(seller, buy, touched, now)


def _answer(seller: Seller, buy: Doc, touched: list[str], now: datetime) -> Doc:
    """Source: AdCP 3.1, media-buy/update-media-buy-response.json."""
    state = standing.status(seller, buy, now)
    return {
        "media_buy_id": buy["media_buy_id"],
        "media_buy_status": state,
        "revision": buy["revision"],
        "currency": buy["currency"],
        "total_budget": views.total(buy),
        "implementation_date": times.written(now),
        "affected_packages": [views.package(buy, one) for one in buy["packages"] if one["package_id"] in touched],
        "valid_actions": standing.valid_actions(state),
        "sandbox": True,
    }


def _cancellation(arguments: Doc, now: datetime) -> Doc:
    reason = arguments.get("cancellation_reason")
    return {"canceled_at": times.written(now), "canceled_by": "buyer", **({"reason": reason} if reason else {})}


def _reflight(buy: Doc, arguments: Doc, now: datetime) -> bool:
    """Moves the flight. Raises: Refusal."""
    start, end = standing.flight(buy)
    asked, until = arguments.get("start_time"), arguments.get("end_time")
    new_start = start if not asked else now if asked == "asap" else times.given(asked, "start_time")
    new_end = times.given(until, "end_time") if until else end
    if (new_start, new_end) == (start, end):
        return bool(asked or until)
    if new_start != start and now >= start:
        raise Refusal("INVALID_STATE", "The flight has begun: its start cannot be moved.", field="start_time")
    if new_end <= max(new_start, now):
        raise Refusal("VALIDATION_ERROR", "A buy ends after it starts, and after now.", field="end_time")
    buy["start_time"], buy["end_time"] = times.written(new_start), times.written(new_end)
    return True


def _replan(buy: Doc, package: Doc, now: datetime) -> None:
    start, end = standing.flight(buy, package)
    pacing.replan(package, at=now, start=start, end=end)


def _change_package(
    seller: Seller, request: Request, account: Doc, buy: Doc, change: Doc, at: str, now: datetime
) -> str:
    """Raises: Refusal."""
    identity = str(change["package_id"])
    package = next((one for one in buy["packages"] if one["package_id"] == identity), None)
    if package is None:
        raise Refusal("PACKAGE_NOT_FOUND", f"There is no package {identity!r}.", field=f"{at}.package_id")
    if package["canceled"]:
        raise Refusal("INVALID_STATE", "The package is canceled.", field=f"{at}.package_id")
    if change.get("canceled"):
        package["canceled"] = _cancellation(change, now)
    if change.get("paused") is not None:
        package["paused"] = change["paused"]
    _change_money(seller, buy, package, change, at, now)
    for name in _REPLACED:
        if name in change:
            package[name] = change[name]
    if change.get("creative_assignments") is not None:
        package["creative_assignments"] = []
    packages.dress(seller, request, account, buy, package, change, at)
    return identity


def _change_money(seller: Seller, buy: Doc, package: Doc, change: Doc, at: str, now: datetime) -> None:
    _, option = packages.chosen(seller, package, at)
    named = [name for name in ("budget", "bid_price", "start_time", "end_time") if change.get(name) is not None]
    if "budget" in named:
        budget = amounts.minor(change["budget"], package["currency"], f"{at}.budget")
        packages.check_budget(option, budget, f"{at}.budget")
        if budget < pacing.spent(package, now):
            raise Refusal("BUDGET_TOO_LOW", "More than that is spent already.", field=f"{at}.budget")
        package["budget"] = budget
    if "bid_price" in named:
        offered = packages.bid(option, change, at)
        package["bid"] = None if offered is None else str(offered)
    for name in ("start_time", "end_time"):
        if name in named:
            package[name] = times.written(times.given(change[name], f"{at}.{name}"))
    start, end = standing.flight(buy, package)
    if end <= start:
        raise Refusal("VALIDATION_ERROR", "A package ends after it starts.", field=f"{at}.end_time")
    if named:
        _replan(buy, package, now)


def _add_package(seller: Seller, request: Request, account: Doc, buy: Doc, wanted: Doc, at: str, now: datetime) -> str:
    start, end = standing.flight(buy)
    package = packages.booked(seller, request, wanted, Terms(start, end, now, buy["currency"]), at)
    packages.dress(seller, request, account, buy, package, wanted, at)
    buy["packages"].append(package)
    return str(package["package_id"])

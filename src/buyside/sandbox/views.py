"""Buys and packages as answers show them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from buyside.sandbox import Doc, amounts, standing, times
from buyside.sandbox.metering import Meter
from buyside.sandbox.seller import Seller

_COPIED = (
    "pacing", "impressions", "targeting_overlay", "optimization_goals", "format_option_refs", "context", "ext",
    "start_time", "end_time",
)  # fmt: skip


def total(buy: Doc) -> int | float:
    return amounts.major(sum(package["budget"] for package in standing.open_packages(buy)), buy["currency"])


def package(buy: Doc, one: Doc) -> Doc:
    """Source: AdCP 3.1, core/package.json."""
    own: Doc = {name: one[name] for name in _COPIED if one.get(name) is not None}
    start, end = standing.flight(buy, one)
    shown: Doc = {
        "package_id": one["package_id"],
        "product_id": one["product_id"],
        "pricing_option_id": one["pricing_option_id"],
        "budget": amounts.major(one["budget"], one["currency"]),
        "currency": one["currency"],
        "paused": one["paused"],
        "canceled": bool(one["canceled"]),
        "format_ids": one["format_ids"],
        "creative_assignments": one["creative_assignments"],
        **own,
        "start_time": times.written(start),
        "end_time": times.written(end),
    }
    if one["bid"] is not None:
        shown["bid_price"] = amounts.plain(Decimal(one["bid"]))
    if one["canceled"]:
        shown["cancellation"] = one["canceled"]
    return shown


def buy_package(seller: Seller, buy: Doc, one: Doc, *, snapshot: bool) -> Doc:
    """As `package`, with the approvals and, when asked for, what was delivered so far."""
    shown = {name: value for name, value in package(buy, one).items() if name != "creative_assignments"}
    found = [(each["creative_id"], standing.creative(seller, buy, each["creative_id"]))
             for each in one["creative_assignments"]]  # fmt: skip
    shown["creative_approvals"] = [
        {"creative_id": name, "approval_status": creative["status"]} for name, creative in found if creative is not None
    ]
    if not shown["creative_approvals"] and not standing.is_ready(seller, buy, one):
        shown["format_ids_pending"] = one["format_ids"]
    if snapshot:
        shown["snapshot"] = _snapshot(seller, buy, one)
    return shown


def _snapshot(seller: Seller, buy: Doc, one: Doc) -> Doc:
    now = seller.now()
    count = Meter(seller, one).until(now)
    delivering = standing.status(seller, buy, now) == "active" and bool(one["live"]) and one["live"][-1][1] is None
    return {
        "as_of": times.written(now),
        "staleness_seconds": 0,
        "impressions": count.impressions,
        "spend": amounts.major(count.spent, one["currency"]),
        "clicks": count.clicks,
        "currency": one["currency"],
        "delivery_status": "delivering" if delivering else "not_delivering",
    }


def media_buy(seller: Seller, buy: Doc, now: datetime, *, snapshot: bool = False, history: int = 0) -> Doc:
    """Source: AdCP 3.1, media-buy/get-media-buys-response.json."""
    claimed = seller.faults.find("claims_status", "get_media_buys")
    state = claimed.value if claimed else standing.status(seller, buy, now)
    shown: Doc = {
        "media_buy_id": buy["media_buy_id"],
        "account": {name: value for name, value in buy["account"].items() if name != "principal"},
        "status": state,
        "status_as_of": times.written(now),
        "currency": buy["currency"],
        "total_budget": total(buy),
        "start_time": buy["start_time"],
        "end_time": buy["end_time"],
        "confirmed_at": buy["confirmed_at"],
        "revision": buy["revision"],
        "created_at": buy["created_at"],
        "updated_at": buy["updated_at"],
        "valid_actions": standing.valid_actions(state),
        "packages": [buy_package(seller, buy, one, snapshot=snapshot) for one in buy["packages"]],
    }
    if buy["canceled"]:
        shown["cancellation"] = buy["canceled"]
    if state == "rejected":
        shown["rejection_reason"] = buy["rejection_reason"] or "The flight ended before the order was approved."
    if history:
        shown["history"] = list(reversed(buy["history"]))[:history]
    return shown | {name: buy[name] for name in ("context", "ext") if buy.get(name) is not None}

"""How a buy stands: its status, which follows from the clock, its creatives and its approval, and what it permits."""

from __future__ import annotations

from datetime import datetime

from buyside.sandbox import Doc, pacing, times
from buyside.sandbox.seller import Seller

FINAL = frozenset({"completed", "rejected", "canceled"})
_CHANGES = ["cancel", "update_budget", "update_dates", "update_packages", "sync_creatives", "add_packages"]


def flight(buy: Doc, package: Doc | None = None) -> tuple[datetime, datetime]:
    """That of the package where it has its own, else that of the buy."""
    own = package or {}
    start, end = own.get("start_time") or buy["start_time"], own.get("end_time") or buy["end_time"]
    return times.read(start), times.read(end)


def open_packages(buy: Doc) -> list[Doc]:
    return [package for package in buy["packages"] if not package["canceled"]]


def creative(seller: Seller, buy: Doc, creative_id: str) -> Doc | None:
    return seller.ledger.get("creative", f"{buy['account_id']}/{creative_id}")


def is_ready(seller: Seller, buy: Doc, package: Doc) -> bool:
    """It has what it needs to be shown: an approved creative, or one that the publisher makes."""
    product = seller.catalogue.product(package["product_id"])
    if product is not None and product.made_by_publisher:
        return True
    found = (creative(seller, buy, one["creative_id"]) for one in package["creative_assignments"])
    return any(one is not None and one["status"] == "approved" for one in found)


def is_paused(buy: Doc) -> bool:
    packages = open_packages(buy)
    return bool(buy["paused"]) or (bool(packages) and all(package["paused"] for package in packages))


def status(seller: Seller, buy: Doc, now: datetime) -> str:
    """Source: AdCP 3.1, enums/media-buy-status.json; a pause that was asked for shows before what is missing."""
    start, end = flight(buy)
    if buy["canceled"]:
        return "canceled"
    if buy["approval"] == "rejected":
        return "rejected"
    if now >= end:
        return "completed" if buy["approval"] == "approved" else "rejected"
    if is_paused(buy):
        return "paused"
    if not any(is_ready(seller, buy, package) for package in open_packages(buy)):
        return "pending_creatives"
    return "active" if buy["approval"] == "approved" and now >= start else "pending_start"


def valid_actions(state: str) -> list[str]:
    if state in FINAL:
        return []
    return ["resume" if state == "paused" else "pause", *_CHANGES]


def refresh(seller: Seller, buy: Doc, at: datetime) -> None:
    """Starts and stops the packages as the buy now stands, and keeps the buy. To be called after every change."""
    approved = buy["approval"] == "approved" and not buy["canceled"]
    for package in buy["packages"]:
        stopped = buy["paused"] or package["paused"] or package["canceled"]
        pacing.switch(package, live=bool(approved and not stopped and is_ready(seller, buy, package)), at=at)
        seller.ledger.put("package", package["package_id"], {"media_buy_id": buy["media_buy_id"]})
    seller.ledger.put("media_buy", buy["media_buy_id"], buy, owner=buy["account_id"])


def note(buy: Doc, action: str, summary: str, *, at: datetime, actor: str = "buyer") -> None:
    """The next revision, with its line in the history."""
    buy["revision"] += 1
    buy["updated_at"] = times.written(at)
    line = {"revision": buy["revision"], "timestamp": buy["updated_at"], "actor": actor, "action": action}
    buy["history"].append({**line, "summary": summary})

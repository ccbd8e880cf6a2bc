"""Our orders as AdCP arguments, 3.1 and 3.0. Amounts stay decimal until they are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from buyside.connectors.adcp.reading import mapping, text
from buyside.domain.money import Money
from buyside.domain.orders import AccountRef, BuyChange, BuyOrder, CreativeSync, PackageChange, PackageOrder
from buyside.domain.products import ProductQuery
from buyside.domain.storefronts import SellerProfile

NEWEST = "3.1"
SPOKEN = ("3.1", "3.0")
# A read without one of these would be another question.
KEPT = frozenset({"brief", "buying_mode", "refine", "task_id", "start_date", "end_date"})
BUY_STATUSES = ("pending_creatives", "pending_start", "active", "paused", "completed", "rejected", "canceled")


def release(profile: SellerProfile | None) -> str:
    """The AdCP release to speak: the newer of ours that the seller declares; one that declares none is read as 3.0."""
    declared = profile.versions if profile else ()
    return next((each for each in SPOKEN if each in declared), "3.0")


def version_fields(profile: SellerProfile | None, tool: str) -> dict[str, Any]:
    """AdCP's version envelope, as far as it is declared or the tool lists it: many sellers refuse what they do not."""
    shape = profile.tools.get(tool) if profile else None
    fields: dict[str, Any] = {"adcp_major_version": 3, "adcp_version": release(profile)}
    listed = set(shape.keys) if shape else set()
    if profile is None or not profile.versions:
        fields.pop("adcp_version")
        return {name: value for name, value in fields.items() if name in listed}
    if not any(each in SPOKEN for each in profile.versions):
        fields.pop("adcp_version")
    closed = shape is not None and shape.closed
    return {name: value for name, value in fields.items() if not closed or name in listed}


def account(ref: AccountRef) -> dict[str, Any]:
    if ref.account_id is not None:
        return {"account_id": ref.account_id}
    natural = {"brand": brand(ref.brand_domain), "operator": ref.operator_domain.lower()}
    return {**natural, "sandbox": True} if ref.sandbox else natural


def brand(domain: str) -> dict[str, Any]:
    return {"domain": domain.lower()}


def moment(when: datetime) -> str:
    return when.astimezone(UTC).isoformat().replace("+00:00", "Z")


def get_products(query: ProductQuery) -> dict[str, Any]:
    return {
        "buying_mode": query.mode,
        "brief": query.brief or None,
        "brand": brand(query.brand_domain) if query.brand_domain else None,
        "filters": dict(query.filters) or None,
        "refine": [dict(each) for each in query.refine] or None,
        "account": account(query.account) if query.account else None,
    }


def create_media_buy(order: BuyOrder, key: str, *, release: str) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "idempotency_key": key,
        "account": account(order.account),
        "brand": brand(order.account.brand_domain),
        "start_time": "asap" if order.start is None else moment(order.start),
        "end_time": moment(order.end),
        "packages": [_package(each, paused=order.paused) for each in order.packages],
        "context": {"internal_campaign_id": order.campaign_id, "media_buy_id": order.media_buy_id},
    }
    if order.paused and release != "3.0":
        arguments["paused"] = True
    return arguments


def _package(order: PackageOrder, *, paused: bool) -> dict[str, Any]:
    return {
        "product_id": order.product_id,
        "pricing_option_id": order.pricing_option_id,
        "budget": order.budget.major,
        "bid_price": order.bid,
        "pacing": order.pacing,
        "paused": True if paused or order.paused else None,
        "start_time": moment(order.start) if order.start else None,
        "end_time": moment(order.end) if order.end else None,
        "targeting_overlay": dict(order.targeting) or None,
        "creative_assignments": [{"creative_id": each} for each in order.creative_ids] or None,
        "optimization_goals": [dict(each) for each in order.optimization_goals] or None,
        "context": {"buyer_ref": order.buyer_ref},
    }


def update_media_buy(change: BuyChange, key: str) -> dict[str, Any]:
    """`canceled` has no false in AdCP: nothing is brought back."""
    return {
        "idempotency_key": key,
        "account": account(change.account),
        "media_buy_id": change.seller_buy_id,
        "revision": change.revision,
        "paused": change.paused,
        "canceled": True if change.canceled else None,
        "cancellation_reason": change.reason if change.canceled else None,
        "start_time": "asap" if change.asap else moment(change.start) if change.start else None,
        "end_time": moment(change.end) if change.end else None,
        "packages": [_package_change(each, change.reason) for each in change.packages] or None,
    }


def _package_change(change: PackageChange, reason: str | None) -> dict[str, Any]:
    assigned, goals = change.creative_ids, change.optimization_goals
    return {
        "package_id": change.package_id,
        "budget": _major(change.budget),
        "bid_price": change.bid,
        "paused": change.paused,
        "canceled": True if change.canceled else None,
        "cancellation_reason": reason if change.canceled else None,
        "pacing": change.pacing,
        "start_time": moment(change.start) if change.start else None,
        "end_time": moment(change.end) if change.end else None,
        "targeting_overlay": None if change.targeting is None else dict(change.targeting),
        "optimization_goals": None if goals is None else [dict(each) for each in goals],
        "creative_assignments": None if assigned is None else [{"creative_id": each} for each in assigned],
    }


def _major(money: Money | None) -> object:
    return None if money is None else money.major


def sync_creatives(sync: CreativeSync, key: str) -> dict[str, Any]:
    return {
        "idempotency_key": key,
        "account": account(sync.account),
        "creatives": [
            {
                "creative_id": each.creative_id,
                "name": each.name,
                "format_id": dict(each.format_id) if each.format_id else None,
                "assets": dict(each.assets),
            }
            for each in sync.creatives
        ],
        "assignments": [
            {"creative_id": creative_id, "package_id": package_id} for creative_id, package_id in sync.assignments
        ]
        or None,
    }


def sync_accounts(ref: AccountRef, billing: str, key: str) -> dict[str, Any]:
    entry = {
        "brand": brand(ref.brand_domain),
        "operator": ref.operator_domain.lower(),
        "billing": billing,
        "sandbox": True if ref.sandbox else None,
    }
    return {"idempotency_key": key, "accounts": [entry]}


def get_media_buys(ref: AccountRef, seller_buy_ids: Sequence[str]) -> dict[str, Any]:
    """Every status is asked for by name: the protocol's default shows active buys only."""
    return {
        "account": account(ref),
        "media_buy_ids": list(seller_buy_ids) or None,
        "status_filter": list(BUY_STATUSES),
    }


def next_page(arguments: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any] | None:
    """The arguments for the page after the one answered; None when it was the last."""
    stated = mapping(data, "pagination")
    cursor = text(stated, "cursor", "next_cursor")
    if cursor is None or stated.get("has_more") is False:
        return None
    return {**arguments, "pagination": {"cursor": cursor}}


def get_media_buy_delivery(ref: AccountRef, seller_buy_ids: Sequence[str], start: date, end: date) -> dict[str, Any]:
    """`end` is exclusive, in AdCP as with us."""
    return {
        "account": account(ref),
        "media_buy_ids": list(seller_buy_ids),
        "status_filter": list(BUY_STATUSES),
        "start_date": start.isoformat(),
        "end_date": end.isoformat(),
        "include_package_daily_breakdown": True,
    }


def get_task_status(task_id: str, ref: AccountRef) -> dict[str, Any]:
    return {"task_id": task_id, "account": account(ref), "include_result": True}


def tasks_get(task_id: str, ref: AccountRef, *, scoped: bool) -> dict[str, Any]:
    """The older form. `scoped`: it lists an account, and then finds no task without the one that it was given for."""
    return {"task_id": task_id, "account": account(ref)} if scoped else {"task_id": task_id}


# What must reach the seller for the order to mean what we mean: if the tool does not take it, nothing is sent.
_ESSENTIAL_BUY = """
packages end_time start_time packages.product_id packages.pricing_option_id packages.budget packages.bid_price
packages.targeting_overlay packages.start_time packages.end_time
"""
_ESSENTIAL_CHANGE = """
media_buy_id paused canceled start_time end_time packages packages.package_id packages.budget packages.bid_price
packages.paused packages.canceled packages.creative_assignments packages.pacing packages.targeting_overlay
packages.start_time packages.end_time packages.optimization_goals
"""
_ESSENTIAL = {
    "create_media_buy": frozenset(_ESSENTIAL_BUY.split()),
    "update_media_buy": frozenset(_ESSENTIAL_CHANGE.split()),
    "sync_creatives": frozenset(["creatives", "creatives.creative_id", "creatives.assets"]),
    "sync_accounts": frozenset(["accounts", "accounts.brand", "accounts.operator"]),
}


def is_essential(tool: str, path: str) -> bool:
    """Whether an order without the argument at `path` (list positions left out) would be another order."""
    essential = _ESSENTIAL.get(tool, frozenset())
    return path in essential or any(path.startswith(each + ".") for each in essential if each.endswith("overlay"))


def is_sandboxed(tool: str, arguments: Mapping[str, Any]) -> bool:
    """Whether the order is for sandbox money. An account id carries no such mark: the account itself has it."""
    accounts = arguments.get("accounts") if tool == "sync_accounts" else [arguments.get("account")]
    return isinstance(accounts, list) and any(mapping({"": each}, "").get("sandbox") is True for each in accounts)


def marks_sandbox(tool: str, path: str) -> bool:
    """Whether losing the argument at `path` would turn a sandbox order into a real one."""
    if tool == "sync_accounts":
        return path == "accounts.sandbox"
    return tool == "create_media_buy" and path in ("account", "account.sandbox")

"""What sellers report back: media buys, creatives' and accounts' fate, delivery."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from buyside.connectors.adcp.reading import amount, count, day, flag, instant, items, mapping, text, texts
from buyside.domain.orders import (
    AccountRef,
    AccountVerdict,
    CreativeVerdict,
    DeliveryRow,
    ObservedBuy,
    ObservedPackage,
)

# Words that the root status of an answer has of the task. "canceled" and "rejected" beside a buy's id are the buy's.
_TASK_WORDS = {"submitted", "working", "input-required", "completed", "failed", "auth-required", "unknown"}


def answered_buy(data: Mapping[str, Any]) -> ObservedBuy | None:
    """The buy in the answer to a create or an update.

    Its status is `media_buy_status`. Older sellers put it in the root `status`, where the task's stands: a word that
    tasks have too says nothing of the buy.
    """
    root = text(data, "status")
    status = text(data, "media_buy_status") or (root if root not in _TASK_WORDS else None)
    return observed_buy(data, status)


def listed_buys(data: Mapping[str, Any]) -> list[ObservedBuy]:
    found = (observed_buy(each, text(each, "status", "media_buy_status")) for each in items(data, "media_buys"))
    return [each for each in found if each is not None]


def observed_buy(raw: Mapping[str, Any], status: str | None) -> ObservedBuy | None:
    seller_buy_id = text(raw, "media_buy_id")
    if seller_buy_id is None:
        return None
    currency = _currency(raw) or _currency(mapping(raw, "total_budget"))
    paused = flag(raw, "paused")
    return ObservedBuy(
        seller_buy_id=seller_buy_id,
        status=status,
        revision=count(raw, "revision"),
        packages=tuple(_packages(raw, currency)),
        currency=currency,
        total_budget=_first(amount(raw, "total_budget"), amount(mapping(raw, "total_budget"), "amount")),
        start=instant(raw, "start_time"),
        end=instant(raw, "end_time"),
        paused=paused if paused is not None else (True if status == "paused" else None),
        confirmed_at=instant(raw, "confirmed_at"),
        context_id=text(mapping(raw, "context"), "media_buy_id"),
        valid_actions=_actions(raw),
        message=text(raw, "rejection_reason", "message"),
        creative_deadline=instant(raw, "creative_deadline"),
    )


def _currency(raw: Mapping[str, Any]) -> str | None:
    stated = text(raw, "currency")
    return stated.upper() if stated else None


def _actions(raw: Mapping[str, Any]) -> tuple[str, ...]:
    flat = texts(raw, "valid_actions")
    return flat or tuple(found for each in items(raw, "available_actions") if (found := text(each, "action")))


def _packages(raw: Mapping[str, Any], currency: str | None) -> Iterator[ObservedPackage]:
    """`affected_packages` is what an update answers with."""
    seen: set[str] = set()
    for each in (*items(raw, "packages"), *items(raw, "affected_packages")):
        package_id = text(each, "package_id")
        if package_id is None or package_id in seen:
            continue
        seen.add(package_id)
        yield _package(each, package_id, currency)


def _package(raw: Mapping[str, Any], package_id: str, currency: str | None) -> ObservedPackage:
    charged = mapping(raw, "pricing_option") or mapping(raw, "pricing")
    return ObservedPackage(
        package_id=package_id,
        product_id=text(raw, "product_id"),
        buyer_ref=text(mapping(raw, "context"), "buyer_ref") or text(raw, "buyer_ref"),
        status="canceled" if flag(raw, "canceled") else text(raw, "status"),
        paused=flag(raw, "paused"),
        budget=_budget(raw),
        currency=_currency(raw) or _currency(mapping(raw, "budget")) or currency,
        pricing_option_id=text(raw, "pricing_option_id") or text(charged, "pricing_option_id"),
        price=_first(amount(charged, "fixed_price", "rate"), amount(raw, "fixed_price", "price")),
        bid=amount(raw, "bid_price"),
        creative_ids=_creatives(raw),
    )


def _budget(raw: Mapping[str, Any]) -> Decimal | None:
    return _first(amount(raw, "budget"), amount(mapping(raw, "budget"), "amount", "total"))


def _first(*values: Decimal | None) -> Decimal | None:
    return next((each for each in values if each is not None), None)


def _creatives(raw: Mapping[str, Any]) -> tuple[str, ...]:
    assigned = (*items(raw, "creative_assignments"), *items(raw, "creative_approvals"))
    return tuple(dict.fromkeys(found for each in assigned if (found := text(each, "creative_id"))))


def creative_verdicts(data: Mapping[str, Any]) -> list[CreativeVerdict]:
    found = []
    for each in items(data, "creatives"):
        creative_id = text(each, "creative_id")
        if creative_id is not None:
            action = text(each, "action") or ("failed" if each.get("errors") else "unchanged")
            status = text(each, "status", "approval_status")
            found.append(CreativeVerdict(creative_id, action, status, _why(each)))
    return found


def _why(raw: Mapping[str, Any]) -> str | None:
    """What was wrong, from wherever it is said: error objects, plain strings, a message."""
    errors = [said for each in items(raw, "errors") if (said := text(each, "message", "code"))]
    return "; ".join([*errors, *texts(raw, "errors")]) or text(raw, "message", "rejection_reason")


def account_verdict(data: Mapping[str, Any], ref: AccountRef) -> AccountVerdict | None:
    """The entry for our account; one that names no brand and stands alone is ours too."""
    listed = list(items(data, "accounts"))
    named = [each for each in listed if _is_ours(each, ref)]
    unnamed = [each for each in listed if not _domain(each)] if len(listed) == 1 else []
    entry = next(iter(named or unnamed), None)
    if entry is None:
        return None
    failed = text(entry, "action") == "failed"
    status = text(entry, "status") or ("rejected" if failed else "active")
    setup = text(mapping(entry, "setup"), "message")
    return AccountVerdict(
        account_id=text(entry, "account_id") or text(mapping(entry, "account"), "account_id"),
        status="rejected" if failed and status == "active" else status,
        message=_why(entry) or setup,
    )


def _domain(raw: Mapping[str, Any]) -> str | None:
    return text(mapping(raw, "brand"), "domain") or text(mapping(mapping(raw, "account"), "brand"), "domain")


def _is_ours(raw: Mapping[str, Any], ref: AccountRef) -> bool:
    operator = text(raw, "operator") or text(mapping(raw, "account"), "operator")
    domain, sandbox = _domain(raw), flag(raw, "sandbox")
    same = domain is not None and domain.lower() == ref.brand_domain.lower()
    return (
        same
        and (operator is None or operator.lower() == ref.operator_domain.lower())
        and (sandbox is None or sandbox == ref.sandbox)
    )


def delivery_rows(data: Mapping[str, Any], seller_buy_ids: Sequence[str]) -> list[DeliveryRow]:
    """Totals per package (day None), and days where they are given. Totals and days are two views of the same spend:
    never add one to the other. A buy that is not broken down by package is one row without a package."""
    wanted = set(seller_buy_ids)
    rows: list[DeliveryRow] = []
    for each in items(data, "media_buy_deliveries"):
        seller_buy_id = text(each, "media_buy_id")
        if seller_buy_id is not None and (not wanted or seller_buy_id in wanted):
            rows += _of_buy(each, seller_buy_id, _currency(each) or _currency(data))
    return rows


def _of_buy(raw: Mapping[str, Any], seller_buy_id: str, currency: str | None) -> Iterator[DeliveryRow]:
    packages = [each for each in items(raw, "by_package") if text(each, "package_id")]
    final = flag(raw, "is_final") is True
    if not packages:
        yield _row({**raw, **mapping(raw, "totals")}, seller_buy_id, None, currency, final)
    for each in packages:
        yield _row(each, seller_buy_id, text(each, "package_id"), currency, final)
    days = [(each, one) for each in packages for one in items(each, "daily_breakdown")]
    if not days:
        days = [({}, one) for one in items(raw, "daily_breakdown")]
    for each, one in days:
        if day(one, "date") is not None:
            merged = {**one, "currency": text(one, "currency") or text(each, "currency")}
            yield _row(merged, seller_buy_id, text(each, "package_id"), currency, final)


def _row(
    raw: Mapping[str, Any], seller_buy_id: str, package_id: str | None, currency: str | None, final: bool
) -> DeliveryRow:
    return DeliveryRow(
        seller_buy_id=seller_buy_id,
        package_id=package_id,
        day=day(raw, "date"),
        impressions=count(raw, "impressions") or 0,
        clicks=count(raw, "clicks"),
        spend=amount(raw, "spend") or Decimal(0),
        currency=_currency(raw) or currency,
        views=count(raw, "views"),
        completed_views=count(raw, "completed_views", "video_completions"),
        conversions=count(raw, "conversions"),
        leads=count(raw, "leads"),
        conversion_value=amount(raw, "conversion_value"),
        is_final=flag(raw, "is_final") is True or final,
    )

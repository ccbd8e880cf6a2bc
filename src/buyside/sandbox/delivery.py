"""What was delivered, by buy, package and day, up to the seller's own now."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction

from buyside.sandbox import Doc, amounts, buys, standing, times
from buyside.sandbox.metering import Count, Meter
from buyside.sandbox.refusals import Refusal
from buyside.sandbox.seller import Request, Seller


def _period(arguments: Doc, found: list[Doc], now: datetime) -> tuple[datetime, datetime]:
    """start_date is included, end_date is not; without them, from the first flight until now. Raises: Refusal."""
    starts = [standing.flight(buy)[0] for buy in found]
    start, end = min([*starts, now]), now
    if arguments.get("start_date"):
        start = times.given_day(arguments["start_date"], "start_date")
    if arguments.get("end_date"):
        end = times.given_day(arguments["end_date"], "end_date")
        if end <= start:
            raise Refusal("VALIDATION_ERROR", "end_date is after start_date.", field="end_date")
    return start, max(start, min(end, now))


def report(seller: Seller, request: Request) -> Doc:
    """Source: AdCP 3.1, media-buy/get-media-buy-delivery-response.json."""
    arguments, now = request.arguments, seller.now()
    found = buys.chosen(seller, request)
    start, end = _period(arguments, found, now)
    by_day = arguments.get("include_package_daily_breakdown") is True and not seller.faults.on("totals_only")
    delivered = [_delivered(seller, buy, start, end, by_day=by_day) for buy in found]
    currencies = {buy["currency"] for buy in found}
    answer: Doc = {
        "reporting_period": {"start": times.written(start), "end": times.written(end)},
        "currency": found[0]["currency"] if found else "USD",
        "media_buy_deliveries": [doc for _, doc in delivered],
        "sandbox": True,
        **buys.missing(seller, request),
    }
    if len(currencies) == 1:
        # Sums over currencies would mean nothing.
        totals = _sum([count for count, _ in delivered]).doc(answer["currency"])
        answer["aggregated_totals"] = {**totals, "media_buy_count": len(found)}
    return answer


def _delivered(seller: Seller, buy: Doc, start: datetime, end: datetime, *, by_day: bool) -> tuple[Count, Doc]:
    opens, closes = standing.flight(buy)
    days = times.days(max(start, opens), min(end, closes))
    state = standing.status(seller, buy, seller.now())
    fault = seller.faults.find("restate", "get_media_buy_delivery")
    part = Fraction(fault.value) / 100 if fault else Fraction(1)
    meters = {one["package_id"]: Meter(seller, one, part) for one in buy["packages"]}
    rows = [_package(seller, buy, one, meters[one["package_id"]], (start, end), days if by_day else None)
            for one in buy["packages"]]  # fmt: skip
    currency = buy["currency"]
    whole = _sum([_between(meter, start, end) for meter in meters.values()])
    shown: Doc = {
        "media_buy_id": buy["media_buy_id"],
        "status": state,
        "is_final": state in standing.FINAL,
        "totals": whole.doc(currency),
        "by_package": rows,
    }
    if not seller.faults.on("totals_only"):
        counts = [(since, _sum([_between(meter, since, to) for meter in meters.values()])) for since, to in days]
        shown["daily_breakdown"] = [_day(since, count, currency) for since, count in counts]
    return whole, shown


def _between(meter: Meter, start: datetime, end: datetime) -> Count:
    return meter.until(end) - meter.until(start)


def _sum(counts: list[Count]) -> Count:
    views = [count.completed_views for count in counts if count.completed_views is not None]
    return Count(
        sum(count.spent for count in counts),
        sum(count.impressions for count in counts),
        sum(count.clicks for count in counts),
        sum(views) if views else None,
    )


def _day(day: datetime, count: Count, currency: str) -> Doc:
    return {"date": day.date().isoformat(), **count.doc(currency)}


def _package(
    seller: Seller,
    buy: Doc,
    one: Doc,
    meter: Meter,
    period: tuple[datetime, datetime],
    days: list[tuple[datetime, datetime]] | None,
) -> Doc:
    now, currency = seller.now(), one["currency"]
    product = seller.catalogue.product(one["product_id"])
    option = product.option(one["pricing_option_id"]) if product else None
    assert option is not None
    _, closes = standing.flight(buy, one)
    shown: Doc = {
        "package_id": one["package_id"],
        **_between(meter, *period).doc(currency),
        "pricing_model": option.model,
        "rate": amounts.plain(option.paid(meter.bid)),
        "currency": currency,
        "paused": bool(one["paused"] or buy["paused"]),
        "delivery_status": "flight_ended" if now >= closes else "delivering",
    }
    spent = meter.until(now).spent
    if spent >= one["budget"]:
        shown["delivery_status"] = "budget_exhausted"
    if days is not None:
        shown["daily_breakdown"] = [_day(since, _between(meter, since, to), currency) for since, to in days]
    return shown

"""Proposals: several products in given shares, for a time at a given total."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from buyside.sandbox import Doc, amounts, times
from buyside.sandbox.packages import check_budget
from buyside.sandbox.refusals import Refusal
from buyside.sandbox.seller import Seller

_GOOD_FOR = timedelta(days=7)


def offered(seller: Seller, brief: str | None) -> list[Doc]:
    """The proposals as of now: from here on, the buyer has a week."""
    expires_at = times.written(seller.now() + _GOOD_FOR)
    rows = []
    for proposal in seller.catalogue.proposals():
        seller.ledger.put("proposal", proposal["proposal_id"], {"expires_at": expires_at})
        row = {**proposal, "proposal_status": "committed", "expires_at": expires_at}
        rows.append({**row, "brief_alignment": f"Put together for: {brief[:200]}"} if brief else row)
    return rows


def packages(seller: Seller, arguments: Doc, now: datetime) -> list[Doc]:
    """The packages that a proposal stands for, its total shared out without loss. Raises: Refusal."""
    identity = arguments["proposal_id"]
    proposal = next((one for one in seller.catalogue.proposals() if one["proposal_id"] == identity), None)
    if proposal is None:
        text = f"There is no proposal {identity!r}."
        raise Refusal("REFERENCE_NOT_FOUND", text, field="proposal_id")
    made = seller.ledger.get("proposal", identity)
    if made is not None and times.read(made["expires_at"]) <= now:
        raise Refusal("PROPOSAL_EXPIRED", f"{identity!r} expired at {made['expires_at']}.", field="proposal_id")
    total = arguments.get("total_budget")
    if not total:
        raise Refusal("VALIDATION_ERROR", "A proposal is bought for a total_budget.", field="total_budget")
    return _shared_out(seller, proposal, total)


def _shared_out(seller: Seller, proposal: Doc, total: Doc) -> list[Doc]:
    currency, rows = str(total["currency"]), proposal["allocations"]
    options = []
    for row in rows:
        product = seller.catalogue.product(row["product_id"])
        fits = [one for one in product.options if one.currency == currency] if product else []
        if not fits:
            text = f"{row['product_id']} is not sold in {currency}."
            raise Refusal("VALIDATION_ERROR", text, field="total_budget.currency")
        options.append(fits[0])
    whole = amounts.minor(total["amount"], currency, "total_budget.amount")
    parts = amounts.shares(whole, [Decimal(row["allocation_percentage"]) for row in rows])
    for option, part in zip(options, parts, strict=True):
        check_budget(option, part, "total_budget.amount")
    return [
        {
            "product_id": row["product_id"],
            "pricing_option_id": option.id,
            "budget": Decimal(part).scaleb(-amounts.PLACES[currency]),
        }
        for row, option, part in zip(rows, options, parts, strict=True)
    ]

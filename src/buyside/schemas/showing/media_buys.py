from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from buyside.domain import packaging, proposals
from buyside.domain.creatives import Creative
from buyside.domain.heads import Head, change_at, waiting_change
from buyside.domain.media_buys import Delivered, MediaBuy, Package
from buyside.domain.spending import Pace
from buyside.schemas import media_buys as wire
from buyside.schemas.edits import UpdateMediaBuyResponse
from buyside.schemas.pacing import PackagePacingPeriod
from buyside.schemas.showing import pacing as show
from buyside.schemas.targeting import TargetingOverlay
from buyside.services.campaigns.one_buy import Updated
from buyside.services.campaigns.status import BuyStatus, CampaignStanding, Operational, buy_operational
from buyside.services.media_buys import Changed


def ref(head: Head) -> wire.MediaBuyRef:
    at, change = head.outline.pending_at, head.outline.change_at
    return wire.MediaBuyRef(
        media_buy_id=head.id,
        status=head.status.value,
        pending_at=at.value if at else None,
        pending_change=wire.MediaBuyRefPendingChange(status="PENDING_APPROVAL", pending_at=change.value)
        if change
        else None,
    )


def _pending_change(buy: MediaBuy) -> wire.MediaBuyPendingChange | None:
    if (change := waiting_change(buy)) is None:
        return None
    after = proposals.applied(buy, change)
    old, new = buy.budget, buy.budget - buy.budget if change.canceled else after.budget
    had, has = proposals.attached(buy), proposals.attached(after)
    return wire.MediaBuyPendingChange(
        status="PENDING_APPROVAL",
        pending_at=change_at(change).value,
        reason=change.reason,
        differences=wire.MediaBuyDifferences(
            end_time=wire.PendingText(live=moment(buy.end), proposed=moment(after.end))
            if buy.end != after.end
            else None,
            budget=wire.PendingNumber(live=old.major, proposed=new.major) if old != new else None,
            creatives=wire.PendingTexts(live=had, proposed=has) if had != has else None,
        ),
        proposal_id=change.operation_id,
    )


def moment(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _state(buy: MediaBuy) -> dict[str, Any]:
    return {
        "pending_at": buy.pending.at.value if buy.pending else None,
        "pending_reason": buy.pending.reason.value if buy.pending else None,
        "pending_since": buy.pending.since if buy.pending else None,
        "error_code": buy.trouble.code.value if buy.trouble else None,
        "error_owner": buy.trouble.owner.value if buy.trouble else None,
        "source_message": buy.trouble.message if buy.trouble else None,
        "forwarded_at": buy.forwarded_at,
        "buyer_reference": f"sf:{buy.storefront_id}:{buy.id}",
    }


def _core(buy: MediaBuy) -> dict[str, Any]:
    return {
        "media_buy_id": buy.id,
        "name": buy.name,
        "status": buy.status.value,
        "start_time": buy.start.isoformat().replace("+00:00", "Z") if buy.start else "asap",
        "end_time": buy.end,
        "pending_change": _pending_change(buy),
        "created_at": buy.created_at,
        "updated_at": buy.updated_at,
        "optimization_goals": [dict(goal) for goal in buy.goals] or None,
        **_state(buy),
        "paused_by": buy.paused_by.value if buy.paused_by else None,
    }


def media_buy(buy: MediaBuy) -> wire.BuyerMediaBuyResponse:
    return wire.BuyerMediaBuyResponse(media_buy=wire.BuyerMediaBuy(**_core(buy)))


def updated(done: Updated) -> UpdateMediaBuyResponse:
    return UpdateMediaBuyResponse(media_buy=wire.BuyerMediaBuy(**_core(done.buy)), warnings=list(done.warnings) or None)


def changed(result: Changed) -> wire.MediaBuyStatusChangeResponse:
    return wire.MediaBuyStatusChangeResponse(
        media_buy_id=result.after.id,
        name=result.after.name,
        previous_status=result.before.status.value,
        new_status=result.after.status.value,
        success=result.error is None,
        error=result.error,
    )


def _delivery(buy: MediaBuy, delivered: Delivered | None) -> wire.BuyerPackageDelivery | None:
    if delivered is None:
        return None
    return wire.BuyerPackageDelivery(
        impressions=delivered.impressions, spend=buy.gross(delivered.spend), clicks=delivered.clicks
    )


def packages(buy: MediaBuy) -> wire.BuyerMediaBuyPackagesResponse:
    rows = [
        wire.BuyerPackage(
            package_id=package.package_id or f"{buy.id}_{package.ref}",
            product_id=package.product_id,
            product_name=package.product_name,
            status=_package_status(package),
            pacing_period=_period(package),
            start_time=package.start or buy.start,
            end_time=package.end or buy.end,
            budget=package.budget.major,
            budget_currency=package.budget.currency,
            pacing=package.pacing,
            delivery=_delivery(buy, package.delivered),
        )
        for package in sorted(buy.packages, key=lambda p: (p.product_id, p.period or 0))
    ]
    return wire.BuyerMediaBuyPackagesResponse(
        media_buy_id=buy.id, is_paced=packaging.is_paced(buy), package_count=len(rows), packages=rows
    )


def _period(package: Package) -> PackagePacingPeriod | None:
    return None if package.period is None else PackagePacingPeriod(index=package.period, label=package.period_label)


def _package_status(package: Package) -> Any:
    return package.status if package.status in {"paused", "canceled"} else "active"


def in_campaign(buy: MediaBuy, creatives: Sequence[Creative], *, details: bool) -> wire.CampaignMediaBuy:
    """As it stands inside its campaign; `details` false leaves the products' format options out."""
    return wire.CampaignMediaBuy(
        **_core(buy),
        revision=buy.seller_revision,
        valid_actions=list(buy.valid_actions) or None,
        budget_denomination="gross",
        budget_breakdown=_breakdown(buy),
        products=[_product(buy, package, details=details) for package in packaging.gathered(buy).packages],
        pacing_periods=show.periods(buy.pacing, packaging.shown_budgets(buy)) if buy.pacing else None,
        packages=_packages(buy, creatives),
        performance=_performance(buy),
        creatives=_creatives(buy, creatives, (c for p in buy.packages for c in p.creative_ids)) or None,
    )


def _breakdown(buy: MediaBuy) -> wire.BudgetBreakdown:
    media = buy.media
    fee = buy.budget - media
    rate = Decimal(fee.minor) * 100 / media.minor if media.minor else Decimal(0)
    return wire.BudgetBreakdown(
        media_budget=media.major,
        fee_amount=fee.major,
        fee_rate_percent=rate.quantize(Decimal("0.0001")).normalize(),
        effective_gross_cpm=None,
    )


def _product(buy: MediaBuy, package: Package, *, details: bool) -> wire.CampaignBuyProduct:
    options = [
        wire.CampaignFormatOption(
            format_kind=str(option["format_kind"]),
            params=dict(option.get("params") or {}),
            format_option_id=option.get("format_option_id"),
        )
        for option in package.format_options
        if option.get("format_kind")
    ]
    return wire.CampaignBuyProduct(
        product_id=package.product_id,
        product_name=package.product_name,
        publisher_name=package.publisher_name,
        sales_agent_name=buy.agent_name,
        budget=package.budget.major,
        budget_currency=package.budget.currency,
        format_options=(options or None) if details else None,
    )


def _packages(buy: MediaBuy, creatives: Sequence[Creative]) -> list[wire.CampaignPackage] | None:
    """The seller's packages: there are none before it booked."""
    booked = [package for package in buy.packages if package.package_id is not None]
    return [
        wire.CampaignPackage(
            package_id=str(package.package_id),
            status=package.status or "active",
            product_ids=[package.product_id],
            budget=package.budget.major,
            budget_currency=package.budget.currency,
            pacing=package.pacing,
            bid_price=package.bid,
            start_time=package.start,
            end_time=package.end,
            targeting_overlay=TargetingOverlay.model_validate(dict(package.targeting)) if package.targeting else None,
            delivery=_delivery(buy, package.delivered),
            creatives=_creatives(buy, creatives, package.creative_ids) or None,
        )
        for package in booked
    ] or None


def _performance(buy: MediaBuy) -> wire.Performance | None:
    if (got := buy.delivered) is None:
        return None
    return wire.Performance(
        impressions=got.impressions,
        spend=buy.gross(got.spend),
        clicks=got.clicks or 0,
        views=got.views or 0,
        completed_views=got.completed_views or 0,
        conversions=got.conversions or 0,
        leads=got.leads or 0,
        last_updated=buy.delivered_at,
    )


def _creatives(buy: MediaBuy, creatives: Sequence[Creative], ids: Iterable[str]) -> list[wire.CampaignBuyCreative]:
    by_id = {creative.id: creative for creative in creatives}
    shown = []
    for creative_id in dict.fromkeys(ids):
        creative = next((c for key, c in by_id.items() if key == creative_id), None)
        form = creative.spec.format_id if creative else None
        if creative is None or form is None:
            continue
        review = creative.reviews.get(buy.agent_id)
        said = wire.SourceSyncStatus(
            agent_id=buy.agent_id,
            source_id=None,
            approval_status=review.status if review else None,
            rejection_reason=review.message if review and review.status in {"failed", "rejected"} else None,
        )
        shown.append(
            wire.CampaignBuyCreative(
                creative_id=creative.id,
                name=creative.spec.name,
                format_id=wire.FormatId(id=str(form["id"]), agent_url=str(form["agent_url"])),
                status=review.status if review else "pending",
                source_sync_status=[said],
                storefront_review_status=None,
            )
        )
    return shown


def standing(found: CampaignStanding) -> wire.GetAdcpStatusOutput:
    return wire.GetAdcpStatusOutput(
        campaign_id=found.campaign.id,
        campaign_status=found.campaign.status.value,
        operational_status=_campaign_word(found.operational),
        media_buys=[_entry(each, found.paced.buys.get(each.after.id)) for each in found.buys],
        agents_queried=found.agents_queried,
        errors=[wire.AdcpStatusError(media_buy_id=b.after.id, error=b.error) for b in found.buys if b.error],
        blockers=[
            wire.AdcpStatusBlocker(code=b.after.trouble.code.value, message=b.after.trouble.message)
            for b in found.buys
            if b.after.trouble
        ],
        pending_creative_reviews=0,
        has_upstream_media_buy=any(b.after.seller_buy_id for b in found.buys),
        has_delivery=any(b.after.delivered and b.after.delivered.impressions for b in found.buys),
        pacing=pace(found.paced.campaign),
    )


def _campaign_word(state: Operational) -> Any:
    return state.value


def pace(found: Pace | None) -> wire.PaceShown | None:
    if found is None:
        return None
    return wire.PaceShown(
        verdict=found.verdict.value,
        budget=found.budget,
        spent=found.spent,
        expected_least=_cents(found.least),
        expected_most=_cents(found.most),
    )


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"))


def _entry(each: BuyStatus, found: Pace | None) -> wire.AdcpStatusEntry:
    buy, state = each.after, _state(each.after)
    return wire.AdcpStatusEntry(
        media_buy_id=buy.id,
        adcp_media_buy_id=buy.seller_buy_id,
        internal_status=buy.status.value,
        adcp_status=buy.seller_status,
        operational_status=_campaign_word(buy_operational(buy)),
        previous_internal_status=each.before.status.value,
        previous_adcp_status=each.before.seller_status,
        updated=(each.before.status, each.before.seller_status) != (buy.status, buy.seller_status),
        status_refresh_source=each.source.value,
        blockers=[b for b in (_blocker(buy), buy.trouble.message if buy.trouble else None) if b],
        pacing=pace(found),
        **{key: value for key, value in state.items() if key != "pending_at"},
    )


def _blocker(buy: MediaBuy) -> str | None:
    return buy.pending.reason.value if buy.pending else None
